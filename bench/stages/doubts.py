"""What a student's method doubts of labels whose truth is known, as its training goes on, and how rightly."""

# Legend: B batch, C image channels, M maps, N classes, I J K voxel axes.

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import DataError, StageError
from bench.files.atomic import write_text
from bench.metrics.detection import Voxels, gradient_mass, measure, near_boundary, of_structure, regions
from bench.metrics.detection.tables import DOUBTS, GRADIENTS, text_of
from bench.seeding import generator, torch_stream
from bench.settings.serialise import plain
from bench.settings.stage_specs import DoubtsSpec
from bench.stages.gradient_noise import MEASURES, OF_POSITIONS, Crops, crops, gradient_noise
from bench.stages.inference import over_volume
from bench.stages.model import Trained, loaded, normal
from bench.stages.training.milestones import milestone, read_aim
from bench.store.artifacts import WEIGHTS, store_weights, stored_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.data.images.volumes import Volume
    from bench.stages.context import Lab

    Rows = list[dict[str, object]]

WHOLE = 100
"""The progress at which training ends, in %."""
ROUNDING = 1e-4
"""How far outside [0, 1] a doubt may lie by float32's rounding; it is cut off."""


@dataclass(frozen=True)  # no slots: what several milestones share is worked out once
class Doubted:
    """A training case whose manual label was withheld, with both labels where the scan lies."""

    name: str
    volume: Volume
    clean_ijk: NDArray[np.uint8]
    noisy_ijk: NDArray[np.uint8]
    target_nijk: Tensor | None = None  # the soft target that the student ended with, where the image lies

    @cached_property
    def image_cijk(self) -> Tensor:
        """The image as a network sees it, normalised."""
        return normal(self.volume)

    @cached_property
    def label_ijk(self) -> NDArray[np.uint8]:
        """The noisy label where the image lies."""
        return self.volume.on_image(self.noisy_ijk)

    def places(self, structures: Sequence[str], band_mm: float) -> dict[tuple[str, str], NDArray[np.intp]]:
        """Structure and region -> the voxels, by their place in the flat scan; "all" is every voxel."""
        masks = {
            name: of_structure(self.clean_ijk, self.noisy_ijk, number)
            for number, name in enumerate(structures, start=1)
        }
        masks["all"] = np.ones(self.clean_ijk.shape, dtype=np.bool_)
        parts = regions(near_boundary(self.clean_ijk, self.volume.spacing_mm, band_mm))
        return {
            (structure, region): np.flatnonzero(masks[structure] & part_ijk)
            for structure in ("all", *structures)
            for region, part_ijk in parts.items()
        }


def doubts_stage(lab: Lab) -> None:
    """Write ``doubts.csv``, ``gradients.csv``, and the doubt of the trained network as NIfTI.

    Doubt is asked in evaluation mode, with running statistics and without dropout, in the windows of
    inference: so it is a matter of the network alone, warm-up aside. Gradients are those of a training step.
    A method that has no doubt leaves ``doubts.csv`` without rows: it says nothing.

    Raises:
        StageError: A doubt is no map of numbers in [0, 1].
    """
    with torch_stream(lab.key, "dropout"):
        _measure(lab)


def _measure(lab: Lab) -> None:
    from methods.interface import Doubts

    spec, by_progress = lab.spec_as(DoubtsSpec), _opened(lab)
    doubts: Rows = []
    gradients: Rows = []
    maps: set[str] = set()
    for done, name in enumerate(lab.label_cases, start=1):
        case = _case(lab, name)
        places = case.places(spec.structures, spec.band_mm)
        shown = _crops(lab, case)
        for progress, trained in by_progress.items():
            at = _about(lab, case=name, progress=progress)
            if isinstance(trained.method, Doubts):
                found = asked(trained, _as_of(case, trained, progress), spec)
                doubts += [{**at, **row} for row in _rows(found, places)]
                maps |= found.keys()
                if progress == WHOLE:
                    _store_maps(lab, case, found)
            gradients += [{**at, **row} for row in _gradient_rows(trained, shown)]
        lab.progress(done, len(lab.label_cases))
    write_text(lab.folder / "doubts.csv", text_of(DOUBTS, doubts))
    write_text(lab.folder / "gradients.csv", text_of(GRADIENTS, gradients))
    lab.facts.update(volumes=len(lab.label_cases), maps=sorted(maps))


def _opened(lab: Lab) -> dict[int, Trained]:
    """Progress in % -> the student as it was then."""
    folder, spec = lab.input("of"), lab.spec_as(DoubtsSpec)
    files = {per_cent: milestone(folder, per_cent) for per_cent in sorted(spec.milestones)}
    return {
        progress: loaded(weights, spec.trained, lab.device)
        for progress, weights in (files | {WHOLE: folder / WEIGHTS}).items()
    }


def _case(lab: Lab, name: str) -> Doubted:
    clean_ijk, noisy_ijk = lab.label(name), stored_label(lab.input("noise"), name)[0]
    if clean_ijk.shape != noisy_ijk.shape:
        raise DataError(
            f"{name}: the noisy label has the shape {noisy_ijk.shape}, the clean {clean_ijk.shape}."
        )
    return Doubted(name, lab.image(name), clean_ijk, noisy_ijk, read_aim(lab.input("of"), name))


def _as_of(case: Doubted, trained: Trained, progress: int) -> Doubted:
    """The case without its target where the method gave it another one later."""
    from methods.interface import Studies

    method = trained.method
    is_last = isinstance(method, Studies) and 100 * max(method.studies, default=0) < progress
    return case if is_last else replace(case, target_nijk=None)


def _crops(lab: Lab, case: Doubted) -> Crops:
    """The same at every milestone, and for every method on the same noise."""
    chance = generator(lab.document.inputs["noise"], f"crops of {case.name}")
    sampling = lab.spec_as(DoubtsSpec).trained.sampling
    labels = case.label_ijk, case.volume.on_image(case.clean_ijk)
    return crops(case.image_cijk.numpy(), labels, sampling, chance)


def _about(lab: Lab, **more: object) -> dict[str, object]:
    return {**plain(lab.spec_as(DoubtsSpec).identity), "stage": lab.key, **more}


def asked(trained: Trained, case: Doubted, spec: DoubtsSpec) -> dict[str, Voxels]:
    """By the name of each doubt, all voxels of the scan, flat.

    Raises:
        StageError: A doubt is no map of numbers in [0, 1].
    """
    import torch

    names: list[str] = []

    def ask(shown_bcijk: Tensor) -> Tensor:
        # Label and target travel with the image as more channels, so that windows cut all alike.
        image_bcijk = trained.laid_out(shown_bcijk[:, :channels])
        target_bnijk = None if case.target_nijk is None else shown_bcijk[:, channels + 1 :]
        found = _doubt(trained, image_bcijk, shown_bcijk[:, channels].round().long(), target_bnijk)
        names[:] = list(found)
        stacked = [map_bijk[:, None].float() for map_bijk in found.values()]
        return torch.cat([trained.predict(image_bcijk), *stacked], dim=1)

    channels = len(case.image_cijk)
    label_1ijk = torch.from_numpy(case.label_ijk)[None].to(case.image_cijk.dtype)
    targets = [] if case.target_nijk is None else [case.target_nijk.to(case.image_cijk.dtype)]
    shown_cijk = torch.cat([case.image_cijk, label_1ijk, *targets]).to(trained.device)
    found_cijk = over_volume(shown_cijk, ask, spec.inference, spec.patch).cpu().numpy()
    classes = spec.trained.classes
    return _voxels(case, found_cijk[:classes], dict(zip(names, found_cijk[classes:], strict=True)))


def _doubt(
    trained: Trained, image_bcijk: Tensor, label_bijk: Tensor, target_bnijk: Tensor | None
) -> dict[str, Tensor]:
    """What the method doubts of one window, refused where it is no doubt."""
    import torch

    from methods.interface import Batch

    is_manual_b = torch.zeros(len(label_bijk), dtype=torch.bool, device=label_bijk.device)
    found = trained.doubt(Batch(image_bcijk, label_bijk, is_manual_b, target_bnijk))
    for name, map_bijk in found.items():
        what = f"doubt {name!r} of method {trained.method.name!r}"
        if map_bijk.shape != label_bijk.shape:
            raise StageError(
                f"{what} has the shape {tuple(map_bijk.shape)}; expected {tuple(label_bijk.shape)}."
            )
        low, high = float(map_bijk.min()), float(map_bijk.max())  # NaN where any is
        if not -ROUNDING <= low <= high <= 1 + ROUNDING:
            raise StageError(f"{what} lies in [{low:.6g}, {high:.6g}]; expected numbers in [0, 1].")
    return found


def _voxels(
    case: Doubted, probability_nijk: NDArray[np.float32], doubts: dict[str, NDArray[np.float32]]
) -> dict[str, Voxels]:
    probability_nv = probability_nijk.reshape(len(probability_nijk), -1)
    probability_nv = probability_nv / probability_nv.sum(axis=0)  # windows are averaged, with rounding
    mass_v = gradient_mass(probability_nv, case.label_ijk.ravel())
    shape = case.label_ijk.shape
    weight_v = case.volume.on_scan(mass_v.reshape(shape)).ravel()
    predicted_ijk = probability_nijk.argmax(axis=0).astype(np.uint8)
    differs_v = case.volume.on_scan(predicted_ijk).ravel() != case.noisy_ijk.ravel()
    wrong_v = case.noisy_ijk.ravel() != case.clean_ijk.ravel()
    return {
        name: Voxels(case.volume.on_scan(doubt_ijk.clip(0, 1)).ravel(), wrong_v, differs_v, weight_v)
        for name, doubt_ijk in doubts.items()
    }


def _rows(
    found: Mapping[str, Voxels], places: Mapping[tuple[str, str], NDArray[np.intp]]
) -> Iterator[dict[str, object]]:
    for name, voxels in found.items():
        for (structure, region), place_v in places.items():
            for one in measure(voxels.at(place_v)):
                yield {"map": name, "structure": structure, "region": region, **one._asdict()}


def _store_maps(lab: Lab, case: Doubted, found: Mapping[str, Voxels]) -> None:
    for name, voxels in found.items():
        doubt_ijk = voxels.doubt_v.reshape(case.clean_ijk.shape)
        store_weights(lab.folder, case.name, name, doubt_ijk, case.volume)


def _gradient_rows(trained: Trained, shown: Crops) -> Iterator[dict[str, object]]:
    for one in gradient_noise(trained, shown):
        at = {"of": one.of, "layer": one.layer, "depth": one.depth}
        for name in MEASURES:
            if name not in OF_POSITIONS or one.of == "features":
                yield {**at, "measure": name, "value": getattr(one, name)}
