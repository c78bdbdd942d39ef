"""Noisy labels of a data set's training cases as files, with the clean ones beside them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.dataset import DataSettings
from bench.data.images.volumes import read_label
from bench.data.noise import KINDS, parse
from bench.errors import UsageError, unknown
from bench.plan.words import datasets_of
from bench.settings.serialise import assignment, build, merged, plain, plain_value
from bench.stages.inject import InjectedNoise, write_noisy_case
from bench.store.store import Store

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.data.noise.realised import MeasuredNoise


@dataclass(frozen=True, slots=True)
class Request:
    """The words of ``bench noise make``."""

    noise: str
    dataset: str
    to: Path
    seed: int
    structures: str
    changes: tuple[str, ...]
    store: Path


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made."""

    dataset: Dataset
    noise: InjectedNoise


def order_of(request: Request) -> Order:
    """The words made out, before anything is written.

    Raises:
        UsageError: A word that cannot be.
    """
    wanted = parse(request.noise)
    if len(wanted) != 1:
        raise UsageError(f"noise {request.noise!r} is {len(wanted)} noises; a folder holds one: KIND:RATE.")
    kind, rate = wanted[0]
    settings, changes = _settings(request.changes)
    used = {name: build(KINDS[name], changes.get(name, {}), f"noise {name}") for name in kind.split("+")}
    if idle := sorted(set(changes) - set(used)):
        raise UsageError(f"--set noise.{idle[0]} changes nothing: the noise is {kind!r}.")
    opened = datasets_of(request.dataset, settings, Store(request.store).workshop)
    if len(opened) != 1:
        raise UsageError(f"--dataset {request.dataset!r} names {len(opened)} data sets; a folder holds one.")
    dataset = opened[0].drawn(request.seed)
    chosen = _numbers(request.structures, dataset.structures)
    noise = InjectedNoise(
        dataset=dataset.name,
        structures=dataset.structures,
        seed=request.seed,
        kind=kind,
        rate=rate,
        simulators=used,
        chosen=chosen,
    )
    return Order(dataset, noise)


def _settings(changes: tuple[str, ...]) -> tuple[DataSettings, dict[str, dict[str, object]]]:
    """What ``--set`` says of the data and of each kind of noise.

    Raises:
        UsageError: It says something of anything else.
    """
    given: dict[str, object] = {}
    for text in changes:
        path, change = assignment(text)
        if path[0] not in ("noise", "data"):
            raise UsageError(
                f"--set {text!r} is of no use here; expected noise.KIND.NAME=... or data.NAME=..."
            )
        for key in reversed(path):
            change = {key: change}
        given = merged(given, change)
    of_noise, of_data = given.get("noise", {}), given.get("data", {})
    if not isinstance(of_data, dict) or not isinstance(of_noise, dict):
        raise UsageError(
            "--set noise and --set data hold settings; write noise.KIND.NAME=... or data.NAME=..."
        )
    for kind, settings in of_noise.items():
        if kind not in KINDS:
            raise unknown("kind of noise", kind, KINDS)
        if not isinstance(settings, dict):
            raise UsageError(f"noise.{kind} holds settings of its own; write noise.{kind}.NAME={settings}.")
    return build(DataSettings, of_data, "data"), of_noise


def _numbers(text: str, known: tuple[str, ...]) -> tuple[int, ...]:
    """Labels of the named structures; none means all."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if name not in known:
            raise unknown("structure", name, known)
    return tuple(sorted({known.index(name) + 1 for name in names}))


def write_case(order: Order, case: str, folder: Path) -> dict[str, MeasuredNoise]:
    """Write one case as the stage ``noise`` of a sweep does; returns its measured noise, by structure."""
    classes, files = len(order.noise.structures) + 1, order.dataset.cases[case]
    clean_ijk, grid = read_label(Path(files.label), classes=classes, spacing_from=files.spacing_from)
    return write_noisy_case(order.noise, case, clean_ijk, grid, folder)


def document_of(order: Order, cases: dict[str, dict[str, MeasuredNoise]]) -> dict[str, object]:
    """``noise.json``."""
    noise = order.noise
    chosen = noise.chosen or tuple(range(1, len(noise.structures) + 1))
    return {
        "kind": noise.kind,
        "rate": format(Decimal(noise.rate), "f"),
        "seed": noise.seed,
        "dataset": noise.dataset,
        "data": order.dataset.id,
        "settings": {name: plain(simulator) for name, simulator in noise.simulators.items()},
        "structures": [noise.structures[number - 1] for number in chosen],
        "cases": plain_value(cases),
    }
