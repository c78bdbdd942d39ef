"""The files of a stage's folder: their names, and how they are read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data.images.volumes import Volume, canonical_spacing_mm, read_label, write_label, write_weights
from bench.files.names import checked_name

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def stored_label(folder: Path, case: str) -> tuple[NDArray[np.uint8], tuple[float, float, float]]:
    """A label map that a stage wrote, canonical, and its spacing in mm."""
    label_ijk, grid = read_label(folder / "labels" / f"{checked_name(case, 'case')}.nii.gz")
    return label_ijk, canonical_spacing_mm(grid)


def store_label(folder: Path, case: str, label_ijk: NDArray[np.uint8], volume: Volume) -> None:
    """Write a label map on the scan's own grid where ``stored_label`` finds it."""
    target = folder / "labels" / f"{checked_name(case, 'case')}.nii.gz"
    target.parent.mkdir(exist_ok=True)
    write_label(label_ijk, volume.own, target)


def store_weights(
    folder: Path, case: str, name: str, weight_ijk: NDArray[np.float32], volume: Volume
) -> None:
    """Write a map of numbers in [0, 1] on the scan's own grid: ``maps/<case>/<name>.nii.gz``.

    Raises:
        DataError: The method's name for the map cannot be part of a path.
    """
    place = folder / "maps" / checked_name(case, "case")
    target = place / f"{checked_name(name, 'map')}.nii.gz"
    place.mkdir(parents=True, exist_ok=True)
    write_weights(weight_ijk, volume.own, target)


WEIGHTS = "network.safetensors"


LAYERS = "network.json"
