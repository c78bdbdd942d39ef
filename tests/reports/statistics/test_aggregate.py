from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.ranking.sentences import ranked, verdicts
from reports.statistics.aggregate import over_seeds, paired_difference
from reports.statistics.case_scores import case_scores
from reports.statistics.cohorts import unique


def summary(records, measure="overall"):
    return over_seeds(case_scores(unique(records)), [measure]).iloc[0]


def test_cases_are_averaged_before_seeds(scored):
    # Seed 0: mean of 0.2 and 0.4; seed 1: 0.9. A mean over all three cases would be 0.5.
    records = pd.concat(
        [scored(0.2), scored(0.4, case="b"), scored(0.9, seed=1, case="a"), scored(0.9, seed=1, case="b")]
    )
    found = summary(records, "wall_dice")
    assert found["wall_dice"] == pytest.approx(0.6)
    assert found["wall_dice_sd"] == pytest.approx(np.std([0.3, 0.9], ddof=1))
    assert (found["wall_dice_low"], found["wall_dice_high"]) == pytest.approx((0.3, 0.9))
    assert (found["cases"], found["seeds"], found["results"]) == (2, 2, 4)


def test_the_overall_score_is_the_formula_on_the_means_and_the_mean_of_the_formula(scored):
    records = pd.concat([scored(0.8, 1.0, 6.0), scored(0.6, 2.0, 12.0, case="b")])
    by_hand = 0.7 / 2 - 1.5 / 4 - 9.0 / 30
    assert summary(records)["overall"] == pytest.approx(by_hand)
    recorded = records.loc[records["metric"] == "overall", "value"].mean()
    assert recorded == pytest.approx(by_hand)


def test_the_overall_score_sums_over_structures(scored):
    pool = scored(0.9, 1.0, 3.0).iloc[:3].assign(structure="pool")
    wall = scored(0.8, 2.0, 6.0).iloc[:3]
    assert summary(pd.concat([wall, pool]))["overall"] == pytest.approx(0.4 - 0.5 - 0.2 + 0.45 - 0.25 - 0.1)


def test_the_overall_score_of_the_paper_comes_out(scored):
    wall = scored(0.820, 0.824, 4.73).iloc[:3]
    pool = scored(0.926, 0.957, 8.81).iloc[:3].assign(structure="pool")
    assert summary(pd.concat([wall, pool]))["overall"] == pytest.approx(-0.024, abs=0.001)


def test_a_recorded_overall_score_that_contradicts_its_parts_is_refused(scored):
    records = scored(0.8, 1.0, 6.0)
    records.loc[3, "value"] = 0.9
    with pytest.raises(
        ValueError, match=r"overall score of .*tsman.* is 0\.9, but its Dice, ADB and HDD give -0\.05"
    ):
        summary(records)


def test_the_recorded_overall_score_serves_where_its_parts_are_absent(scored):
    assert summary(scored(0.8).iloc[3:])["overall"] == pytest.approx(0.4)


def test_one_failed_case_leaves_no_mean(scored, failed):
    found = summary(
        pd.concat([scored(0.9), failed(case="b"), scored(0.9, seed=1), scored(0.9, seed=1, case="b")])
    )
    assert np.isnan(found["overall"])
    assert (found["failed"], found["results"]) == (1, 4)


def test_a_case_that_others_have_and_one_lacks_is_a_failure(scored):
    records = pd.concat([scored(0.5), scored(0.5, case="b"), scored(0.9, method="lucky")])
    found = over_seeds(case_scores(unique(records)), ["overall"]).set_index("method")
    assert found.loc["lucky", "failed"] == 1
    assert np.isnan(found.loc["lucky", "overall"])


def test_a_single_absent_value_is_a_failure(scored):
    records = pd.concat([scored(0.5), scored(0.5, case="b").drop(index=[1])])
    assert summary(records)["failed"] == 1


def test_one_seed_has_no_spread(scored):
    found = summary(pd.concat([scored(0.5), scored(0.6, case="b")]))
    assert found[["overall_sd", "overall_low", "overall_high"]].isna().all()


def test_nothing_predicted_stays_in_the_mean_and_is_counted(scored):
    found = summary(pd.concat([scored(0.0, 100, 100, status="empty_prediction"), scored(0.8, case="b")]))
    assert found["overall"] == pytest.approx((-25 - 100 / 30 + 0.4) / 2)
    assert found["empty"] == 1


def test_test_cases_that_move_with_the_seed_are_no_failures(scored):
    found = summary(pd.concat([scored(0.5, case="a"), scored(0.7, case="b", seed=1)]))
    assert (found["failed"], found["cases"], found["results"]) == (0, 2, 2)


def scores_of(scored, dice_of_case, seeds="012"):
    rows = [scored(dice, case=case, seed=seed) for case, dice in dice_of_case.items() for seed in seeds]
    return case_scores(unique(pd.concat(rows)))


def test_a_difference_is_paired_by_case(scored):
    high = dict(zip("abcdef", (0.9, 0.3, 0.5, 0.6, 0.7, 0.8), strict=True))
    one = scores_of(scored, high)
    other = scores_of(scored, {case: high[case] - 0.2 for case in "fbdeca"})
    found = paired_difference(one, other, "wall_dice")
    assert (found.mean, found.low, found.high) == pytest.approx((0.2, 0.2, 0.2))
    assert found.word == "ahead of"


def test_one_case_has_no_interval_and_distinguishes_nothing(scored):
    found = paired_difference(scores_of(scored, {"a": 0.9}), scores_of(scored, {"a": 0.1}))
    assert found.low is None
    assert found.word == "not distinguishable from"


def test_methods_without_a_common_case_have_no_difference(scored):
    assert paired_difference(scores_of(scored, {"a": 0.9}), scores_of(scored, {"b": 0.1})) is None


def tripled(records):
    """Each case three times and each of two seeds twice: enough for a verdict, and the same means."""
    more = pd.concat([records.assign(case=records["case"] + number) for number in "123"])
    later = records_of_later_seeds(more)
    return pd.concat([more, later], ignore_index=True)


def records_of_later_seeds(records):
    later = (records["seed"].astype(int) + 2).astype(str)
    return records.assign(seed=later, split=later)


@pytest.mark.parametrize("cases", [2, 3, 4, 5, 6, 7])
def test_fewer_than_six_cases_give_no_verdict_whatever_the_interval(scored, cases):
    low = scores_of(scored, {str(case): 0.5 for case in range(cases)})
    high = scores_of(scored, {str(case): 0.9 for case in range(cases)})
    found = paired_difference(high, low)
    assert found.low > 0
    assert found.word == ("ahead of" if cases >= 6 else "not distinguishable from")


def test_of_the_recipe_smoke_there_is_no_verdict(sweep):
    found = verdicts(tripled(sweep).assign(recipe="smoke"))
    assert found == ["On heart, smoke: no verdict, for this recipe only shows that the program runs."]


def test_the_verdict_says_who_is_ahead_and_by_how_much(sweep):
    sentences = verdicts(tripled(sweep))
    assert sentences[0] == (
        "On heart, at ξ = 0.9, tsman is ahead of densevoxnet: "
        "difference in overall score +0.075 [+0.075, +0.075] over 6 cases and 4 seeds."
    )
    assert "tsman is behind tsman trained on all manual labels" in sentences[1]
    assert sentences[2] == "On heart, tsman has the best mean overall score at 2 of 2 values of ξ."


def test_the_verdict_says_plainly_that_tsman_loses(sweep):
    swapped = tripled(sweep)
    swapped["method"] = swapped["method"].replace({"tsman": "densevoxnet", "densevoxnet": "tsman"})
    sentences = verdicts(swapped)
    assert "tsman is behind densevoxnet: difference in overall score −0.075" in sentences[0]
    assert sentences[2] == "On heart, tsman has the best mean overall score at 0 of 2 values of ξ."


def test_the_verdict_says_that_nothing_can_be_told(scored):
    records = [scored(0.5, case=case, seed=seed) for case in "abcd" for seed in range(3)]
    records += [
        scored(0.5 + shift, case=case, seed=seed, method="x")
        for case, shift in zip("abcd", (0.1, -0.1, 0.2, -0.2), strict=True)
        for seed in range(3)
    ]
    assert (
        "is not distinguishable from x: difference in overall score +0.000" in verdicts(pd.concat(records))[0]
    )


def test_a_failed_rival_cannot_be_compared(scored, failed):
    found = verdicts(
        pd.concat([scored(0.5), scored(0.5, case="b"), scored(0.9, method="x"), failed(method="x", case="b")])
    )
    assert found == [
        "On heart, at ξ = 0.3, tsman cannot be compared with x: 1 of 2 case results of x failed."
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "On heart, at ξ = 0.3, tsman is the only method, so there is nothing to compare it with."),
        ({"method": "x"}, "On heart tsman has no result at ξ = 0.3, so there is no verdict on it."),
        (
            {"role": "supervised", "xi": "1.0"},
            "On heart no student was trained on the labels of teachers, so there is no verdict.",
        ),
        ({"role": "pseudo"}, "There is no student among the records, so there is nothing to compare."),
    ],
)  # fmt: skip
def test_where_there_is_no_comparison_the_verdict_says_so(scored, change, sentence):
    assert verdicts(scored(0.5, **change)) == [sentence]


def test_verdicts_are_the_same_every_time(sweep):
    assert verdicts(sweep) == verdicts(
        sweep.sample(frac=1, random_state=1).sort_values("method", ascending=False)
    )


def test_the_spread_over_seeds_can_make_a_difference_uncertain(scored):
    def scores(lifts):
        return case_scores(
            unique(
                pd.concat(
                    [
                        scored(0.5 + lift, case=case, seed=seed)
                        for seed, lift in enumerate(lifts)
                        for case in "abcdef"
                    ]
                )
            )
        )

    equal = scores([0.0, 0.0, 0.0])
    assert paired_difference(scores([0.1, 0.1, 0.1]), equal).word == "ahead of"
    assert paired_difference(scores([0.3, 0.1, -0.1]), equal).word == "not distinguishable from"


def test_a_difference_too_small_for_three_digits_shows_its_sign(scored):
    places = [{"case": case, "seed": seed} for case in "abcdef" for seed in range(3)]
    records = [scored(0.5, **place) for place in places]
    records += [
        scored(0.5004 + 0.0002 * (-1) ** "abcdef".index(place["case"]), **place, method="x")
        for place in places
    ]
    assert verdicts(pd.concat(records))[0] == (
        "On heart, at ξ = 0.3, tsman is behind x: "
        "difference in overall score −0.0002 [−0.0004, −0.000008] over 6 cases and 3 seeds."
    )


def test_students_are_ranked_at_the_largest_share_and_failures_have_no_rank(sweep, scored, failed):
    lost = pd.concat([failed(xi="0.9", method="x", case=case, seed=seed) for case in "ab" for seed in "01"])
    found = ranked(pd.concat([sweep, lost]))
    assert list(found["method"]) == ["tsman", "densevoxnet", "x"]
    assert found.loc[0, ["rank", "low", "high", "cases", "seeds"]].tolist() == [1, 1, 1, 2, 2]
    assert np.isnan(found.loc[2, "rank"])


def test_the_nearest_student_is_ranked_first_by_a_distance(sweep):
    far = sweep.assign(
        value=sweep["value"].where(sweep["metric"] != "hdd", sweep["method"].eq("tsman") * 9 + 1.0)
    )
    far = far[far["metric"] != "overall"]
    assert list(ranked(far, "hdd", xi="0.3")["method"]) == ["densevoxnet", "tsman"]


def test_a_share_without_students_has_no_ranks(sweep):
    with pytest.raises(ValueError, match=r"no student was trained at ξ = 0\.7"):
        ranked(sweep, xi="0.7")
