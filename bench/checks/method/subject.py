"""A method on trial: what it is shown, and how it is trained in the checks."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import torch
from torch.nn import functional

from bench.errors import StageError
from bench.plugins.errors import sentence
from bench.settings.schema import Compute, Optimiser
from bench.stages.model import Trained
from bench.stages.training.loop import begins, optimiser_of, step
from methods.interface import Batch, Case, Revises, Studies
from tsman.settings import StreamSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor, nn

    from methods.interface import Method

NARROW = StreamSettings(stem=8, growth=4, units=2, decoder=(16, 8), weight_std=0.0, dropout=0.1)
SIDE = 16
OPTIMISER = Optimiser(kind="adamw", learning_rate=1e-2, power=0.0, betas=(0.9, 0.999), weight_decay=0.0)
COMPUTE = Compute(precision="float32", layout="contiguous", path="plain")
PROGRESSES = (0.0, 0.25, 0.5, 0.75, 0.99)


@dataclass(frozen=True, slots=True)
class Subject:
    """The method, held to the interface in each call, and the data that it is tried on."""

    method: Method
    where: tuple[str, ...]  # file and class, for sentences
    channels: int
    classes: int
    torch_settings: Mapping[str, object]  # before anything of the method was run

    def fault(self, member: str, expected: str, found: str) -> NoReturn:
        """Say what is amiss.

        Raises:
            StageError: Always.
        """
        raise StageError(sentence((*self.where, member), expected, found))

    def network(self) -> nn.Module:
        """A fresh one."""
        return self.method.network(self.channels, self.classes, NARROW)

    def predict(self, network: nn.Module, image_bcijk: Tensor) -> Tensor:
        """Probabilities as the harness asks for them."""
        with torch.inference_mode():
            return self.method.probabilities(network.eval(), image_bcijk)

    def loss(self, network: nn.Module, batch: Batch, progress: float) -> Tensor | None:
        """The loss as the harness asks for it."""
        return self.method.loss(network.train(), batch, progress)


def cuboids(subject: Subject, manual: Sequence[bool], *, present: int = 2) -> Batch:
    """Two cuboids side by side, of classes 1 and 2, in noise; ``present``: how many of them there are."""
    label_bijk = torch.zeros(len(manual), SIDE, SIDE, SIDE, dtype=torch.int64)
    if present >= 1:
        label_bijk[:, 4:8, 4:12, 4:12] = 1
    if present >= 2 and subject.classes > 2:
        label_bijk[:, 8:12, 4:12, 4:12] = 2
    noise_bcijk = torch.randn(len(manual), subject.channels, SIDE, SIDE, SIDE)
    return Batch(label_bijk[:, None] - 0.3 + 0.1 * noise_bcijk, label_bijk, torch.tensor(manual))


def cases_of(subject: Subject, batch: Batch) -> Iterator[Case]:
    """Each item of a batch as a whole volume, judged where the method has judges."""
    judges = subject.method.judges if isinstance(subject.method, Studies) else 0
    for place, label_ijk in enumerate(batch.label_bijk):
        judged_nijk = 0.7 * one_hot(label_ijk, subject.classes) + 0.3 / subject.classes
        yield Case(
            name=f"case_{place}",
            image_cijk=batch.image_bcijk[place],
            label_ijk=label_ijk.to(torch.uint8),
            is_manual=bool(batch.is_manual_b[place]),
            target_nijk=None if batch.target_bnijk is None else batch.target_bnijk[place],
            judged_nijk=judged_nijk if judges else None,
        )


def one_hot(label_ijk: Tensor, classes: int) -> Tensor:
    """(N, I, J, K), float32."""
    return functional.one_hot(label_ijk.long(), classes).movedim(-1, 0).float()


def training(subject: Subject, batch: Batch, steps: int) -> Iterator[nn.Module]:
    """Train on one batch by the steps of every training; gives the network after each."""
    trained = Trained(subject.method, subject.network(), COMPUTE, "cpu")
    optimiser, schedule = optimiser_of(trained, OPTIMISER, steps)
    for done in range(steps):
        batch = prepared(subject, trained.network, batch, done, steps)
        step(trained, batch, optimiser, progress=done / steps, number=done + 1)
        schedule.step()
        yield trained.network


def trained(subject: Subject, batch: Batch, steps: int) -> nn.Module:
    """The network after the last step."""
    *_, network = training(subject, batch, steps)
    return network


def prepared(subject: Subject, network: nn.Module, batch: Batch, done: int, steps: int) -> Batch:
    """The batch after what the method studies or revises when so many steps are done."""
    method = subject.method
    predict = partial(_whole, subject, network)
    if isinstance(method, Studies) and done in begins(method.studies, steps):
        batch = studied(subject, network, batch, done / steps)
    if isinstance(method, Revises) and done in begins(method.revisions, steps):
        revised = method.revise(cases_of(subject, batch), predict, done / steps)
        label_bijk = batch.label_bijk.clone()
        for name, label_ijk in revised.items():
            label_bijk[int(name.removeprefix("case_"))] = label_ijk.long()
        batch = Batch(batch.image_bcijk, label_bijk, batch.is_manual_b, batch.target_bnijk)
    return batch


def studied(subject: Subject, network: nn.Module, batch: Batch, progress: float) -> Batch:
    """The batch with the soft targets that a method which ``Studies`` gives."""
    method = subject.method
    assert isinstance(method, Studies)
    cases = cases_of(subject, batch)
    targets = method.study(network, cases, partial(_whole, subject, network), progress)
    if not targets:
        return batch
    target_bnijk = torch.stack([one_hot(one, subject.classes) for one in batch.label_bijk])
    for name, target_nijk in targets.items():
        target_bnijk[int(name.removeprefix("case_"))] = target_nijk
    return Batch(batch.image_bcijk, batch.label_bijk, batch.is_manual_b, target_bnijk)


def _whole(subject: Subject, network: nn.Module, image_cijk: Tensor) -> Tensor:
    return subject.predict(network, image_cijk[None])[0]
