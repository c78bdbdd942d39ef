"""Names from files, recipes, plug-ins and stores never become paths outside of where they belong."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.catalogue import open_dataset
from bench.data.dataset import DataSettings, Workshop, recall, remember
from bench.errors import BenchError, DataError
from bench.files.names import checked_name, is_safe_name, safe_name
from bench.plan.recipes import recipe
from bench.store.artifacts import store_label, store_weights, stored_label
from bench.store.lineage import lineage
from bench.store.store import Store
from methods.registry import METHODS, classes
from reports.statistics.cohorts import cohorts

HOSTILE = (
    "../../outside", "/outside", "..", ".", "", " ", "a/../../outside", "a\0b", "a\nb", "x" * 5000, "CON", "nul.txt",
    "COM1", "lpt9.nii.gz", "trailing.", ".hidden", "~", "~root", "$HOME", "a\\b", "C:\\x", "-rf", "ａ", "é", "a b", "*",
)  # fmt: skip


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_or_made_safe(name):
    assert not is_safe_name(name)
    with pytest.raises(DataError, match="cannot be part of a path"):
        checked_name(name, "case")
    try:
        safe = safe_name(name, "case")
    except DataError:
        return
    assert is_safe_name(safe)


@given(st.text(max_size=120))
def test_what_is_made_safe_is_one_plain_name(text):
    try:
        safe = safe_name(text, "case")
    except DataError:
        return
    assert is_safe_name(safe)
    assert safe_name(safe, "case") == safe
    assert Path(safe).name == safe
    assert os.path.normpath(safe) == safe


@pytest.mark.parametrize("name", HOSTILE)
def test_maps_and_labels_of_a_stage_stay_in_its_folder(tmp_path, name):
    from bench.data.images.volumes import Volume

    folder = tmp_path / "store" / "stages" / "student-1"
    folder.mkdir(parents=True)
    volume: Volume = None  # never looked at: the name is refused first
    zeros_ijk = np.zeros((2, 2, 2))
    for write in (
        lambda: store_weights(folder, "case_1", name, zeros_ijk.astype(np.float32), volume),
        lambda: store_weights(folder, name, "f4", zeros_ijk.astype(np.float32), volume),
        lambda: store_label(folder, name, zeros_ijk.astype(np.uint8), volume),
        lambda: stored_label(folder, name),
    ):
        with pytest.raises(DataError, match="cannot be part of a path"):
            write()
    assert [path for path in everything(tmp_path) if path.endswith(".gz")] == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folder_is_not_added_under_a_hostile_name(bench, tmp_path, spheres, name, monkeypatch, capsys):
    from bench.cli.data.command import add_data

    with pytest.raises(BenchError, match="cannot be a name"):
        add_data(name, spheres, tmp_path / "store", as_json=True)
    assert everything(tmp_path) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_store_that_somebody_else_filled_writes_nothing_outside(tmp_path, spheres, name):
    workshop = Workshop(tmp_path / "store" / "data")
    workshop.path.mkdir(parents=True)
    workshop.names_path.write_text(json.dumps({name.strip(): f"decathlon:{spheres}"}))
    with pytest.raises(BenchError):
        open_dataset(name, DataSettings(), workshop)
    with pytest.raises(DataError, match="cannot be part of a path"):
        recall(name, workshop)
    outside = {path for path in everything(tmp_path) if not path.startswith("store")}
    assert outside == set()


def test_what_a_dataset_json_calls_itself_is_made_safe(tmp_path, decathlon_folder):
    folder = decathlon_folder(tmp_path / "task", name="../../../outside\n$(touch x)")
    workshop = Workshop(tmp_path / "store" / "data")
    dataset = open_dataset(f"decathlon:{folder}", DataSettings(), workshop)
    assert is_safe_name(dataset.name)
    remember(dataset, workshop)
    assert {path for path in everything(tmp_path) if not path.startswith(("task", "store"))} == set()


def test_a_case_that_dataset_json_places_outside_is_refused(tmp_path, decathlon_folder):
    for place in ("../outside.nii.gz", "/etc/hostname", "imagesTr/../../outside.nii.gz"):
        folder = decathlon_folder(
            tmp_path / f"task{len(place)}",
            change=lambda plain, place=place: plain["training"][0].update(image=place),
        )
        with pytest.raises(DataError, match="outside the folder"):
            open_dataset(f"decathlon:{folder}", DataSettings(), Workshop(tmp_path / "data"))


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if name and "/" not in name and "\0" not in name and len(name) < 200]
)
def test_the_title_of_a_recipe_file_is_made_safe(tmp_path, name):
    path = tmp_path / f"{name}.toml"
    path.write_text("student.steps = 5\n")
    try:
        chosen = recipe(str(path), (), classes())
    except DataError:
        return
    title, _, mark = chosen.name.partition("+")
    assert is_safe_name(title)
    assert len(mark) == 6


def test_a_recipe_file_that_never_ends_is_refused(tmp_path):
    path = tmp_path / "endless.toml"
    path.symlink_to("/dev/zero")
    with pytest.raises(BenchError, match="larger than"):
        recipe(str(path), (), classes())


@pytest.mark.parametrize("key", ["", "../../outside", "/etc/passwd", "stage\0", "x" * 5000, "\x1b[2J"])
def test_a_key_that_is_shown_is_only_ever_compared(swept, key, capsys):
    from bench.cli.store import show

    with pytest.raises(BenchError, match="begin with"):
        show(key, swept.path, as_json=True)


def test_an_input_that_a_stage_names_outside_the_store_is_not_followed(tmp_path):
    store = Store(tmp_path / "store")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "stage.json").write_text("not to be read")
    document = {
        "kind": "split", "version": 1, "settings": {}, "dataset": "d", "dataset_id": "d-1", "images": {}, "labels": {},
        "inputs": {"of": "../../outside"},
    }  # fmt: skip
    with store.making("split-1") as folder:
        (folder / "stage.json").write_text(json.dumps(document))
    assert list(lineage(store, ["split-1", "../../outside"])) == ["split-1"]


def test_names_of_data_sets_in_records_are_safe_and_different_in_files(scored_names):
    suffixes = [one.suffix_in_both for one in cohorts(scored_names)]
    assert len({suffix.lower() for suffix in suffixes}) == len(suffixes)
    assert all(re.fullmatch(r"(-[A-Za-z0-9._-]{1,110})?", suffix) for suffix in suffixes)


@pytest.fixture
def scored_names():
    import pandas as pd

    from reports.inputs.records import COLUMNS

    usual = dict.fromkeys(COLUMNS, "") | {
        "xi": "0.3",
        "seed": "0",
        "role": "student",
        "noise": "none",
        "case": "a",
    }
    usual |= {"structure": "wall", "metric": "dice", "value": 0.5, "status": "ok", "method": "m"}
    names = [*HOSTILE, "heart", "HEART", "heart-2", "he*rt", "he/rt", "x" * 4000]
    rows = [usual | {"dataset": name, "stage": str(place)} for place, name in enumerate(dict.fromkeys(names))]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_the_registered_methods_have_names_that_are_safe():
    assert all(is_safe_name(name) for name in METHODS)
