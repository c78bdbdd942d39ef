"""A method at work: its network on a device, in a precision, in a memory layout."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.data.patches import normalise
from bench.errors import DataError, StageError
from bench.plugins import methods
from bench.stages.inference import clean, segment
from bench.store.artifacts import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from bench.data.images.volumes import Volume
    from bench.settings.schema import Compute, Inference
    from bench.settings.stage_specs import ScoresSpec, TrainingSpec
    from methods.interface import Batch, Method


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A method with its network; training and inference run through the same precision and layout."""

    method: Method
    network: nn.Module
    compute: Compute
    device: str

    def autocast(self) -> AbstractContextManager[object]:
        """The precision of the stage."""
        import torch

        if self.compute.precision == "bfloat16":
            return torch.autocast(self.device.partition(":")[0], dtype=torch.bfloat16)
        return nullcontext()

    def laid_out(self, image_bcijk: Tensor) -> Tensor:
        """The image on the device, in the layout of the stage."""
        import torch

        image_bcijk = image_bcijk.to(self.device)
        if self.compute.layout == "channels_last":
            return image_bcijk.contiguous(memory_format=torch.channels_last_3d)
        return image_bcijk.contiguous()

    def predict(self, image_bcijk: Tensor) -> Tensor:
        """Probabilities (B, N, I, J, K) in evaluation mode."""
        import torch

        self.network.eval()
        with torch.inference_mode(), self.autocast():
            return self.method.probabilities(self.network, self.laid_out(image_bcijk))

    def weigh(self, image_bcijk: Tensor) -> dict[str, Tensor]:
        """What a method that ``Weighs`` makes of each voxel: name to (B, I, J, K), in evaluation mode."""
        import torch

        from methods.interface import Weighs

        assert isinstance(self.method, Weighs)
        self.network.eval()
        with torch.inference_mode(), self.autocast():
            return dict(self.method.weights(self.network, self.laid_out(image_bcijk)))

    def doubt(self, batch: Batch) -> dict[str, Tensor]:
        """What a method that ``Doubts`` takes from each voxel: name to (B, I, J, K), in evaluation mode."""
        import torch

        from methods.interface import Doubts

        assert isinstance(self.method, Doubts)
        self.network.eval()
        with torch.inference_mode(), self.autocast():
            return dict(self.method.doubt(self.network, batch))

    def segment(self, image_cijk: Tensor, inference: Inference, patch: tuple[int, int, int]) -> Tensor:
        """Probabilities (N, I, J, K) of a whole normalised image."""
        return segment(image_cijk.to(self.device), self.predict, inference, patch)

    def predicted(self, image_cijk: Tensor, inference: Inference, patch: tuple[int, int, int]) -> Tensor:
        """What is scored: a whole image segmented, and refined by a method that ``Refines``."""
        import torch

        from methods.interface import Refines

        probability_nijk = self.segment(image_cijk, inference, patch)
        if not isinstance(self.method, Refines):
            return probability_nijk
        with torch.inference_mode():
            return self.method.refine(image_cijk.to(self.device), probability_nijk)

    def save(self, folder: Path) -> None:
        """Write the weights; no pickle."""
        from safetensors.torch import save

        tensors = {
            name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()
        }
        (folder / WEIGHTS).write_bytes(save(tensors))  # not save_file: a full disk must be an OSError


def begin(spec: TrainingSpec, device: str) -> Trained:
    """A method with a fresh network from torch's global generator, as the stage computes."""
    from bench.stages.fast_layers import lay_channels_last, quicken

    method, compute = methods.method_of(spec.method, spec.classes), spec.compute
    network = method.network(spec.channels, spec.classes, spec.stream).to(device)
    if compute.layout == "channels_last":
        lay_channels_last(network)
    if compute.path == "fast" and device == "cpu":
        quicken(network)
    return Trained(method, network, compute, device)


def opened(folder: Path, spec: TrainingSpec, device: str) -> Trained:
    """What a finished training stage left in its folder.

    Raises:
        DataError: It is not a safetensors file, or of another network; nothing in it is ever run.
    """
    return loaded(folder / WEIGHTS, spec, device)


def loaded(weights: Path, spec: TrainingSpec, device: str) -> Trained:
    """A method as it was when these weights of a training stage were written.

    Raises:
        DataError: They are no safetensors file, or of another network; nothing in it is ever run.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    trained = begin(spec, device)
    try:
        trained.network.load_state_dict(load_file(weights, device=device))
    except (OSError, RuntimeError, SafetensorError) as error:
        first = str(error).partition("\n")[0]
        raise DataError(f"{weights} does not hold the weights of this stage: {first}") from error
    return trained


def start_at(trained: Trained, teachers: Sequence[Trained]) -> None:
    """Give each stream of a network the weights of a trained teacher, in order.

    Raises:
        StageError: The network has no such streams, or more than there are teachers.
    """
    from tsman.network import streams_of

    streams = streams_of(trained.network)
    if not 0 < len(streams) <= len(teachers):
        name = trained.method.name
        raise StageError(f"{name} has {len(streams)} streams of a teacher, not {len(teachers)}, to start at.")
    for stream, teacher in zip(streams, teachers, strict=False):
        (own,) = streams_of(teacher.network)
        stream.load_state_dict(own.state_dict())


def normal(volume: Volume) -> Tensor:
    """A scan's image as a network sees it: (C, I, J, K), normalised."""
    import torch

    return torch.from_numpy(normalise(volume.image_cijk, volume.mask_ijk))


def label_map(trained: Trained, volume: Volume, spec: ScoresSpec) -> NDArray[np.uint8]:
    """The cleaned label map (I, J, K) of a whole scan, where the scan lies, as it is scored."""
    from tsman.labels import hard_label

    probability_nijk = trained.predicted(normal(volume), spec.inference, spec.patch)
    label_ijk = hard_label(probability_nijk, dim=0).cpu().numpy()
    return clean(volume.on_scan(label_ijk), spec.cleaning)
