"""``bench merge``: the tables of several stores as one; a result that two have differently is named."""

import csv
import gzip
import json
import shutil

import pandas as pd
import pytest

from bench.cli.merge import merge
from bench.store import record


@pytest.fixture(scope="module")
def parts(tmp_path_factory, bench, spheres, tiny):
    """Two stores of one plan, a seed each."""
    folder = tmp_path_factory.mktemp("merge")
    for seed in ("0", "1"):
        settings = [word for change in tiny for word in ("--set", change)]
        done = bench(
            "run", "--recipe", "smoke", "--methods", "densevoxnet", "--xi", "0.5", "--seeds", f"{seed},",
            "--dataset", f"decathlon:{spheres}", "--store", str(folder / seed), "--no-mlflow", *settings,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return folder / "0", folder / "1"


def rows_of(folder):
    return list(record.read(folder / "records.csv"))


def kept(store, folder, kind):
    """The records of a store as a part of a campaign is committed."""
    folder.mkdir()
    if kind == "gz":
        for name in ("records", "costs"):
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress((store / f"{name}.csv").read_bytes()))
    else:
        shutil.copy(store / "records.parquet", folder / "records.parquet")
        shutil.copy(store / "costs.csv", folder / "costs.csv")
    return folder


def test_two_parts_are_all_rows_of_both(parts, tmp_path):
    assert merge(parts, tmp_path / "out", as_json=False) == 0
    assert sorted(rows_of(tmp_path / "out")) == sorted([*rows_of(parts[0]), *rows_of(parts[1])])
    costs = [list(csv.DictReader((one / "costs.csv").open())) for one in (*parts, tmp_path / "out")]
    assert len(costs[2]) == len(costs[0]) + len(costs[1])
    said = json.loads((tmp_path / "out" / "sources.json").read_text())
    assert [one["rows"] for one in said["sources"]] == [len(rows_of(one)) for one in parts]


@pytest.mark.parametrize("kind", ["gz", "parquet"])
def test_kept_records_merge_as_their_store_does(parts, tmp_path, kind):
    small = [kept(store, tmp_path / store.name, kind) for store in parts]
    merge(parts, tmp_path / "stores", as_json=False)
    merge(small, tmp_path / "kept", as_json=False)
    assert rows_of(tmp_path / "kept") == rows_of(tmp_path / "stores")
    assert (tmp_path / "kept" / "costs.csv").read_text() == (tmp_path / "stores" / "costs.csv").read_text()


def test_a_result_of_several_sources_is_there_once(parts, tmp_path):
    merge(parts, tmp_path / "both", as_json=False)
    merge([tmp_path / "both", parts[1]], tmp_path / "again", as_json=False)
    assert rows_of(tmp_path / "again") == rows_of(tmp_path / "both")


def test_the_merged_folder_is_reported_and_compared(parts, tmp_path, here):
    merge(parts, tmp_path / "out", as_json=False)
    done = here("report", "--store", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    board = pd.read_csv(tmp_path / "out" / "report" / "tables" / "leaderboard.csv")
    assert set(board["seeds"]) == {2}


def test_results_that_differ_are_named_and_nothing_is_written(parts, tmp_path, here):
    other = kept(parts[0], tmp_path / "other", "gz")
    text = (parts[0] / "records.csv").read_text()
    changed = text.replace(",ok,scores-", ",ok,scores-0", 1)
    assert changed != text
    (other / "records.csv.gz").write_bytes(gzip.compress(changed.encode()))
    done = here("merge", str(parts[0]), str(other), "--to", str(tmp_path / "out"))
    code, said, error = done.returncode, done.stdout, done.stderr
    assert (code, said) == (4, "")
    assert "1 results differ" in error
    assert "densevoxnet" in error or "teachers" in error or "distillation" in error
    assert not (tmp_path / "out").exists()


def test_other_data_of_one_name_are_refused(parts, tmp_path, here):
    others = []
    for name, data_set in (("a", "Spheres-1111"), ("b", "Spheres-2222")):
        others.append(kept(parts[len(others)], tmp_path / name, "gz"))
        (tmp_path / name / "run.json").write_text(json.dumps({"data_sets": [data_set]}))
    done = here("merge", *map(str, others), "--to", str(tmp_path / "out"))
    code, error = done.returncode, done.stderr
    assert code == 4
    assert "different data named Spheres" in error


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "holds no records"), ("a,b\n1,2\n", "does not hold records"), ("\x1f\x8b", "records")],
)
def test_a_source_without_records_is_refused(tmp_path, here, content, said):
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "records.csv").write_text(content)
    done = here("merge", str(tmp_path / "part"), "--to", str(tmp_path / "out"))
    code, out, error = done.returncode, done.stdout, done.stderr
    assert (code, out) == (4, "")
    assert said in error


def test_a_folder_that_exists_and_a_source_named_twice_are_refused(parts, tmp_path, here):
    done = here("merge", str(parts[0]), "--to", str(tmp_path))
    code, error = done.returncode, done.stderr
    assert code == 2
    assert "exists already" in error
    done = here("merge", str(parts[0]), str(parts[0]), "--to", str(tmp_path / "out"))
    code, error = done.returncode, done.stderr
    assert code == 2
    assert "twice" in error
