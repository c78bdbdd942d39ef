"""Made data sets: a recipe of synthetic patients -> a Decathlon task folder, written once a store."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.data.images.volumes import fingerprint, write_scan
from bench.data.sources import decathlon
from bench.errors import DataError, unknown
from bench.files.atomic import whole_folder
from bench.files.json_document import read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.data.dataset import Dataset, DataSettings, Workshop
    from bench.data.phantom import Phantom

LOGGER = logging.getLogger(__name__)
Shape = tuple[int, int, int]
PRINTS = "prints.json"  # beside dataset.json in a store: file -> fingerprint
LATER = (decathlon.PIECES, "description", "licence")  # what folders of older stores may say otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A data set of synthetic patients: the first cases are for training, the last ones are test.

    Attributes:
        name: Of the data set.
        what: One sentence for its ``dataset.json``.
        case: What the name of each case begins with.
        channels: In order.
        structures: Label 1, 2, ...
        shapes: Voxels by size.
        num_train: Training cases.
        num_test: Test cases.
        version: Of the patients that the seeds stand for.
        patient: A seed and a shape -> a patient.
        pieces: Whether each structure is known to be one piece.
    """

    name: str
    what: str
    case: str
    channels: tuple[str, ...]
    structures: tuple[str, ...]
    shapes: Mapping[str, Shape]
    num_train: int
    num_test: int
    version: int
    patient: Callable[[int, Shape], Phantom]
    pieces: Literal["single", "any"] = "any"


def _names(made: Made, settings: DataSettings) -> list[str]:
    return [f"{made.case}_{settings.first_seed + k:04d}" for k in range(made.num_train + made.num_test)]


def write(made: Made, folder: Path, settings: DataSettings) -> None:
    """Make all cases into ``folder``; an image of several channels has them on its last axis."""
    names = _names(made, settings)
    for sub in ("imagesTr", "labelsTr"):
        (folder / sub).mkdir(parents=True)
    for place, name in enumerate(names):
        patient = made.patient(settings.first_seed + place, made.shapes[settings.size])
        several = len(made.channels) > 1
        voxels = np.moveaxis(patient.image_cijk, 0, -1) if several else patient.image_cijk[0]
        write_scan(voxels, patient.affine, folder / "imagesTr" / f"{name}.nii.gz")
        write_scan(patient.label_ijk, patient.affine, folder / "labelsTr" / f"{name}.nii.gz")
    text = json.dumps(_description(made, names), indent=1) + "\n"
    (folder / "dataset.json").write_text(text, encoding="utf-8")


def _description(made: Made, names: list[str]) -> dict[str, object]:
    labels = ("background", *made.structures)
    return {
        "name": made.name,
        "description": made.what,
        "licence": "Apache-2.0",
        "tensorImageSize": "4D" if len(made.channels) > 1 else "3D",
        "modality": {str(number): channel for number, channel in enumerate(made.channels)},
        "labels": {str(number): structure for number, structure in enumerate(labels)},
        "numTraining": len(names),
        "numTest": 0,
        "training": [
            {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in names
        ],
        "test": [],
        decathlon.HELD_OUT: names[made.num_train :],
        decathlon.PIECES: made.pieces,
    }


def folder_of(made: Made, settings: DataSettings, workshop: Workshop) -> Path:
    """Where the data set of this size and first seed lies: in the store, or in the spare folder."""
    name = f"{made.name}-{settings.size}-{settings.first_seed}-v{made.version}"
    if workshop.spare is not None and (
        (workshop.spare / name).is_dir() or not (workshop.path / name).is_dir()
    ):
        return workshop.spare / name
    return workshop.path / name


def open_dataset(made: Made, settings: DataSettings, workshop: Workshop) -> Dataset:
    """The data set of this size and first seed, made on the first call and again where it was damaged.

    Raises:
        UsageError: No such size.
    """
    if settings.size not in made.shapes:
        raise unknown("phantom size", settings.size, made.shapes)
    folder = folder_of(made, settings, workshop)
    if not folder.is_dir():
        _make(made, folder, settings)
    try:
        return _opened(made, folder, settings, workshop)
    except DataError as error:
        LOGGER.warning(f"damaged: {str(error).rstrip('.')}; {made.name} is made again from its seeds.")
    if workshop.spare is not None:
        folder = workshop.spare / folder.name
        _make(made, folder, settings)
        return _opened(made, folder, settings, workshop)
    damaged = folder.with_name(f".{folder.name}.damaged")
    shutil.rmtree(damaged, ignore_errors=True)
    folder.rename(damaged)  # a store's sweep takes it where we are stopped here
    _make(made, folder, settings)
    shutil.rmtree(damaged, ignore_errors=True)
    return _opened(made, folder, settings, workshop)


def _make(made: Made, folder: Path, settings: DataSettings) -> None:
    """The data set, and the fingerprint of each of its files, by which damage is known."""
    with whole_folder(folder) as aside:
        write(made, aside, settings)
        scans = sorted(aside.glob("*/*.nii.gz"))
        prints = {path.relative_to(aside).as_posix(): fingerprint(path) for path in scans}
        (aside / PRINTS).write_text(json.dumps(prints, indent=1), encoding="utf-8")


def _opened(made: Made, folder: Path, settings: DataSettings, workshop: Workshop) -> Dataset:
    """What lies in the folder, if it is what was made there.

    Raises:
        DataError: A file is missing, damaged or another one.
    """
    dataset = decathlon.open_dataset(folder, workshop, validate=False)
    said = read_object(folder / decathlon.DESCRIPTION)
    for key, value in _description(made, _names(made, settings)).items():
        if key not in LATER and said.get(key) != value:
            raise DataError(f"{folder / decathlon.DESCRIPTION} has another {key!r} than was written.")
    prints = read_object(folder / PRINTS) if (folder / PRINTS).exists() else {}
    for name, files in dataset.cases.items():
        for path, found in ((files.images[0], files.image_print), (files.label, files.label_print)):
            if prints.get(Path(path).relative_to(folder.absolute()).as_posix(), found) != found:
                raise DataError(f"{path} holds other voxels of {name} than were made.")
    # As it is said here: folders of older stores do not say their pieces.
    return replace(dataset, pieces=made.pieces)
