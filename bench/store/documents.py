"""The JSON of a stage, typed: as its worker is given it, and as stage.json has it once it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from bench.data.copies import LeakNote
from bench.settings.stage_specs import LATER, Identity, StageSpec, identity_in, narrowed, parse

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)  # no slots: its specification is parsed once, where it is read
class StageDocument:
    """A stage with its inputs as keys; a default stands for what another version did not write."""

    key: str = ""
    kind: str = ""
    version: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    dataset: str = ""  # its name
    dataset_id: str = ""
    images: Mapping[str, str] = field(default_factory=dict)  # case -> fingerprint
    labels: Mapping[str, str] = field(default_factory=dict)  # case -> fingerprint
    inputs: Mapping[str, str] = field(default_factory=dict)  # name -> key

    @cached_property
    def spec(self) -> StageSpec:
        """The settings, typed.

        Raises:
            DataError: They are not laid out as those of a stage of this kind.
        """
        return parse(self.kind, self.settings)

    def spec_as(self, kind: type[S]) -> S:
        """The settings of a stage of a known kind.

        Raises:
            DataError: They are those of another.
        """
        return narrowed(self.spec, kind)

    @property
    def identity(self) -> Identity:
        """Whose records the stage writes; the rest of the settings is not parsed.

        Raises:
            DataError: It is no stage of scores or doubts.
        """
        return identity_in(self.settings)


@dataclass(frozen=True, kw_only=True)
class FinishedStage(StageDocument):
    """What stage.json says of a stage that is made."""

    made_from: Mapping[str, str] = field(default_factory=dict)  # name of an input -> hash of its contents
    facts: Mapping[str, object] = field(default_factory=dict)  # what the stage said of itself
    run: str = ""  # the run that asked for it
    commit: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, object] = field(default_factory=dict)
    device: str = ""
    started: str = ""
    seconds: float = 0.0
    peak_memory_mib: float = 0.0
    files: Mapping[str, str] = field(default_factory=dict)  # path -> checksum

    def words(self, fact: str) -> list[str]:
        """A list of sentences among the facts; empty where it is not there."""
        found = self.facts.get(fact)
        return list(map(str, found)) if isinstance(found, list) else []

    def count(self, fact: str) -> int:
        """A whole number among the facts; 0 where it is not there."""
        number = self.facts.get(fact, 0)
        return number if isinstance(number, int) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowIdentity(Identity):
    """Whose rows a failed stage would have written, with the run and the commit that planned it."""

    run: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRows:
    """The rows that a stage of scores would have written."""

    identity: RowIdentity
    cases: tuple[str, ...]
    structures: tuple[str, ...]
    background: bool = False  # label 0 is scored as a structure too
    definition: str
    metrics: tuple[str, ...]
    units: Mapping[str, str] = field(default_factory=dict)  # of metrics that a package adds
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureNote:
    """Why a stage has no result."""

    error: str
    detail: str = ""
    when: str = ""
    stage: StageDocument = field(default_factory=StageDocument, metadata=LATER)
    planned_rows: PlannedRows | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """The last turn of a run, and its stages: key -> title."""

    turn: int
    stages: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What was asked for, as far as it is read again."""

    recipe: Mapping[str, object] = field(default_factory=dict)
    methods: tuple[Mapping[str, object], ...] = ()
    xi: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    datasets: tuple[str, ...] = ()  # ids
    noise: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    leaks: tuple[LeakNote, ...] = ()
