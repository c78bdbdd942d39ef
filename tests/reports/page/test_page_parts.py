"""What the page is made of: cases, traces, stages, verdict counts and volumes."""

from __future__ import annotations

import base64
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from reports.figures import FIGURES
from reports.inputs.images import Exhibits, Scan
from reports.page import write
from reports.page.cases import case_table
from reports.page.packed import packed
from reports.page.sources import stage_table
from reports.page.summary import verdict_counts
from reports.page.trace import traced
from reports.page.volumes import embedded
from reports.statistics.cohorts import cohorts
from reports.tables import comparison, pseudo_labels


@pytest.fixture(scope="module")
def cases(sweep):
    return case_table(cohorts(sweep)[0].records)


def test_a_case_is_one_row_with_all_its_metrics(cases, sweep):
    assert len(cases) == len(sweep) / 4
    first = cases.iloc[0]
    assert (first["wall_dice"], first["wall_hdd"], first["status"], first["stage"]) == (0.6, 9.0, "ok", "s")


def test_a_failed_case_stays_in_the_table_without_values(failed, scored):
    table = case_table(pd.concat([scored(0.5), failed(case="b")]))
    assert table["status"].tolist() == ["ok", "failed"]
    assert np.isnan(table["wall_dice"].iloc[1])


def test_columns_that_no_row_fills_are_left_out(scored):
    assert not {"variant", "member", "noise"} & set(case_table(scored(0.5)).columns)
    assert "noise" in case_table(pd.concat([scored(0.5), scored(0.4, noise="flip:0.2")]))


def test_a_row_is_traced_to_the_cases_that_it_sums_up(cases, sweep):
    table = comparison(sweep)
    traces = traced(table, cases)
    assert [trace.cases for trace in traces] == table["results"].tolist()
    assert traced(pseudo_labels(sweep), cases)[0].cases == 2


def test_a_row_that_no_case_belongs_to_has_no_trace(cases, sweep):
    table = comparison(sweep).assign(method="published")
    assert traced(table, cases) == [None] * len(table)


def test_a_name_that_is_no_plain_word_is_quoted_in_the_filter(scored):
    rows = pd.concat([scored(0.5), scored(0.5, method='a "b|c" =d')])
    table = comparison(rows)
    words = [trace.words for trace in traced(table, case_table(rows))]
    assert words == ["method=tsman", r'method="a \"b|c\" =d"']


def test_a_verdict_leads_to_the_table_that_it_judges(cases):
    frame = pd.DataFrame({"table": ["table1"], "row": ['30% "DD"']})
    (trace,) = traced(frame, cases)
    assert (trace.exhibit, trace.words, trace.cases) == ("table1", '"30%  DD "', 0)


def test_rows_of_the_papers_tables_lead_to_the_variants_that_they_stand_for(scored):
    variants = ("", "baseline", "f4", "f4-unsmoothed", "f34", "f1234")
    rows = [scored(0.5, variant=name) for name in variants]
    rows += [
        scored(0.5, variant=name, role="pseudo", method="distillation") for name in ("single", "md", "hd")
    ]
    found = case_table(pd.concat(rows))
    ticks = pd.DataFrame(
        [("", "", "", "", ""), ("", "", "", "x", ""), ("", "", "", "x", "x"), ("x", "x", "x", "x", "x")],
        columns=["f1", "f2", "f3", "f4", "smoothing"],
    ).assign(xi="0.3")
    assert [trace.words.split()[-1] for trace in traced(ticks, found)] == [
        "variant=baseline", "variant=f4-unsmoothed", "variant=f4", "variant=f1234",
    ]  # fmt: skip
    views = pd.DataFrame({"views": ["", "DD"], "xi": "0.3"})
    assert [trace.cases for trace in traced(views, found)] == [2, 1]


def test_packed_numbers_are_rounded_and_absent_ones_are_null():
    frame = pd.DataFrame({"case": ["a", "b", "a"], "x": [0.123456789, float("nan"), 1.0]})
    words, numbers = packed(frame, {"x": "X mm"}, {"x": 2})
    assert (words["words"], words["codes"]) == (["a", "b"], [0, 1, 0])
    assert (numbers["head"], numbers["values"]) == ("X mm", [0.1235, None, 1.0])


def test_every_stage_that_a_record_names_has_an_entry(scored):
    records = pd.concat([scored(0.5, stage="scores-1"), scored(0.5, stage="scores-2", commit="fee")])
    known = pd.DataFrame([{"stage": "scores-1", "kind": "scores", "seconds": 3, "inputs": ["a", "b"]}])
    table = stage_table(records, known).set_index("stage")
    assert table.loc["scores-1", ["kind", "seconds", "inputs"]].tolist() == ["scores", 3.0, "a b"]
    assert table.loc["scores-2", "commit"] == "fee"
    assert "not in the provenance" in table.loc["scores-2", "title"]
    assert stage_table(records, pd.DataFrame())["stage"].tolist() == ["scores-1", "scores-2"]


def test_verdicts_are_counted_from_best_to_least():
    frame = pd.DataFrame({"verdict": ["not_run", "deviates", "zebra", "deviates", "reproduced"]})
    assert verdict_counts(frame) == (("reproduced", 1), ("deviates", 2), ("not_run", 1), ("zebra", 1))
    assert verdict_counts(pd.DataFrame({"x": [1]})) == ()


def test_a_figure_that_cannot_be_drawn_is_missing_and_the_rest_is_written(sweep, tmp_path, monkeypatch):
    def refuse(*_):
        raise ValueError("no stage kept <what> it needs")

    monkeypatch.setitem(FIGURES, "figure3", replace(FIGURES["figure6"], draw=refuse, title="Disagreement"))
    exhibits = Exhibits(missing=("Figure 5 needs a <scan>.",))
    write(sweep, tmp_path, title="R", provenance={}, exhibits=exhibits)
    page = (tmp_path / "index.html").read_text()
    assert "<li>heart: figure3 is not drawn: no stage kept &lt;what&gt; it needs</li>" in page
    assert "<li>Figure 5 needs a &lt;scan&gt;.</li>" in page
    assert (tmp_path / "figures" / "figure6.png").is_file()
    assert not (tmp_path / "figures" / "figure3.png").exists()


def scan(shape=(6, 5, 4), **layers):
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return Scan(
        "heart", "a", "test", "tsman", "0.3", 0, "student-1", (1.0, 1.0, 2.5), ("wall",), image, layers
    )  # fmt: skip


def pixels(source):
    return np.asarray(Image.open(BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,")))))


def test_a_voxel_stands_where_a_radiologist_looks_for_it():
    truth = np.zeros((6, 5, 4), np.uint8)
    truth[5, 4, 3] = 1  # right, anterior, the highest slice
    found = embedded(scan(truth=truth))
    sprite = pixels(found["layers"]["truth"])
    assert found["grid"] == 2
    assert sprite.shape == (2 * 5, 2 * 6)
    assert np.argwhere(sprite).tolist() == [[5, 6]]  # upper left of the fourth tile
    assert found["start"] == [5, 4, 3]


def test_doubt_is_what_a_weight_takes_away_and_where_the_streams_disagree():
    weight = np.full((6, 5, 4), 0.25, np.float32)
    layers = embedded(scan(f4=weight, disagreement=weight))["layers"]
    assert abs(int(pixels(layers["f4"])[0, 0]) - 0.75 * 255) <= 4
    assert abs(int(pixels(layers["disagreement"])[0, 0]) - 0.25 * 255) <= 4


def test_a_large_volume_is_thinned_out_and_says_so():
    found = embedded(scan((300, 4, 97)))
    assert found["size"] == [150, 4, 49]
    assert found["spacing"] == [2.0, 1.0, 5.0]
    assert (
        found["note"]
        == "Thinned out for this page: every 2nd voxel along I, every 2nd voxel along K of 300 × 4 × 97."
    )
    assert embedded(scan())["note"] == ""


@pytest.mark.parametrize(
    ("name", "shape", "said"), [("f9", (6, 5, 4), "unknown"), ("f4", (6, 5), r"shape \(6, 5\)")]
)
def test_a_layer_that_does_not_fit_is_an_error_that_names_it(name, shape, said):
    with pytest.raises(ValueError, match=f"a: layer '{name}' .*{said}"):
        embedded(scan(**{name: np.zeros(shape, np.float32)}))


def test_four_usual_scans_stay_below_eight_megabytes():
    noise = np.random.default_rng(0)
    shape = (80, 64, 56)
    maps = {name: noise.random(shape, np.float32) for name in ("f3", "f4", "disagreement")}
    labels = {
        name: noise.integers(0, 3, shape).astype(np.uint8) for name in ("truth", "label", "before", "after")
    }
    worst = replace(scan(shape, **maps, **labels), image_ijk=noise.random(shape, np.float32))
    assert 4 * sum(len(source) for source in embedded(worst)["layers"].values()) < 8e6
