"""A Medical Segmentation Decathlon task folder: ``dataset.json``, ``imagesTr/``, ``labelsTr/``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.data.datasets import CaseFiles, Dataset, Workshop
from bench.data.fingerprints import Fingerprints
from bench.data.folder import safe_name
from bench.data.volumes import check_same_grid, fingerprint, read_grid, read_image, read_label
from bench.errors import DataError
from bench.seeding import generator

if TYPE_CHECKING:
    from pathlib import Path

TEST_SHARE = 0.3  # of the labelled cases; drawn by a fixed seed, the same for every seed of a sweep
HELD_OUT = "bench_test"  # our own key in dataset.json: the names of the cases that are test


def _description(root: Path) -> dict[str, Any]:
    path = root / "dataset.json"
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a Decathlon task folder with dataset.json in it.")
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}.") from error
    if not isinstance(plain, dict):
        raise DataError(f"{path} holds {type(plain).__name__}; expected an object.")
    for key, kind in {"name": str, "labels": dict, "training": list}.items():
        if not isinstance(plain.get(key), kind):
            raise DataError(f"{path} lacks {key!r}, or it is not of type {kind.__name__}.")
    return plain


def _structures(labels: dict[str, Any], root: Path) -> tuple[str, ...]:
    try:
        by_number = {int(number): safe_name(str(name), "structure") for number, name in labels.items()}
    except ValueError as error:
        raise DataError(
            f"{root / 'dataset.json'} numbers its labels with something else than integers."
        ) from error
    if sorted(by_number) != list(range(len(by_number))) or len(by_number) < 2:
        raise DataError(
            f"{root / 'dataset.json'} has the labels {sorted(by_number)}; expected 0, 1, ... without gaps."
        )
    return tuple(by_number[number] for number in range(1, len(by_number)))


def _file(root: Path, relative: object, what: str) -> Path:
    path = (root / str(relative)).resolve()
    if not path.is_relative_to(root.resolve()):
        raise DataError(f"{root / 'dataset.json'} names {relative!r}, which lies outside the folder.")
    if not path.is_file():
        raise DataError(f"{path} does not exist: the {what} that dataset.json names.")
    return path


def _case(root: Path, item: object) -> tuple[str, Path, Path]:
    if not isinstance(item, dict) or "image" not in item:
        raise DataError(f"{root / 'dataset.json'} lists {item!r}; expected an object with image and label.")
    if "label" not in item:
        raise DataError(f"{root / 'dataset.json'} lists {item['image']!r} without its label.")
    image, label = _file(root, item["image"], "image"), _file(root, item["label"], "label")
    return safe_name(image.name.removesuffix(".gz").removesuffix(".nii"), "case"), image, label


def _test_cases(description: dict[str, Any], names: list[str], root: Path) -> tuple[str, ...]:
    held_out = description.get(HELD_OUT)
    if held_out is not None:
        if not isinstance(held_out, list) or not set(held_out) < set(names):
            raise DataError(
                f"{root / 'dataset.json'} has a {HELD_OUT!r} that is not a list of some of its cases."
            )
        return tuple(sorted(held_out))
    order = generator(f"decathlon/{len(names)}", "test").permutation(len(names))
    count = max(1, round(TEST_SHARE * len(names)))
    return tuple(sorted(names[place] for place in order[:count]))


def _check_pair(image: Path, label: Path, classes: int) -> None:
    check_same_grid(read_grid(image), read_grid(label), label)
    read_image([image])
    read_label(label, classes=classes)


def open_dataset(root: Path, workshop: Workshop, *, validate: bool) -> Dataset:
    """Open the folder; every file is looked through when its fingerprint is first taken.

    Raises:
        DataError: Something is missing or contradicts itself; the file is named.
    """
    description = _description(root)
    structures = _structures(description["labels"], root)
    prints = Fingerprints(workshop.path / "fingerprints.json")
    classes = len(structures) + 1
    cases: dict[str, CaseFiles] = {}
    for name, image, label in (_case(root, item) for item in description["training"]):
        if name in cases:
            raise DataError(f"{root / 'dataset.json'} lists the case {name!r} twice.")

        def checked(path: Path, image: Path = image, label: Path = label) -> str:
            if validate:
                _check_pair(image, label, classes)
            return fingerprint(path)

        cases[name] = CaseFiles(
            (str(image),), str(label), prints.of(image, fingerprint), prints.of(label, checked)
        )
    prints.save()
    if len(cases) < 4:
        raise DataError(f"{root} has {len(cases)} labelled cases; a sweep needs at least 4.")
    test = _test_cases(description, sorted(cases), root)
    channels = tuple(str(name) for name in (description.get("modality") or {"0": "image"}).values())
    train = tuple(sorted(set(cases) - set(test)))
    return Dataset(safe_name(description["name"], "data set"), channels, structures, cases, train, test)
