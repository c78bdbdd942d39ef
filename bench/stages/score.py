"""Every metric of every structure of every case: of a trained method on test scans, or of pseudo labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.files.atomic import write_text
from bench.metrics import background, overall, score
from bench.plugins import metrics as extra_metrics
from bench.settings.serialise import plain
from bench.settings.stage_specs import MeasuredSpec, ScoresSpec
from bench.stages.case_checkpoints import Piecemeal
from bench.stages.model import Trained, label_map, opened
from bench.store import record
from bench.store.artifacts import store_label, stored_label
from bench.store.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bench.metrics import Measure
    from bench.stages.context import Lab


def score_stage(lab: Lab) -> None:
    """Write ``records.csv`` of the stage, and the label maps that were scored where they are new."""
    spec = lab.spec_as(MeasuredSpec)
    trained = opened(lab.input("of"), spec.trained, lab.device) if isinstance(spec, ScoresSpec) else None
    more = extra_metrics.planned(spec.metrics.more, spec.plugins)
    rows: list[Record] = []
    made = Piecemeal(lab)
    cases = lab.label_cases
    for done, case in enumerate(cases, start=1):
        predicted_ijk, spacing_mm = _predicted(lab, case, trained, made)
        rows.extend(_rows(lab, case, predicted_ijk, spacing_mm, more))
        lab.progress(done, len(cases))
    write_text(lab.folder / "records.csv", record.text_of(rows))
    lab.facts.update(volumes=len(cases))


def _predicted(
    lab: Lab, case: str, trained: Trained | None, made: Piecemeal
) -> tuple[NDArray[np.uint8], tuple[float, float, float]]:
    if trained is None:
        return stored_label(lab.input("of"), case)
    volume = lab.image(case)
    if made.has(case):
        return stored_label(lab.folder, case)[0], volume.spacing_mm
    label_ijk = label_map(trained, volume, lab.spec_as(ScoresSpec))
    store_label(lab.folder, case, label_ijk, volume)
    made.keep(case)
    return label_ijk, volume.spacing_mm


def _rows(
    lab: Lab,
    case: str,
    predicted_ijk: NDArray[np.uint8],
    spacing_mm: tuple[float, float, float],
    more: Sequence[extra_metrics.Brought],
) -> Iterator[Record]:
    spec = lab.spec_as(MeasuredSpec)
    names = dict(enumerate(lab.dataset.structures, start=1))
    reference_ijk, definition = lab.label(case), spec.metrics.definition
    measures = score(
        predicted_ijk,
        reference_ijk,
        spacing_mm,
        list(names),
        definition=definition,
        compute=spec.metrics.compute,
    )
    whole = overall(measures)
    measures += extra_metrics.measure(
        more, (predicted_ijk, reference_ijk), spacing_mm, list(names), definition
    )
    # Sorting is stable: a structure's own metrics stay together, those of bench first.
    for one in [*sorted(measures, key=lambda one: one.structure), whole]:
        yield _row(lab, case, names.get(one.structure, "all"), one)
    if spec.background:
        yield _row(lab, case, record.BACKGROUND, background(predicted_ijk, reference_ijk, definition))


def _row(lab: Lab, case: str, structure: str, one: Measure) -> Record:
    return Record(
        **plain(lab.spec_as(MeasuredSpec).identity),
        run="",
        case=case,
        structure=structure,
        metric=one.metric,
        value=one.value,
        unit=one.unit,
        definition=one.definition,
        status=one.status,
        stage=lab.key,
        commit="",
    )
