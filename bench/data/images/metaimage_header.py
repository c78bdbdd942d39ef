"""The header of a MetaImage, read before ITK is let at the file: what it would read elsewhere is refused."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import DataError, reason_of
from bench.files.regular import check_regular

if TYPE_CHECKING:
    from pathlib import Path

MAX_HEADER = 2**16  # bytes
MAX_LINES, MAX_LINE = 200, 1000
KINDS = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
PLACES = {  # key -> how many numbers: where the voxels lie
    "Offset": 3, "Position": 3, "Origin": 3, "CenterOfRotation": 3, "ElementSpacing": 3, "ElementSize": 3,
    "TransformMatrix": 9, "Rotation": 9, "Orientation": 9,
}  # fmt: skip
ITSELF, APART = ".mha", ".mhd"  # voxels in the file itself, or in one beside it
LAST, LOCAL = "ElementDataFile", ("LOCAL", "Local", "local")

MILLIMETRES = ("mm", "millimeter", "millimeters", "?", "")
"""What ``DistanceUnits`` may say without a warning: ITK takes every length as mm."""

_LINE = re.compile(
    r"([A-Za-z][\x21-\x39\x3b\x3c\x3e-\x7e]*) *= ?([\t\x20-\x7e\x80-\xff]*?) *\r?"
)  # as Latin-1: the bytes of a comment in UTF-8 are let through


def opened(path: Path) -> tuple[dict[str, str], int]:
    """The header of a file, and where it ends.

    Raises:
        DataError: The file is missing, or does not begin with such a header.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            return _header(file.read(MAX_HEADER), path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {reason_of(error)}.") from error


def voxels_path_of(said: dict[str, str], path: Path) -> Path:
    """Where the voxels are: in the file itself, or, of a ``.mhd``, in a file of the same folder.

    Raises:
        DataError: It is missing, or the header says a list, a pattern or a path, by which ITK would read
            whatever lies there.
    """
    name = said[LAST]
    if name in LOCAL:
        return path
    if path.name.lower().endswith(ITSELF):
        raise DataError(
            f"{path} says {LAST} = {name[:80]!r}; expected LOCAL, the voxels in the file itself (a header "
            "whose voxels lie in a file beside it is named .mhd)."
        )
    beside = os.fsdecode(name.encode("latin-1"))
    if not _is_plain(beside) or beside.lower() == path.name.lower():
        raise DataError(
            f"{path} says {LAST} = {name[:80]!r}; expected LOCAL or the name of one file in the same folder."
        )
    voxels = path.with_name(beside)
    if not os.path.lexists(voxels):
        raise DataError(f"{voxels} does not exist: the voxels that {path} names.")
    return voxels


def _is_plain(name: str) -> bool:
    """True if ITK takes the name as that of one file beside the header: no path, pattern or list."""
    return bool(name.strip(".")) and not set("/\\%") & set(name) and not name.upper().startswith("LIST")


def _header(raw: bytes, path: Path) -> tuple[dict[str, str], int]:
    """The lines up to the one that says where the voxels are, and where that line ends.

    Only what ITK's own parser cannot take otherwise: ``Key = value``, the keys in ASCII, each once.
    """
    said: dict[str, str] = {}
    start = 0
    for number, line in enumerate(raw.split(b"\n")):
        parts = _LINE.fullmatch(line.decode("latin-1"))
        if parts is None or len(line) > MAX_LINE or number >= MAX_LINES:
            raise DataError(
                f"{path} is no MetaImage: its line {number + 1} is not of the form 'Key = value'."
            )
        if parts[1] in said:
            raise DataError(f"{path} says {parts[1]} twice in its header.")
        said[parts[1]] = parts[2].strip(" \t")
        start += len(line) + 1
        if parts[1] == LAST:
            return said, start
    raise DataError(f"{path} is no MetaImage: its header has no {LAST}.")


def flag(said: dict[str, str], key: str, path: Path, *, otherwise: str = "False") -> bool:
    """Whether a key is true; ITK looks at the first letter alone.

    Raises:
        DataError: It is neither true nor false.
    """
    value = said.get(key, otherwise)
    if value.lower() not in ("true", "false", "t", "f", "1", "0"):
        raise DataError(f"{path} says {key} = {value[:80]!r}; expected True or False.")
    return value[0] in "Tt1"


def shape_of(said: dict[str, str], path: Path) -> tuple[int, ...]:
    """Voxels along each axis.

    Raises:
        DataError: There are not three axes with one number a voxel.
    """
    axes, numbers = said.get("NDims", ""), said.get("ElementNumberOfChannels", "1")
    if (axes, numbers) != ("3", "1"):
        raise DataError(f"{path} has {axes!r} axes and {numbers!r} numbers a voxel; expected 3 and 1.")
    sizes = said.get("DimSize", "").split()
    if len(sizes) != 3 or not all(re.fullmatch(r"\d{1,9}", size) for size in sizes):
        raise DataError(
            f"{path} says DimSize = {said.get('DimSize', '')[:80]!r}; expected three whole numbers."
        )
    return tuple(int(size) for size in sizes)


def kind_of(said: dict[str, str], path: Path) -> np.dtype[np.number]:
    """What the voxels are stored as.

    Raises:
        DataError: It is no type of numbers.
    """
    name = said.get("ElementType", "")
    if name not in KINDS:
        raise DataError(f"{path} says ElementType = {name[:80]!r}; expected one of {', '.join(KINDS)}.")
    return np.dtype(KINDS[name])


def is_big_endian(said: dict[str, str], path: Path) -> bool:
    """Whether the highest byte of a voxel comes first: the key that ITK lets win, then its other name.

    Raises:
        DataError: It is neither true nor false.
    """
    other = said.get("ElementByteOrderMSB", "False")
    return flag(said, "BinaryDataByteOrderMSB", path, otherwise=other)


def packed_size(said: dict[str, str]) -> int:
    """Bytes of compressed voxels, 0 where it is not said; once ``check_harmless`` let the header through."""
    return int(said.get("CompressedDataSize", "0"))


def check_harmless(said: dict[str, str], left: int, path: Path) -> None:
    """Refuse whatever would have ITK read elsewhere, or allocate by a number of the header's own.

    Raises:
        DataError: The header says such a thing.
    """
    if said.get("ObjectType", "Image") != "Image" or not flag(said, "BinaryData", path, otherwise="True"):
        raise DataError(f"{path} is no binary MetaImage of the type Image.")
    if said.get("HeaderSize", "0") != "0":
        raise DataError(f"{path} says HeaderSize = {said['HeaderSize'][:80]!r}; expected none.")
    packed = said.get("CompressedDataSize", "0")
    if not re.fullmatch(r"\d{1,18}", packed) or int(packed) > left:
        raise DataError(
            f"{path} says CompressedDataSize = {packed[:80]!r}; expected at most {left}, what follows."
        )
    for key, count in PLACES.items():
        if key in said and not _are_numbers(said[key], count):
            raise DataError(f"{path} says {key} = {said[key][:80]!r}; expected {count} finite numbers.")


def _are_numbers(text: str, count: int) -> bool:
    if not text.isascii():
        return False
    try:
        numbers = [float(word) for word in text.split()]
    except ValueError:
        return False
    return len(numbers) == count and all(math.isfinite(number) for number in numbers)
