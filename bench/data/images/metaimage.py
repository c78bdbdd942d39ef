"""MetaImage (``.mha``, or ``.mhd`` beside its voxels): voxels and an affine, as a NIfTI file would hold them.

The only file that knows SimpleITK, which reads a file once its header was found to be harmless
(``metaimage_header``): ITK follows ``ElementDataFile`` to any file, and allocates what a header promises.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.images.grids import Remark
from bench.data.images.header_checks import Promise, check_promise, check_shape
from bench.data.images.metaimage_header import (
    APART,
    ITSELF,
    MILLIMETRES,
    check_harmless,
    flag,
    is_big_endian,
    kind_of,
    opened,
    packed_size,
    shape_of,
    voxels_path_of,
)
from bench.data.images.stored import Place, Stored
from bench.errors import DataError, reason_of
from bench.files.regular import check_regular

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ANY_DEFLATE = 47  # as ITK opens it: a zlib or a gzip stream, whichever the voxels begin as


@dataclass(frozen=True, slots=True)
class _Packed:
    """Where compressed voxels lie."""

    path: Path
    start: int
    size: int  # of the stream in bytes; 0 up to the end of the file
    kind: np.dtype[Any]  # with the order of its bytes


def is_metaimage(path: Path) -> bool:
    """Whether the name says so."""
    return path.name.lower().endswith((ITSELF, APART))


def open_metaimage(path: Path) -> Stored:
    """What the header says, once it can be true.

    Raises:
        DataError: The header is damaged, not of three axes and one number a voxel, points at another file,
            or promises what its file cannot hold.
    """
    said, start = opened(path)
    voxels_path = voxels_path_of(said, path)
    size = check_regular(voxels_path)
    start = start if voxels_path == path else 0
    shape, kind = shape_of(said, path), kind_of(said, path)
    packed = flag(said, "CompressedData", path)
    check_shape(path, shape)
    check_promise(voxels_path, Promise(shape, kind.itemsize, start, packed=packed), size)
    check_harmless(said, size - start, path)
    affine = _affine(path, shape)
    # A NIfTI header holds the lengths of the affine's columns in float32, and so do results that are there.
    x, y, z = (float(length) for length in np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).astype(np.float32))
    place = Place(affine, (x, y, z), _of_header(said, path))
    if packed:
        order = kind.newbyteorder(">" if is_big_endian(said, path) else "<")
        stream = _Packed(voxels_path, start, packed_size(said), order)
        return Stored(path, shape, place, kind, lambda: _unpacked(stream, shape))
    return Stored(path, shape, place, kind, lambda: _voxels(path))


def metaimage_files(path: Path) -> tuple[Path, ...]:
    """The files that a MetaImage lies in: one, or header and voxels.

    Raises:
        DataError: The header does not say where the voxels are, or says another folder.
    """
    if path.name.lower().endswith(ITSELF):
        return (path,)
    return tuple(dict.fromkeys((path, voxels_path_of(opened(path)[0], path))))


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


def _unpacked(stream: _Packed, shape: tuple[int, ...]) -> NDArray[Any]:
    """Compressed voxels, as many as were promised: where a stream breaks off, ITK gives arbitrary numbers.

    Raises:
        DataError: The stream is damaged or holds fewer voxels.
    """
    wanted = math.prod(shape) * stream.kind.itemsize
    unpacking = zlib.decompressobj(ANY_DEFLATE)
    try:
        with stream.path.open("rb") as file:
            file.seek(stream.start)
            found = unpacking.decompress(file.read(stream.size or -1), wanted)
        rest = unpacking.decompress(unpacking.unconsumed_tail, 1)  # at its end a stream compares its checksum
    except OSError as error:
        raise DataError(f"{stream.path} cannot be read: {reason_of(error)}.") from error
    except zlib.error as error:
        raise DataError(f"{stream.path} is truncated or damaged: {error}.") from error
    if len(found) < wanted or not (rest or unpacking.eof):
        what = f"its compressed voxels end after {len(found)} of {wanted} bytes"
        raise DataError(f"{stream.path} is truncated or damaged: {what}.")
    native = stream.kind.newbyteorder("=")
    return np.frombuffer(found, stream.kind).astype(native).reshape(shape, order="F")


def _reason(error: RuntimeError) -> str:
    """What ITK says, without where in its own code it says it."""
    lines = str(error).strip().splitlines() or ["no reason given"]
    return lines[-1].strip()[:200].rstrip(".")
