"""HVSMR 2016 as the organisers hand it out: whole hearts in cardiac MR, 10 scans with and 10 without labels.

Files are found by their names anywhere below the folder: ``training_<variant>_pat{0..9}.nii[.gz]``, the same
with ``-label``, and ``testing_<variant>_pat{10..19}.nii[.gz]``, whatever their capitals, and ``_label`` for
``-label``. The organisers keep the labels of the last ten, so 3 of the first ten are test, drawn by the seed
of the split. Predictions that lie there are not read.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from bench.data.sources.cases import notes_on, opened
from bench.data.sources.found_files import ending_of, files_below, is_leftover, twice
from bench.data.sources.listing import Complaints, Files, Listing
from bench.errors import DataError
from bench.files.regular import is_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.data.dataset import Dataset, DataSettings, Workshop

Variant = Literal["axial_crop", "axial_full", "sa_crop"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)  # P and HeartSeg work on the first, so it is preferred
STRUCTURES = ("myocardium", "blood_pool")
NUM_TEST = 3
MOST_NAMED = 3  # files that are missing
TRAINING, TESTING = range(10), range(10, 20)
ZOOM = {4: (1.0, 1.5, 1.5), 5: (1.0, 1.5, 1.5)}
"""Patients whose hearts are small. Source: HeartSeg, pre_process_isotropic.m, array axes 2 and 3."""

_NAME = re.compile(
    r"(training|testing)_(axial_crop|axial_full|sa_crop)_pat(\d+)([-_]label)?\.nii(\.gz)?", re.I
)


def open_dataset(root: Path, settings: DataSettings, workshop: Workshop) -> Dataset:
    """Open the folder; the variant is the one that is set, else the first of ``VARIANTS`` that is there.

    Raises:
        DataError: Files are missing, there twice, or contradict each other.
    """
    listed = listing(root, settings, Complaints())
    return opened(listed, workshop, validate=settings.validate, spacing_from=settings.spacing).drawn(0)


def listing(root: Path, settings: DataSettings, complaints: Complaints) -> Listing:
    """What lies in the folder of one variant; no case is drawn as test yet.

    Raises:
        DataError: No scan is there, or, unless ``complaints`` are kept, one is missing or there twice.
    """
    root = root.absolute()
    if not root.is_dir():
        why = "is no folder" if root.exists() else "does not exist"
        raise DataError(f"{root} {why}; expected the folder of HVSMR 2016.")
    found, others = _found(root, complaints)
    variant = settings.variant or next((v for v in VARIANTS if f"training_{v}" in _kinds(found)), "")
    if not variant:
        raise DataError(f"{root} has no file such as training_axial_crop_pat0.nii.gz in it, at any depth.")
    complaints.trying(partial(_demand_all, found, variant, root))
    cases = dict(_labelled(found, variant))
    unlabelled = dict(_unlabelled(found, variant))
    return Listing(
        name="hvsmr2016",
        channels=("MRI",),
        structures=STRUCTURES,
        cases=cases,
        train=(),
        test=(),
        pieces="single",
        test_by_seed=NUM_TEST,
        unlabelled=unlabelled,
        notes=notes_on(root, [*found.values(), *others], [*cases.values(), *unlabelled.values()]),
    )


def _found(root: Path, complaints: Complaints) -> tuple[dict[str, Path], list[Path]]:
    """Name as the challenge writes it -> file, of all files that bear one; and the other images."""
    found: dict[str, Path] = {}
    others = []
    for path in files_below(root):
        parts = _NAME.fullmatch(path.name)
        if parts is None or not is_file(path) or (parts[1].lower() == "testing" and parts[4]):
            others += [path] if ending_of(path.name) or is_leftover(path.name) else []
            continue
        name = f"{parts[1]}_{parts[2]}_pat{parts[3]}".lower() + ("-label" if parts[4] else "")
        if name in found:
            complaints.about(twice(root, name, found[name], path))
        found[name] = path
    return found, others


def _kinds(found: dict[str, Path]) -> set[str]:
    return {name.partition("_pat")[0] for name in found}


def _demand_all(found: dict[str, Path], variant: str, root: Path) -> None:
    """All ten scans with their labels; the ten scans without labels, or none at all, as they come apart."""
    kind = f"training_{variant}"
    _demand(found, kind, [f"{kind}_pat{n}{end}" for n in TRAINING for end in ("", "-label")], root)
    kind = f"testing_{variant}"
    if kind in _kinds(found):
        _demand(found, kind, [f"{kind}_pat{n}" for n in TESTING], root)


def _labelled(found: dict[str, Path], variant: str) -> Iterator[tuple[str, Files]]:
    for number in TRAINING:
        name = f"training_{variant}_pat{number}"
        if name in found and f"{name}-label" in found:
            yield name, Files((found[name],), found[f"{name}-label"], zoom=ZOOM.get(number, (1.0, 1.0, 1.0)))


def _unlabelled(found: dict[str, Path], variant: str) -> Iterator[tuple[str, Files]]:
    names = [f"testing_{variant}_pat{number}" for number in TESTING]
    yield from ((name, Files((found[name],))) for name in names if name in found)


def _demand(found: dict[str, Path], kind: str, names: list[str], root: Path) -> None:
    """Refuse a folder that lacks one of the names, or has another of this kind."""
    if missing := [name for name in names if name not in found]:
        there = sorted(_kinds(found))
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        named = f"{', '.join(missing[:MOST_NAMED])}{more} (.nii or .nii.gz)"
        variants = {name.partition("_")[2] for name in there}
        other = "; `bench run --set data.variant=NAME` takes another of them" if len(variants) > 1 else ""
        raise DataError(f"{root} lacks {named}; it has files of {', '.join(there)}{other}.")
    if extra := sorted(name for name in found if name.startswith(f"{kind}_pat") and name not in names):
        raise DataError(f"{root} has {', '.join(extra)}; expected {names[0]} to {names[-1]} alone.")
