"""Students of the smoke recipe on phantoms whose noisy labels and truth are both known."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.data.catalogue import open_dataset
from bench.data.dataset import DataSettings, remember
from bench.data.images.volumes import read_label
from bench.execution.execute import execute
from bench.files.checksummed import sealed
from bench.plan.experiments import Noise
from bench.plan.recipes import recipe, resolved
from bench.plan.stage_builder import Cell
from bench.plan.training_labels import Mix
from bench.stages.context import image_of
from bench.store.artifacts import store_label
from bench.store.integrity import checksum
from bench.store.stage import stage
from bench.store.store import Store
from methods.registry import classes, method

XI = "0.3"


def seal(folder, document):
    """Make a stage of a folder that was filled by hand."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    said = {**document, "files": {str(path.relative_to(folder)): checksum(path) for path in files}}
    (folder / "stage.json").write_text(json.dumps(sealed(said)))


class Noisy:
    """A cell of a small experiment in a store of its own, and labels that a test makes wrong by hand."""

    def __init__(self, path, dataset="phantom-heart", *, size="smoke", changes=()):
        chosen = recipe("smoke" if size == "smoke" else size, changes, classes())
        chosen = resolved(chosen, device="cpu", native_bfloat16=size != "smoke")
        self.store = Store(path)
        self.dataset = open_dataset(dataset, DataSettings(size=size), self.store.workshop)
        remember(self.dataset, self.store.workshop)
        self.cell = Cell.of(chosen, self.dataset, 0)

    @property
    def withheld(self):
        return sorted(set(self.dataset.train) - set(self.cell.manual(XI)))

    def truth(self, case):
        """The clean label, canonical."""
        return read_label(Path(self.dataset.cases[case].label))[0]

    def noise(self, wrong):
        """A finished stage of noisy labels: ``wrong`` makes one of the clean label."""
        nothing = {"images": {}, "labels": {}, "inputs": {}}
        named = stage(
            "noise", {"by hand": wrong.__name__}, dataset=(self.dataset.name, self.dataset.id), **nothing
        )
        if not self.store.has(named.key):
            with self.store.making(named.key) as folder:
                for case in self.withheld:
                    scan = image_of(self.dataset.cases[case])
                    store_label(folder, case, wrong(self.truth(case)), scan)
                seal(folder, named.document())
        return named

    def student(self, contestant, noise):
        """A finished student that keeps what it was at each milestone."""
        mix = Mix(self.cell.split(XI), self.cell.manual(XI), noise, Noise("by-hand", "0.2"))
        student = self.cell.student(contestant, mix, self.cell.recipe.student.steps)
        for one in (mix.split, student):
            execute(one.document(), self.store, run="test", device="cpu")
        return student

    def doubts(self, contestant, wrong):
        """The finished stage of doubts of a method on such labels, and its folder."""
        contestant = method(contestant) if isinstance(contestant, str) else contestant
        noise = self.noise(wrong)
        student = self.student(contestant, noise)
        own = {"role": "student", "method": contestant.name}
        identity = replace(self.cell.identity(XI, Noise("by-hand", "0.2")), **own)
        made = self.cell.doubts(student, noise, identity)
        execute(made.document(), self.store, run="test", device="cpu")
        return made, self.store.folder(made.key)


def shifted(clean_ijk):
    """The clean label two voxels off along the first axis: wrong on both sides of every structure."""
    return np.roll(clean_ijk, 2, axis=0)


def relabelled(clean_ijk):
    """Every 2 is lost and every 1 becomes a 2: a label 2 is always wrong, a 1 never there."""
    return np.array([0, 2, 0], np.uint8)[clean_ijk]


def unchanged(clean_ijk):
    """The truth: no label is wrong."""
    return clean_ijk


@pytest.fixture(scope="session")
def noisy_heart(tmp_path_factory):
    """Ten small phantoms, three of which keep their labels."""
    return Noisy(tmp_path_factory.mktemp("noisy") / "store")


@pytest.fixture(scope="session")
def noisy_hvsmr(tmp_path_factory, hvsmr):
    """The same in HVSMR's folders: every scan in an orientation of its own, some shown enlarged."""
    return Noisy(tmp_path_factory.mktemp("noisy_hvsmr") / "store", f"hvsmr2016:{hvsmr}")


@pytest.fixture(scope="session")
def noisy_kind():
    """The class of the two above, for a test that wants an experiment of its own."""
    return Noisy


@pytest.fixture(scope="session")
def wrongs():
    """The ways to make labels wrong, by name."""
    return SimpleNamespace(shifted=shifted, relabelled=relabelled, unchanged=unchanged)
