"""Variants: the discrete forms in which parts of a congenital heart and of its scan come, and their rates."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

RATES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        # The heart. Each part comes in a common form and in rarer ones, independently of the others, so that
        # a patient has several rare forms and few patients share them.
        "position": {"levocardia": 0.55, "mesocardia": 0.15, "dextrocardia": 0.15, "situs_inversus": 0.15},
        "ventricles": {
            "balanced": 0.35,
            "small_left": 0.13,
            "small_right": 0.13,
            "common": 0.12,
            "hypertrophic": 0.14,
            "dilated": 0.13,
        },
        "septum": {"intact": 0.45, "vsd": 0.25, "asd": 0.15, "avsd": 0.15},
        "arteries": {"normal": 0.5, "transposed": 0.18, "side_by_side": 0.17, "truncus": 0.15},
        "arch": {"left": 0.55, "right": 0.2, "double": 0.1, "coarctation": 0.15},
        "calibre": {"usual": 0.5, "aneurysm": 0.2, "wide_pulmonary": 0.15, "narrow_pulmonary": 0.15},
        "veins": {"usual": 0.6, "left_cava": 0.2, "conduit": 0.2},
        "atria": {"usual": 0.6, "large_left": 0.2, "large_right": 0.2},
        # The scan.
        "orientation": {"upright": 0.5, "sagittal": 0.15, "coronal": 0.15, "oblique": 0.2},
        "field": {"usual": 0.6, "tight": 0.2, "wide": 0.2},
        "sequence": {"balanced": 0.5, "fat_suppressed": 0.2, "fat_bright": 0.15, "enhanced": 0.15},
        "filling": {"even": 0.55, "dim_right": 0.2, "dim_left": 0.15, "dim_veins": 0.1},
        "coil": {"even": 0.6, "front": 0.2, "side": 0.2},
        "motion": {"none": 0.6, "ghosts": 0.15, "thick_slices": 0.15, "noise": 0.1},
        "effusion": {"none": 0.65, "pleural": 0.2, "pericardial": 0.15},
        "abdomen": {"usual": 0.6, "large_liver": 0.2, "large_spleen": 0.2},
    }
)


def variants(rng: np.random.Generator) -> dict[str, str]:
    """The form of each part of one patient and scan, drawn by ``RATES``."""
    return {part: _drawn(rng, forms) for part, forms in RATES.items()}


def _drawn(rng: np.random.Generator, forms: Mapping[str, float]) -> str:
    at = np.searchsorted(np.cumsum(list(forms.values())), rng.random(), side="right")
    return list(forms)[min(int(at), len(forms) - 1)]
