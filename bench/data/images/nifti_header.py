"""Where a NIfTI header says that its voxels lie: unit, pixdim, qform and sform brought together (0026)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.images.grids import ALIKE, CLOSE, Qform, Remark, SpacingFrom, farthest_mm, sizes_in_words
from bench.data.images.stored import Place
from bench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

UNITS = {1: ("meter", 1e3), 2: ("mm", 1.0), 3: ("micron", 1e-3)}  # code of xyzt_units -> name, mm
UNIT_BITS = 7  # of xyzt_units; the others are of the time
LONGEST = 1 + 1e-4  # square of a quaternion's length up to which it is rounded, and not wrong
TOLD = "say which holds with --spacing pixdim or sform (in `bench run`: --set data.spacing=pixdim or sform)"
SFORM_ONLY = "say that the sform holds with --spacing sform (in `bench run`: --set data.spacing=sform)"


def place_of(header: Any, pixdim: NDArray[np.float64], path: Path, spacing_from: SpacingFrom) -> Place:  # noqa: ANN401 - nibabel is untyped
    """The affine in mm: the sform where its code is set, else the qform, else voxel sizes alone.

    Args:
        header: As nibabel has mended it: sizes above 0.
        pixdim: The three voxel sizes as the file has them.
        path: Of the file, for what is said of it.
        spacing_from: Which voxel size holds where pixdim and sform contradict each other.

    Raises:
        DataError: The header has no voxel size, or a rotation that is none.
    """
    name, to_mm = UNITS.get(int(header["xyzt_units"]) & UNIT_BITS, ("unknown", 1.0))
    said = pixdim * to_mm
    sizes = np.where(np.isfinite(said) & (said != 0), np.abs(said), 1.0)  # as ITK and nibabel mend it
    remarks = []
    if to_mm != 1:
        what = f"has lengths in {name}; they are converted to mm"
        remarks.append(Remark("note", "units", f"{path} {what}."))
    if (said < 0).any():
        what = f"has negative voxel sizes in its pixdim, {sizes_in_words(said)}; they are taken as positive"
        remarks.append(Remark("warning", "spacing", f"{path} {what}."))
    qform = None
    if int(header["sform_code"]):
        affine, sizes, more = _sized(_in_mm(header.get_sform(), to_mm), (said, sizes), path, spacing_from)
        remarks += more
        if not any(one.check == "spacing" for one in more):
            qform, more = _other_place(header, affine, to_mm, path)
            remarks += more
    else:
        if not (np.isfinite(said).all() and said.all()):
            raise DataError(
                f"{path} says voxels of {sizes_in_words(said)} in its pixdim and has no sform that says "
                "their size: it has no affine; write the voxel size into the header."
            )
        affine = _qform(header, path) if int(header["qform_code"]) else header.get_base_affine()
        affine = _in_mm(affine, to_mm)
    x, y, z = (float(size) for size in sizes)
    placed = bool(int(header["sform_code"]) or int(header["qform_code"]))
    return Place(affine, (x, y, z), tuple(remarks), qform, placed, name)


def _in_mm(affine: Any, to_mm: float) -> NDArray[np.float64]:  # noqa: ANN401 - nibabel is untyped
    made: NDArray[np.float64] = np.array(affine, np.float64)
    if to_mm != 1:
        with np.errstate(all="ignore"):
            made[:3] *= to_mm
    return made


def _lengths(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the columns; what cannot be said stays NaN or infinite."""
    with np.errstate(all="ignore"):
        lengths: NDArray[np.float64] = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    return lengths


def _sized(
    sform: NDArray[np.float64],
    pixdim: tuple[NDArray[np.float64], NDArray[np.float64]],
    path: Path,
    spacing_from: SpacingFrom,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Remark]]:
    """The sform with the voxel size that holds, and that size; an error where nobody said which does.

    Args:
        sform: In mm.
        pixdim: As it is said, in mm, and as it is read: a size of 0 or NaN as 1.
        path: Of the file.
        spacing_from: Which of the two holds.
    """
    (said, sizes), lengths = pixdim, _lengths(sform)
    if not np.isfinite(lengths).all() or not lengths.all() or np.allclose(sizes, lengths, rtol=ALIKE, atol=0):
        return sform, sizes, []
    what = f"{path} has pixdim voxels of {sizes_in_words(said)} and sform voxels of {sizes_in_words(lengths)}"
    if spacing_from == "sform":
        return sform, lengths, [Remark("warning", "spacing", f"{what}; its sform is taken, as was said.")]
    is_said = bool(np.isfinite(said).all() and said.all())
    if spacing_from == "pixdim" and is_said:
        scaled = sform.copy()
        scaled[:3, :3] *= sizes / lengths
        return scaled, sizes, [Remark("warning", "spacing", f"{what}; its pixdim is taken, as was said.")]
    remedy = TOLD if is_said else SFORM_ONLY
    return sform, sizes, [Remark("error", "spacing", f"{what}, which contradict each other; {remedy}.")]


def _other_place(
    header: Any,  # noqa: ANN401 - nibabel is untyped
    sform: NDArray[np.float64],
    to_mm: float,
    path: Path,
) -> tuple[Qform | None, list[Remark]]:
    """The qform, where there is one and it says another place than the sform does."""
    if not int(header["qform_code"]) or not np.isfinite(sform).all():
        return None, []
    try:
        affine = _in_mm(_qform(header, path), to_mm)
    except DataError as error:
        return None, [Remark("warning", "affine", f"{str(error).rstrip('.')}; its sform is taken.")]
    if not np.isfinite(affine).all():
        return None, []
    i, j, k = (int(n) for n in header.get_data_shape()[:3])
    with np.errstate(all="ignore"):
        apart = farthest_mm(affine, sform, (i, j, k))
    if not apart > CLOSE * _lengths(sform).min():
        return None, []
    what = f"has a qform and a sform that put a corner {apart:.4g} mm apart; its sform is taken, ITK may take"
    remark = Remark("warning", "affine", f"{path} {what} its qform.")
    return Qform(affine, int(header["qform_code"]), int(header["sform_code"])), [remark]


def _qform(header: Any, path: Path) -> Any:  # noqa: ANN401 - nibabel is untyped
    """The affine of the quaternion, which is made as long as a rotation where it is longer by rounding.

    Raises:
        DataError: The quaternion is no rotation.
    """
    parts = np.array([header[f"quatern_{name}"] for name in "bcd"], np.float64)
    square = float((parts**2).sum()) if np.abs(parts).max() < 1e3 else np.inf
    if not square <= LONGEST:
        words = ", ".join(f"{part:g}" for part in parts)
        raise DataError(f"{path} has a qform with the quaternion ({words}), which is no rotation.")
    if square > 1:
        header = header.copy()
        for name, part in zip("bcd", parts / np.sqrt(square), strict=True):
            header[f"quatern_{name}"] = part * (1 - 1e-7)
    return header.get_qform()
