"""A sweep asked for with Python values: what a notebook calls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.execution.sweep_plan import planned_sweep
from bench.execution.sweep_run import carry_out, nothing_made, result_of, watched_by
from bench.plan.request import Request
from bench.plan.spelling import assignments, comma_separated, seeds_text, share_text

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from bench.execution.scheduler import State
    from bench.execution.sweep_run import SweepResult


def run_sweep(  # noqa: PLR0913 - the options of `bench run`
    *,
    methods: str | Sequence[str] | None = None,
    xi: str | float | Decimal | Sequence[str | float | Decimal] | None = None,
    datasets: str | Sequence[str] | None = None,
    experiment: str | None = None,
    noise: str | Sequence[str] = (),
    references: str = "teachers",
    recipe: str | os.PathLike[str] = "",
    settings: Mapping[str, object] | None = None,
    seeds: str | int | Sequence[int] | None = None,
    plugins: Sequence[str | os.PathLike[str]] = (),
    jobs: int = 0,
    device: str = "auto",
    engine: str = "local",
    store: str | os.PathLike[str] = "results",
    dry_run: bool = False,
    mlflow: bool = True,
    checkpoint_seconds: float = 60.0,
    deterministic: bool = False,
    allow_leaks: bool = False,
    progress: Callable[[State], None] | None = None,
) -> SweepResult:
    """Train and score methods over shares of manual labels; stages that the store has are not computed again.

    What is computed runs in worker processes. An interruption (``KeyboardInterrupt``) keeps all finished
    stages and checkpoints; the same call goes on from there.

    Args:
        methods: Names, or "all" (the paper's four, where None) or "every".
        xi: Shares of training cases that keep their manual label, each in (0, 1): a number, several, or
            "0.1:0.9" (where None).
        datasets: Names, or "decathlon:DIR" and the like; "phantom-heart" where None.
        experiment: A table or figure of the paper instead of ``methods``: "table1", ..., "figure7", "paper".
        noise: Noise of known truth in place of pseudo labels, as "markov:0.1,0.2".
        references: What is trained on the manual labels alone: "teachers", or "methods" too.
        recipe: "smoke", "quick", "standard", "paper", or a TOML file; by the device where empty.
        settings: Changes of the recipe by dotted name, as ``{"student.steps": 500}``.
        seeds: How many, from 0 up, or a list of them; the recipe's number where None.
        plugins: Python files with methods of one's own, whose code is run.
        jobs: Stages at a time; 0 takes what the cores bear.
        device: "auto", "cpu", "cuda" or "cuda:0".
        engine: "local".
        store: Folder of all results.
        dry_run: Plan only; nothing is computed or written.
        mlflow: Whether to fill the MLflow mirror.
        checkpoint_seconds: Between two checkpoints of a training; changes no result.
        deterministic: Deterministic algorithms on a GPU too.
        allow_leaks: Go on where test cases are copies of training cases; every table says so.
        progress: Called a few times a second with how far the run is.

    Returns:
        The name of the run, its store, and how many stages were made, cached, failed or blocked, with
        reasons. A stage that fails raises nothing: the others are computed all the same.

    Raises:
        UsageError: A name or value that cannot be, or the store is in use by another process.
        DataError: Data are missing or invalid.
        StoreError: The store cannot be written any more; what is finished is kept.

    Example:
        >>> import bench
        >>> result = bench.run_sweep(methods=["densevoxnet", "tsman"], xi=0.3, recipe="smoke", mlflow=False)
        >>> result.is_complete, dict(result.failed)
        (True, {})
    """
    request = Request(
        methods=None if methods is None else comma_separated(methods),
        xi=None if xi is None else share_text(xi),
        datasets=None if datasets is None else comma_separated(datasets),
        experiment=experiment,
        recipe=str(recipe),
        seeds="" if seeds is None else seeds_text(seeds),
        changes=assignments(settings or {}),
        jobs=jobs,
        device=device,
        engine=engine,
        store=Path(store),
        dry_run=dry_run,
        as_json=False,
        mlflow=mlflow,
        checkpoint_seconds=checkpoint_seconds,
        deterministic=deterministic,
        plugins=tuple(Path(path) for path in plugins),
        noise=(noise,) if isinstance(noise, str) else tuple(noise),
        references=references,
        allow_leaks=allow_leaks,
    )
    with planned_sweep(request) as plan:
        if dry_run:
            plan.refuse_leaks()
            return nothing_made(plan)
        return result_of(plan, carry_out(plan, watched_by(progress)))
