"""``phantom-heart`` and ``phantom-heart-v1``: made cardiac MR, written once a store as a Decathlon folder."""

from __future__ import annotations

from dataclasses import replace

from bench.data import phantom
from bench.data.sources import generated

HEART_V1 = generated.Made(
    name="phantom-heart-v1",
    what="Made cardiac MR volumes with mild congenital variation; the labels are the truth.",
    case="heart",
    channels=("MRI",),
    structures=("myocardium", "blood_pool"),
    shapes={"quick": (80, 64, 56), "paper": (200, 140, 120), "smoke": (32, 28, 24)},
    num_train=10,
    num_test=10,
    version=phantom.VERSION_1,
    patient=phantom.heart_v1,
    pieces="single",
)
HEART = replace(
    HEART_V1,
    name="phantom-heart",
    what="Made cardiac MR volumes of congenital hearts; the labels are the truth.",
    num_test=30,
    version=phantom.VERSION,
    patient=phantom.heart,
)
