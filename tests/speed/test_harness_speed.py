"""What the harness adds to training: sampling, progress, losses and weights on disk, beside bare steps."""

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from bench.plan.recipes import quick
from bench.seeding import generator
from bench.settings.schema import Optimiser
from bench.settings.serialise import build, plain
from bench.stages.context import Conduct, Progress
from bench.stages.fit import _write_losses, run
from bench.stages.training.loop import Training, optimiser_of
from bench.stages.training.sampler import Sampler, TrainingCase, cropped
from bench.stages.training.streams import Streams

STEPS = 20
CASES = 3
SETTINGS = {
    "steps": STEPS,
    "optimiser": plain(quick().optimiser),
    "sampling": plain(quick().sampling),
}


@dataclass
class Room:
    """As much of a lab as the loop sees."""

    folder: Any
    progress: Any
    settings: Any = field(default_factory=lambda: SETTINGS)
    device: str = "cpu"
    facts: dict = field(default_factory=dict)
    conduct: Any = field(default_factory=Conduct)
    is_asked_to_stop: bool = False
    key: str = "speed"

    @property
    def store(self):
        return SimpleNamespace(scratch=lambda _key: self.folder)


def heart(seed):
    rng = np.random.default_rng(seed)
    shape = (80, 64, 56)
    radius_ijk = np.linalg.norm(np.stack(np.indices(shape)).T / np.array(shape) - 0.5, axis=-1).T
    label_ijk = (2 - np.digitize(radius_ijk, (0.2, 0.35))).astype(np.uint8)
    image_ijk = label_ijk + rng.normal(0, 0.5, shape)
    image_cijk = torch.from_numpy(image_ijk[None].astype(np.float32))
    return TrainingCase(str(seed), image_cijk, torch.from_numpy(label_ijk), is_manual=True)


def sampler_of(cases):
    return Sampler(list(cases), quick().sampling, generator("speed", "sampling"))


def bare(trained, batches):
    """Forward, backward and optimiser on batches that are there already."""
    optimiser, schedule = optimiser_of(trained, build(Optimiser, SETTINGS["optimiser"], "optimiser"), STEPS)
    trained.network.train()
    for number, batch in enumerate(batches):
        with trained.autocast():
            loss = trained.method.loss(trained.network, batch, number / STEPS)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()


def test_the_harness_around_training(side_by_side, trained_of, tmp_path):
    cases = [cropped(heart(seed), quick().sampling) for seed in range(CASES)]
    trained = trained_of("quick")
    fresh = {name: tensor.clone() for name, tensor in trained.network.state_dict().items()}
    draw = sampler_of(cases)
    batches = [draw.batch(trained) for _ in range(STEPS)]

    def weights():
        return {name: tensor.clone() for name, tensor in trained.network.state_dict().items()}

    def plainly():
        trained.network.load_state_dict(fresh)
        bare(trained, batches)
        return weights()

    def in_the_harness():
        trained.network.load_state_dict(fresh)
        lab = Room(tmp_path, Progress(tmp_path / "progress.json", threading.Event()))
        training = Training(lab, trained, list(cases), Streams("speed", "speed"))
        run(training)
        trained.save(tmp_path)
        _write_losses(lab, training.losses)
        return weights()

    bare_weights, weights_of_harness = side_by_side(
        "training in the harness: sampling, progress, losses and weights on disk, quick recipe",
        "bare steps on batches that are there",
        plainly,
        in_the_harness,
        target=1.05,
        sense="times as long",
        rounds=15,
        note=f"{STEPS} steps",
    )
    assert all(torch.equal(tensor, weights_of_harness[name]) for name, tensor in bare_weights.items())
