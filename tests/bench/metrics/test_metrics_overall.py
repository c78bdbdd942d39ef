"""The overall score rebuilds the leaderboard of HVSMR 2016 and carries the worst status."""

import numpy as np
import pytest

from bench.metrics import Measure, overall, overall_of_means, score

# Dice, ADB, HDD of the myocardium and of the blood pool, and the score printed (Min, AAAI 2019, Table 3).
TABLE_3 = {
    "T16": ((0.612, 2.041, 13.2), (0.867, 2.157, 19.7), -1.408),
    "V17": ((0.747, 1.099, 5.09), (0.885, 1.553, 9.41), -0.330),
    "W16": ((0.802, 0.957, 6.13), (0.926, 0.885, 7.07), -0.036),
    "Y16": ((0.786, 0.997, 6.42), (0.931, 0.868, 7.01), -0.055),
    "Y17": ((0.821, 0.960, 7.29), (0.931, 0.938, 9.53), -0.161),
    "Ours": ((0.820, 0.824, 4.73), (0.926, 0.957, 8.81), -0.024),
    # Printed as NA; this is what the formula gives.
    "M16": ((0.495, 2.596, 12.8), (0.794, 2.550, 14.6), -1.555),
}


def means(myocardium, blood_pool):
    names = ("dice", "adb", "hdd")
    return {"1": dict(zip(names, myocardium, strict=True)), "2": dict(zip(names, blood_pool, strict=True))}


def measures(status="ok", definition="hvsmr2016"):
    return [
        Measure(structure, metric, value, "", definition, status if structure == 2 else "ok")
        for structure in (1, 2)
        for metric, value in (("dice", 0.9), ("adb", 1.0), ("hdd", 6.0))
    ]


@pytest.mark.parametrize("row", TABLE_3)
def test_the_formula_rebuilds_each_row_of_the_leaderboard(row):
    myocardium, blood_pool, printed = TABLE_3[row]
    assert overall_of_means(means(myocardium, blood_pool)) == pytest.approx(printed, abs=0.002)


def test_the_score_of_one_case_is_the_formula_over_its_structures():
    found = overall(measures())
    assert found == Measure(0, "overall", pytest.approx(0.9 - 0.5 - 0.4), "", "hvsmr2016", "ok")


def test_a_perfect_case_of_two_structures_scores_one():
    label_ijk = np.arange(3 * 4 * 5).reshape(3, 4, 5) % 3
    assert overall(score(label_ijk, label_ijk, (1.0, 1.0, 1.0), (1, 2))).value == 1.0


def test_metrics_that_the_formula_does_not_name_are_ignored():
    more = [Measure(structure, "hd95", 99.0, "mm", "medpy", "ok") for structure in (1, 2)]
    assert overall(measures(definition="medpy") + more) == overall(measures(definition="medpy"))


@pytest.mark.parametrize("status", ["failed", "empty_prediction", "empty_reference", "both_empty", "ok"])
def test_the_overall_score_carries_the_status_of_its_worst_structure(status):
    assert overall(measures(status)).status == status


def test_an_empty_prediction_is_worse_than_an_empty_reference():
    mixed = measures("empty_reference")
    mixed[0] = Measure(1, "dice", 0.0, "", "hvsmr2016", "empty_prediction")
    assert overall(mixed).status == "empty_prediction"


def test_measures_that_are_missing_doubled_or_mixed_are_refused():
    with pytest.raises(ValueError, match="at least one structure"):
        overall([])
    with pytest.raises(ValueError, match="needs hdd of structure 2"):
        overall(measures()[:-1])
    with pytest.raises(ValueError, match="structure 1 has dice twice"):
        overall(measures() + measures())
    with pytest.raises(ValueError, match="hvsmr2016 and medpy"):
        overall(measures()[:3] + measures(definition="medpy")[3:])
    with pytest.raises(ValueError, match="needs adb, hdd of structure 1"):
        overall_of_means({"1": {"dice": 1.0}})
