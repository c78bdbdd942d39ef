"""Weighted sums have the same bits on every processor and agree with the matrix product."""

import os
import subprocess
import sys

import numpy as np
import pytest

from reports.statistics.exact_sums import weighted_sums

KERNELS = ("", "Prescott", "Haswell", "SkylakeX", "Zen")
SCRIPT = """
import hashlib
import numpy as np
from reports.statistics.exact_sums import weighted_sums
rng = np.random.default_rng(5)
counts = rng.multinomial(30, np.full(30, 1 / 30), size=999).astype(float)
values = rng.normal(0, 10.0 ** rng.integers(-6, 6, size=40), size=(30, 40))
print(hashlib.sha256(weighted_sums(counts, values).tobytes()).hexdigest())
print(hashlib.sha256((counts @ values).tobytes()).hexdigest())
"""


def test_sums_agree_with_the_matrix_product():
    rng = np.random.default_rng(1)
    counts = rng.multinomial(20, np.full(20, 1 / 20), size=500).astype(float)
    values = rng.normal(-100, 30, (20, 7)) * [1e-9, 1, 1e6, 0, 1e-300, 1, -1]
    np.testing.assert_allclose(weighted_sums(counts, values), counts @ values, rtol=1e-13, atol=0)


def test_sums_of_what_is_exact_are_exact():
    counts = np.array([[2.0, 0.0, 1.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
    values = np.array([[0.5, -8.0], [1e6, 1.0], [0.25, 4.0]])
    assert weighted_sums(counts, values).tolist() == [[1.25, -12.0], [0.75, 12.0], [0.0, 0.0]]


@pytest.mark.skipif(
    sys.platform != "linux", reason="OpenBLAS chooses its kernel by this name on Linux wheels"
)
def test_sums_have_the_same_bits_under_every_kernel():
    digests = [_digests(kernel) for kernel in KERNELS]
    assert len({ours for ours, _ in digests}) == 1
    if len({plain for _, plain in digests}) == 1:
        pytest.skip("numpy's matrix product does not heed OPENBLAS_CORETYPE here")


def _digests(kernel):
    surroundings = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    surroundings |= {"OPENBLAS_CORETYPE": kernel} if kernel else {}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=surroundings, capture_output=True, text=True, check=True
    )
    return done.stdout.split()
