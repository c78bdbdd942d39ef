"""What a stage of each kind is made by: one frozen dataclass a kind, which the plan writes and others read.

``serialise`` gives the JSON that stage.json holds and that keys are hashes of, so a field of these classes is
a key of that JSON. A field that a stage may do without is marked ``later``: at its default it is left out.
``parse`` reads the JSON again, also that of a store which another version of bench wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, TypeAlias, TypeVar, get_args

from bench.errors import BenchError, DataError
from bench.settings.schema import Cleaning, Compute, Inference, Metrics, Optimiser, Sampling
from bench.settings.serialise import Shared, plain
from bench.settings.stored import from_stored
from tsman.settings import DistillationSettings, StreamSettings

Kind = Literal["split", "teacher", "ensemble", "pseudo", "noise", "judge", "student", "scores", "doubts"]
Patch: TypeAlias = tuple[int, int, int]
"""Voxels along the axes of a window."""
LATER: Final = {"later": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What every record of a stage says of itself; a default stands for what an older store did not write."""

    dataset: str = ""
    method: str = ""
    xi: str = ""  # a decimal as text; 1.0 is fully supervised
    xi_realised: str = ""
    seed: int = 0
    split: int = 0  # the seed of the split
    role: str = ""  # student, teacher, pseudo, supervised, labelled-only
    member: str = ""  # of a teacher, counted from 1
    variant: str = ""
    noise: str = "none"
    recipe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodReference:
    """A method by name and version, with the settings that it was planned with."""

    name: str
    version: int = 1
    settings: Mapping[str, object]  # plain; the method's own class builds them
    plugin: str = field(default="", metadata=LATER)  # its origin; empty of a method that is built in


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSpec:
    """Which cases keep their manual label, which get another one, and which are tested on."""

    stage_kind: ClassVar[Kind] = "split"
    seed: int
    manual: tuple[str, ...]
    pseudo: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """The training of a network; what all kinds of trained stages share."""

    method: MethodReference
    stream: StreamSettings
    sampling: Sampling
    optimiser: Optimiser
    steps: int
    seed: int
    compute: Compute
    channels: int
    classes: int  # with the background
    # Of a method that segments whole scans in its training.
    inference: Inference | None = field(default=None, metadata=LATER)
    patch: Patch | None = field(default=None, metadata=LATER)

    @property
    def windows(self) -> tuple[Inference, Patch]:
        """How the method segments whole scans in its training, and the size of the windows.

        Raises:
            DataError: It is no such method.
        """
        if self.inference is None or self.patch is None:
            raise DataError(f"a training of method {self.method.name!r} has no settings of inference.")
        return self.inference, self.patch


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherSpec(TrainingSpec):
    """A network trained on the manual labels alone."""

    stage_kind: ClassVar[Kind] = "teacher"
    member: int  # counted from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleSpec(TrainingSpec):
    """All teachers as one network whose prediction is the mean of theirs; its steps are 0."""

    stage_kind: ClassVar[Kind] = "ensemble"
    members: tuple[TeacherSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSpec(TrainingSpec):
    """A network that predicts the cases which it was not trained on."""

    stage_kind: ClassVar[Kind] = "judge"
    judged: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentSpec(TrainingSpec):
    """A method trained on manual labels and those that stand in for the withheld ones."""

    stage_kind: ClassVar[Kind] = "student"
    streams: str = field(default="", metadata=LATER)  # name of the random streams shared with other students
    start: tuple[TeacherSpec, ...] = field(default=(), metadata=LATER)  # whose weights it starts at
    judges: tuple[JudgeSpec, ...] = field(default=(), metadata=LATER)
    milestones: tuple[int, ...] = field(default=(), metadata=LATER)  # % after which weights are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoLabelsSpec:
    """Labels that teachers give the cases without a manual one."""

    stage_kind: ClassVar[Kind] = "pseudo"
    members: tuple[TeacherSpec, ...]
    distillation: DistillationSettings
    compute: Compute
    channels: int
    classes: int
    inference: Inference
    patch: Patch


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyLabelsSpec:
    """Labels of the cases without a manual one: their own, with noise of a known kind and rate."""

    stage_kind: ClassVar[Kind] = "noise"
    kind: str  # several joined by +
    rate: str  # a decimal as text
    settings: Mapping[str, Mapping[str, object]]  # of each part of the kind; its own class builds them
    seed: int
    classes: int
    structures: tuple[str, ...]
    plugins: Mapping[str, str] = field(default_factory=dict, metadata=LATER)  # part -> its origin

    @property
    def name(self) -> str:
        """Kind and rate as they stand in the records."""
        return f"{self.kind}:{self.rate}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSpec:
    """What is measured, and how; what both kinds of scores share."""

    stage_kind: ClassVar[Kind] = "scores"
    identity: Identity
    metrics: Metrics
    compute: Compute
    structures: tuple[str, ...]
    background: bool = field(default=False, metadata=LATER)  # label 0 is scored as a structure too
    plugins: Mapping[str, str] = field(default_factory=dict, metadata=LATER)  # added metric -> its origin
    units: Mapping[str, str] = field(default_factory=dict, metadata=LATER)  # added metric -> its unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultName:
    """The part of ``MeasuredSpec`` that tells results apart: whose they are, and how they are measured."""

    identity: Identity
    metrics: Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresSpec(MeasuredSpec):
    """A trained stage scored on the test cases."""

    trained: EnsembleSpec | TeacherSpec | JudgeSpec | StudentSpec
    cleaning: Cleaning
    inference: Inference
    patch: Patch


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScoresSpec(MeasuredSpec):
    """Pseudo labels or noisy ones scored against the labels that were withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtsSpec:
    """Noise scores of a student's method, compared with where the labels are known to be wrong."""

    stage_kind: ClassVar[Kind] = "doubts"
    identity: Identity
    trained: StudentSpec
    milestones: tuple[int, ...]  # % of the training at which it is asked, beside its end
    band_mm: float  # how far from a boundary of the clean label its band reaches
    compute: Compute
    structures: tuple[str, ...]
    inference: Inference
    patch: Patch


TrainedSpec: TypeAlias = TeacherSpec | EnsembleSpec | JudgeSpec | StudentSpec
StageSpec: TypeAlias = (
    SplitSpec | TrainedSpec | PseudoLabelsSpec | NoisyLabelsSpec | ScoresSpec | LabelScoresSpec | DoubtsSpec
)
S = TypeVar("S")


def narrowed(spec: StageSpec, kind: type[S]) -> S:
    """The specification, if it is of a kind.

    Raises:
        DataError: It is of another.
    """
    if not isinstance(spec, kind):
        raise DataError(f"a {spec.stage_kind} stage was given where {kind.__name__} is expected.")
    return spec


def threads_of(spec: StageSpec) -> int:
    """The threads that a stage computes with; 1 of a kind that does not say."""
    return 1 if isinstance(spec, SplitSpec | NoisyLabelsSpec) else spec.compute.threads


def serialise(spec: StageSpec, shared: Shared | None = None) -> dict[str, object]:
    """The JSON of a specification, as stage.json holds it.

    Args:
        spec: Of a stage of any kind.
        shared: Remembers the JSON of parts that several specifications have in common.
    """
    return plain(spec, shared)


def parse(kind: str, document: object) -> StageSpec:
    """The specification of a stage of a kind, from the JSON that ``serialise`` gave.

    Raises:
        DataError: It is not laid out as one.
    """
    classes = [one for one in get_args(StageSpec) if one.stage_kind == kind]
    if not classes:
        raise DataError(f"{kind!r} is no kind of stage that this version of bench knows.")
    if kind == "scores":
        has_network = isinstance(document, Mapping) and "trained" in document
        classes = [ScoresSpec if has_network else LabelScoresSpec]
    spec: StageSpec = read(classes[0], document, f"the settings of a {kind} stage")
    return spec


def read(part: type[S], document: object, what: str) -> S:
    """One part of a specification from its JSON.

    Raises:
        DataError: It is not laid out as one; ``what`` says of what.
    """
    try:
        return from_stored(part, document)
    except (ValueError, BenchError) as error:
        raise DataError(f"{what} cannot be read: {error}") from error


def identity_in(settings: Mapping[str, object]) -> Identity:
    """The identity in the JSON of scores or doubts; the rest is not parsed.

    Raises:
        DataError: There is none, or it is not laid out as one.
    """
    return read(Identity, settings.get("identity"), "the identity of a stage")
