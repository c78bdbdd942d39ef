"""What a stage is: frozen data that holds its inputs, and a key that says what it will contain.

Split(data set, xi, seed) -> Teacher(member) -> Pseudo(distillation) -> Student(method) -> Scores
Split(data set, xi, seed) -> Noise(kind, rate) -> Student(method) -> Scores, Doubts

Split(data set, xi, seed) -> Teacher(member) -> Ensemble -> Scores

A student whose method wants its labels judged also reads judges, trained on parts of the same mix.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from bench.settings.stage_specs import narrowed, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.settings.stage_specs import StageSpec

S = TypeVar("S")
VERSIONS: Mapping[str, int] = {
    "split": 1,
    "teacher": 1,
    "ensemble": 1,
    "pseudo": 1,
    "noise": 1,
    "judge": 1,
    "student": 1,
    "scores": 1,
    "doubts": 2,  # f3 is heard with its gain; positions of features that a wrong label touches
}
"""Raised when the science of a kind of stage changes, so that old results are not taken for new ones."""


@dataclass(frozen=True)  # no slots: its specification is parsed once, where it is read
class Stage:
    """One unit of work, named by everything that its result depends on and nothing else.

    Not by host, device, engine, number of jobs or paths: those live outside, so that equal work is one stage.
    """

    key: str
    kind: str
    version: int
    settings: str  # canonical JSON
    dataset: str  # the data set's name
    dataset_id: str  # where to find it again; not part of the key, which holds fingerprints instead
    images: tuple[tuple[str, str], ...]  # case and fingerprint: the images that the stage may read
    labels: tuple[tuple[str, str], ...]  # case and fingerprint: the labels that it may read
    inputs: tuple[tuple[str, Stage], ...]
    planned: StageSpec | None = field(default=None, repr=False, compare=False)  # None: read from a store

    @cached_property
    def spec(self) -> StageSpec:
        """The settings, typed.

        Raises:
            DataError: They are not laid out as those of a stage of this kind.
        """
        return self.planned or parse(self.kind, json.loads(self.settings))

    def spec_as(self, kind: type[S]) -> S:
        """The settings of a stage of a known kind.

        Raises:
            DataError: They are those of another.
        """
        return narrowed(self.spec, kind)

    def document(self) -> dict[str, object]:
        """The stage as plain JSON with its inputs as keys: all that a worker is given."""
        return {
            "key": self.key,
            "kind": self.kind,
            "version": self.version,
            "settings": json.loads(self.settings),
            "dataset": self.dataset,
            "dataset_id": self.dataset_id,
            "images": dict(self.images),
            "labels": dict(self.labels),
            "inputs": {name: stage.key for name, stage in self.inputs},
        }


def stage(
    kind: str,
    settings: Mapping[str, object],
    *,
    dataset: tuple[str, str],
    images: Mapping[str, str],
    labels: Mapping[str, str],
    inputs: Mapping[str, Stage],
) -> Stage:
    """Make a stage and its key; ``dataset`` is name and id, ``settings`` the JSON of its specification."""
    canonical = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    named = {name: one.key for name, one in inputs.items()}
    content = json.dumps(
        [kind, VERSIONS[kind], canonical, dataset[0], dict(images), dict(labels), named], sort_keys=True
    )
    return Stage(
        key=f"{kind}-{hashlib.sha256(content.encode()).hexdigest()[:20]}",
        kind=kind,
        version=VERSIONS[kind],
        settings=canonical,
        dataset=dataset[0],
        dataset_id=dataset[1],
        images=tuple(sorted(images.items())),
        labels=tuple(sorted(labels.items())),
        inputs=tuple(inputs.items()),
    )


def in_order(targets: Iterable[Stage]) -> list[Stage]:
    """The targets and all they need, each once, inputs before what reads them."""
    found: dict[str, Stage] = {}

    def visit(one: Stage) -> None:
        if one.key not in found:
            for _, needed in one.inputs:
                visit(needed)
            found[one.key] = one

    for target in targets:
        visit(target)
    return list(found.values())


def readers(stages: Iterable[Stage]) -> dict[str, list[Stage]]:
    """Key -> the stages among these that read it."""
    found: dict[str, list[Stage]] = {}
    for one in stages:
        for key in dict.fromkeys(needed.key for _, needed in one.inputs):
            found.setdefault(key, []).append(one)
    return found


def dependants(read_by: Mapping[str, Sequence[Stage]], key: str) -> set[str]:
    """Keys of all stages that need ``key``, directly or through others.

    Args:
        read_by: What ``readers`` gave.
        key: Of the stage that they need.
    """
    reached: set[str] = set()
    following = [key]
    while following:
        new = {one.key for one in read_by.get(following.pop(), ())} - reached
        reached |= new
        following += new
    return reached
