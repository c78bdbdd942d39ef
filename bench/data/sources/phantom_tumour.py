"""``phantom-tumour``: 20 + 10 made brain volumes with a glioma, four modalities, BRATS 2015's labels."""

from __future__ import annotations

from bench.data import phantom
from bench.data.dataset import TUMOUR as STRUCTURES
from bench.data.sources import generated

_WHOLE_VIEW = (240, 240, 155)  # BRATS 2015's, at 1 mm
_BRAIN_BOX = (168, 192, 144)  # the part of it in which the brain lies


def _patient(seed: int, shape: generated.Shape) -> phantom.Phantom:
    if shape == _WHOLE_VIEW:
        return phantom.framed(phantom.glioma(seed, _BRAIN_BOX), _WHOLE_VIEW)
    return phantom.glioma(seed, shape)


TUMOUR = generated.Made(
    name="phantom-tumour",
    what="Made brain MR volumes with a glioma, skull-stripped; the labels are the truth.",
    case="tumour",
    channels=("Flair", "T1", "T1c", "T2"),
    structures=STRUCTURES,
    shapes={"quick": (56, 64, 48), "paper": _WHOLE_VIEW, "smoke": (28, 32, 24)},
    num_train=20,
    num_test=10,
    version=phantom.GLIOMA_VERSION,
    patient=_patient,
)
