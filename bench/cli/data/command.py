"""``bench data``: which data sets there are, names for folders, made data in a folder of one's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.cli import console
from bench.data.catalogue import DATASETS, open_folder
from bench.data.dataset import DataSettings
from bench.errors import UsageError, unknown
from bench.files.atomic import whole_folder, write_text
from bench.files.names import is_safe_name
from bench.plugins.datasets import installed_sources
from bench.settings.serialise import build
from bench.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from bench.data.images.grids import SpacingFrom

DECATHLON = "decathlon"


def list_data(store_path: Path, *, as_json: bool) -> int:
    """The kinds of data sets, and the names that were added to this store."""
    added = Store(store_path).workshop.names()
    rows = [{"name": name, "what": source.what, "from": ""} for name, source in DATASETS.items()]
    brought, broken = installed_sources()
    rows += [{"name": name, "what": source.what, "from": ""} for name, source in brought.items()]
    for sentence in broken:
        console.warn(f"left out: {sentence}")
    rows += [{"name": name, "what": "added folder", "from": where} for name, where in added.items()]
    if as_json:
        console.say_json(rows)
    else:
        console.say(
            console.table([[r["name"], r["what"], r["from"]] for r in rows], ["data set", "what", "from"])
        )
    return 0


def add_data(
    name: str, folder: Path, store_path: Path, *, as_json: bool, spacing_from: SpacingFrom = ""
) -> int:
    """Look a folder through and give it a name in this store.

    A challenge's own name (``hvsmr2016``, ``brats2015``) takes its folder in the challenge's own layout; any
    other name takes a Decathlon folder. ``spacing_from`` holds for this look alone: a run is told again.

    Raises:
        UsageError: The name is taken or cannot be one.
        DataError: The folder is not what it should be.
    """
    published = [kind for kind, source in DATASETS.items() if source.takes_folder and kind != DECATHLON]
    if (name in DATASETS and name not in published) or not is_safe_name(name):
        taken = ", ".join(kind for kind in DATASETS if kind not in published)
        raise UsageError(f"{name!r} cannot be a name for a folder: letters, digits, . _ - and not {taken}.")
    store = Store(store_path)
    with store.locked():
        spec = f"{name if name in published else DECATHLON}:{folder.resolve()}"
        has = store.workshop.names().get(name, spec)
        if has != spec:  # records of both would bear one name
            where = has.partition(":")[2]
            raise UsageError(f"{name!r} is the name of {where} in this store; give {folder} another name.")
        dataset = open_folder(spec, DataSettings(spacing=spacing_from), store.workshop)
        write_text(store.workshop.names_path, json.dumps({**store.workshop.names(), name: spec}, indent=1))
    facts = {
        "name": name,
        "from": spec,
        "channels": list(dataset.channels),
        "structures": list(dataset.structures),
        "train": len(dataset.train),
        "test": len(dataset.test),
    }
    if as_json:
        console.say_json(facts)
    else:
        console.say(f"{name}: {facts['train']} training and {facts['test']} test cases of {dataset.name}")
    return 0


def make_data(name: str, folder: Path, size: str, first_seed: int, *, as_json: bool) -> int:
    """Write a made data set as a Decathlon folder.

    Raises:
        UsageError: It is not a made one, or the folder is there already.
    """
    from bench.data.sources import generated
    from bench.data.sources.phantom_heart import HEART, HEART_V1
    from bench.data.sources.phantom_tumour import TUMOUR

    makers = {each.name: each for each in (HEART, HEART_V1, TUMOUR)}
    if name not in makers:
        raise unknown("made data set", name, makers)
    if size not in makers[name].shapes:
        raise unknown("size", size, makers[name].shapes)
    if folder.exists():
        raise UsageError(f"{folder} exists already; name a new folder.")
    settings = build(DataSettings, {"size": size, "first_seed": first_seed}, "data make")
    with whole_folder(folder) as aside:
        generated.write(makers[name], aside, settings)
    if as_json:
        console.say_json({"name": name, "to": str(folder)})
    else:
        console.say(f"{name} ({size}, from seed {first_seed}) is in {folder}")
    return 0
