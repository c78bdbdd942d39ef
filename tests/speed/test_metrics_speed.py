"""Scoring one case by the fast path, beside medpy; run with --benchmark-only."""

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from bench.metrics import score

SHAPE = (200, 140, 120)
SPACING_MM = (0.885, 0.885, 0.89)
TUMOUR_SHAPE = (155, 240, 240)


def heart():
    """A wall around a cavity with a vessel, and a good prediction of them whose vessel ends too early."""
    rng = np.random.default_rng(0)
    i, j, k = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32) for size in SHAPE), indexing="ij")
    radius_ijk = np.sqrt((i / 0.7) ** 2 + (j / 0.7) ** 2 + (k / 0.7) ** 2)
    wobble_ijk = ndimage.gaussian_filter(rng.normal(size=SHAPE), 5)
    maps = []
    for strayed_ijk, end in ((radius_ijk, 1.0), (radius_ijk + 0.02 * wobble_ijk / wobble_ijk.std(), 0.9)):
        vessel_ijk = (np.hypot(j - 0.2, k + 0.1) < 0.2) & (i > 0) & (i < end)
        maps.append(np.select([(strayed_ijk < 0.7) | vessel_ijk, strayed_ijk < 1], [2, 1]).astype(np.uint8))
    reference_ijk, predicted_ijk = maps
    return predicted_ijk, reference_ijk


def noise():
    """Labels drawn by chance: every voxel is a border voxel."""
    rng = np.random.default_rng(1)
    predicted_ijk, reference_ijk = rng.integers(0, 3, size=(2, *SHAPE), dtype=np.uint8)
    return predicted_ijk, reference_ijk


def tumour():
    """Four shells of a tumour in a brain's volume, as BRATS labels them, and a good prediction of them."""
    rng = np.random.default_rng(2)
    i, j, k = np.meshgrid(
        *(np.arange(size, dtype=np.float32) - 0.45 * size for size in TUMOUR_SHAPE), indexing="ij"
    )
    radius_ijk = np.sqrt(i**2 + j**2 + (k / 1.2) ** 2)
    wobble_ijk = ndimage.gaussian_filter(rng.normal(size=TUMOUR_SHAPE), 4)
    maps = [
        np.select([strayed_ijk < edge for edge in (10, 16, 23, 34)], [1, 3, 4, 2]).astype(np.uint8)
        for strayed_ijk in (radius_ijk, radius_ijk + 0.8 * wobble_ijk / wobble_ijk.std())
    ]
    reference_ijk, predicted_ijk = maps
    return predicted_ijk, reference_ijk


def fast(case, spacing_mm, structures):
    """Dice, ADB and HDD of each structure; hd95 comes along and is dropped."""
    measures = score(*case, spacing_mm, structures, definition="medpy")
    return [measure.value for measure in measures if measure.metric != "hd95"]


def by_medpy(case, spacing_mm, structures):
    """What a user of medpy calls for Dice, ADB and HDD."""
    from medpy.metric import binary

    values = []
    for structure in structures:
        pair = [label_ijk == structure for label_ijk in case]
        values += [binary.dc(*pair), binary.assd(*pair, spacing_mm), binary.hd(*pair, spacing_mm)]
    return values


CASES = {
    "a 200x140x120 case with two structures": (heart, SPACING_MM, (1, 2), 35),
    "random labels, 200x140x120, two structures": (noise, SPACING_MM, (1, 2), 3),
    "155x240x240 with five labels, background among them": (tumour, (1.0, 1.0, 1.0), (1, 2, 3, 4), 250),
}


@pytest.mark.parametrize("name", CASES)
def test_scoring_beside_medpy(side_by_side, name):
    make, spacing_mm, structures, target = CASES[name]
    case = make()
    plain_values, fast_values = side_by_side(
        f"Dice + ADB + HDD of {name}",
        "medpy",
        lambda: by_medpy(case, spacing_mm, structures),
        lambda: fast(case, spacing_mm, structures),
        target=target,
        sense="times faster",
        rounds=5,
        note=f"mean Dice of the case {np.mean(fast(case, spacing_mm, structures)[::3]):.2f}",
    )
    assert fast_values == pytest.approx(plain_values, abs=1e-9)


def test_memory_of_scoring(side_by_side):
    case = heart()
    fast(case, SPACING_MM, (1, 2))  # what is made once and kept is no part of a case
    tracemalloc.start()  # numpy reports its arrays to it
    values = fast(case, SPACING_MM, (1, 2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    side_by_side.value(
        "extra memory of scoring that case",
        "the two label maps",
        peak / case[0].size,
        target=12,
        sense="at most",
        unit="bytes a voxel",
    )
    assert values == pytest.approx(by_medpy(case, SPACING_MM, (1, 2)), abs=1e-9)
