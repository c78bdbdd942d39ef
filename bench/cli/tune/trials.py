"""The trials of a search for a method's settings: proposed by Optuna, kept as rows, resumed from them."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.errors import DataError, UsageError
from bench.files.atomic import write_text
from bench.settings.serialise import build, merged, plain
from methods.search import Choice, Range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from methods.interface import Method
    from methods.search import SearchSpace, Value

FILE: Final = "trials.csv"
COLUMNS: Final = ("trial", "status", "value", "settings", "stage", "reason")
"""Of ``trials.csv``: the number, ``ok`` or ``failed``, the score, the settings as JSON, the scores stage."""
RANDOM: Final = 10
"""Trials drawn at random before a search learns from those that were made."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One development training with some settings, and what it reached."""

    number: int
    settings: Mapping[str, Value]
    value: float | None  # None: it failed
    stage: str = ""
    reason: str = ""


def space_of(method: Method) -> SearchSpace:
    """What a method declares may be searched, each name and value held to its settings.

    Raises:
        UsageError: It declares nothing, or what its settings do not have.
    """
    space: SearchSpace = getattr(method, "search_space", {})
    if not space:
        raise UsageError(f"method {method.name!r} declares no search_space: it has nothing to tune.")
    what = f"search space of {method.name}"
    for name, values in space.items():
        if not isinstance(values, Range | Choice):
            raise UsageError(f"{what}: {name} is {values!r}; expected a Range or a Choice.")
        for value in _ends(values, default_of(method, name, what)):
            build(type(method), merged(plain(method), nested({name: value})), what)
    return space


def _ends(values: Range | Choice, default: Value) -> tuple[Value, ...]:
    """All of a choice, or both ends of a range, whole where the setting is."""
    if isinstance(values, Choice):
        return values.values
    is_whole = isinstance(default, int) and values.low == int(values.low) and values.high == int(values.high)
    return (int(values.low), int(values.high)) if is_whole else (values.low, values.high)


def default_of(method: Method, name: str, what: str = "search space") -> Value:
    """The default of a setting by its dotted name.

    Raises:
        UsageError: There is none.
    """
    here: Any = method
    for part in name.split("."):
        names = [one.name for one in fields(here)] if is_dataclass(here) else []
        if part not in names:
            known = ", ".join(names) or "none"
            raise UsageError(f"{what}: unknown setting {name!r}; {part!r} is none of {known}.")
        here = getattr(here, part)
    found: Value = here
    return found


def nested(settings: Mapping[str, Value]) -> dict[str, Any]:
    """Settings by dotted names as tables in tables."""
    result: dict[str, Any] = {}
    for name, value in settings.items():
        change: Any = value
        for part in reversed(name.split(".")):
            change = {part: change}
        result = merged(result, change)
    return result


def proposed(method: Method, space: SearchSpace, made: Sequence[Trial], seed: int) -> dict[str, Value]:
    """The settings of the next trial: the defaults first, then what Optuna's TPE draws.

    The same trials and seed propose the same, so that an interrupted search goes on as it would have.

    Raises:
        UsageError: Optuna is not installed.
    """
    if not made:
        return {name: default_of(method, name) for name in space}
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    number = len(made)
    sampler = optuna.samplers.TPESampler(seed=seed * 1_000_003 + number, n_startup_trials=RANDOM)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    distributions = {name: _distribution(optuna, method, name, values) for name, values in space.items()}
    states = optuna.trial.TrialState
    for trial in made:
        # A default outside its own range is a trial that no distribution holds; the others are told.
        if all(_holds(space[name], value) for name, value in trial.settings.items()):
            state = states.FAIL if trial.value is None else states.COMPLETE
            study.add_trial(
                optuna.trial.create_trial(
                    params=dict(trial.settings), distributions=distributions, value=trial.value, state=state
                )
            )
    found: dict[str, Value] = study.ask(distributions).params
    return found


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The trial of the highest score, the first of equal ones; ``None`` if all failed."""
    done = [trial for trial in trials if trial.value is not None]
    return max(done, key=lambda trial: (trial.value, -trial.number)) if done else None


def read(folder: Path, space: SearchSpace) -> list[Trial]:
    """The trials of an earlier call, in their order.

    Raises:
        DataError: The file is not what ``write`` wrote.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        trials = [_trial(row) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no table of trials ({error}); remove it to begin anew.") from error
    if [trial.number for trial in trials] != list(range(len(trials))) or any(
        set(trial.settings) != set(space) for trial in trials
    ):
        raise DataError(f"{path} has other trials than this search makes; remove it to begin anew.")
    return trials


def write(folder: Path, trials: Sequence[Trial]) -> None:
    """All trials, in place of those written before."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in trials:
        status, value = ("failed", "") if one.value is None else ("ok", repr(one.value))
        settings = json.dumps(dict(one.settings), sort_keys=True)
        writer.writerow((one.number, status, value, settings, one.stage, one.reason))
    write_text(folder / FILE, buffer.getvalue())


def _trial(row: Mapping[str, str]) -> Trial:
    value = float(row["value"]) if row["status"] == "ok" else None
    if value is not None and not math.isfinite(value):
        raise ValueError(f"a score of {value}")
    return Trial(int(row["trial"]), json.loads(row["settings"]), value, row["stage"], row["reason"])


def _holds(values: Range | Choice, value: Value) -> bool:
    if isinstance(values, Choice):
        return value in values.values
    return not isinstance(value, str) and values.low <= value <= values.high


def _distribution(optuna: Any, method: Method, name: str, values: Range | Choice) -> Any:  # noqa: ANN401 - Optuna's
    made = optuna.distributions
    if isinstance(values, Choice):
        return made.CategoricalDistribution(values.values)
    if isinstance(default_of(method, name), int):
        return made.IntDistribution(int(values.low), int(values.high), log=values.log)
    return made.FloatDistribution(values.low, values.high, log=values.log)


def _optuna() -> Any:  # noqa: ANN401 - a module
    try:
        import optuna
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise UsageError(
            "bench tune needs Optuna; install it with pip install 'tsman-bench[tune]'."
        ) from error
    return optuna
