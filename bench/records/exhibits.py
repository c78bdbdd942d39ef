"""A store -> what the report shows beside scores: scans with maps, the network's layers, the stages."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.dataset import recall
from bench.data.images.volumes import canonical_spacing_mm, read_image, read_label, read_weights
from bench.errors import DataError
from bench.files.names import is_safe_name
from bench.records.overlays import overlays
from bench.settings.stage_specs import MeasuredSpec
from bench.store.lineage import lineage
from bench.store.stage import in_order
from bench.store.titles import title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bench.data.dataset import Dataset
    from bench.settings.stage_specs import Identity
    from bench.store.stage import Stage
    from bench.store.store import Store
    from reports.inputs.images import Exhibits, Scan

FOCAL = "tsman"
NOISY = 0.3  # the ξ of Figures 3 and 5, or the nearest there is: low, so that many pseudo labels are wrong


@dataclass(frozen=True, slots=True)
class Scored:
    """A scores stage and whose scores they are."""

    stage: Stage
    who: Identity

    @property
    def of(self) -> Stage | None:
        """The stage that is scored, if the store still has it."""
        return dict(self.stage.inputs).get("of")


def exhibits(store: Store, keys: Iterable[str]) -> Exhibits:
    """All that the store can show of these scores stages; what it cannot is said in a sentence each."""
    import pandas as pd

    from reports.inputs.images import LAYER_COLUMNS, STAGE_COLUMNS, Exhibits

    stages = lineage(store, keys)
    scored = [
        Scored(one, one.spec_as(MeasuredSpec).identity) for one in stages.values() if one.kind == "scores"
    ]
    scans: list[Scan] = []
    missing: list[str] = []
    # P's figures are of labels by teachers; injected noise has pictures of its own.
    focal = _of(scored, role="student", method=FOCAL, variant="", noise="none")
    for dataset, recipe in dict.fromkeys((one.who.dataset, one.who.recipe) for one in focal):
        here = _of(focal, dataset=dataset, recipe=recipe)
        for show, chosen in ((_withheld, _nearest(here, NOISY)), (_test, _nearest(here, 1.0))):
            try:
                scans.append(show(store, chosen, scored))
            except DataError as error:
                missing.append(f"A scan of {dataset}, recipe {recipe}, cannot be shown: {error}")
    last = _nearest(focal, 1.0) if focal else None
    shown, unseen = overlays(store, stages)
    return Exhibits(
        scans=tuple(scans),
        layers=pd.DataFrame(_layers(store, last), columns=list(LAYER_COLUMNS)),
        stages=pd.DataFrame(_chain(last), columns=list(STAGE_COLUMNS)),
        provenance=pd.DataFrame([_origin(store, one) for one in _with_doubts(store, stages)]),
        overlays=shown,
        missing=(*missing, *unseen),
    )


def _with_doubts(store: Store, stages: Mapping[str, Stage]) -> list[Stage]:
    """These stages, and those that scored the doubt of their students."""
    of_them = [key for key in store.keys("doubts") if store.finished_stage(key).inputs.get("of") in stages]
    return list(lineage(store, [*stages, *of_them]).values())


def _of(scored: Sequence[Scored], **wanted: object) -> list[Scored]:
    return [one for one in scored if all(getattr(one.who, name) == value for name, value in wanted.items())]


def _nearest(scored: Sequence[Scored], xi: float) -> Scored:
    """The one at the ξ nearest to a wanted one, of the lowest seed."""
    return min(scored, key=lambda one: (abs(float(one.who.xi) - xi), one.who.seed, one.stage.key))


def _withheld(store: Store, chosen: Scored, scored: Sequence[Scored]) -> Scan:
    """The training case of which the student kept its maps: wrong labels, and what it made of them."""
    student = chosen.of
    if student is None:
        raise DataError("the student's stage is not in the store any more.")
    facts = store.finished_stage(student.key).facts
    case = str(facts.get("shown_case", ""))
    maps = store.folder(student.key) / "maps" / case
    if not is_safe_name(case) or not maps.is_dir():
        why = facts.get("not_shown", "it was made before students kept any; remove its folder and run again")
        raise DataError(f"{student.key} kept no maps of a training case ({why}).")
    keys = {"after": student.key}
    if pseudo := dict(student.inputs).get("pseudo"):
        keys["label"] = pseudo.key
    alone = _last(_beside(scored, chosen, role="pseudo", variant="single"))
    if alone is not None and alone.of is not None:
        keys["before"] = alone.of.key
    found = sorted(maps.glob("*.nii.gz"))
    layers = {path.name.removesuffix(".nii.gz"): read_weights(path) for path in found}
    scan = _scan(store, chosen, case, _labels(store, keys, case) | layers)
    return replace(scan, part="withheld", before=_alone(alone))


def _test(store: Store, chosen: Scored, scored: Sequence[Scored]) -> Scan:
    """The first test case: what the last teacher and then the student made of it."""
    case = min(name for name, _ in chosen.stage.labels)
    keys = {"after": chosen.stage.key}
    teacher = _last(_beside(scored, chosen, role="teacher"))
    if teacher is not None:
        keys["before"] = teacher.stage.key
    return replace(_scan(store, chosen, case, _labels(store, keys, case)), before=_alone(teacher))


def _beside(scored: Sequence[Scored], chosen: Scored, **wanted: object) -> list[Scored]:
    """Others of the same split and recipe."""
    same = {name: getattr(chosen.who, name) for name in ("dataset", "xi", "seed", "split", "noise", "recipe")}
    return _of(scored, **same, **wanted)


def _last(teachers: Sequence[Scored]) -> Scored | None:
    """The teacher with the most steps."""
    return max(teachers, key=lambda one: int(one.who.member or 0), default=None)


def _alone(teacher: Scored | None) -> str:
    return f"teacher {teacher.who.member} alone" if teacher else ""


def _labels(store: Store, keys: Mapping[str, str], case: str) -> dict[str, NDArray[np.generic]]:
    paths = {name: store.folder(key) / "labels" / f"{case}.nii.gz" for name, key in keys.items()}
    return {name: read_label(path)[0] for name, path in paths.items() if path.is_file()}


def _scan(store: Store, chosen: Scored, case: str, layers: Mapping[str, NDArray[np.generic]]) -> Scan:
    """A case's image and truth, with the layers over them, as a test case."""
    from reports.inputs.images import Scan

    dataset: Dataset = recall(chosen.stage.dataset_id, store.workshop)
    files = dataset.cases[case]
    held = files.spacing_from
    volume = read_image([Path(path) for path in files.images], spacing_from=held)
    truth_ijk, _ = read_label(Path(files.label), classes=len(dataset.structures) + 1, spacing_from=held)
    return Scan(
        dataset=chosen.who.dataset,
        recipe=chosen.who.recipe,
        case=case,
        part="test",
        method=chosen.who.method,
        xi=chosen.who.xi,
        seed=chosen.who.seed,
        stage=(chosen.of or chosen.stage).key,
        spacing_mm=canonical_spacing_mm(volume.own),
        structures=dataset.structures,
        image_ijk=volume.image_cijk[0],
        layers={"truth": truth_ijk, **layers},
    )


def _layers(store: Store, chosen: Scored | None) -> list[dict[str, object]]:
    """What the student's network said of itself."""
    from bench.store.artifacts import LAYERS

    if chosen is None or chosen.of is None:
        return []
    path = store.folder(chosen.of.key) / LAYERS
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def _chain(chosen: Scored | None) -> list[dict[str, str]]:
    """One result and all that it came from."""
    if chosen is None:
        return []
    return [
        {"stage": one.key, "kind": one.kind, "title": title(one), "inputs": _input_keys(one)}
        for one in in_order([chosen.stage])
    ]


def _input_keys(one: Stage) -> str:
    return " ".join(needed.key for _, needed in one.inputs)


def _origin(store: Store, one: Stage) -> dict[str, object]:
    """Where a stage came from, for whoever asks after a number."""
    document = store.finished_stage(one.key)
    return {
        "stage": one.key,
        "kind": one.kind,
        "title": title(one),
        "commit": document.commit,
        "machine": json.dumps(document.machine),
        "started": document.started,
        "seconds": document.seconds,
        "settings": json.dumps(document.settings, sort_keys=True),
        "inputs": _input_keys(one),
    }
