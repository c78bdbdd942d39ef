"""What was asked of a store: each run's request, its stages by title, and its last turn."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from bench.data.split import first_of_each
from bench.errors import DataError
from bench.files.atomic import write_text
from bench.files.checksummed import sealed, unsealed
from bench.files.json_document import noted
from bench.settings.stage_specs import SplitSpec, read
from bench.store.documents import RunPlan, RunRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.data.copies import LeakNote
    from bench.store.store import Store


def note(store: Store, run: str, description: Mapping[str, object], titles: Mapping[str, str]) -> None:
    """Write down that it is this run's turn, under the store's lock.

    Turns are counted, not timed: a clock that jumps does not make an old result the newest.

    Args:
        store: Where it runs.
        run: Its name.
        description: What was asked for.
        titles: Key -> title of every stage that it needs.
    """
    before = plans(store)
    last = max((planned.turn for planned in before.values()), default=0)
    if before.get(run) == RunPlan(turn=last, stages=dict(titles)):
        return  # it was the last to have its turn, with the same plan
    folder = store.path / "runs" / run
    if not request_document(store, run):
        write_text(folder / "request.json", json.dumps(description, indent=1))
    plan = sealed({"turn": last + 1, "stages": titles})
    write_text(folder / "stages.json", json.dumps(plan, indent=0))


def plans(store: Store) -> dict[str, RunPlan]:
    """Run -> its last turn and its stages; runs without a whole note are left out."""
    found = {}
    for path in sorted((store.path / "runs").glob("*/stages.json")):
        with suppress(ValueError, DataError):  # the run's next turn writes it again
            found[path.parent.name] = read(RunPlan, unsealed(path), str(path))
    return found


def without_plan(store: Store) -> list[str]:
    """Runs whose plan is damaged: when they had their turn is not known."""
    written = {path.parent.name for path in (store.path / "runs").glob("*/stages.json")}
    return sorted(written - plans(store).keys())


def data_sets(store: Store) -> list[str]:
    """The ids of the data sets that runs were asked for on, those of the last turn first."""
    by_turn = sorted(plans(store).items(), key=lambda item: item[1].turn, reverse=True)
    named = [one for run, _ in by_turn for one in request(store, run).datasets]
    return list(dict.fromkeys(named))


def request(store: Store, run: str) -> RunRequest:
    """What was asked for; empty where it is not known."""
    with suppress(DataError):
        return read(RunRequest, request_document(store, run), "a request")
    return RunRequest()


def request_document(store: Store, run: str) -> dict[str, object]:
    """The whole JSON of what was asked for; empty where it is not known."""
    return noted(store.path / "runs" / run / "request.json")


def leaks(store: Store) -> dict[str, list[LeakNote]]:
    """Data set -> the copies that runs on it, as it is now, went on with; each split once."""
    newest: dict[str, str] = {}
    for one in data_sets(store):
        newest.setdefault(one.rpartition("-")[0], one)
    found: dict[str, list[LeakNote]] = {}
    for run in plans(store):
        said = request(store, run)
        for leak in said.leaks:
            known = found.setdefault(leak.dataset, [])
            if newest.get(leak.dataset) in said.datasets and leak not in known:
                known.append(leak)
    return {name: known for name, known in found.items() if known}


def folded_shares(store: Store) -> dict[str, dict[str, str]]:
    """Data set -> each ξ that free sweeps asked for -> the smaller one that it is planned as there.

    Tables and figures of the paper are looked at one by one (docs/decisions/0029), so their ξ are left out.
    """
    found: dict[str, dict[str, str]] = {}
    for run, planned in plans(store).items():
        said = request(store, run)
        if said.experiments:
            continue
        splits = (
            store.finished_stage(key) for key in planned.stages if key.startswith("split-") and store.has(key)
        )
        sizes = {
            one.dataset: len(spec.manual) + len(spec.pseudo)
            for one in splits
            if one.dataset_id in said.datasets and isinstance(spec := one.spec, SplitSpec)
        }
        for name, size in sizes.items():
            folded = {xi: first for xi, first in first_of_each(said.xi, size).items() if xi != first}
            if folded:
                found.setdefault(name, {}).update(folded)
    return found


class Turn(NamedTuple):
    """When a stage was planned last, and on which data sets (their ids)."""

    number: int
    data_sets: tuple[str, ...]


def turns(store: Store) -> dict[str, Turn]:
    """Key -> the last turn in which a stage was planned."""
    last: dict[str, Turn] = {}
    for run, planned in plans(store).items():
        turn = Turn(planned.turn, request(store, run).datasets)
        for key in planned.stages:
            last[key] = max(last.get(key, turn), turn)
    return last
