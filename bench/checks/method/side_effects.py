"""Checks of what a method keeps and touches: nothing but its network's own weights and buffers."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from bench.checks.method.subject import PROGRESSES, Subject, cuboids, trained
from bench.errors import StageError
from bench.plugins.audit import collected
from bench.seeding import torch_stream

if TYPE_CHECKING:
    from torch import Tensor, nn

STEPS = 4
SHARE = 0.8
"""Of a network's parameters: what holds so many of them is the network, the rest is beside it."""


def leaves_parameters_alone(subject: Subject) -> None:
    """A loss changes no weight; one that skips the step leaves no gradient either."""
    network = subject.network()
    before = {name: it.detach().clone() for name, it in network.named_parameters()}
    for progress in PROGRESSES:
        for present in (2, 0):
            loss = subject.loss(network, cuboids(subject, (False, True), present=present), progress)
            if loss is None and any(it.grad is not None for it in network.parameters()):
                subject.fault("loss", "that a skipped step leaves nothing", "gradients")
    if changed := [name for name, it in network.named_parameters() if not torch.equal(it, before[name])]:
        subject.fault("loss", "weights that only the optimiser changes", f"{changed[0]} changed")


def repeats(subject: Subject) -> None:
    """The same key, the same weights, bit for bit."""
    states = []
    for _ in range(2):
        with torch_stream("contract", "repeats"):
            states.append(trained(subject, cuboids(subject, (True, False)), STEPS).state_dict())
    if apart := [name for name in states[0] if not torch.equal(states[0][name], states[1][name])]:
        found = f"{apart[0]} differs: it draws from a generator of its own, or keeps a state"
        subject.fault("loss", "the same weights of the same key", found)


def saves(subject: Subject) -> None:
    """Saved as safetensors and loaded into a fresh network, it predicts the same."""
    from safetensors.torch import load, save

    batch = cuboids(subject, (True, False))
    network = trained(subject, batch, STEPS)
    tensors = {name: it.detach().contiguous().clone() for name, it in network.state_dict().items()}
    loaded = subject.network()
    loaded.load_state_dict(load(save(tensors)))
    before, after = (subject.predict(one, batch.image_bcijk) for one in (network, loaded))
    if not torch.equal(before, after):
        found = "others: part of what it learned is neither a parameter nor a buffer"
        subject.fault("network", "a saved network to predict the same", found)


def sees_no_test_label(subject: Subject) -> None:
    """What it predicts hangs on weights and image alone: not on labels that its loss was shown."""
    batch = cuboids(subject, (True, False))
    network = trained(subject, batch, STEPS)
    state = {name: it.detach().clone() for name, it in network.state_dict().items()}
    test = cuboids(subject, (True, False))
    before = subject.predict(network, test.image_bcijk)
    for present in (2, 1):
        shown = cuboids(subject, (True, False), present=present)
        with torch.no_grad(), torch.enable_grad():
            subject.loss(network, type(shown)(test.image_bcijk, shown.label_bijk, shown.is_manual_b), 0.5)
        network.load_state_dict(state)
        if not torch.equal(before, subject.predict(network, test.image_bcijk)):
            found = "others after its loss saw the labels: it keeps them outside its weights"
            subject.fault("probabilities", "the same of the same weights and image", found)


def touches_nothing_global(subject: Subject) -> None:
    """Torch's settings stay, and its generator moves only by what is drawn from it."""
    before, ends = subject.torch_settings, []
    for key in ("one", "other"):
        with torch_stream("contract", key):
            batch = cuboids(subject, (True, False))
            subject.predict(trained(subject, batch, 2), batch.image_bcijk)
            ends.append(torch.get_rng_state())
    after = torch_settings()
    if changed := [name for name, value in after.items() if value != before[name]]:
        found = f"{changed[0]} {after[changed[0]]}, {before[changed[0]]} before"
        subject.fault("loss", "torch's settings as they were", found)
    if torch.equal(*ends):
        subject.fault("loss", "torch's generator as the harness seeded it", "that it is seeded anew")


def torch_settings() -> dict[str, object]:
    """What holds for the whole process, and is not a method's to change."""
    return {
        "get_num_threads": torch.get_num_threads(),
        "get_default_dtype": torch.get_default_dtype(),
        "is_grad_enabled": torch.is_grad_enabled(),
        "get_float32_matmul_precision": torch.get_float32_matmul_precision(),
        "are_deterministic_algorithms_enabled": torch.are_deterministic_algorithms_enabled(),
        "is_anomaly_enabled": torch.is_anomaly_enabled(),
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "cudnn.deterministic": torch.backends.cudnn.deterministic,
        "cuda.matmul.allow_tf32": torch.backends.cuda.matmul.allow_tf32,
        "mkldnn.enabled": torch.backends.mkldnn.enabled,
    }


def stays_inside(subject: Subject) -> None:
    """It writes no file outside the temporary folder, starts no program and uses no network."""
    batch = cuboids(subject, (True, False))
    with collected() as sentences:
        subject.predict(trained(subject, batch, STEPS), batch.image_bcijk)
    if sentences:
        raise StageError(sentences[0])


def tells_its_cost(subject: Subject) -> None:
    """It is charged for as many networks as it trains: copies of one shape are counted."""
    copies = copies_in(subject.network())
    if copies > subject.method.networks:
        found = f"{subject.method.networks}, and {copies} of one shape in its network"
        subject.fault("networks", "the number that it trains", found)


def copies_in(network: nn.Module) -> int:
    """How many parts of one shape hold nearly all parameters that can learn; 1 where no two are alike."""
    total = sum(it.numel() for it in network.parameters() if it.requires_grad)
    while True:
        parts = [child for child in network.children() if _shape(child)]
        if len(parts) != 1:
            break
        network = parts[0]
    shapes = [_shape(child) for child in parts]
    most = max((shapes.count(shape) for shape in shapes), default=1)
    held = sum(
        _size(child) for child, shape in zip(parts, shapes, strict=True) if shapes.count(shape) == most
    )
    return most if held >= SHARE * total else 1


def _shape(part: nn.Module) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((name, tuple(it.shape)) for name, it in part.named_parameters() if it.requires_grad)


def _size(part: nn.Module) -> int:
    tensors: list[Tensor] = [it for it in part.parameters() if it.requires_grad]
    return sum(it.numel() for it in tensors)
