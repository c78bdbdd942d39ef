"""Doubt, gradients and cost: tables against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.inputs.other_tables import DOUBT_MEASURES
from reports.ranking.gradient_noise import premise_sentences, premise_table
from reports.ranking.leaderboard import leaderboard
from reports.ranking.noise_detection import SILENT, doubt_curves, doubt_table
from reports.ranking.pareto import cost_table, dominated
from reports.statistics.intervals import mean_interval

HEART = "heart, noise markov:0.2, ξ = 0.3"


def doubt(value, measure="auroc", **where):
    usual = {
        "run": "r", "dataset": "heart", "method": "tsman", "xi": "0.3", "seed": "0", "split": "0", "role": "student",
        "variant": "", "noise": "markov:0.2", "recipe": "quick", "case": "a", "map": "f4", "progress": 100.0,
        "structure": "all", "region": "all", "measure": measure, "value": value, "voxels": 10.0, "stage": "d",
    }  # fmt: skip
    return usual | where


@pytest.fixture
def records(scored):
    return pd.concat([scored(0.5, method=name, noise="markov:0.2") for name in ("tsman", "densevoxnet")])


def test_a_measure_is_the_mean_over_cases_then_over_seeds(records):
    values = {("0", "a"): 0.6, ("0", "b"): 0.8, ("1", "a"): 0.9, ("1", "b"): 0.5}
    rows = [doubt(value, seed=seed, split=seed, case=case) for (seed, case), value in values.items()]
    rows += [doubt(0.0, progress=50.0), doubt(0.0, region="boundary"), doubt(0.0, structure="wall")]
    found = doubt_table(pd.DataFrame(rows), records).set_index("map")
    assert found["auroc"]["f4"] == pytest.approx(((0.6 + 0.8) / 2 + (0.9 + 0.5) / 2) / 2)
    frame = pd.DataFrame(rows[:4])[["seed", "split", "case", "value"]]
    interval = mean_interval(frame)
    assert (found["auroc_lower"]["f4"], found["auroc_upper"]["f4"]) == (interval.low, interval.high)
    assert found.loc["f4", ["cases", "seeds", "undefined"]].tolist() == [2, 2, 0]


def test_what_does_not_exist_is_counted_and_is_no_part_of_the_mean(records):
    rows = [
        doubt(0.6),
        doubt(float("nan"), case="b"),
        doubt(0.2, "precision"),
        doubt(0.4, "precision", case="b"),
    ]
    found = doubt_table(pd.DataFrame(rows), records).iloc[0]
    assert found["auroc"] == 0.6
    assert np.isnan(found["auroc_lower"])  # one case
    assert found["precision"] == pytest.approx(0.3)
    assert found["undefined"] == 1


def test_a_doubt_of_which_nothing_is_defined_has_its_row_and_is_drawn(records):
    from reports.figures.detection import doubt_by_region, doubt_over_training

    rows = pd.DataFrame([doubt(float("nan")), doubt(float("nan"), case="b")])
    found = doubt_table(rows, records).iloc[0]
    assert np.isnan(found["auroc"])
    assert found["undefined"] == 2
    assert doubt_curves(rows, records).empty
    one = doubt_curves(pd.DataFrame([doubt(0.5)]), records)
    assert len(doubt_over_training(one).axes) == 6
    assert len(doubt_by_region(one).axes) == 4


def test_a_method_without_a_row_says_nothing_and_has_no_number(records):
    found = doubt_table(pd.DataFrame([doubt(0.6)]), records).set_index("method")
    assert found["map"]["densevoxnet"] == SILENT
    assert found.loc["densevoxnet", list(DOUBT_MEASURES)].isna().all()
    assert found["map"]["tsman"] == "f4"


def test_both_attentions_of_tsman_stand_apart(extras, arena):
    found = doubt_table(extras.doubts, arena)
    own = found[(found["setting"] == HEART) & (found["method"] == "tsman")]
    assert set(own["map"]) == {"f3", "f4"}
    silent = found[(found["setting"] == HEART) & (found["map"] == SILENT)]
    assert set(silent["method"]) == {
        "deep-level-set",
        "densevoxnet",
        "tri-net",
        "mean-teacher",
        "cross-entropy",
        "broken",
    }


def test_curves_hold_every_share_of_training_and_at_its_end_every_region(extras, arena):
    found = doubt_curves(extras.doubts, arena)
    own = found[(found["setting"] == HEART) & (found["map"] == "f3") & (found["measure"] == "auroc")]
    assert own[["region", "progress"]].to_numpy().tolist() == [
        ["all", 25], ["all", 50], ["all", 75], ["all", 100], ["boundary", 100], ["interior", 100],
    ]  # fmt: skip
    means = own.set_index(["region", "progress"])["mean"]
    assert means["boundary", 100] < means["all", 100] < means["interior", 100]


def test_doubt_under_two_noises_is_never_in_one_number(scored):
    records = pd.concat([scored(0.5, noise=noise) for noise in ("none", "markov:0.2", "markov:0.3")])
    rows = [doubt(0.6), doubt(0.9, noise="markov:0.3"), doubt(0.1, noise="none")]
    found = doubt_table(pd.DataFrame(rows), records).set_index("noise")["auroc"]
    assert found.to_dict() == {"none": 0.1, "markov:0.2": 0.6, "markov:0.3": 0.9}


def gradients(noises, cases, measure="touched", seeds="012", **where):
    usual = {
        name: value
        for name, value in doubt(0).items()
        if name not in ("map", "structure", "region", "voxels")
    }
    return [
        usual | {"case": case, "seed": seed, "split": seed, "of": "features", "layer": f"l{depth}",
                 "depth": float(depth), "measure": measure, "value": noise} | where
        for seed in seeds
        for case in cases
        for depth, noise in enumerate(noises)
    ]  # fmt: skip


FALLING, RISING = (0.8, 0.6, 0.4, 0.2), (0.1, 0.2, 0.3, 0.9)


@pytest.mark.parametrize("measure", ["touched", "above_half"])
@pytest.mark.parametrize(
    ("noises", "cases", "expected", "words"),
    [
        (FALLING, "abcdef", [1, "supported"],
         "Positions of shallow layers are likelier to receive a noisy gradient, as the paper says: tsman, "),
        (RISING, "abcdef", [-1, "contradicted"], "Positions of deep layers are likelier"),
        (FALLING, "abcde", [1, "undecided"], "Undecided whether positions of shallow layers"),
        ((0.2, 0.2, 0.2, 0.2), "abcdef", [0, "undecided"], "Undecided whether positions of shallow layers"),
    ],
)  # fmt: skip
def test_whether_positions_of_shallow_layers_are_noisier_follows_from_the_papers_own_quantity(
    records, measure, noises, cases, expected, words
):
    rows = [
        *gradients(noises, cases, measure),
        *gradients(RISING, cases, "above_half" if measure == "touched" else "touched"),
    ]
    table = premise_table(pd.DataFrame(rows), records)
    own = table[
        table["quantity"].str.startswith({"touched": "positions", "above_half": "noise above"}[measure])
    ]
    assert own[["falls", "verdict"]].to_numpy().tolist() == [expected]
    assert words in premise_sentences(table)[HEART]


def test_the_noise_of_whole_layers_decides_nothing_and_old_records_have_no_verdict(records):
    table = premise_table(pd.DataFrame(gradients((1.0, 2.0, 3.0, 9.0), "abcdef", "noise_to_signal")), records)
    assert table[["quantity", "verdict"]].to_numpy().tolist() == [
        ["positions touched", "not recorded"],
        ["noise above half of the clean gradient", "not recorded"],
        ["noise to signal of the whole layer", "not the paper's quantity"],
    ]
    assert table["falls"].tolist()[2] == -1
    (said,) = premise_sentences(table).values()
    assert said == ("The share of positions with a noisy gradient is not recorded, so no verdict: tsman.")


def test_parameters_have_no_positions_and_lack_nothing(records):
    rows = [
        *gradients(FALLING, "abcdef"), *gradients(FALLING, "abcdef", "above_half"),
        *gradients(FALLING, "abcdef", "noise_to_signal", of="parameters"),
    ]  # fmt: skip
    table = premise_table(pd.DataFrame(rows), records)
    assert table[["of", "verdict"]].to_numpy().tolist() == [
        ["features", "supported"], ["features", "supported"], ["parameters", "not the paper's quantity"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seeds", "verdict"), [("0", "one seed: no verdict"), ("01", "two seeds: no verdict")]
)
def test_the_premise_has_no_verdict_from_fewer_than_three_seeds(records, seeds, verdict):
    table = premise_table(pd.DataFrame(gradients(FALLING, "abcdef", seeds=seeds)), records)
    assert verdict in table["verdict"].tolist()
    assert "supported" not in table["verdict"].tolist()
    (said,) = premise_sentences(table).values()
    assert f"{verdict[0].upper()}{verdict[1:]}: tsman, positions touched" in said


def test_the_last_share_of_training_decides(records):
    early = gradients((0.1, 0.2, 0.3), "abcdef", progress=25.0)
    late = gradients((0.3, 0.2, 0.1), "abcdef")
    assert premise_table(pd.DataFrame(early + late), records)["verdict"].tolist()[0] == "supported"


def test_the_front_is_what_nobody_beats_at_its_price():
    points = pd.DataFrame(
        [("cheap", 1, 0.2), ("good", 4, 0.9), ("worse", 4, 0.8), ("dear", 9, 0.9), ("middle", 2, 0.5), ("bad", 3, 0.1)],
        columns=["method", "passes", "score"],
    )  # fmt: skip
    found = dict(zip(points["method"], dominated(points, "passes"), strict=True))
    assert found == {
        "cheap": (), "good": (), "middle": (), "worse": ("good",), "dear": ("good",), "bad": ("cheap", "middle"),
    }  # fmt: skip


def test_two_of_the_same_price_and_score_are_both_on_the_front():
    points = pd.DataFrame([("x", 1, 0.2), ("y", 1, 0.2)], columns=["method", "passes", "score"])
    assert dominated(points, "passes") == [(), ()]


def test_teachers_shared_and_alone_are_two_costs_with_a_front_each(arena, extras):
    table = cost_table(leaderboard(arena, extras), extras.costs)
    own = table[table["setting"] == "heart, labels by teachers, ξ = 0.3"].set_index("method")
    assert own["passes"]["cross-entropy"] == own["passes_alone"]["cross-entropy"] == 1000
    assert own["passes"]["densevoxnet"] == pytest.approx(1000 + 3000 / 11)
    assert own["passes_alone"]["densevoxnet"] == 4000
    assert own["dominated_by"]["decoupling"] == "tsman"
    assert own["front"]["tsman"] == own["front_alone"]["tsman"] == "yes"
    assert "broken" not in own.index


def test_of_the_recipe_smoke_the_premise_has_no_verdict(records):
    smoke = records.assign(recipe="smoke")
    rows = [{**row, "recipe": "smoke"} for row in gradients(FALLING, "abcdef")]
    table = premise_table(pd.DataFrame(rows), smoke)
    assert table["verdict"].tolist() == ["no verdict", "not recorded"]
    (said,) = premise_sentences(table).values()
    assert said.startswith("Smoke: no verdict")
