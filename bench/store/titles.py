"""The title of a stage in a reader's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import DataError
from bench.settings.stage_specs import (
    DoubtsSpec,
    EnsembleSpec,
    JudgeSpec,
    LabelScoresSpec,
    NoisyLabelsSpec,
    PseudoLabelsSpec,
    ScoresSpec,
    SplitSpec,
    TeacherSpec,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.settings.stage_specs import Identity, StudentSpec
    from bench.store.stage import Stage


def title(one: Stage) -> str:
    """A stage in a reader's words; its key where another version of bench wrote what is not known here."""
    try:
        return _title(one)
    except DataError:
        return one.key


def _title(one: Stage) -> str:
    spec, below = one.spec, dict(one.inputs)
    if isinstance(spec, ScoresSpec | LabelScoresSpec | DoubtsSpec):
        return _of_identity(one.kind, spec.identity)
    if one.kind != "split" and not {"split", "teacher01"} & set(below):
        return one.key  # what it came from is not in the store any more
    if isinstance(spec, PseudoLabelsSpec | EnsembleSpec):
        name = _voters(spec) if isinstance(spec, PseudoLabelsSpec) else "averaged teachers"
        return title(below["teacher01"]).replace(f"teacher {spec.members[0].member}", name)
    split = spec if isinstance(spec, SplitSpec) else below["split"].spec_as(SplitSpec)
    manual, withheld = len(split.manual), len(split.pseudo)
    name = _name(spec, is_alone=withheld > 0 and "pseudo" not in below)
    return f"{name}, {manual} of {manual + withheld} manual{_under(below)}, seed {spec.seed}"


def _of_identity(kind: str, who: Identity) -> str:
    name = " ".join(part for part in (who.role, who.method, who.variant, who.member) if part)
    under = "" if who.noise == "none" else f", {who.noise}"
    return f"{kind} of {name}, ξ {who.xi}{under}, seed {who.seed}"


def _name(
    spec: SplitSpec | TeacherSpec | JudgeSpec | StudentSpec | NoisyLabelsSpec, *, is_alone: bool
) -> str:
    """A stage that has a split; ``is_alone`` says that labels are withheld and none stands in for them."""
    if isinstance(spec, SplitSpec):
        return "split"
    if isinstance(spec, TeacherSpec):
        return f"teacher {spec.member}"
    if isinstance(spec, NoisyLabelsSpec):
        return f"noise {spec.name}"
    if isinstance(spec, JudgeSpec):
        return f"judge of {len(spec.judged)} labels"
    return f"{spec.method.name} on manual labels alone" if is_alone else spec.method.name


def _under(below: Mapping[str, Stage]) -> str:
    """The injected noise that a stage learns from; nothing where there is none."""
    instead = below.get("pseudo")
    if instead is None or instead.kind != "noise":
        return ""
    return f", {instead.spec_as(NoisyLabelsSpec).name}"


def _voters(spec: PseudoLabelsSpec) -> str:
    """Pseudo labels by those who made them."""
    alone = f" of teacher {spec.members[0].member}" if len(spec.members) == 1 else ""
    return f"pseudo labels{alone}" + (" through one view" if spec.distillation.views == "identity" else "")
