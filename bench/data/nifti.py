"""NIfTI on disk: headers that are not believed before they are checked, voxels, and label maps back again.

The only file that knows nibabel. Extensions of a header are not looked at.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.promises import Promise, check_promise, check_regular, check_shape
from bench.data.stored import Stored
from bench.errors import DataError

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.data.grids import Grid

SINGLE, PAIR = (".nii",), (".hdr", ".img")
HEADER_BYTES = 540  # of NIfTI-2, the longer one
DAMAGES = (OSError, EOFError, ValueError, OverflowError, zlib.error)


def open_nifti(path: Path) -> Stored:
    """What the header says, once it can be true.

    Raises:
        DataError: No NIfTI file, or a header that cannot be.
    """
    from nibabel.spatialimages import HeaderDataError

    header_path, voxels_path = _files(path)
    try:
        with _unpacked(header_path) as file:
            header = _header(file.read(HEADER_BYTES), path, is_pair=header_path != voxels_path)
        affine = np.asarray(header.get_best_affine(), np.float64)
        slope, inter = _scaling(header, path)
        kind, start = header.get_data_dtype(), header.get_data_offset()
        shape = tuple(int(n) for n in header.get_data_shape())
        zooms = tuple(float(size) for size in header.get_zooms()[:3])
    except (*DAMAGES, HeaderDataError) as error:
        raise DataError(f"{path} cannot be read as an image: {_clipped(error)}.") from error
    check_shape(path, shape)
    if kind.kind not in "biuf":
        raise DataError(f"{path} holds {kind}; expected one real number a voxel.")
    if header_path == voxels_path and start < header.single_vox_offset:
        raise DataError(f"{path} says that its voxels begin at byte {start}, inside its header.")
    promise = Promise(shape, kind.itemsize, start, packed=_is_packed(voxels_path))
    check_promise(path, promise, check_regular(voxels_path))
    said = (zooms[0], zooms[1], zooms[2])
    return Stored(
        path, shape, affine, said, kind, lambda: _voxels(voxels_path, (shape, kind, start, slope, inter))
    )


def _files(path: Path) -> tuple[Path, Path]:
    """The files of header and voxels: one, or the two of a pair."""
    check_regular(path)
    whole = path.name.removesuffix(".gz").removesuffix(".GZ")
    stem, packed = path.name[: len(whole)], path.name[len(whole) :]
    ending = whole[whole.rfind(".") :].lower()
    if ending in SINGLE:
        return path, path
    if ending not in PAIR:
        raise DataError(f"{path} is no image that is known; expected .nii, .nii.gz, .hdr with .img, or .mha.")
    cut = stem[: -len(ending)]
    header, voxels = (".HDR", ".IMG") if stem.endswith((".HDR", ".IMG")) else PAIR
    pair = path.with_name(cut + header + packed), path.with_name(cut + voxels + packed)
    for one in pair:
        check_regular(one)
    return pair


def _is_packed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _unpacked(path: Path) -> io.BufferedIOBase:
    return gzip.GzipFile(path, "rb") if _is_packed(path) else path.open("rb")


def _header(raw: bytes, path: Path, *, is_pair: bool) -> Any:  # noqa: ANN401 - nibabel is untyped
    from nibabel import nifti1, nifti2

    kinds = (
        (nifti1.Nifti1PairHeader, nifti2.Nifti2PairHeader)
        if is_pair
        else (nifti1.Nifti1Header, nifti2.Nifti2Header)
    )
    for kind in kinds:
        if kind.may_contain_header(raw):
            return kind(raw[: kind.sizeof_hdr], check=True)
    raise DataError(f"{path} does not begin as a NIfTI file does.")


def _scaling(header: Any, path: Path) -> tuple[float, float]:  # noqa: ANN401 - nibabel is untyped
    """Slope and intercept; NaN and 0 are how a header says that there are none."""
    if np.isinf(header["scl_slope"]):
        raise DataError(f"{path} scales its voxels by {header['scl_slope']}; expected a finite number.")
    slope, inter = header.get_slope_inter()
    return (1.0 if slope is None else slope), (0.0 if inter is None else inter)


def _voxels(path: Path, said: tuple[Any, ...]) -> NDArray[Any]:
    """As many voxels as were promised, and no byte more: a packed file may hold gigabytes behind them."""
    from nibabel.arrayproxy import ArrayProxy

    try:
        with _unpacked(path) as file, np.errstate(all="ignore"):
            voxels: NDArray[Any] = np.asanyarray(ArrayProxy(file, said, mmap=False))
            if _is_packed(path):
                file.read(1)  # at the end of the stream gzip compares its checksum
            return voxels
    except DAMAGES as error:
        raise DataError(f"{path} is truncated or damaged: {_clipped(error)}.") from error


def _clipped(error: Exception) -> str:
    """What a library says, in one line of bounded length."""
    return " ".join(str(error).split())[:200].rstrip(".")


def orientation(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nearest axis of the world and its direction, of each axis of the voxels; NaN where there is none."""
    import nibabel

    found: NDArray[np.float64] = nibabel.io_orientation(affine)
    return found


def to_canonical(voxels: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    """The voxels with their axes to the right, forward and up."""
    import nibabel

    return np.asanyarray(nibabel.orientations.apply_orientation(voxels, orientation(affine)))


def from_canonical(canonical_ijk: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    """The voxels with the axes that an affine has."""
    import nibabel

    ras = nibabel.orientations.axcodes2ornt("RAS")
    back = nibabel.orientations.ornt_transform(ras, orientation(affine))
    return np.ascontiguousarray(nibabel.orientations.apply_orientation(canonical_ijk, back))


def axis_codes(affine: NDArray[np.float64]) -> str:
    """Where the axes of the voxels run to, as ``RAS``."""
    import nibabel

    return "".join(code or "?" for code in nibabel.aff2axcodes(affine))


def write_nifti(voxels: NDArray[Any], affine: NDArray[np.float64], path: Path) -> None:
    """Write voxels as they are."""
    import nibabel

    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)


def write_on(own: Grid, voxels: NDArray[Any], path: Path, kind: type[np.generic]) -> None:
    """Write voxels on a scan's own grid, with the voxel size of its header, stored as ``kind``."""
    import nibabel

    assert voxels.shape == own.shape
    image = nibabel.Nifti1Image(voxels, own.affine, dtype=kind)  # nibabel scales what is no integer
    image.header.set_zooms(own.zooms_mm or own.spacing_mm)
    nibabel.save(image, path)
