"""A process that trains on one fixed batch: a word a line in, its answer out.

Arguments: method (``*1``: a single network), recipe, path (fast or plain), device, patch side, batch.
"""

import sys
import time

from conftest import method_at_work

from bench.stages.training.loop import step


class Training:
    """A method on one fixed batch: the step of every training."""

    def __init__(self, method, recipe, path, device, side, batch):
        import torch

        from methods.interface import Batch

        torch.set_num_threads(1)
        torch.manual_seed(0)  # noqa: TID251 a measurement is its own harness
        changes = ["compute=plain"] if path == "plain" else ["compute.precision=bfloat16"]
        name, _, alone = method.partition("*")
        settings = {"networks": int(alone)} if alone else {}
        self.trained = method_at_work(recipe, name, changes=changes, device=device, **settings)
        shape = (int(batch), 1, int(side), int(side), int(side))
        image, label = torch.randn(shape), torch.randint(0, 3, (shape[0], *shape[2:]))
        manual = torch.ones(shape[0], dtype=torch.bool)
        self.batch = Batch(self.trained.laid_out(image), label.to(device), manual.to(device))
        self.optimiser = torch.optim.SGD(self.trained.network.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step(self):
        return step(self.trained, self.batch, self.optimiser, progress=0.9, number=1) or 0.0

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
