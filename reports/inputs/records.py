"""The contract of a record: one row for each stage, case, structure and metric."""

from __future__ import annotations

import csv
import math
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

COLUMNS: Final[tuple[str, ...]] = (
    "run", "dataset", "method", "xi", "xi_realised", "seed", "split", "role", "member", "variant", "noise",
    "recipe", "case", "structure", "metric", "value", "unit", "definition", "status", "stage", "commit",
)  # fmt: skip
LARGEST: Final = 1e15
"""Of a value: above it sums of squares are not to be trusted, and far above it they are no numbers."""
_FINEST, _LONGEST_SHARE = Decimal("1e-12"), 32
STATUSES: Final = ("ok", "empty_prediction", "empty_reference", "both_empty", "failed")
ROLES: Final = ("student", "teacher", "pseudo", "supervised", "labelled-only")


def read(path: Path) -> pd.DataFrame:
    """The records of one CSV file: text columns as text, `value` as a number.

    Raises:
        ValueError: The file breaks the contract; the message names the file, the line and the column.
    """
    return _conformed(texts_of(path, COLUMNS), str(path), "line")


def texts_of(path: Path, columns: Collection[str], later: Collection[str] = ()) -> pd.DataFrame:
    """The cells of a CSV that has these columns, as text; the index holds the line that each row ends at.

    Columns of ``later`` may be absent: tables of before do not have them.

    Raises:
        ValueError: It is no such CSV.
    """
    try:
        header, rows, lines = _rows(path, columns, later)
    except csv.Error as error:
        raise ValueError(f"{path} is not a CSV of records: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8: {error.reason} at byte {error.start}") from error
    return pd.DataFrame(rows, columns=header, index=pd.Index(lines, dtype="int64"), dtype=str)


def _rows(
    path: Path, columns: Collection[str], later: Collection[str]
) -> tuple[list[str], list[list[str]], list[int]]:
    """Header, rows and the line that each row ends at."""
    # Not pandas' reader: it pads short lines and turns a surplus field into an index without a word.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        check_columns(header, str(path), columns, later)
        rows: list[list[str]] = []
        lines: list[int] = []
        for row in reader:
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {reader.line_num}: {len(row)} fields where the header has {len(header)} "
                    "columns"
                )
            rows.append(row)
            lines.append(reader.line_num)
    return header, rows, lines


def conform(records: pd.DataFrame) -> pd.DataFrame:
    """A frame that keeps the contract, in the contract's order and types; the argument is left alone.

    Raises:
        ValueError: There are no rows, or one breaks the contract.
    """
    check_columns(list(records.columns), "the records", COLUMNS)
    if records.empty:
        raise ValueError("there are no records to report: run the benchmark first, or name another store")
    return _conformed(records.reset_index(drop=True), "the records", "row")


def check_columns(
    found: list[str], source: str, columns: Collection[str], later: Collection[str] = ()
) -> None:
    """Each column of the contract once, and no other; those of ``later`` may be absent.

    Raises:
        ValueError: One is missing, unknown or there twice.
    """
    for column in columns:
        if column not in found and column not in later:
            raise ValueError(f"{source}: column {column!r} is missing")
    for column in found:
        if column not in columns:
            raise ValueError(f"{source}: column {column!r} is unknown; known are {', '.join(columns)}")
        if found.count(column) > 1:
            raise ValueError(f"{source}: column {column!r} stands there {found.count(column)} times")


def _conformed(frame: pd.DataFrame, source: str, place: str) -> pd.DataFrame:
    texts = {column: text_of(frame[column]) for column in COLUMNS}
    numbers = numbers_of(frame["value"])
    failed = texts["status"] == "failed"
    empty = texts["status"].isin(["empty_prediction", "empty_reference"])
    blank = texts["value"].str.strip().str.lower().isin(["", "nan"])
    wrong: dict[str, pd.Series[bool]] = {
        "status": ~texts["status"].isin(STATUSES),
        "role": ~texts["role"].isin(ROLES),
        "value": (numbers.isna() & ~blank) | (blank & ~failed) | (numbers.abs() > LARGEST),
        # A value that an empty mask cannot have would flatter whoever predicts nothing (docs/decisions/0011).
        "value of an empty mask": empty & ~_is_of_empty(texts["metric"], numbers),
        "seed": ~texts["seed"].str.fullmatch("[0-9]{1,18}"),
        "xi": ~texts["xi"].isin(shares := shares_of(texts["xi"])),
    }
    for column, broken in wrong.items():
        if broken.any():
            name = column.partition(" ")[0]
            first = frame.index[int(broken.to_numpy().argmax())]
            raise ValueError(
                f"{source}, {place} {first}: column {name!r} holds {texts[name].loc[first]!r}, "
                f"which is not {_EXPECTED[column]}"
            )
    texts["xi"] = texts["xi"].map(shares)
    # What failed has no value, whatever was written there.
    checked = pd.DataFrame(texts).assign(value=numbers.mask(failed))
    return checked.loc[:, list(COLUMNS)].reset_index(drop=True)


_EXPECTED: Final = {
    "status": f"one of {', '.join(STATUSES)}",
    "role": f"one of {', '.join(ROLES)}",
    "value": f"a finite number up to {LARGEST:.0e} (only a failed row may be empty)",
    "value of an empty mask": "what one empty mask gives: overlap 0, distances above 0",
    "seed": "a whole number",
    "xi": "a decimal between 0 and 1 such as 0.3",
}


def _is_of_empty(metric: pd.Series[str], value: pd.Series[float]) -> pd.Series[bool]:
    """Whether a value can be of one empty mask and one that is not; an overall score is of several."""
    overlap, distance = metric.isin(["dice", "iou"]), metric.isin(["adb", "hdd", "hd95"])
    return ~(overlap | distance) | (overlap & (value == 0)) | (distance & (value > 0))


def numbers_of(column: pd.Series) -> pd.Series[float]:
    """A column as the nearest numbers of 64 bits, and NaN where it holds none.

    pandas below 3 reads the last digit of some texts otherwise; Python does not.
    """
    read = pd.to_numeric(column, errors="coerce").astype("float64")
    exact = [float(text) if math.isfinite(value) else value for text, value in zip(column, read, strict=True)]
    return pd.Series(exact, index=column.index, dtype="float64", name=column.name)


def text_of(column: pd.Series) -> pd.Series[str]:
    """Text throughout: an absent name is the empty text, never NaN, which a group-by would drop."""
    if isinstance(column.dtype, pd.StringDtype) and not column.hasnans:
        return column
    plain = column.astype(object)
    return plain.where(plain.notna(), "").astype(str)


def shares_of(column: pd.Series[str]) -> dict[str, str]:
    """Every ξ that can be read, to its one spelling: 0.30 is 0.3 and 1 is 1.0."""
    shares = {}
    for text in column.unique():
        try:
            share = Decimal(text)
        except InvalidOperation:
            continue
        # Finer than any that a sweep takes, and its plain spelling could fill the memory.
        if len(text) <= _LONGEST_SHARE and share.is_finite() and _FINEST <= share <= 1:
            plain = f"{share.normalize():f}"
            shares[text] = plain if "." in plain else f"{plain}.0"
    return shares
