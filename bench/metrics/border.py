"""The border voxels of a predicted and a reference mask, under each definition."""

# Both masks share one array of bits, so that each pass over the voxels serves both: bit PREDICTED is the
# prediction's, bit REFERENCE the reference's.

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.metrics.arrays import Bits, Mask, Triple

PREDICTED: Final = 1
REFERENCE: Final = 2


@dataclass(frozen=True, slots=True)
class Borders:
    """Border voxels as bits in a box with an empty margin around it.

    Attributes:
        source_ijk: The voxels that distances are measured from.
        target_ijk: The voxels that distances are measured to; each source voxel is one of them.
    """

    source_ijk: Bits
    target_ijk: Bits


def medpy_borders(predicted_ijk: Mask, reference_ijk: Mask, margin: Triple) -> Borders:
    """The voxels with a face on the background, where the volume's edge counts as background.

    This is medpy's surface: the mask without its erosion by scipy's default structure.

    Args:
        predicted_ijk: The prediction in the box, of shape (I, J, K).
        reference_ijk: The reference in the box, of the same shape.
        margin: Empty voxels to add on each side of each axis, at least 1.

    Returns:
        Borders in which source and target are the same voxels.
    """
    bits_ijk = _padded(predicted_ijk, reference_ijk, margin, outside=0)
    eroded_ijk = _eroded(bits_ijk, axis=0)
    eroded_ijk &= _eroded(bits_ijk, axis=1)
    eroded_ijk &= _eroded(bits_ijk, axis=2)
    border_ijk = _without(bits_ijk, eroded_ijk, margin)
    return Borders(border_ijk, border_ijk)


def hvsmr2016_borders(predicted_ijk: Mask, reference_ijk: Mask, margin: Triple) -> Borders:
    """The borders of the COVALIC evaluator behind HVSMR 2016; the volume's edge is no border.

    Distances start from voxels with a background voxel in the 18-neighbourhood (ITK's ball of radius 1).
    They end at the zero set of ITK's signed Maurer distance map, its fully connected contour: voxels with a
    background voxel in the 26-neighbourhood. A mask that fills the whole volume has neither.

    Args:
        predicted_ijk: The prediction in the box, of shape (I, J, K). Where a face of the box is not a face of
            the volume, the voxels on it must be background.
        reference_ijk: The reference in the box, of the same shape and with the same condition.
        margin: Empty voxels to add on each side of each axis, at least 1.

    Returns:
        Borders with more target than source voxels.
    """
    bits_ijk = _padded(predicted_ijk, reference_ijk, margin, outside=PREDICTED | REFERENCE)
    along_i_ijk = _eroded(bits_ijk, axis=0)
    ball_ijk = _eroded(along_i_ijk, axis=1)
    cube_ijk = _eroded(ball_ijk, axis=2)
    # The 18-neighbourhood is the union of the three 3x3 squares through the voxel.
    ball_ijk &= _eroded(along_i_ijk, axis=2)
    ball_ijk &= _eroded(_eroded(bits_ijk, axis=1), axis=2)
    return Borders(_without(bits_ijk, ball_ijk, margin), _without(bits_ijk, cube_ijk, margin))


BORDERS: Final[Mapping[str, Callable[[Mask, Mask, Triple], Borders]]] = {
    "hvsmr2016": hvsmr2016_borders,
    "medpy": medpy_borders,
}


def _core(margin: Triple) -> tuple[slice, ...]:
    return tuple(slice(width, -width) for width in margin)


def _padded(predicted_ijk: Mask, reference_ijk: Mask, margin: Triple, *, outside: int) -> Bits:
    shape = [size + 2 * width for size, width in zip(predicted_ijk.shape, margin, strict=True)]
    bits_ijk = np.full(shape, outside, dtype=np.uint8)
    core_ijk = bits_ijk[_core(margin)]
    np.multiply(reference_ijk, np.uint8(REFERENCE), out=core_ijk)
    core_ijk |= predicted_ijk.view(np.uint8)
    return bits_ijk


def _eroded(bits_ijk: Bits, *, axis: int) -> Bits:
    # A neighbour is one fixed shift away in C order, so every AND runs over contiguous memory. A shift leaves
    # its row only from the margin, and no voxel of the core ever reads what it finds there.
    step = int(np.prod(bits_ijk.shape[axis + 1 :], dtype=np.int64))
    bits_v = bits_ijk.reshape(-1)
    eroded_v = bits_v.copy()
    eroded_v[step:] &= bits_v[:-step]
    eroded_v[:-step] &= bits_v[step:]
    return eroded_v.reshape(bits_ijk.shape)


def _without(bits_ijk: Bits, eroded_ijk: Bits, margin: Triple) -> Bits:
    core = _core(margin)
    border_ijk = np.zeros_like(bits_ijk)
    np.bitwise_and(bits_ijk[core], ~eroded_ijk[core], out=border_ijk[core])
    return border_ijk
