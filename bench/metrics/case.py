"""The score of one case: every structure of two label maps, under one definition."""

from collections.abc import Callable, Sequence
from functools import partial
from operator import index
from typing import Final

import numpy as np

from bench.metrics import library, surface
from bench.metrics.arrays import Labels, Mask, Spacing
from bench.metrics.definition import DEFINITIONS, METRICS_OF, UNITS, Measure, diagonal_mm
from bench.metrics.plain import plain_distances

COMPUTES: Final = ("fast", "plain", "medpy")


def score(
    predicted_ijk: Labels,
    reference_ijk: Labels,
    spacing_mm: Spacing,
    structures: Sequence[int],
    *,
    definition: str = "hvsmr2016",
    compute: str = "fast",
) -> list[Measure]:
    """Measure every structure of a predicted label map against a reference.

    Under `hvsmr2016`, as in the COVALIC evaluator behind HVSMR 2016, ADB is the mean of the two directed mean
    distances and HDD the larger of the two directed 95th percentiles; the volume's edge is no border. Under
    `medpy` they are the assd (the mean of both directions together) and hd of medpy, and hd95 comes along.

    A structure that one side lacks has Dice 0 and the volume's diagonal for a distance; one that both lack
    has Dice 1 and distance 0; the status says which. Under `hvsmr2016` a mask that fills the whole volume has
    no border, and COVALIC no distance to it: it gets the diagonal too (0 if both fill it), with status `ok`.

    Args:
        predicted_ijk: Integer label map of shape (I, J, K).
        reference_ijk: Integer label map of the same shape.
        spacing_mm: Voxel size of the reference along I, J, K, in mm.
        structures: The labels to measure, each from 1 upwards.
        definition: One of `DEFINITIONS`.
        compute: `fast`, `plain` for the same values without a trick, or `medpy` to run the medpy library
            itself (only with its own definition).

    Returns:
        One measure for each structure and metric, structures in the order given, metrics as in `METRICS_OF`.

    Raises:
        ValueError: If a label map, the spacing, a structure, the definition or the way to compute is refused.
    """
    _check_choice(definition, compute)
    _check_labels(predicted_ijk, reference_ijk)
    spacing_mm = _checked_spacing(spacing_mm)
    labels = _checked_structures(structures)
    if predicted_ijk.flags.f_contiguous and reference_ijk.flags.f_contiguous:
        # NIfTI arrays come in Fortran order; no metric depends on the order of the axes, but speed does.
        predicted_ijk, reference_ijk, spacing_mm = predicted_ijk.T, reference_ijk.T, spacing_mm[::-1]
    predicted_ijk, reference_ijk = np.ascontiguousarray(predicted_ijk), np.ascontiguousarray(reference_ijk)
    values_of = _values_of(definition, compute)
    measures = []
    for label in labels:
        values, status = _values(predicted_ijk == label, reference_ijk == label, spacing_mm, values_of)
        measures += [
            Measure(label, metric, values[metric], UNITS[metric], definition, status)
            for metric in METRICS_OF[definition]
        ]
    return measures


def background(predicted_ijk: Labels, reference_ijk: Labels, definition: str = "hvsmr2016") -> Measure:
    """Dice of label 0, which `score` never measures; the same under every definition.

    Args:
        predicted_ijk: Integer label map of shape (I, J, K).
        reference_ijk: Integer label map of the same shape.
        definition: One of `DEFINITIONS`, to be written beside it.

    Raises:
        ValueError: If a label map or the definition is refused.
    """
    _check_choice(definition, "fast")
    _check_labels(predicted_ijk, reference_ijk)
    predicted, reference = np.asarray(predicted_ijk == 0), np.asarray(reference_ijk == 0)
    sizes = int(predicted.sum()), int(reference.sum())
    if not any(sizes):
        return Measure(0, "dice", 1.0, UNITS["dice"], definition, "both_empty")
    status = "ok" if all(sizes) else "empty_reference" if sizes[0] else "empty_prediction"
    dice = 2 * int((predicted & reference).sum()) / sum(sizes)
    return Measure(0, "dice", dice, UNITS["dice"], definition, status)


def _values_of(definition: str, compute: str) -> Callable[[Mask, Mask, Spacing], dict[str, float]]:
    if compute == "medpy":
        return library.medpy_values
    distances = {"fast": surface.fast_distances, "plain": plain_distances}[compute]
    return partial(surface.VALUES[definition], distances)


def _values(
    predicted_ijk: Mask,
    reference_ijk: Mask,
    spacing_mm: Spacing,
    values_of: Callable[[Mask, Mask, Spacing], dict[str, float]],
) -> tuple[dict[str, float], str]:
    is_predicted, is_there = bool(predicted_ijk.any()), bool(reference_ijk.any())
    if is_predicted and is_there:
        return values_of(predicted_ijk, reference_ijk, spacing_mm), "ok"
    if not is_predicted and not is_there:
        return {"dice": 1.0, "adb": 0.0, "hdd": 0.0, "hd95": 0.0}, "both_empty"
    far_mm = diagonal_mm(predicted_ijk.shape, spacing_mm)
    status = "empty_reference" if is_predicted else "empty_prediction"
    return {"dice": 0.0, "adb": far_mm, "hdd": far_mm, "hd95": far_mm}, status


def _check_choice(definition: str, compute: str) -> None:
    if definition not in DEFINITIONS:
        raise ValueError(f"definition {definition!r} is not one of {', '.join(DEFINITIONS)}")
    if compute not in COMPUTES:
        raise ValueError(f"compute {compute!r} is not one of {', '.join(COMPUTES)}")
    if compute == "medpy" and definition != "medpy":
        raise ValueError(
            f"compute 'medpy' runs the medpy library, which does not know definition {definition!r}"
        )


def _check_labels(predicted_ijk: Labels, reference_ijk: Labels) -> None:
    for name, label_ijk in (("predicted", predicted_ijk), ("reference", reference_ijk)):
        if label_ijk.dtype.kind not in "biu":
            raise ValueError(f"the {name} label map must hold integers, not {label_ijk.dtype}")
        if label_ijk.ndim != 3 or not label_ijk.size:
            raise ValueError(
                f"the {name} label map must have voxels on three axes, got shape {label_ijk.shape}"
            )
    if predicted_ijk.shape != reference_ijk.shape:
        raise ValueError(
            f"the predicted label map has shape {predicted_ijk.shape}, its reference {reference_ijk.shape}"
        )


def _checked_spacing(spacing_mm: Spacing) -> Spacing:
    # Beyond these bounds squares of distances are no longer finite numbers above 0.
    if len(spacing_mm) != 3 or not all(1e-9 <= step <= 1e9 for step in spacing_mm):
        raise ValueError(f"the spacing must be three lengths of 1e-9 to 1e9 mm, got {tuple(spacing_mm)}")
    return float(spacing_mm[0]), float(spacing_mm[1]), float(spacing_mm[2])


def _checked_structures(structures: Sequence[int]) -> list[int]:
    # numpy's integers are welcome, but their width must not decide how a label map is compared.
    try:
        labels = [index(structure) for structure in structures]
    except TypeError as error:
        raise ValueError(f"structures are integer labels, got {list(structures)}") from error
    if refused := [label for label in labels if label < 1]:
        raise ValueError(f"a structure is a label from 1 upwards (0 is the background), got {refused[0]}")
    return labels
