"""README's table of speeds is what results/reference/speed.json holds, and says where a target is missed."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "results" / "reference" / "speed.json"


def rows():
    return [one["extra_info"] for one in json.loads(RECORD.read_text(encoding="utf-8"))["benchmarks"]]


def test_readme_quotes_every_measured_row_to_the_digit(judged_row):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = []
    for said in rows():
        target, measured = judged_row(said)
        missed = "" if said["met"] else " (missed)"
        found.append(f"| {said['row']} | {said['against']} | {target} | {measured}{missed} |")
    assert len(found) >= 20
    assert [line for line in found if line not in readme] == []


def test_a_row_is_met_exactly_where_its_median_is_on_the_right_side_of_its_target():
    for said in rows():
        median = said.get("ratio_median", said.get("value_median"))
        least = said["sense"] in {"times faster", "at least"}
        assert said["met"] == (median >= said["target"] if least else median <= said["target"]), said["row"]


def test_the_record_names_the_processor_but_no_machine():
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert record["machine_info"]["processor"]
    assert not {"node", "host", "hostname"} & record["machine_info"].keys()
    assert "/home" not in RECORD.read_text(encoding="utf-8")
