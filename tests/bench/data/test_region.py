"""A region of interest that is as large as a patch wherever the volume is."""

import numpy as np
import pytest

from bench.data.patches import region_of_interest

LABEL_IJK = np.zeros((40, 30, 20), np.uint8)
LABEL_IJK[20:26, 0, 17:20] = 1


@pytest.mark.parametrize(
    ("at_least", "expected"),
    [
        ((0, 0, 0), (slice(20, 26), slice(0, 1), slice(17, 20))),
        ((6, 1, 3), (slice(20, 26), slice(0, 1), slice(17, 20))),
        ((10, 8, 8), (slice(18, 28), slice(0, 8), slice(12, 20))),
        ((9, 30, 20), (slice(19, 28), slice(0, 30), slice(0, 20))),
        ((100, 100, 100), (slice(0, 40), slice(0, 30), slice(0, 20))),
    ],
)
def test_the_box_is_widened_evenly_and_then_shifted_inside(at_least, expected):
    assert region_of_interest(LABEL_IJK, 0, at_least) == expected


def test_the_margin_counts_before_the_box_is_widened():
    assert region_of_interest(LABEL_IJK, 2, (10, 8, 4)) == (slice(18, 28), slice(0, 8), slice(15, 20))


def test_where_there_is_no_label_the_region_stays_everything():
    empty_ijk = np.zeros((4, 5, 6), np.uint8)
    assert region_of_interest(empty_ijk, 2, (8, 2, 6)) == (slice(0, 4), slice(0, 5), slice(0, 6))
