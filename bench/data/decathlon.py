"""A Medical Segmentation Decathlon task folder: ``dataset.json``, ``imagesTr/``, ``labelsTr/``.

Two keys of our own: ``bench_test`` names the cases that are test, and a training item may name, beside image
and label, a ``mask`` of the voxels that its image is normalised by (a brain mask, say).
"""

from __future__ import annotations

import json
import os.path
from pathlib import Path
from typing import Any, Literal

from bench.data.cases import Files, case_files
from bench.data.dataset import Dataset, Workshop
from bench.data.folder import safe_name
from bench.errors import DataError
from bench.seeding import generator

TEST_SHARE = 0.3  # of the labelled cases; drawn by a fixed seed, the same for every seed of a sweep
PIECES = "bench_pieces"  # our own key: "single" where each structure is known to be one piece
HELD_OUT = "bench_test"
MASK = "mask"
ALL = "all"  # what the records call all structures together; no structure can bear the name


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
    plain.setdefault("modality", {"0": "image"})
    for key, kind in {"name": str, "labels": dict, "modality": dict, "training": list}.items():
        if not isinstance(plain.get(key), kind):
            raise DataError(f"{path} lacks {key!r}, or it is not of type {kind.__name__}.")
    return plain


def _in_order(named: dict[str, Any], what: str, root: Path) -> tuple[str, ...]:
    """The values of ``{"0": ..., "1": ...}`` by their numbers."""
    try:
        numbers = sorted(int(number) for number in named)
    except ValueError as error:
        raise DataError(
            f"{root / 'dataset.json'} numbers its {what} with something else than integers."
        ) from error
    if numbers != list(range(len(numbers))) or not numbers:
        raise DataError(
            f"{root / 'dataset.json'} has the {what} {numbers}; expected 0, 1, ... without gaps, each once."
        )
    return tuple(str(named[number]) for number in sorted(named, key=int))


def _structures(labels: dict[str, Any], root: Path) -> tuple[str, ...]:
    names = tuple(safe_name(name, "structure") for name in _in_order(labels, "labels", root)[1:])
    if not names:
        raise DataError(f"{root / 'dataset.json'} has no label but the background; expected 0, 1, ...")
    if len(set(names)) < len(names) or ALL in names:
        raise DataError(
            f"{root / 'dataset.json'} has the structures {', '.join(names)}; "
            f"expected different names, none of them {ALL!r}."
        )
    return names


def _file(root: Path, relative: object, what: str) -> Path:
    """The file that is named; by the words of the path alone, as the file itself may be a link elsewhere."""
    inside = Path(os.path.normpath(str(relative)))
    if inside.is_absolute() or os.pardir in inside.parts:
        raise DataError(f"{root / 'dataset.json'} names {relative!r}, which lies outside the folder.")
    path = root / inside
    if not path.is_file():
        raise DataError(f"{path} does not exist: the {what} that dataset.json names.")
    return path


def _case(root: Path, item: object) -> tuple[str, Files]:
    if not isinstance(item, dict) or "image" not in item:
        raise DataError(f"{root / 'dataset.json'} lists {item!r}; expected an object with image and label.")
    if "label" not in item:
        raise DataError(f"{root / 'dataset.json'} lists {item['image']!r} without its label.")
    image, label = _file(root, item["image"], "image"), _file(root, item["label"], "label")
    mask = _file(root, item[MASK], MASK) if MASK in item else None
    name = safe_name(image.name.removesuffix(".gz").removesuffix(".nii"), "case")
    return name, Files((image,), label, mask)


def _listed(description: dict[str, Any], root: Path) -> dict[str, Files]:
    cases: dict[str, Files] = {}
    for name, files in (_case(root, item) for item in description["training"]):
        if name in cases:
            raise DataError(f"{root / 'dataset.json'} lists the case {name!r} twice.")
        cases[name] = files
    least = 3 if HELD_OUT in description else 4
    if len(cases) < least:
        raise DataError(
            f"{root} has {len(cases)} labelled cases; a sweep needs at least 4, or 3 if {HELD_OUT!r} says "
            "which of them are test."
        )
    return cases


def _pieces(description: dict[str, Any], root: Path) -> Literal["single", "any"]:
    said = description.get(PIECES, "any")
    if said not in ("single", "any"):
        raise DataError(f"{root / 'dataset.json'} has the {PIECES} {said!r}; expected 'single' or 'any'.")
    return "single" if said == "single" else "any"


def _test_cases(description: dict[str, Any], names: list[str], root: Path) -> tuple[str, ...]:
    held_out = description.get(HELD_OUT)
    if held_out is None:
        order = generator(f"decathlon/{len(names)}", "test").permutation(len(names))
        count = max(1, round(TEST_SHARE * len(names)))
        return tuple(sorted(names[place] for place in order[:count]))
    start = f"{root / 'dataset.json'} has a {HELD_OUT!r} that"
    if not isinstance(held_out, list) or not all(isinstance(name, str) for name in held_out):
        raise DataError(f"{start} is no list of names of cases.")
    if strangers := sorted(set(held_out) - set(names)):
        raise DataError(f"{start} names {', '.join(strangers)}; expected cases that 'training' lists.")
    if len(set(held_out)) < len(held_out):
        raise DataError(f"{start} names a case twice.")
    if not 1 <= len(held_out) <= len(names) - 2:
        raise DataError(
            f"{start} leaves {len(names) - len(held_out)} training and {len(held_out)} test cases; "
            "expected at least 2 and 1."
        )
    return tuple(sorted(held_out))


def open_dataset(root: Path, workshop: Workshop, *, validate: bool) -> Dataset:
    """Open the folder; with ``validate``, cases that are new or changed are looked through.

    Raises:
        DataError: Something is missing or contradicts itself; the file is named.
    """
    root = root.absolute()
    description = _description(root)
    name = safe_name(description["name"], "data set")
    structures = _structures(description["labels"], root)
    channels = _in_order(description["modality"], "channels of its modality", root)
    listed = _listed(description, root)
    test = _test_cases(description, sorted(listed), root)
    cases = case_files(listed, channels, len(structures) + 1, workshop, validate=validate)
    train = tuple(sorted(set(cases) - set(test)))
    return Dataset(name, channels, structures, cases, train, test, _pieces(description, root))
