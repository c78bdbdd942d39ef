"""Noise on cubes, whose answer is known by heart."""

import numpy as np
import pytest
from scipy import ndimage

from bench.data.noise import KINDS, corrupt, realised
from bench.data.noise.affine import DIRECTIONS, Affine
from bench.data.noise.boundary_shift import Annotator, DilateErode
from bench.data.noise.drop_slices import DropSlices
from bench.data.noise.markov import Markov
from bench.errors import UsageError

ISOTROPIC_MM = (1.0, 1.0, 1.0)


def rng(seed=0):
    return np.random.default_rng(seed)


def cube(shape=(20, 20, 20), low=6, high=14, structure=1):
    label_ijk = np.zeros(shape, np.uint8)
    label_ijk[low:high, low:high, low:high] = structure
    return label_ijk


def test_a_cube_dilated_by_2_mm_gains_just_the_voxels_within_2_mm():
    spacing_mm = (2.0, 1.0, 0.5)
    label_ijk = np.zeros((20, 36, 70), np.uint8)
    label_ijk[4:16, 6:30, 11:59] = 1  # 24 mm wide
    far_mm = ndimage.distance_transform_edt(label_ijk == 0, sampling=spacing_mm)
    gained = int(((far_mm > 0) & (far_mm <= 2.0)).sum())
    rate = gained / int(label_ijk.sum())
    bigger = {"dilate-erode": DilateErode(dilate=1)}
    noisy_ijk = corrupt(label_ijk, spacing_mm, "dilate-erode", rate, rng(), 2, bigger)
    assert np.array_equal(noisy_ijk == 1, far_mm <= 2.0)
    (found,) = realised(label_ijk, noisy_ijk, spacing_mm, range(1, 2)).values()
    assert (found.added, found.removed) == (gained, 0)
    assert found.shift_mm == pytest.approx(2.0, abs=0.15)
    assert found.by_distance_mm["0-1"] + found.by_distance_mm["1-2"] == 1.0


def test_a_cube_eroded_by_1_mm_loses_its_outer_voxels_and_its_shift_is_1_mm():
    label_ijk = cube()
    outer = 8**3 - 6**3
    smaller = {"dilate-erode": DilateErode(dilate=0)}
    noisy_ijk = corrupt(label_ijk, ISOTROPIC_MM, "dilate-erode", outer / 8**3, rng(), 2, smaller)
    assert np.array_equal(noisy_ijk, cube(low=7, high=13))
    (found,) = realised(label_ijk, noisy_ijk, ISOTROPIC_MM, range(1, 2)).values()
    assert (found.removed, found.added) == (outer, 0)
    assert found.by_distance_mm["0-1"] == 1.0
    # From the inner cube's boundary it is 1 mm outwards everywhere; back it is further at edges and corners.
    assert -1.2 < found.shift_mm <= -1.0
    assert found.absolute_shift_mm == -found.shift_mm


def test_a_cube_moved_outwards_is_measured_in_millimetres_of_its_axis():
    spacing_mm = (3.0, 1.0, 1.0)
    label_ijk = np.zeros((16, 9, 9), np.uint8)
    label_ijk[5:11] = 1  # a slab from edge to edge: the volume's edge is no boundary
    noisy_ijk = label_ijk.copy()
    noisy_ijk[4:12] = 1
    (found,) = realised(label_ijk, noisy_ijk, spacing_mm, range(1, 2)).values()
    assert found.shift_mm == found.absolute_shift_mm == 3.0
    assert found.rate == pytest.approx(2 / 6)
    assert found.by_distance_mm == {"0-1": 0, "1-2": 0, "2-3": 1, "3-5": 0, "5-10": 0, ">10": 0}


def test_equal_label_maps_have_no_noise():
    (found,) = realised(cube(), cube(), ISOTROPIC_MM, range(1, 2), wanted=0.2).values()
    assert (found.rate, found.dice, found.shift_mm, found.by_distance_mm) == (0, 1, 0, None)
    assert found.shortfall == "0 instead of 0.2"


def test_a_structure_that_is_not_there_has_no_rate_and_that_is_said():
    found = realised(cube(), cube(), ISOTROPIC_MM, range(1, 3), wanted=0.2)["2"]
    assert (found.rate, found.voxels_clean, found.shift_mm) == (None, 0, None)
    assert "no voxel" in found.shortfall


def test_as_many_slices_are_dropped_as_the_rate_says_along_the_coarsest_axis_in_runs():
    label_ijk = cube((30, 30, 30), 5, 25)
    noisy_ijk = corrupt(label_ijk, (1.0, 4.0, 1.0), "drop-slices", 0.3, rng(), 2)
    left_j = (noisy_ijk == 1).sum(axis=(0, 2))
    assert set(left_j[5:25]) == {0, 400}
    dropped_j = left_j[5:25] == 0
    assert dropped_j.sum() == 6
    runs = int((np.diff(np.concatenate([[0], dropped_j.astype(int)])) == 1).sum())
    assert runs < 6


def test_slices_are_dropped_along_the_axis_that_is_set():
    along_i = {"drop-slices": DropSlices(axis="i", shortest=2, longest=2)}
    noisy_ijk = corrupt(cube((30, 30, 30), 5, 25), (1.0, 4.0, 1.0), "drop-slices", 0.1, rng(), 2, along_i)
    dropped = np.flatnonzero((noisy_ijk == 1).sum(axis=(1, 2))[5:25] == 0)
    assert len(dropped) == 2
    assert dropped[1] - dropped[0] == 1


def test_of_two_pieces_of_one_size_one_is_dropped_at_half():
    label_ijk = np.zeros((20, 8, 8), np.uint8)
    label_ijk[2:6, 2:6, 2:6] = label_ijk[12:16, 2:6, 2:6] = 1
    noisy_ijk = corrupt(label_ijk, ISOTROPIC_MM, "drop-structure", 0.5, rng(), 2)
    assert sorted([(noisy_ijk[:10] == 1).sum(), (noisy_ijk[10:] == 1).sum()]) == [0, 64]


def test_one_piece_is_dropped_whole_as_often_as_the_rate_says_and_the_shortfall_is_said():
    label_ijk, gone = cube(), 0
    for seed in range(200):
        noisy_ijk = corrupt(label_ijk, ISOTROPIC_MM, "drop-structure", 0.3, rng(seed), 2)
        (found,) = realised(label_ijk, noisy_ijk, ISOTROPIC_MM, range(1, 2), wanted=0.3).values()
        assert found.rate in (0, 1)
        assert "instead of 0.3" in found.shortfall
        gone += found.rate == 1
    assert 40 <= gone <= 80


def test_a_component_is_swapped_whole():
    label_ijk = np.zeros((30, 10, 10), np.uint8)
    for start in (2, 17):
        label_ijk[start : start + 4, 2:8, 2:8] = 1
        label_ijk[start + 4 : start + 8, 2:8, 2:8] = 2
    noisy_ijk = corrupt(label_ijk, ISOTROPIC_MM, "swap", 1.0, rng(), 3)
    exchanged_ijk = np.array([0, 2, 1], np.uint8)[label_ijk]
    halves = [
        (
            np.array_equal(noisy_ijk[part], label_ijk[part]),
            np.array_equal(noisy_ijk[part], exchanged_ijk[part]),
        )
        for part in (slice(0, 15), slice(15, 30))
    ]
    assert sorted(halves) == [(False, True), (True, False)]


def test_structures_of_unlike_size_are_swapped_as_far_as_the_smaller_allows_and_the_larger_says_so():
    label_ijk = cube(structure=1)
    label_ijk[6:8, 6:14, 6:14] = 2
    noisy_ijk = corrupt(label_ijk, ISOTROPIC_MM, "swap", 0.5, rng(), 3)
    found = realised(label_ijk, noisy_ijk, ISOTROPIC_MM, range(1, 3), wanted=0.5, limit=KINDS["swap"].limit)
    assert found["2"].rate == 0.5
    assert found["1"].rate == pytest.approx(0.5 / 3, abs=0.01)
    assert "the smaller of two ends it" in found["1"].shortfall


def test_one_structure_cannot_be_swapped():
    with pytest.raises(UsageError, match="needs two structures"):
        corrupt(cube(), ISOTROPIC_MM, "swap", 0.2, rng(), 2)


@pytest.mark.parametrize(("person", "sign"), [(0, 1), (1, -1), (2, 1), (3, -1)])
def test_a_person_has_one_sign_for_every_structure(person, sign):
    label_ijk = cube()
    label_ijk[10:14, 6:14, 6:14] = 2
    drawn = {"annotator": Annotator(person=person)}
    noisy_ijk = corrupt(label_ijk, ISOTROPIC_MM, "annotator", 0.25, rng(), 3, drawn)
    for found in realised(label_ijk, noisy_ijk, ISOTROPIC_MM, range(1, 3), wanted=0.25).values():
        assert found.shortfall == ""
        assert found.shift_mm * sign > 0
        assert (found.removed if sign > 0 else found.added) == 0


def test_cases_are_dealt_to_persons_of_both_signs():
    signs = set()
    for seed in range(20):
        noisy_ijk = corrupt(cube(), ISOTROPIC_MM, "annotator", 0.25, rng(seed), 2)
        signs.add(int(np.sign(int((noisy_ijk == 1).sum()) - 512)))
    assert signs == {-1, 1}


def test_a_moved_cube_is_a_cube_elsewhere():
    unturned = {"affine": Affine(degrees=0)}
    noisy_ijk = corrupt(cube(), ISOTROPIC_MM, "affine", 0.5, rng(4), 2, unturned)
    (found,) = realised(cube(), noisy_ijk, ISOTROPIC_MM, range(1, 2), wanted=0.5).values()
    assert found.shortfall == ""
    assert found.voxels_noisy == pytest.approx(512, abs=40)
    middle = np.argwhere(noisy_ijk == 1).mean(axis=0)
    assert np.linalg.norm(middle - 9.5) > 0.8


def test_the_26_directions_are_complete():
    assert len(set(DIRECTIONS)) == 26
    assert all(tuple(-one for one in way) in DIRECTIONS for way in DIRECTIONS)


@pytest.mark.parametrize(("grow", "sign"), [(1.0, 1), (0.0, -1)])
def test_a_markov_chain_grows_or_shrinks_as_theta1_says(grow, sign):
    label_ijk = cube((40, 40, 40), 10, 30)
    chain = {"markov": Markov(grow=grow)}
    noisy_ijk = corrupt(label_ijk, ISOTROPIC_MM, "markov", 0.2, rng(), 2, chain)
    (found,) = realised(label_ijk, noisy_ijk, ISOTROPIC_MM, range(1, 2), wanted=0.2).values()
    assert found.shortfall == ""
    assert found.shift_mm * sign > 0
    assert found.by_distance_mm[">10"] == 0


def test_a_shared_boundary_is_wrong_for_both_structures_and_both_rates_are_met():
    label_ijk = cube((30, 30, 30), 5, 25, structure=1)
    label_ijk[10:20, 10:20, 10:20] = 2  # wholly inside
    for kind in ("markov", "dilate-erode", "edge"):
        noisy_ijk = corrupt(label_ijk, ISOTROPIC_MM, kind, 0.1, rng(2), 3)
        found = realised(label_ijk, noisy_ijk, ISOTROPIC_MM, range(1, 3), wanted=0.1)
        assert [one.shortfall for one in found.values()] == ["", ""], kind


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.01, float("nan")])
def test_a_rate_that_cannot_be_is_refused(rate):
    with pytest.raises(UsageError, match="outside"):
        corrupt(cube(), ISOTROPIC_MM, "markov", rate, rng(), 2)


def test_a_structure_that_is_none_is_refused():
    with pytest.raises(UsageError, match=r"structure 2 is none; expected 1\.\.1"):
        corrupt(cube(), ISOTROPIC_MM, "markov", 0.1, rng(), 2, structures=[2])


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("markov", {"theta1": 1.5}), ("markov", {"most_steps": 0}), ("markov", {"sigma_voxels": -1.0}),
        ("dilate-erode", {"dilate": 2.0}), ("affine", {"degrees": 181.0}), ("edge", {"share": 0.0}),
        ("edge", {"bumps": -0.1}), ("drop-slices", {"shortest": 3, "longest": 2}), ("annotator", {"persons": 0}),
        ("annotator", {"person": 4}),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_by_name(kind, settings):
    with pytest.raises(UsageError, match=rf"{kind}\.\w+ "):
        KINDS[kind](**settings)


def test_what_is_added_where_nothing_is_clean_has_no_distance():
    clean = np.zeros((6, 6, 6), np.uint8)
    noisy = clean.copy()
    noisy[2:4, 2:4, 2:4] = 1
    found = realised(clean, noisy, (1.0, 1.0, 1.0), [1])["1"]
    assert (found.rate, found.added, found.by_distance_mm) == (None, 8, None)
