"""The book of MLflow runs that mirrors a store: one parent for a ``bench run``, one child for each stage.

The only file that knows mlflow. Whatever is written is found again by its tags, so nothing is ever doubled.
"""

from __future__ import annotations

import csv
import logging
import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bench.settings.serialise import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.store.documents import FinishedStage
    from bench.store.store import Store

EXPERIMENT = "bench"
BATCH = 1000  # MLflow's own limit of metrics a call, and of runs a page
MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # no word leaves this machine unasked
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout may hold one JSON document and nothing else
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # its own 7 of 120 s each would hold a run for minutes
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # a busy server may ask for an hour
}
"""MLflow's environment where the user has not said otherwise."""
PARENT = "parent"


def is_server(uri: str) -> bool:
    """Whether a tracking URI names a server, which keeps artifacts where it likes."""
    return not uri.startswith(("sqlite:", "file:", "mysql:", "postgresql:", "mssql:", "/", "."))


def opened(store: Store, run: str, uri: str, artifacts: Path) -> Book:
    """The book at a tracking URI.

    Args:
        store: What is copied from.
        run: The name of the run that is copied.
        uri: MLflow's tracking URI.
        artifacts: Where files go, unless the URI names a server.
    """
    for name, value in MANNERS.items():
        os.environ.setdefault(name, value)
    for talker in ("alembic", "urllib3", "mlflow", "sqlalchemy"):
        logging.getLogger(talker).setLevel(logging.CRITICAL)
    from mlflow import MlflowClient

    place = None if is_server(uri) else artifacts.resolve().as_uri()
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(EXPERIMENT)
    made = found.experiment_id if found else client.create_experiment(EXPERIMENT, artifact_location=place)
    return Book(client, str(made), store, run)


@dataclass(frozen=True, slots=True)
class Book:
    """One MLflow client and the store that it copies from."""

    client: Any
    experiment: str
    store: Store
    run: str

    def holds(self, identifier: str) -> bool:
        """Whether the book has this run, not thrown away."""
        from mlflow.exceptions import MlflowException

        try:
            return bool(self.client.get_run(identifier).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise

    def found(self) -> dict[str, str]:
        """What is there of the run: ``parent`` and keys of stages -> MLflow run ids.

        What an interrupted driver, or a request that was answered into the void and sent again, left
        beside it is thrown away: children half-written or written twice, parents without children.
        """
        parents = [str(one.info.run_id) for one in self._search("bench.run", self.run)]
        if not parents:
            return {}
        children = {parent: self._search("mlflow.parentRunId", parent) for parent in parents}
        chosen = max(parents, key=lambda parent: sum(map(_is_whole, children[parent])))  # else the oldest
        for parent in parents:
            if parent != chosen and not children[parent]:
                self.client.delete_run(parent)
        there = {PARENT: chosen}
        for child in children[chosen]:
            key = child.data.tags.get("bench.stage", "")
            if not _is_whole(child) or key in there:
                self.client.delete_run(child.info.run_id)
            else:
                there[key] = str(child.info.run_id)
        return there

    def _search(self, tag: str, value: str) -> list[Any]:
        """All runs that bear a tag, the oldest first."""
        found: list[Any] = []
        page, token = None, ""
        while page is None or token:
            page = self.client.search_runs(
                [self.experiment],
                filter_string=f"tags.`{tag}` = '{value}'",
                max_results=BATCH,
                order_by=["attributes.start_time ASC"],
                page_token=token or None,
            )
            found += page
            token = page.token or ""
        return found

    def new_parent(self) -> str:
        """Begin the run of a whole ``bench run``."""
        made = self.client.create_run(self.experiment, run_name=self.run, tags={"bench.run": self.run})
        return str(made.info.run_id)

    def describe_parent(self, identifier: str, description: Mapping[str, Any], *, complete: bool) -> None:
        """Attach request and records and close the run, as failed where stages are missing."""
        self._log(identifier, params=_flat(description))
        self.client.log_dict(identifier, dict(description), "request.json")
        for name in ("records.csv", "records.parquet"):
            if (self.store.path / name).is_file():
                self.client.log_artifact(identifier, str(self.store.path / name))
        self.client.set_terminated(identifier, status="FINISHED" if complete else "FAILED")

    def child(self, key: str, title: str, parent: str) -> str:
        """The run of one stage: parameters, the loss of every step, mean scores, its small files."""
        from mlflow.entities import Metric

        described = self.store.finished_stage(key)
        identity = plain(described.identity) if "identity" in described.settings else {}
        tags = {
            "mlflow.parentRunId": parent,
            "bench.stage": key,
            "bench.kind": described.kind,
            "bench.commit": described.commit,
            **{f"bench.{name}": str(value) for name, value in identity.items()},
        }
        began = int(datetime.fromisoformat(described.started).timestamp() * 1000)
        made = self.client.create_run(self.experiment, start_time=began, run_name=title, tags=tags)
        identifier = str(made.info.run_id)
        values = self._metrics(key, described)
        self._log(
            identifier,
            metrics=[Metric(name, value, began, step) for name, value, step in values],
            params=_flat(described.settings),
        )
        for path in sorted(self.store.folder(key).iterdir()):
            if path.suffix in {".json", ".csv"}:
                self.client.log_artifact(identifier, str(path))
        self.client.set_terminated(identifier, end_time=began + round(1000 * described.seconds))
        return identifier

    def _metrics(self, key: str, described: FinishedStage) -> Iterator[tuple[str, float, int]]:
        from bench.store import record  # numpy, without which `bench doctor` can still say so

        yield "seconds", described.seconds, 0
        yield "peak_memory_mib", described.peak_memory_mib, 0
        losses = self.store.folder(key) / "losses.csv"
        if losses.is_file():
            with losses.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    if row["loss"]:
                        yield "loss", float(row["loss"]), int(row["step"])
        scores = self.store.folder(key) / "records.csv"
        if scores.is_file():
            values: dict[str, list[float]] = {}
            for row_read in record.with_iou(record.read(scores)):
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


def _is_whole(child: Any) -> bool:  # noqa: ANN401 - MLflow's run
    return bool(child.info.status == "FINISHED" and "bench.stage" in child.data.tags)


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
