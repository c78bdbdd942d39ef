"""NIfTI on disk: headers that are not believed before they are checked, voxels, and label maps back again.

The only file that knows nibabel. Extensions of a header are not looked at.
"""

from __future__ import annotations

import gzip
import logging
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.images.header_checks import Promise, check_promise, check_shape
from bench.data.images.nifti_header import place_of
from bench.data.images.stored import Stored
from bench.errors import DataError, reason_of
from bench.files.regular import check_regular

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.data.images.grids import Grid, SpacingFrom

SINGLE, PAIR = (".nii",), (".hdr", ".img")
HEADER_BYTES = 540  # of NIfTI-2, the longer one
GZIP_MARK = b"\x1f\x8b"
MAGIC_AT = 344  # of NIfTI-1
SIZES_OF_HEADERS = (b"\x5c\x01\0\0", b"\0\0\x01\x5c")  # of NIfTI-1 and ANALYZE, as they begin
NO_VOXELS = {1: "single bits", 1536: "128-bit floating point", 2048: "complex numbers"}
DAMAGES = (OSError, EOFError, ValueError, OverflowError, zlib.error)

_SILENT = logging.Logger("mended headers", logging.CRITICAL + 1)


def open_nifti(path: Path, spacing_from: SpacingFrom = "") -> Stored:
    """What the header says, once it can be true.

    Raises:
        DataError: No NIfTI file, or a header that cannot be.
    """
    from nibabel.spatialimages import HeaderDataError

    header_path, voxels_path = _files(path)
    try:
        with _unpacked(header_path) as file:
            raw = file.read(HEADER_BYTES)
        header, pixdim = _header(raw, path, is_pair=header_path != voxels_path)
        slope, inter = _scaling(header, path)
        kind, start = header.get_data_dtype(), header.get_data_offset()
        shape = _without_ends(tuple(int(n) for n in header.get_data_shape()))
        check_shape(path, shape)
        place = place_of(header, pixdim, path, spacing_from)
    except (*DAMAGES, HeaderDataError) as error:
        raise DataError(f"{path} cannot be read as an image: {_clipped(error)}.") from error
    if kind.kind not in "biuf":
        raise DataError(f"{path} holds {_kind_in_words(kind)}; expected one real number a voxel.")
    if header_path == voxels_path and start < header.single_vox_offset:
        raise DataError(f"{path} says that its voxels begin at byte {start}, inside its header.")
    promise = Promise(shape, kind.itemsize, start, packed=_is_packed(voxels_path))
    check_promise(path, promise, check_regular(voxels_path))
    said = (shape, kind, start, slope, inter)
    return Stored(path, shape, place, kind, lambda: _voxels(voxels_path, said), slope)


def nifti_files(path: Path) -> tuple[Path, ...]:
    """The files that a NIfTI image lies in: one, or header and voxels.

    Raises:
        DataError: One is missing or no file, or the name is that of no image.
    """
    return tuple(dict.fromkeys(_files(path)))


def _without_ends(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the axes of length 1 behind the fourth."""
    while len(shape) > 4 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _kind_in_words(kind: Any) -> str:  # noqa: ANN401 - nibabel is untyped
    return f"colours ({', '.join(kind.names)})" if kind.names else str(kind)


def _files(path: Path) -> tuple[Path, Path]:
    """The files of header and voxels: one, or the two of a pair."""
    check_regular(path)
    whole = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    stem, packed = path.name[: len(whole)], path.name[len(whole) :]
    ending = whole[whole.rfind(".") :].lower()
    if ending in SINGLE:
        return path, path
    if ending not in PAIR:
        raise DataError(
            f"{path} is no image that is known; expected .nii, .nii.gz, .hdr with .img, .mha or .mhd."
        )
    cut = stem[: -len(ending)]
    header, voxels = (".HDR", ".IMG") if stem.endswith((".HDR", ".IMG")) else PAIR
    pair = path.with_name(cut + header + packed), path.with_name(cut + voxels + packed)
    for one in pair:
        check_regular(one)
    return pair


def _is_packed(path: Path) -> bool:
    """Whether gzip packed the file: by its first bytes, as names are wrong at times.

    Voxels of a pair have no mark of their own and may begin with these bytes: there the name decides.
    """
    if path.name.lower().endswith(".img"):
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(GZIP_MARK)) == GZIP_MARK
    except OSError as error:
        raise DataError(f"{path} cannot be read: {reason_of(error)}.") from error


def _unpacked(path: Path) -> io.BufferedIOBase:
    return gzip.GzipFile(path, "rb") if _is_packed(path) else path.open("rb")


def _header(raw: bytes, path: Path, *, is_pair: bool) -> tuple[Any, NDArray[np.float64]]:
    """The header as nibabel mends it, and the three voxel sizes as the file has them."""
    from nibabel import nifti1, nifti2

    kinds = (
        (nifti1.Nifti1PairHeader, nifti2.Nifti2PairHeader)
        if is_pair
        else (nifti1.Nifti1Header, nifti2.Nifti2Header)
    )
    for kind in kinds:
        if kind.may_contain_header(raw):
            header = kind(raw[: kind.sizeof_hdr], check=False)
            pixdim = np.array(header["pixdim"][1:4], np.float64)
            code = int(header["datatype"])
            if code in NO_VOXELS:
                raise DataError(
                    f"{path} stores its voxels as {NO_VOXELS[code]} (NIfTI data type {code}), which is not "
                    "read; store them as an integer or floating-point type."
                )
            header.check_fix(logger=_SILENT)  # what is mended is said by `nifti_place`
            return header, pixdim
    size, magic = raw[:4], raw[MAGIC_AT : MAGIC_AT + 4]
    if size in SIZES_OF_HEADERS and len(raw) >= MAGIC_AT + 4:
        raise DataError(
            f"{path} does not begin as a NIfTI file does: it has the magic bytes {magic!r}; expected "
            f"{'ni1' if is_pair else 'n+1'!r}. It may be an ANALYZE file; convert it to NIfTI."
        )
    raise DataError(f"{path} does not begin as a NIfTI file does.")


def _scaling(header: Any, path: Path) -> tuple[float, float]:  # noqa: ANN401 - nibabel is untyped
    """Slope and intercept; NaN and 0 are how a header says that there are none."""
    slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
    if np.isinf(slope):
        raise DataError(f"{path} scales its voxels by {slope}; expected a finite number.")
    if np.isnan(slope) or slope == 0:
        return 1.0, 0.0
    if not np.isfinite(inter):
        raise DataError(f"{path} scales its voxels by {slope:g} and adds {inter}; expected a finite number.")
    return slope, inter


def _voxels(path: Path, said: tuple[Any, ...]) -> NDArray[Any]:
    """As many voxels as were promised, and no byte more: a packed file may hold gigabytes behind them."""
    from nibabel.arrayproxy import ArrayProxy

    try:
        with _unpacked(path) as file, np.errstate(all="ignore"):
            voxels: NDArray[Any] = np.asanyarray(ArrayProxy(file, said, mmap=False))
            if _is_packed(path):
                _check_end(file)
            return voxels
    except DAMAGES as error:
        raise DataError(f"{path} is truncated or damaged: {_clipped(error)}.") from error


def _check_end(file: io.BufferedIOBase) -> None:
    """Read on by a byte: at the end of its stream gzip compares the checksum.

    Bytes behind the stream that are no gzip are left alone, as gzip itself, nibabel and ITK do.
    """
    try:
        file.read(1)
    except gzip.BadGzipFile as error:
        if not str(error).startswith("Not a gzipped file"):
            raise


def _clipped(error: Exception) -> str:
    """What a library says, in one line of bounded length."""
    return " ".join(str(error).split())[:200].rstrip(".")


def write_nifti(voxels: NDArray[Any], affine: NDArray[np.float64], path: Path) -> None:
    """Write voxels as they are."""
    import nibabel

    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)


def write_on(own: Grid, voxels: NDArray[Any], path: Path, kind: type[np.generic]) -> None:
    """Write voxels on a scan's own grid, with the voxel size of its header, stored as ``kind``.

    Where the scan's qform says another place than its sform, both are written: whoever reads the scan by
    the one or the other reads the voxels in the same place.
    """
    import nibabel

    assert voxels.shape == own.shape
    image = nibabel.Nifti1Image(voxels, own.affine, dtype=kind)  # nibabel scales what is no integer
    image.header.set_zooms(own.zooms_mm or own.spacing_mm)
    image.header.set_xyzt_units("mm")
    if own.qform is not None:
        image.set_qform(own.qform.affine, own.qform.code)
        image.set_sform(own.affine, own.qform.sform_code)
        image.header.set_zooms(own.zooms_mm or own.spacing_mm)
    nibabel.save(image, path)
