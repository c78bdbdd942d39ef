"""The stage of doubts: what methods doubt of labels that are wrong in ways that are known."""

import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import pytest
import torch
from torch import nn

from bench.data.images.volumes import read_weights
from bench.errors import StageError
from bench.metrics.detection.tables import DOUBTS, GRADIENTS
from bench.plan.workload import work_of
from bench.records.costs import WHO
from bench.records.publish import GATHERED
from bench.settings.stage_specs import Identity
from bench.store.artifacts import stored_label
from methods import registry
from methods.registry import METHODS, Entry

PROGRESSES = ["25", "50", "75", "100"]


@dataclass(frozen=True, kw_only=True)
class Plain:
    """One convolution under cross-entropy, which doubts whatever is labelled 2."""

    name: ClassVar[str] = "fake"
    version: ClassVar[int] = 1
    reference: ClassVar[str] = "this test"
    networks: ClassVar[int] = 1

    def network(self, channels, classes, stream):
        network = nn.Sequential(nn.Conv3d(channels, classes, 1))
        network.register_buffer("done", torch.zeros(()))
        return network

    def loss(self, network, batch, progress):
        return nn.functional.cross_entropy(network(batch.image_bcijk), batch.label_bijk)

    def probabilities(self, network, image_bcijk):
        return network(image_bcijk).softmax(dim=1)

    def doubt(self, network, batch):
        assert not network.training
        assert not batch.is_manual_b.any()
        return {"second": (batch.label_bijk == 2).float(), "none": torch.zeros(batch.label_bijk.shape)}


class GrowsDoubtful(Plain):
    version: ClassVar[int] = 2

    def after_step(self, network, step):
        network.done.fill_(step)

    def doubt(self, network, batch):
        return {"age": (network.done / 8).expand(batch.label_bijk.shape)}


class TooMuch(Plain):
    version: ClassVar[int] = 3

    def doubt(self, network, batch):
        return {"odd": torch.full(batch.label_bijk.shape, 1.5)}


class Rounds(Plain):
    version: ClassVar[int] = 6

    def doubt(self, network, batch):
        return {
            "high": torch.full(batch.label_bijk.shape, 1 + 1e-6),
            "low": torch.full(batch.label_bijk.shape, -1e-6),
        }


class NoNumbers(Plain):
    version: ClassVar[int] = 4

    def doubt(self, network, batch):
        return {"odd": torch.full(batch.label_bijk.shape, float("nan"))}


class OneNumber(Plain):
    version: ClassVar[int] = 5

    def doubt(self, network, batch):
        return {"odd": torch.zeros(1)}


@pytest.fixture
def contestant(monkeypatch):
    """Register a class of this file as the method ``fake``."""

    def register(kind):
        module = ModuleType("fake_contestant")
        module.Fake = kind
        monkeypatch.setitem(sys.modules, "fake_contestant", module)
        monkeypatch.setattr(registry, "METHODS", {**METHODS, "fake": Entry("fake_contestant", "Fake")})
        return kind()

    return register


def rows_of(folder, name="doubts.csv"):
    with (folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def values(rows, **chosen):
    """Measure -> the set of its values, of the rows that are so."""
    found = defaultdict(set)
    for row in rows:
        if all(row[column] == value for column, value in chosen.items()):
            found[row["measure"]].add(float(row["value"]) if row["value"] else None)
    return found


@pytest.mark.parametrize("data", ["noisy_heart", "noisy_hvsmr"])
def test_a_doubt_by_the_label_alone_is_scored_as_the_truth_says(request, contestant, wrongs, data):
    noisy = request.getfixturevalue(data)
    _, folder = noisy.doubts(contestant(Plain), wrongs.relabelled)
    rows = rows_of(folder)
    wall = noisy.dataset.structures[0]  # labelled 2 in place of 1, so doubted
    found = values(rows, map="second", structure=wall, region="all")
    assert found["removed_wrong"] == {1.0}
    assert found["calibration"] == {0.0}
    assert found["removed_right"] == found["auroc"] == found["auprc"] == found["precision"] == {None}
    everywhere = values(rows, map="second", structure="all", region="all")
    assert everywhere["removed_right"] == {0.0}
    assert max(everywhere["removed_wrong"]) < 1  # a 2 that became 0 is not doubted
    assert values(rows, map="none", structure="all", region="all")["removed_wrong"] == {0.0}
    assert {row["progress"] for row in rows} == set(PROGRESSES)
    assert {row["case"] for row in rows} == set(noisy.withheld)


def test_as_many_voxels_are_wrong_as_the_two_labels_differ_in(noisy_heart, contestant, wrongs):
    _, folder = noisy_heart.doubts(contestant(Plain), wrongs.relabelled)
    rows = rows_of(folder)
    for case in noisy_heart.withheld:
        clean_ijk = noisy_heart.truth(case)
        counted = {
            (row["structure"], row["region"], row["measure"]): int(row["voxels"])
            for row in rows
            if row["case"] == case and row["map"] == "second" and row["progress"] == "100"
        }
        assert counted["all", "all", "removed_wrong"] == (clean_ijk > 0).sum()
        assert counted["all", "all", "removed_right"] == (clean_ijk == 0).sum()
        # A blood pool is what was one, and what is called one now.
        assert counted["blood_pool", "all", "removed_wrong"] == (clean_ijk > 0).sum()
        assert counted["myocardium", "all", "removed_wrong"] == (clean_ijk == 1).sum()
        for structure in ("all", "blood_pool", "myocardium"):
            parts = [counted[structure, region, "calibration"] for region in ("boundary", "interior")]
            assert sum(parts) == counted[structure, "all", "calibration"]
            assert min(parts) > 0


@pytest.mark.parametrize("data", ["noisy_heart", "noisy_hvsmr"])
def test_the_maps_lie_on_the_scan_voxel_by_voxel(request, contestant, wrongs, data):
    noisy = request.getfixturevalue(data)
    made, folder = noisy.doubts(contestant(Plain), wrongs.relabelled)
    noise = noisy.store.folder(dict(made.inputs)["noise"].key)
    for case in noisy.withheld:
        doubted_ijk = read_weights(folder / "maps" / case / "second.nii.gz") > 0.5
        assert (doubted_ijk == (stored_label(noise, case)[0] == 2)).all()
        assert not read_weights(folder / "maps" / case / "none.nii.gz").any()


def test_windows_cut_label_and_image_alike(tmp_path, noisy_kind, contestant, wrongs):
    noisy = noisy_kind(tmp_path / "store", changes=["inference.window=overlap"])
    _, folder = noisy.doubts(contestant(Plain), wrongs.relabelled)
    found = values(rows_of(folder), map="second", structure="myocardium", region="all")
    assert min(found["removed_wrong"]) == pytest.approx(1) == max(found["removed_wrong"])
    assert max(found["calibration"]) < 1e-6


def test_each_milestone_is_asked_with_the_weights_of_its_time(noisy_heart, contestant, wrongs):
    _, folder = noisy_heart.doubts(contestant(GrowsDoubtful), wrongs.relabelled)
    for progress in PROGRESSES:
        found = values(rows_of(folder), progress=progress, structure="all", region="all")
        assert found["removed_wrong"] == found["removed_right"] == {int(progress) / 100}
        assert found["auroc"] == {0.5}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (TooMuch, r"lies in \[1.5, 1.5\]; expected numbers in \[0, 1\]"),
        (NoNumbers, r"lies in \[nan, nan\]; expected numbers in \[0, 1\]"),
        (OneNumber, r"has the shape \(1,\); expected \(1, \d+, \d+, \d+\)"),
    ],
)
def test_what_is_no_doubt_is_named_with_method_and_map(noisy_heart, contestant, wrongs, kind, found):
    with pytest.raises(StageError, match=f"doubt 'odd' of method 'fake' {found}"):
        noisy_heart.doubts(contestant(kind), wrongs.relabelled)


def test_a_doubt_that_rounding_took_past_its_bounds_is_cut_off(noisy_heart, contestant, wrongs):
    _, folder = noisy_heart.doubts(contestant(Rounds), wrongs.relabelled)
    for name, removed in (("high", 1.0), ("low", 0.0)):
        assert values(rows_of(folder), map=name, structure="all", region="all")["removed_wrong"] == {removed}


def test_a_method_without_doubt_says_nothing_and_not_zero(noisy_heart, wrongs):
    _, folder = noisy_heart.doubts("densevoxnet", wrongs.shifted)
    assert rows_of(folder) == []
    assert not (folder / "maps").exists()
    # Four measures of the features of seven layers, two of the parameters of six.
    assert len(rows_of(folder, "gradients.csv")) == len(noisy_heart.withheld) * 4 * (7 * 4 + 6 * 2)


@pytest.mark.parametrize(("method", "maps"), [("tsman", {"f3", "f4"}), ("decoupling", {"disagreement"})])
def test_each_doubt_of_a_method_is_scored_apart(noisy_heart, wrongs, method, maps):
    made, folder = noisy_heart.doubts(method, wrongs.shifted)
    rows = rows_of(folder)
    assert {row["map"] for row in rows} == maps
    assert len(rows) == len(noisy_heart.withheld) * 4 * len(maps) * 3 * 3 * 7
    assert all(0 <= float(row["value"]) <= 1 for row in rows if row["value"])
    assert {(row["method"], row["noise"], row["stage"]) for row in rows} == {
        (method, "by-hand:0.2", made.key)
    }
    shown = sorted(path.name for path in (folder / "maps" / noisy_heart.withheld[0]).iterdir())
    assert shown == sorted(f"{name}.nii.gz" for name in maps)


def test_where_every_label_is_right_there_is_nothing_to_find(noisy_heart, wrongs):
    _, folder = noisy_heart.doubts("decoupling", wrongs.unchanged)
    found = values(rows_of(folder))
    assert found["removed_wrong"] == found["auroc"] == found["auprc"] == found["precision"] == {None}
    assert found["wrong_share"] <= {0.0, None}
    gradients = values(rows_of(folder, "gradients.csv"))
    assert gradients["noise_to_signal"] == gradients["touched"] == gradients["above_half"] == {0.0}
    assert min(gradients["cosine"]) == pytest.approx(1) == max(gradients["cosine"])


def test_gradients_are_told_layer_by_layer_from_the_image_on(noisy_heart, wrongs):
    _, folder = noisy_heart.doubts("tsman", wrongs.shifted)
    rows = rows_of(folder, "gradients.csv")
    layers = ["stem", "block1", "pool", "block2", "up1", "up2", "score"]
    depths = {(row["of"], row["layer"]): int(row["depth"]) for row in rows}
    assert {layer: depth for (of, layer), depth in depths.items() if of == "features"} == dict(
        zip(layers, range(7), strict=True)
    )
    assert {layer for of, layer in depths if of == "parameters"} == set(layers) - {"pool"}
    assert all(float(row["value"]) > 0 for row in rows if row["measure"] == "noise_to_signal")
    assert all(0 < float(row["value"]) <= 1 for row in rows if row["measure"] == "touched")
    assert all(-1 <= float(row["value"]) <= 1 for row in rows if row["measure"] == "cosine")


def test_a_method_of_other_networks_leaves_the_gradients_empty(noisy_heart, contestant, wrongs):
    _, folder = noisy_heart.doubts(contestant(Plain), wrongs.relabelled)
    header = (folder / "gradients.csv").read_text()
    assert header == ",".join(GRADIENTS) + "\n"


def test_the_same_stage_made_again_is_the_same_to_the_byte(tmp_path, noisy_heart, noisy_kind, wrongs):
    made, folder = noisy_heart.doubts("decoupling", wrongs.shifted)
    again, other = noisy_kind(tmp_path / "store").doubts("decoupling", wrongs.shifted)
    assert again.key == made.key
    for name in ("doubts.csv", "gradients.csv"):
        assert (other / name).read_bytes() == (folder / name).read_bytes()


def test_the_columns_are_those_that_are_published():
    for name, columns in (("doubts.csv", DOUBTS), ("gradients.csv", GRADIENTS)):
        assert columns == ("run", *GATHERED[name], "stage")
        assert set(WHO) < set(columns)


def test_the_work_is_three_passes_a_case_and_time_and_costs_like_no_other(noisy_heart, wrongs):
    made, _ = noisy_heart.doubts("densevoxnet", wrongs.shifted)
    work = work_of(made)
    assert (work.unit, work.amount) == ("pass", 7 * 4 * 3)
    student = dict(made.inputs)["of"]
    assert work.like != work_of(noisy_heart.cell.scores(student, Identity())).like


def test_the_truth_may_be_read_of_the_withheld_cases_alone(noisy_heart, wrongs):
    made, _ = noisy_heart.doubts("densevoxnet", wrongs.shifted)
    assert dict(made.labels).keys() == dict(made.images).keys() == set(noisy_heart.withheld)
    assert json.loads(made.settings)["band_mm"] == 3.0
