"""What every student cost: its networks, its judges, its label revisions, and its share of the teachers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bench.settings.stage_specs import Identity
    from bench.store.documents import FinishedStage
    from bench.store.store import Store

WHO: Final = ("dataset", "method", "xi", "seed", "split", "role", "variant", "noise", "recipe")
"""What a row of costs, doubts or gradients says of itself, beside its run."""
COLUMNS: Final = (
    "run", *WHO, "start", "networks", "steps", "voxels", "passes_training", "passes_judges",
    "passes_revisions", "passes_teachers_shared", "passes_teachers_alone", "seconds", "seconds_judges",
    "seconds_teachers_shared", "seconds_teachers_alone", "stage",
)  # fmt: skip
"""A pass is one network's: over one batch in training, over one volume elsewhere."""


class Spent(NamedTuple):
    """Passes of networks, and seconds."""

    passes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Scored:
    """A finished student, and who it is by the scores stage that reads it."""

    key: str
    run: str
    identity: Identity


def scored_students(store: Store, scores: Iterable[str]) -> list[Scored]:
    """The students behind finished scores stages, in their order."""
    there, found = store.finished(), []
    for key in scores:
        described = store.finished_stage(key)
        of = described.inputs.get("of", "")
        if of.startswith("student-") and of in there:
            found.append(Scored(of, described.run, described.identity))
    return found


def charges(store: Store, students: Iterable[Scored]) -> list[dict[str, object]]:
    """One row a student; what lies no longer in the store costs what is known of it, nothing."""
    rows = list(students)
    spent = _Books(store)
    sharing = Counter(spent.shared(one.key) for one in {row.key: row for row in rows}.values())
    return [_row(one, spent, sharing) for one in rows]


def _row(one: Scored, books: _Books, sharing: Mapping[frozenset[str], int]) -> dict[str, object]:
    described = books.stage(one.key)
    inputs = described.inputs
    judges = books.together(key for name, key in inputs.items() if name.startswith("judge"))
    shared = books.shared(one.key)
    teachers = books.together(shared)
    share = max(sharing[shared], 1)
    steps, training = described.count("steps"), described.count("network_passes")
    return {
        "run": one.run,
        **{name: getattr(one.identity, name) for name in WHO},
        "start": "teachers" if described.settings.get("start") else "fresh",
        "networks": training // steps,
        "steps": steps,
        "voxels": described.count("voxels_seen"),
        "passes_training": training,
        "passes_judges": judges.passes,
        "passes_revisions": described.count("revision_passes"),
        "passes_teachers_shared": teachers.passes / share,
        "passes_teachers_alone": teachers.passes,
        "seconds": described.seconds,
        "seconds_judges": judges.seconds,
        "seconds_teachers_shared": teachers.seconds / share,
        "seconds_teachers_alone": teachers.seconds,
        "stage": one.key,
    }


class _Books:
    """The documents of a store's stages, each read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._there = store.finished()
        self._read: dict[str, FinishedStage] = {}

    def stage(self, key: str) -> FinishedStage:
        if key not in self._read:
            self._read[key] = self._store.finished_stage(key)
        return self._read[key]

    def inputs(self, key: str) -> Mapping[str, str]:
        return self.stage(key).inputs

    def together(self, keys: Iterable[str]) -> Spent:
        found = [self._spent(key) for key in keys if key in self._there]
        return Spent(sum(one.passes for one in found), sum(one.seconds for one in found))

    def shared(self, key: str) -> frozenset[str]:
        """The pseudo labels and teachers that a student shares with others; injected noise costs nothing."""
        inputs = self.inputs(key)
        labels = inputs.get("pseudo", "")
        found = {one for name, one in inputs.items() if name.startswith("start")}
        if labels.startswith("pseudo-") and labels in self._there:
            found |= {labels, *self._teachers(labels)}
        return frozenset(found)

    def _teachers(self, labels: str) -> Iterator[str]:
        return (key for name, key in self.inputs(labels).items() if name.startswith("teacher"))

    def _spent(self, key: str) -> Spent:
        described = self.stage(key)
        return Spent(described.count("network_passes"), described.seconds)
