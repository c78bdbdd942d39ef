"""Variants: the discrete forms in which parts of a congenital heart and of its scan come, and their rates."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

RATES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        # The heart. Each part comes in a common form and in rarer ones, independently of the others, so that
        # a patient has several rare forms and few patients share them.
        "position": {"levocardia": 0.65, "mesocardia": 0.15, "dextrocardia": 0.1, "situs_inversus": 0.1},
        "ventricles": {
            "balanced": 0.5,
            "small_left": 0.1,
            "small_right": 0.1,
            "common": 0.1,
            "hypertrophic": 0.1,
            "dilated": 0.1,
        },
        "septum": {"intact": 0.5, "vsd": 0.2, "asd": 0.15, "avsd": 0.15},
        "arteries": {"normal": 0.55, "transposed": 0.15, "side_by_side": 0.15, "truncus": 0.15},
        "arch": {"left": 0.6, "right": 0.15, "double": 0.1, "coarctation": 0.15},
        "calibre": {"usual": 0.55, "aneurysm": 0.15, "wide_pulmonary": 0.15, "narrow_pulmonary": 0.15},
        "veins": {"usual": 0.7, "left_cava": 0.15, "conduit": 0.15},
        "atria": {"usual": 0.7, "large_left": 0.15, "large_right": 0.15},
        # The scan.
        "orientation": {"upright": 0.6, "sagittal": 0.1, "coronal": 0.15, "oblique": 0.15},
        "field": {"usual": 0.7, "tight": 0.15, "wide": 0.15},
        "sequence": {"balanced": 0.55, "fat_suppressed": 0.15, "fat_bright": 0.15, "enhanced": 0.15},
        "filling": {"even": 0.6, "dim_right": 0.15, "dim_left": 0.15, "dim_veins": 0.1},
        "coil": {"even": 0.7, "front": 0.15, "side": 0.15},
        "motion": {"none": 0.7, "ghosts": 0.1, "thick_slices": 0.1, "noise": 0.1},
        "effusion": {"none": 0.7, "pleural": 0.15, "pericardial": 0.15},
        "abdomen": {"usual": 0.7, "large_liver": 0.15, "large_spleen": 0.15},
    }
)


def variants(rng: np.random.Generator) -> dict[str, str]:
    """The form of each part of one patient and scan, drawn by ``RATES``."""
    return {part: _drawn(rng, forms) for part, forms in RATES.items()}


def _drawn(rng: np.random.Generator, forms: Mapping[str, float]) -> str:
    at = np.searchsorted(np.cumsum(list(forms.values())), rng.random(), side="right")
    return list(forms)[min(int(at), len(forms) - 1)]
