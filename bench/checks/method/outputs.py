"""Checks of what a method answers: its network, its probabilities, its loss, its gradients, its doubt."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import replace

import torch

from bench.checks.method.subject import (
    PROGRESSES,
    Subject,
    cases_of,
    cuboids,
    one_hot,
    studied,
    trained,
    training,
)
from bench.seeding import torch_stream
from bench.stages.training.loop import groups_of
from methods.interface import (
    AfterStep,
    DependsOnStart,
    Doubts,
    Refines,
    Revises,
    StartsAtTeachers,
    Studies,
    Weighs,
)
from tsman.labels import hard_label, mean_dice
from tsman.network import streams_of

MOST_STEPS, EVERY, FEWEST = 300, 10, 40
BY_HEART = 0.9  # at a constant learning rate some never settle much above it


def builds(subject: Subject) -> None:
    """The network hangs on torch's global generator and on nothing else."""
    with torch_stream("contract", "one"):
        first = subject.network()
    with torch_stream("contract", "one"):
        again = subject.network()
    with torch_stream("contract", "other"):
        other = subject.network()
    pairs = [(one.state_dict(), first.state_dict()) for one in (again, other)]
    same, different = [all(torch.equal(a[name], b[name]) for name in b) for a, b in pairs]
    if not same:
        subject.fault("network", "the same weights under the same seed", "others")
    if different:
        subject.fault("network", "weights drawn from torch's global generator", "the same under another seed")


def predicts(subject: Subject) -> None:
    """Probabilities of any batch and any multiple of four; no item hangs on its neighbours."""
    network = subject.network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for size in ((3, 8, 12, 16), (1, 20, 12, 8)):
        found = subject.predict(network, torch.randn(size[0], subject.channels, *size[1:]))
        if found.dtype != torch.float32:
            subject.fault("probabilities", "float32", str(found.dtype))
    image_bcijk = torch.randn(2, subject.channels, 16, 16, 16)
    both, alone = subject.predict(network, image_bcijk), subject.predict(network, image_bcijk[:1])
    if (apart := float((both[:1] - alone).abs().max())) > 1e-4:
        subject.fault(
            "probabilities", "the same for an item alone as in a batch", f"{apart:.3g} between them"
        )
    if any(not torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items()):
        subject.fault("probabilities", "a network that is not changed by it", "others weights or buffers")


def loses(subject: Subject) -> None:
    """A finite float32 scalar all along the training, or ``None``."""
    network, found = subject.network(), []
    for progress in PROGRESSES:
        loss = subject.loss(network, cuboids(subject, (True, False)), progress)
        if loss is not None:
            found.append(loss)
            if loss.dtype != torch.float32 or loss.shape != ():
                shown = f"{loss.dtype} {tuple(loss.shape)}"
                subject.fault("loss", "a float32 scalar of shape ()", shown)
    if not found:
        subject.fault("loss", "a number at some time of the training", "None all along")


def gives_gradients(subject: Subject) -> None:
    """Each parameter that the optimiser holds gets a finite gradient at some time of the training."""
    network = subject.network()
    names = {id(it): name for name, it in network.named_parameters()}
    held = [it for group in groups_of(subject.method, network) for it in group.parameters if it.requires_grad]
    reached: set[int] = set()
    batch = cuboids(subject, (True, False))
    for progress in PROGRESSES:
        if isinstance(subject.method, Studies):
            batch = studied(subject, network, batch, progress)
        loss = subject.loss(network, batch, progress)
        if loss is None:
            continue
        network.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for it in held:
            if it.grad is not None and not bool(it.grad.isfinite().all()):
                subject.fault("loss", "finite gradients", f"others for {names[id(it)]} at {progress:.0%}")
            reached |= {id(it)} if it.grad is not None else set()
    if never := [names[id(it)] for it in held if id(it) not in reached]:
        more = f" and {len(never) - 3} more" if len(never) > 3 else ""
        subject.fault("loss", "a gradient for each parameter", f"none ever for {', '.join(never[:3])}{more}")
    if not any(it.grad is not None and bool(it.grad.any()) for it in held):
        subject.fault("loss", "gradients that move the network", "zeros")


def bears_missing_classes(subject: Subject) -> None:
    """A patch without one class, or of background alone, is a patch like others."""
    network = subject.network()
    for present in (1, 0):
        for progress in PROGRESSES:
            subject.loss(network, cuboids(subject, (True, False), present=present), progress)


def bears_any_mix(subject: Subject) -> None:
    """A batch of one item, of manual labels alone, of noisy ones alone."""
    network = subject.network()
    for manual in ((True,), (False,), (True, True), (False, False)):
        for progress in PROGRESSES:
            subject.loss(network, cuboids(subject, manual), progress)


def learns_by_heart(subject: Subject) -> None:
    """One patch, in a few hundred steps."""
    batch, dice = cuboids(subject, (True,)), 0.0
    for step, network in enumerate(training(subject, batch, MOST_STEPS), start=1):
        if step % EVERY == 0 and step >= FEWEST:
            label_bijk = hard_label(subject.predict(network, batch.image_bcijk), dim=1)
            dice = mean_dice(label_bijk, batch.label_bijk, subject.classes)
            if dice > BY_HEART:
                return
    subject.fault(
        "loss", f"one patch by heart: a Dice above {BY_HEART}", f"{dice:.2f} after {MOST_STEPS} steps"
    )


def doubts(subject: Subject) -> str:
    """(B, I, J, K) in [0, 1], without a gradient, and nothing is changed by asking."""
    if not isinstance(subject.method, Doubts):
        return "declares no doubt"
    batch = cuboids(subject, (True, False))
    network = trained(subject, batch, 3)
    if isinstance(subject.method, Studies):  # it may doubt by the targets that it gave
        batch = studied(subject, network, batch, subject.method.studies[-1])
        hard_bnijk = torch.stack([one_hot(one, subject.classes) for one in batch.label_bijk])
        batch = replace(batch, target_bnijk=hard_bnijk) if batch.target_bnijk is None else batch
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        found = subject.method.doubt(network.eval(), batch)
    if not found:
        subject.fault("doubt", "a name for each doubt", "no doubt at all")
    if any(not torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items()):
        subject.fault("doubt", "a network that is not changed by it", "other weights or buffers")
    return ""


def weighs(subject: Subject) -> str:
    """(B, I, J, K) in [0, 1] of an image alone."""
    if not isinstance(subject.method, Weighs):
        return "declares no weights"
    from bench.plugins import output_checks

    batch = cuboids(subject, (True, False))
    with torch.inference_mode():
        found = subject.method.weights(subject.network().eval(), batch.image_bcijk)
    if wrong := output_checks.doubt(found, batch):
        subject.fault("weights", *wrong)
    return ""


def revises(subject: Subject) -> str:
    """New labels for cases without a manual one, on their own grid; what it is shown stays as it is."""
    method = subject.method
    if not isinstance(method, Revises):
        return "revises nothing"
    batch = cuboids(subject, (True, False, False))
    network = trained(subject, batch, 2)
    before = batch.label_bijk.to(torch.uint8)
    cases = list(cases_of(subject, batch))
    for share in method.revisions:
        method.revise(iter(cases), lambda image: subject.predict(network, image[None])[0], share)
    _demand_untouched(subject, "revise", [case.label_ijk for case in cases], list(before))
    return ""


def refines(subject: Subject) -> str:
    """Probabilities of every voxel, from an image and probabilities that it leaves as they are."""
    method = subject.method
    if not isinstance(method, Refines):
        return "refines nothing"
    batch = cuboids(subject, (True, False))
    with torch.inference_mode():
        (probability_nijk, _) = subject.predict(subject.network(), batch.image_bcijk)
        given = batch.image_bcijk[0].clone(), probability_nijk.clone()
        method.refine(*given)
    if not torch.equal(given[0], batch.image_bcijk[0]) or not torch.equal(given[1], probability_nijk):
        subject.fault("refine", "what it is given left as it is", "it changed in place")
    return ""


def studies(subject: Subject) -> str:
    """Soft targets on each case's own grid, from the manual cases too; no label is changed."""
    method = subject.method
    if not isinstance(method, Studies):
        return "studies nothing"
    batch = cuboids(subject, (True, False, False))
    network = subject.network()
    cases = list(cases_of(subject, batch))
    for share in method.studies:
        method.study(network, iter(cases), lambda image: subject.predict(network, image[None])[0], share)
        subject.loss(network, studied(subject, network, batch, share), share)
    before = list(batch.label_bijk.to(torch.uint8))
    _demand_untouched(subject, "study", [case.label_ijk for case in cases], before)
    return ""


def steps_after(subject: Subject) -> str:
    """What is done after each step leaves finite weights."""
    if not isinstance(subject.method, AfterStep):
        return "does nothing after a step"
    network = trained(subject, cuboids(subject, (True, False)), 3)
    broken = [name for name, it in network.state_dict().items() if not bool(it.isfinite().all())]
    if broken:
        subject.fault("after_step", "finite weights", f"others in {broken[0]}")
    return ""


def starts(subject: Subject) -> str:
    """A network of DenseVoxNet streams where it says that it can start at teachers, and settings for both."""
    method = subject.method
    if isinstance(method, DependsOnStart):
        for start in ("teachers", "fresh"):
            if type(method.resolved(start)) is not type(method):
                subject.fault("resolved", f"the same method for a start {start}", "another")
    if not (isinstance(method, StartsAtTeachers) and method.starts_at_teachers):
        return "does not start at teachers"
    streams = len(streams_of(subject.network()))
    if not 1 <= streams <= method.networks:
        wanted = f"1 to {method.networks} DenseVoxNet streams in the network"
        subject.fault("starts_at_teachers", wanted, str(streams))
    return ""


def _demand_untouched(
    subject: Subject, member: str, after: list[torch.Tensor], before: list[torch.Tensor]
) -> None:
    changed = [place for place, pair in enumerate(zip(after, before, strict=True)) if not torch.equal(*pair)]
    if changed:
        found = f"that of case_{changed[0]} overwritten in place"
        subject.fault(member, "labels that are given back, not changed where they lie", found)
