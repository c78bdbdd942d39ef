"""The files of one case: looked through once, and remembered by fingerprints."""

from __future__ import annotations

import hashlib
import logging
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.content import content_from
from bench.data.copies import refuse_absent
from bench.data.dataset import CaseFiles, Dataset
from bench.data.images.grids import check_same_grid
from bench.data.images.volumes import read_grid, read_image, read_label
from bench.data.sources.fingerprints import Fingerprints
from bench.data.sources.found_files import not_used
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bench.data.content import Content
    from bench.data.dataset import Workshop
    from bench.data.images.grids import SpacingFrom
    from bench.data.sources.listing import Files, Listing

LOGGER = logging.getLogger(__name__)
MOST_SAID = 5  # warnings of a data set


def notes_on(root: Path, there: Iterable[Path], cases: Iterable[Files]) -> tuple[str, ...]:
    """The note of a listing on the files that are there and belong to no case; none where all do."""
    used = {path for files in cases for path in files}
    sentence = not_used(root, [path for path in there if path not in used])
    return (sentence,) if sentence else ()


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
) -> dict[str, tuple[CaseFiles, Content]]:
    """The cases with their fingerprints; with ``validate``, those that are new or changed are looked through.

    What is odd about the headers of those that were looked through is logged.

    Raises:
        DataError: Files of a case are damaged or contradict each other; the file is named.
    """
    prints = Fingerprints(fingerprints_path(workshop))
    cases: dict[str, tuple[CaseFiles, Content]] = {}
    warnings: list[str] = []
    try:
        for case, files in found.items():
            if validate:
                warnings += _look_through(prints, files, channels, classes)
            cases[case] = _printed(prints, files), _content(prints, files)
    finally:
        if workshop.spare is None:
            prints.save()
        _warn(warnings)
    return cases


def _warn(warnings: list[str]) -> None:
    for sentence in warnings[:MOST_SAID]:
        LOGGER.warning(f"warning: {sentence}")
    if len(warnings) > MOST_SAID:
        more = len(warnings) - MOST_SAID
        LOGGER.warning(f"warning: {more} more such warnings; `bench data check` lists all.")


def held_by(listing: Listing, spacing_from: SpacingFrom) -> Listing:
    """The listing, with which voxel size holds where headers contradict themselves."""
    cases, unlabelled = (
        {name: replace(files, spacing_from=spacing_from) for name, files in some.items()}
        for some in (listing.cases, listing.unlabelled)
    )
    return replace(listing, cases=cases, unlabelled=unlabelled)


def opened(
    listing: Listing, workshop: Workshop, *, validate: bool, spacing_from: SpacingFrom = ""
) -> Dataset:
    """The data set of a listing, with its fingerprints.

    Raises:
        DataError: What ``case_files`` refuses, or a structure that no label map has.
    """
    for note in listing.notes:
        LOGGER.warning(f"note: {note}")
    listing = held_by(listing, spacing_from)
    found = {**listing.cases, **listing.unlabelled}
    made = case_files(found, listing.channels, len(listing.structures) + 1, workshop, validate=validate)
    contents = {name: made[name][1] for name in listing.cases}
    refuse_absent(listing.name, listing.structures, contents)
    return Dataset(
        name=listing.name,
        channels=listing.channels,
        structures=listing.structures,
        cases={name: made[name][0] for name in listing.cases},
        train=listing.train,
        test=listing.test,
        pieces=listing.pieces,
        test_by_seed=listing.test_by_seed,
        unlabelled={name: made[name][0] for name in listing.unlabelled},
        contents=contents,
    )


def _look_through(prints: Fingerprints, files: Files, channels: tuple[str, ...], classes: int) -> list[str]:
    said: list[object] = [classes, len(channels)]
    if files.spacing_from:
        said.append(files.spacing_from)
    return prints.look_through(list(files), said, lambda: check_case(files, channels, classes))


def check_case(files: Files, channels: tuple[str, ...], classes: int) -> list[str]:
    """Read all files of a case and refuse what no stage could use; what is odd about their headers.

    Raises:
        DataError: Another grid, number of channels or label than said, or what ``volumes`` refuses.
    """
    first, held = files.images[0], files.spacing_from
    grids = {path: read_grid(path, spacing_from=held) for path in files}
    if files.label is not None:
        check_same_grid(grids[first], grids[files.label], files.label)
    found = read_image(files.images, files.mask, spacing_from=held).image_cijk.shape[0]
    if found != len(channels):
        raise DataError(
            f"{first} has {found} channels; expected {len(channels)} "
            f"as the data set says: {', '.join(channels)}."
        )
    if files.label is not None:
        read_label(files.label, classes=classes, spacing_from=held)
    return [sentence for grid in grids.values() for sentence in grid.warnings]


def _content(prints: Fingerprints, files: Files) -> Content:
    """The content of the files of a case: image files, and the label map where there is one."""
    held = files.spacing_from
    images = [prints.content_of(path, "image", held) for path in files.images]
    label = "" if files.label is None else prints.content_of(files.label, "label", held)
    return content_from(tuple(images), label)


def _printed(prints: Fingerprints, files: Files) -> CaseFiles:
    # What a file holds is wanted next: one reading gives both.
    for path in files.images:
        prints.of_with_content(path, "image", files.spacing_from)
    if files.label is not None:
        prints.of_with_content(files.label, "label", files.spacing_from)
    bare = CaseFiles(
        images=tuple(map(str, files.images)),
        label="" if files.label is None else str(files.label),
        image_print="",
        label_print="",
        mask="" if files.mask is None else str(files.mask),
        zoom=files.zoom,
        spacing_from=files.spacing_from,
    )
    return replace(bare, image_print=image_print(prints, bare), label_print=label_print(prints, bare))


def image_print(prints: Fingerprints, files: CaseFiles) -> str:
    """The fingerprint of what a network is shown of a case, as its files are now.

    Raises:
        DataError: A file is missing or damaged.
    """
    parts = [prints.of(Path(path), files.spacing_from) for path in files.images]
    if files.mask:
        parts.append(f"mask {prints.of(Path(files.mask), files.spacing_from)}")
    if files.zoom != (1, 1, 1):
        parts.append(f"zoom {files.zoom}")
    together = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:24]
    return parts[0] if len(parts) == 1 else together


def label_print(prints: Fingerprints, files: CaseFiles) -> str:
    """The fingerprint of the label of a case as its file is now; empty where it has none.

    Raises:
        DataError: The file is missing or damaged.
    """
    return prints.of(Path(files.label), files.spacing_from) if files.label else ""


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
