"""Which data sets there are, and how one is opened by name.

A new data set is one file with an ``open_*`` function and one line in ``DATASETS``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data import brats2015, decathlon, hvsmr2016, phantom_heart, phantom_tumour
from bench.data.folder import checked_name
from bench.errors import UsageError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.data.dataset import Dataset, DataSettings, Workshop


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of data set: what it is, and how it is opened."""

    what: str
    open: Callable[[str, DataSettings, Workshop], Dataset]
    takes_folder: bool


def _phantom_heart(_where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    return phantom_heart.open_dataset(settings, workshop)


def _phantom_tumour(_where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    return phantom_tumour.open_dataset(settings, workshop)


def _folder(where: str) -> Path:
    try:
        return Path(where).expanduser()
    except RuntimeError:
        raise UsageError(f"{where!r} begins with a home folder that is not known.") from None


def _decathlon(where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    return decathlon.open_dataset(_folder(where), workshop, validate=settings.validate)


def _hvsmr2016(where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    return hvsmr2016.open_dataset(_folder(where), settings, workshop)


def _brats2015(where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    return brats2015.open_dataset(_folder(where), workshop, validate=settings.validate)


DATASETS: Mapping[str, Source] = {
    "phantom-heart": Source(
        "10 + 10 made cardiac MR volumes, myocardium and blood pool", _phantom_heart, takes_folder=False
    ),
    "phantom-tumour": Source(
        "20 + 10 made brain MR volumes of four modalities, a glioma's four tissues",
        _phantom_tumour,
        takes_folder=False,
    ),
    "decathlon": Source(
        "any Medical Segmentation Decathlon task folder, as decathlon:DIR", _decathlon, takes_folder=True
    ),
    "hvsmr2016": Source(
        "the HVSMR 2016 challenge, 10 labelled cardiac MR scans (3 of them test by the seed) and 10 without "
        "labels, as hvsmr2016:DIR",
        _hvsmr2016,
        takes_folder=True,
    ),
    "brats2015": Source(
        "the BRATS 2015 training set, four MR modalities of brain tumours, as brats2015:DIR",
        _brats2015,
        takes_folder=True,
    ),
}


def open_dataset(spec: str, settings: DataSettings, workshop: Workshop) -> Dataset:
    """Open ``NAME``, ``KIND:DIR`` or a name that was added; make it first where it is made on demand.

    A data set that is opened by a name that was added bears that name.

    Raises:
        UsageError: No such name, a folder that is missing where one is needed, or one that calls itself as
            another data set is called.
        DataError: The folder or a file in it is missing or invalid.
    """
    spec = spec.strip()
    added = workshop.names()
    if spec in added:
        return replace(_opened(added[spec], added, settings, workshop), name=checked_name(spec, "data set"))
    dataset = _opened(spec, added, settings, workshop)
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
    return _opened(spec, {}, settings, workshop)


def _opened(spec: str, added: Mapping[str, str], settings: DataSettings, workshop: Workshop) -> Dataset:
    kind, _, where = (part.strip() for part in spec.partition(":"))
    if kind not in DATASETS:
        raise unknown("data set", spec, [*DATASETS, *added])
    source = DATASETS[kind]
    if source.takes_folder and not where:
        raise UsageError(f"data set {kind!r} needs a folder; write {kind}:DIR.")
    if not source.takes_folder and where:
        raise UsageError(f"data set {kind!r} takes no folder; leave {where!r} out.")
    return source.open(where, settings, workshop)
