"""``bench compare``: who is better, by how much, and whether so few cases could have told."""

import csv
import json
import sys

import pytest

from bench.cli.main import main
from reports.inputs.records import COLUMNS

USUAL = {
    "run": "r", "dataset": "heart", "method": "tsman", "xi": "0.3", "xi_realised": "0.3", "seed": "0", "split": "0",
    "role": "student", "member": "", "variant": "", "noise": "none", "recipe": "quick", "case": "a",
    "structure": "wall", "metric": "dice", "value": 0.5, "unit": "", "definition": "hvsmr2016", "status": "ok",
    "stage": "s", "commit": "c",
}  # fmt: skip
EASE = {"a": -0.1, "b": -0.06, "c": -0.02, "d": 0.02, "e": 0.06, "f": 0.1}


def rows(dice, distance=1.0, **where):
    """Three seeds of six cases around a mean Dice, with a distance of their own."""
    return [
        USUAL
        | {"case": case, "metric": metric, "value": value, "xi_realised": where.get("xi", "0.3")}
        | {"seed": seed, "split": seed}
        | where
        for seed in "012"
        for case, ease in EASE.items()
        for metric, value in (("dice", dice + ease), ("adb", distance), ("hdd", distance))
    ]


RECORDS = [
    *rows(0.7, 2.0), *rows(0.8, 2.0, xi="0.9"), *rows(0.9, role="supervised", xi="1.0"),
    *rows(0.6, 1.0, method="decoupling"), *rows(0.9, 1.0, method="decoupling", xi="0.9"),
    *rows(0.65, variant="f4"),
    *rows(0.5, role="pseudo", method="distillation", variant="hd"),
    *rows(0.4, role="pseudo", method="distillation", variant="dd", member="1"),
    *rows(0.2, role="pseudo", method="distillation", variant="dd", member="2"),
]  # fmt: skip


@pytest.fixture
def compare(monkeypatch, capsys, tmp_path):
    """``bench compare`` on records of a known answer: exit code, stdout, stderr."""

    def run(*words, records=RECORDS):
        if records:
            with (tmp_path / "records.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(records)
        monkeypatch.setattr(sys, "argv", ["bench", "compare", *words, "--store", str(tmp_path)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def documented(compare, *words, **more):
    code, out, err = compare(*words, "--json", **more)
    assert (code, err) == (0, "")
    return json.loads(out)["rows"]


def test_each_common_share_is_compared_and_then_all_of_them(compare):
    few, many, pooled = documented(compare, "tsman", "decoupling", "--metric", "dice")
    assert [row["xi"] for row in (few, many, pooled)] == ["0.3", "0.9", "all"]
    assert [row["difference"] for row in (few, many, pooled)] == pytest.approx([0.1, -0.1, 0.0], abs=1e-9)
    assert [row["verdict"] for row in (few, many, pooled)] == ["better", "worse", "undecided"]
    assert (few["dataset"], few["cases"], few["seeds"]) == ("heart", 6, 3)
    assert (few["p"], pooled["p"], pooled["p_holm"]) == (0, 1, 1)
    assert {row["interval"] for row in (few, many, pooled)} == {"over seeds and cases"}


def test_of_distances_the_lower_is_better(compare):
    assert {row["verdict"] for row in documented(compare, "tsman", "decoupling", "--metric", "hdd")} == {
        "worse"
    }


def test_of_a_metric_that_a_package_brings_it_is_told_which_is_higher_and_not_which_is_better(compare):
    brought = [
        {**row, "metric": "volume-difference", "unit": "ml"} for row in RECORDS if row["metric"] == "dice"
    ]
    found = documented(
        compare, "tsman", "decoupling", "--metric", "volume-difference", records=[*RECORDS, *brought]
    )
    assert [row["verdict"] for row in found] == ["higher", "lower", "undecided"]


def test_of_iou_the_higher_is_better(compare):
    more = [
        {**row, "metric": "iou", "value": row["value"] / (2 - row["value"])}
        for row in RECORDS
        if row["metric"] == "dice"
    ]
    few, many, _ = documented(compare, "tsman", "decoupling", "--metric", "iou", records=[*RECORDS, *more])
    assert (few["verdict"], many["verdict"]) == ("better", "worse")
    assert few["difference"] == pytest.approx(0.114, abs=0.01)


def test_a_share_of_its_own_is_set_against_full_supervision(compare):
    (row,) = documented(compare, "tsman@0.9", "tsman@1", "--metric", "wall_dice")
    assert (row["xi"], row["difference"]) == ("0.9, 1.0", pytest.approx(-0.1))


def test_a_variant_is_set_against_the_method(compare):
    (row,) = documented(compare, "tsman/f4", "tsman", "--metric", "dice")
    assert (row["xi"], row["difference"]) == ("0.3", pytest.approx(-0.05))


def test_pseudo_labels_of_several_teachers_stand_as_their_mean(compare):
    (row,) = documented(compare, "distillation/hd", "distillation/dd", "--metric", "dice")
    assert row["difference"] == pytest.approx(0.5 - 0.3)


def test_only_the_shares_asked_for_are_compared(compare):
    assert [row["xi"] for row in documented(compare, "tsman", "decoupling", "--xi", "0.5:0.9")] == ["0.9"]


def test_equivalence_is_a_statement_of_the_whole_interval(compare):
    def within(tolerance):
        found = documented(compare, "tsman@0.3", "decoupling", "--metric", "dice", "--tolerance", tolerance)
        return found[0]["within_tolerance"]

    assert (within("0.2"), within("0.05")) == ("equivalent", "different")
    (plain,) = documented(compare, "tsman@0.3", "decoupling")
    assert plain["within_tolerance"] is None
    other = [{**row, "value": row["value"] + EASE[row["case"]]} for row in rows(0.7, method="decoupling")]
    (wide,) = documented(
        compare,
        "tsman",
        "decoupling",
        "--metric",
        "dice",
        "--tolerance",
        "0.01",
        records=[*rows(0.7), *other],
    )
    assert (wide["within_tolerance"], wide["verdict"]) == ("undecided", "undecided")


def test_nothing_is_better_where_so_few_cases_cannot_tell(compare):
    few = [row for row in RECORDS if row["case"] in "abcde"]
    found = documented(compare, "tsman", "decoupling", "--metric", "dice", records=few)
    assert [row["low"] > 0 for row in found] == [True, False, False]
    assert {row["verdict"] for row in found} == {"undecided"}


def test_a_share_that_was_planned_as_a_smaller_one_is_named(compare, monkeypatch):
    monkeypatch.setattr("bench.cli.compare.command.folded_shares", lambda _: {"heart": {"0.35": "0.3"}})
    said = "heart: ξ 0.35 is 0.3 here, the same training."
    code, _, err = compare("tsman", "decoupling", "--xi", "0.35")
    assert (code, err.splitlines()[0]) == (4, f"note: {said}")
    assert said in compare("tsman", "decoupling", "--xi", "0.30,0.35")[1]
    assert said not in compare("tsman", "decoupling")[1]


def test_nothing_is_equivalent_or_different_where_so_few_cases_cannot_tell(compare):
    few = [row for row in RECORDS if row["case"] in "abcde"]
    words = ("tsman", "decoupling", "--metric", "dice", "--tolerance")
    for tolerance in ("0.9", "0.0001"):
        found = documented(compare, *words, tolerance, records=few)
        assert {row["within_tolerance"] for row in found} == {"undecided"}
    code, out, err = compare(*words, "0.9", "--strict", records=few)
    assert code == 5
    assert "ξ 0.3: undecided within ±0.900, so few cases cannot tell." in out
    assert "not equivalent within ±0.9: undecided" in err


def test_of_the_recipe_smoke_there_is_no_verdict(compare):
    smoke = [{**row, "recipe": "smoke"} for row in RECORDS]
    words = ("tsman", "decoupling", "--metric", "dice", "--tolerance", "0.5")
    found = documented(compare, *words, records=smoke)
    assert {row["verdict"] for row in found} == {"no verdict"}
    assert {row["within_tolerance"] for row in found} == {"no verdict"}
    assert all(row["difference"] is not None for row in found)
    code, out, _ = compare(*words, records=smoke)
    assert code == 0
    assert "smoke: no verdict" in out
    assert not any(word in out for word in ("better", "worse", "equivalent"))
    assert max(len(line) for line in out.splitlines()) <= 80


@pytest.mark.parametrize(("seeds", "said"), [("0", "one seed: no verdict"), ("01", "two seeds: no verdict")])
def test_fewer_than_three_seeds_give_no_verdict_and_the_numbers_still_print(compare, seeds, said):
    few = [row for row in RECORDS if row["seed"] in seeds]
    words = ("tsman", "decoupling", "--metric", "dice", "--tolerance", "0.5")
    found = documented(compare, *words, records=few)
    assert {row["verdict"] for row in found} == {row["within_tolerance"] for row in found} == {said}
    assert all(None not in (row["difference"], row["low"], row["high"], row["p"]) for row in found)
    only = "over cases only" if seeds == "0" else "over seeds and cases"
    assert {row["interval"] for row in found} == {only}
    assert {row["p_holm"] for row in found} == {None}
    code, out, err = compare(*words, "--strict", records=few)
    assert code == 5
    assert f"\n{said}.\n" in out
    assert f"not equivalent within ±0.5: {said}." in err
    assert not any(word in out for word in ("better", "worse", "equivalent"))
    assert max(len(line) for line in out.splitlines()) <= 80


def test_a_share_is_better_only_where_its_p_after_holm_is_small_too(compare):
    """Alone p is about 0.03 at ξ 0.3; with eight more ξ without a difference it does not stand."""
    lead = dict(zip("abcdef", (2, 1, 2.5, 1, 2, 1.5), strict=True))
    records = [
        row | {"value": row["value"] + lead[row["case"]] / 10} if row["metric"] == "dice" else row
        for row in rows(0.6)
    ] + rows(0.6, method="decoupling")
    (alone,) = documented(compare, "tsman", "decoupling", "--metric", "dice", records=records)
    assert 0.01 < alone["p"] == alone["p_holm"] < 0.05
    assert alone["verdict"] == "better"
    for share in range(4, 10):
        for method, up in (("tsman", -1), ("decoupling", 1)):
            records += [
                row | {"value": row["value"] + up * EASE[row["case"]] / 9}
                for row in rows(0.6, xi=f"0.{share}", method=method)
            ]
    first = documented(compare, "tsman", "decoupling", "--metric", "dice", records=records)[0]
    assert (first["p"], first["verdict"]) == (alone["p"], "undecided")
    assert first["p_holm"] == pytest.approx(7 * first["p"])


def test_under_strict_what_is_not_equivalent_is_named_and_ends_with_5(compare):
    words = ("tsman", "decoupling", "--metric", "dice", "--strict", "--tolerance")
    code, out, err = compare(*words, "0.2")
    assert (code, err) == (0, "")
    assert out.count("equivalent, smaller than 0.200") == 3
    code, out, err = compare(*words, "0.05")
    assert code == 5
    assert err.splitlines()[0] == "heart, ξ 0.3: not equivalent within ±0.05: different."
    assert json.loads(compare(*words, "0.05", "--json")[1])["rows"][0]["within_tolerance"] == "different"
    # An interval across the edge has not shown equivalence either, and neither has what was not compared.
    lost = [
        row | ({"status": "failed", "value": ""} if (row["method"], row["case"]) == ("tsman", "b") else {})
        for row in RECORDS
    ]
    code, _, err = compare(*words, "0.2", records=lost)
    assert code == 5
    assert "case results of tsman failed" in err
    smoke = [{**row, "recipe": "smoke"} for row in RECORDS]
    assert compare(*words, "0.2", records=smoke)[0] == 5


def test_a_terminal_of_80_columns_holds_the_table(compare):
    code, out, _ = compare("tsman", "decoupling", "--tolerance", "0.2")
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    line = next(line for line in out.splitlines() if line.startswith("0.9"))
    assert line.split() == [
        "0.9",
        "−0.333",
        "−0.333",
        "to",
        "−0.333",
        "<",
        "1e-09",
        "<",
        "1e-09",
        "6",
        "3",
        "worse",
    ]
    assert "ξ 0.9: different by more than 0.200" in out


def test_failed_cases_are_named_and_not_compared(compare):
    records = [
        row
        | ({"status": "failed", "value": ""} if (row["method"], row["case"]) == ("decoupling", "b") else {})
        for row in RECORDS
    ]
    found = documented(compare, "tsman", "decoupling", records=records)
    assert {row["verdict"] for row in found} == {"not compared"}
    assert found[0]["reason"] == "3 of 18 case results of decoupling failed at ξ = 0.3"


def test_every_data_set_is_named_also_where_there_is_nothing_to_compare(compare):
    _, out, _ = compare("tsman", "decoupling", records=[*RECORDS, *rows(0.5, dataset="knee")])
    assert "\nknee\nA and B share no ξ here" in out


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["tsmann", "decoupling"], 2, "Did you mean 'tsman'?"),
        (["tsman/f5", "tsman"], 2, "Did you mean 'tsman/f4'?"),
        (["distillation", "tsman"], 2, "distillation/hd"),
        (["tsman@0.8", "decoupling"], 2, "0.9"),
        (["tsman@2", "decoupling"], 2, "'2'"),
        (["tsman@x", "decoupling"], 2, "'x'"),
        (["tsman//", "decoupling"], 2, "METHOD@XI"),
        (["tsman", "tsman"], 2, "itself"),
        (["tsman", "decoupling", "--metric", "dise"], 2, "Did you mean 'dice'?"),
        (["tsman", "decoupling", "--xi", "half"], 2, "half"),
        (["tsman@0.3", "decoupling", "--xi", "0.3"], 2, "contradict"),
        (["tsman", "decoupling", "--tolerance", "-1"], 2, "-1"),
        (["tsman", "decoupling", "--tolerance", "nan"], 2, "nan"),
        (["tsman", "decoupling", "--strict"], 2, "--tolerance"),
        (["tsman", "decoupling", "--xi", "0.5"], 4, "share no ξ among 0.5"),
    ],
    ids=str,
)  # fmt: skip
def test_words_that_cannot_be_compared_end_with_a_sentence(compare, words, code, named):
    found, out, err = compare(*words)
    assert (found, out) == (code, "")
    assert err.count("\n") == 1
    assert named in err


def test_a_store_without_records_ends_with_4(compare):
    code, out, err = compare("tsman", "decoupling", records=[])
    assert (code, out) == (4, "")
    assert "holds no records" in err
