"""How much of the gradient that each layer receives comes of wrong labels (P, Eq. 5: the features o^d).

P argues that a position of a shallow layer is more likely to receive a noisy gradient. With the truth at hand
that is measured: one forward pass of the frozen network, then the plain segmentation loss goes back from the
noisy label and from the clean one.
"""

# Legend: B batch, C image channels, I J K voxel axes.

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.data.patches import pad_to, random_corner, region_of_interest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from bench.settings.schema import Sampling
    from bench.stages.model import Trained
    from tsman.dense_vox_net import DenseVoxNet, Scores


class LayerNoise(NamedTuple):
    """What wrong labels do to the gradient of one layer, over all streams."""

    of: str  # features or parameters
    layer: str
    depth: int  # 0 is nearest to the image
    noise_to_signal: float | None  # |g_noisy - g_clean| / |g_clean|; None where the latter is 0
    cosine: float | None  # of g_noisy and g_clean; None where either is 0
    # Of all positions of a feature the share whose gradient differs at all under the noisy label, and where
    # the difference is longer than half of the clean gradient there; None of parameters.
    touched: float | None = None
    above_half: float | None = None


OF_POSITIONS: Final = ("touched", "above_half")
"""What is told of features alone: parameters have no positions."""
MEASURES: Final = ("noise_to_signal", "cosine", *OF_POSITIONS)
"""What is told of each layer."""


class Crops(NamedTuple):
    """The same places of an image and of both its labels."""

    image_bcijk: Tensor
    noisy_bijk: Tensor
    clean_bijk: Tensor


def crops(
    image_cijk: NDArray[np.float32],
    labels: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    sampling: Sampling,
    rng: np.random.Generator,
) -> Crops:
    """As many crops of one case as a training step has, drawn as training draws them but for the view.

    Args:
        image_cijk: The normalised image.
        labels: The noisy label, which says the region of interest, and the clean one.
        sampling: How the network was trained.
        rng: What draws the corners.
    """
    import numpy as np
    import torch

    box = (slice(None), slice(None), slice(None))
    if sampling.roi_margin >= 0:
        box = region_of_interest(labels[0], sampling.roi_margin, sampling.patch)
    padded_cijk = pad_to(image_cijk[(slice(None), *box)], sampling.patch)
    noisy_ijk, clean_ijk = (pad_to(label_ijk[box], sampling.patch) for label_ijk in labels)
    i, j, k = noisy_ijk.shape
    places = [random_corner((i, j, k), sampling.patch, rng) for _ in range(sampling.batch)]
    return Crops(
        torch.from_numpy(np.stack([padded_cijk[(slice(None), *place)] for place in places])),
        torch.from_numpy(np.stack([noisy_ijk[place] for place in places])).long(),
        torch.from_numpy(np.stack([clean_ijk[place] for place in places])).long(),
    )


def gradient_noise(trained: Trained, shown: Crops) -> list[LayerNoise]:
    """Every layer's gradients from the noisy and from the clean label; the network is left as it was.

    As in a training step: batch statistics, dropout and the auxiliary branch. Both labels go back through one
    and the same forward pass, so that dropout differs between them nowhere. A network that is not made of
    DenseVoxNets gives nothing.
    """
    import torch

    from tsman.loss import segmentation_loss

    trained.network.train()
    with _unmoved(trained.network):
        with trained.autocast():
            passed = _forward(trained.network, trained.laid_out(shown.image_bcijk))
            if not passed.scores:
                return []
            losses = [
                segmentation_loss(passed.scores, label_bijk.to(trained.device))
                for label_bijk in (shown.noisy_bijk, shown.clean_bijk)
            ]
        wanted = passed.wanted()
        tensors = [tensor for _, _, several in wanted for tensor in several]
        noisy = torch.autograd.grad(losses[0], tensors, retain_graph=True, materialize_grads=True)
        clean = torch.autograd.grad(losses[1], tensors, materialize_grads=True)
    return list(_compared(wanted, noisy, clean))


Wanted = list[tuple[str, str, list["Tensor"]]]
"""Features or parameters, the layer, and its tensors of all streams."""


@dataclass(slots=True)
class _Passed:
    """What a forward pass of all streams left behind."""

    streams: list[DenseVoxNet]
    scores: list[Scores] = field(default_factory=list)
    features: dict[str, list[Tensor]] = field(default_factory=dict)

    def note(self, name: str, _layer: nn.Module, _given: object, o_bcijk: Tensor) -> None:
        """Keep what a layer gave out."""
        self.features.setdefault(name, []).append(o_bcijk)

    def wanted(self) -> Wanted:
        """All features in the order of the layers, then all parameters; a layer without any is left out."""
        names = list(_layers(self.streams[0]))
        parameters: dict[str, list[Tensor]] = {
            name: [p for stream in self.streams for p in _layers(stream)[name].parameters()] for name in names
        }
        both: dict[str, dict[str, list[Tensor]]] = {"features": self.features, "parameters": parameters}
        return [(of, name, several[name]) for of, several in both.items() for name in names if several[name]]


def _layers(stream: DenseVoxNet) -> dict[str, nn.Module]:
    """Name to layer, from the image to the score."""
    return {**dict(stream.stages.items()), "score": stream.score}


def _forward(network: nn.Module, image_bcijk: Tensor) -> _Passed:
    """Pass an image through every stream that learns, the two of a TwoStream with the attention between them.

    By the streams themselves, not by the method: what it makes of their scores is no matter of its layers.
    """
    from tsman.dense_vox_net import Scores
    from tsman.network import TwoStream, streams_of

    pairs = [module for module in network.modules() if isinstance(module, TwoStream)]
    paired = {id(stream) for pair in pairs for stream in streams_of(pair)}
    alone = [stream for stream in streams_of(network) if id(stream) not in paired]
    # A moving average of another network learns nothing by a gradient.
    asked = [one for one in (*pairs, *alone) if all(p.requires_grad for p in one.parameters())]
    passed = _Passed([stream for one in asked for stream in streams_of(one)])
    with ExitStack() as hooks:
        for stream in passed.streams:
            for name, layer in _layers(stream).items():
                hooks.callback(layer.register_forward_hook(partial(passed.note, name)).remove)
        for one in asked:
            said = one(image_bcijk)
            passed.scores += [said] if isinstance(said, Scores) else [said.first, said.second]
    return passed


def _compared(wanted: Wanted, noisy: tuple[Tensor, ...], clean: tuple[Tensor, ...]) -> Iterator[LayerNoise]:
    pairs = iter(zip(noisy, clean, strict=True))
    names = list(dict.fromkeys(name for _, name, _ in wanted))
    for of, name, tensors in wanted:
        signal = noise = overlap = 0.0
        positions: list[Tensor] = []
        for g_noisy, g_clean in (next(pairs) for _ in tensors):
            of_noise, of_clean = (g_noisy - g_clean).float(), g_clean.float()
            if of == "features":
                positions.append(noise_of_positions(of_noise, of_clean))
            signal += float(of_clean.square().sum())
            noise += float(of_noise.square().sum())
            overlap += float((of_noise * of_clean).sum())
        # From the difference, so that equal labels give exactly 0 and 1.
        length = (signal * (signal + noise + 2 * overlap)) ** 0.5
        ratio, cosine = (noise / signal) ** 0.5 if signal else None, None
        if length:
            cosine = (signal + overlap) / length
        yield LayerNoise(of, name, names.index(name), ratio, cosine, *_shares(positions))


def noise_of_positions(noise_bcijk: Tensor, clean_bcijk: Tensor) -> Tensor:
    """Whether a gradient is touched, and whether by more than half of the clean one: (2, positions), bool.

    A position is one voxel of a feature map with all its channels (P: the vector o_i). Where the clean
    gradient is 0 any noise is more than half of it.
    """
    import torch

    is_touched_bijk = (noise_bcijk != 0).any(dim=1)
    is_above_bijk = noise_bcijk.norm(dim=1) > 0.5 * clean_bcijk.norm(dim=1)
    return torch.stack((is_touched_bijk.flatten(), is_above_bijk.flatten()))


def _shares(positions: list[Tensor]) -> tuple[float | None, float | None]:
    """The two shares over the positions of all streams."""
    import torch

    if not positions:
        return None, None
    touched, above_half = torch.cat(positions, dim=1).double().mean(dim=1).tolist()
    return touched, above_half


@contextmanager
def _unmoved(network: nn.Module) -> Iterator[None]:
    """Put back in the end what a forward pass in training mode moves: the running statistics.

    Not before the way back, which reads them.
    """
    before = [buffer.clone() for buffer in network.buffers()]
    try:
        yield
    finally:
        for buffer, was in zip(network.buffers(), before, strict=True):
            buffer.copy_(was)
