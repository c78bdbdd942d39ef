"""``bench export predictions``: label maps of scans that have no label here, for whoever keeps the labels."""

from __future__ import annotations

import filecmp
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bench.data.split import shares
from bench.errors import DataError, UsageError
from bench.files.atomic import whole_folder
from bench.plan.experiments import Part, free_part
from bench.plan.experiments import contestants as contestants_of
from bench.plan.sweep import Sweep
from bench.plan.words import datasets_of, device_of, recipe_of
from bench.plugins import methods
from bench.settings.stage_specs import MeasuredSpec, ScoresSpec
from bench.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.data.dataset import Dataset
    from bench.plan.recipes import Recipe
    from bench.store.stage import Stage

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The words of the command line: one student of one sweep, and where its predictions go."""

    dataset: str
    method: str
    xi: str
    seed: int
    recipe: str
    changes: tuple[str, ...]
    device: str
    store: Path
    to: Path
    plugins: tuple[Path, ...] = ()

    def run_command(self) -> str:
        """The ``bench run`` that trains the student."""
        xi = "0.5" if is_full(self.xi) else self.xi  # every sweep trains the student of all labels too
        words = ["bench", "run", "--dataset", self.dataset, "--methods", self.method, "--xi", xi]
        words += ["--seeds", f"{self.seed},"]
        words += ["--recipe", self.recipe] if self.recipe else []
        words += [word for change in self.changes for word in ("--set", change)]
        words += [word for path in self.plugins for word in ("--plugin", str(path))]
        words += ["--device", self.device] if self.device != "auto" else []
        return shlex.join([*words, "--store", str(self.store)])


def is_full(xi: str) -> bool:
    """Whether a share is that of all manual labels, however it is written: 1, 1.0."""
    try:
        return float(xi) == 1
    except ValueError:
        return False


def predictions(request: Request) -> tuple[str, list[str]]:
    """Write one label map a scan, cleaned as in scores stages, on the scan's own grid.

    Returns:
        The key of the student, and the files.

    Raises:
        UsageError: No such student in the store, or the folder holds something else.
        DataError: The data set has a label for each of its scans.
    """
    device = device_of(request.device)
    methods.admit(request.plugins)
    methods.method(request.method)  # an unknown one is refused before anything is looked for
    chosen = recipe_of(request.recipe, request.changes, device)
    store = Store(request.store)
    if not store.is_store:
        raise UsageError(
            f"{store.path} is not a store; make it and the student with `{request.run_command()}`."
        )
    with store.locked():
        dataset = _one(datasets_of(request.dataset, chosen.data, store.workshop), request.dataset, "data set")
        _refuse_others(dataset, request.to)
        scores = _planned(request, chosen, dataset)
        student = dict(scores.inputs)["of"]
        if not store.has(student.key):
            raise UsageError(
                f"{store.path} has no such student ({student.key}); train it with `{request.run_command()}`."
            )
        _write(scores, store.folder(student.key), dataset, device, request.to)
    return student.key, [str(request.to / _name(case)) for case in sorted(dataset.unlabelled)]


def _one(found: Sequence[T], words: str, what: str) -> T:
    if len(found) != 1:
        raise UsageError(f"{words!r} names {len(found)} {what}s; expected one.")
    return found[0]


def _planned(request: Request, chosen: Recipe, dataset: Dataset) -> Stage:
    """The scores stage of the student: it holds how the student was trained and how it segments."""
    if is_full(request.xi):
        part, role = Part(supervised=contestants_of((request.method,), chosen)), "supervised"
    else:
        xi = _one(shares(request.xi), request.xi, "share")
        part, role = free_part((request.method,), (xi,), chosen), "student"
    sweep = Sweep(chosen, (part,), (request.seed,), (dataset,))
    scored = [stage for stage in sweep.stages() if stage.kind == "scores"]
    (student,) = [one for one in scored if one.spec_as(MeasuredSpec).identity.role == role]
    return student


def _name(case: str) -> str:
    """As the organisers of HVSMR 2016 want it: the scan's name and -label."""
    return f"{case}-label.nii.gz"


def _refuse_others(dataset: Dataset, to: Path) -> None:
    if not dataset.unlabelled:
        raise DataError(f"{dataset.name} has a label for each of its scans: there is nothing to export.")
    wanted = {_name(case) for case in dataset.unlabelled}
    if to.exists() and not (to.is_dir() and {path.name for path in to.iterdir()} in (set(), wanted)):
        raise UsageError(f"{to} exists and holds something else; name a new folder with --to.")


def _write(scores: Stage, trained_in: Path, dataset: Dataset, device: str, to: Path) -> None:
    """The whole folder or nothing; where it is there already, it must hold the same."""
    import torch

    from bench.data.images.volumes import write_label
    from bench.stages.context import image_of
    from bench.stages.model import label_map, opened

    spec = scores.spec_as(ScoresSpec)
    torch.set_num_threads(spec.compute.threads)
    trained = opened(trained_in, spec.trained, device)
    with whole_folder(to) as aside:
        for case, files in sorted(dataset.unlabelled.items()):
            volume = image_of(files)
            write_label(label_map(trained, volume, spec), volume.own, aside / _name(case))
        names = [path.name for path in aside.iterdir()]
        if (
            to.is_dir()
            and any(to.iterdir())
            and filecmp.cmpfiles(aside, to, names, shallow=False)[0] != names
        ):
            raise UsageError(f"{to} holds other predictions; name a new folder with --to.")
