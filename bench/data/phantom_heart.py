"""``phantom-heart``: 10 + 10 made cardiac volumes, written once a store as a Decathlon task folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.data import made, phantom

if TYPE_CHECKING:
    from bench.data.dataset import Dataset, DataSettings, Workshop

HEART = made.Made(
    name="phantom-heart",
    what="Made cardiac MR volumes with congenital variation; the labels are the truth.",
    case="heart",
    channels=("MRI",),
    structures=("myocardium", "blood_pool"),
    shapes={"quick": (80, 64, 56), "paper": (200, 140, 120), "smoke": (32, 28, 24)},
    num_train=10,
    num_test=10,
    version=phantom.VERSION,
    patient=phantom.heart,
    pieces="single",
)


def open_dataset(settings: DataSettings, workshop: Workshop) -> Dataset:
    """The data set of this size and first seed, made on the first call.

    Raises:
        UsageError: No such size.
    """
    return made.open_dataset(HEART, settings, workshop)
