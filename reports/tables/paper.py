"""The four tables of the paper, each of our values beside the printed one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from reports.published.cells import LABELS, of_exhibit
from reports.published.measured import with_label_mean
from reports.published.verdicts import held
from reports.statistics.aggregate import over_seeds, silent_columns
from reports.statistics.case_scores import case_scores
from reports.statistics.cohorts import ABLATED, ABLATIONS, BACKGROUND, TUMOUR, ablations, evaluated
from reports.tables.beside import IN_PAPER, beside, with_rows_of
from reports.tables.means import COUNTS, at_largest_share, comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.published.cells import PublishedCell

_MODELS: Final = {"1": "A", "2": "B", "3": "C", "": "MD"}  # the member of a variant, as P's columns call it
_OF_MODEL: Final = ("results", "failed")  # counted for each of them, since one may fail alone
_TICK: Final = "✓"
_NO_MEANS: Final = pd.DataFrame(
    columns=["xi", "variant", "member", "overall", "overall_sd", *COUNTS], dtype="object"
)


def table1(records: pd.DataFrame) -> pd.DataFrame:
    """P's Table 1: pseudo labels by one teacher (A, B, C) or all (MD), from one view or many (DD), over ξ.

    Returns:
        `dataset, xi, views` (DD or nothing), `in_paper`; for A, B, C and MD the overall score with `_sd`,
        `_results`, `_failed`, `_printed`, `_difference`, `_verdict`; `cases, seeds`.

    Raises:
        ValueError: There are no records.
    """
    cells = of_exhibit("table1")
    scores = case_scores(evaluated(records, ("pseudo",)))
    means = over_seeds(scores, ["overall"]) if not scores.empty else _NO_MEANS
    means = means.assign(
        views=means["variant"].map(_views),
        model=means["member"].map(lambda member: _MODELS.get(member, member)),
    )
    printed = {(cell.place.xi, _views(cell.place.variant)): cell.row for cell in cells if cell.place}
    keys = sorted({*printed, *means[["xi", "views"]].itertuples(index=False, name=None)})
    frame = pd.DataFrame(
        [(_dataset(records), *key, printed.get(key, "")) for key in keys],
        columns=["dataset", "xi", "views", IN_PAPER],
    )
    others = sorted(set(means["model"]) - set(_MODELS.values()))  # more teachers than P's three
    for model in ("A", "B", "C", *others, "MD"):
        silent = silent_columns(means, ["overall"])
        own = means.loc[
            means["model"] == model, ["xi", "views", "overall", "overall_sd", *silent, *_OF_MODEL]
        ]
        names = {"overall": model, "overall_sd": f"{model}_sd", "overall_silent": f"{model}_silent"}
        own = own.rename(columns=names)
        own = own.rename(columns={name: f"{model}_{name}" for name in _OF_MODEL})
        frame = frame.merge(own, on=["xi", "views"], how="left")
        frame = frame.astype({model: "float64", f"{model}_sd": "float64"})
        frame = _counted(frame, [f"{model}_{name}" for name in _OF_MODEL])
    counts = means.groupby(["xi", "views"])[["cases", "seeds"]].max().reset_index()
    frame = _counted(frame.merge(counts, on=["xi", "views"], how="left"), ["cases", "seeds"])
    return beside(frame, held(records, cells), {name: name for name in _MODELS.values()})


def table2(records: pd.DataFrame) -> pd.DataFrame:
    """P's Table 2: TSMAN with its attentions added one by one, and f4 without its smoothing.

    P does not state its ξ: the printed scores stand beside ours of the smallest ξ that was ablated.

    Returns:
        `dataset, xi, model, f1, f2, f3, f4, smoothing` (ticks), `in_paper`, `overall` with `_sd`, `_printed`,
        `_difference`, `_verdict`; then the counts.

    Raises:
        ValueError: There are no records.
    """
    cells = of_exhibit("table2")
    scores = _with_plain(case_scores(pd.concat([ablations(records), evaluated(records, ("student",))])))
    means = over_seeds(scores, ["overall"]) if not scores.empty else _NO_MEANS
    names = {cell.place.variant: cell.row for cell in cells if cell.place}
    shares = sorted(means["xi"].unique(), key=float) or [""]
    lines = [
        {
            "xi": xi,
            "variant": variant,
            **_ticks(variant),
            IN_PAPER: names.get(variant, "") if xi == shares[0] else "",
        }
        for xi in shares
        for variant in ABLATIONS
    ]
    measures = ["overall", "overall_sd", *silent_columns(means, ["overall"])]
    frame = pd.DataFrame(lines).merge(
        means[["xi", "variant", *measures, *COUNTS]], on=["xi", "variant"], how="left"
    )
    frame = _counted(frame.astype(dict.fromkeys(measures, "float64")), COUNTS)
    frame.insert(0, "dataset", _dataset(records))
    return beside(frame.drop(columns="variant"), held(records, cells), {"score": "overall"})


def table3(records: pd.DataFrame) -> pd.DataFrame:
    """P's Table 3: the methods at the largest ξ below 1 and fully supervised, and the published leaderboard.

    Returns:
        `comparison`, with `in_paper` and the printed numbers beside ours.

    Raises:
        ValueError: There are no records.
    """
    cells = of_exhibit("table3")
    columns = {cell.column: _measure(cell) for cell in cells}
    frame = with_rows_of(_with_measures(comparison(records), list(columns.values())), cells)
    return beside(frame.assign(dataset=_dataset(records)), held(records, cells), columns)


def table4(records: pd.DataFrame) -> pd.DataFrame:
    """P's Table 4: Dice of BRATS' labels 0 to 4 and their mean, background included.

    Returns:
        `dataset, method, in_paper, role, xi`, Dice of each label and `mean`, each with `_sd`, `_printed`,
        `_difference`, `_verdict`; then the counts.

    Raises:
        ValueError: There are no records.
    """
    cells = of_exhibit("table4")
    labels = ["dataset", "method", "role", "xi"]
    measures = [f"{structure}_dice" for structure in (BACKGROUND, *TUMOUR)]
    names = [*measures, "mean"]
    columns = [column for name in names for column in (name, f"{name}_sd")]
    scores = with_label_mean(case_scores(at_largest_share(records)))
    if scores.empty:
        frame = pd.DataFrame(columns=[*labels, *columns, *COUNTS])
    else:
        scores = scores.rename(columns={f"{LABELS}_dice": "mean"})
        scores = scores.assign(**{name: float("nan") for name in names if name not in scores})
        means = over_seeds(scores, names)
        frame = means[[*labels, *columns, *silent_columns(means, names), *COUNTS]]
        frame = frame.sort_values("role", kind="stable", ignore_index=True)
    frame = with_rows_of(frame, cells).assign(dataset=_dataset(records))
    headings = dict(zip(("0", "1", "2", "3", "4", "mean"), names, strict=True))
    return beside(frame, held(records, cells), headings)


def _measure(cell: PublishedCell) -> str:
    """The column of ours that a cell of Table 3 is held against; what nobody stands for has it too."""
    structure, _, metric = cell.column.rpartition(" ")
    return f"{structure.lower().replace(' ', '_')}_{metric.lower()}" if structure else metric.lower()


def _with_measures(frame: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """A table that has the paper's columns where nothing was measured that could have others."""
    if any(str(name).endswith("_dice") for name in frame):
        return frame
    missing = [part for name in measures for part in (name, f"{name}_sd") if part not in frame]
    place = list(frame.columns).index("overall")
    return frame.reindex(columns=[*frame.columns[:place], *missing, *frame.columns[place:]])


def _with_plain(scores: pd.DataFrame) -> pd.DataFrame:
    """The ablations alone; TSMAN as it is stands for all four attentions where they were not run by name."""
    if scores.empty:
        return scores
    own = scores[scores["method"] == ABLATED]
    ablated = own[own["variant"] != ""]
    named = set(ablated.loc[ablated["variant"] == "f1234", "xi"])
    plain = own[(own["variant"] == "") & own["xi"].isin(set(ablated["xi"]) - named)]
    return pd.concat([ablated, plain.assign(variant="f1234")])


def _ticks(variant: str) -> dict[str, str]:
    """Which attentions a variant has, as P's Table 2 ticks them."""
    on = variant.removesuffix("-unsmoothed").removeprefix("f") if variant != "baseline" else ""
    ticks = {f"f{number}": _TICK if str(number) in on else "" for number in range(1, 5)}
    smoothed = _TICK if "4" in on and not variant.endswith("-unsmoothed") else ""
    return {"model": "TSMAN" if on else "Baseline", **ticks, "smoothing": smoothed}


def _views(variant: str) -> str:
    return "DD" if variant in {"dd", "hd"} else ""


def _counted(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """A table whose counts are whole numbers, 0 where nothing was recorded."""
    return frame.assign(**{name: frame[name].astype("float64").fillna(0).astype("int64") for name in names})


def _dataset(records: pd.DataFrame) -> str:
    return str(records["dataset"].iloc[0])
