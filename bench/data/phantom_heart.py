"""``phantom-heart``: 10 + 10 made cardiac volumes, written once a store as a Decathlon task folder."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.data import decathlon
from bench.data.folder import whole_folder
from bench.errors import unknown

if TYPE_CHECKING:
    from pathlib import Path

    from bench.data.dataset import Dataset, DataSettings, Workshop

SHAPES = {"quick": (80, 64, 56), "paper": (200, 140, 120), "smoke": (32, 28, 24)}
NUM_TRAIN, NUM_TEST = 10, 10


def write(folder: Path, settings: DataSettings) -> None:
    """Make all cases into ``folder``; the first ten are for training, the last ten are test."""
    from bench.data.phantom import heart
    from bench.data.volumes import write_scan

    names = [f"heart_{settings.first_seed + k:04d}" for k in range(NUM_TRAIN + NUM_TEST)]
    for sub in ("imagesTr", "labelsTr"):
        (folder / sub).mkdir(parents=True)
    for place, name in enumerate(names):
        made = heart(settings.first_seed + place, SHAPES[settings.size])
        write_scan(made.image_cijk[0], made.affine, folder / "imagesTr" / f"{name}.nii.gz")
        write_scan(made.label_ijk, made.affine, folder / "labelsTr" / f"{name}.nii.gz")
    description = {
        "name": "phantom-heart",
        "description": "Made cardiac MR volumes with congenital variation; the labels are the truth.",
        "licence": "Apache-2.0",
        "tensorImageSize": "3D",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "myocardium", "2": "blood_pool"},
        "numTraining": len(names),
        "numTest": 0,
        "training": [
            {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in names
        ],
        "test": [],
        decathlon.HELD_OUT: names[NUM_TRAIN:],
    }
    (folder / "dataset.json").write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


def open_dataset(settings: DataSettings, workshop: Workshop) -> Dataset:
    """The data set of this size and first seed, made on the first call.

    Raises:
        UsageError: No such size.
    """
    from bench.data import phantom

    if settings.size not in SHAPES:
        raise unknown("phantom size", settings.size, SHAPES)
    folder = workshop.path / f"phantom-heart-{settings.size}-{settings.first_seed}-v{phantom.VERSION}"
    if not folder.is_dir():
        with whole_folder(folder) as aside:
            write(aside, settings)
    return replace(decathlon.open_dataset(folder, workshop, validate=False), pieces="single")
