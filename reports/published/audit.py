"""What of the paper's printed numbers follows from its other printed numbers, and whether it does."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pandas as pd

from reports.inputs.absent import OVERALL_WEIGHTS
from reports.published.cells import of_exhibit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reports.published.cells import PublishedCell

_SLACK: Final = 1e-9  # what is printed as decimals is not exact in binary


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the printed numbers say twice."""

    check: str
    printed: float  # absent where the paper prints NA, or claims no more than a sign
    recomputed: float
    difference: float
    tolerance: float  # how far rounding to the printed decimals can move the one from the other
    agrees: bool
    sentence: str  # what does not add up, in words; empty where it does or cannot be told


def audit() -> pd.DataFrame:
    """Everything that can be checked, a row each.

    Returns:
        `check, printed, recomputed, difference, tolerance, agrees, sentence`.
    """
    rows = [
        *_overall_scores(),
        *_means(),
        *_bold(),
        *_distillation(),
        *_attention(),
        *_baseline(),
        *_scales(),
        *_counts(),
    ]
    return pd.DataFrame([astuple(row) for row in rows], columns=[field.name for field in fields(Check)])


def discrepancies() -> list[str]:
    """What does not add up, as sentences."""
    sentences = audit()["sentence"]
    return list(sentences[sentences != ""])


def audit_table() -> pd.DataFrame:
    """The audit as the report prints it.

    Returns:
        `check, printed, recomputed, apart, rounding` (how far rounding to the printed decimals can move the
        one from the other), `agrees` (yes or no), `sentence`.
    """
    names = {"difference": "apart", "tolerance": "rounding"}
    table = audit().rename(columns=names)
    # Beyond nine digits is what is left of decimals that are not exact in binary.
    numbers = table[["printed", "recomputed", *names.values()]].round(9) + 0.0
    return table.assign(**numbers, agrees=table["agrees"].map({True: "yes", False: "no"}))


def _rows(exhibit: str) -> dict[str, dict[str, PublishedCell]]:
    """The cells of a table by row, then by column."""
    rows: dict[str, dict[str, PublishedCell]] = {}
    for cell in of_exhibit(exhibit):
        rows.setdefault(cell.row, {})[cell.column] = cell
    return rows


def _number(cell: PublishedCell) -> float:
    return float("nan") if cell.value is None else cell.value


def _overall_scores() -> Iterator[Check]:
    """Table 3's overall scores from its Dice, ADB and HDD, by the organisers' formula."""
    for name, cells in _rows("table3").items():
        printed = cells.pop("Overall")
        weights = {
            column: OVERALL_WEIGHTS[cell.place.metric if cell.place else column.split()[-1].lower()]
            for column, cell in cells.items()
        }
        recomputed = sum(weight * _number(cells[column]) for column, weight in weights.items())
        tolerance = printed.rounding + sum(
            abs(weight) * cells[column].rounding for column, weight in weights.items()
        )
        yield _sum(f"Table 3, overall score of {name}", printed, recomputed, tolerance)


def _means() -> Iterator[Check]:
    """Table 4's means over all five labels, background included."""
    for name, cells in _rows("table4").items():
        printed = cells.pop("mean")
        recomputed = sum(_number(cell) for cell in cells.values()) / len(cells)
        tolerance = printed.rounding + sum(cell.rounding for cell in cells.values()) / len(cells)
        yield _sum(f"Table 4, mean of {name} over labels 0 to 4", printed, recomputed, tolerance)


def _sum(check: str, printed: PublishedCell, recomputed: float, tolerance: float) -> Check:
    value = _number(printed)
    difference = recomputed - value
    sentence = ""
    if printed.value is None:
        sentence = f"{check}: printed {printed.text}, the printed cells give {recomputed:.3f}."
    elif abs(difference) > tolerance + _SLACK:
        sentence = (
            f"{check}: printed {printed.text}, the printed cells give {recomputed:.4f}, "
            f"{abs(difference):.4f} apart where rounding explains {tolerance:.4f}."
        )
    return Check(check, value, recomputed, difference, tolerance, not sentence, sentence)


def _bold() -> Iterator[Check]:
    """Whether bold is the best: of each ξ in Table 1, of each column elsewhere."""
    groups: dict[str, list[PublishedCell]] = {}
    for exhibit in ("table1", "table2", "table3", "table4"):
        for cell in of_exhibit(exhibit):
            part = cell.row.removesuffix("(DD)") if exhibit == "table1" else cell.column
            groups.setdefault(f"Table {exhibit[-1]}, {part}", []).append(cell)
    for name, cells in groups.items():
        values = [cell.value for cell in cells if cell.value is not None]
        best = max(values) if cells[0].better == "higher" else min(values)
        marked = [_number(cell) for cell in cells if cell.bold]
        agrees = {cell for cell in cells if cell.value == best} == {cell for cell in cells if cell.bold}
        said = f"bold is {', '.join(map(str, marked)) or 'nothing'}"
        sentence = "" if agrees else f"{name}: {said}, the best printed is {best}."
        printed = marked[0] if marked else float("nan")
        yield Check(f"{name}: bold is the best", printed, best, best - printed, 0.0, agrees, sentence)


def _claim(check: str, values: Mapping[str, float], gain: float) -> Check:
    """A claim that a difference of printed numbers is above zero."""
    agrees = gain > _SLACK
    told = ", ".join(f"{name} {value:g}" for name, value in values.items())
    sentence = "" if agrees else f"Not so in the printed numbers: {check} ({told})."
    return Check(check, float("nan"), gain, float("nan"), 0.0, agrees, sentence)


def _distillation() -> Iterator[Check]:
    """What the text says of Table 1."""
    rows = {
        name: {column: _number(cell) for column, cell in cells.items()}
        for name, cells in _rows("table1").items()
    }
    for share in ("30%", "50%", "80%"):
        plain, views = rows[share], rows[f"{share}(DD)"]
        md, hd = plain.pop("MD"), views.pop("MD")
        best, best_views = max(plain.values()), max(views.values())
        at = f"Table 1 at {share}"
        yield _claim(f"{at}: hierarchical above model distillation", {"HD": hd, "MD": md}, hd - md)
        yield _claim(
            f"{at}: hierarchical above the best data distillation",
            {"HD": hd, "best DD": best_views}, hd - best_views,
        )  # fmt: skip
        yield _claim(
            f"{at}: model distillation above the best single model",
            {"MD": md, "best single": best},
            md - best,
        )
        mean = sum(plain.values()) / len(plain)
        values = {"MD": md, "mean single": round(mean, 4)}
        yield _claim(f"{at}: model distillation above the mean of the single models", values, md - mean)
        for name, single in plain.items():
            # The text itself says that data distillation harms model C at 30 %.
            sign, word = (-1, "harms") if (share, name) == ("30%", "C") else (1, "improves")
            yield _claim(
                f"{at}: data distillation {word} model {name}",
                {"DD": views[name], "single": single}, sign * (views[name] - single),
            )  # fmt: skip
        if share != "50%":  # of which the text says nothing
            ahead = 1 if share == "30%" else -1
            words = "above" if ahead > 0 else "below"
            yield _claim(
                f"{at}: model distillation {words} the best data distillation",
                {"MD": md, "best DD": best_views}, ahead * (md - best_views),
            )  # fmt: skip


def _attention() -> Iterator[Check]:
    """What the text says of Table 2: each attention helps, each less than the one after it."""
    scores = [_number(cells["score"]) for cells in _rows("table2").values()]
    gains = [after - before for before, after in pairwise(scores)]
    names = ("f4", "f3", "f2", "f1")
    for name, gain in zip(names, gains, strict=True):
        yield _claim(f"Table 2: adding {name} improves the score", {"gain": gain}, gain)
    for place in range(1, len(names)):
        earlier, later = names[place], names[place - 1]
        values = {later: gains[place - 1], earlier: gains[place]}
        yield _claim(f"Table 2: {earlier} adds less than {later}", values, gains[place - 1] - gains[place])


def _baseline() -> Iterator[Check]:
    """What the text says of Tables 3 and 4: TSMAN against DenseVoxNet and the fully supervised."""
    three, four = _rows("table3"), _rows("table4")
    for column in ("Myocardium ADB", "Myocardium HDD", "Blood Pool ADB", "Blood Pool HDD"):
        ours, theirs = _number(three["Ours"][column]), _number(three["Y17"][column])
        values = {"Ours": ours, "Y17": theirs}
        yield _claim(f"Table 3: TSMAN improves DenseVoxNet's {column}", values, theirs - ours)
    printed = {name: cells["Overall"].value for name, cells in three.items()}
    rivals = {name: score for name, score in printed.items() if score is not None and name != "Ours"}
    ours = _number(three["Ours"]["Overall"])
    values = {"Ours": ours, "best other": max(rivals.values())}
    yield _claim("Table 3: TSMAN ranks first", values, ours - max(rivals.values()))
    rank = 1 + sum(score > rivals["Y17"] for score in rivals.values())
    yield _count("Table 3: rank of DenseVoxNet among the published", 3, rank)
    means = {name: _number(cells["mean"]) for name, cells in four.items()}
    values = {"TSMAN": means["TSMAN"], "MME": means["MME"]}
    yield _claim("Table 4: TSMAN above MME", values, means["TSMAN"] - means["MME"])


def _scales() -> Iterator[Check]:
    """Scores of one name on one data set: Tables 1 and 2 against Table 3's, of the withheld test scans."""
    one, two, three = _rows("table1"), _rows("table2"), _rows("table3")
    final = three["Ours"]["Overall"]
    highest = max((cell for cells in one.values() for cell in cells.values()), key=_number)
    why = "so the scores are of other volumes or another ξ, which P does not name"
    for check, cell in (
        ("Table 1: the highest overall score is within reach of Table 3's best", highest),
        ("Table 2: the full TSMAN scores as in Table 3", two["f1234"]["score"]),
    ):
        difference, tolerance = _number(final) - _number(cell), final.rounding + cell.rounding
        agrees = abs(difference) <= tolerance
        sentence = f"{check}: no, {cell.text} against {final.text}, {why}."
        yield Check(
            check, _number(cell), _number(final), difference, tolerance, agrees, "" if agrees else sentence
        )


def _counts() -> Iterator[Check]:
    """Counts that the text says twice."""
    yield _count("BRATS 2015: 220 + 54 patients less 195 + 49 for training leave", 30, 220 + 54 - 195 - 49)
    yield _count("Distillation: transformations of four rotations and three flips", 12, 4 * 3)
    four = _rows("table4")["TSMAN"]
    decimals = {column: len(cell.text.partition(".")[2]) for column, cell in four.items()}
    yield _count("Table 4: decimals of TSMAN's label 1, as of all other cells", decimals["1"], decimals["0"])
    yield _count("BRATS 2015: labels named where five are announced", 5, 4)


def _count(check: str, printed: int, recomputed: int) -> Check:
    agrees = printed == recomputed
    sentence = "" if agrees else f"{check}: {printed} printed, {recomputed} counted."
    return Check(check, printed, recomputed, recomputed - printed, 0.0, agrees, sentence)
