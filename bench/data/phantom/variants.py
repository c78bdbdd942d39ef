"""The discrete forms in which parts of a congenital heart and of its scan come, and how often each."""

from collections.abc import Mapping
from types import MappingProxyType

from bench.data.phantom.phantom import stream

BLOCK = 10
FORMS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        # How many of ten patients have each form. Each part comes in a common form and in rarer ones,
        # whichever forms the other parts have: a patient has several rare forms, and few patients share them.
        "position": {"levocardia": 6, "mesocardia": 2, "dextrocardia": 1, "situs_inversus": 1},
        "ventricles": {
            "balanced": 5,
            "small_left": 1,
            "small_right": 1,
            "common": 1,
            "hypertrophic": 1,
            "dilated": 1,
        },
        "septum": {"intact": 5, "vsd": 2, "asd": 2, "avsd": 1},
        "arteries": {"normal": 6, "transposed": 2, "side_by_side": 1, "truncus": 1},
        "arch": {"left": 7, "right": 1, "double": 1, "coarctation": 1},
        "calibre": {"usual": 6, "aneurysm": 1, "wide_pulmonary": 2, "narrow_pulmonary": 1},
        "veins": {"usual": 7, "left_cava": 2, "conduit": 1},
        "atria": {"usual": 7, "large_left": 1, "large_right": 2},
        # The scan.
        "orientation": {"upright": 6, "sagittal": 1, "coronal": 1, "oblique": 2},
        "field": {"usual": 7, "tight": 2, "wide": 1},
        "sequence": {"balanced": 6, "fat_suppressed": 2, "fat_bright": 1, "enhanced": 1},
        "filling": {"even": 6, "dim_right": 2, "dim_left": 1, "dim_veins": 1},
        "coil": {"even": 7, "front": 2, "side": 1},
        "motion": {"none": 7, "ghosts": 1, "thick_slices": 1, "noise": 1},
        "effusion": {"none": 7, "pleural": 2, "pericardial": 1},
        "abdomen": {"usual": 7, "large_liver": 2, "large_spleen": 1},
    }
)


def variants_of(seed: int) -> dict[str, str]:
    """The form of each part of the patient and scan that a seed stands for.

    Ten patients whose seeds begin with the same digits are a Latin hypercube sample: each form occurs among
    them as often as ``FORMS`` says, and the forms of different parts are combined at random. So ten training
    scans show every form, and fewer do not.

    Args:
        seed: At least 0.
    """
    block, place = divmod(seed, BLOCK)
    rng = stream(block, 0)
    return {part: _dealt(forms)[rng.permutation(BLOCK)[place]] for part, forms in FORMS.items()}


def _dealt(forms: Mapping[str, int]) -> list[str]:
    return [form for form, count in forms.items() for _ in range(count)]
