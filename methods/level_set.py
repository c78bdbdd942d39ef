"""Multi-class level set evolution: an image and class probabilities in, a smoother label out.

A documented stand-in for Tang et al., "A deep level set method for image segmentation" (DLMIA 2017), of which
no public implementation exists: the energy is the statistical one of Cremers, Rousson and Deriche (IJCV 2007)
and of Chan and Vese (2001), with one function for each class and the network's probabilities as a prior.
"""

# N classes, the background first, C image channels, B intensity bins, I J K voxel axes.
from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_MARGIN = 4  # voxels of the working box beyond the background's context
_NO_CLASS = -1e4  # score of a class without voxels: it has no intensity model, so it must win nothing
_FLAT = 1e-8  # the least divisor: a field flatter than this is constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """Settings of the evolution; lengths are in voxels, and "ours" marks what no publication states.

    Raises:
        ValueError: A width, a step or a count is not above 0.
    """

    alpha: float = 1.0  # weight of the boundary's length; ours
    beta: float = 1.0  # weight of the intensity model; ours
    gamma: float = 0.5  # weight of the network's probabilities; ours, from phantoms
    # Of the Gaussian that smooths these probabilities where they weigh as a prior, so that their boundary may
    # be wrong by so many voxels however sure they are; the evolution starts at the boundary itself; ours
    prior_sigma: float = field(default=0.0, metadata={"later": True})
    edge_weighted: bool = False  # g = 1 as Chan-Vese; True lets boundaries rest on edges (geodesic contours)
    eps: float = 1.5  # width of the smoothed delta function; ours, Chan-Vese take 1
    dt: float = 0.4  # time step; ours, with the stencil below stable for alpha up to 2.5
    iterations: int = 40  # ours
    reinitialise_every: int = 10  # iterations between new signed distances and histograms; ours
    clip: float = 20.0  # bound of the signed distances; ours
    bins: int = 64  # of an intensity histogram; ours
    histogram_sigma: float = 2.0  # of the Gaussian over a histogram, in bins; ours
    floor: float = 1e-3  # least probability, and added to a density, before a logarithm; ours
    log_clip: float = 4.0  # bound of a log-density; ours
    force_clip: float = 2.0  # bound of the push of image and prior; ours
    context: int = 10  # the background's histogram sees so far from the foreground; ours

    def __post_init__(self) -> None:
        for key in ("eps", "dt", "reinitialise_every", "clip", "bins", "histogram_sigma", "floor", "context"):
            if not getattr(self, key) > 0:
                raise ValueError(f"{key} is {getattr(self, key)}; a level set evolution needs it above 0")
        if not 0 <= self.prior_sigma <= 20:
            raise ValueError(f"prior_sigma {self.prior_sigma} must be in [0, 20]")


def evolve(image_cijk: Tensor, probability_nijk: Tensor, settings: Evolution) -> Tensor:
    """Evolve the most probable label until its boundary is short and its regions fit the image.

    Every foreground class k has a function phi_k, positive inside, that moves by

        phi_k += dt d(phi_k) (alpha div(g grad phi_k / |grad phi_k|) + clip(s_k - max_{j != k} s_j)),
        s_k = beta log p_k(I) + gamma log P_k,    d(phi) = eps^2 / (eps^2 + phi^2),

    with p_k the histogram of class k (summed over channels), P_k the network's probability, smoothed by
    ``prior_sigma``, and j any class, the background among them. A class that is nowhere the most probable
    stays absent.

    Nothing can change outside the foreground's bounding box, widened by the context and four voxels; at the
    default settings a flat front travels 12 voxels at most.

    Args:
        image_cijk: Intensities, (C, I, J, K), finite, on any scale.
        probability_nijk: Class probabilities, (N, I, J, K), class 0 the background, of any floating type.
        settings: Weights, steps and histograms.

    Returns:
        The label, int64, (I, J, K); after no iterations it is the argmax of the probabilities.

    Raises:
        ValueError: The two tensors do not lie on one grid.
    """
    if image_cijk.ndim != 4 or image_cijk.shape[1:] != probability_nijk.shape[1:]:
        shapes = f"{tuple(image_cijk.shape)} and probabilities of {tuple(probability_nijk.shape)}"
        raise ValueError(f"an image of {shapes} do not lie on one grid (I, J, K)")
    label_ijk = probability_nijk.detach().argmax(dim=0)
    if not len(index_v3 := label_ijk.nonzero()):
        return label_ijk
    margin = settings.context + _MARGIN
    first, last = (index_v3.amin(dim=0) - margin).clamp(min=0), index_v3.amax(dim=0) + margin + 1
    box = (slice(None), *map(slice, first.tolist(), last.tolist()))
    image_cijk = image_cijk.detach()[box].float().contiguous()
    believed_nijk = gaussian(probability_nijk.detach()[box].float(), settings.prior_sigma)
    prior_nijk = believed_nijk.clamp(min=settings.floor).log().mul_(settings.gamma)
    label_ijk[box[1:]] = _evolved(image_cijk, prior_nijk, label_ijk[box[1:]].contiguous(), settings)
    return label_ijk


def signed_distance(mask_ijk: Tensor, clip: float) -> Tensor:
    """Signed Euclidean distance to a mask's boundary, exact up to `clip`.

    It is d - 0.5 inside and 0.5 - d outside, d leading to the nearest voxel centre of the other side: the
    boundary lies between voxels, and a mask and its complement, so two neighbouring classes, are opposites.

    Args:
        mask_ijk: The mask, bool, (I, J, K).
        clip: The largest absolute value, voxels.

    Returns:
        The distance in voxels, float32, (I, J, K), positive inside; `-clip` everywhere for an empty mask.
    """
    radius = math.ceil(clip + 0.5)
    # Each side's squared distance is zero on the other side, so their sum is the distance to the other side.
    squared_ijk = _squared_distance(mask_ijk, radius) + _squared_distance(~mask_ijk, radius)
    distance_ijk = squared_ijk.float().sqrt_().sub_(0.5).clamp_(max=clip)
    return distance_ijk.where(mask_ijk, -distance_ijk)


def _squared_distance(site_ijk: Tensor, radius: int) -> Tensor:
    """Squared distance to the nearest site, (I, J, K), exact up to the radius and larger beyond."""
    import torch

    far = (radius + 1) ** 2
    cost_ijk = (~site_ijk).to(torch.int16 if far + radius**2 < 2**15 else torch.int32) * far
    # Min-plus convolutions with a parabola (Felzenszwalb, Huttenlocher 2012); short whole numbers are fast.
    for _ in range(3):
        lowest_ijk = cost_ijk.clone()
        # A step whose square exceeds every cost can lower none.
        for step in range(1, min(radius, math.isqrt(int(cost_ijk.max())), len(cost_ijk) - 1) + 1):
            raised_ijk = cost_ijk + step**2
            torch.minimum(lowest_ijk[step:], raised_ijk[:-step], out=lowest_ijk[step:])
            torch.minimum(lowest_ijk[:-step], raised_ijk[step:], out=lowest_ijk[:-step])
        cost_ijk = lowest_ijk.permute(1, 2, 0).contiguous()
    return cost_ijk


def _evolved(image_cijk: Tensor, prior_nijk: Tensor, label_ijk: Tensor, settings: Evolution) -> Tensor:
    """The label after all iterations, int64, (I, J, K)."""
    import torch

    bin_cijk = _binned(image_cijk, settings.bins)
    edge_ijk = _edge_map(image_cijk) if settings.edge_weighted else None
    classes = len(prior_nijk)
    for start in range(0, settings.iterations, settings.reinitialise_every):
        phi_nijk = torch.stack([signed_distance(label_ijk == n, settings.clip) for n in range(1, classes)])
        near_ijk = phi_nijk.amax(dim=0) >= 0.5 - settings.context
        # The background far away belongs to no histogram: it is counted as a class too many.
        score_nijk = _score(bin_cijk, prior_nijk, label_ijk.where(near_ijk, classes), settings)
        for n, phi_ijk in enumerate(phi_nijk, start=1):
            rival_ijk = torch.cat((score_nijk[:n], score_nijk[n + 1 :])).amax(dim=0)
            push_ijk = (score_nijk[n] - rival_ijk).clamp_(-settings.force_clip, settings.force_clip)
            for _ in range(min(settings.reinitialise_every, settings.iterations - start)):
                speed_ijk = push_ijk.add(_curvature(phi_ijk, edge_ijk), alpha=settings.alpha)
                delta_ijk = (phi_ijk * phi_ijk).add_(settings.eps**2)
                phi_ijk.addcdiv_(speed_ijk, delta_ijk, value=settings.dt * settings.eps**2)
        height_ijk, highest_ijk = phi_nijk.max(dim=0)
        label_ijk = torch.where(height_ijk > 0, highest_ijk + 1, 0)
    return label_ijk


def _curvature(phi_ijk: Tensor, edge_ijk: Tensor | None) -> Tensor:
    """div(g grad phi / |grad phi|), negative on a ball; g is one where no edge map is given."""
    # Differences of differences reach two voxels: the compact stencil would be unstable at the default step.
    normals = [_difference(phi_ijk, axis) for axis in range(3)]
    scale_ijk = normals[0].square().addcmul_(normals[1], normals[1]).addcmul_(normals[2], normals[2])
    scale_ijk.clamp_(min=_FLAT).rsqrt_()
    if edge_ijk is not None:
        scale_ijk.mul_(edge_ijk)
    divergence_ijk = phi_ijk.new_zeros(phi_ijk.shape)
    for axis, normal_ijk in enumerate(normals):
        divergence_ijk += _difference(normal_ijk.mul_(scale_ijk), axis)
    return divergence_ijk.mul_(0.5)  # a difference spans two voxels


def _difference(field_ijk: Tensor, axis: int) -> Tensor:
    """The next voxel minus the previous one along an axis of a contiguous field, its border replicated."""
    flat, step = field_ijk.view(-1), field_ijk.stride(axis)
    difference_ijk = field_ijk.new_zeros(field_ijk.shape)
    # A shift of the flat memory is much faster than a strided one, and is wrong on the two faces alone.
    difference_ijk.view(-1)[step:-step] = flat[2 * step :] - flat[: -2 * step]
    face, field = difference_ijk.movedim(axis, 0), field_ijk.movedim(axis, 0)
    face[0], face[-1] = field[:2][-1] - field[0], field[-1] - field[-2:][0]
    return difference_ijk


def _binned(image_cijk: Tensor, bins: int) -> Tensor:
    """Every voxel's intensity bin, int64, (C, I, J, K)."""
    voxels = (1, 2, 3)
    mean, sd = image_cijk.mean(voxels, keepdim=True), image_cijk.std(voxels, correction=0, keepdim=True)
    # A few very bright voxels would otherwise leave all others in one bin.
    low = image_cijk.amin(voxels, keepdim=True).maximum(mean - 4 * sd)
    high = image_cijk.amax(voxels, keepdim=True).minimum(mean + 4 * sd)
    return ((image_cijk - low) * (bins / (high - low).clamp(min=_FLAT))).clamp_(0, bins - 1).long()


def _score(bin_cijk: Tensor, prior_nijk: Tensor, class_ijk: Tensor, settings: Evolution) -> Tensor:
    """The sum beta log p_n(I) + gamma log P_n, (N, I, J, K); class N of `class_ijk` counts for nothing."""
    import torch

    classes, bins = len(prior_nijk), settings.bins
    index = torch.arange(bins, device=prior_nijk.device).double()
    # Its columns sum to one, so that no voxel is lost; doubles, which autocast leaves alone.
    smooth_bb = (-0.5 * ((index[:, None] - index) / settings.histogram_sigma) ** 2).softmax(dim=0)
    score_nijk = prior_nijk.clone()
    for bin_ijk in bin_cijk:
        count = (class_ijk * bins + bin_ijk).flatten().bincount(minlength=(classes + 1) * bins)
        count_nb = count.view(classes + 1, bins)[:classes].double()
        total_n1 = count_nb.sum(dim=1, keepdim=True)
        # A uniform density is one, so that the bound cuts rare and common intensities alike.
        density_nb = (count_nb @ smooth_bb.T) * bins / total_n1.clamp(min=1)
        log_nb = (density_nb + settings.floor).log().clamp(-settings.log_clip, settings.log_clip).float()
        score_nijk.add_(log_nb[:, bin_ijk], alpha=settings.beta)
        score_nijk[total_n1[:, 0] == 0] = _NO_CLASS
    return score_nijk


def gaussian(field_cijk: Tensor, sigma: float) -> Tensor:
    """A field under a Gaussian of so many voxels, its border replicated; as it is for a sigma of 0."""
    import torch
    from torch.nn.functional import conv1d, pad

    if sigma == 0:
        return field_cijk
    reach = math.ceil(3 * sigma)
    offset = torch.arange(-reach, reach + 1, device=field_cijk.device, dtype=field_cijk.dtype)
    weight = (-0.5 * (offset / sigma) ** 2).softmax(dim=0)[None, None]
    for _ in range(3):  # along the last axis, which then becomes the first after the channels
        lines = field_cijk.reshape(-1, 1, field_cijk.shape[-1])
        lines = conv1d(pad(lines, (reach, reach), mode="replicate"), weight)
        field_cijk = lines.reshape(field_cijk.shape).permute(0, 3, 1, 2)
    return field_cijk.contiguous()


def _edge_map(image_cijk: Tensor) -> Tensor:
    """The edge weight 1 / (1 + |grad(G * I)|^2), (I, J, K), every channel scaled to unit deviation."""
    from torch.nn.functional import avg_pool3d, pad

    smooth_cijk = image_cijk / image_cijk.std((1, 2, 3), correction=0, keepdim=True).clamp(min=_FLAT)
    for _ in range(2):  # two boxes of three voxels are nearly a Gaussian of sigma 1.15
        smooth_cijk = avg_pool3d(pad(smooth_cijk, [1] * 6, mode="replicate"), 3, stride=1)
    slopes = (_difference(smooth_ijk, axis) / 2 for smooth_ijk in smooth_cijk for axis in range(3))
    return sum((slope_ijk**2 for slope_ijk in slopes), start=image_cijk.new_ones(())).reciprocal()
