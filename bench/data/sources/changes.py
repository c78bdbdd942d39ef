"""What became of a data set since a store last knew it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.dataset import recall
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.data.dataset import CaseFiles, Dataset, Workshop

NAMED = 3  # cases that a sentence names


def changes(dataset: Dataset, workshop: Workshop, known: Sequence[str] = ()) -> list[str]:
    """Sentences on what changed since the last run on a data set of this name; none where nothing did.

    Args:
        dataset: As it is now.
        workshop: Where data sets are remembered.
        known: The ids of those that were run on, the last first; the others count as older.
    """
    before = _last(dataset, workshop, known)
    if before is None or before.id == dataset.id:
        return []
    parts = _parts({**before.cases, **before.unlabelled}, {**dataset.cases, **dataset.unlabelled})
    what = "; ".join(parts) or _otherwise(before, dataset)
    return [
        f"warning: the data set {dataset.name} changed since this store last knew it: {what}.",
        "Results of the old data stay under their own keys; in reports those of the new replace them.",
    ]


def _last(dataset: Dataset, workshop: Workshop, known: Sequence[str]) -> Dataset | None:
    """The data set of this name that was remembered last, if it lay in the same place where it is a made one.

    A made data set of another size is no change of this one.
    """
    pattern = re.compile(re.escape(dataset.name) + r"-[0-9a-f]{12}\.json")
    paths = [path for path in workshop.path.glob("*.json") if pattern.fullmatch(path.name)]
    places = {identifier: place for place, identifier in enumerate(known)}
    paths.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in sorted(paths, key=lambda path: places.get(path.stem, len(places))):
        try:
            found = recall(path.stem, workshop)
        except DataError:
            continue
        if not _is_made(dataset, workshop) or _folder(found).parent.name == _folder(dataset).parent.name:
            return found
    return None


def _folder(dataset: Dataset) -> Path:
    files = next(iter(dataset.cases.values()))
    return Path(files.images[0]).parent


def _is_made(dataset: Dataset, workshop: Workshop) -> bool:
    places = [place.absolute() for place in (workshop.path, workshop.spare) if place is not None]
    return not set(places).isdisjoint(_folder(dataset).parents)


def _parts(before: Mapping[str, CaseFiles], now: Mapping[str, CaseFiles]) -> list[str]:
    both = sorted(set(before) & set(now))
    other_images = [case for case in both if before[case].image_print != now[case].image_print]
    other_labels = [case for case in both if before[case].label_print != now[case].label_print]
    said = [
        (other_images, "has another image", "have other images"),
        (other_labels, "has another label", "have other labels"),
        (sorted(set(now) - set(before)), "came", "came"),
        (sorted(set(before) - set(now)), "went", "went"),
    ]
    return [_counted(cases, one, many) for cases, one, many in said if cases]


def _counted(cases: Sequence[str], one: str, many: str) -> str:
    named = ", ".join(cases[:NAMED]) + (", ..." if len(cases) > NAMED else "")
    return f"{len(cases)} case{'s' * (len(cases) > 1)} {one if len(cases) == 1 else many} ({named})"


def _otherwise(before: Dataset, now: Dataset) -> str:
    """What changed where every case holds what it held."""
    kinds = {
        "its structures": before.structures != now.structures,
        "its channels": before.channels != now.channels,
        "which cases are test": before.test != now.test,
    }
    return ", ".join(kind for kind, differs in kinds.items() if differs) or "how its structures are treated"
