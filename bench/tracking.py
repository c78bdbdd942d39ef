"""The MLflow mirror of a run: written by the driver alone, in batches, when the work is done.

Records are truth; this can be deleted and is filled again by the next run. The only file that knows mlflow.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench import record
from bench.data.folder import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.store import Store

EXPERIMENT = "bench"
BATCH = 1000  # MLflow's own limit of metrics a call


def default_uri(store: Store) -> str:
    """SQLite inside the store."""
    return f"sqlite:///{store.path.resolve() / 'mlflow.db'}"


def _marks(store: Store, run: str, uri: str) -> Path:
    return store.path / "runs" / run / f"mirrored-{hashlib.sha256(uri.encode()).hexdigest()[:8]}.json"


def _mirrored(store: Store, run: str, uri: str) -> dict[str, str]:
    """Stage key -> MLflow run id of what the mirror at ``uri`` has of this run; needs no mlflow."""
    path = _marks(store, run, uri)
    if uri == default_uri(store) and not (store.path / "mlflow.db").is_file():
        return {}
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def mirror(
    store: Store, run: str, titles: Mapping[str, str], description: Mapping[str, Any], uri: str = ""
) -> int:
    """Write one parent for the run and one child for each finished stage that the mirror lacks.

    Args:
        store: Where the stages are.
        run: The run's name.
        titles: What a reader calls each stage of the run, by key.
        description: What was asked for.
        uri: MLflow's tracking URI; the store's own SQLite where it is empty.

    Returns:
        The number of stages written.
    """
    uri = uri or default_uri(store)
    there = _mirrored(store, run, uri)
    missing = [key for key in titles if key not in there and store.has(key)]
    if not missing and "parent" in there:
        return 0
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # no word leaves this machine unasked
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from mlflow import MlflowClient

    book = _Book(MlflowClient(uri), store, run)
    if "parent" not in there:
        there["parent"] = book.parent(description)
    for key in missing:
        write_text(_marks(store, run, uri), json.dumps(there))
        there[key] = book.child(key, titles[key], there["parent"])
    book.finish_parent(there["parent"], complete=all(key in there for key in titles))
    write_text(_marks(store, run, uri), json.dumps(there))
    return len(missing)


@dataclass(frozen=True, slots=True)
class _Book:
    """One MLflow client and the store that it copies from."""

    client: Any
    store: Store
    run: str

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        artifacts = (self.store.path / "mlartifacts").resolve().as_uri()
        return str(self.client.create_experiment(EXPERIMENT, artifact_location=artifacts))

    def parent(self, description: Mapping[str, Any]) -> str:
        """The run of a whole ``bench run``."""
        made = self.client.create_run(self._experiment(), run_name=self.run, tags={"bench.run": self.run})
        identifier = str(made.info.run_id)
        self._log(identifier, params=_flat(description))
        self.client.log_dict(identifier, dict(description), "request.json")
        return identifier

    def finish_parent(self, identifier: str, *, complete: bool) -> None:
        """Attach the records and close, as failed where stages are missing."""
        for name in ("records.csv", "records.parquet"):
            if (self.store.path / name).is_file():
                self.client.log_artifact(identifier, str(self.store.path / name))
        self.client.set_terminated(identifier, status="FINISHED" if complete else "FAILED")

    def child(self, key: str, title: str, parent: str) -> str:
        """The run of one stage: parameters, the loss of every step, mean scores, its small files."""
        from mlflow.entities import Metric

        described = self.store.stage(key)
        identity = described["settings"].get("identity", {})
        tags = {
            "mlflow.parentRunId": parent,
            "bench.stage": key,
            "bench.kind": described["kind"],
            "bench.commit": described["commit"],
            **{f"bench.{name}": str(value) for name, value in identity.items()},
        }
        self._forget_unfinished(key, parent)
        made = self.client.create_run(self._experiment(), run_name=title, tags=tags)
        identifier = str(made.info.run_id)
        now = made.info.start_time
        metrics = [Metric(name, value, now, step) for name, value, step in self._metrics(key, described)]
        self._log(identifier, metrics=metrics, params=_flat(described["settings"]))
        folder = self.store.folder(key)
        for path in sorted(folder.iterdir()):
            if path.suffix in {".json", ".csv"}:
                self.client.log_artifact(identifier, str(path))
        self.client.set_terminated(identifier)
        return identifier

    def _forget_unfinished(self, key: str, parent: str) -> None:
        """A driver that was killed while it wrote this child left one that nobody marked."""
        words = f"tags.`bench.stage` = '{key}' and tags.`mlflow.parentRunId` = '{parent}'"
        for left in self.client.search_runs([self._experiment()], filter_string=words):
            self.client.delete_run(left.info.run_id)

    def _metrics(self, key: str, described: Mapping[str, Any]) -> Iterator[tuple[str, float, int]]:
        yield "seconds", float(described["seconds"]), 0
        yield "peak_memory_mib", float(described["peak_memory_mib"]), 0
        losses = self.store.folder(key) / "losses.csv"
        if losses.is_file():
            with losses.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    if row["loss"]:
                        yield "loss", float(row["loss"]), int(row["step"])
        scores = self.store.folder(key) / "records.csv"
        if scores.is_file():
            values: dict[str, list[float]] = {}
            for row_read in record.read(scores):
                if row_read.value is not None:
                    values.setdefault(f"{row_read.metric}.{row_read.structure}", []).append(row_read.value)
            for name, all_values in values.items():
                yield name, sum(all_values) / len(all_values), 0

    def _log(
        self, identifier: str, *, metrics: Sequence[Any] = (), params: Mapping[str, str] | None = None
    ) -> None:
        from mlflow.entities import Param

        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(identifier, metrics=list(metrics[start : start + BATCH]))
        listed = [Param(name, value) for name, value in (params or {}).items()]
        for start in range(0, len(listed), 100):
            self.client.log_batch(identifier, params=listed[start : start + 100])


def _flat(settings: Any, prefix: str = "") -> dict[str, str]:  # noqa: ANN401 - JSON
    """Nested settings as MLflow's flat parameters, dots between the names, long values cut at its limit."""
    if isinstance(settings, dict):
        flat: dict[str, str] = {}
        for key, value in settings.items():
            flat |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
        return flat
    if isinstance(settings, list) and settings and isinstance(settings[0], dict):
        return {k: v for n, one in enumerate(settings) for k, v in _flat(one, f"{prefix}.{n}").items()}
    return {prefix: str(settings)[:500]}
