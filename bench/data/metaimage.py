"""MetaImage (``.mha``) as BRATS 2015 comes in: voxels and an affine, as a NIfTI file would hold them.

The only file that knows SimpleITK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def is_metaimage(path: Path) -> bool:
    """Whether the name says so."""
    return path.name.lower().endswith(".mha")


def read_metaimage(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels with the first axis first, and the affine to RAS mm (the file's own is to LPS).

    Raises:
        DataError: The file is damaged, not of three axes, or holds more than one number a voxel.
    """
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        if reader.GetDimension() != 3 or reader.GetNumberOfComponents() != 1:
            raise DataError(
                f"{path} has {reader.GetDimension()} axes and {reader.GetNumberOfComponents()} numbers "
                "a voxel; expected 3 and 1."
            )
        image = reader.Execute()
    except RuntimeError as error:
        raise DataError(f"{path} cannot be read as a MetaImage: {_reason(error)}.") from error
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.asarray(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _reason(error: RuntimeError) -> str:
    """What ITK says, without where in its own code it says it."""
    return str(error).strip().splitlines()[-1].strip().rstrip(".")
