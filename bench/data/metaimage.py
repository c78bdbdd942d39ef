"""MetaImage (``.mha``, or ``.mhd`` beside its voxels): voxels and an affine, as a NIfTI file would hold them.

The only file that knows SimpleITK, which reads a file once its header was found to be harmless here: ITK
follows ``ElementDataFile`` to any file, and allocates what a header promises.
"""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.grids import Remark
from bench.data.promises import Promise, check_promise, check_regular, check_shape
from bench.data.stored import Place, Stored
from bench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

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


def is_metaimage(path: Path) -> bool:
    """Whether the name says so."""
    return path.name.lower().endswith((ITSELF, APART))


def open_metaimage(path: Path) -> Stored:
    """What the header says, once it can be true.

    Raises:
        DataError: The header is damaged, not of three axes and one number a voxel, points at another file,
            or promises what its file cannot hold.
    """
    said, start = _opened(path)
    voxels_path = _voxels_path(said, path)
    size = check_regular(voxels_path)
    start = start if voxels_path == path else 0
    shape, kind = _shape(said, path), _kind(said, path)
    packed = _flag(said, "CompressedData", path)
    check_shape(path, shape)
    check_promise(voxels_path, Promise(shape, kind.itemsize, start, packed=packed), size)
    _check_harmless(said, size - start, path)
    affine = _affine(path, shape)
    # A NIfTI header holds the lengths of the affine's columns in float32, and so do results that are there.
    x, y, z = (float(length) for length in np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).astype(np.float32))
    place = Place(affine, (x, y, z), _of_header(said, path))
    return Stored(path, shape, place, kind, lambda: _voxels(path))


def metaimage_files(path: Path) -> tuple[Path, ...]:
    """The files that a MetaImage lies in: one, or header and voxels.

    Raises:
        DataError: The header does not say where the voxels are, or says another folder.
    """
    if path.name.lower().endswith(ITSELF):
        return (path,)
    return tuple(dict.fromkeys((path, _voxels_path(_opened(path)[0], path))))


def _of_header(said: dict[str, str], path: Path) -> tuple[Remark, ...]:
    """What is odd about what the header says of lengths (docs/decisions/0027)."""
    found = []
    unit = said.get("DistanceUnits", "")
    if unit.lower() not in MILLIMETRES:
        what = f"says DistanceUnits = {unit[:20]!r}, which ITK does not heed; its lengths are taken as mm"
        found.append(Remark("warning", "units", f"{path} {what}."))
    if not {"ElementSpacing", "ElementSize"} & set(said):
        what = "says no ElementSpacing; its voxels are taken as 1 x 1 x 1 mm, as ITK does"
        found.append(Remark("warning", "spacing", f"{path} {what}."))
    return tuple(found)


def _opened(path: Path) -> tuple[dict[str, str], int]:
    """The header of a file, and where it ends."""
    check_regular(path)
    try:
        with path.open("rb") as file:
            return _header(file.read(MAX_HEADER), path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error


def _voxels_path(said: dict[str, str], path: Path) -> Path:
    """Where the voxels are: in the file itself, or, of a ``.mhd``, in a file of the same folder.

    Raises:
        DataError: It says a list, a pattern or a path, by which ITK would read whatever lies there.
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
    if not _is_plain(beside) or beside == path.name:
        raise DataError(
            f"{path} says {LAST} = {name[:80]!r}; expected LOCAL or the name of one file in the same folder."
        )
    return path.with_name(beside)


def _is_plain(name: str) -> bool:
    """Whether ITK takes the name as that of one file beside the header: no path, pattern or list."""
    return bool(name.strip(".")) and not set("/\\%") & set(name) and not name.upper().startswith("LIST")


def read_metaimage(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels with the first axis first, and the affine to RAS mm.

    Raises:
        DataError: What ``open_metaimage`` refuses, or damaged voxels.
    """
    stored = open_metaimage(path)
    return stored.voxels(), stored.affine


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


def _flag(said: dict[str, str], key: str, path: Path, *, otherwise: str = "False") -> bool:
    """Whether a key is true; ITK looks at the first letter alone."""
    value = said.get(key, otherwise)
    if value.lower() not in ("true", "false", "t", "f", "1", "0"):
        raise DataError(f"{path} says {key} = {value[:80]!r}; expected True or False.")
    return value[0] in "Tt1"


def _shape(said: dict[str, str], path: Path) -> tuple[int, ...]:
    axes, numbers = said.get("NDims", ""), said.get("ElementNumberOfChannels", "1")
    if (axes, numbers) != ("3", "1"):
        raise DataError(f"{path} has {axes!r} axes and {numbers!r} numbers a voxel; expected 3 and 1.")
    sizes = said.get("DimSize", "").split()
    if len(sizes) != 3 or not all(re.fullmatch(r"\d{1,9}", size) for size in sizes):
        raise DataError(
            f"{path} says DimSize = {said.get('DimSize', '')[:80]!r}; expected three whole numbers."
        )
    return tuple(int(size) for size in sizes)


def _kind(said: dict[str, str], path: Path) -> np.dtype[Any]:
    name = said.get("ElementType", "")
    if name not in KINDS:
        raise DataError(f"{path} says ElementType = {name[:80]!r}; expected one of {', '.join(KINDS)}.")
    return np.dtype(KINDS[name])


def _check_harmless(said: dict[str, str], left: int, path: Path) -> None:
    """Refuse whatever would have ITK read elsewhere, or allocate by a number of the header's own."""
    if said.get("ObjectType", "Image") != "Image" or not _flag(said, "BinaryData", path, otherwise="True"):
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


def _reader(path: Path) -> Any:  # noqa: ANN401 - SimpleITK is untyped
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(path))
    return reader


def _affine(path: Path, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The affine to RAS mm (the file's own is to LPS), as ITK understands the header."""
    reader = _reader(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise DataError(f"{path} cannot be read as a MetaImage: {_reason(error)}.") from error
    if reader.GetDimension() != 3 or reader.GetNumberOfComponents() != 1 or reader.GetSize() != shape:
        raise DataError(f"{path} has a header that ITK takes otherwise: the shape {reader.GetSize()}.")
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(reader.GetDirection(), (3, 3)) * np.asarray(reader.GetSpacing())
    affine[:3, 3] = reader.GetOrigin()
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def _voxels(path: Path) -> NDArray[Any]:
    import SimpleITK

    try:
        image = _reader(path).Execute()
    except RuntimeError as error:
        raise DataError(f"{path} is truncated or damaged: {_reason(error)}.") from error
    return np.asarray(SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0))


def _reason(error: RuntimeError) -> str:
    """What ITK says, without where in its own code it says it."""
    lines = str(error).strip().splitlines() or ["no reason given"]
    return lines[-1].strip()[:200].rstrip(".")
