"""Seconds to score one case of 200x140x120 voxels and two structures; run with --benchmark-only."""

import numpy as np
import pytest
from scipy import ndimage

from bench.metrics import score

SHAPE = (200, 140, 120)
SPACING_MM = (0.885, 0.885, 0.89)


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


@pytest.mark.parametrize("case", [heart, noise], ids=["a good prediction", "random labels"])
@pytest.mark.parametrize(
    ("definition", "compute"),
    [("hvsmr2016", "fast"), ("medpy", "fast"), ("medpy", "medpy")],
)
def test_scoring_a_case(benchmark, case, definition, compute):
    predicted_ijk, reference_ijk = case()
    benchmark.pedantic(
        score,
        args=(predicted_ijk, reference_ijk, SPACING_MM, (1, 2)),
        kwargs={"definition": definition, "compute": compute},
        rounds=1 if compute == "medpy" else 5,
        warmup_rounds=0 if compute == "medpy" else 1,
    )
