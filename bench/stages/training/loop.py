"""A training between two steps: the harness owns steps, patches, optimiser and schedule."""

# Legend: I J K voxel axes.

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from bench.errors import StageError
from bench.settings.stage_specs import TrainingSpec
from bench.stages.training.label_passes import Desk
from bench.stages.training.sampler import Sampler, TrainingCase, cropped
from methods.interface import AfterStep, ParameterGroup, ParameterGroups, Revises, Studies

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import nn

    from bench.settings.schema import Optimiser
    from bench.stages.context import Lab
    from bench.stages.model import Trained
    from bench.stages.training.streams import Streams
    from methods.interface import Batch, Method


class Loss(NamedTuple):
    """One row of ``losses.csv``."""

    step: int
    loss: float | None  # None where the method skipped the step
    learning_rate: float


class Training:
    """All that the next step depends on."""

    def __init__(self, lab: Lab, trained: Trained, cases: list[TrainingCase], streams: Streams) -> None:
        """Before the first step; ``cases`` are whole volumes."""
        self.streams = streams
        self.lab = lab
        self.trained = trained
        self.cases = cases
        spec = lab.spec_as(TrainingSpec)
        self.steps, self.sampling = spec.steps, spec.sampling
        self.sampler = Sampler(
            [cropped(case, self.sampling) for case in cases], self.sampling, streams.crops()
        )
        self.optimiser, self.schedule = optimiser_of(trained, spec.optimiser, self.steps)
        self.losses: list[Loss] = []
        self.revised: set[int] = set()  # the places of the cases that have another label than at first
        self._desk = Desk(lab, trained)
        self._revisions = begins(
            trained.method.revisions if isinstance(trained.method, Revises) else (), self.steps
        )
        self._studies = begins(
            trained.method.studies if isinstance(trained.method, Studies) else (), self.steps
        )

    @property
    def step(self) -> int:
        """The number of steps done."""
        return len(self.losses)

    def advance(self) -> None:
        """Do the next step.

        Raises:
            StageError: The loss is not a number.
        """
        number, share = self.step + 1, self.step / self.steps
        if self.step in self._studies:
            self._study(share)
        if self.step in self._revisions:
            self._revise(share)
        own = self.streams.begin_step(number, self.lab.device)
        batch = replace(self.sampler.batch(self.trained), generator=own)
        loss = step(self.trained, batch, self.optimiser, progress=share, number=number)
        rate = float(self.schedule.get_last_lr()[0])
        if loss is not None and not math.isfinite(loss):
            raise StageError(
                f"the loss became {loss} at step {number} of {self.steps}, at a learning rate of {rate:.3g}; "
                "a lower one may help."
            )
        self.schedule.step()
        self.losses.append(Loss(number, loss, rate))

    def relabel(self, place: int, label_ijk: torch.Tensor) -> None:
        """Go on with another label for a case."""
        self._replace(place, replace(self.cases[place], label_ijk=label_ijk))
        self.revised.add(place)

    def aim(self, place: int, target_nijk: torch.Tensor) -> None:
        """Go on with another soft target for a case."""
        self._replace(place, replace(self.cases[place], target_nijk=target_nijk))

    def _replace(self, place: int, case: TrainingCase) -> None:
        self.cases[place] = case
        self.sampler.replace(place, cropped(case, self.sampling))

    def _study(self, progress: float) -> None:
        """Let the method look at all training cases and keep what it finds of them."""
        assert isinstance(self.trained.method, Studies)
        targets = self._desk.studied(self.trained.method, self.cases, progress)
        for place, target_nijk in targets.items():
            self.aim(place, target_nijk)
        self.lab.facts.append("studied_volumes", len(targets))

    def _revise(self, progress: float) -> None:
        """Let the method look at all training cases and change the labels that are not manual."""
        assert isinstance(self.trained.method, Revises)
        revised = self._desk.revised(self.trained.method, self.cases, progress)
        changed = 0
        for place, revised_ijk in revised.items():
            label_ijk = revised_ijk.to(self.cases[place].label_ijk)
            changed += int((label_ijk != self.cases[place].label_ijk).sum())
            self.relabel(place, label_ijk)
        self.lab.facts.append("revised_voxels", changed)
        self.lab.facts.append("revised_volumes", len(revised))


def step(
    trained: Trained, batch: Batch, optimiser: torch.optim.Optimizer, *, progress: float, number: int
) -> float | None:
    """Do one training step; every training, and every check of a method, does it by this function.

    Args:
        trained: The method and the network that is trained.
        batch: On the device and in the layout of training.
        optimiser: Of the network's parameters.
        progress: The share of the steps that are done.
        number: Of the step, counted from 1.

    Returns:
        The loss; None where the method skipped the step, and then nothing is changed.
    """
    method, network = trained.method, trained.network
    network.train()
    running = [buffer.clone() for buffer in network.buffers()]
    with trained.autocast():
        loss = method.loss(network, batch, progress)
    if loss is None:
        # The forward pass has moved the running statistics; a skipped step leaves nothing behind.
        for buffer, before in zip(network.buffers(), running, strict=True):
            buffer.copy_(before)
        return None
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    lost = float(loss.detach())
    if math.isfinite(lost) and isinstance(method, AfterStep):
        method.after_step(network, number)
    return lost


def begins(shares: Sequence[float], steps: int) -> set[int]:
    """The numbers of steps done at which these shares of a training begin."""
    return {int(share * steps) for share in shares}


def optimiser_of(
    trained: Trained, chosen: Optimiser, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """The optimiser over the method's groups of parameters, and its poly schedule."""
    import torch

    from bench.stages.training.muon import Muon

    groups = groups_of(trained.method, trained.network)
    optimiser: torch.optim.Optimizer
    if chosen.kind == "muon":
        optimiser = Muon(_with_matrices(groups, chosen), betas=chosen.betas)
    elif chosen.kind == "adamw":
        optimiser = torch.optim.AdamW(_options(groups, chosen), betas=chosen.betas, fused=True)
    else:
        rate, momentum = chosen.learning_rate, chosen.momentum
        optimiser = torch.optim.SGD(_options(groups, chosen), lr=rate, momentum=momentum, fused=True)
    poly = torch.optim.lr_scheduler.PolynomialLR(optimiser, total_iters=steps, power=chosen.power)
    return optimiser, poly


def groups_of(method: Method, network: nn.Module) -> list[ParameterGroup]:
    """What the optimiser holds: the method's own groups, or all parameters in one."""
    if isinstance(method, ParameterGroups):
        return list(method.parameter_groups(network))
    return [ParameterGroup(list(network.parameters()))]


def _options(groups: Sequence[ParameterGroup], chosen: Optimiser) -> list[dict[str, object]]:
    """Parameter groups as PyTorch's optimisers take them."""
    return [
        {
            "params": group.parameters,
            "lr": chosen.learning_rate * group.learning_rate_factor,
            "weight_decay": chosen.weight_decay if group.decay else 0.0,
        }
        for group in groups
    ]


def _with_matrices(groups: Sequence[ParameterGroup], chosen: Optimiser) -> list[dict[str, object]]:
    """The same, with the weights of convolutions in groups of their own."""
    from bench.stages.training.muon import is_matrix

    made: list[dict[str, object]] = []
    for group, options in zip(groups, _options(groups, chosen), strict=True):
        rest = [one for one in group.parameters if not is_matrix(one)]
        made += [{**options, "params": rest}] if rest else []
        matrices = [one for one in group.parameters if is_matrix(one)]
        own = {"lr": chosen.matrix_learning_rate * group.learning_rate_factor, "matrix": True}
        own["momentum"] = chosen.matrix_momentum
        made += [{**options, "params": matrices, **own}] if matrices else []
    return made
