"""Which data sets there are, and how one is opened by name.

A new data set is one file with an ``open_*`` function and one line in ``DATASETS``.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.sources import brats2015, decathlon, hvsmr2016, phantom_heart, phantom_tumour
from bench.data.sources.generated import folder_of
from bench.data.sources.generated import open_dataset as open_made
from bench.data.sources.listing import Complaints, Listing
from bench.errors import DataError, UsageError, reason_of, unknown
from bench.files.names import checked_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bench.data.dataset import Dataset, DataSettings, Workshop
    from bench.data.sources.generated import Made


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of data set: what it is, and how it is opened."""

    what: str
    open: Callable[[str, DataSettings, Workshop], Dataset]
    listing: Callable[[str, DataSettings, Workshop, Complaints], Listing]
    takes_folder: bool


def _generated(what: str, made: Made) -> Source:
    """A data set that is made where it is not there; what was damaged is made again."""

    def open_it(_where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
        return open_made(made, settings, workshop)

    def listing(_where: str, settings: DataSettings, workshop: Workshop, complaints: Complaints) -> Listing:
        open_made(made, settings, workshop)
        return replace(decathlon.listing(folder_of(made, settings, workshop), complaints), pieces=made.pieces)

    return Source(what, open_it, listing, takes_folder=False)


def _folder(where: str) -> Path:
    try:
        return Path(where).expanduser()
    except RuntimeError:
        raise UsageError(f"{where!r} begins with a home folder that is not known.") from None


def _decathlon(where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    return decathlon.open_dataset(
        _folder(where), workshop, validate=settings.validate, spacing_from=settings.spacing
    )


def _hvsmr2016(where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    return hvsmr2016.open_dataset(_folder(where), settings, workshop)


def _brats2015(where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    return brats2015.open_dataset(
        _folder(where), workshop, validate=settings.validate, spacing_from=settings.spacing
    )


def _decathlon_listing(
    where: str, _settings: DataSettings, _workshop: Workshop, complaints: Complaints
) -> Listing:
    return decathlon.listing(_folder(where), complaints)


def _hvsmr2016_listing(
    where: str, settings: DataSettings, _workshop: Workshop, complaints: Complaints
) -> Listing:
    return hvsmr2016.listing(_folder(where), settings, complaints)


def _brats2015_listing(
    where: str, _settings: DataSettings, _workshop: Workshop, complaints: Complaints
) -> Listing:
    return brats2015.listing(_folder(where), complaints)


DATASETS: Mapping[str, Source] = {
    "phantom-heart": _generated(
        "10 + 30 made cardiac MR volumes of congenital hearts, myocardium and blood pool",
        phantom_heart.HEART,
    ),
    "phantom-heart-v1": _generated(
        "10 + 10 made cardiac MR volumes that differ less, as phantom-heart was before",
        phantom_heart.HEART_V1,
    ),
    "phantom-tumour": _generated(
        "20 + 10 made brain MR volumes of four modalities, a glioma's four tissues",
        phantom_tumour.TUMOUR,
    ),
    "decathlon": Source(
        "any Medical Segmentation Decathlon task folder, as decathlon:DIR",
        _decathlon,
        _decathlon_listing,
        takes_folder=True,
    ),
    "hvsmr2016": Source(
        "the HVSMR 2016 challenge, 10 labelled cardiac MR scans (3 of them test by the seed) and 10 without "
        "labels, as hvsmr2016:DIR",
        _hvsmr2016,
        _hvsmr2016_listing,
        takes_folder=True,
    ),
    "brats2015": Source(
        "the BRATS 2015 training set, four MR modalities of brain tumours, as brats2015:DIR",
        _brats2015,
        _brats2015_listing,
        takes_folder=True,
    ),
}


def open_dataset(
    spec: str, settings: DataSettings, workshop: Workshop, sources: Mapping[str, Source] = DATASETS
) -> Dataset:
    """Open ``NAME``, ``KIND:DIR`` or a name that was added; make it first where it is made on demand.

    A data set that is opened by a name that was added bears that name.

    Args:
        spec: The words.
        settings: How made ones are made.
        workshop: Where they lie.
        sources: The kinds that are known: those here, and what installed packages bring.

    Raises:
        UsageError: No such name, a folder that is missing where one is needed, or one that calls itself as
            another data set is called.
        DataError: The folder or a file in it is missing or invalid.
    """
    spec = spec.strip()
    added = workshop.names()
    if spec in added:
        known = _source(added[spec], added, sources)
        return replace(_opened(known, settings, workshop), name=checked_name(spec, "data set"))
    dataset = _opened(_source(spec, added, sources), settings, workshop)
    challenges = {kind for kind, source in DATASETS.items() if source.takes_folder}
    if dataset.name in challenges and dataset.name != spec.partition(":")[0].strip():
        # Its records would be taken for the challenge's own and held against the paper's numbers.
        raise UsageError(
            f"{spec} calls itself {dataset.name!r}, as another data set is called; give it a name of its own "
            f"with `bench data add NAME --from {spec.partition(':')[2].strip()}`."
        )
    return dataset


def open_folder(spec: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    """Open ``KIND:DIR`` whatever it calls itself, for it is about to be given a name.

    Raises:
        UsageError: No such kind.
        DataError: The folder or a file in it is missing or invalid.
    """
    return _opened(_source(spec, {}, DATASETS), settings, workshop)


def is_made(spec: str) -> bool:
    """Whether the data set is made on demand, in the store."""
    source = DATASETS.get(spec.strip())
    return source is not None and not source.takes_folder


def listing_of(
    spec: str,
    settings: DataSettings,
    workshop: Workshop,
    complaints: list[str],
    sources: Mapping[str, Source] = DATASETS,
) -> Listing:
    """What a data set says it holds, also where it could not be opened; what it contradicts is appended.

    Raises:
        UsageError: No such name.
        DataError: What the folder holds cannot be made out at all.
    """
    spec, added = spec.strip(), workshop.names()
    source, where = _source(added.get(spec, spec), added, sources)
    with _reachable(source, where):
        listing = source.listing(where, settings, workshop, Complaints(complaints))
    return replace(listing, name=spec) if spec in added else listing


def _opened(known: tuple[Source, str], settings: DataSettings, workshop: Workshop) -> Dataset:
    source, where = known
    with _reachable(source, where):
        return source.open(where, settings, workshop)


@contextmanager
def _reachable(source: Source, where: str) -> Iterator[None]:
    """A user's folder that may not be entered, or whose name no folder can bear, is said to be so."""
    try:
        yield
    except OSError as error:
        if not source.takes_folder:
            raise
        name = str(error.filename or where)[:300]
        raise DataError(f"{name!r} cannot be opened: {reason_of(error)}.") from error


def _source(spec: str, added: Mapping[str, str], sources: Mapping[str, Source]) -> tuple[Source, str]:
    """The kind of data set, and where it lies."""
    kind, _, where = (part.strip() for part in spec.partition(":"))
    if kind not in sources:
        raise unknown("data set", spec, [*sources, *added])
    source = sources[kind]
    if source.takes_folder and not where:
        raise UsageError(f"data set {kind!r} needs a folder; write {kind}:DIR.")
    if not source.takes_folder and where:
        raise UsageError(f"data set {kind!r} takes no folder; leave {where!r} out.")
    return source, where
