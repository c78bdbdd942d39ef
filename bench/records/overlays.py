"""A store -> slices whose wrong labels are known, with what each method doubts there."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.dataset import recall
from bench.data.images.volumes import canonical_spacing_mm, read_image, read_label, read_weights
from bench.errors import DataError
from bench.settings.stage_specs import DoubtsSpec
from bench.store.lineage import lineage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bench.data.dataset import Dataset
    from bench.settings.stage_specs import Identity
    from bench.store.stage import Stage
    from bench.store.store import Store
    from reports.inputs.images import Overlay

_PLACE = attrgetter("dataset", "recipe", "noise", "xi")
"""What the students of one picture have in common, beside the seed."""


def overlays(store: Store, keys: Iterable[str]) -> tuple[tuple[Overlay, ...], tuple[str, ...]]:
    """One slice for each data set, recipe, noise and ξ; and in sentences what cannot be shown.

    Args:
        store: Where the stages lie.
        keys: Of the scores stages that the report is of: doubt of other students is left out.
    """
    students = {one.key for one in lineage(store, keys).values() if one.kind == "student"}
    groups: dict[tuple[str, ...], list[tuple[Stage, Identity]]] = {}
    for one in lineage(store, store.keys("doubts")).values():
        if one.kind != "doubts" or not students & {needed.key for _, needed in one.inputs}:
            continue
        who = one.spec_as(DoubtsSpec).identity
        if who.role == "student" and not who.variant:
            groups.setdefault(_PLACE(who), []).append((one, who))
    found, missing = [], []
    for place in sorted(groups):
        try:
            found += _overlay(store, groups[place])
        except DataError as error:
            missing.append(f"The doubt on {place[0]} under noise {place[2]} cannot be shown: {error}")
    return tuple(found), tuple(missing)


def _overlay(store: Store, group: Sequence[tuple[Stage, Identity]]) -> list[Overlay]:
    """The slice with most wrong labels of a case of the lowest seed; nothing where all say nothing."""
    import numpy as np

    from reports.figures.slices import densest
    from reports.inputs.images import Overlay

    seed = min(who.seed for _, who in group)
    alike = [(one, who) for one, who in group if who.seed == seed]
    case = _case(store, [one for one, _ in alike])
    if not case:
        return []
    first, who = alike[0]
    image_ijk, spacing_mm = _image(store, first, case)
    theta_ijk = _theta(store, first, case)
    section = densest("axial", theta_ijk)
    doubts = {
        (of.method, name): section.of(map_ijk).astype(np.float32)
        for one, of in sorted(alike, key=lambda pair: pair[1].method)
        for name, map_ijk in _maps(store, one, case).items()
    }
    shown = Overlay(
        dataset=who.dataset, recipe=who.recipe, noise=who.noise, xi=who.xi,
        seed=seed, case=case, section=str(section), aspect=spacing_mm[1] / spacing_mm[0],
        image_rc=section.of(image_ijk).astype(np.float32), wrong_rc=section.of(theta_ijk) != 0, doubts=doubts,
    )  # fmt: skip
    return [shown]


def _case(store: Store, stages: Iterable[Stage]) -> str:
    """The first of the cases of which most stages have maps; empty where none has any."""
    counts: dict[str, int] = {}
    for one in stages:
        folder = store.folder(one.key) / "maps"
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            counts[path.name] = counts.get(path.name, 0) + 1
    return min(counts, key=lambda name: (-counts[name], name), default="")


def _maps(store: Store, one: Stage, case: str) -> dict[str, NDArray[np.float32]]:
    paths = sorted((store.folder(one.key) / "maps" / case).glob("*.nii.gz"))
    return {path.name.removesuffix(".nii.gz"): read_weights(path) for path in paths}


def _theta(store: Store, one: Stage, case: str) -> NDArray[np.uint8]:
    """Where the label is wrong.

    Raises:
        DataError: The stage of the noise is not in the store any more.
    """
    noise = dict(one.inputs).get("noise")
    if noise is None:
        raise DataError(f"the noise that {one.key} was measured on is not in the store any more.")
    return read_label(store.folder(noise.key) / "theta" / f"{case}.nii.gz", classes=2)[0]


def _image(store: Store, one: Stage, case: str) -> tuple[NDArray[np.float32], tuple[float, float, float]]:
    dataset: Dataset = recall(one.dataset_id, store.workshop)
    if case not in dataset.cases:
        raise DataError(f"{one.dataset} has no case {case!r} any more.")
    files = dataset.cases[case]
    volume = read_image([Path(path) for path in files.images], spacing_from=files.spacing_from)
    return volume.image_cijk[0], canonical_spacing_mm(volume.own)
