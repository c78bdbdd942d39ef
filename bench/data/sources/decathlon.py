"""A Medical Segmentation Decathlon task folder: ``dataset.json``, ``imagesTr/``, ``labelsTr/``.

Two keys of our own: ``bench_test`` names the cases that are test, and a training item may name, beside image
and label, a ``mask`` of the voxels that its image is normalised by (a brain mask, say).
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.data.sources.cases import notes_on, opened
from bench.data.sources.found_files import case_of, ending_of, files_below, is_leftover
from bench.data.sources.listing import Complaints, Files, Listing, check_names
from bench.errors import DataError
from bench.files.json_document import name_in, read_object, shown
from bench.files.names import LONGEST, safe_name, safe_names
from bench.files.regular import is_file
from bench.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bench.data.dataset import Dataset, Workshop
    from bench.data.images.grids import SpacingFrom

TEST_SHARE = 0.3  # of the labelled cases; drawn by a fixed seed, the same for every seed of a sweep
PIECES = "bench_pieces"  # our own key: "single" where each structure is known to be one piece
HELD_OUT = "bench_test"
MASK = "mask"
TAKEN = {"all", "background"}  # what the records call all structures together, and none of them
DESCRIPTION = "dataset.json"
MOST_NAMED = 256  # labels, as a label map has a byte a voxel, and channels
MAX_PATH = 1000  # characters


@dataclass(frozen=True, slots=True)
class Description:
    """What ``dataset.json`` says, with the types of its main entries checked."""

    name: str
    labels: dict[str, object]
    modality: dict[str, object]
    training: list[object]
    more: dict[str, object]  # all entries, of any type

    @property
    def names_test_cases(self) -> bool:
        """Whether it says which cases are test."""
        return HELD_OUT in self.more


def _description(root: Path) -> Description:
    path = root / DESCRIPTION
    if not path.exists():
        raise DataError(f"{path} does not exist; expected a Decathlon task folder with {DESCRIPTION} in it.")
    plain = read_object(path)
    plain.setdefault("modality", {"0": "image"})
    for key, kind in {"name": str, "labels": dict, "modality": dict, "training": list}.items():
        if not isinstance(plain.get(key), kind):
            raise DataError(f"{path} lacks {key!r}, or it is not of type {kind.__name__}.")
    return Description(plain["name"], plain["labels"], plain["modality"], plain["training"], plain)


def _in_order(named: dict[str, object], what: str, root: Path) -> tuple[str, ...]:
    """The values of ``{"0": ..., "1": ...}`` by their numbers."""
    path = root / DESCRIPTION
    if len(named) > MOST_NAMED:
        raise DataError(f"{path} has {len(named)} {what}; the most is {MOST_NAMED}.")
    try:
        numbers = sorted(int(number) for number in named)
    except ValueError as error:
        raise DataError(f"{path} numbers its {what} with something else than integers.") from error
    if numbers != list(range(len(numbers))) or not numbers:
        raise DataError(
            f"{path} has the {what} {str(numbers)[:200]}; expected 0, 1, ... without gaps, each once."
        )
    return tuple(name_in(named[number], f"one of its {what}", path) for number in sorted(named, key=int))


def _structures(labels: dict[str, object], root: Path) -> tuple[str, ...]:
    said = _in_order(labels, "labels", root)[1:]
    if not said:
        raise DataError(f"{root / DESCRIPTION} has no label but the background; expected 0, 1, ...")
    names = tuple(safe_name(name, "structure") for name in said)
    if len(set(names)) < len(names) or TAKEN & set(names):
        raise DataError(
            f"{root / DESCRIPTION} has the structures {', '.join(said)[:300]}, here called "
            f"{', '.join(names)[:300]}; expected names that differ in letters and digits, none of them "
            f"{' or '.join(map(repr, sorted(TAKEN)))}."
        )
    return names


def _file(root: Path, relative: object, what: str) -> Path:
    """The file that is named; by the words of the path alone, as the file itself may be a link elsewhere."""
    if not isinstance(relative, str) or not relative.isprintable() or len(relative) > MAX_PATH:
        raise DataError(f"{root / DESCRIPTION} names {shown(relative)} as {what}; expected a path inside it.")
    inside = Path(os.path.normpath(relative))
    if inside.is_absolute() or os.pardir in inside.parts:
        raise DataError(f"{root / DESCRIPTION} names {shown(relative)}, which lies outside the folder.")
    return root / inside


def _case(root: Path, item: object) -> tuple[str, Files]:
    """The name of a case as its image is called, and its files."""
    if not isinstance(item, dict) or "image" not in item:
        raise DataError(
            f"{root / DESCRIPTION} lists {shown(item)} without an image; expected an object with both "
            "image and label."
        )
    if "label" not in item:
        raise DataError(f"{root / DESCRIPTION} lists {shown(item['image'])} without its label.")
    image, label = _file(root, item["image"], "image"), _file(root, item["label"], "label")
    if image == label:
        raise DataError(f"{root / DESCRIPTION} names {shown(item['image'])} as the image and its own label.")
    mask = _file(root, item[MASK], MASK) if MASK in item else None
    name = case_of(image.name)
    safe_name(name, "case")  # refused here, where complaints are kept for the check of the data set
    return name, Files((image,), label, mask)


def _listed(description: Description, root: Path, complaints: Complaints) -> dict[str, Files]:
    """Files by the name of their case as it is listed; names that can be part of a path come later."""
    cases: dict[str, Files] = {}
    for item in description.training:
        made = complaints.trying(partial(_case, root, item))
        if made is None:
            continue
        name, files = made
        if name in cases:
            first = cases[name].images[0]
            same = "twice" if first == files.images[0] else f"twice: {first} and {files.images[0]}"
            complaints.about(f"{root / DESCRIPTION} lists the case {name!r} {same}.")
        cases[name] = files
    least = 3 if description.names_test_cases else 4
    if len(cases) < least:
        complaints.about(
            f"{root} has {len(cases)} labelled cases; a sweep needs at least 4, or 3 if {HELD_OUT!r} says "
            "which of them are test."
        )
    return cases


def _demand_files(cases: Mapping[str, Files], root: Path) -> None:
    for files in cases.values():
        for path, what in ((files.images[0], "image"), (files.label, "label"), (files.mask, MASK)):
            if path is not None and not is_file(path):
                raise DataError(f"{path} does not exist: the {what} that {root / DESCRIPTION} names.")


def _pieces(description: Description, root: Path) -> Literal["single", "any"]:
    said = description.more.get(PIECES, "any")
    if said not in ("single", "any"):
        raise DataError(f"{root / DESCRIPTION} has the {PIECES} {shown(said)}; expected 'single' or 'any'.")
    return "single" if said == "single" else "any"


def _drawn(names: list[str]) -> tuple[str, ...]:
    order = generator(f"decathlon/{len(names)}", "test").permutation(len(names))
    count = max(1, round(TEST_SHARE * len(names)))
    return tuple(sorted(names[place] for place in order[:count]))


def _test_cases(description: Description, called: Mapping[str, str], root: Path) -> tuple[str, ...]:
    """The test cases, drawn or as they are listed; ``called`` is the name of each listed case here."""
    names = sorted(called.values())
    held_out = description.more.get(HELD_OUT)
    if held_out is None:
        return _drawn(names)
    start = f"{root / DESCRIPTION} has a {HELD_OUT!r} that"
    if not isinstance(held_out, list) or not all(isinstance(name, str) for name in held_out):
        raise DataError(f"{start} is no list of names of cases.")
    held_out = [called.get(name, name) for name in held_out]
    if strangers := sorted(set(held_out) - set(names)):
        raise DataError(f"{start} names {shown(', '.join(strangers))}; expected cases that 'training' lists.")
    if len(set(held_out)) < len(held_out):
        raise DataError(f"{start} names a case twice.")
    if not 1 <= len(held_out) <= len(names) - 2:
        raise DataError(
            f"{start} leaves {len(names) - len(held_out)} training and {len(held_out)} test cases; "
            "expected at least 2 and 1."
        )
    return tuple(sorted(held_out))


def listing(root: Path, complaints: Complaints) -> Listing:
    """What the folder's ``dataset.json`` says; whether its files are there is not looked at.

    Raises:
        DataError: It cannot be read, or, unless ``complaints`` are kept, contradicts itself.
    """
    root = root.absolute()
    description = _description(root)
    name = safe_name(description.name, "data set")
    structures = _structures(description.labels, root)
    channels = _in_order(description.modality, "channels of its modality", root)
    listed = _listed(description, root, complaints)
    called = safe_names(listed, "case")
    cases = {called[listed_name]: files for listed_name, files in listed.items()}
    complaints.trying(partial(check_names, cases, str(root / DESCRIPTION)))
    test = complaints.trying(partial(_test_cases, description, called, root)) or _drawn(sorted(cases))
    train = tuple(sorted(set(cases) - set(test)))
    said = [*_in_order(description.labels, "labels", root)[1:], description.name]
    renamed = [*_renamed(zip(said, (*structures, name), strict=True)), *_renamed_cases(called)]
    notes = (*renamed, *notes_on(root, _there(root), cases.values()))
    return Listing(name, channels, structures, cases, train, test, _pieces(description, root), notes=notes)


def _renamed(names: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A note on each name that has no Latin letter or digit, with what stands for it."""
    for said, name in names:
        if not any(char.isascii() and char.isalnum() for char in said):
            yield f"{said!r} is called {name}: names are made of Latin letters and digits."


def _renamed_cases(called: Mapping[str, str]) -> Iterator[str]:
    """One note on the cases whose name has a checksum in it, with the first of them."""
    changed = [(said, name) for said, name in called.items() if not said.isascii() or len(said) > len(name)]
    changed = [(said, name) for said, name in changed if name.rpartition("-")[2] not in said]
    if changed:
        said, name = changed[0]
        cases = "1 case has" if len(changed) == 1 else f"{len(changed)} cases have"
        yield (
            f"{cases} a checksum in the name, which is made of at most {LONGEST} Latin letters and digits: "
            f"{said!r} is called {name}."
        )


def _there(root: Path) -> list[Path]:
    """The images and label maps that lie in the folders of the training cases."""
    folders = [root / "imagesTr", root / "labelsTr"]
    return [
        path for folder in folders if folder.is_dir() for path in files_below(folder) if _counts(path.name)
    ]


def _counts(name: str) -> bool:
    return bool(ending_of(name)) or is_leftover(name)


def open_dataset(
    root: Path, workshop: Workshop, *, validate: bool, spacing_from: SpacingFrom = ""
) -> Dataset:
    """Open the folder; with ``validate``, cases that are new or changed are looked through.

    Raises:
        DataError: Something is missing or contradicts itself; the file is named.
    """
    listed = listing(root, Complaints())
    _demand_files(listed.cases, root.absolute())
    return opened(listed, workshop, validate=validate, spacing_from=spacing_from)
