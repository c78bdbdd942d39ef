"""Where doubts are measured: on cubes and planes whose distances are known."""

import numpy as np
import pytest

from bench.metrics.detection import near_boundary, of_structure, regions


def plane(shape=(12, 4, 4), at=6):
    """Label 1 from a place on along the first axis."""
    label_ijk = np.zeros(shape, np.uint8)
    label_ijk[at:] = 1
    return label_ijk


@pytest.mark.parametrize(("spacing", "reach"), [(1.0, 3), (1.5, 2), (2.0, 1), (3.1, 1), (9, 1)])
def test_the_band_reaches_as_many_millimetres_to_either_side_however_large_a_voxel_is(spacing, reach):
    band_ijk = near_boundary(plane(), (spacing, 1.0, 1.0), 3.0)
    assert np.flatnonzero(band_ijk[:, 0, 0]).tolist() == list(range(6 - reach, 6 + reach))
    assert (band_ijk == band_ijk[:, :1, :1]).all()


def test_a_boundary_between_two_structures_has_a_band_too():
    label_ijk = plane() + 1
    assert near_boundary(label_ijk, (1.0, 1.0, 1.0), 1.0).sum() == 2 * 4 * 4


def test_the_distance_is_the_shortest_way_past_corners():
    label_ijk = np.zeros((9, 9, 9), np.uint8)
    label_ijk[4, 4, 4] = 1
    band_ijk = near_boundary(label_ijk, (1.0, 1.0, 1.0), 1.5)
    steps_ijk = np.abs(np.indices((9, 9, 9)) - 4)
    assert (band_ijk == ((steps_ijk**2).sum(axis=0) <= 2)).all()


def test_where_there_is_one_class_alone_there_is_no_boundary():
    assert not near_boundary(np.ones((4, 4, 4), np.uint8), (1.0, 1.0, 1.0), 100.0).any()


def test_boundary_and_interior_are_all_there_is():
    parts = regions(near_boundary(plane(), (1.0, 1.0, 1.0), 2.0))
    assert (parts["boundary"] ^ parts["interior"]).all()
    assert parts["all"].all()


def test_a_structure_is_what_either_label_says():
    clean_ijk, noisy_ijk = plane(at=6), plane(at=8)
    assert (of_structure(clean_ijk, noisy_ijk, 1) == (plane(at=6) == 1)).all()
    assert (of_structure(noisy_ijk, clean_ijk, 0) == (plane(at=8) == 0)).all()
