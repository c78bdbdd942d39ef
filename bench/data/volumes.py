"""One scan on disk <-> arrays: canonical orientation (RAS+) inside, the scan's own outside.

The only file that knows nibabel; ``bench.data.metaimage`` knows the other format.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data.grids import Grid, check_same_grid
from bench.data.metaimage import is_metaimage, read_metaimage
from bench.data.zoom import Number, resampled_map, zoomed_image
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MAX_VOXELS = 2**31  # a header that promises more is refused before anything is allocated


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An image in canonical orientation, as a network is shown it: zoomed where the data set says so.

    Label maps lie on the scan everywhere but at a network: ``on_image`` and ``on_scan`` go there and back.
    """

    image_cijk: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]  # of the scan, not of the zoomed image
    own: Grid
    mask_ijk: NDArray[np.bool_] | None = None  # the voxels that the image is normalised by

    def on_image(self, label_ijk: NDArray[Number]) -> NDArray[Number]:
        """A label map of the scan where the image lies."""
        return resampled_map(label_ijk, self.image_cijk.shape[1:])

    def on_scan(self, label_ijk: NDArray[Number]) -> NDArray[Number]:
        """A label map, or one of weights, of the image where the scan lies."""
        return resampled_map(label_ijk, canonical_shape(self.own))


def _load(path: Path) -> Any:  # noqa: ANN401 - nibabel is untyped
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    if not path.is_file():
        raise DataError(f"{path} does not exist.")
    try:
        image = nibabel.Nifti1Image(*read_metaimage(path)) if is_metaimage(path) else nibabel.load(path)
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path} cannot be read as an image: {error}.") from error
    if (
        len(image.shape) not in (3, 4)
        or min(image.shape) < 1
        or int(np.prod(image.shape, dtype=object)) > MAX_VOXELS
    ):
        raise DataError(
            f"{path} has the shape {image.shape}; expected three axes, or four with the channels last."
        )
    if (
        not np.isfinite(image.affine).all()
        or abs(np.linalg.det(image.affine[:3, :3])) < 1e-12
        or np.isnan(nibabel.io_orientation(image.affine)).any()
    ):
        raise DataError(f"{path} has an affine that cannot be inverted.")
    if image.get_data_dtype().kind not in "biuf":
        raise DataError(f"{path} holds {image.get_data_dtype()}; expected one real number a voxel.")
    return image


def _voxels(image: Any, path: Path) -> NDArray[Any]:  # noqa: ANN401 - nibabel is untyped
    try:
        return np.asanyarray(image.dataobj)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path} is truncated or damaged: {error}.") from error


def _canonical(array: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    import nibabel

    return np.asanyarray(nibabel.orientations.apply_orientation(array, nibabel.io_orientation(affine)))


def _grid(image: Any) -> Grid:  # noqa: ANN401 - nibabel is untyped
    i, j, k = (int(n) for n in image.shape[:3])
    x, y, z = (abs(float(size)) for size in image.header.get_zooms()[:3])
    said = (x, y, z) if min(x, y, z) > 0 and np.isfinite([x, y, z]).all() else None
    return Grid((i, j, k), np.asarray(image.affine, np.float64), said)


def canonical_spacing_mm(grid: Grid) -> tuple[float, float, float]:
    """Voxel size in mm along the canonical axes of the arrays that are read here."""
    import nibabel

    order = nibabel.io_orientation(grid.affine)[:, 0].astype(int)
    sizes = dict(zip(order.tolist(), grid.spacing_mm, strict=True))
    return sizes[0], sizes[1], sizes[2]


def canonical_shape(grid: Grid) -> tuple[int, int, int]:
    """Voxels along the canonical axes of the arrays that are read here."""
    import nibabel

    order = nibabel.io_orientation(grid.affine)[:, 0].astype(int)
    sizes = dict(zip(order.tolist(), grid.shape, strict=True))
    return sizes[0], sizes[1], sizes[2]


def read_grid(path: Path) -> Grid:
    """Shape, affine and voxel size from the header alone."""
    return _grid(_load(path))


def read_image(
    paths: Sequence[Path], mask: Path | None = None, zoom: tuple[float, float, float] = (1, 1, 1)
) -> Volume:
    """Read one image: one file (channels on a fourth axis) or one file a channel.

    Args:
        paths: The files.
        mask: Of the voxels that the image is normalised by, if there is one.
        zoom: More voxels along the canonical axes I, J, K by this factor.

    Returns:
        Float32 (C, I, J, K) in canonical orientation.

    Raises:
        DataError: A file is missing, damaged, holds NaN, is constant, or lies on another grid.
    """
    channels: list[NDArray[np.float32]] = []
    own: Grid | None = None
    for path in paths:
        image = _load(path)
        grid = _grid(image)
        own = own or grid
        check_same_grid(own, grid, path)
        voxels = _voxels(image, path)
        for channel in np.moveaxis(voxels, -1, 0) if voxels.ndim == 4 else [voxels]:
            if not np.isfinite(channel).all():
                raise DataError(f"{path} holds NaN or infinite intensities.")
            if channel.min() == channel.max():
                raise DataError(f"{path} is constant ({channel.flat[0]}): there is nothing to see in it.")
            channels.append(_canonical(channel, grid.affine).astype(np.float32))
    if own is None:
        raise DataError("an image needs at least one file.")
    image_cijk = zoomed_image(np.ascontiguousarray(np.stack(channels)), zoom)
    inside_ijk = None if mask is None else resampled_map(_read_mask(mask, own), image_cijk.shape[1:]) > 0
    return Volume(image_cijk, canonical_spacing_mm(own), own, inside_ijk)


def _read_mask(path: Path, own: Grid) -> NDArray[np.uint8]:
    """1 where the mask is above 0: scaled storage makes 0.99999997 of a 1."""
    voxels, grid = _one_number_a_voxel(path)
    check_same_grid(own, grid, path)
    mask_ijk = np.ascontiguousarray(_canonical((voxels > 0).astype(np.uint8), grid.affine))
    if not mask_ijk.any():
        raise DataError(f"{path} is an empty mask: no voxel in it is above 0.")
    return mask_ijk


def _one_number_a_voxel(path: Path) -> tuple[NDArray[Any], Grid]:
    """Voxels as stored, on three axes, and their grid."""
    image = _load(path)
    if len(image.shape) == 4 and image.shape[3] == 1:
        image = image.slicer[..., 0]
    if len(image.shape) != 3:
        raise DataError(f"{path} has the shape {image.shape}; a label map or mask has three axes.")
    return _voxels(image, path), _grid(image)


def read_label(path: Path, *, classes: int | None = None) -> tuple[NDArray[np.uint8], Grid]:
    """Read a label map, canonical orientation (I, J, K), with its own grid.

    Raises:
        DataError: Not three axes, not integers, or labels outside 0..``classes`` - 1.
    """
    voxels, grid = _one_number_a_voxel(path)
    found = np.unique(voxels)
    if not np.isfinite(found).all() or not np.array_equal(found, np.round(found)):
        raise DataError(
            f"{path} holds labels that are not integers, such as {found[found != np.round(found)][:1]}."
        )
    top = 255 if classes is None else classes - 1
    if found.min() < 0 or found.max() > top:
        bad = found[(found < 0) | (found > top)][0]
        raise DataError(f"{path} holds the label {int(bad)}; expected 0..{top}.")
    return np.ascontiguousarray(_canonical(voxels.astype(np.uint8), grid.affine)), grid


def write_label(label_ijk: NDArray[np.uint8], own: Grid, path: Path) -> None:
    """Write a canonical label map (I, J, K) on the scan's own grid, with the voxel size of its header."""
    _write_on(own, label_ijk, path, np.uint8)


def write_weights(weight_ijk: NDArray[np.float32], own: Grid, path: Path) -> None:
    """Write a canonical map (I, J, K) of numbers in [0, 1] on the scan's own grid, to about 1/255."""
    _write_on(own, weight_ijk, path, np.uint8)


def read_weights(path: Path) -> NDArray[np.float32]:
    """The canonical map (I, J, K) that ``write_weights`` wrote.

    Raises:
        DataError: The file is missing or damaged.
    """
    image = _load(path)
    return np.ascontiguousarray(_canonical(_voxels(image, path).astype(np.float32), _grid(image).affine))


def _write_on(own: Grid, canonical_ijk: NDArray[Any], path: Path, kind: type[np.generic]) -> None:
    import nibabel

    back = nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt("RAS"), nibabel.io_orientation(own.affine)
    )
    voxels = np.ascontiguousarray(nibabel.orientations.apply_orientation(canonical_ijk, back))
    assert voxels.shape == own.shape
    image = nibabel.Nifti1Image(voxels, own.affine, dtype=kind)  # nibabel scales what is no integer
    image.header.set_zooms(own.zooms_mm or own.spacing_mm)
    nibabel.save(image, path)


def write_scan(voxels: NDArray[Any], affine: NDArray[np.float64], path: Path) -> None:
    """Write voxels that already lie on the grid of ``affine``."""
    import nibabel

    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)


def fingerprint(path: Path) -> str:
    """A hash of voxels as stored and affine; the same however the file was compressed."""
    image = _load(path)
    voxels = _voxels(image, path)
    little = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    digest = hashlib.sha256(f"{little.shape}{little.dtype.str}".encode())
    digest.update(np.round(np.asarray(image.affine, np.float64), 4).astype("<f8").tobytes())
    digest.update(np.ascontiguousarray(little).tobytes())
    return digest.hexdigest()[:24]
