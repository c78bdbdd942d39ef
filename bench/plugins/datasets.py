"""Data sets that installed packages bring: a function that lists the cases; their files are read as any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.data.catalogue import DATASETS, Source
from bench.data.sources.cases import opened
from bench.data.sources.listing import Listing
from bench.files.names import safe_name
from bench.plugins import entry_points
from bench.plugins.errors import PluginError, misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.data.dataset import Dataset, DataSettings, Workshop
    from bench.data.sources.listing import Complaints

    List = Callable[[str, DataSettings, Workshop], Listing]

GROUP = "bench.datasets"


def sources_for(spec: str, workshop: Workshop) -> Mapping[str, Source]:
    """The kinds of data sets that a word may mean; a package is looked at only where no other bears the name.

    Raises:
        PluginError: It names what an installed package brings, and that cannot be had.
    """
    kind, colon, _ = (part.strip() for part in spec.partition(":"))
    if kind in DATASETS or spec.strip() in workshop.names():
        return DATASETS
    names = entry_points.names(GROUP)
    if kind not in names:
        return {**dict.fromkeys(names, DATASETS["decathlon"]), **DATASETS} if names else DATASETS
    return {**DATASETS, kind: _source(kind, takes_folder=bool(colon))}


def installed_sources() -> tuple[dict[str, Source], list[str]]:
    """What packages bring by name, and a sentence for each that cannot be had."""
    found, broken = {}, []
    for name in entry_points.names(GROUP):
        if name in DATASETS:
            continue
        try:
            found[name] = _source(name, takes_folder=False)
        except PluginError as error:
            broken.append(str(error))
    return found, broken


def _source(name: str, *, takes_folder: bool) -> Source:
    found = entry_points.load(GROUP, name)
    if not callable(found.thing):
        raise misfit(
            (found.shown, name), "a function that lists a data set", repr(found.thing), check="members"
        )
    what = (getattr(found.thing, "__doc__", "") or "").strip().partition("\n")[0] or found.shown

    def listing(where: str, settings: DataSettings, workshop: Workshop, _complaints: Complaints) -> Listing:
        return _listed(found, name, (where, settings, workshop))

    def open_it(where: str, settings: DataSettings, workshop: Workshop) -> Dataset:
        listed = _listed(found, name, (where, settings, workshop))
        return opened(listed, workshop, validate=settings.validate, spacing_from=settings.spacing)

    return Source(what, open_it, listing, takes_folder)


def _listed(found: entry_points.Found, name: str, given: tuple[Any, ...]) -> Listing:
    listing = found.thing(*given)
    if not isinstance(listing, Listing):
        raise misfit(
            (found.shown, name), "a bench.data.sources.listing.Listing", repr(listing), check="members"
        )
    return replace(listing, name=safe_name(listing.name, "data set"))
