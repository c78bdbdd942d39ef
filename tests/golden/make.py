"""Rewrite the golden losses: ``python tests/golden/make.py``, from the repository's root.

Ten steps of every registered method on fixed random data, float32, one thread. Rewrite them only for a change
of science, raise the method's ``version`` with it, and say in the commit why the losses moved.
"""

from __future__ import annotations

from pathlib import Path

import torch

from bench.settings.schema import Compute
from bench.stages.model import Trained
from bench.stages.training.loop import step
from methods import registry
from methods.interface import Batch
from tsman.settings import StreamSettings

HERE = Path(__file__).parent
STEPS = 10
STUDIED = {"noise_rate": 0.2, "noise_rate_n": 0.2}
"""What a study might have written to a network's buffers, so that there is something to select."""
# No dropout: its random numbers are not the same on every kind of processor.
STREAM = StreamSettings(stem=4, growth=4, units=2, decoder=(16, 8), weight_std=0.0, dropout=0.0)


def losses(name: str) -> list[float]:
    """The losses of ten steps; the second half comes after every default warm-up."""
    torch.manual_seed(20260727)  # noqa: TID251 this script is its own harness
    contestant = registry.method(name)
    channels = next(number for number in (1, 2) if not registry.why_unfit(contestant, number, 3))
    network = contestant.network(channels, 3, STREAM)
    for where, buffer in network.named_buffers():
        if where in STUDIED:
            buffer.fill_(STUDIED[where])
    trained = Trained(contestant, network, Compute(precision="float32"), "cpu")
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02)
    label_bijk = (
        torch.randint(0, 3, (2, 4, 4, 4))
        .repeat_interleave(4, 1)
        .repeat_interleave(4, 2)
        .repeat_interleave(4, 3)
    )
    image_bcijk = label_bijk[:, None].float() + 0.5 * torch.randn(2, channels, 16, 16, 16)
    batch = Batch(image_bcijk, label_bijk, torch.tensor([True, False]))
    seen = []
    for done in range(STEPS):
        loss = step(trained, batch, optimiser, progress=done / STEPS, number=done + 1)
        assert loss is not None, "ten steps do not end all disagreement"
        seen.append(loss)
    return seen


def main() -> None:
    """Write one file a method beside this one."""
    torch.set_num_threads(1)
    for name in registry.METHODS:
        text = "".join(f"{loss:.6f}\n" for loss in losses(name))
        (HERE / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
