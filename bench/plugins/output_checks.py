"""What a method's answers must be: each check says what was expected and what was found, or nothing."""

# Legend: B batch, C image channels, N classes, I J K voxel axes.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor, nn

    from methods.interface import Batch

Wrong = tuple[str, str] | None
ROUNDING = 1e-3
"""By which probabilities may miss one: those of a sum in bfloat16 do not."""


class Seen(NamedTuple):
    """A training case as a method was shown it."""

    shape_ijk: tuple[int, ...]
    is_manual: bool


def network(found: object) -> Wrong:
    """A module that can learn."""
    from torch import nn

    if not isinstance(found, nn.Module):
        return "a torch.nn.Module", _kind(found)
    if not any(parameter.requires_grad for parameter in found.parameters()):
        return "a network with parameters to learn", "one without"
    return None


def loss(found: object, progress: float) -> Wrong:
    """A finite scalar that hangs on the network, or ``None``."""
    import torch

    if found is None:
        return None
    if not isinstance(found, torch.Tensor) or found.numel() != 1 or not found.is_floating_point():
        return "a scalar tensor, or None to skip the step", _kind(found)
    if not bool(torch.isfinite(found).all()):
        return (
            "a finite number",
            f"{float(found.detach())} at {progress:.0%} of the steps (a lower learning rate may help)",
        )
    if not found.requires_grad:
        return "a loss that the network can learn from", "one that hangs on no parameter"
    return None


def probabilities(found: object, image_bcijk: Tensor, classes: int | None) -> Wrong:
    """(B, N, I, J, K), floating, in [0, 1], summing to one."""
    import torch

    number, _, *size = image_bcijk.shape
    wanted = f"({number}, {classes or 'N'}, {', '.join(map(str, size))})"
    if not isinstance(found, torch.Tensor) or not found.is_floating_point():
        return f"probabilities {wanted}", _kind(found)
    is_shaped = found.dim() == 5 and [found.shape[0], *found.shape[2:]] == [number, *size]
    if not is_shaped or (classes is not None and found.shape[1] != classes):
        return f"probabilities {wanted}", _kind(found)
    return shares(found, dim=1)


def shares(found: Tensor, dim: int) -> Wrong:
    """Numbers in [0, 1] that sum to one along an axis."""
    if not bool(found.isfinite().all()):
        return "probabilities", f"{int((~found.isfinite()).sum())} values that are no numbers"
    least, most = float(found.min()), float(found.max())
    if least < -ROUNDING or most > 1 + ROUNDING:
        return "probabilities in [0, 1]", f"values from {least:.4g} to {most:.4g}"
    apart = float((found.float().sum(dim) - 1).abs().max())
    if apart > ROUNDING:
        return "probabilities that sum to one", f"sums that are {apart:.4g} beside it"
    return None


def refined(found: object, probability_nijk: Tensor) -> Wrong:
    """(N, I, J, K) as it was given, floating, in [0, 1], summing to one."""
    import torch

    wanted = tuple(probability_nijk.shape)
    if not isinstance(found, torch.Tensor) or not found.is_floating_point() or tuple(found.shape) != wanted:
        return f"probabilities {wanted}", _kind(found)
    return shares(found, dim=0)


def parameter_groups(found: object, network: nn.Module) -> Wrong:
    """Every parameter that can learn in exactly one group."""
    from methods.interface import ParameterGroup

    if not isinstance(found, list | tuple) or not all(isinstance(one, ParameterGroup) for one in found):
        return "a list of ParameterGroup", _kind(found)
    held = [id(parameter) for group in found for parameter in group.parameters]
    if len(held) != len(set(held)):
        return "each parameter in one group", f"{len(held) - len(set(held))} in several"
    names = {id(it): name for name, it in network.named_parameters()}
    if foreign := [one for one in held if one not in names]:
        return "parameters of the network", f"{len(foreign)} that it has not"
    lacking = [names[id(it)] for it in network.parameters() if it.requires_grad and id(it) not in held]
    return ("each parameter in a group", f"{', '.join(lacking[:3])} in none") if lacking else None


def doubt(found: object, batch: Batch) -> Wrong:
    """Name to (B, I, J, K) in [0, 1]."""
    wanted = tuple(batch.label_bijk.shape)
    if (maps := _tensors(found)) is None:
        return f"names to tensors {wanted}", _other(found)
    return next((wrong for name, one in maps.items() if (wrong := _share_of_voxels(name, one, wanted))), None)


def _share_of_voxels(name: str, found: Tensor, wanted: tuple[int, ...]) -> Wrong:
    if tuple(found.shape) != wanted:
        return f"{name} {wanted}", _kind(found)
    if not bool(((found >= 0) & (found <= 1)).all()):
        return f"{name} in [0, 1]", f"values from {float(found.min()):.4g} to {float(found.max()):.4g}"
    return None


def revised(found: object, seen: Mapping[str, Seen], classes: int | None) -> Wrong:
    """New labels by case name, of cases that were shown and whose label is not manual."""
    if (labels := _tensors(found)) is None:
        return "case names to labels", _other(found)
    if wrong := _known(labels, seen):
        return wrong
    for name, label_ijk in labels.items():
        if seen[name].is_manual:
            return "that no manual label is changed", f"a new one for {name}"
        if tuple(label_ijk.shape) != seen[name].shape_ijk or label_ijk.is_floating_point():
            return f"whole numbers {seen[name].shape_ijk} for {name}", _kind(label_ijk)
        least, most = int(label_ijk.min()), int(label_ijk.max())
        if least < 0 or (classes is not None and most >= classes):
            return f"labels of {name} in 0..{classes - 1 if classes else 'N-1'}", f"{least} to {most}"
    return None


def studied(found: object, seen: Mapping[str, Seen], classes: int | None) -> Wrong:
    """Soft targets (N, I, J, K) by case name."""
    if (targets := _tensors(found)) is None:
        return "case names to soft targets", _other(found)
    if wrong := _known(targets, seen):
        return wrong
    for name, target_nijk in targets.items():
        is_shaped = target_nijk.dim() == 4 and tuple(target_nijk.shape[1:]) == seen[name].shape_ijk
        if not is_shaped or (classes is not None and target_nijk.shape[0] != classes):
            return f"({classes or 'N'}, *{seen[name].shape_ijk}) for {name}", _kind(target_nijk)
        if amiss := shares(target_nijk, dim=0):
            return amiss
    return None


def _known(found: Mapping[str, object], seen: Mapping[str, Seen]) -> Wrong:
    strange = sorted(set(found) - set(seen))
    return ("names of cases that it was shown", f"{strange[0]!r}") if strange else None


def _tensors(found: object) -> Mapping[str, Tensor] | None:
    """Names to tensors; None where it is something else."""
    import torch

    if not isinstance(found, Mapping) or not all(isinstance(one, torch.Tensor) for one in found.values()):
        return None
    return found


def _other(found: object) -> str:
    """What stands where names to tensors were expected."""
    import torch

    if not isinstance(found, Mapping):
        return _kind(found)
    name, other = next((name, one) for name, one in found.items() if not isinstance(one, torch.Tensor))
    return f"{name!r} to {_kind(other)}"


def _kind(found: object) -> str:
    """A value in a few words."""
    import torch

    if isinstance(found, torch.Tensor):
        return f"a {str(found.dtype).removeprefix('torch.')} tensor {tuple(found.shape)}"
    return "nothing" if found is None else f"a {type(found).__name__}"
