"""The contract of the tables beside the records: doubts, gradients, costs; each may be absent."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

import pandas as pd

from reports.inputs.records import LARGEST, check_columns, numbers_of, shares_of, text_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IDENTITY: Final = (
    "run", "dataset", "method", "xi", "seed", "split", "role", "variant", "noise", "recipe",
)  # fmt: skip
"""Whose row it is, as in the records."""
DOUBT_MEASURES: Final = (
    "auroc", "auprc", "precision", "removed_wrong", "removed_right", "calibration", "wrong_share",
)  # fmt: skip
"""Of a map of doubt against the truth: how well it ranks wrong labels above right ones where prediction and
label differ (area under the ROC and the precision-recall curve, precision at the realised rate), the share of
gradient mass that it removes from wrong and from right labels, its expected calibration error as a
probability of being wrong, and the share of wrong labels among the voxels looked at."""
REGIONS: Final = ("all", "boundary", "interior")
SIDES: Final = ("features", "parameters")
"""Of what a gradient is taken: of a layer's output, or of its weights."""
GRADIENT_MEASURES: Final = ("noise_to_signal", "cosine", "touched", "above_half")
"""The noise of a layer's whole gradient relative to the clean one, and their cosine.

Of features also the share of positions whose gradient a wrong label touches, and where what it adds is more
than half of the clean one."""
PASSES: Final = (
    "passes_training", "passes_judges", "passes_revisions", "passes_teachers_shared",
    "passes_teachers_alone",
)  # fmt: skip
"""A pass is one network's: over one batch in a training step, over one whole volume elsewhere; of a method's
networks, judges of its labels, studies and revisions, teachers (shared by all that use them, or alone)."""
STARTS: Final = ("", "teachers", "fresh")
"""Where the weights of a student started: at teachers, at a fresh initialisation; empty: not known."""
_SECONDS: Final = ("seconds", "seconds_judges", "seconds_teachers_shared", "seconds_teachers_alone")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, its bounds, and whether a row may lack its number."""

    low: float = 0.0
    high: float = LARGEST
    may_lack: bool = False
    whole: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        ends = f"from {self.low:g}" if self.high == LARGEST else f"from {self.low:g} to {self.high:g}"
        return f"{kind} {ends}{' or nothing' if self.may_lack else ''}"


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of a table: texts, words of a fixed list, numbers; `bounds` are of `value` by measure."""

    columns: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, Numbers]
    bounds: Mapping[str, Numbers]
    key: tuple[str, ...]  # what tells its rows apart
    later: tuple[str, ...] = ()  # columns that tables of before lack; empty there


_WHOLE: Final = Numbers(whole=True)
_PROGRESS: Final = Numbers(low=0, high=100)
_SHARE: Final = Numbers(low=0, high=1, may_lack=True)
_WHO: Final = tuple(name for name in IDENTITY if name != "run")
_DOUBTS: Final = Contract(
    (*IDENTITY, "case", "map", "progress", "structure", "region", "measure", "value", "voxels", "stage"),
    {"region": REGIONS, "measure": DOUBT_MEASURES},
    {"progress": _PROGRESS, "value": _SHARE, "voxels": _WHOLE},
    {},
    (*_WHO, "case", "map", "progress", "structure", "region", "measure"),
)
_GRADIENTS: Final = Contract(
    (*IDENTITY, "case", "of", "layer", "depth", "progress", "measure", "value", "stage"),
    {"of": SIDES, "measure": GRADIENT_MEASURES},
    {"depth": _WHOLE, "progress": _PROGRESS, "value": Numbers(low=-LARGEST, may_lack=True)},
    {
        "noise_to_signal": Numbers(may_lack=True),
        "cosine": Numbers(low=-1, high=1, may_lack=True),
        "touched": _SHARE,
        "above_half": _SHARE,
    },
    (*_WHO, "case", "of", "layer", "depth", "progress", "measure"),
)
_COSTS: Final = Contract(
    (*IDENTITY, "start", "networks", "steps", "voxels", *PASSES, *_SECONDS, "stage"),
    {"start": STARTS},
    {name: Numbers() for name in ("networks", "steps", "voxels", *PASSES)}
    | {name: Numbers(may_lack=True) for name in _SECONDS},
    {},
    _WHO,
    ("start",),
)
CONTRACTS: Final[Mapping[str, Contract]] = {"doubts": _DOUBTS, "gradients": _GRADIENTS, "costs": _COSTS}


def _empty(name: str) -> pd.DataFrame:
    contract = CONTRACTS[name]
    return pd.DataFrame(
        {
            column: pd.Series(dtype="float64" if column in contract.numbers else "object")
            for column in contract.columns
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class Extras:
    """The tables beside the records; one that nobody made is empty."""

    doubts: pd.DataFrame = field(default_factory=lambda: _empty("doubts"))
    gradients: pd.DataFrame = field(default_factory=lambda: _empty("gradients"))
    costs: pd.DataFrame = field(default_factory=lambda: _empty("costs"))


def read(folder: Path) -> Extras:
    """Those of ``doubts.csv``, ``gradients.csv`` and ``costs.csv`` that a folder holds.

    Raises:
        ValueError: One breaks its contract; the message names the file, the line and the column.
    """
    found = {}
    for name, contract in CONTRACTS.items():
        path = folder / f"{name}.csv"
        if path.is_file() and path.stat().st_size:
            found[name] = _conformed(
                texts_of(path, contract.columns, contract.later), contract, (str(path), "line")
            )
    return Extras(**found)


def conform(extras: Extras) -> Extras:
    """Tables that keep the contract, each row once; the argument is left alone.

    Raises:
        ValueError: One breaks it, or two stages claim the same row.
    """
    found = {}
    for one in fields(Extras):
        frame, contract = getattr(extras, one.name), CONTRACTS[one.name]
        source = f"the {one.name}"
        check_columns([str(name) for name in frame.columns], source, contract.columns, contract.later)
        found[one.name] = _unique(
            _conformed(frame.reset_index(drop=True), contract, (source, "row")), contract, source
        )
    return Extras(**found)


def _conformed(frame: pd.DataFrame, contract: Contract, where: tuple[str, str]) -> pd.DataFrame:
    frame = frame.assign(**{column: "" for column in contract.later if column not in frame})
    texts = {column: text_of(frame[column]) for column in contract.columns}
    shares = shares_of(texts["xi"])
    _refuse(~texts["xi"].isin(shares), texts["xi"], where, "a decimal between 0 and 1 such as 0.3")
    _refuse(~texts["seed"].str.fullmatch("[0-9]{1,18}"), texts["seed"], where, "a whole number")
    for name, known in contract.words.items():
        _refuse(~texts[name].isin(known), texts[name], where, f"one of {', '.join(known)}")
    numbers = {
        name: _numbers(texts[name], kind, pd.Series(data=True, index=frame.index), where)
        for name, kind in contract.numbers.items()
    }
    for measure, kind in contract.bounds.items():
        _numbers(texts["value"], kind, texts["measure"] == measure, where)
    texts["xi"] = texts["xi"].map(shares)
    return pd.DataFrame(texts | numbers)[list(contract.columns)].reset_index(drop=True)


def _numbers(
    texts: pd.Series[str], kind: Numbers, among: pd.Series[bool], where: tuple[str, str]
) -> pd.Series[float]:
    """A column as numbers, where those `among` these rows are held to what they should be."""
    values = numbers_of(texts)
    lacking = texts.str.strip().str.lower().isin(["", "nan"])
    wrong = (values.isna() & ~(lacking & kind.may_lack)) | (values < kind.low) | (values > kind.high)
    if kind.whole:
        wrong |= values.notna() & (values % 1 != 0)
    _refuse(wrong & among, texts, where, str(kind))
    return values


def _refuse(wrong: pd.Series[bool], texts: pd.Series[str], where: tuple[str, str], expected: str) -> None:
    """Name the first cell that is wrong.

    Raises:
        ValueError: There is one.
    """
    if wrong.any():
        first = texts.index[int(wrong.to_numpy().argmax())]
        source, place = where
        raise ValueError(
            f"{source}, {place} {first}: column {texts.name!r} holds {texts.loc[first]!r}, which is not "
            f"{expected}"
        )


def _unique(frame: pd.DataFrame, contract: Contract, source: str) -> pd.DataFrame:
    """Each row once, though several runs share its stage."""
    rows = frame.drop_duplicates([name for name in contract.columns if name != "run"], ignore_index=True)
    twice = rows[rows.duplicated(list(contract.key), keep=False)]
    if not twice.empty:
        first = twice.iloc[0]
        stages = sorted(set(twice.loc[(twice[list(_WHO)] == first[list(_WHO)]).all(axis=1), "stage"]))
        raise ValueError(
            f"{source}: {first['method']} on {first['dataset']} at ξ = {first['xi']}, noise "
            f"{first['noise']}, seed {first['seed']} has several rows of the same name (stages "
            f"{', '.join(stages)}): report runs of different settings apart"
        )
    return rows
