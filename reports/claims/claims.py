"""What P says that could be false, as data: who against whom, at which ξ, by which measure.

A claim is a sum of parts, a part a weighted sum of contestants, signed so that P is right where it is above
zero. `reports.claims.hypothesis_tests` puts them to the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from reports.statistics.power import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reports.statistics.cohorts import Benchmark

Members = Literal["each", "mean", "best"]


@dataclass(frozen=True, slots=True)
class Contestant:
    """Whose scores: the records of this role, method and variant.

    `members` says what becomes of several teachers' rows: the mean of them for each case, or the one teacher
    with the highest mean score at that ξ; `each` where there are none.
    """

    role: str
    method: str
    variant: str = ""
    members: Members = "each"


@dataclass(frozen=True, slots=True)
class Part:
    """A weighted sum of contestants' scores at one ξ, averaged over the ξ recorded in a band.

    Measures: `overall`, `dice`, `adb` (mm), `hdd` (mm) as means over structures; `dice_of_five` with the
    background, as P's Table 4. `relative_to` divides by the mean error (1 − Dice, ADB or HDD) of that
    contestant at that ξ, so that the unit is a share of its error.
    """

    weights: Mapping[Contestant, float]
    low: float
    high: float
    measure: str = "overall"
    relative_to: tuple[Contestant, float] | None = None
    fewest: int = 1  # how many different ξ must be recorded; "over all ξ" is no claim about one


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of P; `paper` is the same contrast in P's printed numbers, absent where P prints none."""

    topic: str
    statement: str
    where: str
    experiment: str  # whose run makes what the claim needs
    parts: tuple[Part, ...]
    paper: float | None = None
    benchmark: Benchmark = "hvsmr"

    @property
    def margin(self) -> float:
        """Below what a difference is of no interest, stated beforehand (docs/decisions/0036)."""
        return MARGINS.get(self.unit, 0.0)

    @property
    def unit(self) -> str:
        """What the difference is measured in."""
        first = self.parts[0]
        if first.relative_to:
            return "share of the error"
        return {"overall": "overall score", "dice_of_five": "mean Dice"}.get(first.measure, first.measure)


MARGINS: Final = {
    "overall score": TARGETS["overall"],
    "mean Dice": TARGETS["dice"],
    "share of the error": 0.05,
}
"""The smallest difference of interest by the unit."""
_ALL: Final = (0.0, 0.999)
_NOT_SMALL: Final = (0.3, 0.999)
_SMALL: Final = (0.1, 0.2)
_FULL: Final = (1.0, 1.0)


def _at(share: float) -> tuple[float, float]:
    return share, share


def _over(band: tuple[float, float]) -> str:
    """A band in words."""
    if band[0] == band[1]:
        return f"at ξ = {band[0]}"
    return "over all ξ" if band == _ALL else f"over all ξ from {band[0]}"


def _student(method: str, variant: str = "") -> Contestant:
    return Contestant("student", method, variant)


def _supervised(method: str) -> Contestant:
    return Contestant("supervised", method)


def _pseudo(variant: str, members: Members = "each") -> Contestant:
    return Contestant("pseudo", "distillation", variant, members)


def _above(one: Contestant, other: Contestant, band: tuple[float, float], measure: str = "overall") -> Part:
    return Part({one: 1.0, other: -1.0}, *band, measure, fewest=1 if band[0] == band[1] else 2)


def _distillation() -> Iterator[Claim]:
    hierarchical, model, single = _pseudo("hd"), _pseudo("md"), _pseudo("single", "mean")
    printed = {
        0.3: (0.191 - 0.184, 0.184 - (0.005 + 0.154 + 0.171) / 3),
        0.5: (0.387 - 0.359, 0.359 - (0.136 + 0.279 + 0.350) / 3),
        0.8: (0.810 - 0.771, 0.771 - (0.743 + 0.764 + 0.797) / 3),
    }
    lone = _pseudo("single", "best")
    lifts: dict[float | None, float] = {0.3: 0.191 - 0.171, 0.5: 0.387 - 0.350, 0.8: 0.810 - 0.797}
    topic, table = "pseudo labels", "table1"
    for share, values in [*printed.items(), (None, (None, None))]:
        band = _ALL if share is None else _at(share)
        for better, worse, words, value in (
            (hierarchical, model, "hierarchical above model distillation", values[0]),
            (model, single, "model distillation above the mean single teacher", values[1]),
            (
                hierarchical,
                lone,
                "hierarchical distillation above the best single teacher",
                lifts.get(share),
            ),
        ):
            statement = f"{words} {_over(band)}"
            yield Claim(topic, statement, "Table 1", table, (_above(better, worse, band),), value)
    best, mean = _pseudo("dd", "best"), _pseudo("dd", "mean")
    few, many = 0.184, 0.771
    of_best, of_mean = "the best data distillation", "the mean data distillation"
    readings = (
        (0.3, model, best, f"model distillation above {of_best}", few - 0.168),
        (0.3, model, mean, f"model distillation above {of_mean}", few - (0.104 + 0.163 + 0.168) / 3),
        (0.8, best, model, f"{of_best} above model distillation", 0.806 - many),
        (0.8, mean, model, f"{of_mean} above model distillation", (0.785 + 0.775 + 0.806) / 3 - many),
    )
    for share, better, worse, words, value in readings:
        part = _above(better, worse, _at(share))
        yield Claim(topic, f"{words} {_over(_at(share))}", "Table 1", table, (part,), value)


def _attention() -> Iterator[Claim]:
    names = ("baseline", "f4", "f34", "f234", "f1234")
    printed = (-1.167, -0.737, -0.601, -0.576, -0.561)
    steps = tuple(_student("tsman", name) for name in names)
    added = ("f4", "f3", "f2", "f1")
    where = ("attention", "Table 2", "table2")
    for place, name in enumerate(added):
        part = Part({steps[place + 1]: 1.0, steps[place]: -1.0}, *_ALL)
        gain = printed[place + 1] - printed[place]
        yield _claim(where, f"adding {name} to {names[place]} helps", part, gain)
    for place in range(3):
        weights = {steps[place]: -1.0, steps[place + 1]: 2.0, steps[place + 2]: -1.0}
        gain = 2 * printed[place + 1] - printed[place] - printed[place + 2]
        words = f"{added[place]} helps more than {added[place + 1]}"
        yield _claim(where, words, Part(weights, *_ALL), gain)
    smoothed = Part({steps[1]: 1.0, _student("tsman", "f4-unsmoothed"): -1.0}, *_ALL)
    yield _claim(("attention", "Analysis of the TSMAN", "table2"), "smoothing f4 by ω helps", smoothed, 0.1)


def _claim(where: tuple[str, str, str], words: str, part: Part, paper: float | None = None) -> Claim:
    topic, place, experiment = where
    return Claim(topic, words, place, experiment, (part,), paper)


_ORDER: Final = (
    ("tsman", "decoupling"),
    ("decoupling", "deep-level-set"),
    ("decoupling", "densevoxnet"),
    ("tsman", "deep-level-set"),
    ("tsman", "densevoxnet"),
)


def _methods() -> Iterator[Claim]:
    for band in (_NOT_SMALL, _at(0.9)):
        for better, worse in _ORDER:
            part = _above(_student(better), _student(worse), band)
            words = f"{better} above {worse} {_over(band)}"
            yield Claim("methods", words, "Figure 6", "figure6", (part,))
    rivals = ("decoupling", "deep-level-set", "densevoxnet")
    ahead = {_student("tsman"): 1.0, **{_student(name): -1 / 3 for name in rivals}}
    everyone = {_student(name): 1 / 4 for name in ("tsman", *rivals)}
    for weights, words in (
        (ahead, "tsman's lead over the other three is smaller at ξ ≤ 0.2"),
        (everyone, "all four methods score lower at ξ ≤ 0.2"),
    ):
        small = {one: -weight for one, weight in weights.items()}
        parts = (Part(weights, *_NOT_SMALL), Part(small, *_SMALL))
        yield Claim("methods", words, "Figure 6", "figure6", parts)


def _distances() -> Iterator[Claim]:
    """Gains over DenseVoxNet as shares of its own error, so that mm and Dice can be compared."""
    tsman, supervised, student = _student("tsman"), _supervised("densevoxnet"), _student("densevoxnet")
    dice = (0.820 + 0.926 - 0.821 - 0.931) / (2 - 0.821 - 0.931)
    printed = {
        "adb": 1 - (0.824 + 0.957) / (0.960 + 0.938) - dice,
        "hdd": 1 - (4.73 + 8.81) / (7.29 + 9.53) - dice,
    }
    for rival, share, words in ((supervised, 1.0, "supervised densevoxnet"), (student, 0.9, "densevoxnet")):
        for metric, value in printed.items():
            unit = (rival, share)
            parts = (*_gain(tsman, unit, metric, 1.0), *_gain(tsman, unit, "dice", -1.0))
            paper = value if rival == supervised else None
            statement = f"tsman removes more of the {metric.upper()} than of the Dice error of {words}"
            yield Claim("distances", statement, "Table 3", "table3", parts, paper)


def _gain(one: Contestant, unit: tuple[Contestant, float], metric: str, weight: float) -> tuple[Part, Part]:
    """The share of the rival's mean error that is removed at ξ = 0.9, times a weight."""
    rival, share = unit
    sign = weight if metric == "dice" else -weight  # a distance falls where Dice rises
    return Part({one: sign}, *_at(0.9), metric, unit), Part({rival: -sign}, *_at(share), metric, unit)


def _against_supervised(rival: str, measure: str = "overall") -> tuple[Part, Part]:
    retrained = Part({_student("tsman"): 1.0}, *_at(0.9), measure)
    return retrained, Part({_supervised(rival): -1.0}, *_FULL, measure)


def _full_supervision() -> Iterator[Claim]:
    for rival, where, paper in (
        ("tsman", "Figure 6", None),
        ("densevoxnet", "Table 3", -0.024 - -0.161),
    ):
        words = f"tsman at ξ = 0.9 above supervised {rival}"
        parts = _against_supervised(rival)
        yield Claim("full supervision", words, where, where.replace(" ", "").lower(), parts, paper)


def _references(
    benchmark: Benchmark, measure: str, where: tuple[str, str], band: tuple[float, float] = _ALL
) -> Iterator[Claim]:
    """What P does not ask: whether a method is above what the manual labels of its ξ give alone."""
    alone = Contestant("labelled-only", "teachers")
    for method in ("tsman", "decoupling", "deep-level-set", "densevoxnet"):
        words = f"{method} above labelled-only {_over(band)}"
        part = _above(_student(method), alone, band, measure)
        yield Claim("references", words, where[0], where[1], (part,), None, benchmark)


def _tumours() -> Iterator[Claim]:
    for band in (_NOT_SMALL, _at(0.9)):
        for better, worse in _ORDER:
            part = _above(_student(better), _student(worse), band, "dice_of_five")
            words = f"{better} above {worse} {_over(band)}"
            yield Claim("methods", words, "Figure 7", "figure7", (part,), benchmark="brats")
    # P's text says 3D U-net where its Table 4 cites the one of 2-D slices.
    rivals = (("mme", 0.782), ("unet-2d", 0.632), ("unet-3d", 0.632), ("densevoxnet", 0.728))
    for rival, printed in rivals:
        words = f"tsman at ξ = 0.9 above supervised {rival}"
        parts = _against_supervised(rival, "dice_of_five")
        yield Claim("full supervision", words, "Table 4", "table4", parts, 0.792 - printed, "brats")


CLAIMS: Final[tuple[Claim, ...]] = (
    *_distillation(), *_attention(), *_methods(), *_distances(), *_full_supervision(),
    *_references("hvsmr", "overall", ("not in the paper", "figure6")), *_tumours(),
    *_references("brats", "dice_of_five", ("not in the paper", "figure7")),
)  # fmt: skip
"""Every claim that is tested, in the order of the paper, and the references that it lacks."""
