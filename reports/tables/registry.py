"""Which tables there are: how each is made, what it is called, and what it says under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.claims.hypothesis_tests import trend_summary, trends
from reports.published.audit import audit_table
from reports.published.verdicts import cohort_verdicts, verdicts_without_cohort
from reports.tables.deciding import CLOSED, GAP, MIXED, POWER
from reports.tables.entry import Table
from reports.tables.means import curve, mean_dice_curve, pseudo_labels, rank_intervals
from reports.tables.paper import table1, table2, table3, table4

if TYPE_CHECKING:
    from collections.abc import Mapping


_MEANS: Final = (
    "Each value is the mean over cases within a seed, then the mean over seeds; ± is the sample standard "
    "deviation over seeds (absent with one seed)."
)
_FAILED: Final = (
    "Where any case failed there is no mean: “failed n/m” counts the failed among the m planned case "
    "results. Empty counts case results in which prediction or reference lacks a structure; they stay in "
    "the mean with Dice 0 and the volume's diagonal as distance."
)
_BAND: Final = (
    "Mean over cases within a seed, then over seeds; low and high are the lowest and the highest seed "
    "(absent with one). Rows at ξ = 1.0 are the methods trained on all manual labels; the rows of teachers "
    "are labelled-only, the teachers of each ξ averaged: what its manual cases give alone. Bold is the best "
    "at each ξ."
)

_ALONE: Final = "Labelled-only are the teachers of that ξ averaged: what its manual cases give alone."

_PRINTED: Final = (
    "(P ...) is what the paper prints; – stands where nothing of ours was recorded. Whether the two may be "
    "compared is said in the table of verdicts, cell by cell."
)

TABLES: Final[Mapping[str, Table]] = {
    "closed": CLOSED,
    "table3": Table(
        table3,
        "Comparison of the methods",
        "Students at the largest ξ below 1 that was swept, the same methods fully supervised (ξ = 1.0), "
        f"scored on the test cases, and the leaderboard that P prints. {_PRINTED} {_MEANS} The overall score "
        "sums ½ Dice − ¼ ADB − HDD/30 over structures (ADB and HDD in mm). "
        f"{_FAILED} {_ALONE} Bold is the best of ours within each role.",
        "role",
        ("hvsmr",),
    ),
    "table4": Table(
        table4,
        "Dice of each label of BRATS 2015",
        "Students at the largest ξ below 1 that was swept, and fully supervised methods, scored on the test "
        "cases. The mean is over all five labels, background included, as P counts it. P quotes U-Net and "
        f"MME from elsewhere, in a metric that it does not name. {_PRINTED} {_MEANS} {_FAILED} {_ALONE} Bold "
        "is the best of ours within each role.",
        "role",
        ("brats",),
    ),
    "table1": Table(
        table1,
        "Overall score of the distillation methods",
        "Pseudo labels against the withheld truth of the training cases that have no manual label. A, B, C "
        "are single teachers, MD all of them together (model distillation); rows with DD see each volume in "
        f"many views (data distillation), so that DD with MD is the hierarchical. {_PRINTED} {_MEANS} "
        "Where any case failed there is no mean: “failed n/m”. Bold is the better row of each column at a ξ.",
        "xi",
        ("hvsmr",),
    ),
    "table2": Table(
        table2,
        "Effects of the attention models",
        "TSMAN with its attentions added one by one from the loss (f4) to the first block (f1), and f4 "
        "without its smoothing, of which P says in its text that it is worth 0.1. P does not state its ξ, so "
        "what it prints stands beside our smallest. "
        f"{_PRINTED} {_MEANS} {_FAILED} Bold is the best at each ξ.",
        "xi",
        ("hvsmr",),
    ),
    "verdicts": Table(
        cohort_verdicts,
        "Every printed cell and its verdict",
        "reproduced: the whole 95 % interval of our mean lies within the tolerance of the printed value; "
        "deviates: wholly outside; consistent: across its edge; insufficient: too few seeds or cases; "
        "not comparable: other data, volumes, recipe or metric, so that the difference says nothing; not "
        "run: no record; figure only: nothing is printed. The tolerances are in docs/decisions/0013.",
        "table",
        without_cohort=verdicts_without_cohort,
    ),
    "trends": Table(
        trends,
        "The paper's trends as claims",
        "Each difference is signed so that the paper is right where it is above zero; with its 95 % interval "
        "over other seeds and cases, the paper's own printed difference, p of the same t statistic, and p "
        "after Holm over all claims tested here, which are one family. Supported: the whole interval is "
        "above zero and p after Holm below 0.05; contradicted: the same below zero; equivalent: not so, "
        "and the whole interval is smaller than the margin (0.1 of overall score, 0.01 of Dice, 0.05 of an "
        "error), which counts neither for nor against the paper; undecided: none of these, which never "
        "means equal, or fewer than 6 cases. Fewer than three seeds give no verdict; with one seed the "
        "interval is over cases only. Where several ξ entered, a case of a seed counts with its mean over "
        "those that have it, so that a seed stands with all its ξ.",
        "topic",
        sentences=trend_summary,
    ),
    "pseudo": Table(
        pseudo_labels,
        "Quality of the pseudo labels",
        "Pseudo labels against the withheld truth of the training cases that have no manual label, for each "
        "ξ. Variants: single (one teacher, one view), dd (data distillation: one teacher, many views), md "
        f"(model distillation: many teachers, one view), hd (hierarchical: both). {_MEANS} {_FAILED} Bold "
        "is the best at each ξ.",
        "xi",
    ),
    "gap": GAP,
    "power": POWER,
    "mixed": MIXED,
    "ranks": Table(
        rank_intervals,
        "Rank of each method at each ξ",
        "Students ranked by their mean overall score; best and worst rank are the ends of the rank's 95 % "
        "interval (bootstrap over cases and seeds, all methods together). Where a case failed, or the "
        "methods differ in seeds or cases, there is no rank. Bold is the best at each ξ.",
        "xi",
    ),
    "curve": Table(curve, "Overall score over ξ", f"The numbers under Figure 6, top. {_BAND}", "xi"),
    "curve_dice": Table(
        mean_dice_curve, "Mean Dice over ξ",
        f"The numbers under Figure 6, bottom: Dice averaged over structures. {_BAND}", "xi",
    ),
    "audit": Table(
        lambda _: audit_table(),
        "The paper's own numbers",
        "What the paper's printed numbers say twice, or its text says of them: the printed value, what the "
        "other printed numbers give, how far the two are apart, and how far rounding to the printed "
        "decimals can move them. A claim has nothing printed; it agrees where what is recomputed is above "
        "zero. No record of ours is in this table.",
        "check",
        once=True,
        sentences=lambda table, _: list(table.loc[table["sentence"] != "", "sentence"]),
    ),
}  # fmt: skip
