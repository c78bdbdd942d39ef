"""medpy's own values; this file alone imports medpy, and only when they are asked for."""

# medpy is GPL-3: nothing here is derived from it, it is called.

from bench.metrics.arrays import Mask, Spacing


def medpy_values(predicted_ijk: Mask, reference_ijk: Mask, spacing_mm: Spacing) -> dict[str, float]:
    """The metrics of two masks as the installed medpy computes them, with its default connectivity.

    Args:
        predicted_ijk: The predicted structure, not empty.
        reference_ijk: The reference structure, not empty.
        spacing_mm: Voxel size along I, J, K, in mm.

    Returns:
        `dice`, and in mm `adb` (medpy's assd), `hdd` (medpy's hd) and `hd95`.
    """
    from medpy.metric import binary

    return {
        "dice": float(binary.dc(predicted_ijk, reference_ijk)),
        "adb": float(binary.assd(predicted_ijk, reference_ijk, spacing_mm)),
        "hdd": float(binary.hd(predicted_ijk, reference_ijk, spacing_mm)),
        "hd95": float(binary.hd95(predicted_ijk, reference_ijk, spacing_mm)),
    }
