"""The steps, passes and hours that a plan takes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.plan.cost import Prices, Source, prices

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bench.plan.request import Asked
    from bench.plan.sweep import Sweep
    from bench.store.stage import Stage
    from bench.store.store import Store


def prices_of(sweep: Sweep, stages: Sequence[Stage], store: Store, device: str) -> Prices:
    """About what the stages of the sweep take here.

    A header is read only where volumes have to be compared, and the first training case stands for all.
    """

    def shape(name: str) -> tuple[int, int, int]:
        from bench.data.images.volumes import read_grid

        dataset = next(one for one in sweep.datasets if one.name == name)
        files = dataset.cases[dataset.train[0]]
        grid = read_grid(Path(files.images[0]), spacing_from=files.spacing_from)
        size_i, size_j, size_k = grid.canonical_shape
        zoom_i, zoom_j, zoom_k = files.zoom
        return round(size_i * zoom_i), round(size_j * zoom_j), round(size_k * zoom_k)

    return prices(stages, store, device, shape)


def cost_of(sweep: Sweep, stages: Sequence[Stage], store: Store, asked: Asked) -> dict[str, Any]:
    """Network steps, passes and hours of the sweep as plain JSON."""
    return estimate(stages, store.finished(), prices_of(sweep, stages, store, asked.device), asked.jobs)


def estimate(stages: Sequence[Stage], there: Collection[str], known: Prices, jobs: int) -> dict[str, Any]:
    """Network steps and passes of a plan, and the hours that they take; all of it, and what is left to do.

    The hours are of ``jobs`` workers that are busy all along; ``None`` where no unit cost is known.
    """
    left = [stage for stage in stages if stage.key not in there]
    by_source: dict[Source, float] = defaultdict(float)
    for stage in stages:
        seconds, source = known.priced(stage)
        by_source[source] += seconds
    table = {name: known.table[name] for name in ("processor", "device", "when")} if known.table else None
    return {
        "whole": _sums(stages, known, jobs),
        "left": _sums(left, known, jobs),
        "jobs": jobs,
        "unit_costs": {
            "share_of_time": {
                name: round(value / max(sum(by_source.values()), 1e-9), 3)
                for name, value in by_source.items()
                if value
            },
            "table": table if {"table", "guess"} & by_source.keys() else None,
        },
    }


def _sums(stages: Sequence[Stage], known: Prices, jobs: int) -> dict[str, Any]:
    works = [known.work(stage) for stage in stages]
    prices_of = [known.priced(stage) for stage in stages if known.work(stage).amount]
    unknown = any(source == "nothing" for _, source in prices_of)
    hours = sum(seconds for seconds, _ in prices_of) / jobs / 3600
    return {
        "stages": len(stages),
        "network_steps": sum(work.network_steps for work in works),
        "network_passes": sum(work.network_passes for work in works),
        "hours": None if unknown else round(hours, 3),
    }
