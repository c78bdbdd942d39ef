"""The files of one case: looked through once, and remembered by fingerprints."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.dataset import CaseFiles, Dataset
from bench.data.fingerprints import Fingerprints
from bench.data.grids import check_same_grid
from bench.data.volumes import fingerprint, read_grid, read_image, read_label
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bench.data.dataset import Workshop
    from bench.data.listing import Listing


@dataclass(frozen=True, slots=True)
class Files:
    """What a data set's folder holds of one case."""

    images: tuple[Path, ...]  # one file a channel, or one file with all
    label: Path | None = None
    mask: Path | None = None
    zoom: tuple[float, float, float] = (1, 1, 1)

    def __iter__(self) -> Iterator[Path]:
        """All files there are."""
        yield from self.images
        yield from (path for path in (self.label, self.mask) if path is not None)


def fingerprints_path(workshop: Workshop) -> Path:
    """Where a store keeps the fingerprints that it has taken."""
    return workshop.path / "fingerprints.json"


def case_files(
    found: Mapping[str, Files],
    channels: tuple[str, ...],
    classes: int,
    workshop: Workshop,
    *,
    validate: bool,
) -> dict[str, CaseFiles]:
    """The cases with their fingerprints; with ``validate``, those that are new or changed are looked through.

    Raises:
        DataError: Files of a case are damaged or contradict each other; the file is named.
    """
    prints = Fingerprints(fingerprints_path(workshop))
    cases: dict[str, CaseFiles] = {}
    try:
        for case, files in found.items():
            if validate:
                _look_through(prints, files, channels, classes)
            cases[case] = _printed(prints, files)
    finally:
        if workshop.spare is None:
            prints.save()
    return cases


def opened(listing: Listing, workshop: Workshop, *, validate: bool) -> Dataset:
    """The data set of a listing, with its fingerprints.

    Raises:
        DataError: What ``case_files`` refuses.
    """
    found = {**listing.cases, **listing.unlabelled}
    made = case_files(found, listing.channels, len(listing.structures) + 1, workshop, validate=validate)
    return Dataset(
        name=listing.name,
        channels=listing.channels,
        structures=listing.structures,
        cases={name: made[name] for name in listing.cases},
        train=listing.train,
        test=listing.test,
        pieces=listing.pieces,
        test_by_seed=listing.test_by_seed,
        unlabelled={name: made[name] for name in listing.unlabelled},
    )


def _look_through(prints: Fingerprints, files: Files, channels: tuple[str, ...], classes: int) -> None:
    def look() -> None:
        check_case(files, channels, classes)

    prints.look_through(list(files), [classes, len(channels)], look)


def check_case(files: Files, channels: tuple[str, ...], classes: int) -> None:
    """Read all files of a case and refuse what no stage could use.

    Raises:
        DataError: Another grid, number of channels or label than said, or what ``volumes`` refuses.
    """
    first = files.images[0]
    if files.label is not None:
        check_same_grid(read_grid(first), read_grid(files.label), files.label)
    found = read_image(files.images, files.mask).image_cijk.shape[0]
    if found != len(channels):
        raise DataError(
            f"{first} has {found} channels; expected {len(channels)} "
            f"as the data set says: {', '.join(channels)}."
        )
    if files.label is not None:
        read_label(files.label, classes=classes)


def _printed(prints: Fingerprints, files: Files) -> CaseFiles:
    bare = CaseFiles(
        images=tuple(map(str, files.images)),
        label="" if files.label is None else str(files.label),
        image_print="",
        label_print="",
        mask="" if files.mask is None else str(files.mask),
        zoom=files.zoom,
    )
    return replace(bare, image_print=image_print(prints, bare), label_print=label_print(prints, bare))


def image_print(prints: Fingerprints, files: CaseFiles) -> str:
    """The fingerprint of what a network is shown of a case, as its files are now.

    Raises:
        DataError: A file is missing or damaged.
    """
    parts = [prints.of(Path(path), fingerprint) for path in files.images]
    if files.mask:
        parts.append(f"mask {prints.of(Path(files.mask), fingerprint)}")
    if files.zoom != (1, 1, 1):
        parts.append(f"zoom {files.zoom}")
    together = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:24]
    return parts[0] if len(parts) == 1 else together


def label_print(prints: Fingerprints, files: CaseFiles) -> str:
    """The fingerprint of the label of a case as its file is now; empty where it has none.

    Raises:
        DataError: The file is missing or damaged.
    """
    return prints.of(Path(files.label), fingerprint) if files.label else ""


@contextmanager
def as_planned(what: str, planned: str, now: Callable[[], str]) -> Iterator[None]:
    """Refuse files that are not what a run was planned with, before or after the block that reads them.

    Raises:
        DataError: The fingerprint is another one, or cannot be taken any more.
    """
    _demand(what, planned, now)
    yield
    _demand(what, planned, now)


def _demand(what: str, planned: str, now: Callable[[], str]) -> None:
    try:
        why = "" if now() == planned else "holds other voxels"
    except DataError as error:
        why = str(error).rstrip(".")
    if why:
        raise DataError(f"{what} changed since the run was planned ({why}); run again to plan anew.")
