"""BRATS 2015 as the organisers hand it out: four MR modalities of brain tumours and four kinds of tissue.

``BRATS2015_Training/{HGG,LGG}/<patient>/VSD.Brain.XX.O.MR_<modality>.<id>/`` holds a ``.mha`` of that name,
``VSD.Brain_3more.XX.O.OT.<id>`` beside it the label (what stands before OT varies). Copies without the inner
folders, in NIfTI or with other capitals are read too; files of other kinds are not looked at.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from bench.data.dataset import TUMOUR
from bench.data.sources.cases import notes_on, opened
from bench.data.sources.found_files import case_of, ending_of, files_below, is_leftover
from bench.data.sources.listing import Complaints, Files, Listing, check_names
from bench.errors import DataError
from bench.files.names import safe_names
from bench.files.regular import is_file
from bench.seeding import generator

if TYPE_CHECKING:
    from pathlib import Path

    from bench.data.dataset import Dataset, Workshop
    from bench.data.images.grids import SpacingFrom

FOLDER = "BRATS2015_Training"
CHANNELS = ("Flair", "T1", "T1c", "T2")
TEST_SHARES = {"HGG": (25, 220), "LGG": (5, 54)}  # P: 30 of 274 are test, after Tseng et al. 2017
FEWEST = 4  # patients of a grade from which one is test

_MODALITY = re.compile(r"MR_(Flair|T1|T1c|T2)\.", re.I)  # the dot keeps T1c from being taken for T1
_LABEL = re.compile(r"(^|[._])OT([._]|$)", re.I)  # a word of its own: NOTE is none
LABEL = "label"


def open_dataset(
    root: Path, workshop: Workshop, *, validate: bool, spacing_from: SpacingFrom = ""
) -> Dataset:
    """Open ``BRATS2015_Training`` or the folder that it lies in.

    Of 220 high and 54 low grade patients 25 and 5 are test by a fixed seed, since P does not say which; of
    other numbers the same shares, rounded, at least one of each grade that has 4 or more patients.

    Raises:
        DataError: Files are missing, there twice, or contradict each other.
    """
    return opened(listing(root, Complaints()), workshop, validate=validate, spacing_from=spacing_from)


def listing(root: Path, complaints: Complaints) -> Listing:
    """The patients of both grades and their files.

    Raises:
        DataError: No patient is there, or, unless ``complaints`` are kept, one lacks a file or has it twice.
    """
    root = root.absolute()
    root = root / FOLDER if (root / FOLDER).is_dir() else root
    if not root.is_dir():
        why = "is no folder" if root.exists() else "does not exist"
        raise DataError(f"{root} {why}; expected {FOLDER} or the folder it lies in.")
    found: dict[str, Files] = {}
    test: list[str] = []
    for grade in TEST_SHARES:
        of_grade = _patients(_grade_folder(root, grade), grade, complaints)
        found |= of_grade
        test += _test_cases(sorted(of_grade), grade)
    if not found and not complaints.kept:
        raise DataError(f"{root} has no patients in HGG or LGG; expected {FOLDER} or the folder it lies in.")
    complaints.trying(partial(check_names, found, str(root)))
    if not test or len(found) - len(test) < 2:
        complaints.about(
            f"{root} has {len(found)} patients, which is too few; a sweep needs {FEWEST} of one grade."
        )
    train, held_out = tuple(sorted(set(found) - set(test))), tuple(sorted(test))
    there = [path for grade in TEST_SHARES for path in _below(_grade_folder(root, grade))]
    notes = () if complaints.kept else notes_on(root, there, found.values())
    return Listing("brats2015", CHANNELS, TUMOUR, found, train, held_out, notes=notes)


def _grade_folder(root: Path, grade: str) -> Path:
    """The folder of a grade, whatever its capitals."""
    there = [path for path in sorted(root.iterdir()) if path.name.upper() == grade and path.is_dir()]
    if len(there) > 1:
        raise DataError(f"{root} has {there[0].name} and {there[1].name}; expected one folder of this grade.")
    return there[0] if there else root / grade


def _below(folder: Path) -> list[Path]:
    return [path for path in files_below(folder) if ending_of(path.name)] if folder.is_dir() else []


def _patients(folder: Path, grade: str, complaints: Complaints) -> dict[str, Files]:
    """Case -> files; the grade is part of the name, as both grades have a brats_2013_pat0001_1."""
    if not folder.is_dir():
        return {}
    patients = [one for one in sorted(folder.iterdir()) if one.is_dir() and not is_leftover(one.name)]
    names = safe_names((f"{grade}-{patient.name}" for patient in patients), "patient")
    found: dict[str, Files] = {}
    for patient in patients:
        files = complaints.trying(partial(_files, patient))
        found |= {} if files is None else {names[f"{grade}-{patient.name}"]: files}
    return found


def _files(patient: Path) -> Files:
    there = [path for path in files_below(patient) if _what(path.name) and is_file(path)]
    published = {_what(path.name) for path in there if _is_published(path)}
    found: dict[str, Path] = {}
    for path in there:
        what = _what(path.name)
        if what in published and not _is_published(path):
            continue  # NIfTI only where it replaces what was published
        if what in found:
            raise DataError(f"{patient} has two files of {what}: {found[what].name} and {path.name}.")
        found[what] = path
    if missing := [what for what in (*CHANNELS, LABEL) if what not in found]:
        raise DataError(
            f"{patient} lacks {', '.join(missing)}; expected .mha or NIfTI files with MR_Flair., MR_T1., "
            "MR_T1c., MR_T2. and OT in their names."
        )
    return Files(tuple(found[channel] for channel in CHANNELS), found[LABEL])


def _is_published(path: Path) -> bool:
    return path.name.lower().endswith(".mha")


def _what(name: str) -> str:
    """The channel or the label that a file of this name holds; empty where it is of another kind."""
    if is_leftover(name) or not ending_of(name):
        return ""
    modality = _MODALITY.search(name)
    if modality is not None:
        return next(channel for channel in CHANNELS if channel.lower() == modality[1].lower())
    return LABEL if _LABEL.search(case_of(name)) else ""


def _test_cases(names: list[str], grade: str) -> list[str]:
    share, of = TEST_SHARES[grade]
    if len(names) < FEWEST:
        return []
    order = generator(f"brats2015/{grade}/{len(names)}", "test").permutation(len(names))
    return [names[place] for place in order[: max(1, round(share * len(names) / of))]]
