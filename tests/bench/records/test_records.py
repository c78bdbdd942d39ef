"""Rows are exact, all there, and keep the contract of their columns."""

import json
from dataclasses import astuple, replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.images.volumes import read_label
from bench.execution.execute import execute
from bench.records import gather, records_table
from bench.store import record, run_log
from bench.store.documents import FailureNote
from bench.store.record import COLUMNS, Record, planned_rows
from bench.store.store import Store
from reports.inputs.records import COLUMNS as CONTRACT
from reports.inputs.records import read as read_report

DESIGN = (
    "run,dataset,method,xi,xi_realised,seed,split,role,member,variant,noise,recipe,case,structure,metric,"
    "value,unit,definition,status,stage,commit"
)
ROW = Record(
    run="r", dataset="heart", method="tsman", xi="0.3", xi_realised="0.3", seed=0, split=0, role="student",
    member="", variant="", noise="none", recipe="smoke", case="a", structure="wall", metric="dice",
    value=0.1 + 0.2, unit="", definition="hvsmr2016", status="ok", stage="scores-1", commit="c",
)  # fmt: skip
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=8)


def test_the_columns_are_the_contracts_and_the_reports():
    assert ",".join(COLUMNS) == DESIGN
    assert COLUMNS == CONTRACT


@given(st.lists(st.tuples(NUMBERS | st.none(), WORDS, st.integers(0, 99)), max_size=5))
def test_what_is_written_is_read_again_to_the_last_bit(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp("csv") / "records.csv"
    rows = [replace(ROW, value=value, case=case, seed=seed) for value, case, seed in drawn]
    path.write_text(record.text_of(rows), encoding="utf-8")
    again = list(record.read(path))
    assert [astuple(row) for row in again] == [astuple(row) for row in rows]
    assert [repr(row.value) for row in again] == [repr(row.value) for row in rows]


def test_numpy_numbers_are_written_as_numbers():
    import numpy as np

    text = record.text_of([replace(ROW, value=np.float64(0.1)), replace(ROW, value=np.float32(0.5))])
    assert [line.split(",")[15] for line in text.splitlines()[1:]] == ["0.1", "0.5"]


def scored_stage(lab, changes=()):
    """The scores of the supervised densevoxnet, and the stage itself made."""
    stages = lab.plan("densevoxnet", changes=changes).stages()
    scores = next(one for one in stages if one.kind == "scores" and '"supervised"' in one.settings)
    trained = dict(scores.inputs)["of"]
    for one in (*dict(trained.inputs).values(), trained):
        execute(one.document(), lab.store, run="here", device="cpu")
    return scores


@pytest.mark.parametrize("definition", ["hvsmr2016", "medpy"])
def test_the_rows_of_a_failed_stage_are_those_that_it_would_have_written(tiny_lab, definition):
    scores = scored_stage(tiny_lab, [f"metrics.definition={definition}"])
    tiny_lab.store.fail(scores.key, FailureNote(error="no.", planned_rows=planned_rows(scores)))
    failed = gather.gather(tiny_lab.store)
    assert {row.status for row in failed} == {"failed"}
    assert {row.value for row in failed} == {None}
    execute(scores.document(), tiny_lab.store, run="here", device="cpu")
    made = gather.gather(tiny_lab.store)
    assert not {"failed"} & {row.status for row in made}

    def named(rows):
        return [(r.method, r.xi, r.role, r.case, r.structure, r.metric, r.unit, r.definition) for r in rows]

    assert sorted(named(failed)) == sorted(named(made))
    assert {row.stage for row in failed} == {row.stage for row in made} == {scores.key}


def test_failed_rows_are_published_without_a_value_and_the_report_reads_them(tiny_lab):
    scores = scored_stage(tiny_lab)
    tiny_lab.store.fail(scores.key, FailureNote(error="no.", planned_rows=planned_rows(scores)))
    records_table.publish(tiny_lab.store)
    frame = read_report(tiny_lab.store.path / "records.csv")
    assert len(frame) == len(tiny_lab.dataset.test) * 9
    assert frame["value"].isna().all()
    assert set(frame["status"]) == {"failed"}


def test_records_are_gathered_again_only_where_a_stage_a_failure_or_a_table_changed(tiny_lab, monkeypatch):
    scores, store = scored_stage(tiny_lab), tiny_lab.store
    csv = store.path / "records.csv"
    gathered = []
    before = gather.gather
    monkeypatch.setattr(records_table, "gather", lambda store: gathered.append(1) or before(store))

    def published():
        gathered.clear()
        records_table.publish(store)
        return len(gathered), {row.status for row in record.read(csv)}

    assert published() == (1, set())
    assert published() == (0, set())
    store.fail(scores.key, FailureNote(error="no.", planned_rows=planned_rows(scores)))
    assert published() == (1, {"failed"})
    assert published() == (0, {"failed"})
    execute(scores.document(), store, run="here", device="cpu")
    changed, statuses = published()
    assert changed == 1
    assert "failed" not in statuses
    whole = csv.read_bytes()
    csv.write_text("edited by hand\n")
    assert published()[0] == 1
    assert csv.read_bytes() == whole
    (store.path / "records.parquet").unlink()
    assert published()[0] == 1
    assert (store.path / "records.parquet").is_file()
    assert published()[0] == 0


def test_every_row_carries_the_run_and_the_commit_of_its_stage(tiny_lab):
    scores = scored_stage(tiny_lab)
    execute(scores.document(), tiny_lab.store, run="here", device="cpu")
    rows = gather.gather(tiny_lab.store)
    assert {row.run for row in rows} == {"here"}
    assert {row.commit for row in rows} == {tiny_lab.store.stage(scores.key)["commit"]} != {""}


def test_the_parquet_holds_what_the_csv_holds(swept):
    csv = read_report(swept.path / "records.csv")
    parquet = pd.read_parquet(swept.path / "records.parquet")
    assert tuple(parquet.columns) == COLUMNS
    assert csv["value"].tolist() == parquet["value"].tolist()
    for column in set(COLUMNS) - {"value"}:
        assert csv[column].tolist() == parquet[column].astype(str).tolist()


def test_a_sweep_has_every_planned_row_once(swept):
    frame = read_report(swept.path / "records.csv")
    identity = [name for name in COLUMNS if name not in ("run", "value", "status", "commit")]
    assert not frame.duplicated(identity).any()
    counted = frame.groupby("role")["case"].count().to_dict()
    a_case = 2 * 4 + 1
    assert counted == {
        "student": 2 * 30 * a_case, "supervised": 2 * 30 * a_case, "teacher": 3 * 30 * a_case, "pseudo": 7 * a_case,
        "labelled-only": 30 * a_case,
    }  # fmt: skip
    assert set(frame["dataset"]) == {"phantom-heart"}
    assert set(frame["structure"]) == {"myocardium", "blood_pool", "all"}
    assert set(frame.loc[frame["role"] == "pseudo", "variant"]) == {"hd"}
    assert set(frame.loc[frame["role"] == "teacher", "member"]) == {"1", "2", "3"}
    assert set(frame.loc[frame["role"] == "supervised", "xi"]) == {"1.0"}
    assert set(frame["noise"]) == {"none"}
    assert (frame.loc[frame["metric"].isin(["adb", "hdd"]), "unit"] == "mm").all()


def test_the_overall_score_is_that_of_its_structures(swept):
    frame = read_report(swept.path / "records.csv")
    factors = {"dice": 0.5, "adb": -0.25, "hdd": -1 / 30}
    by_case = ["stage", "case"]
    parts = frame[frame["metric"].isin(factors)]
    summed = (parts["value"] * parts["metric"].map(factors)).groupby([parts[c] for c in by_case]).sum()
    overall = frame[frame["metric"] == "overall"].set_index(by_case)["value"]
    assert (overall - summed).abs().max() < 1e-9


def test_an_older_result_of_the_same_name_is_superseded_by_the_newest(tmp_path):
    store = Store(tmp_path)
    settings = {"identity": {"method": "tsman", "xi": "0.3"}, "metrics": {"definition": "hvsmr2016"}}
    for key, started in (("scores-b", "2026-01-01"), ("scores-a", "2026-01-03"), ("scores-c", "2026-01-02")):
        with store.making(key) as folder:
            (folder / "stage.json").write_text(json.dumps({"settings": settings, "started": started}))
    assert gather.superseded(store) == {"scores-b", "scores-c"}


def test_of_data_that_changed_only_results_of_the_newest_data_stand(tmp_path):
    store = Store(tmp_path)

    def made(key, method, data):
        settings = {"identity": {"dataset": "mine", "recipe": "smoke", "method": method}}
        document = {"settings": {**settings, "metrics": {"definition": "hvsmr2016"}}, "started": "2026"}
        with store.making(key) as folder:
            (folder / "stage.json").write_text(json.dumps({**document, "dataset_id": data}))

    old, new = "mine-000000000000", "mine-111111111111"
    made("scores-tsman", "tsman", old)
    made("scores-shared", "densevoxnet", old)
    made("scores-decoupling", "decoupling", old)
    everything = dict.fromkeys(("scores-tsman", "scores-shared", "scores-decoupling"), "a title")
    run_log.note(store, "first", {"datasets": [old]}, everything)
    assert gather.superseded(store) == set()
    made("scores-tsman-new", "tsman", new)
    run_log.note(
        store, "second", {"datasets": [new]}, dict.fromkeys(("scores-tsman-new", "scores-shared"), "a")
    )
    assert gather.superseded(store) == {"scores-tsman", "scores-decoupling"}, "the shared one is of both"
    run_log.note(store, "first", {"datasets": [old]}, everything)
    assert gather.superseded(store) == {"scores-tsman-new"}


def test_every_structure_has_its_iou_after_its_dice_in_stages_made_before_it_was_recorded_too(tiny_lab):
    scores = scored_stage(tiny_lab)
    execute(scores.document(), tiny_lab.store, run="here", device="cpu")
    own = record.read(tiny_lab.store.folder(scores.key) / "records.csv")
    assert {row.metric for row in own} == {"dice", "adb", "hdd", "overall"}  # as older stages have them
    records_table.publish(tiny_lab.store)
    rows = list(record.read(tiny_lab.store.path / "records.csv"))
    assert [row.metric for row in rows[:9]] == [*["dice", "iou", "adb", "hdd"] * 2, "overall"]
    labels = tiny_lab.store.folder(scores.key) / "labels"
    for row in rows:
        if row.metric == "iou":
            label = ("shell", "core").index(row.structure) + 1
            one, other = (
                read_label(path)[0] == label
                for path in (
                    labels / f"{row.case}.nii.gz",
                    Path(tiny_lab.dataset.cases[row.case].label),
                )
            )
            union = (one | other).sum()
            assert row.value == pytest.approx((one & other).sum() / union if union else 1.0, rel=1e-14)
            assert (row.unit, row.definition) == ("", "hvsmr2016")
    found = read_report(tiny_lab.store.path / "records.csv")
    assert (found["metric"] == "iou").sum() == (found["metric"] == "dice").sum() > 0
    statuses = found.groupby("metric")["status"].apply(list)
    assert statuses["iou"] == statuses["dice"]
