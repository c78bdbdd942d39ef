"""The tables that say what there is to decide and what it takes."""

from __future__ import annotations

from typing import Final

from reports.claims.gap import closed_sentences, closed_table, gap_table
from reports.claims.mixed_effects import mixed_sentences, mixed_table
from reports.statistics.components import power_sentences, power_table
from reports.tables.entry import Table

_INTERVALS: Final = (
    "In brackets: 95 % interval over other seeds and cases, with one seed over cases only. A gap that is not "
    "clearly above zero has no share: nothing to close here. Fewer than three seeds give no verdict."
)

CLOSED: Final = Table(
    closed_table,
    "Share of the gap closed",
    "How much of the gap in mean Dice between labelled-only (the teachers of a ξ averaged: what its manual "
    "cases give alone) and full (the same method on all manual labels) each method closes: (method − "
    "labelled-only) / (full − labelled-only). All is of the means over ξ. The interval is Fieller's, of the "
    f"same seeds and cases above and below. {_INTERVALS}",
    "method",
    sentences=closed_sentences,
)
GAP: Final = Table(
    gap_table,
    "Gap between labelled-only and full",
    f"Full is the mean of the methods trained on all manual labels. {_INTERVALS}",
    "measure",
)
POWER: Final = Table(
    power_table,
    "What it takes to decide",
    "Of the paired difference of two methods: its standard deviation between seeds, between cases and of the "
    "rest at one ξ, averaged over all pairs of methods; the correlation between the ξ of one seed; the "
    "difference, averaged over the ξ, that these seeds and cases find with a power of 80 %; and the seeds "
    "that would find the smallest difference of interest. With one seed the variances are those committed "
    "for this data set and recipe, where there are any.",
    "measure",
    sentences=power_sentences,
)
MIXED: Final = Table(
    mixed_table,
    "Mixed-effects analysis",
    "TSMAN less each rival in overall score, averaged over the ξ below 1, with random seeds and cases fitted "
    "by restricted maximum likelihood. It is told where it agrees with the interval that verdicts go by: the "
    "ratio of the standard errors from 0.8 to 1.25, the means within 0.1 of a standard error. No verdict "
    "hangs on it.",
    "against",
    sentences=mixed_sentences,
)
