"""MetaImage (``.mha``) as BRATS 2015 comes in: voxels and an affine, as a NIfTI file would hold them.

The only file that knows SimpleITK, which reads a file once its header was found to be harmless here: ITK
follows ``ElementDataFile`` to any file, and allocates what a header promises.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.promises import Promise, check_promise, check_regular, check_shape
from bench.data.stored import Stored
from bench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MAX_HEADER = 2**16  # bytes
MAX_LINES, MAX_LINE = 200, 1000
KINDS = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
PLACES = {  # key -> how many numbers: where the voxels lie
    "Offset": 3, "Position": 3, "Origin": 3, "CenterOfRotation": 3, "ElementSpacing": 3, "ElementSize": 3,
    "TransformMatrix": 9, "Rotation": 9, "Orientation": 9,
}  # fmt: skip
LAST, LOCAL = "ElementDataFile", ("LOCAL", "Local", "local")

_LINE = re.compile(r"([A-Za-z][\x21-\x39\x3b\x3c\x3e-\x7e]*) *= ?([\t\x20-\x7e]*?) *\r?")


def is_metaimage(path: Path) -> bool:
    """Whether the name says so."""
    return path.name.lower().endswith(".mha")


def open_metaimage(path: Path) -> Stored:
    """What the header says, once it can be true.

    Raises:
        DataError: The header is damaged, not of three axes and one number a voxel, points at another file,
            or promises what its file cannot hold.
    """
    size = check_regular(path)
    try:
        with path.open("rb") as file:
            said, start = _header(file.read(MAX_HEADER), path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    shape, kind = _shape(said, path), _kind(said, path)
    packed = _flag(said, "CompressedData", path)
    check_shape(path, shape)
    check_promise(path, Promise(shape, kind.itemsize, start, packed=packed), size)
    _check_harmless(said, size - start, path)
    affine = _affine(path, shape)
    # A NIfTI header holds the lengths of the affine's columns in float32, and so do results that are there.
    x, y, z = (float(length) for length in np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).astype(np.float32))
    return Stored(path, shape, affine, (x, y, z), kind, lambda: _voxels(path))


def read_metaimage(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels with the first axis first, and the affine to RAS mm.

    Raises:
        DataError: What ``open_metaimage`` refuses, or damaged voxels.
    """
    stored = open_metaimage(path)
    return stored.voxels(), stored.affine


def _header(raw: bytes, path: Path) -> tuple[dict[str, str], int]:
    """The lines up to the one that says where the voxels are, and where that line ends.

    Only what ITK's own parser cannot take otherwise: ``Key = value`` in ASCII, each key once.
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
        said[parts[1]] = parts[2].strip()
        start += len(line) + 1
        if parts[1] == LAST:
            return said, start
    raise DataError(f"{path} is no MetaImage: its header has no {LAST}.")


def _flag(said: dict[str, str], key: str, path: Path, *, otherwise: str = "False") -> bool:
    value = said.get(key, otherwise)
    if value not in ("True", "False"):
        raise DataError(f"{path} says {key} = {value!r}; expected True or False.")
    return value == "True"


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
    if said[LAST] not in LOCAL:
        raise DataError(
            f"{path} says {LAST} = {said[LAST][:80]!r}; expected LOCAL, the voxels in the file itself."
        )
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
