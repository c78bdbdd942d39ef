"""What a data set's folder says it holds, before any scan is opened."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from bench.data.images.grids import SpacingFrom


Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Listing:
    """Names and files of a data set; ``test_by_seed`` and ``pieces`` as ``Dataset`` has them.

    ``notes`` are sentences on what is worth knowing: files that are not used, names that were changed.
    """

    name: str
    channels: tuple[str, ...]
    structures: tuple[str, ...]
    cases: Mapping[str, Files]
    train: tuple[str, ...]
    test: tuple[str, ...]
    pieces: Literal["single", "any"] = "any"
    test_by_seed: int = 0
    unlabelled: Mapping[str, Files] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Complaints:
    """What is wrong with a listing: raised at once where the data set is opened, kept where it is checked."""

    kept: list[str] | None = None

    def about(self, sentence: str) -> None:
        """Complain.

        Raises:
            DataError: The sentence, unless complaints are kept.
        """
        if self.kept is None:
            raise DataError(sentence)
        self.kept.append(sentence)

    def trying(self, make: Callable[[], Made]) -> Made | None:
        """What ``make`` gives; nothing where it complains and complaints are kept."""
        try:
            return make()
        except DataError as error:
            self.about(str(error))
            return None


def check_names(names: Collection[str], where: str) -> None:
    """Refuse names that some file systems take for one another.

    Raises:
        DataError: Two of the names differ by capital letters alone.
    """
    often = Counter(name.casefold() for name in names)
    for folded in sorted(name for name, count in often.items() if count > 1):
        alike = sorted(name for name in names if name.casefold() == folded)
        raise DataError(
            f"{where} lists the cases {' and '.join(alike)}: one file where capitals do not count; "
            "expected names that differ otherwise."
        )


@dataclass(frozen=True, slots=True)
class Files:
    """What a data set's folder holds of one case."""

    images: tuple[Path, ...]  # one file a channel, or one file with all
    label: Path | None = None
    mask: Path | None = None
    zoom: tuple[float, float, float] = (1, 1, 1)
    spacing_from: SpacingFrom = ""  # which voxel size holds where the headers contradict themselves

    def __iter__(self) -> Iterator[Path]:
        """All files there are."""
        yield from self.images
        yield from (path for path in (self.label, self.mask) if path is not None)
