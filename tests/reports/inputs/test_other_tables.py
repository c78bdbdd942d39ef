"""The contract of the tables beside the records: what is read, what is refused, and with which words."""

from __future__ import annotations

import pandas as pd
import pytest

from reports.inputs.other_tables import CONTRACTS, Extras, conform, read


@pytest.fixture
def folder(extras, tmp_path):
    for name in CONTRACTS:
        getattr(extras, name).head(50).to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def test_what_is_written_is_read_again(extras, folder):
    found = read(folder)
    for name in CONTRACTS:
        expected = getattr(conform(extras), name).head(50)
        pd.testing.assert_frame_equal(getattr(found, name), expected)


def test_absent_and_empty_files_are_empty_tables(tmp_path):
    (tmp_path / "doubts.csv").touch()
    (tmp_path / "costs.csv").write_text(",".join(CONTRACTS["costs"].columns) + "\n")
    found = read(tmp_path)
    assert [len(getattr(found, name)) for name in CONTRACTS] == [0, 0, 0]
    assert conform(Extras()).doubts.empty


@pytest.mark.parametrize(
    ("name", "column", "text", "sentence"),
    [
        ("doubts", "value", "1.5", r"doubts\.csv, line 3: column 'value' holds '1.5', which is not a number from 0 to 1"),
        ("doubts", "measure", "auc", r"line 3: column 'measure' holds 'auc', which is not one of auroc, auprc"),
        ("doubts", "region", "edge", r"line 3: column 'region' holds 'edge', which is not one of all, boundary"),
        ("doubts", "progress", "half", r"column 'progress' holds 'half', which is not a number from 0 to 100"),
        ("doubts", "voxels", "1.5", r"column 'voxels' holds '1.5', which is not a whole number from 0"),
        ("doubts", "xi", "2", r"column 'xi' holds '2', which is not a decimal between 0 and 1"),
        ("gradients", "of", "weights", r"gradients\.csv, line 3: column 'of' holds 'weights', which is not one of"),
        ("gradients", "value", "inf", r"column 'value' holds 'inf', which is not a number"),
        ("gradients", "seed", "-1", r"column 'seed' holds '-1', which is not a whole number"),
        ("costs", "passes_training", "", r"costs\.csv, line 3: column 'passes_training' holds '', which is not a number"),
        ("costs", "steps", "-1", r"column 'steps' holds '-1', which is not a number from 0"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_named_with_its_file_line_and_column(folder, name, column, text, sentence):
    path = folder / f"{name}.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[1, column] = text
    frame.to_csv(path, index=False)
    with pytest.raises(ValueError, match=sentence):
        read(folder)


def test_a_cosine_beyond_one_is_refused_and_a_large_noise_is_not(folder):
    path = folder / "gradients.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[frame["measure"] == "noise_to_signal", "value"] = "12.5"
    frame.to_csv(path, index=False)
    assert (read(folder).gradients.query("measure == 'noise_to_signal'")["value"] == 12.5).all()
    frame.loc[frame["measure"] == "cosine", "value"] = "1.01"
    frame.to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"column 'value' holds '1.01', which is not a number from -1 to 1"):
        read(folder)


def test_a_missing_column_is_named(folder):
    path = folder / "doubts.csv"
    pd.read_csv(path).drop(columns="map").to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"doubts\.csv: column 'map' is missing"):
        read(folder)


def test_a_value_that_does_not_exist_is_absent_and_not_zero(folder):
    path = folder / "doubts.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.loc[0, "value"] = ""
    frame.to_csv(path, index=False)
    assert read(folder).doubts["value"].isna().tolist() == [True] + [False] * 49


def test_runs_that_share_a_stage_are_one_row_and_two_stages_are_refused(extras):
    costs = extras.costs.head(3)
    again = pd.concat([costs, costs.assign(run="later")])
    assert len(conform(Extras(costs=again)).costs) == 3
    with pytest.raises(
        ValueError, match=r"the costs: tsman on heart at ξ = 0\.3, noise none, seed 0 has several"
    ):
        conform(Extras(costs=pd.concat([costs, costs.assign(stage="other")])))
