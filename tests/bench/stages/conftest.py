"""Students of the smoke recipe on phantoms whose noisy labels and truth are both known."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.cell import Cell, Mix
from bench.data.dataset import DataSettings, remember
from bench.data.datasets import open_dataset
from bench.execute import execute
from bench.experiments import Noise
from bench.graph import stage
from bench.lab import image_of, store_label
from bench.recipes import recipe
from bench.seals import sealed
from bench.soundness import checksum
from bench.store import Store
from bench.sweep import resolved
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

    def noise(self, wrong):
        """A finished stage of noisy labels: ``wrong`` makes one of the clean label."""
        from bench.data.volumes import read_label

        nothing = {"images": {}, "labels": {}, "inputs": {}}
        named = stage("noise", {"by hand": wrong.__name__}, dataset=self.cell._place, **nothing)
        if not self.store.has(named.key):
            with self.store.making(named.key) as folder:
                for case in self.withheld:
                    files = self.dataset.cases[case]
                    store_label(folder, case, wrong(read_label(Path(files.label))[0]), image_of(files))
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
        identity = self.cell.identity(XI, Noise("by-hand", "0.2"))
        identity |= {"role": "student", "method": contestant.name}
        made = self.cell.doubts(student, noise, identity)
        execute(made.document(), self.store, run="test", device="cpu")
        return made, self.store.folder(made.key)


def shifted(clean_ijk):
    """The clean label two voxels off along the first axis: wrong on both sides of every structure."""
    return np.roll(clean_ijk, 2, axis=0)


@pytest.fixture(scope="module")
def noisy_heart(tmp_path_factory):
    """Ten small phantoms, three of which keep their labels."""
    return Noisy(tmp_path_factory.mktemp("noisy") / "store")
