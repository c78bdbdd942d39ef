"""What the two sides of ``bench compare`` mean: a method, a variant of it, its ξ."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from bench.errors import UsageError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from reports.claims.pairwise import Side

_FORM: Final = re.compile(r"(?P<method>[^/@]+)(?:/(?P<variant>[^/@]+))?(?:@(?P<xi>[^/@]+))?")


def side_of(text: str) -> Side:
    """``tsman``, ``tsman@0.9``, ``tsman/f4`` or ``distillation/hd@0.3``.

    Raises:
        UsageError: It has another form, or its ξ is no share.
    """
    from reports.claims.pairwise import Side

    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no contestant; write METHOD, METHOD@XI or METHOD/VARIANT.")
    share = match["xi"]
    return Side(match["method"], match["variant"] or "", None if share is None else _share(share))


def _share(text: str) -> float:
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal("nan")
    if not (share.is_finite() and 0 < share <= 1):
        raise UsageError(f"ξ {text!r} must be above 0 and at most 1, which is fully supervised: tsman@0.9.")
    return float(share)


def check_known(side: Side, records: pd.DataFrame) -> None:
    """Refuse what no record bears.

    Raises:
        UsageError: The method, its variant or its ξ; with the nearest known one.
    """
    rows = records[records["role"] != "teacher"]
    if side.method not in set(rows["method"]):
        raise unknown("method", side.method, sorted(set(rows["method"])))
    rows = rows[rows["method"] == side.method]
    if side.variant not in set(rows["variant"]):
        known = sorted(f"{side.method}/{name}" if name else side.method for name in set(rows["variant"]))
        raise unknown("variant", f"{side.method}/{side.variant}".rstrip("/"), known)
    rows = rows[rows["variant"] == side.variant]
    if side.xi is not None and side.xi not in {float(share) for share in rows["xi"]}:
        raise unknown("ξ", str(side.xi), sorted(set(rows["xi"])), where=side.method)
