"""Seconds of one training step, beside the same network written plainly in float32; run with --benchmark-only."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bench.execution.local import KEPT_PAGES, surroundings

PLAINLY = "the same network plainly: eager float32, contiguous"


class Stepper:
    """Trains in a process of its own, as workers do, or as a plain script does: without their allocator."""

    def __init__(self, method, recipe, path, *, side, batch, device="cpu"):
        plain = {name: value for name, value in os.environ.items() if name not in KEPT_PAGES}
        environment = plain | {
            name: value for name, value in surroundings(1).items() if path == "fast" or name not in KEPT_PAGES
        }
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("stepper.py")),
                method,
                recipe,
                path,
                device,
                str(side),
                str(batch),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def step(self):
        """One training step; its loss."""
        return float(self.ask("step"))

    def work(self):
        """Operations of one step, in units of 1e9."""
        return float(self.ask("work"))

    def rate(self):
        """Operations a second of the best matrix product, in units of 1e9."""
        return float(self.ask("rate"))

    def ask(self, word):
        """The answer to a word."""
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


def limit(plain, fast):
    """How many times faster the step would be if it were nothing but the best matrix product."""
    start = time.perf_counter()
    plain.step()
    seconds, work, rate = time.perf_counter() - start, fast.work(), fast.rate()
    said = f"{work:.3g} GFLOP a step, {rate:.0f} GFLOP/s in a matrix product"
    return f"at most about {seconds * rate / work:.1f}: {said}"


SIZES = {  # recipe, side, batch, target, rounds
    "one DenseVoxNet training step, paper size (64³, batch 3)": ("paper", 64, 3, 5.0, 4),
    "one step of the narrow stream, as in `quick` (48³, batch 1)": ("quick", 48, 1, 3.0, 40),
    "one step of the narrow stream, 32³, batch 2": ("quick", 32, 2, 3.0, 40),
}


@pytest.mark.parametrize("row", SIZES, ids=["paper", "quick", "small"])
def test_a_densevoxnet_step(side_by_side, row):
    recipe, side, batch, target, rounds = SIZES[row]
    sizes = {"side": side, "batch": batch}
    with (
        Stepper("densevoxnet*1", recipe, "plain", **sizes) as plain,
        Stepper("densevoxnet*1", recipe, "fast", **sizes) as fast,
    ):
        first = plain.step(), fast.step()
        for _ in range(4):  # the allocator finds its size in a few steps
            fast.step()
        side_by_side(
            row,
            PLAINLY,
            plain.step,
            fast.step,
            target=target,
            sense="times faster",
            rounds=rounds,
            note=limit(plain, fast),
        )
    assert first[0] == pytest.approx(first[1], rel=0.01), "both start from the same loss"


@pytest.mark.parametrize(
    ("recipe", "side", "batch", "rounds"),
    [("paper", 64, 3, 4), ("quick", 48, 1, 40)],
    ids=["paper", "quick"],
)
def test_a_tsman_step(side_by_side, recipe, side, batch, rounds):
    sizes = {"side": side, "batch": batch}
    with (
        Stepper("densevoxnet*1", recipe, "fast", **sizes) as one,
        Stepper("tsman", recipe, "fast", **sizes) as both,
    ):
        first = one.step(), both.step()
        for _ in range(4):
            one.step(), both.step()
        side_by_side(
            f"one TSMAN step, {recipe} ({side}³, batch {batch})",
            "one step of a single DenseVoxNet, both fast",
            one.step,
            both.step,
            target=2.4,
            sense="times as long",
            rounds=rounds,
            note=f"{both.work() / one.work():.2f} times the operations",
        )
    assert min(first) > 0.0, "a step that is skipped costs nothing and says nothing"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("recipe", "side", "batch"), [("paper", 64, 3), ("quick", 48, 1)])
def test_a_densevoxnet_step_on_a_gpu(side_by_side, recipe, side, batch):
    sizes = {"side": side, "batch": batch, "device": "cuda"}
    with (
        Stepper("densevoxnet*1", recipe, "plain", **sizes) as plain,
        Stepper("densevoxnet*1", recipe, "fast", **sizes) as fast,
    ):
        first = plain.step(), fast.step()
        row = f"one DenseVoxNet training step on a GPU, {recipe} ({side}³, batch {batch})"
        side_by_side(
            row,
            PLAINLY,
            plain.step,
            fast.step,
            target=5.0,
            sense="times faster",
            rounds=20,
            note=limit(plain, fast),
        )
    assert first[0] == pytest.approx(first[1], rel=0.01)
