"""Odd masks through the metrics: finite values by the rules of DESIGN 7, the same by the fast and the plain path."""

from math import dist, hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.metrics import METRICS_OF, overall, score
from bench.store import record
from bench.store.record import Record
from reports.inputs.records import read

SIDES = st.integers(1, 5)
STEPS = st.sampled_from((1e-3, 0.4, 1.0, 2.5, 30.0))


@st.composite
def pairs(draw):
    """Two label maps of labels 0 to 2, often empty, full or of one voxel, often one voxel thin."""
    shape = draw(st.tuples(SIDES, SIDES, SIDES))
    maps = []
    for _ in range(2):
        kind = draw(st.sampled_from(("empty", "full", "voxel", "any")))
        label_ijk = (
            draw(arrays(np.uint8, shape, elements=st.integers(0, 2)))
            if kind == "any"
            else np.zeros(shape, np.uint8)
        )
        if kind == "full":
            label_ijk[:] = 1
        if kind == "voxel":
            label_ijk[tuple(draw(st.integers(0, side - 1)) for side in shape)] = draw(st.integers(1, 2))
        maps.append(label_ijk)
    return *maps, draw(st.tuples(STEPS, STEPS, STEPS))


@settings(max_examples=150, deadline=None)
@given(pairs(), st.sampled_from(sorted(METRICS_OF)))
def test_every_value_is_finite_within_the_diagonal_and_the_same_without_a_trick(drawn, definition):
    predicted_ijk, reference_ijk, spacing_mm = drawn
    far_mm = hypot(*(side * step for side, step in zip(predicted_ijk.shape, spacing_mm, strict=True)))
    measures = score(predicted_ijk, reference_ijk, spacing_mm, (1, 2), definition=definition)
    plain = score(predicted_ijk, reference_ijk, spacing_mm, (1, 2), definition=definition, compute="plain")
    for one, other in zip(measures, plain, strict=True):
        assert (one.metric, one.status) == (other.metric, other.status)
        assert one.value == pytest.approx(other.value, rel=1e-9, abs=1e-12)
        assert 0 <= one.value <= (1 if one.metric == "dice" else far_mm * (1 + 1e-9))
        empty = {"empty_prediction": 0.0, "empty_reference": 0.0, "both_empty": 1.0}
        if one.status in empty and one.metric == "dice":
            assert one.value == empty[one.status]
        if one.status in empty and one.metric != "dice":
            assert one.value == pytest.approx(0.0 if one.status == "both_empty" else far_mm)
    assert np.isfinite(overall(measures).value)


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_nothing_is_never_better_than_something_where_the_reference_has_the_structure(drawn):
    predicted_ijk, reference_ijk, spacing_mm = drawn
    nothing = score(np.zeros_like(predicted_ijk), reference_ijk, spacing_mm, (1, 2))
    for empty, one in zip(nothing, score(predicted_ijk, reference_ijk, spacing_mm, (1, 2)), strict=True):
        if empty.status == "empty_prediction":
            assert empty.value <= one.value if one.metric == "dice" else empty.value >= one.value - 1e-9


@settings(max_examples=40, deadline=None)
@given(pairs())
def test_rows_of_odd_masks_are_written_as_finite_numbers_that_the_report_reads(tmp_path_factory, drawn):
    predicted_ijk, reference_ijk, spacing_mm = drawn
    measures = score(predicted_ijk, reference_ijk, spacing_mm, (1, 2))
    rows = [
        Record(
            run="r", dataset="d", method="m", xi="0.3", xi_realised="0.3", seed=0, split=0, role="student", member="",
            variant="", noise="none", recipe="smoke", case="c", structure=str(one.structure or "all"), metric=one.metric,
            value=one.value, unit=one.unit, definition=one.definition, status=one.status, stage="s", commit="",
        )
        for one in [*measures, overall(measures)]
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("odd") / "records.csv"
    path.write_text(record.text_of(rows), encoding="utf-8")
    found = read(path)
    assert np.isfinite(found["value"]).all()
    assert found["value"].tolist() == [row.value for row in rows]


def test_one_voxel_each_is_as_far_as_their_centres_lie_apart():
    shape, spacing_mm = (9, 7, 5), (0.5, 2.0, 3.0)
    predicted_ijk, reference_ijk = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    predicted_ijk[0, 0, 0] = reference_ijk[8, 6, 4] = 1  # both in a corner: the volume's edge is no border
    values = {one.metric: one.value for one in score(predicted_ijk, reference_ijk, spacing_mm, (1,))}
    apart = dist((0, 0, 0), (4, 12, 12))
    assert values == {"dice": 0.0, "adb": pytest.approx(apart), "hdd": pytest.approx(apart)}
