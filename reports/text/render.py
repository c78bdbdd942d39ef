"""A table written down as Markdown, CSV or LaTeX, with every name harmless in its new place."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from reports.text.sheet import Cell, Sheet


def markdown(table: Sheet, title: str, caption: str) -> str:
    """A pipe table under its title, with its caption."""
    spanned = [group for group, span in table.groups for _ in range(span)]
    heads = [
        _markdown_text(f"{group} {cell.text}".strip())
        for group, cell in zip(spanned, table.heads, strict=True)
    ]
    rule = ["--:" if cell.numeric else ":--" for cell in table.heads]
    lines = [heads, rule, *[[_markdown_cell(cell) for cell in row] for row in table.rows]]
    body = (
        "\n".join(f"| {' | '.join(line)} |" for line in lines) if table.rows else "No records for this table."
    )
    return f"# {_markdown_text(title)}\n\n{body}\n\n{_markdown_text(caption)}\n"


def _markdown_cell(cell: Cell) -> str:
    text = _markdown_text(cell.text)
    return f"**{text}**" if cell.best else text


def _markdown_text(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|&#~$])", r"\\\1", printable(text))


def printable(text: str) -> str:
    """A text on one line, without what steers a terminal, turns the direction of reading or stops LaTeX."""
    return "".join(sign if sign.isprintable() else "�" for sign in " ".join(text.split()))


DIGITS: Final = 10
"""Significant digits of a number in a table that is written as CSV."""


def comma_separated(frame: pd.DataFrame) -> str:
    """Every column, numbers to ten significant digits: more would be of the processor.

    A name that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    safe = frame.copy()
    safe.columns = pd.Index([_inert(name) for name in frame.columns])
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = safe[name].map(_inert)
    return safe.to_csv(index=False, lineterminator="\n", float_format=f"%.{DIGITS}g")


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def _inert(value: object) -> object:
    if isinstance(value, float):  # in a column that holds texts too, which pandas writes as it finds it
        return "" if math.isnan(value) else f"{value:.{DIGITS}g}"
    if not isinstance(value, str):
        return value
    # csv quotes no bare carriage return, at which a reader ends the row.
    text = re.sub(r"(?<!^)[\r\0]|^\0", "�", value)
    is_number = re.fullmatch(r"-\d+(\.\d+)?", text)
    return f"'{text}".replace("\r", "�") if text.startswith(_FORMULA) and not is_number else text


_PAGE: Final = 45  # rows that a float holds; a longer table runs over pages
_LINE: Final = 60  # signs above which a column of texts is broken into lines


def latex(table: Sheet, label: str, title: str, caption: str) -> str:
    """A floating table for the packages booktabs and graphicx, or one over several pages for longtable."""
    kinds = "".join(_latex_kind(table, place) for place in range(len(table.heads)))
    if len(table.rows) > _PAGE:
        return _latex_long(table, kinds, label, f"{latex_text(title)}. {latex_text(caption)}")
    lines = [
        r"% needs \usepackage{booktabs} and \usepackage{graphicx}",
        r"\begin{table}",
        r"\centering\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{latex_text(title)}. {latex_text(caption)}}}",
        _latex_label(label),
        # A wide table shrinks to the line, a narrow one keeps its size.
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        *_latex_groups(table),
        _latex_row(table.heads),
        r"\midrule",
        *_latex_body(table),
    ]
    if not table.rows:
        lines.append(rf"\multicolumn{{{len(table.heads)}}}{{l}}{{No records for this table.}} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}}", r"\end{table}"]) + "\n"


def _latex_long(table: Sheet, kinds: str, label: str, caption: str) -> str:
    lines = [
        r"% needs \usepackage{booktabs} and \usepackage{longtable}",
        r"{\tiny\setlength{\tabcolsep}{2pt}",
        rf"\begin{{longtable}}{{{kinds}}}",
        rf"\caption{{{caption}}}{_latex_label(label)}\\",
        r"\toprule",
        *_latex_groups(table),
        _latex_row(table.heads),
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *_latex_body(table),
        r"\end{longtable}}",
    ]
    return "\n".join(lines) + "\n"


def _latex_kind(table: Sheet, place: int) -> str:
    """How a column is set: numbers to the right, texts to the left, long texts in lines."""
    if table.heads[place].numeric:
        return "r"
    return r"p{5cm}" if any(len(row[place].text) > _LINE for row in table.rows) else "l"


def _latex_label(label: str) -> str:
    return rf"\label{{tab:{re.sub('[^A-Za-z0-9-]', '-', label)}}}"


def _latex_body(table: Sheet) -> list[str]:
    lines = []
    for number, row in enumerate(table.rows):
        lines += [r"\midrule"] if number in table.rules else []
        lines.append(_latex_row(row))
    return lines


def _latex_groups(table: Sheet) -> list[str]:
    """The spanning heads and the line below each, if there are any."""
    if not any(group for group, _ in table.groups):
        return []
    heads, lines, column = [], [], 1
    for group, span in table.groups:
        heads.append(rf"\multicolumn{{{span}}}{{c}}{{{latex_text(group)}}}")
        if group:
            lines.append(rf"\cmidrule(lr){{{column}-{column + span - 1}}}")
        column += span
    return [" & ".join(heads) + r" \\", "".join(lines)]


def _latex_row(cells: tuple[Cell, ...]) -> str:
    return " & ".join(_latex_cell(cell) for cell in cells) + r" \\"


def _latex_cell(cell: Cell) -> str:
    text = latex_text(cell.text)
    if cell.numeric and text.startswith("-"):
        text = f"$-${text[1:]}"
    return rf"\textbf{{{text}}}" if cell.best else text


_LATEX: Final = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "[": "{[}", "]": "{]}", "*": "{*}",  # after \\ they would be read as a part of it
    "ξ": r"$\xi$", "±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "−": "$-$", "–": "--",
    "�": "?", "✓": r"$\surd$", "½": r"$\frac12$", "¼": r"$\frac14$", "“": "``", "”": "''",
}  # fmt: skip


def latex_text(text: str) -> str:
    """A text as LaTeX prints it, whatever it holds."""
    return "".join(_LATEX.get(sign, sign) for sign in printable(text))
