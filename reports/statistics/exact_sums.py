"""Sums of products that have the same bits on every processor.

A matrix product adds in the order that its BLAS kernel chooses, so its last digits differ between
processors and numbers of threads. Sums that are exact have no order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BITS: Final = 52  # of a float64's fraction


def weighted_sums(counts_rc: NDArray[np.float64], values_cm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix product of counts and values, equal bit for bit on every processor.

    The values of each column are rounded to multiples of a power of two so large that no partial sum
    needs more than 53 bits: every addition is exact, whatever its order. The error of a sum is at most about
    2^-52 of the largest that is possible.

    Args:
        counts_rc: Whole numbers, at least 0 (R, C).
        values_cm: Finite numbers (C, M).

    Returns:
        The sums (R, M).
    """
    most = float(counts_rc.sum(axis=1).max(initial=1.0))
    _, exponent_m = np.frexp(most * np.abs(values_cm).max(axis=0, initial=0.0))
    whole_cm = np.rint(np.ldexp(values_cm, _BITS - exponent_m))
    return np.asarray(np.ldexp(counts_rc @ whole_cm, exponent_m - _BITS))
