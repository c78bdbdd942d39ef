"""A structure that no label map and no prediction has is in no mean and no overall score, and that is said."""

import pandas as pd
import pytest

from reports.claims.pairwise import Side, versus
from reports.inputs.absent import absent_structures
from reports.ranking.sentences import ranked
from reports.statistics.cohorts import cohorts, omitted, unique
from reports.tables.means import comparison, mean_dice_curve


def with_structure(records, status="both_empty", values=(1.0, 0.0, 0.0), name="dummy"):
    """The same records as a store has them whose data set declares one more structure."""
    first = records[records["structure"] == "wall"]
    more = first.assign(
        structure=name,
        status=status,
        value=first["metric"].map(dict(zip(("dice", "adb", "hdd"), values, strict=True))),
    )
    added = values[0] / 2 - values[1] / 4 - values[2] / 30
    old = records.assign(
        value=records["value"].where(records["structure"] != "all", records["value"] + added)
    )
    return pd.concat([old, more], ignore_index=True)


def test_every_number_is_that_of_the_other_structures(sweep):
    old = with_structure(sweep)
    pd.testing.assert_frame_equal(comparison(old), comparison(sweep))
    pd.testing.assert_frame_equal(mean_dice_curve(old), mean_dice_curve(sweep))
    pd.testing.assert_frame_equal(ranked(old), ranked(sweep))
    (was,), (now,) = (
        versus(unique(one), Side("tsman", xi=0.9), Side("tsman", xi=1.0), "dice") for one in (sweep, old)
    )
    assert now == was


def test_it_is_said_what_is_left_out(sweep):
    old = with_structure(sweep)
    assert absent_structures(old) == {"heart": ["dummy"]}
    assert omitted(sweep) == []
    assert omitted(old) == ["of heart: dummy is in no label map and prediction"]


@pytest.mark.parametrize("status", ["empty_reference", "empty_prediction", "ok"])
def test_what_anybody_has_in_a_single_case_stays(sweep, status):
    old = with_structure(sweep)
    place = old.index[(old["structure"] == "dummy") & (old["metric"] == "dice")][0]
    row = old.loc[place]
    same = (old["stage"] == row["stage"]) & (old["case"] == row["case"]) & (old["seed"] == row["seed"])
    same &= (old["method"] == row["method"]) & (old["xi"] == row["xi"]) & (old["structure"] == "dummy")
    values = {"dice": 0.0, "adb": 9.0, "hdd": 9.0}
    old.loc[same, "value"] = old.loc[same, "metric"].map(values)
    old.loc[same, "status"] = status
    assert absent_structures(old) == {}


def test_failed_rows_are_no_voxels(sweep):
    old = with_structure(sweep)
    old.loc[(old["structure"] == "dummy") & (old["seed"] == "0"), ["status", "value"]] = [
        "failed",
        float("nan"),
    ]
    assert absent_structures(old) == {"heart": ["dummy"]}


def test_a_data_set_without_any_structure_is_left_out_or_refused(sweep):
    of_one = sweep.assign(dataset="other")
    nothing = of_one.assign(
        status="both_empty", value=of_one["metric"].map({"dice": 1.0, "adb": 0.0, "hdd": 0.0, "overall": 0.5})
    )
    both = pd.concat([sweep, nothing], ignore_index=True)
    assert [cohort.name for cohort in cohorts(both)] == ["heart"]
    with pytest.raises(ValueError, match="no label map of other has a structure"):
        unique(nothing)
