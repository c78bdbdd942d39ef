"""Test cases that are copies of training cases, and structures that no label map has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.data.content import Content
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Leak:
    """Test cases of one split whose image is that of a training case."""

    dataset: str
    seed: int | None  # of the split; None where all seeds have the same test cases
    num_test: int
    pairs: tuple[tuple[str, str], ...]  # test case, training case

    @property
    def note(self) -> LeakNote:
        """The numbers alone, as they are kept with a run."""
        return LeakNote(
            dataset=self.dataset,
            seed=self.seed,
            test_cases=self.num_test,
            copies=len(self.pairs),
            first=self.pairs[0],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakNote:
    """The number of test cases that are copies of training cases, and the first pair."""

    dataset: str
    seed: int | None  # of the split; None where all seeds have the same test cases
    test_cases: int
    copies: int
    first: tuple[str, str]  # test case, training case

    @property
    def sentence(self) -> str:
        """The number of copies in words, without the stop; it marks every table of a report."""
        what = "is a copy of a training case" if self.copies == 1 else "are copies of training cases"
        under = "" if self.seed is None else f" under seed {self.seed}"
        return f"{self.copies} of {self.test_cases} test cases{under} {what}"


def leak_of(dataset: Dataset, seed: int | None) -> Leak | None:
    """The test cases of which an image file holds the voxels of one of a training case; None without any.

    Args:
        dataset: With its test cases drawn.
        seed: What they were drawn by, where that matters.
    """
    owner = {
        word: case for case in reversed(dataset.train) for word in _content(dataset, case).images if word
    }
    pairs = [
        (case, next(owner[word] for word in _content(dataset, case).images if word in owner))
        for case in dataset.test
        if not owner.keys().isdisjoint(_content(dataset, case).images)
    ]
    return Leak(dataset.name, seed, len(dataset.test), tuple(pairs)) if pairs else None


def doubtful(dataset: Dataset, seed: int | None) -> Iterator[str]:
    """Effects of a split on the scores that are no error, a sentence each without its stop.

    Label maps that are equal while the images differ may be drawn, or be chance where structures are few.
    """
    if not dataset.contents:
        return
    under = "" if seed is None else f" under seed {seed}"
    leak = leak_of(dataset, seed)
    leaked = {case for case, _ in leak.pairs} if leak else set()
    seen = {_content(dataset, case).label for case in dataset.train if _content(dataset, case).labels}
    alike = [case for case in dataset.test if case not in leaked and _content(dataset, case).label in seen]
    if alike:
        yield (
            f"{dataset.name}: {len(alike)} of {len(dataset.test)} test cases{under} have the label map of a "
            f"training case under another image, the first is {alike[0]}"
        )
    for number, name in enumerate(dataset.structures, start=1):
        for cases, kind, so in (
            (dataset.train, "training", "so no method can learn it"),
            (dataset.test, "test", "so its scores only tell whether a method predicts any of it"),
        ):
            if all(number not in _content(dataset, case).labels for case in cases):
                yield f"{dataset.name}: no {kind} case{under} has label {number} ({name}), {so}"


def _content(dataset: Dataset, case: str) -> Content:
    return dataset.contents.get(case, Content())


def refuse_absent(name: str, structures: Sequence[str], contents: Mapping[str, Content]) -> None:
    """Refuse structures that no label map has: empty on both sides they would score as perfect.

    Raises:
        DataError: Names them.
    """
    there = {label for content in contents.values() for label in content.labels}
    absent = [f"{number} ({of})" for number, of in enumerate(structures, start=1) if number not in there]
    if absent:
        labels = "label " if len(absent) == 1 else "labels "
        are = "is" if len(absent) == 1 else "are"
        raise DataError(
            f"{name}: {labels}{', '.join(absent)} {are} in none of {len(contents)} label maps, and would "
            "score as perfect; declare only labels that the label maps have, numbered from 1 without a gap."
        )
