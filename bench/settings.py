"""What can be set in the harness: strict frozen data, each default with its source; imports nothing heavy.

Sources: "P" is the paper (Implementation Details), "HeartSeg" the released solver and test code of
Yu et al. 2017a that P refers to, "ours" a page in docs/decisions.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_type_hints

from bench.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """What one training step is shown."""

    patch: tuple[int, int, int] = (64, 64, 64)  # voxels; HeartSeg
    batch: int = 3  # HeartSeg
    views: Literal["axial-12", "axial-4x3", "identity"] = (
        "axial-12"  # ours: 0004, the views of the distillation
    )
    roi_margin: int = 10  # voxels around the label's bounding box; HeartSeg; -1 uses whole volumes

    def __post_init__(self) -> None:
        """Refuse a patch that cannot be rotated or halved twice."""
        if min(self.patch) < 8 or any(side % 4 for side in self.patch) or self.patch[0] != self.patch[1]:
            raise UsageError(
                f"patch {self.patch} must have sides of 8, 12, 16, ... and an equal first and second."
            )
        if self.batch < 1:
            raise UsageError(f"batch {self.batch} must be at least 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser:
    """The optimiser of teachers and students, poly schedule: lr (1 - step / steps) ** power."""

    kind: Literal["sgd", "adamw"] = "sgd"  # HeartSeg
    learning_rate: float = 0.05  # HeartSeg
    power: float = 0.9  # HeartSeg
    momentum: float = 0.9  # of sgd; HeartSeg
    betas: tuple[float, float] = (0.5, 0.9)  # of adamw; ours: 0005, short schedules on single crops
    weight_decay: float = 5e-4  # HeartSeg


@dataclass(frozen=True, slots=True, kw_only=True)
class Teachers:
    """The models that make pseudo labels."""

    steps: tuple[int, ...] = (10_000, 15_000, 20_000)  # P; one teacher each


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """The training on the mix of manual and pseudo labels."""

    steps: int = 35_000  # P


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Who keeps a manual label."""

    seed: int | None = None  # None: the seed of the sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """How whole volumes are segmented."""

    window: Literal["whole", "overlap", "heartseg"] = "heartseg"  # HeartSeg: fixed number of folds an axis
    overlap: float = 0.5  # of neighbouring windows, for "overlap"
    batch: int = 4  # windows at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """What is done to a student's label map before it is scored; pseudo labels are left as they are."""

    min_component: float = 0.2  # HeartSeg: smaller shares of a class's voxels are removed; 0 keeps all
    fill_holes: bool = True  # HeartSeg


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How predictions are scored."""

    definition: Literal["hvsmr2016", "medpy"] = "hvsmr2016"
    compute: Literal["fast", "medpy"] = "fast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """What may change a result's last digits, so it is part of every key."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # auto is resolved before planning
    layout: Literal["channels_last", "contiguous"] = "channels_last"
    threads: int = 1  # of one stage; the number of stages at a time is --jobs


def plain(settings: Any) -> dict[str, Any]:  # noqa: ANN401 - any of our dataclasses
    """Nested JSON-able data of a settings object, tuples as lists."""
    assert is_dataclass(settings)
    assert not isinstance(settings, type)
    return {key: _plain_value(value) for key, value in asdict(settings).items()}


def _plain_value(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, tuple | list):
        return [_plain_value(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain_value(one) for key, one in value.items()}
    return value


def build(kind: type[T], given: Mapping[str, Any], what: str) -> T:
    """A settings object from plain data, refusing unknown keys and wrong types.

    Raises:
        UsageError: Names the key, the value and what was expected.
    """
    import dacite

    _refuse_unknown(kind, given, what)
    config = dacite.Config(
        strict=True,
        cast=[tuple],
        type_hooks={
            float: lambda value: float(value) if type(value) is int else value,
            int: lambda value: str(value) if type(value) is bool else value,  # true is not 1
        },
    )
    try:
        return dacite.from_dict(kind, given, config)
    except dacite.exceptions.DaciteFieldError as error:
        raise UsageError(f"{what}: {error}.") from error
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what}: {error}.") from error


def _refuse_unknown(kind: type[Any], given: Mapping[str, Any], what: str) -> None:
    """Every key of ``given`` must be a field, also inside nested settings."""
    types = get_type_hints(kind)
    hints = {one.name: types[one.name] for one in fields(kind)}
    for key, value in given.items():
        if key not in hints:
            raise unknown("setting", key, hints, where=what)
        if is_dataclass(hints[key]):
            if not isinstance(value, dict):
                raise UsageError(f"{what}: {key} holds settings of its own; write {key}.NAME={value}.")
            _refuse_unknown(hints[key], value, f"{what}: {key}")


def assignment(text: str) -> tuple[list[str], Any]:
    """``a.b=value`` as a path and a value; the value is read as TOML, or as bare text where it is none.

    Raises:
        UsageError: There is no ``=`` or no name before it.
    """
    name, equals, value = text.partition("=")
    path = name.strip().split(".")
    if not equals or not all(path):
        raise UsageError(f"--set {text!r} is not an assignment; write it as student.steps=500.")
    try:
        return path, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return path, value.strip()


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the leaves of ``change`` in their places."""
    result = dict(base)
    for key, value in change.items():
        here = result.get(key)
        nested = isinstance(value, dict) and isinstance(here, dict)
        result[key] = merged(here, value) if nested and isinstance(here, dict) else value
    return result
