"""A process that trains: a line with a step's number in, its loss out, so that each side has an allocator of its own.

Arguments: method, recipe, path (fast or plain), device, patch side, batch.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.engines.local import KEPT_PAGES

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Stepper:
    """Trains in a process of its own, as workers do, or as a plain script does: without their allocator."""

    def __init__(self, method, recipe, path, *, side, batch, device="cpu"):
        plain = {name: value for name, value in os.environ.items() if name not in KEPT_PAGES}
        environment = {**plain, **THREADS, **(KEPT_PAGES if path == "fast" else {})}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), method, recipe, path, device, str(side), str(batch)],
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


class Training:
    """A method on one fixed batch: forward, backward, optimiser."""

    def __init__(self, method, recipe, path, device, side, batch):
        import torch

        from bench.plain import plain
        from bench.recipes import recipe as recipe_named
        from bench.trained import begin
        from methods.interface import Batch
        from methods.registry import method as method_named

        torch.set_num_threads(1)
        torch.manual_seed(0)  # noqa: TID251 a measurement is its own harness
        made = recipe_named(
            recipe, ["compute=plain"] if path == "plain" else ["compute.precision=bfloat16"], {}
        )
        described = method_named(method.partition("*")[0])
        settings = plain(described) | ({"networks": 1} if method.endswith("*1") else {})
        self.trained = begin(
            {
                "method": {"name": described.name, "settings": settings},
                "compute": plain(made.compute),
                "stream": plain(made.stream),
                "channels": 1,
                "classes": 3,
            },
            device,
        )
        self.trained.network.train()
        shape = (int(batch), 1, int(side), int(side), int(side))
        image, label = torch.randn(shape), torch.randint(0, 3, (shape[0], *shape[2:]))
        manual = torch.ones(shape[0], dtype=torch.bool)
        self.batch = Batch(self.trained.laid_out(image), label.to(device), manual.to(device))
        self.optimiser = torch.optim.SGD(self.trained.network.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step(self):
        with self.trained.autocast():
            loss = self.trained.method.loss(self.trained.network, self.batch, 0.9)
        self.optimiser.zero_grad(set_to_none=True)
        if loss is None:
            return 0.0
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def work(self):
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter:
            self.step()
        return counter.get_total_flops() / 1e9

    def rate(self):
        import torch

        precision = torch.bfloat16 if self.trained.compute.precision == "bfloat16" else torch.float32
        sides = [torch.randn(2048, 2048, device=self.trained.device, dtype=precision) for _ in range(2)]
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            (sides[0] @ sides[1])[0, 0].item()
            seconds.append(time.perf_counter() - start)
        return 2 * 2048**3 / min(seconds) / 1e9


def main(*arguments):
    training = Training(*arguments)
    for word in sys.stdin:
        sys.stdout.write(f"{getattr(training, word.strip())()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
