"""A MetaImage is read as the NIfTI file that ITK makes of it."""

import numpy as np
import pytest
import SimpleITK

from bench.data.metaimage import is_metaimage, read_metaimage
from bench.data.volumes import fingerprint, read_grid, read_image


def turned(direction):
    rng = np.random.default_rng(3)
    image = SimpleITK.GetImageFromArray(rng.integers(0, 900, (5, 6, 7)).astype(np.int16))
    image.SetSpacing((1.5, 1.0, 2.0))
    image.SetOrigin((-12.0, 7.0, 30.0))
    image.SetDirection(np.asarray(direction, float).ravel().tolist())
    return image


DIRECTIONS = {
    "as BRATS": np.eye(3),
    "to the right": np.diag([-1.0, -1.0, 1.0]),
    "another order": [[0, 1, 0], [0, 0, -1], [1, 0, 0]],
    "oblique": [[np.cos(0.2), -np.sin(0.2), 0], [np.sin(0.2), np.cos(0.2), 0], [0, 0, 1]],
}


@pytest.mark.parametrize("how", DIRECTIONS)
@pytest.mark.parametrize("packed", [True, False])
def test_voxels_and_place_are_those_of_the_same_image_as_nifti(tmp_path, how, packed):
    image = turned(DIRECTIONS[how])
    one, other = tmp_path / "scan.mha", tmp_path / "scan.nii.gz"
    SimpleITK.WriteImage(image, str(one), useCompression=packed)
    SimpleITK.WriteImage(image, str(other))
    meta, nifti = read_image([one]), read_image([other])
    assert np.array_equal(meta.image_cijk, nifti.image_cijk)
    assert np.allclose(meta.own.affine, nifti.own.affine, atol=1e-4)
    assert meta.spacing_mm == pytest.approx(nifti.spacing_mm, abs=1e-5)
    assert read_grid(one).shape == (7, 6, 5)


def test_a_fingerprint_is_of_the_voxels_however_they_are_packed(tmp_path):
    image = turned(np.eye(3))
    paths = [tmp_path / "packed.mha", tmp_path / "plain.mha", tmp_path / "same.nii.gz"]
    for path in paths:
        SimpleITK.WriteImage(image, str(path), useCompression=path != paths[1])
    assert len({fingerprint(path) for path in paths}) == 1
    image[2, 2, 2] += 1
    SimpleITK.WriteImage(image, str(paths[1]))
    assert fingerprint(paths[1]) != fingerprint(paths[0])


def test_the_third_axis_of_itk_comes_last(tmp_path):
    image = turned(np.eye(3))
    SimpleITK.WriteImage(image, str(tmp_path / "scan.mha"))
    voxels_xyz, affine = read_metaimage(tmp_path / "scan.mha")
    assert voxels_xyz.shape == (7, 6, 5)
    assert voxels_xyz[6, 0, 4] == image[6, 0, 4]
    x, y, z = image.TransformIndexToPhysicalPoint((6, 0, 4))
    assert affine @ [6, 0, 4, 1] == pytest.approx([-x, -y, z, 1])


@pytest.mark.parametrize(("name", "is_one"), [("a.mha", True), ("A.MHA", True), ("a.nii.gz", False)])
def test_a_metaimage_is_known_by_its_name(tmp_path, name, is_one):
    assert is_metaimage(tmp_path / name) is is_one
