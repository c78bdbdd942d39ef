"""What a student leaves for the reader's eye: its layers, and what it made of one scan's pseudo label."""

# Legend: B batch, C image channels, I J K voxel axes, M maps.

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bench.files.atomic import write_text
from bench.settings.schema import Inference
from bench.settings.stage_specs import TrainingSpec
from bench.stages.inference import over_volume
from bench.stages.model import Trained, normal
from bench.store.artifacts import LAYERS, store_label, store_weights

if TYPE_CHECKING:
    from torch import Tensor

    from bench.data.images.volumes import Volume
    from bench.stages.context import Lab

AT_ONCE = 2**21  # voxels: two streams at full width then take about 3 GiB


def keep(lab: Lab, trained: Trained) -> None:
    """Write ``network.json``, and prediction and maps of the first case whose manual label is withheld.

    A teacher, which sees no such case, and a method that has nothing to show leave out what they lack.
    """
    from methods.interface import SaysLayers, Weighs

    if lab.document.kind != "student":
        return
    if isinstance(trained.method, SaysLayers):
        write_text(lab.folder / LAYERS, json.dumps(trained.method.layers(trained.network), indent=1))
    withheld = sorted(set(lab.image_cases) - set(lab.label_cases))
    if not withheld or not isinstance(trained.method, Weighs):
        return
    try:
        _keep_maps(lab, trained, withheld[0])
    except (MemoryError, RuntimeError) as error:
        # A picture is not worth a finished training: torch raises RuntimeError where memory is short.
        lab.facts["not_shown"] = f"{withheld[0]}: {error}"
    else:
        lab.facts["shown_case"] = withheld[0]


def _keep_maps(lab: Lab, trained: Trained, case: str) -> None:
    from tsman.labels import hard_label

    volume: Volume = lab.image(case)
    image_cijk = normal(volume)
    # How scans are segmented is no setting of a student and in no key of one: at once where memory allows it,
    # which leaves a disagreement of 0 or 1, else by windows as it was trained.
    inference = Inference(window="whole" if image_cijk[0].numel() <= AT_ONCE else "overlap")
    patch = lab.spec_as(TrainingSpec).sampling.patch
    label_ijk = hard_label(trained.predicted(image_cijk, inference, patch), dim=0)
    store_label(lab.folder, case, volume.on_scan(label_ijk.cpu().numpy()), volume)
    names: list[str] = []

    def weighed(image_bcijk: Tensor) -> Tensor:
        found = trained.weigh(image_bcijk)
        names[:] = list(found)
        return _stacked(found)

    maps_mijk = over_volume(image_cijk.to(trained.device), weighed, inference, patch)
    for name, map_ijk in zip(names, maps_mijk, strict=True):
        store_weights(lab.folder, case, name, volume.on_scan(map_ijk.clamp(0, 1).cpu().numpy()), volume)


def _stacked(maps: dict[str, Tensor]) -> Tensor:
    """(B, I, J, K) each to (B, M, I, J, K)."""
    import torch

    return torch.stack(list(maps.values()), dim=1)
