"""Names that are safe to be files."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 80
"""Letters of a name that is part of a path."""


def safe_name(text: str, what: str) -> str:
    """The text with anything but letters, digits, dot, dash and underscore made a dash.

    A name without Latin letters or digits, such as one in Chinese, is ``what`` and a checksum of the text.

    Raises:
        DataError: It has no letter or digit of any script, or is what Windows takes for a device.
    """
    if not any(char.isalnum() for char in text):
        raise DataError(f"{what} {text[:LONGEST]!r} has no letter or digit in it.")
    name = _readable(text)
    if not name:
        return _with_checksum(what.replace(" ", "-"), text)
    if _is_reserved(name):
        raise DataError(
            f"{what} {text[:LONGEST]!r} means a device on Windows; expected a name that can be a file."
        )
    return name


def is_safe_name(text: str, longest: int = LONGEST) -> bool:
    """Whether ``safe_name`` would leave the text as it is, were it not too long."""
    inside = re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", text) is not None
    return inside and len(text) <= longest and not _is_reserved(text)


def checked_name(text: str, what: str, longest: int = LONGEST) -> str:
    """The text, where it is about to be part of a path.

    Raises:
        DataError: It is not a safe name.
    """
    if not is_safe_name(text, longest):
        shown = f"{text[:80]!r}{' ...' if len(text) > 80 else ''}"
        raise DataError(
            f"{what} {shown} cannot be part of a path: letters, digits, . _ - and at most {longest}."
        )
    return text


def _is_reserved(name: str) -> bool:
    """Whether Windows takes a file of this name for a device, whatever its ending."""
    return re.fullmatch(r"(con|prn|aux|nul|(com|lpt)[1-9])(\..*)?", name, re.IGNORECASE) is not None


def safe_names(texts: Iterable[str], what: str) -> dict[str, str]:
    """A safe name for each text, as ``safe_name`` makes it, different for different texts.

    A text that is a safe name keeps it. Of others that would get the same name each has a checksum of its
    text behind it.

    Raises:
        DataError: As ``safe_name``.
    """
    names = {text: safe_name(text, what) for text in texts}
    often = Counter(name.casefold() for name in names.values())
    return {
        text: name if text == name or often[name.casefold()] == 1 else _with_checksum(name, text)
        for text, name in names.items()
    }


def _readable(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:LONGEST].rstrip("-._")


def _with_checksum(name: str, text: str) -> str:
    checksum = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{name[: LONGEST - len(checksum) - 1].rstrip('-._')}-{checksum}"
