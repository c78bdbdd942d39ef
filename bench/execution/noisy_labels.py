"""Noisy labels of a data set's training cases as files, with the clean ones beside them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from bench.data.dataset import DataSettings
from bench.data.images.volumes import canonical_spacing_mm, read_label, write_label
from bench.data.noise import KINDS, corrupt, limit_of, parse, realised
from bench.errors import UsageError, unknown
from bench.files.names import checked_name
from bench.plan.words import datasets_of
from bench.seeding import generator
from bench.settings.serialise import assignment, build, merged, plain, plain_value
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.data.dataset import Dataset
    from bench.data.noise.realised import MeasuredNoise
    from bench.data.noise.simulator import Simulator


MEASURED: Final = "noise.json"


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

    kind: str
    rate: str
    seed: int
    dataset: Dataset
    structures: tuple[int, ...]
    simulators: Mapping[str, Simulator]


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
    return Order(kind, rate, request.seed, dataset, chosen, used)


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
    """Write one case; what its noise was measured to be, by structure.

    The chance hangs on data set, seed, kind, rate and case, as in the stage `noise` of a sweep.
    """
    classes = len(order.dataset.structures) + 1
    files = order.dataset.cases[case]
    clean_ijk, grid = read_label(Path(files.label), classes=classes, spacing_from=files.spacing_from)
    spacing_mm = canonical_spacing_mm(grid)
    chance = generator(f"noise/{order.dataset.name}/{order.seed}", f"{order.kind}:{order.rate}/{case}")
    noisy_ijk = corrupt(
        clean_ijk,
        spacing_mm,
        order.kind,
        float(order.rate),
        chance,
        classes,
        order.simulators,
        order.structures,
    )
    theta_ijk = (noisy_ijk != clean_ijk).astype(np.uint8)
    for name, map_ijk in (("labels", noisy_ijk), ("truth", clean_ijk), ("theta", theta_ijk)):
        (folder / name).mkdir(exist_ok=True)
        write_label(map_ijk, grid, folder / name / f"{checked_name(case, 'case')}.nii.gz")
    limit = limit_of(order.kind, order.simulators)
    every = range(1, classes)
    found = realised(clean_ijk, noisy_ijk, spacing_mm, every, wanted=float(order.rate), limit=limit)
    if order.structures:  # those that are left alone were not asked for anything
        alone = realised(clean_ijk, noisy_ijk, spacing_mm, every)
        found |= {number: alone[number] for number in alone if int(number) not in order.structures}
    return {order.dataset.structures[int(number) - 1]: one for number, one in found.items()}


def document_of(order: Order, cases: dict[str, dict[str, MeasuredNoise]]) -> dict[str, object]:
    """``noise.json``."""
    chosen = order.structures or tuple(range(1, len(order.dataset.structures) + 1))
    return {
        "kind": order.kind,
        "rate": format(Decimal(order.rate), "f"),
        "seed": order.seed,
        "dataset": order.dataset.name,
        "data": order.dataset.id,
        "settings": {name: plain(simulator) for name, simulator in order.simulators.items()},
        "structures": [order.dataset.structures[number - 1] for number in chosen],
        "cases": plain_value(cases),
    }
