"""The discrete forms in which parts of a congenital heart and of its scan come, and how often each."""

from collections.abc import Mapping
from types import MappingProxyType

from bench.data.phantom.phantom import stream

BLOCK = 10
FORMS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        # How many of ten patients have each form. Each part comes in a common form and in rarer ones,
        # whichever forms the other parts have: a patient has several rare forms, and few patients share them.
        "position": {"levocardia": 7, "mesocardia": 1, "dextrocardia": 1, "situs_inversus": 1},
        "ventricles": {"balanced": 6, "small_left": 1, "small_right": 1, "common": 1, "large": 1},
        "walls": {"usual": 6, "thick_left": 1, "thick_septum": 1, "thick_right": 1, "thin": 1},
        "septum": {"intact": 6, "vsd": 2, "asd": 1, "avsd": 1},
        "arteries": {"normal": 6, "transposed": 2, "side_by_side": 1, "truncus": 1},
        "arch": {"left": 7, "right": 1, "double": 1, "coarctation": 1},
        "calibre": {"usual": 7, "aneurysm": 1, "wide_pulmonary": 1, "narrow_pulmonary": 1},
        "veins": {"usual": 8, "left_cava": 1, "conduit": 1},
        "atria": {"usual": 8, "large_left": 1, "large_right": 1},
        # The scan.
        "orientation": {"upright": 7, "sagittal": 1, "coronal": 1, "oblique": 1},
        "field": {"usual": 8, "tight": 1, "wide": 1},
        "sequence": {"balanced": 7, "fat_suppressed": 2, "fat_bright": 1},
        "filling": {"even": 8, "dim_right": 1, "dim_left": 1},
        "coil": {"even": 8, "front": 1, "side": 1},
        "motion": {"none": 7, "ghosts": 1, "thick_slices": 1, "noise": 1},
        "effusion": {"none": 8, "pericardial": 1, "pleural": 1},
        "abdomen": {"usual": 8, "large_liver": 1, "large_spleen": 1},
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
