"""The one training loop, of teachers and students: the harness owns steps, patches and optimiser."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, Any

from bench.errors import StageError
from bench.plain import build
from bench.seeding import generator, torch_stream
from bench.settings import Optimiser, Sampling
from bench.stages.keepsakes import keep
from bench.stages.sampler import Sampler, TrainingCase, cropped
from bench.trained import Trained, begin, inference_of, normal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from bench.lab import Lab
    from methods.interface import Case


def fit(lab: Lab) -> None:
    """Train what the stage's settings name and leave weights and losses in its folder.

    Raises:
        StageError: The loss is not a number.
    """
    with torch_stream(lab.key, "network"):
        _fit(lab)


def _fit(lab: Lab) -> None:
    settings = lab.settings
    trained = begin(settings, lab.device)
    cases = list(_training_cases(lab))
    sampling = build(Sampling, settings["sampling"], "sampling")
    sampler = Sampler([cropped(case, sampling) for case in cases], sampling, generator(lab.key, "sampling"))
    losses = _train(lab, trained, sampler, cases)
    trained.save(lab.folder)
    _write_losses(lab, losses)
    keep(lab, trained)
    steps = int(settings["steps"])
    voxels = steps * sampling.batch * math.prod(sampling.patch)
    lab.facts.update(
        steps=steps,
        voxels_seen=voxels,
        network_passes=steps * trained.method.networks,
        parameters=sum(p.numel() for p in trained.network.parameters()),
        final_loss=next((loss for _, loss, _ in reversed(losses) if loss is not None), None),
        skipped_steps=sum(loss is None for _, loss, _ in losses),
    )


def _training_cases(lab: Lab) -> Iterator[TrainingCase]:
    """Every case the stage may see: its manual label where it may, else the pseudo label."""
    import torch

    from bench.lab import stored_label

    for name in lab.image_cases:
        is_manual = name in lab.label_cases
        label_ijk = lab.label(name) if is_manual else stored_label(lab.input("pseudo"), name)[0]
        volume = lab.image(name)
        yield TrainingCase(name, normal(volume), torch.from_numpy(volume.on_image(label_ijk)), is_manual)


def _train(
    lab: Lab, trained: Trained, sampler: Sampler, cases: list[TrainingCase]
) -> list[tuple[int, float | None, float]]:
    """All steps; returns step, loss (None where skipped) and learning rate of each."""
    from methods.interface import AfterStep

    steps = int(lab.settings["steps"])
    optimiser, schedule = _optimiser(trained, build(Optimiser, lab.settings["optimiser"], "optimiser"), steps)
    revisions = _revision_steps(trained, steps)
    losses: list[tuple[int, float | None, float]] = []
    for step in range(steps):
        if step in revisions:
            _revise(lab, trained, sampler, cases, step / steps)
        loss = _step(trained, sampler, optimiser, step / steps)
        if loss is not None and not math.isfinite(loss):
            raise StageError(
                f"the loss became {loss} at step {step + 1} of {steps}; a lower learning rate may help."
            )
        losses.append((step + 1, loss, float(schedule.get_last_lr()[0])))
        schedule.step()
        if loss is not None and isinstance(trained.method, AfterStep):
            trained.method.after_step(trained.network, step + 1)
        lab.progress(step + 1, steps, "" if loss is None else f"loss {loss:.3f}")
    return losses


def _step(
    trained: Trained, sampler: Sampler, optimiser: torch.optim.Optimizer, progress: float
) -> float | None:
    """One step; None where the method skipped it, and then nothing is updated."""
    trained.network.train()
    batch = sampler.batch(trained)
    running = [buffer.clone() for buffer in trained.network.buffers()]
    with trained.autocast():
        loss = trained.method.loss(trained.network, batch, progress)
    if loss is None:
        # The forward pass has moved the running statistics; a skipped step leaves nothing behind.
        for buffer, before in zip(trained.network.buffers(), running, strict=True):
            buffer.copy_(before)
        return None
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())


def _optimiser(
    trained: Trained, chosen: Optimiser, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    import torch

    from methods.interface import ParameterGroup, ParameterGroups

    if isinstance(trained.method, ParameterGroups):
        groups = trained.method.parameter_groups(trained.network)
    else:
        groups = [ParameterGroup(list(trained.network.parameters()))]
    options: list[dict[str, Any]] = [
        {
            "params": group.parameters,
            "lr": chosen.learning_rate * group.learning_rate_factor,
            "weight_decay": chosen.weight_decay if group.decay else 0.0,
        }
        for group in groups
    ]
    optimiser: torch.optim.Optimizer
    if chosen.kind == "adamw":
        optimiser = torch.optim.AdamW(options, betas=chosen.betas, fused=True)
    else:
        optimiser = torch.optim.SGD(options, lr=chosen.learning_rate, momentum=chosen.momentum, fused=True)
    poly = torch.optim.lr_scheduler.PolynomialLR(optimiser, total_iters=steps, power=chosen.power)
    return optimiser, poly


def _revision_steps(trained: Trained, steps: int) -> set[int]:
    from methods.interface import Revises

    if not isinstance(trained.method, Revises):
        return set()
    return {int(share * steps) for share in trained.method.revisions}


def _revise(lab: Lab, trained: Trained, sampler: Sampler, cases: list[TrainingCase], progress: float) -> None:
    """Let the method look at all training cases and change the labels that are not manual."""
    from methods.interface import Case, Revises

    assert isinstance(trained.method, Revises)
    inference, patch = inference_of(lab.settings)

    def streamed() -> Iterator[Case]:
        for case in cases:
            yield Case(
                case.name, case.image_cijk.to(lab.device), case.label_ijk.to(lab.device), case.is_manual
            )

    revised = trained.method.revise(
        streamed(), lambda image: trained.segment(image, inference, patch), progress
    )
    sampling = build(Sampling, lab.settings["sampling"], "sampling")
    changed = 0
    for place, case in enumerate(cases):
        if case.name not in revised:
            continue
        if case.is_manual:
            raise StageError(f"method {trained.method.name!r} changed the manual label of {case.name}.")
        label_ijk = revised[case.name].to(case.label_ijk)
        changed += int((label_ijk != case.label_ijk).sum())
        cases[place] = TrainingCase(case.name, case.image_cijk, label_ijk, case.is_manual)
        sampler.replace(place, cropped(cases[place], sampling))
    lab.facts.setdefault("revised_voxels", []).append(changed)
    lab.facts.setdefault("revised_volumes", []).append(len(revised))


def _write_losses(lab: Lab, losses: list[tuple[int, float | None, float]]) -> None:
    with (lab.folder / "losses.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("step", "loss", "learning_rate"))
        writer.writerows(
            (step, "" if loss is None else repr(loss), repr(rate)) for step, loss, rate in losses
        )
