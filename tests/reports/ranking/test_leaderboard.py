"""The leaderboard: who is ranked, how stably, and what is never in one number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.inputs.other_tables import Extras
from reports.ranking.groups import contests, drawn
from reports.ranking.leaderboard import few_seeds_sentences, injected_sentences, leader_sentences, leaderboard
from reports.ranking.sentences import verdicts
from reports.statistics.intervals import mean_interval, mean_intervals
from reports.statistics.ranks import ranks
from reports.tables import TABLES

NONE = Extras()


@pytest.fixture(scope="module")
def board(arena, extras):
    return leaderboard(arena, extras)


def at(board, noise, dataset="heart"):
    found = board[(board["dataset"] == dataset) & (board["noise"] == noise) & (board["role"] == "student")]
    return found.set_index("method")


def several(scored, dice, **where):
    """Cases a, b, ... of two seeds with these Dice."""
    return [
        scored(value, case=case, seed=seed, **where)
        for seed in ("0", "1")
        for case, value in zip("abcdefgh", dice, strict=False)
    ]


def test_a_certain_winner_holds_its_rank_in_every_resample(scored):
    methods = {"best": 0.9, "middle": 0.6, "worst": 0.3}
    parts = [
        part
        for name, level in methods.items()
        for part in several(scored, level + np.arange(6) / 100, method=name)
    ]
    found = leaderboard(pd.concat(parts), NONE).set_index("method")
    assert list(found.index) == list(methods)
    assert list(found["rank"]) == [1, 2, 3]
    assert (found["holds"] == 1).all()
    assert (found["rank_lower"] == found["rank_upper"]).all()


def test_two_that_win_every_other_case_hold_the_first_place_half_the_time():
    rows = [
        {"method": method, "seed": "0", "split": "0", "case": f"c{case}", "value": value}
        for case in range(11)
        for method, value in (("a", case % 2), ("b", (case + 1) % 2), ("c", -1))
    ]
    found = ranks(pd.DataFrame(rows)).set_index("method")
    assert found["holds"]["c"] == 1
    # b has six of eleven cases: of as many drawn it has the majority with chance P(Bin(11, 6/11) > 5).
    from scipy.stats import binom

    assert found["holds"]["b"] == pytest.approx(binom.sf(5, 11, 6 / 11), abs=0.02)
    assert found["top"].eq(1).all()


def test_intervals_taken_together_are_those_taken_one_by_one():
    rng = np.random.default_rng(0)
    rows = [
        {"name": name, "seed": seed, "split": seed, "case": case, "value": rng.normal()}
        for name, cases in (("x", "abcd"), ("y", "abcd"), ("z", "abcde"))
        for seed in "01"
        for case in cases
    ]
    frame = pd.DataFrame(rows)
    found = mean_intervals(frame, ["name"]).set_index("name")
    for name, own in frame.groupby("name"):
        alone = mean_interval(own.drop(columns="name"))
        assert tuple(found.loc[name]) == (alone.mean, alone.low, alone.high, alone.cases, alone.seeds)


def test_the_interval_of_a_score_is_that_of_its_cases_and_seeds(scored):
    rows = pd.concat(several(scored, [0.5, 0.6, 0.8, 0.9]))
    found = leaderboard(rows, NONE).iloc[0]
    overall = rows[rows["metric"] == "overall"]
    expected = mean_interval(overall[["seed", "split", "case", "value"]].reset_index(drop=True))
    assert found[["score", "score_lower", "score_upper"]].tolist() == pytest.approx(
        [expected.mean, expected.low, expected.high]
    )
    assert found[["cases", "seeds", "results"]].tolist() == [4, 2, 8]


def test_noise_of_teachers_and_injected_noise_are_never_pooled(scored):
    parts = [
        *several(scored, [0.9, 0.9], method="x"), *several(scored, [0.5, 0.5], method="y"),
        *several(scored, [0.1, 0.1], method="x", noise="markov:0.2"),
        *several(scored, [0.3, 0.3], method="y", noise="markov:0.2"),
        *several(scored, [0.2, 0.2], method="x", noise="markov:0.3"),
        *several(scored, [0.7, 0.7], method="x", xi="0.5"),
    ]  # fmt: skip
    found = leaderboard(pd.concat(parts), NONE)
    scores = {(row.noise, row.xi, row.method): row.score for row in found.itertuples()}
    assert scores == pytest.approx(
        {
            ("none", "0.3", "x"): 0.45, ("none", "0.3", "y"): 0.25, ("none", "0.5", "x"): 0.35,
            ("markov:0.2", "0.3", "x"): 0.05, ("markov:0.2", "0.3", "y"): 0.15, ("markov:0.3", "0.3", "x"): 0.1,
        }
    )  # fmt: skip
    first = found[found["rank"] == 1]
    assert (
        dict(zip(first["setting"], first["method"], strict=True))["heart, noise markov:0.2, ξ = 0.3"] == "y"
    )
    assert (found["results"] == 4).all()


def test_no_table_of_the_paper_and_no_verdict_changes_by_injected_noise(arena):
    own = arena[arena["dataset"] == "heart"]
    plain = own[own["noise"] == "none"]
    for key, table in TABLES.items():
        pd.testing.assert_frame_equal(table.build(own), table.build(plain), obj=key)
    assert verdicts(own) == verdicts(plain)


@pytest.mark.parametrize("key", TABLES)
def test_records_of_injected_noise_alone_make_every_table_of_the_paper_empty_of_them(arena, key):
    own = arena[(arena["dataset"] == "heart") & (arena["noise"] == "markov:0.2")]
    table = TABLES[key].build(own)
    counts = table.get("results", table.get("ours_results", pd.Series(0)))
    assert (counts.fillna(0) == 0).all()


def test_no_figure_of_the_paper_draws_injected_noise(arena):
    from reports.figures.curves import xi_curve
    from reports.figures.spread import spread

    own = arena[arena["dataset"] == "heart"]
    plain = own[own["noise"] == "none"]
    for draw in (xi_curve, spread):
        pictures = []
        for rows in (own, plain):
            figure = draw(rows)
            figure.canvas.draw()
            pictures.append(np.asarray(figure.canvas.buffer_rgba()))
        np.testing.assert_array_equal(*pictures)


def test_who_fails_or_predicts_nothing_has_no_rank_and_stands_below_all_that_have_one(board):
    found = at(board, "drop-slices:0.4")
    assert list(found.index[-2:]) == ["t-loss", "broken"]
    assert found["note"].tail(2).tolist() == ["predicts nothing", "failed 3/24"]
    assert found["rank"].head(10).tolist() == list(range(1, 11))
    assert found["rank"].tail(2).isna().all()
    assert np.isnan(found["score"]["broken"])
    assert at(board, "markov:0.2")["rank"]["t-loss"] == 8


def test_a_method_of_fewer_seeds_than_most_has_no_rank(scored):
    parts = [part for name in ("x", "y") for part in several(scored, [0.5, 0.6], method=name)]
    parts += [scored(0.9, case=case, method="late") for case in "ab"]
    found = leaderboard(pd.concat(parts), NONE).set_index("method")
    assert found["note"]["late"] == "lacks seeds 1"
    assert np.isnan(found["rank"]["late"])
    assert found.index[-1] == "late"


def test_in_a_sweep_half_done_all_are_ranked_on_the_seeds_that_most_have(scored):
    parts = several(scored, [0.5, 0.6], method="ahead")
    parts += [scored(0.9, case=case, method=name) for case in "ab" for name in ("x", "y")]
    found = leaderboard(pd.concat(parts), NONE).set_index("method")
    assert found["rank"].notna().all()
    assert found["seeds"].tolist() == [1, 1, 1]
    assert found["score"]["ahead"] == pytest.approx(0.275)


def test_a_method_without_an_overall_score_is_ranked_by_its_dice(scored):
    rows = pd.concat([scored(0.5, method="x"), scored(0.7, method="y")])
    found = leaderboard(rows[rows["metric"] == "dice"], NONE)
    assert found["method"].tolist() == ["y", "x"]
    assert set(found["measure"]) == {"dice"}
    assert found["score"].tolist() == [0.7, 0.5]


@pytest.mark.parametrize(("seeds", "words"), [("0", "One seed"), ("01", "Two seeds"), ("012", "")])
def test_fewer_than_three_seeds_are_said_to_give_no_verdict_and_nobody_leads(scored, seeds, words):
    rows = [
        scored(dice, case=case, seed=seed, method=method)
        for seed in seeds
        for case in "abcdef"
        for method, dice in (("x", 0.5), ("y", 0.7))
    ]
    found = leaderboard(pd.concat(rows), NONE)
    said, leaders = few_seeds_sentences(found), leader_sentences(found)
    if words:
        assert said[0].startswith(f"{words}: no verdict in every setting below: ")
        assert said[0].endswith("`--seeds 3` is the fewest that decides.")
        assert ("over cases only" in said[0]) is (seeds == "0")
        assert leaders == []
    else:
        assert (said, len(leaders)) == ([], 1)
        assert "(6 cases, 3 seeds): y is first of 2" in leaders[0]


def test_the_leader_is_named_with_how_often_it_leads(board):
    said = leader_sentences(board[board["role"] == "student"])
    assert said[0].startswith(
        "heart, labels by teachers, ξ = 0.3 (8 cases, 3 seeds): tsman is first of 11, in over 99 %"
    )
    assert len(said) == 6


def test_the_supervised_stand_apart_without_a_rank(board):
    found = board[board["role"] == "supervised"]
    assert len(found) == 8
    assert found["rank"].isna().all()
    assert set(found["note"]) == {"all labels manual"}
    assert set(found["setting"]) & set(board.loc[board["role"] == "student", "setting"]) == set()


def test_the_cost_stands_beside_the_score(board):
    assert at(board, "markov:0.2")["passes"]["tri-net"] == 3000
    assert at(board, "none")["passes"]["tsman"] == pytest.approx(2000 + 3000 / 11)
    assert set(at(board, "none")["start"]) == {"fresh"}
    assert set(board.loc[board["rank"].isna(), "start"]) <= {"", "fresh"}


def test_injected_labels_are_told_by_how_wrong_they_are(scored):
    rows = pd.concat([scored(0.8), *(
        scored(value, case=case, role="pseudo", method="noise", variant="markov", noise="markov:0.2")
        for case, value in (("t", 0.7), ("u", 0.9))
    )])  # fmt: skip
    (sentence,) = injected_sentences(rows)
    assert sentence.startswith(
        "heart, noise markov:0.2, ξ = 0.3: the injected labels have a mean Dice of 0.800"
    )
    assert sentence.endswith("(2 training cases).")
    assert injected_sentences(scored(0.8)) == []


def test_contests_are_in_the_order_of_their_noise_and_rate(scored):
    noises = ("markov:0.2", "markov:0.1", "edge:0.5", "none", "markov:0.15")
    rows = pd.concat([scored(0.5, noise=noise) for noise in noises])
    assert [contest.noise for contest, _ in contests(rows)] == [
        "none", "edge:0.5", "markov:0.1", "markov:0.15", "markov:0.2",
    ]  # fmt: skip


def test_of_many_settings_the_largest_share_of_each_noise_is_drawn(scored):
    rows = pd.concat(
        [scored(0.5, xi=f"0.{step}", noise=noise) for step in range(1, 6) for noise in ("none", "edge:0.1")]
    )
    found = drawn(leaderboard(rows, NONE))
    assert found[["noise", "xi"]].to_numpy().tolist() == [["none", "0.5"], ["edge:0.1", "0.5"]]


def test_of_the_recipe_smoke_nobody_is_first(board):
    ranked = board[board["role"] == "student"]
    assert any("is first of" in sentence for sentence in leader_sentences(ranked))
    (said,) = leader_sentences(ranked[ranked["dataset"] == "heart"].assign(recipe="smoke"))
    assert "smoke: no verdict" in said
