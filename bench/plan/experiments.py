"""What is trained and scored: a free sweep, or what one published table or figure needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import unknown
from bench.plugins.methods import method, origin_of
from bench.settings.serialise import build, merged, plain
from methods.registry import PAPER, describe
from methods.two_stream import ABLATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.data.dataset import Benchmark
    from bench.plan.recipes import Recipe
    from methods.interface import Method


class Contestant(NamedTuple):
    """A method with its settings, and the name of the ablation that they are, if they are one."""

    method: Method
    variant: str = ""

    def describe(self) -> dict[str, object]:
        """As plain JSON."""
        described = describe(self.method) | origin_of(self.method)
        return {**described, "variant": self.variant} if self.variant else described


class Noise(NamedTuple):
    """Injected noise: a kind, and the share of a structure's voxels that end up wrong, a decimal as text."""

    kind: str
    rate: str

    @property
    def name(self) -> str:
        """As it stands in the records."""
        return f"{self.kind}:{self.rate}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Students over ξ, their references, and whether every way to distil is compared."""

    benchmark: Benchmark | None = None  # on the data sets that stand in for it; None: on all
    xis: tuple[str, ...] = ()
    noises: tuple[Noise, ...] = ()  # injected in place of pseudo labels; none: the teachers' own noise
    students: tuple[Contestant, ...] = ()
    supervised: tuple[Contestant, ...] = ()
    distillations: bool = False
    labelled_only: bool = False  # each student is also trained on the manual cases of its ξ alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A part in words; ``method/ablation`` names an ablation."""

    benchmark: Benchmark
    xis: tuple[str, ...]
    students: tuple[str, ...] = ()
    supervised: tuple[str, ...] = ()
    distillations: bool = False


NINE = tuple(f"0.{tenths}" for tenths in range(1, 10))
TUMOUR_REFERENCES = ("unet-2d", "unet-3d", "mme")  # fully supervised in P's Table 4 and Figure 7
EXPERIMENTS: Mapping[str, Plan] = {
    "table1": Plan(benchmark="hvsmr", xis=("0.3", "0.5", "0.8"), distillations=True),
    # P gives no ξ for Table 2; its scores are those of a low one (docs/decisions/0018).
    "table2": Plan(benchmark="hvsmr", xis=("0.3",), students=tuple(f"tsman/{name}" for name in ABLATIONS)),
    "table3": Plan(benchmark="hvsmr", xis=("0.9",), students=PAPER, supervised=PAPER),
    "table4": Plan(benchmark="brats", xis=("0.9",), students=PAPER, supervised=(*PAPER, *TUMOUR_REFERENCES)),
    "figure1": Plan(benchmark="hvsmr", xis=("0.9",), students=("tsman",)),
    "figure2": Plan(benchmark="hvsmr", xis=("0.9",), students=("tsman",)),
    "figure3": Plan(benchmark="hvsmr", xis=("0.3",), students=("tsman",)),
    "figure4": Plan(benchmark="hvsmr", xis=("0.9",), students=("tsman",)),
    "figure5": Plan(benchmark="hvsmr", xis=("0.3",), students=("tsman",), distillations=True),
    "figure6": Plan(benchmark="hvsmr", xis=NINE, students=PAPER, supervised=PAPER),
    "figure7": Plan(benchmark="brats", xis=NINE, students=PAPER, supervised=(*PAPER, *TUMOUR_REFERENCES)),
}
"""What each table and figure of P needs; they share stages through the store."""
WHOLE = "paper"
"""All of them."""
DEFAULT_DATASETS: Mapping[Benchmark, str] = {"hvsmr": "phantom-heart", "brats": "phantom-tumour"}
"""The made data set that stands in for each of P's benchmarks."""


def chosen(words: str) -> dict[str, Plan]:
    """The plans that the words name, commas between; ``paper`` is all.

    Raises:
        UsageError: No such table or figure.
    """
    found: dict[str, Plan] = {}
    for word in (part.strip() for part in words.split(",")):
        if word != WHOLE and word not in EXPERIMENTS:
            raise unknown("experiment", word, [*EXPERIMENTS, WHOLE])
        found.update(EXPERIMENTS if word == WHOLE else {word: EXPERIMENTS[word]})
    return found


def resolved_part(plan: Plan, recipe: Recipe, *, labelled_only: bool = False) -> Part:
    """The plan with its methods looked up and set as the recipe says."""
    return Part(
        benchmark=plan.benchmark,
        xis=plan.xis,
        students=contestants(plan.students, recipe),
        supervised=contestants(plan.supervised, recipe),
        distillations=plan.distillations,
        labelled_only=labelled_only,
    )


def free_part(
    names: Sequence[str],
    xis: Sequence[str],
    recipe: Recipe,
    noises: Sequence[Noise] = (),
    *,
    labelled_only: bool = False,
) -> Part:
    """Every method at every ξ (under every noise) and on all manual labels, on all data sets."""
    who = contestants(names, recipe)
    return Part(
        xis=tuple(xis),
        noises=tuple(noises),
        students=who,
        supervised=who,
        labelled_only=labelled_only,
    )


def contestants(words: Sequence[str], recipe: Recipe) -> tuple[Contestant, ...]:
    """The contestants that ``method`` or ``method/ablation`` name."""
    found = []
    for word in words:
        name, _, variant = word.partition("/")
        one = configured(method(name), recipe)
        changed = build(type(one), merged(plain(one), ABLATIONS[variant]), word) if variant else one
        found.append(Contestant(changed, variant))
    return tuple(found)


def configured(one: Method, recipe: Recipe) -> Method:
    """The method with the settings that the recipe changes."""
    changes = recipe.methods.get(one.name, {})
    if not changes:
        return one
    return build(type(one), merged(plain(one), changes), f"method {one.name}")
