from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from reports.inputs.records import COLUMNS, conform, numbers_of, read


def written(frame, path):
    frame.to_csv(path, index=False)
    return path


def test_what_is_written_is_read_again(sweep, tmp_path):
    pd.testing.assert_frame_equal(read(written(sweep, tmp_path / "records.csv")), conform(sweep))


def test_names_that_look_like_missing_values_stay_names(scored, tmp_path):
    frame = read(written(scored(0.5, method="NA", case="null", member=""), tmp_path / "records.csv"))
    assert set(frame["method"]) == {"NA"}
    assert set(frame["case"]) == {"null"}
    assert set(frame["member"]) == {""}


def test_a_failed_row_may_lack_its_value(failed, tmp_path):
    frame = read(written(failed(), tmp_path / "records.csv"))
    assert frame["value"].isna().all()


@pytest.mark.parametrize(
    ("column", "text", "sentence"),
    [
        ("value", "high", r"records\.csv, line 3: column 'value' holds 'high', which is not a finite number"),
        ("value", "", r"line 3: column 'value' holds '', which is not a finite number"),
        ("value", "inf", r"line 3: column 'value' holds 'inf', which is not a finite number"),
        ("status", "fine", r"line 3: column 'status' holds 'fine', which is not one of ok, empty_prediction"),
        ("role", "pupil", r"line 3: column 'role' holds 'pupil', which is not one of student"),
        ("xi", "30%", r"line 3: column 'xi' holds '30%', which is not a decimal between 0 and 1"),
        ("xi", "1.5", r"line 3: column 'xi' holds '1\.5', which is not a decimal between 0 and 1"),
        ("seed", "one", r"line 3: column 'seed' holds 'one', which is not a whole number"),
    ],
)
def test_a_wrong_cell_is_named_with_its_file_line_and_column(scored, tmp_path, column, text, sentence):
    frame = scored(0.5).astype(object)
    frame.loc[1, column] = text
    with pytest.raises(ValueError, match=sentence):
        read(written(frame, tmp_path / "records.csv"))


def test_a_missing_column_is_named(scored, tmp_path):
    path = written(scored(0.5).drop(columns="unit"), tmp_path / "records.csv")
    with pytest.raises(ValueError, match=r"records\.csv: column 'unit' is missing"):
        read(path)


def test_an_unknown_column_is_named(scored, tmp_path):
    path = written(scored(0.5).assign(mood="good"), tmp_path / "records.csv")
    with pytest.raises(ValueError, match=r"records\.csv: column 'mood' is unknown"):
        read(path)


@pytest.mark.parametrize("change", [",surplus", ""])
def test_a_line_of_another_length_is_named(scored, tmp_path, change):
    path = written(scored(0.5), tmp_path / "records.csv")
    lines = path.read_text().splitlines()
    lines[2] = lines[2] + change if change else lines[2].rsplit(",", 1)[0]
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"line 3: 2[02] fields where the header has 21 columns"):
        read(path)


def test_an_empty_file_lacks_its_first_column(tmp_path):
    (tmp_path / "records.csv").touch()
    with pytest.raises(ValueError, match="column 'run' is missing"):
        read(tmp_path / "records.csv")


def test_no_records_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="there are no records to report"):
        conform(pd.DataFrame(columns=list(COLUMNS)))


def test_one_share_has_one_spelling(scored):
    frame = conform(pd.concat([scored(0.5, xi="0.30"), scored(0.5, xi=0.3), scored(0.5, xi="1")]))
    assert list(frame["xi"].unique()) == ["0.3", "1.0"]


def test_columns_in_another_order_are_put_right(scored):
    shuffled = scored(0.5)[list(reversed(COLUMNS))]
    assert tuple(conform(shuffled).columns) == COLUMNS


def test_a_failed_row_has_no_value_whatever_was_written_there(scored):
    assert math.isnan(conform(scored(0.9, status="failed"))["value"].iloc[0])


def test_numbers_are_the_nearest_to_their_texts_on_every_pandas():
    random = np.random.default_rng(0)
    values = [0.11041069723018147, *random.uniform(0, 200, 300), 1e-300, 5e-324, 1.7976931348623157e308]
    texts = pd.Series([repr(float(value)) for value in values] + ["", "nan", "inf", "1_0", "x"])
    found = numbers_of(texts).tolist()
    assert found[: len(values)] == values
    assert [str(value) for value in found[len(values) :]] == ["nan", "nan", "inf", "nan", "nan"]
