"""Which records belong together: one result per place, one setting per table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pandas as pd

from reports.inputs.absent import absent_sentences, without_absent
from reports.inputs.records import COLUMNS, conform

if TYPE_CHECKING:
    from collections.abc import Sequence

IDENTITY: Final = ("dataset", "role", "method", "member", "variant", "xi", "seed", "split")
_SETTING: Final = ("recipe", "definition")
_RESULT: Final = (*IDENTITY, "noise", *_SETTING, "case", "structure", "metric")


NO_NOISE: Final = "none"
"""Nothing was injected: what is wrong in the labels is what teachers got wrong, as in P."""
INJECTED: Final = "noise"
"""The method of rows of role `pseudo` that score labels with injected noise against the truth."""
Benchmark = Literal["hvsmr", "brats"]
"""Which of P's two benchmarks a data set stands in for: tumours with BRATS' labels, or anything else."""
BENCHMARKS: Final[tuple[Benchmark, ...]] = ("hvsmr", "brats")
TUMOUR: Final = ("necrosis", "oedema", "non_enhancing_core", "enhancing_core")
"""The structures of BRATS 2015, labels 1 to 4."""
BACKGROUND: Final = "background"
"""Label 0, which P's Table 4 counts among its five: never part of a mean over structures or a score."""
ABLATED: Final = "tsman"
"""The method whose parts P's Table 2 adds one by one."""
ABLATIONS: Final = ("baseline", "f4", "f34", "f234", "f1234", "f4-unsmoothed")
"""Its variants, in the order of P's Table 2; the last is f4 without its smoothing."""
LABELLED_ONLY: Final = "labelled-only"
"""The role of what the manual cases of a ξ give alone: the averaged teachers, or a method trained on them."""
TEACHERS: Final = "teachers"
"""The method of the averaged teachers."""
TRAINED: Final = ("student", LABELLED_ONLY, "supervised")
"""The roles that a table of methods has: at a ξ, their reference there, and on all manual labels."""
SMOKE: Final = "smoke"
"""The recipe that trains for seconds, to show that the program runs."""
NO_VERDICT: Final = "no verdict"
"""What stands in place of a verdict on results of `SMOKE`."""
SMOKE_SENTENCE: Final = "smoke: no verdict, for this recipe only shows that the program runs"
_FIRST: Final = ("hvsmr2016", "phantom-heart", "brats2015", "phantom-tumour")  # whose files bear no suffix


@dataclass(frozen=True, slots=True)
class Cohort:
    """The records of one data set under one recipe and one definition of the metrics."""

    name: str
    suffix: str  # of its files: empty for the first of its benchmark
    benchmark: Benchmark
    records: pd.DataFrame
    suffix_in_both: str = ""  # of its files that both benchmarks have: empty for the first of all

    @property
    def dataset(self) -> str:
        """The name of the data set alone."""
        return str(self.records["dataset"].iloc[0])


def benchmark_of(rows: pd.DataFrame) -> Benchmark:
    """The benchmark of P that these records of one data set belong to."""
    return "brats" if set(TUMOUR) <= set(rows["structure"].unique()) else "hvsmr"


def cohorts(records: pd.DataFrame) -> list[Cohort]:
    """The records apart by data set, and by recipe or definition where a data set has several."""
    rows = unique(records)
    found: list[Cohort] = []
    taken: set[str] = set()
    by_name = {str(name): part for name, part in rows.groupby("dataset")}
    order = {name: place for place, name in enumerate(_FIRST)}
    for dataset in sorted(by_name, key=lambda name: (order.get(name, len(order)), name)):
        of_dataset, benchmark = by_name[dataset], benchmark_of(by_name[dataset])
        several = [column for column in _SETTING if of_dataset[column].nunique() > 1]
        for key, part in of_dataset.groupby(several, sort=True) if several else [((), of_dataset)]:
            words = [str(dataset), *(str(word) for word in (key if isinstance(key, tuple) else (key,)))]
            suffix = suffix_of(words, taken)
            later = any(cohort.benchmark == benchmark for cohort in found)
            name, in_both = ", ".join(words), suffix if found else ""
            found.append(Cohort(name, suffix if later else "", benchmark, part, in_both))
    return found


def suffix_of(words: Sequence[str], taken: set[str]) -> str:
    """What the names of a cohort's files end in: of names that may hold anything, and never twice."""
    slug = "-".join(re.sub(r"[^A-Za-z0-9._]+", "-", word[:200]).strip("-.") or "unnamed" for word in words)
    slug = slug[:100]
    suffix, number = f"-{slug}", 1
    while suffix.lower() in taken:
        number += 1
        suffix = f"-{slug}-{number}"
    taken.add(suffix.lower())
    return suffix


def unique(records: pd.DataFrame) -> pd.DataFrame:
    """Each result once, without the structures that nobody has.

    Runs share stages, so a result may be recorded by several of them; and a failure that was repaired later
    is no failure.

    Raises:
        ValueError: There are no records, or two different stages claim the same result.
    """
    rows = conform(records)
    rows = rows.drop_duplicates([column for column in COLUMNS if column not in {"run", "commit"}])
    rows = without_absent(rows)
    keys = [*_RESULT, "stage"]
    failed = rows["status"] == "failed"
    repaired = pd.MultiIndex.from_frame(rows[keys]).isin(pd.MultiIndex.from_frame(rows.loc[~failed, keys]))
    rows = rows[~(failed & repaired)]
    twice = rows[rows.duplicated(list(_RESULT), keep=False)]
    if not twice.empty:
        first = twice.iloc[0]
        stages = twice.loc[(twice[list(_RESULT)] == first[list(_RESULT)]).all(axis=1), "stage"]
        raise ValueError(
            f"{first['role']} {first['method']} at ξ = {first['xi']}, seed {first['seed']}, case "
            f"{first['case']} has {len(stages)} different results (stages {', '.join(sorted(stages))}): "
            "report runs of different settings apart"
        )
    return rows


def evaluated(records: pd.DataFrame, roles: Sequence[str]) -> pd.DataFrame:
    """The rows that the tables of the paper are made of: these roles, no injected noise, no ablation.

    Raises:
        ValueError: There are no records, or they mix recipes or definitions.
    """
    rows = unique(records)
    return _of_one_setting(rows[rows["role"].isin(roles) & _plain(rows)])


def ablations(records: pd.DataFrame) -> pd.DataFrame:
    """The rows of P's Table 2: TSMAN with its attentions added one by one, no injected noise.

    Raises:
        ValueError: There are no records, or they mix recipes or definitions.
    """
    rows = unique(records)
    return _of_one_setting(rows[_ablation(rows)])


def contested(records: pd.DataFrame) -> pd.DataFrame:
    """The rows that methods are ranked by, students of no ablation, under whatever noise, and references.

    What teachers got wrong and what was injected stand apart in the column `noise`: whoever takes a mean
    takes it within one noise and one ξ.
    """
    rows = unique(records)
    return rows[rows["role"].isin(TRAINED) & (rows["variant"] == "")]


def _of_one_setting(rows: pd.DataFrame) -> pd.DataFrame:
    for dataset, part in rows.groupby("dataset"):
        for column in _SETTING:
            if part[column].nunique() > 1:
                mixed = ", ".join(sorted(part[column].unique()))
                raise ValueError(
                    f"the records of {dataset} mix several values of {column!r} ({mixed}): report them apart"
                )
    return rows


def omitted(records: pd.DataFrame) -> list[str]:
    """What the tables leave out, counted, so that nothing goes missing silently."""
    rows = unique(records)
    noisy = rows["noise"] != NO_NOISE
    ranked = (rows["role"] == "student") & (rows["variant"] == "")
    injected = (rows["role"] == "pseudo") & (rows["method"] == INJECTED)
    hvsmr = rows.groupby("dataset")["structure"].transform(lambda found: not set(TUMOUR) <= set(found))
    shown = _plain(rows) | (_ablation(rows) & hvsmr.astype(bool))
    variant = ~noisy & ~shown & (rows["variant"] != "") & (rows["role"] != "pseudo")
    teacher = ~noisy & ~variant & (rows["role"] == "teacher")
    reasons = {
        "with injected noise that is not ranked": noisy & ~ranked & ~injected,
        "of variants of a method that no table shows": variant,
        "of teachers scored on the test cases": teacher,
    }
    left_out = [f"{int(found.sum())} rows {reason}" for reason, found in reasons.items() if found.any()]
    return [*left_out, *(f"of {sentence}" for sentence in absent_sentences(conform(records)))]


def _plain(rows: pd.DataFrame) -> pd.Series[bool]:
    pseudo = rows["role"] == "pseudo"
    return (rows["noise"] == NO_NOISE) & ((rows["variant"] == "") | pseudo)


def _ablation(rows: pd.DataFrame) -> pd.Series[bool]:
    ablated = (rows["role"] == "student") & (rows["method"] == ABLATED) & rows["variant"].isin(ABLATIONS)
    return ablated & (rows["noise"] == NO_NOISE)


FOCAL: Final = "tsman"  # the method whose claims are on trial
