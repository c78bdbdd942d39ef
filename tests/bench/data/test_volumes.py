"""Scans on disk and arrays inside: every orientation, every kind of damage."""

import gzip
import struct
from itertools import permutations, product

import nibabel
import numpy as np
import pytest

from bench.data.images.grids import check_same_grid
from bench.data.images.volumes import (
    canonical_spacing_mm,
    fingerprint,
    read_grid,
    read_image,
    read_label,
    write_label,
    write_scan,
)
from bench.errors import DataError

SHAPE = (7, 5, 6)
SPACING_MM = (0.5, 1.25, 3.0)
RNG = np.random.default_rng(0)
IMAGE_IJK = RNG.uniform(1, 100, SHAPE).astype(np.float32)
LABEL_IJK = RNG.integers(0, 3, SHAPE).astype(np.uint8)
ORIENTATIONS = ["".join(chosen) for order in permutations(("RL", "AP", "SI")) for chosen in product(*order)]


def affine_of(codes, turn_degrees=8.0):
    """Voxel axes along these directions, anisotropic, then turned a little about an oblique axis."""
    axes = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
    linear = np.array([axes[code] for code in codes], float).T * SPACING_MM
    x, y, z = np.array([1.0, 2.0, 3.0]) / np.sqrt(14)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.deg2rad(turn_degrees)
    rotation = np.eye(3) + np.sin(turn) * cross + (1 - np.cos(turn)) * cross @ cross
    affine = np.eye(4)
    affine[:3, :3] = rotation @ linear
    affine[:3, 3] = (11.0, -22.0, 33.0)
    return affine


def written(path, voxels, affine=None):
    write_scan(voxels, affine_of("RAS") if affine is None else affine, path)
    return path


def test_there_are_48_orientations():
    assert len(set(ORIENTATIONS)) == 48


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_a_label_that_is_read_and_written_lies_on_the_same_place_of_the_world(tmp_path, codes):
    path = written(tmp_path / "in.nii.gz", LABEL_IJK, affine_of(codes))
    label_ijk, grid = read_label(path)
    write_label(label_ijk, grid, tmp_path / "out.nii.gz")
    before, after = nibabel.load(path), nibabel.load(tmp_path / "out.nii.gz")
    assert np.array_equal(np.asarray(before.dataobj), np.asarray(after.dataobj))
    assert np.allclose(before.affine, after.affine, atol=1e-5)
    assert grid.shape == SHAPE
    assert np.allclose(grid.spacing_mm, SPACING_MM, atol=1e-5)


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_inside_the_first_axis_runs_to_the_right_the_second_forward_the_third_up(tmp_path, codes):
    path = written(tmp_path / "in.nii.gz", LABEL_IJK, affine_of(codes))
    label_ijk, grid = read_label(path)
    canonical = nibabel.as_closest_canonical(nibabel.load(path))
    assert np.array_equal(label_ijk, np.asarray(canonical.dataobj))
    assert np.allclose(canonical_spacing_mm(grid), canonical.header.get_zooms(), atol=1e-5)
    image_path = written(tmp_path / "image.nii.gz", IMAGE_IJK, affine_of(codes))
    volume = read_image([image_path])
    expected = nibabel.as_closest_canonical(nibabel.load(image_path))
    assert np.array_equal(volume.image_cijk[0], np.asarray(expected.dataobj))
    assert np.allclose(volume.spacing_mm, expected.header.get_zooms(), atol=1e-5)


def test_an_image_and_its_label_stay_voxel_on_voxel(tmp_path):
    affine = affine_of("PIR")
    image = read_image([written(tmp_path / "i.nii.gz", LABEL_IJK.astype(np.float32) * 10, affine)])
    label_ijk, _ = read_label(written(tmp_path / "l.nii.gz", LABEL_IJK, affine))
    assert np.array_equal(image.image_cijk[0], label_ijk * 10.0)


def test_channels_come_from_a_fourth_axis_or_from_a_file_each(tmp_path):
    other_ijk = IMAGE_IJK[::-1].copy()
    together = written(tmp_path / "both.nii.gz", np.stack([IMAGE_IJK, other_ijk], axis=-1), affine_of("LIP"))
    apart = [
        written(tmp_path / f"{number}.nii.gz", voxels, affine_of("LIP"))
        for number, voxels in enumerate((IMAGE_IJK, other_ijk))
    ]
    assert read_image([together]).image_cijk.shape[0] == 2
    assert np.array_equal(read_image([together]).image_cijk, read_image(apart).image_cijk)
    assert read_image([together]).own.shape == SHAPE


def test_channels_on_different_grids_are_refused(tmp_path):
    one = written(tmp_path / "1.nii.gz", IMAGE_IJK)
    two = written(tmp_path / "2.nii.gz", IMAGE_IJK[:-1])
    with pytest.raises(DataError, match=r"2\.nii\.gz has the shape"):
        read_image([one, two])


def colours():
    voxels = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    voxels["R"] = 1
    return voxels


def with_a_voxel(value):
    voxels = IMAGE_IJK.copy()
    voxels[1, 1, 1] = value
    return voxels


def a_whole_file():
    noise = RNG.uniform(1, 9, (20, 20, 20)).astype(np.float32)
    return gzip.compress(nibabel.Nifti1Image(noise, affine_of("RAS")).to_bytes())


def of_another_data_type():
    raw = bytearray(gzip.decompress(a_whole_file()))
    raw[70:72] = struct.pack("<h", 9999)
    return gzip.compress(bytes(raw))


DAMAGED_VOXELS = {
    "nan": lambda: with_a_voxel(np.nan),
    "infinite": lambda: with_a_voxel(np.inf),
    "constant": lambda: np.full_like(IMAGE_IJK, 5),
    "two axes": lambda: IMAGE_IJK[0],
    "five axes": lambda: IMAGE_IJK[..., None, None] * np.ones((1, 1, 1, 2, 2), np.float32),
    "colours": colours,
    "complex": lambda: IMAGE_IJK.astype(np.complex64),
}
DAMAGED_FILES = {
    "truncated": lambda: a_whole_file()[:10_000],
    "half a byte stream": lambda: gzip.compress(gzip.decompress(a_whole_file())[:16_000]),
    "text": lambda: b"this is no image",
    "empty": lambda: b"",
    "bad data type": of_another_data_type,
}


def damaged_at(tmp_path, name, how):
    path = tmp_path / name
    if how in DAMAGED_FILES:
        path.write_bytes(DAMAGED_FILES[how]())
    elif how in DAMAGED_VOXELS:
        written(path, DAMAGED_VOXELS[how]())
    return path


DAMAGES = ["missing", *DAMAGED_FILES, *DAMAGED_VOXELS]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_image_is_refused_in_a_sentence_that_names_it(tmp_path, how):
    path = damaged_at(tmp_path, "scan.nii.gz", how)
    with pytest.raises(DataError, match=r"scan\.nii\.gz") as caught:
        read_image([path])
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("how", [how for how in DAMAGES if how != "constant"])
def test_a_damaged_label_is_refused_in_a_sentence_that_names_it(tmp_path, how):
    path = damaged_at(tmp_path, "label.nii.gz", how)
    with pytest.raises(DataError, match=r"label\.nii\.gz"):
        read_label(path)


@pytest.mark.parametrize("how", ["truncated", "half a byte stream", "bad data type"])
def test_a_damaged_file_has_no_fingerprint(tmp_path, how):
    with pytest.raises(DataError, match=r"scan\.nii\.gz"):
        fingerprint(damaged_at(tmp_path, "scan.nii.gz", how))


def test_an_affine_that_cannot_be_inverted_is_refused(tmp_path):
    image = nibabel.Nifti1Image(IMAGE_IJK, None)
    image.header.set_sform(np.diag([1.0, 1.0, 0.0, 1.0]), code=1)
    nibabel.save(image, tmp_path / "flat.nii.gz")
    with pytest.raises(DataError, match=r"flat\.nii\.gz"):
        read_image([tmp_path / "flat.nii.gz"])


def test_an_affine_with_two_axes_along_each_other_is_refused(tmp_path):
    image = nibabel.Nifti1Image(IMAGE_IJK, None)
    along = np.array([[1e20, 1e20, 0, 0], [0, 1e3, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    image.header.set_sform(along, code=1)
    nibabel.save(image, tmp_path / "flat.nii.gz")
    with pytest.raises(DataError, match=r"flat\.nii\.gz"):
        read_image([tmp_path / "flat.nii.gz"])


def with_zooms(path, zooms, voxels=LABEL_IJK, codes="PIR"):
    """A scan whose header says this voxel size, whatever its affine says."""
    image = nibabel.Nifti1Image(voxels, affine_of(codes))
    image.header.set_zooms(zooms)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("codes", ["RAS", "PIR", "SLP"])
def test_the_voxel_size_is_the_headers_own_and_that_of_itk_and_medpy(tmp_path, codes):
    import SimpleITK

    path = with_zooms(tmp_path / "in.nii.gz", SPACING_MM, codes=codes)
    label_ijk, grid = read_label(path)
    assert grid.spacing_mm == SPACING_MM
    assert grid.spacing_mm == SimpleITK.ReadImage(str(path)).GetSpacing()
    write_label(label_ijk, grid, tmp_path / "out.nii.gz")
    assert read_grid(tmp_path / "out.nii.gz").spacing_mm == SPACING_MM
    assert nibabel.load(tmp_path / "out.nii.gz").header.get_zooms() == SPACING_MM


@pytest.mark.parametrize(("holds", "spacing_mm"), [("sform", SPACING_MM), ("pixdim", (1.0, 1.0, 1.0))])
def test_of_sizes_that_contradict_each_other_the_one_that_is_named_holds(tmp_path, holds, spacing_mm):
    path = with_zooms(tmp_path / "in.nii.gz", (1.0, 1.0, 1.0))
    for reader in (read_label, read_grid, fingerprint):
        with pytest.raises(
            DataError, match=r"pixdim voxels of 1 x 1 x 1 mm and sform voxels of 0\.5 x 1\.25 x 3"
        ):
            reader(path)
    label_ijk, grid = read_label(path, spacing_from=holds)
    assert np.allclose(grid.spacing_mm, spacing_mm, atol=1e-5)
    write_label(label_ijk, grid, tmp_path / "out.nii.gz")
    again = read_grid(tmp_path / "out.nii.gz")
    assert np.allclose(again.spacing_mm, spacing_mm, atol=1e-5)
    assert np.allclose(again.affine, grid.affine, atol=1e-5)
    assert fingerprint(path, holds) == fingerprint(tmp_path / "out.nii.gz")


def test_the_voxel_size_of_a_scan_with_channels_is_that_of_its_three_axes(tmp_path):
    path = tmp_path / "both.nii.gz"
    both = with_zooms(path, (*SPACING_MM, 7.0), np.stack([IMAGE_IJK, IMAGE_IJK[::-1]], axis=-1), "RAS")
    assert read_image([both]).spacing_mm == SPACING_MM


@pytest.mark.parametrize(
    ("value", "classes", "named"),
    [(0.5, None, "0.5"), (-1, None, "-1"), (3, 3, "label 3"), (256, None, "256"), (1e6, 3, "1000000")],
)
def test_labels_that_are_no_integers_or_out_of_range_are_refused(tmp_path, value, classes, named):
    voxels = LABEL_IJK.astype(np.float32)
    voxels[0, 0, 0] = value
    with pytest.raises(DataError, match=named):
        read_label(written(tmp_path / "label.nii.gz", voxels), classes=classes)


def test_whole_numbers_that_are_stored_as_floats_are_labels(tmp_path):
    label_ijk, _ = read_label(written(tmp_path / "label.nii.gz", LABEL_IJK.astype(np.float64)), classes=3)
    assert label_ijk.dtype == np.uint8
    assert np.array_equal(label_ijk, LABEL_IJK)


def test_a_label_on_four_axes_is_read_where_the_fourth_is_one_and_refused_elsewhere(tmp_path):
    label_ijk, grid = read_label(written(tmp_path / "one.nii.gz", LABEL_IJK[..., None]))
    assert np.array_equal(label_ijk, LABEL_IJK)
    assert grid.shape == SHAPE
    with pytest.raises(DataError, match="three axes"):
        read_label(written(tmp_path / "two.nii.gz", np.stack([LABEL_IJK, LABEL_IJK], axis=-1)))


def test_files_of_different_shapes_or_places_are_no_pair(tmp_path):
    one = read_grid(written(tmp_path / "a.nii.gz", LABEL_IJK))
    cut = tmp_path / "cut.nii.gz"
    with pytest.raises(DataError, match=r"cut\.nii\.gz has the shape \(7, 5, 5\)"):
        check_same_grid(one, read_grid(written(cut, LABEL_IJK[..., :-1])), cut)
    moved = affine_of("RAS")
    moved[0, 3] += 0.1
    with pytest.raises(DataError, match="affine"):
        check_same_grid(one, read_grid(written(cut, LABEL_IJK, moved)), cut)
    check_same_grid(one, read_grid(written(cut, LABEL_IJK, affine_of("RAS") + 1e-6)), cut)


def test_a_fingerprint_is_of_voxels_and_place_and_not_of_the_file(tmp_path):
    packed = fingerprint(written(tmp_path / "a.nii.gz", IMAGE_IJK))
    assert packed == fingerprint(written(tmp_path / "b.nii", IMAGE_IJK))
    changed = IMAGE_IJK.copy()
    changed[3, 3, 3] += 1
    assert packed != fingerprint(written(tmp_path / "c.nii.gz", changed))
    assert packed != fingerprint(written(tmp_path / "d.nii.gz", IMAGE_IJK, affine_of("LAS")))


def test_intensities_that_the_header_scales_are_scaled(tmp_path):
    image = nibabel.Nifti1Image((IMAGE_IJK * 10).astype(np.int16), affine_of("RAS"))
    image.header.set_slope_inter(0.1, 3.0)
    nibabel.save(image, tmp_path / "scaled.nii.gz")
    read_cijk = read_image([tmp_path / "scaled.nii.gz"]).image_cijk
    assert np.allclose(read_cijk[0], nibabel.load(tmp_path / "scaled.nii.gz").get_fdata(), atol=1e-4)
