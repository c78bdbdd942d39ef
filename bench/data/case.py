"""One case of a data set in memory: its image and its label map as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.images.volumes import read_image, read_label
from bench.errors import unknown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.data.dataset import Dataset


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A scan and its label map, voxel on voxel, with axes in canonical orientation (RAS+).

    Attributes:
        name: Of the case, as the data set lists it.
        image_cijk: Float32 (C, I, J, K), intensities as stored.
        label_ijk: Uint8 (I, J, K), 0 is background; None where the case has no label.
        spacing_mm: Voxel size along I, J, K.
        affine: (4, 4), from voxel indices to mm.
    """

    name: str
    image_cijk: NDArray[np.float32]
    label_ijk: NDArray[np.uint8] | None
    spacing_mm: tuple[float, float, float]
    affine: NDArray[np.float64]


def load_case(dataset: Dataset, name: str) -> Case:
    """Read the image and the label map of a case, in canonical orientation (RAS+).

    It stands apart from ``Dataset``, which running stages hold too: they read labels through what
    ``bench.stages.context`` gives them, which knows what is withheld.

    Args:
        dataset: From ``load_dataset``.
        name: One of ``dataset.cases``.

    Returns:
        ``image_cijk`` (float32), ``label_ijk`` (uint8, or None without a label) and ``spacing_mm``.

    Raises:
        UsageError: The data set has no such case.
        DataError: A file is missing or damaged.

    Example:
        >>> import bench
        >>> hearts = bench.load_dataset("phantom-heart", size="smoke")
        >>> case = bench.load_case(hearts, hearts.train[0])
        >>> case.image_cijk.shape[1:] == case.label_ijk.shape, int(case.label_ijk.max())
        (True, 2)
    """
    cases = {**dataset.cases, **dataset.unlabelled}
    if name not in cases:
        raise unknown("case", name, cases, where=dataset.name)
    files = cases[name]
    image = read_image([Path(path) for path in files.images], spacing_from=files.spacing_from)
    label_ijk = None
    if files.label:
        classes = len(dataset.structures) + 1
        label_ijk, _ = read_label(Path(files.label), classes=classes, spacing_from=files.spacing_from)
    return Case(name, image.image_cijk, label_ijk, image.spacing_mm, image.own.canonical_affine)
