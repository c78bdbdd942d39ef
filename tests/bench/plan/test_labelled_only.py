"""The reference of every ξ: what its manual cases give alone, the averaged teachers, scored without more training."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
import torch

from bench.cli.run.summary import LABELLED_ONLY, curve, dice_rows
from bench.data.split import shares
from bench.execution.execute import execute
from bench.plan.experiments import Noise, free_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.plan.workload import work_of
from bench.stages.model import opened
from bench.store.store import Store
from bench.store.titles import title
from methods.registry import classes
from reports.figures.curves import xi_curve
from reports.inputs.other_tables import Extras
from reports.inputs.records import read
from reports.ranking.leaderboard import leaderboard
from reports.tables import curve as curve_table


@pytest.fixture(scope="module")
def planned(tmp_path_factory, spheres, tiny):
    from bench.data.catalogue import open_dataset
    from bench.data.dataset import DataSettings, remember

    store = Store(tmp_path_factory.mktemp("alone") / "store")
    dataset = open_dataset(f"decathlon:{spheres}", DataSettings(), store.workshop)
    remember(dataset, store.workshop)

    def plan(*noises):
        chosen = resolved(recipe("smoke", tiny, classes()), device="cpu", native_bfloat16=False)
        part = free_part(("densevoxnet",), tuple(shares("0.3,0.5")), chosen, noises)
        return Sweep(chosen, (part,), (0,), (dataset,)).stages()

    return store, plan


@pytest.fixture(scope="module")
def made(planned):
    store, plan = planned
    stages = plan()
    for stage in stages:
        execute(stage.document(), store, run="test", device="cpu")
    return store, stages


def of_kind(stages, kind):
    return [stage for stage in stages if stage.kind == kind]


def roles(stages):
    return [json.loads(stage.settings)["identity"]["role"] for stage in of_kind(stages, "scores")]


def test_every_share_has_it_once_and_it_trains_nothing(made):
    _, stages = made
    ensembles = of_kind(stages, "ensemble")
    assert len(ensembles) == roles(stages).count(LABELLED_ONLY) == 2
    assert all(work_of(one).network_steps == 0 for one in ensembles)
    teachers = {stage.key for stage in of_kind(stages, "teacher")}
    assert {below.key for one in ensembles for _, below in one.inputs} == teachers
    assert title(ensembles[0]).startswith("averaged teachers, ")


def test_its_probabilities_are_the_mean_of_the_teachers(made):
    store, stages = made
    (one, _) = of_kind(stages, "ensemble")
    image = torch.randn(1, 1, 8, 8, 8)
    together = opened(store.folder(one.key), one.spec, "cpu").predict(image)
    alone = [opened(store.folder(below.key), below.spec, "cpu").predict(image) for _, below in one.inputs]
    assert len(alone) == 2
    np.testing.assert_allclose(together.numpy(), torch.stack(alone).mean(0).numpy(), rtol=1e-5, atol=1e-7)


def test_its_scores_are_records_and_a_row_of_the_terminal(made):
    store, stages = made
    scores = [
        s for s in of_kind(stages, "scores") if json.loads(s.settings)["identity"]["role"] == LABELLED_ONLY
    ]
    with (store.folder(scores[0].key) / "records.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["role"], row["method"], row["noise"]) for row in rows} == {
        (LABELLED_ONLY, "teachers", "none")
    }
    lines = curve(dice_rows(store, [stage.key for stage in stages])).splitlines()
    last = lines[-1].split()
    assert last[0] == LABELLED_ONLY
    assert len(last) == 4
    assert last[-1] == "–"


def test_under_injected_noise_teachers_are_trained_for_it(planned):
    _, plan = planned
    stages = plan(Noise("markov", "0.2"))
    assert len(of_kind(stages, "ensemble")) == 2
    assert len(of_kind(stages, "teacher")) == 4
    assert not of_kind(stages, "pseudo")
    identities = [json.loads(stage.settings)["identity"] for stage in of_kind(stages, "scores")]
    assert {one["noise"] for one in identities if one["role"] == LABELLED_ONLY} == {"markov:0.2"}
    assert {stage.key for stage in of_kind(plan(), "ensemble")} == {
        stage.key for stage in of_kind(stages, "ensemble")
    }


def test_reports_show_it_beside_the_methods_and_rank_nobody_against_it(made, tmp_path):
    from bench.records.publish import publish

    store, _ = made
    publish(store)
    records = read(store.path / "records.csv")
    table = curve_table(records)
    assert sorted(table.loc[table["method"] == "teachers", "xi"]) == ["0.3", "0.5"]
    board = leaderboard(records, Extras())
    references = board[board["role"] == LABELLED_ONLY]
    assert len(references) == 2
    assert references["rank"].isna().all()
    assert references["score"].notna().all()
    assert set(references["note"].str.split(";").str[0]) == {"manual labels alone"}
    drawn = [text.get_text() for legend in xi_curve(records).legends for text in legend.get_texts()]
    assert LABELLED_ONLY in drawn
    assert "teachers" not in drawn


def test_a_line_over_the_shares_is_of_one_role(made):
    from bench.records.publish import publish

    store, _ = made
    publish(store)
    records = read(store.path / "records.csv")
    students = records[(records["role"] == "student") & (records["variant"] == "")]
    alone = students.assign(role=LABELLED_ONLY, stage="scores-of-another-training")
    both = pd.concat([records, alone], ignore_index=True)
    pd.testing.assert_frame_equal(curve_table(both), curve_table(records))
    board = leaderboard(both, Extras())
    assert "densevoxnet" in set(board.loc[board["role"] == LABELLED_ONLY, "method"])
