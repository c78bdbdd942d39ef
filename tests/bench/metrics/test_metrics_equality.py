"""The fast path gives the values of medpy, of SimpleITK and of a plain evaluation on the whole volume."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bench.metrics import score
from bench.metrics.nearest import Targets, by_transform, by_tree

SPACINGS = [(1.0, 1.0, 1.0), (0.885, 0.885, 0.89), (0.5, 0.7, 5.0), (3.0, 0.4, 1.0)]


def masks_ijk(seed, shape=(14, 11, 9)):
    """Pairs of masks of every awkward kind, none empty, none the whole volume."""
    rng = np.random.default_rng(seed)

    def blank():
        return np.zeros(shape, dtype=bool)

    def box(low, high):
        mask_ijk = blank()
        mask_ijk[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
        return mask_ijk

    blob_ijk = ndimage.gaussian_filter(rng.normal(size=shape), 1.5) > 0
    sheet_ijk, voxel_ijk = blank(), blank()
    sheet_ijk[:, int(rng.integers(shape[1]))] = True
    voxel_ijk[tuple(int(rng.integers(size)) for size in shape)] = True
    corner_ijk, inner_ijk = box((0, 0, 0), (6, 5, 4)), box((4, 4, 3), (9, 8, 7))
    return {
        "sparse noise": (rng.random(shape) < 0.02, rng.random(shape) < 0.02),
        "noise": (rng.random(shape) < 0.4, rng.random(shape) < 0.4),
        "dense noise": (rng.random(shape) < 0.97, rng.random(shape) < 0.9),
        "blobs at the edge": (blob_ijk, np.roll(blob_ijk, 1, axis=2)),
        "identical": (blob_ijk, blob_ijk),
        "sheet and blob": (sheet_ijk, blob_ijk),
        "sheet and voxel": (sheet_ijk, voxel_ijk),
        "voxels": (voxel_ijk, np.roll(voxel_ijk, (3, 2, 1), axis=(0, 1, 2))),
        "touching the edge": (corner_ijk, box((1, 0, 0), (7, 5, 5))),
        "nested": (inner_ijk, box((2, 2, 1), (12, 10, 8))),
        "disjoint": (corner_ijk, box((11, 8, 7), (14, 11, 9))),
        "a slab through the volume": (box((0, 0, 3), (14, 11, 6)), box((5, 0, 0), (8, 11, 9))),
        "all but one voxel": (~voxel_ijk, inner_ijk),
    }


KINDS = sorted(kind for kind, (first, second) in masks_ijk(0).items() if first.any() and second.any())


def values(predicted_ijk, reference_ijk, spacing_mm, **how):
    measures = score(predicted_ijk.astype(np.uint8), reference_ijk.astype(np.uint8), spacing_mm, (1,), **how)
    return {measure.metric: measure.value for measure in measures}


def two_sided(predicted_ijk, reference_ijk, border, distance_ijk):
    directed = []
    for from_ijk, to_ijk in ((predicted_ijk, reference_ijk), (reference_ijk, predicted_ijk)):
        directed.append(np.sort(distance_ijk(to_ijk)[border(from_ijk)]))
    return directed


def covalic(directed):
    return {
        "adb": sum(float(mm.mean()) for mm in directed) / 2,
        "hdd": max(float(mm[int(0.95 * (len(mm) - 1))]) for mm in directed),
    }


def ball_border(mask_ijk):
    ball = ndimage.generate_binary_structure(3, 2)
    return mask_ijk & ~ndimage.binary_erosion(mask_ijk, ball, border_value=1)


def by_itk(predicted_ijk, reference_ijk, spacing_mm):
    """COVALIC's distances as SimpleITK has them: ball border, signed Maurer map of the other mask."""
    import SimpleITK

    def distance_ijk(mask_ijk):
        image = SimpleITK.GetImageFromArray(mask_ijk.astype(np.uint8))
        image.SetSpacing(spacing_mm[::-1])
        signed = SimpleITK.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
        return np.abs(SimpleITK.GetArrayFromImage(signed).astype(float))

    def border(mask_ijk):
        # ITK's erosion with the ball of radius 1, which counts voxels beyond the volume as foreground.
        image = SimpleITK.GetImageFromArray(mask_ijk.astype(np.uint8))
        eroded = SimpleITK.BinaryErode(image, [1, 1, 1], SimpleITK.sitkBall, 0.0, 1.0, True)
        return mask_ijk & (SimpleITK.GetArrayFromImage(eroded) == 0)

    return covalic(two_sided(predicted_ijk, reference_ijk, border, distance_ijk))


def plainly(predicted_ijk, reference_ijk, spacing_mm):
    """The same by scipy alone, on the whole volume."""

    def distance_ijk(mask_ijk):
        cube = ndimage.generate_binary_structure(3, 3)
        contour_ijk = mask_ijk & ~ndimage.binary_erosion(mask_ijk, cube, border_value=1)
        return ndimage.distance_transform_edt(~contour_ijk, sampling=spacing_mm)

    both = 2 * (predicted_ijk & reference_ijk).sum() / (predicted_ijk.sum() + reference_ijk.sum())
    return {"dice": both, **covalic(two_sided(predicted_ijk, reference_ijk, ball_border, distance_ijk))}


@pytest.mark.parametrize("spacing_mm", SPACINGS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_path_equals_medpy_to_the_ninth_digit(kind, spacing_mm):
    pair = masks_ijk(seed=len(kind))[kind]
    fast = values(*pair, spacing_mm, definition="medpy")
    assert fast == pytest.approx(values(*pair, spacing_mm, definition="medpy", compute="medpy"), abs=1e-9)


@pytest.mark.parametrize("spacing_mm", SPACINGS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_path_equals_signed_maurer_distances_of_itk(kind, spacing_mm):
    pair = masks_ijk(seed=len(kind))[kind]
    fast = values(*pair, spacing_mm)
    assert {metric: fast[metric] for metric in ("adb", "hdd")} == pytest.approx(
        by_itk(*pair, spacing_mm), abs=1e-4
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_path_equals_a_plain_evaluation_of_the_whole_volume(kind):
    for seed, spacing_mm in enumerate(SPACINGS):
        pair = masks_ijk(seed)[kind]
        assert values(*pair, spacing_mm) == pytest.approx(plainly(*pair, spacing_mm), abs=1e-9)


@pytest.fixture(scope="module")
def smooth():
    """A smooth organ of two structures and a prediction that strays from it, with one part missing."""
    rng = np.random.default_rng(5)
    shape = (72, 60, 50)
    i, j, k = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    radius_ijk = np.sqrt((i / 0.8) ** 2 + (j / 0.7) ** 2 + (k / 0.8) ** 2)
    wobble_ijk = ndimage.gaussian_filter(rng.normal(size=shape), 4)
    maps = []
    for strayed_ijk, end in ((radius_ijk, 1.0), (radius_ijk + 0.06 * wobble_ijk / wobble_ijk.std(), 0.5)):
        vessel_ijk = (np.hypot(j - 0.2, k) < 0.15) & (i > 0) & (i < end)
        maps.append(np.select([(strayed_ijk < 0.6) | vessel_ijk, strayed_ijk < 0.9], [2, 1]).astype(np.int16))
    reference_ijk, predicted_ijk = maps
    return predicted_ijk, reference_ijk


@pytest.mark.parametrize("definition", ["hvsmr2016", "medpy"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_plain_way_gives_the_values_of_the_fast_one(kind, definition):
    for seed, spacing_mm in enumerate(SPACINGS):
        pair = masks_ijk(seed)[kind]
        fast = values(*pair, spacing_mm, definition=definition)
        assert fast == pytest.approx(
            values(*pair, spacing_mm, definition=definition, compute="plain"), abs=1e-9
        )


@pytest.mark.parametrize("definition", ["hvsmr2016", "medpy"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 1), (2, 1, 9), (5, 6, 1), (13, 3, 8)], ids=str)
def test_thin_and_full_volumes_are_measured_plainly_and_fast_alike(shape, definition):
    rng = np.random.default_rng(sum(shape))
    full_ijk, corner_ijk = np.ones(shape, dtype=bool), np.zeros(shape, dtype=bool)
    corner_ijk[0, 0, 0] = True
    noise_ijk = (rng.random(shape) < 0.5) | corner_ijk
    for one_ijk in (full_ijk, corner_ijk, noise_ijk):
        for other_ijk in (full_ijk, corner_ijk, noise_ijk):
            fast, plain = (
                values(one_ijk, other_ijk, (0.7, 1.3, 2.0), definition=definition, compute=compute)
                for compute in ("fast", "plain")
            )
            assert fast == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize("definition", ["hvsmr2016", "medpy"])
def test_a_phantom_and_random_labels_are_measured_plainly_and_fast_alike(smooth, definition):
    random_ijk = np.random.default_rng(8).integers(0, 4, size=(2, 33, 21, 18), dtype=np.uint8)
    for predicted_ijk, reference_ijk in (smooth, random_ijk):
        fast, plain = (
            score(
                predicted_ijk, reference_ijk, (0.9, 0.8, 1.1), (1, 2, 3), definition=definition, compute=way
            )
            for way in ("fast", "plain")
        )
        assert [one.value for one in fast] == pytest.approx([one.value for one in plain], abs=1e-9)
        assert [one.status for one in fast] == [one.status for one in plain]


@pytest.mark.parametrize("structure", [1, 2])
def test_a_smooth_organ_is_measured_as_plainly_and_as_by_medpy(smooth, structure):
    spacing_mm = (0.9, 0.8, 1.1)
    pair = [label_ijk == structure for label_ijk in smooth]
    assert values(*pair, spacing_mm) == pytest.approx(plainly(*pair, spacing_mm), abs=1e-9)
    library = values(*pair, spacing_mm, definition="medpy", compute="medpy")
    assert values(*pair, spacing_mm, definition="medpy") == pytest.approx(library, abs=1e-9)


def test_noise_far_from_its_reference_is_measured_as_plainly():
    rng = np.random.default_rng(3)
    predicted_ijk, reference_ijk = np.zeros((2, 50, 30, 30), dtype=bool)
    predicted_ijk[35:] = rng.random((15, 30, 30)) < 0.5
    reference_ijk[:15] = rng.random((15, 30, 30)) < 0.5
    spacing_mm = (1.0, 1.0, 2.0)
    fast = values(predicted_ijk, reference_ijk, spacing_mm)
    assert fast == pytest.approx(plainly(predicted_ijk, reference_ijk, spacing_mm), abs=1e-9)


def test_the_tree_and_the_transform_find_the_same_distances():
    rng = np.random.default_rng(4)
    mask_ijk = rng.random((20, 15, 10)) < 0.01
    targets = Targets(np.flatnonzero(mask_ijk), mask_ijk)
    point_n = np.flatnonzero(~mask_ijk)
    spacing_mm = (1.0, 0.5, 3.0)
    np.testing.assert_allclose(
        by_tree(point_n, targets, spacing_mm), by_transform(point_n, targets, spacing_mm), atol=1e-12
    )


def test_the_order_of_the_axes_and_of_memory_changes_no_value(smooth):
    predicted_ijk, reference_ijk = smooth
    spacing_mm = (0.9, 0.8, 1.1)
    expected = [measure.value for measure in score(predicted_ijk, reference_ijk, spacing_mm, (1, 2))]
    fortran_ijk = np.asfortranarray(predicted_ijk).astype(np.int64, order="K")
    for pair in ((fortran_ijk, reference_ijk), (fortran_ijk, np.asfortranarray(reference_ijk))):
        assert [measure.value for measure in score(*pair, spacing_mm, (1, 2))] == pytest.approx(expected)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    shares=st.tuples(*[st.floats(0.05, 0.95)] * 2),
    spacing_mm=st.tuples(*[st.floats(0.2, 6)] * 3),
    definition=st.sampled_from(["hvsmr2016", "medpy"]),
)
def test_prediction_and_reference_can_change_places(seed, shape, shares, spacing_mm, definition):
    rng = np.random.default_rng(seed)
    first_ijk, second_ijk = (rng.random(shape) < share for share in shares)
    there = values(first_ijk, second_ijk, spacing_mm, definition=definition)
    assert there == pytest.approx(values(second_ijk, first_ijk, spacing_mm, definition=definition))
    assert 0 <= there["dice"] <= 1
    assert there["adb"] >= 0
    if definition == "medpy":
        assert there["hd95"] <= there["hdd"] + 1e-12
        library = values(first_ijk, second_ijk, spacing_mm, definition="medpy", compute="medpy")
        assert there == pytest.approx(library, abs=1e-9)
    elif first_ijk.any() and second_ijk.any() and not (first_ijk.all() or second_ijk.all()):
        assert there == pytest.approx(plainly(first_ijk, second_ijk, spacing_mm), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(0.1, 10))
def test_distances_grow_with_the_spacing_and_dice_does_not(seed, factor):
    rng = np.random.default_rng(seed)
    pair = [rng.random((8, 7, 6)) < 0.3 for _ in range(2)]
    once, scaled = values(*pair, (1.0, 0.8, 2.0)), values(*pair, (factor, 0.8 * factor, 2.0 * factor))
    assert scaled["dice"] == once["dice"]
    assert scaled["adb"] == pytest.approx(factor * once["adb"])
    assert scaled["hdd"] == pytest.approx(factor * once["hdd"])
