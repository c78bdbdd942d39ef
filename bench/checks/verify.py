"""Make a stage again in a scratch store, from the same inputs, and compare it with the first."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.checks.differences import differences, fact_differences
from bench.data.dataset import recall
from bench.errors import DataError, StageError, UsageError
from bench.execution import scheduler
from bench.execution.local import LocalEngine
from bench.plan.words import device_of
from bench.plugins import methods
from bench.settings.stage_specs import threads_of
from bench.stages.context import Conduct
from bench.store import provenance
from bench.store.integrity import damage
from bench.store.lineage import lineage
from bench.store.lookup import existing, one_key
from bench.store.stage import VERSIONS
from bench.store.store import Store
from bench.store.titles import title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from bench.checks.differences import Difference
    from bench.execution.scheduler import State
    from bench.store.documents import FinishedStage
    from bench.store.stage import Stage


@dataclass(frozen=True, slots=True)
class Verdict:
    """A stage that was made again, beside the first."""

    stage: Stage
    files: int
    seconds: float
    apart: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """A finished stage, with those it came from if asked for, made again and compared."""

    key: str
    verdicts: tuple[Verdict, ...]
    changed: dict[str, list[object]]  # what is not as it was when the stage was made -> then and now

    @property
    def is_equal(self) -> bool:
        """Whether every file came out the same."""
        return not any(verdict.apart for verdict in self.verdicts)

    def describe(self) -> dict[str, object]:
        """The verification as plain JSON."""
        stages = [{"key": one.stage.key, **_plain(one)} for one in self.verdicts]
        return {"key": self.key, "equal": self.is_equal, "stages": stages, "then_and_now": self.changed}


class Watching(Protocol):
    """A context in which a run's state is shown; gives the function to call with the state."""

    def __call__(
        self, store: Store, titles: Mapping[str, str], *, device: str
    ) -> AbstractContextManager[Callable[[State], None]]:
        """Start to show the run of the stages in ``titles``, the last of which is the target."""


def verify(
    key: str, store_path: Path, *, chain: bool, watching: Watching, plugins: Sequence[Path] = ()
) -> Verification:
    """Make a finished stage again and compare; with ``chain``, all that it came from too.

    Raises:
        UsageError: No stage, or more than one, begins so, it was made on a device that is not here, or by a
            plug-in that is not named: code from a store is not run unasked.
        DataError: It is damaged, or what it was made from is gone.
        StageError: It could not be made again.
    """
    methods.admit(plugins)
    store = existing(store_path)
    target = one_key(store, key, store.keys())
    _demand_whole(store, target, chain=chain)
    known = lineage(store, [target])
    chosen = list(known.values()) if chain else [known[target]]
    for stage in chosen:
        _demand_data(store, stage)
        methods.demand_named(json.loads(stage.settings))
    described = store.finished_stage(target)
    device = _device(target, described.device)
    with _scratch(store, chosen) as scratch:
        titles = {stage.key: title(stage) for stage in chosen}
        with watching(scratch, titles, device=device) as watch:
            _make(chosen, scratch, described, device, watch)
        verdicts = tuple(_verdict(stage, store, scratch) for stage in chosen)
        return Verification(target, verdicts, _changed_since(described, scratch.finished_stage(target)))


def _demand_whole(store: Store, target: str, *, chain: bool) -> None:
    """Everything that is read must be there and what was written."""
    following, seen = [target], {target}
    while following:
        key = following.pop()
        if what := damage(store.folder(key)):
            raise DataError(f"{key} is damaged ({what}); the `bench run` that made it makes it anew.")
        for below in sorted(set(store.finished_stage(key).inputs.values()) - seen):
            if store.has(below):
                seen.add(below)
                following.append(below)
            elif chain or key == target:
                raise DataError(f"{key} was made from {below}, which is gone; `bench run` makes it anew.")


def _demand_data(store: Store, stage: Stage) -> None:
    """The manifest, which every stage is made with, and the files that this one reads."""
    cases = recall(stage.dataset_id, store.workshop).cases
    wanted = [path for case, _ in stage.images for path in cases[case].images]
    wanted += [cases[case].label for case, _ in stage.labels]
    if gone := [path for path in wanted if not Path(path).is_file()]:
        raise DataError(f"{stage.key} was made from {gone[0]}, which is gone ({len(gone)} files in all).")


def _device(key: str, made_on: str) -> str:
    try:
        return device_of(made_on)
    except UsageError as error:
        raise UsageError(f"{key} was made on {made_on}, which is not here: {error}") from error


@contextmanager
def _scratch(store: Store, chosen: Sequence[Stage]) -> Iterator[Store]:
    """A store for a while: the inputs that are not made again, and what is known of the data."""
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as place:
        scratch = Store(Path(place))
        (scratch.path / "stages").mkdir()
        scratch.workshop.path.mkdir()
        made_here = {stage.key for stage in chosen}
        for stage in chosen:
            for _, below in stage.inputs:
                link = scratch.folder(below.key)
                if below.key not in made_here and not link.exists():
                    link.symlink_to(store.folder(below.key).resolve())
        for name in {f"{stage.dataset_id}.json" for stage in chosen}:
            shutil.copy(store.workshop.path / name, scratch.workshop.path / name)
        yield scratch


def _make(
    chosen: Sequence[Stage],
    scratch: Store,
    described: FinishedStage,
    device: str,
    watch: Callable[[State], None],
) -> None:
    """As ``bench run`` makes them: in a fresh process, with the threads of the document."""
    threads = threads_of(described.spec)
    conduct = Conduct(
        deterministic="nondeterministic" in described.facts,  # noted under --deterministic
        plugins=methods.handed(),
    )
    methods.keep(scratch.plugins)
    engine = LocalEngine(scratch, run=described.run, device=device, jobs=1, threads=threads, conduct=conduct)
    state = scheduler.run(chosen, scratch, engine, watch, rows=lambda _stage: None)
    for key, why in state.failed.items():
        raise StageError(f"{key} could not be made again: {why}")


def _verdict(stage: Stage, store: Store, scratch: Store) -> Verdict:
    then, now = store.finished_stage(stage.key), scratch.finished_stage(stage.key)
    names = then.files.keys() | now.files.keys()
    folders = store.folder(stage.key), scratch.folder(stage.key)
    apart = (*differences(*folders, names), *fact_differences(then.facts, now.facts))
    return Verdict(stage, len(names), now.seconds, apart)


def _changed_since(then: FinishedStage, now: FinishedStage) -> dict[str, list[object]]:
    """The versions, machine and commit that changed since the stage was made: each then and now."""
    pairs: dict[str, tuple[object, object]] = {
        name: (then.versions.get(name, ""), version) for name, version in now.versions.items()
    }
    pairs |= {name: (then.machine.get(name, ""), value) for name, value in now.machine.items()}
    pairs["commit"] = (then.commit, provenance.commit())
    pairs["version of the stage"] = (str(then.version), str(VERSIONS[then.kind]))
    return {name: list(pair) for name, pair in pairs.items() if pair[0] != pair[1]}


def _plain(one: Verdict) -> dict[str, object]:
    return {
        "equal": not one.apart,
        "files": one.files,
        "seconds": one.seconds,
        "apart": [asdict(difference) for difference in one.apart],
    }
