"""What a running stage is given: the scans and labels that its place in the graph allows."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bench.data.dataset import recall
from bench.data.images.volumes import (
    Volume,
    read_image,
    read_label,
)
from bench.data.sources.cases import as_planned, fingerprints_path, image_print, label_print
from bench.data.sources.fingerprints import Fingerprints
from bench.errors import LabelWithheldError, StageError, StoppedError
from bench.settings.stage_specs import read
from bench.stages.facts import Facts
from bench.store.documents import StageDocument
from bench.store.integrity import damage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from bench.data.dataset import CaseFiles, Dataset
    from bench.data.images.grids import Grid
    from bench.store.store import Store

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How stages are carried out: it changes no result and is part of no key."""

    checkpoint_seconds: float = 60.0
    deterministic: bool = False
    plugins: Mapping[str, str] = field(default_factory=dict)  # origin -> file: the only ones that may be run


@dataclass(slots=True)
class Progress:
    """Says how far a stage is, at most a few times a second, in a file that any engine can read."""

    path: Path
    stopping: threading.Event
    last: float = 0.0

    def __call__(self, step: int, steps: int, note: str = "") -> None:
        """Step ``step`` of ``steps`` is done.

        Raises:
            StoppedError: The stage is asked to stop.
        """
        if self.stopping.is_set():
            raise StoppedError(f"stopped after {step} of {steps}; run the same command again to go on.")
        with suppress(OSError):  # a note is not worth a stage: a full disk is met where a result is written
            self._write(step, steps, note)

    def _write(self, step: int, steps: int, note: str) -> None:
        now = time.monotonic()
        if now - self.last < 0.3 and step < steps:
            return
        self.last = now
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_suffix(".aside")
        aside.write_text(json.dumps({"step": step, "steps": steps, "note": note}))
        aside.replace(self.path)


@dataclass(frozen=True, slots=True)
class Lab:
    """The doors of one stage."""

    document: StageDocument
    store: Store
    dataset: Dataset
    folder: Path  # where the stage writes
    device: str
    progress: Progress
    conduct: Conduct
    _prints: Fingerprints
    facts: Facts = field(default_factory=Facts)  # what the stage says of itself for stage.json
    _sound: set[Path] = field(default_factory=set)  # inputs that were read byte by byte

    def spec_as(self, kind: type[S]) -> S:
        """The settings of the stage, of a known kind.

        Raises:
            DataError: They are those of another kind of stage.
        """
        return self.document.spec_as(kind)

    @property
    def key(self) -> str:
        """The key of the stage."""
        return self.document.key

    @property
    def is_asked_to_stop(self) -> bool:
        """Whether the stage should keep what it has and end."""
        return self.progress.stopping.is_set()

    @property
    def image_cases(self) -> list[str]:
        """The cases whose image may be read, sorted."""
        return sorted(self.document.images)

    @property
    def label_cases(self) -> list[str]:
        """The cases whose label may be read, sorted."""
        return sorted(self.document.labels)

    def image(self, case: str) -> Volume:
        """The image of a case, as a network is shown it.

        Raises:
            LabelWithheldError: The stage may not see this case.
            DataError: Its files changed since the run was planned.
        """
        if case not in self.document.images:
            raise LabelWithheldError(f"{self.key} may not read the image of {case}.")
        files = self.dataset.cases[case]
        planned, now = self.document.images[case], partial(image_print, self._prints, files)
        with as_planned(f"the image of {case}", planned, now):
            return image_of(files)

    def label(self, case: str) -> NDArray[np.uint8]:
        """The data set's label of a case, canonical (I, J, K), where the scan lies.

        Raises:
            LabelWithheldError: The label is withheld from this stage.
            DataError: Its file changed since the run was planned.
        """
        return self.label_on_grid(case)[0]

    def label_on_grid(self, case: str) -> tuple[NDArray[np.uint8], Grid]:
        """The same, and the grid that its file has.

        Raises:
            LabelWithheldError: The label is withheld from this stage.
            DataError: Its file changed since the run was planned.
        """
        if case not in self.document.labels:
            raise LabelWithheldError(f"{self.key} may not read the label of {case}: it is withheld here.")
        from pathlib import Path

        files = self.dataset.cases[case]
        planned, now = self.document.labels[case], partial(label_print, self._prints, files)
        with as_planned(f"the label of {case}", planned, now):
            classes = len(self.dataset.structures) + 1
            return read_label(Path(files.label), classes=classes, spacing_from=files.spacing_from)

    def input(self, name: str) -> Path:
        """The folder of an input stage.

        Raises:
            StageError: It is no longer what was written.
        """
        folder = self.store.folder(self.document.inputs[name])
        if folder not in self._sound:
            if what := damage(folder):
                raise StageError(f"its input {folder.name} is damaged ({what}); run again to have both made.")
            self._sound.add(folder)
        return folder

    def inputs(self, prefix: str) -> list[Path]:
        """The folders of all inputs whose name begins so, in the order of the names."""
        return [self.input(name) for name in sorted(self.document.inputs) if name.startswith(prefix)]


def image_of(files: CaseFiles) -> Volume:
    """The image of a case, wherever it is read."""
    from pathlib import Path

    mask = Path(files.mask) if files.mask else None
    paths = [Path(path) for path in files.images]
    return read_image(paths, mask, files.zoom, spacing_from=files.spacing_from)


def open_lab(
    document: Mapping[str, object],
    store: Store,
    folder: Path,
    device: str,
    *,
    conduct: Conduct | None = None,
    stopping: threading.Event | None = None,
) -> Lab:
    """The lab of a stage, from its document and the store alone."""
    planned = read(StageDocument, document, "the document of a stage")
    dataset = recall(planned.dataset_id, store.workshop)
    progress = Progress(store.scratch(planned.key) / "progress.json", stopping or threading.Event())
    prints = Fingerprints(fingerprints_path(store.workshop))
    return Lab(planned, store, dataset, folder, device, progress, conduct or Conduct(), prints)


def spent_before(lab: Lab) -> float:
    """Seconds that a stage had taken when it was last gone on with."""
    resumed = lab.facts.listed("resumed")
    seconds = resumed[-1].get("seconds") if resumed and isinstance(resumed[-1], dict) else None
    return float(seconds) if isinstance(seconds, int | float) else 0.0
