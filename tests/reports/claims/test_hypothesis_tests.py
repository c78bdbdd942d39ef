from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.claims.claims import CLAIMS
from reports.claims.hypothesis_tests import COLUMNS, trend_sentences, trend_summary, trends
from reports.statistics.cohorts import BACKGROUND, TUMOUR
from reports.tables import TABLES
from reports.text.render import markdown
from reports.text.sheet import sheet

CASES = "abcdef"
SEEDS = ("0", "1", "2")
PSEUDO = {"role": "pseudo", "method": "distillation"}
STUDENT = {"role": "student"}


def rows(scored, dice, *, cases=CASES, seeds=SEEDS, rest=None, **where):
    """Cases whose Dice is the given mean, give or take an ease of their own that is the same for everyone."""
    ease = dict(zip(CASES, (-0.05, -0.03, -0.01, 0.01, 0.03, 0.05), strict=True))
    return pd.concat(
        [
            scored(dice + ease[case], *(rest or ()), case=case, seed=seed, **where)
            for case in cases
            for seed in seeds
        ]
    )


def found(records, claim):
    """The one row of a claim."""
    return trends(records).set_index("claim").loc[claim]


@pytest.fixture(scope="module")
def distilled(scored):
    """Hierarchical a little above model distillation; its rival data distillation wins at ξ = 0.8 alone."""
    parts = []
    for xi, of_dd in (("0.3", (0.3, 0.4, 0.5)), ("0.8", (0.5, 0.7, 0.6))):
        parts += [rows(scored, 0.62, xi=xi, variant="hd", **PSEUDO)]
        parts += [rows(scored, 0.60, xi=xi, variant="md", **PSEUDO)]
        for place, dice in enumerate(of_dd):
            parts += [rows(scored, dice, xi=xi, variant="dd", member=str(place + 1), **PSEUDO)]
            parts += [
                rows(scored, 0.4 + place / 10, xi=xi, variant="single", member=str(place + 1), **PSEUDO)
            ]
    return pd.concat(parts)


def test_hierarchical_distillation_is_tried_at_each_share_and_over_all(distilled):
    at_few = found(distilled, "hierarchical above model distillation at ξ = 0.3")
    assert at_few["difference"] == pytest.approx(0.02 / 2)  # the overall score takes half of Dice
    assert (at_few["cases"], at_few["seeds"], at_few["verdict"]) == (6, 3, "supported")
    assert at_few["paper"] == pytest.approx(0.007)
    assert found(distilled, "hierarchical above model distillation over all ξ")["verdict"] == "supported"
    absent = found(distilled, "hierarchical above model distillation at ξ = 0.5")
    assert (absent["verdict"], absent["need"]) == ("not run", "bench run --experiment table1")


def test_hierarchical_distillation_is_set_against_the_best_single_teacher(distilled):
    few = found(distilled, "hierarchical distillation above the best single teacher at ξ = 0.3")
    assert few["difference"] == pytest.approx((0.62 - 0.6) / 2)
    assert few["paper"] == pytest.approx(0.020)


def test_each_method_is_set_against_what_the_manual_labels_alone_give(scored):
    alone = [rows(scored, 0.5, xi=xi, role="labelled-only", method="teachers") for xi in ("0.3", "0.5")]
    records = pd.concat([swept(scored, {"0.3": 0.1, "0.5": 0.1}), *alone])
    row = found(records, "tsman above labelled-only over all ξ")
    assert row["difference"] == pytest.approx((0.06 + 0.1 + 0.1 + 0.1) / 4)
    assert (row["verdict"], row["topic"]) == ("supported", "references")
    assert found(records, "densevoxnet above labelled-only over all ξ")["difference"] == pytest.approx(0.04)


def test_the_mean_single_teacher_is_the_mean_of_the_three(distilled):
    single = found(distilled, "model distillation above the mean single teacher at ξ = 0.3")
    assert single["difference"] == pytest.approx((0.6 - 0.5) / 2)


def test_the_best_data_distillation_is_the_best_of_the_three_at_that_share(distilled):
    few = found(distilled, "model distillation above the best data distillation at ξ = 0.3")
    many = found(distilled, "the best data distillation above model distillation at ξ = 0.8")
    assert (few["difference"], many["difference"]) == pytest.approx((0.05, 0.05))
    mean = found(distilled, "the mean data distillation above model distillation at ξ = 0.8")
    assert mean["difference"] == pytest.approx(0.0, abs=1e-9)
    assert (mean["verdict"], mean["note"]) == ("equivalent", "smaller than 0.1; the paper prints 0.018")


def attended(scored, scores):
    names = ("baseline", "f4", "f34", "f234", "f1234")
    return pd.concat(
        [
            rows(scored, dice, xi="0.5", variant=name, **STUDENT)
            for name, dice in zip(names, scores, strict=True)
        ]
    )


def test_attentions_that_help_less_and_less_are_the_papers_trend(scored):
    records = attended(scored, (0.2, 0.6, 0.7, 0.76, 0.8))
    table = trends(records).query("topic == 'attention'").set_index("claim")
    assert table.loc["adding f4 to baseline helps", "difference"] == pytest.approx(0.2)
    assert table.loc["f4 helps more than f3", "difference"] == pytest.approx((0.4 - 0.1) / 2)
    tried = table.drop(index="smoothing f4 by ω helps")
    assert set(tried["verdict"]) == {"supported"}
    assert table.loc["smoothing f4 by ω helps", "verdict"] == "not run"


def test_an_attention_that_harms_contradicts_the_paper(scored):
    records = attended(scored, (0.6, 0.5, 0.7, 0.7, 0.7))
    assert found(records, "adding f4 to baseline helps")["verdict"] == "contradicted"
    assert found(records, "adding f1 to f234 helps")["verdict"] == "equivalent"
    assert found(records, "f4 helps more than f3")["verdict"] == "contradicted"


def test_tsman_as_it_stands_has_all_four_attentions(scored):
    whole = rows(scored, 0.8, xi="0.5", **STUDENT)
    records = pd.concat([rows(scored, 0.7, xi="0.5", variant="f234", **STUDENT), whole])
    assert found(records, "adding f1 to f234 helps")["difference"] == pytest.approx(0.05)


def test_smoothing_is_weighed_against_f4_without_it(scored):
    records = [
        rows(scored, dice, xi="0.5", variant=name, **STUDENT)
        for name, dice in (("f4", 0.5), ("f4-unsmoothed", 0.7))
    ]
    smoothed = found(pd.concat(records), "smoothing f4 by ω helps")
    assert (smoothed["difference"], smoothed["paper"], smoothed["verdict"]) == (
        pytest.approx(-0.1),
        0.1,
        "contradicted",
    )


FOUR = ("tsman", "decoupling", "deep-level-set", "densevoxnet")


def swept(scored, leads, **where):
    """Four methods at ξ in `leads`, TSMAN ahead of the rest by that much; Dice rises with ξ."""
    return pd.concat(
        [
            rows(
                scored,
                0.5 + float(xi) / 5 + (lead if method == "tsman" else 0.0),
                xi=xi,
                method=method,
                **STUDENT,
                **where,
            )
            for xi, lead in leads.items()
            for method in FOUR
        ]
    )


def test_the_methods_are_ordered_over_all_shares_that_are_not_small(scored):
    records = swept(scored, {"0.1": -0.1, "0.3": 0.1, "0.9": 0.2})
    pooled = found(records, "tsman above decoupling over all ξ from 0.3")
    assert pooled["difference"] == pytest.approx(0.15 / 2)
    assert pooled["verdict"] == "supported"
    assert found(records, "tsman above decoupling at ξ = 0.9")["difference"] == pytest.approx(0.1)
    equal = found(records, "decoupling above densevoxnet at ξ = 0.9")
    assert (equal["verdict"], equal["note"]) == ("equivalent", "smaller than 0.1")


def test_a_lead_that_grows_with_the_share_is_found(scored):
    records = swept(scored, {"0.1": 0.0, "0.2": 0.02, "0.3": 0.1, "0.9": 0.2})
    lead = found(records, "tsman's lead over the other three is smaller at ξ ≤ 0.2")
    assert lead["difference"] == pytest.approx((0.15 - 0.01) / 2)
    assert lead["xi"] == "0.3, 0.9 against 0.1, 0.2"
    assert found(records, "all four methods score lower at ξ ≤ 0.2")["verdict"] == "supported"


def test_gains_in_distance_and_dice_are_shares_of_the_rivals_error(scored):
    records = pd.concat(
        [
            rows(
                scored, 0.85, rest=(0.5, 6.0), xi="0.9", **STUDENT
            ),  # Dice error 0.15 of 0.20: a quarter removed
            rows(scored, 0.80, rest=(1.0, 7.5), xi="1.0", role="supervised", method="densevoxnet"),
        ]
    )
    adb = found(records, "tsman removes more of the ADB than of the Dice error of supervised densevoxnet")
    hdd = found(records, "tsman removes more of the HDD than of the Dice error of supervised densevoxnet")
    assert (adb["difference"], adb["verdict"]) == (pytest.approx(0.5 - 0.25), "supported")
    assert (hdd["difference"], hdd["verdict"]) == (pytest.approx(0.2 - 0.25), "contradicted")
    assert (adb["unit"], adb["paper"]) == ("share of the error", pytest.approx(0.0858, abs=1e-3))


def test_a_rival_without_error_leaves_no_share_to_compare(scored):
    records = pd.concat(
        [
            scored(0.9, 0.0, 1.0, xi="0.9", **STUDENT),
            scored(0.8, 0.0, 1.0, xi="1.0", role="supervised", method="densevoxnet"),
        ]
    )
    adb = found(records, "tsman removes more of the ADB than of the Dice error of supervised densevoxnet")
    assert (adb["verdict"], adb["need"]) == ("not run", "densevoxnet has no adb error that could be removed")


def test_tsman_at_09_is_compared_with_full_supervision(scored):
    records = pd.concat(
        [
            rows(scored, 0.7, xi="0.9", **STUDENT),
            rows(scored, 0.8, xi="1.0", role="supervised"),
        ]
    )
    row = found(records, "tsman at ξ = 0.9 above supervised tsman")
    assert (row["difference"], row["verdict"]) == (pytest.approx(-0.05), "contradicted")


def tumour(dice, background, **where):
    """Cases with Dice of four tumour labels and of the background."""
    structures = dict.fromkeys(TUMOUR, dice) | {BACKGROUND: background}
    usual = {"run": "r", "dataset": "t", "xi_realised": "", "member": "", "variant": "", "noise": "none", "recipe": "quick",
             "unit": "", "definition": "d", "status": "ok", "stage": "s", "commit": ""}  # fmt: skip
    return pd.DataFrame(
        [
            usual
            | {"case": case, "structure": name, "metric": "dice", "value": value + place / 100}
            | {"seed": seed, "split": seed}
            | where
            for seed in SEEDS
            for place, case in enumerate(CASES)
            for name, value in structures.items()
        ]
    )


def test_on_tumours_the_mean_is_over_five_labels_and_the_claims_are_those_of_table_4():
    records = pd.concat(
        [
            tumour(0.5, 0.90, role="student", method="tsman", xi="0.9"),
            tumour(0.4, 0.94, role="student", method="densevoxnet", xi="0.9"),
            tumour(0.6, 0.90, role="supervised", method="mme", xi="1.0"),
        ]
    )
    row = found(records, "tsman above densevoxnet at ξ = 0.9")
    assert (row["difference"], row["unit"]) == (pytest.approx((4 * 0.1 - 0.04) / 5), "mean Dice")
    assert found(records, "tsman at ξ = 0.9 above supervised mme")["verdict"] == "contradicted"
    assert (
        found(records, "tsman at ξ = 0.9 above supervised unet-2d")["need"] == "bench run --experiment table4"
    )
    assert set(trends(records)["where"]) == {"Figure 7", "Table 4", "not in the paper"}


def test_without_a_background_the_mean_of_five_labels_does_not_exist():
    records = tumour(0.5, 0.9, role="student", method="tsman", xi="0.9")
    assert set(trends(records[records["structure"] != BACKGROUND])["verdict"]) == {"not run"}


def test_failed_cases_leave_no_verdict_on_the_rest(scored, failed):
    records = pd.concat(
        [swept(scored, {"0.9": 0.1}), failed(xi="0.9", method="decoupling", case="g", seed="0")]
    )
    row = found(records, "tsman above decoupling at ξ = 0.9")
    assert row["verdict"] == "not run"
    assert row["need"] == "1 of 19 case results of tsman failed at ξ = 0.9"
    assert np.isnan(row["difference"])


def test_one_case_decides_nothing(scored):
    one = swept(scored, {"0.9": 0.3}).query("case == 'a'")
    row = found(one, "tsman above decoupling at ξ = 0.9")
    assert (row["verdict"], row["cases"]) == ("undecided", 1)
    assert np.isnan([row["p"], row["p_holm"]]).all()


@pytest.mark.parametrize(("seeds", "words"), [("0", "one seed: no verdict"), ("01", "two seeds: no verdict")])
def test_fewer_than_three_seeds_give_no_verdict_on_any_claim_and_the_numbers_still_stand(
    scored, seeds, words
):
    records = swept(scored, {"0.3": 0.1, "0.9": 0.1})
    table = trends(records[records["seed"].isin(list(seeds))])
    tested = table[table["need"] == ""]
    assert len(tested) == 10
    assert set(tested["verdict"]) == {words}
    assert tested[["difference", "low", "high", "p"]].notna().all(axis=None)
    assert tested["p_holm"].isna().all()
    assert set(tested["note"]) == ({"over cases only"} if seeds == "0" else {""})
    (said,) = trend_summary(table, "heart")
    assert said.startswith(f"On heart, {words}: {len(tested)} of {len(table)} claims have results")


def test_a_claim_is_supported_only_where_its_p_after_holm_is_small_too(scored):
    """A lead that varies over cases: p about 0.03 alone, and above 0.05 in the family."""
    leads = dict(zip(CASES, (0.3, 0.12, 0.35, 0.1, 0.25, 0.2), strict=True))
    rows = swept(scored, {"0.9": 0.0})
    lead = rows["case"].map(leads) * (rows["method"] == "tsman")
    shift = lead.where(rows["metric"] == "dice", lead / 2)
    noise = pd.Series(np.random.default_rng(0).normal(0, 0.01, len(rows)), index=rows.index)
    of_rivals = noise.where(rows["method"] != "tsman", 0.0)
    records = rows.assign(
        value=rows["value"] + shift.where(rows["metric"].isin(["dice", "overall"]), 0.0)
        + of_rivals.where(rows["metric"] == "dice", 0.0)
    )  # fmt: skip
    records = records[records["metric"] != "overall"]
    row = found(records, "tsman above densevoxnet at ξ = 0.9")
    assert row["low"] > 0
    assert 0 < row["p"] < 0.05 < row["p_holm"]
    assert (row["verdict"], row["note"]) == ("undecided", "supported alone, not after Holm")


def test_injected_noise_and_teachers_on_test_cases_are_no_evidence(scored):
    records = swept(scored, {"0.9": 0.1})
    disturbed = pd.concat([
        records, records.assign(noise="erode:0.5", value=0.0, stage="n"), rows(scored, 0.1, xi="0.9", role="teacher")
    ])  # fmt: skip
    plain, more = trends(records), trends(disturbed.query("metric != 'overall'"))
    pd.testing.assert_frame_equal(plain, more)


def test_holm_counts_the_claims_that_were_tested(scored):
    rows = swept(scored, {"0.7": 0.1, "0.9": 0.1})
    noise = np.random.default_rng(0).normal(0, 0.05, len(rows)) * (rows["metric"] == "dice")
    rows = rows.assign(value=rows["value"] + noise).query("metric != 'overall'")
    table = trends(rows).query("verdict != 'not run'")
    assert len(table) > 5
    assert (table["p_holm"] >= table["p"]).all()
    assert table["p"].min() > 0
    assert table["p_holm"].min() == pytest.approx(min(1.0, table["p"].min() * len(table)))


def test_every_claim_of_the_benchmark_has_a_row_and_the_columns_stand(scored):
    table = trends(swept(scored, {"0.9": 0.1}))
    assert tuple(table.columns) == COLUMNS
    assert list(table["claim"]) == [claim.statement for claim in CLAIMS if claim.benchmark == "hvsmr"]


def test_one_share_says_nothing_of_all_of_them(scored):
    table = trends(swept(scored, {"0.9": 0.1})).set_index("claim")
    assert table.loc["tsman above densevoxnet at ξ = 0.9", "verdict"] == "supported"
    assert table.loc["tsman above densevoxnet over all ξ from 0.3", "verdict"] == "not run"


def test_shares_that_keep_the_same_cases_are_one_training(scored):
    rows = swept(scored, {"0.5": 0.1, "0.6": 0.1, "0.9": -0.3})
    same = rows.assign(xi_realised=rows["xi"].replace("0.6", "0.5"))
    claim = "tsman above densevoxnet over all ξ from 0.3"
    assert trends(rows).set_index("claim").loc[claim, "difference"] == pytest.approx(-0.1 / 6)
    assert trends(same).set_index("claim").loc[claim, "difference"] == pytest.approx(-0.05)


def test_no_claim_is_made_twice():
    assert len({(claim.benchmark, claim.statement) for claim in CLAIMS}) == len(CLAIMS)


def test_a_sentence_says_everything_that_a_verdict_rests_on(scored):
    sentences = trend_sentences(trends(swept(scored, {"0.3": 0.1, "0.5": 0.1})))
    assert (
        "“tsman above decoupling over all ξ from 0.3” (Figure 6), ξ 0.3, 0.5: supported: "
        "+0.050 [+0.050, +0.050] in overall score, 6 cases, 3 seeds, p < 1e-09, < 1e-09 after Holm."
    ) in sentences
    assert (
        "“adding f4 to baseline helps” (Table 2), ξ any: not run; `bench run --experiment table2` makes what it needs."
    ) in sentences


def test_the_summary_counts_what_was_tested_and_names_the_clearest_claims(scored):
    table = trends(swept(scored, {"0.1": -0.1, "0.3": 0.1, "0.5": 0.1}))
    said = trend_summary(table, "heart")
    counts = table["verdict"].value_counts()
    assert said[0] == (
        f"On heart (6 cases, 3 seeds): of {len(table)} claims, as one family after Holm, "
        f"{counts['supported']} supported, 0 contradicted, {counts['equivalent']} equivalent, 0 undecided, "
        f"{counts['not run']} not run; 0 of the undecided would be decided alone. "
        "Equivalent counts neither for nor against the paper."
    )
    assert len(said) == 1 + 2 + 1
    assert all(": supported: " in sentence for sentence in said[1:3])
    assert ": equivalent (smaller than 0.1): " in said[3]


def test_the_summary_of_nothing_tested_says_so(scored):
    table = trends(scored(0.5, role="teacher"))
    assert trend_summary(table, "heart") == [
        f"On heart none of {len(table)} claims could be tested: records that they need are absent."
    ]


def test_the_table_can_be_read(scored):
    entry = TABLES["trends"]
    text = markdown(sheet(entry.build(swept(scored, {"0.9": 0.1})), entry.block), entry.title, entry.caption)
    assert "supported" in text
    assert "| Difference" in text
    assert "nan" not in text


def test_five_cases_decide_no_claim_and_six_do(scored):
    leads = {"0.3": 0.1, "0.5": 0.1}
    records, claim = swept(scored, leads), "tsman above densevoxnet over all ξ from 0.3"
    assert trends(records).set_index("claim").loc[claim, ["verdict", "cases"]].tolist() == ["supported", 6]
    fewer = records[records["case"] != records["case"].max()]
    assert trends(fewer).set_index("claim").loc[claim, ["verdict", "cases"]].tolist() == ["undecided", 5]


def test_of_the_recipe_smoke_no_claim_has_a_verdict(distilled):
    table = trends(distilled.assign(recipe="smoke"))
    tested = table[table["need"] == ""]
    assert len(tested) > 0
    assert set(tested["verdict"]) == {"no verdict"}
    assert set(table["verdict"]) == {"no verdict", "not run"}
    (said,) = trend_summary(table, "heart")
    assert "smoke: no verdict" in said
    assert not any(word in said for word in ("supported", "contradicted"))
