"""What a store shows beside scores: the maps a student kept, their case, and the stages they came from."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.data.images.volumes import read_image, read_label, read_weights
from bench.execution.execute import execute
from bench.plan.experiments import chosen, resolved_part
from bench.plan.sweep import Sweep
from bench.records.exhibits import exhibits
from bench.store.lineage import lineage
from reports.inputs.images import LABEL_LAYERS, LAYER_COLUMNS, STAGE_COLUMNS


@pytest.fixture
def shown(tiny_lab):
    """A store in which Figure 5's experiment is finished, at ξ = 0.3, and its stages."""
    base = tiny_lab.plan("tsman")
    plans = chosen("figure5")
    parts = tuple(resolved_part(plan, base.recipe) for plan in plans.values())
    stages = Sweep(base.recipe, parts, (0,), base.datasets, tuple(plans)).stages()
    for one in stages:
        execute(one.document(), tiny_lab.store, run="test", device="cpu")
    return tiny_lab, stages


def student_of(stages):
    return next(one for one in stages if one.kind == "student")


def test_a_student_keeps_the_maps_of_a_case_whose_label_was_withheld_from_it(shown):
    lab, stages = shown
    student = student_of(stages)
    case = lab.store.stage(student.key)["facts"]["shown_case"]
    assert case in dict(student.images)
    assert case not in dict(student.labels)
    found = {path.name for path in (lab.store.folder(student.key) / "maps" / case).iterdir()}
    assert found == {"disagreement.nii.gz", "f4.nii.gz", "f3.nii.gz"}


def test_the_smoothed_map_is_the_smoothing_of_the_disagreement_beside_it(shown):
    import torch

    from tsman.loss import smooth

    lab, stages = shown
    student = student_of(stages)
    case = lab.store.stage(student.key)["facts"]["shown_case"]
    maps = lab.store.folder(student.key) / "maps" / case
    disagreement_ijk = read_weights(maps / "disagreement.nii.gz")
    assert set(np.unique(disagreement_ijk)) <= {0.0, 1.0}
    smoothed_ijk = smooth(torch.from_numpy(disagreement_ijk)[None], in_plane=False)[0].numpy()
    # The file is rounded to 1/255; where the scan was padded to what the network takes, its edge differs.
    inside = tuple(slice(1, -2) for _ in range(3))
    difference_ijk = np.abs(read_weights(maps / "f4.nii.gz") - smoothed_ijk)[inside]
    assert difference_ijk.max() < 0.003


def test_maps_lie_on_the_grid_of_their_scan(shown):
    lab, stages = shown
    student = student_of(stages)
    case = lab.store.stage(student.key)["facts"]["shown_case"]
    scan = read_image([Path(path) for path in lab.dataset.cases[case].images])
    kept_ijk, grid = read_label(lab.store.folder(student.key) / "labels" / f"{case}.nii.gz")
    assert kept_ijk.shape == scan.image_cijk.shape[1:]
    np.testing.assert_allclose(grid.affine, scan.own.affine, atol=1e-5)


def test_the_report_is_shown_a_withheld_and_a_test_case_with_all_that_is_known_of_them(shown):
    lab, _ = shown
    found = exhibits(lab.store, lab.store.keys("scores"))
    withheld, test = found.scans
    assert found.missing == ()
    assert (withheld.part, test.part) == ("withheld", "test")
    assert set(withheld.layers) == {*LABEL_LAYERS, "disagreement", "f4", "f3"}
    assert set(test.layers) == {"truth", "before", "after"}
    assert withheld.before == "teacher 2 alone"
    assert test.case in lab.dataset.test
    for scan in (withheld, test):
        truth_ijk = read_label(Path(lab.dataset.cases[scan.case].label))[0]
        np.testing.assert_array_equal(scan.layers["truth"], truth_ijk)
        assert {layer.shape for layer in scan.layers.values()} == {scan.image_ijk.shape}


def test_every_record_can_be_traced_to_the_stages_below_it(shown):
    lab, stages = shown
    found = exhibits(lab.store, lab.store.keys("scores"))
    assert set(found.provenance["stage"]) == {one.key for one in stages}
    below = dict(zip(found.provenance["stage"], found.provenance["inputs"], strict=True))
    assert below == {one.key: " ".join(needed.key for _, needed in one.inputs) for one in stages}
    assert list(found.stages.columns) == list(STAGE_COLUMNS)
    kinds = list(found.stages["kind"])
    assert (kinds[0], kinds[-1]) == ("split", "scores")


def test_the_layers_are_those_that_the_network_said(shown):
    lab, stages = shown
    said = lab.store.folder(student_of(stages).key) / "network.json"
    found = exhibits(lab.store, lab.store.keys("scores")).layers
    assert list(found.columns) == list(LAYER_COLUMNS)
    if said.is_file():
        assert len(found) == len(json.loads(said.read_text()))


def test_a_graph_opened_again_is_the_one_that_was_planned(shown):
    lab, stages = shown
    again = lineage(lab.store, lab.store.keys("scores"))
    assert again == {one.key: one for one in stages}


def test_what_is_gone_is_said_and_costs_nothing_else(shown):
    lab, stages = shown
    case = lab.store.stage(student_of(stages).key)["facts"]["shown_case"]
    Path(lab.dataset.cases[case].label).rename(lab.store.path / "moved.nii.gz")
    try:
        found = exhibits(lab.store, lab.store.keys("scores"))
    finally:
        (lab.store.path / "moved.nii.gz").rename(lab.dataset.cases[case].label)
    assert [scan.part for scan in found.scans] == ["test"]
    (sentence,) = found.missing
    assert f"{case}.nii.gz" in sentence


def test_a_store_without_the_focal_method_shows_its_provenance_alone(tiny_lab):
    for one in tiny_lab.plan("densevoxnet").stages():
        execute(one.document(), tiny_lab.store, run="test", device="cpu")
    found = exhibits(tiny_lab.store, tiny_lab.store.keys("scores"))
    assert found.scans == ()
    assert found.layers.empty
    assert len(found.provenance) == len(tiny_lab.plan("densevoxnet").stages())
