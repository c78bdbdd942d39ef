"""Scores of shapes whose answer is known, of structures that are missing, and of input that is refused."""

import subprocess
import sys

import numpy as np
import pytest

from bench.metrics import DEFINITIONS, METRICS_OF, UNITS, diagonal_mm, score


def cube_ijk(at, size=5, shape=(16, 16, 16)):
    label_ijk = np.zeros(shape, dtype=np.uint8)
    label_ijk[at : at + size, 5 : 5 + size, 5 : 5 + size] = 1
    return label_ijk


def of_metric(measures, structure=1):
    return {measure.metric: measure.value for measure in measures if measure.structure == structure}


def statuses(measures):
    return {measure.status for measure in measures}


def test_a_cube_moved_by_one_voxel_is_one_spacing_away():
    moved = of_metric(score(cube_ijk(4), cube_ijk(5), (2.0, 1.0, 1.0), (1,), definition="medpy"))
    assert moved["hdd"] == 2.0
    assert moved["dice"] == pytest.approx(0.8)
    assert of_metric(score(cube_ijk(4), cube_ijk(5), (2.0, 1.0, 1.0), (1,)))["hdd"] == 2.0


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_a_structure_is_at_distance_zero_from_itself(definition):
    for measure in score(cube_ijk(4), cube_ijk(4), (1.0, 2.0, 3.0), (1,), definition=definition):
        assert measure.value == (1.0 if measure.metric == "dice" else 0.0)
        assert measure.status == "ok"


def test_two_voxels_are_as_far_apart_as_their_centres():
    predicted_ijk, reference_ijk = np.zeros((2, 30, 20, 10), dtype=np.int64)
    predicted_ijk[1, 2, 3] = reference_ijk[28, 17, 8] = 7
    expected = float(np.hypot(np.hypot(27 * 0.5, 15 * 1.0), 5 * 2.0))
    for definition in DEFINITIONS:
        found = of_metric(
            score(predicted_ijk, reference_ijk, (0.5, 1.0, 2.0), (7,), definition=definition), 7
        )
        assert found.pop("dice") == 0
        assert list(found.values()) == pytest.approx([expected] * len(found))


def test_the_volumes_edge_is_a_border_for_medpy_alone():
    reference_ijk = cube_ijk(0, size=6, shape=(12, 16, 16))
    predicted_ijk = reference_ijk.copy()
    predicted_ijk[0, 6:10, 6:10] = 0
    hvsmr2016 = of_metric(score(predicted_ijk, reference_ijk, (1.0, 1.0, 1.0), (1,)))
    medpy = of_metric(score(predicted_ijk, reference_ijk, (1.0, 1.0, 1.0), (1,), definition="medpy"))
    assert medpy["adb"] != pytest.approx(hvsmr2016["adb"], abs=1e-3)


def test_measures_come_by_structure_and_metric_with_their_units():
    label_ijk = np.arange(4 * 5 * 6).reshape(4, 5, 6) % 4
    for definition in DEFINITIONS:
        measures = score(label_ijk, label_ijk, (1.0, 1.0, 1.0), (3, 1), definition=definition)
        assert [(measure.structure, measure.metric) for measure in measures] == [
            (structure, metric) for structure in (3, 1) for metric in METRICS_OF[definition]
        ]
        assert all(measure.unit == UNITS[measure.metric] for measure in measures)
        assert {measure.definition for measure in measures} == {definition}
        assert all(type(measure.value) is float and type(measure.structure) is int for measure in measures)


HOWS = [
    ("hvsmr2016", "plain"),
    ("medpy", "plain"),
    ("hvsmr2016", "fast"),
    ("medpy", "fast"),
    ("medpy", "medpy"),
]


@pytest.mark.parametrize(("definition", "compute"), HOWS)
@pytest.mark.parametrize("lacking", ["prediction", "reference"])
def test_a_structure_that_one_side_lacks_is_a_diagonal_away(lacking, definition, compute):
    there_ijk, spacing_mm = cube_ijk(4, shape=(16, 12, 10)), (1.0, 2.0, 3.0)
    none_ijk = np.zeros_like(there_ijk)
    pair = (none_ijk, there_ijk) if lacking == "prediction" else (there_ijk, none_ijk)
    measures = score(*pair, spacing_mm, (1,), definition=definition, compute=compute)
    assert statuses(measures) == {f"empty_{lacking}"}
    found = of_metric(measures)
    assert found.pop("dice") == 0
    assert set(found.values()) == {diagonal_mm((16, 12, 10), spacing_mm)}


@pytest.mark.parametrize(("definition", "compute"), HOWS)
def test_a_structure_that_both_lack_is_perfect_and_says_so(definition, compute):
    label_ijk = cube_ijk(4)
    measures = score(label_ijk, label_ijk, (1.0, 1.0, 1.0), (2,), definition=definition, compute=compute)
    assert statuses(measures) == {"both_empty"}
    assert [measure.value for measure in measures] == [1.0] + [0.0] * (len(METRICS_OF[definition]) - 1)


def test_a_mask_that_fills_the_volume_has_no_border_and_is_a_diagonal_away():
    full_ijk = np.ones((16, 16, 16), dtype=np.uint8)
    for pair in ((full_ijk, cube_ijk(4)), (cube_ijk(4), full_ijk)):
        measures = score(*pair, (1.0, 1.0, 1.0), (1,))
        found = of_metric(measures)
        assert found["dice"] == pytest.approx(2 * 125 / (125 + 4096))
        assert found["adb"] == found["hdd"] == pytest.approx(16 * 3**0.5)
        assert statuses(measures) == {"ok"}
    assert of_metric(score(full_ijk, full_ijk, (1.0, 1.0, 1.0), (1,))) == {
        "dice": 1.0,
        "adb": 0.0,
        "hdd": 0.0,
    }


def test_the_diagonal_runs_from_edge_to_edge():
    assert diagonal_mm((2, 3, 6), (1.0, 1.0, 1.0)) == pytest.approx(7.0)
    assert diagonal_mm((2, 3, 6), (0.5, 2.0, 1.0)) == pytest.approx((1 + 36 + 36) ** 0.5)
    with pytest.raises(ValueError, match="3 axes cannot have 2 spacings"):
        diagonal_mm((2, 3, 6), (1.0, 1.0))


@pytest.mark.parametrize(
    "spacing_mm",
    [
        (1.0, 1.0),
        (1.0, 0.0, 1.0),
        (1.0, -1.0, 1.0),
        (1.0, float("nan"), 1.0),
        (1.0, 1.0, np.inf),
        (1.0, 1.0, 1e200),
        (1e-200, 1.0, 1.0),
    ],
)
def test_a_spacing_that_is_no_length_is_refused(spacing_mm):
    with pytest.raises(ValueError, match="three lengths of 1e-9 to 1e9 mm"):
        score(cube_ijk(4), cube_ijk(4), spacing_mm, (1,))


def test_label_maps_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(16, 16, 16\), its reference \(16, 16, 15\)"):
        score(cube_ijk(4), cube_ijk(4, shape=(16, 16, 15)), (1.0, 1.0, 1.0), (1,))


def test_label_maps_that_are_no_integers_or_no_volumes_are_refused():
    with pytest.raises(ValueError, match="reference label map must hold integers, not float32"):
        score(cube_ijk(4), cube_ijk(4).astype(np.float32), (1.0, 1.0, 1.0), (1,))
    with pytest.raises(ValueError, match="voxels on three axes"):
        score(cube_ijk(4)[0], cube_ijk(4)[0], (1.0, 1.0, 1.0), (1,))


@pytest.mark.parametrize("structure", [0, -1, 1.5, "1"])
def test_a_structure_that_is_no_label_is_refused(structure):
    with pytest.raises(ValueError, match="label"):
        score(cube_ijk(4), cube_ijk(4), (1.0, 1.0, 1.0), (structure,))


def test_unknown_definitions_and_computations_are_refused():
    with pytest.raises(ValueError, match="'hvsmr' is not one of hvsmr2016, medpy"):
        score(cube_ijk(4), cube_ijk(4), (1.0, 1.0, 1.0), (1,), definition="hvsmr")
    with pytest.raises(ValueError, match="'slow' is not one of fast, plain, medpy"):
        score(cube_ijk(4), cube_ijk(4), (1.0, 1.0, 1.0), (1,), compute="slow")
    with pytest.raises(ValueError, match="does not know definition 'hvsmr2016'"):
        score(cube_ijk(4), cube_ijk(4), (1.0, 1.0, 1.0), (1,), compute="medpy")


def test_importing_the_metrics_loads_neither_scipy_nor_medpy():
    code = "import sys, bench.metrics; print(sorted({'scipy', 'medpy', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
