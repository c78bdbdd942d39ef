"""README's table of speeds is what results/reference/speed.json holds, and says where a target is missed."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "results" / "reference" / "speed.json"


def number(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def lines():
    """A row of README for each row of the record."""
    for benchmark in json.loads(RECORD.read_text(encoding="utf-8"))["benchmarks"]:
        said = benchmark["extra_info"]
        kind = "ratio" if "ratio_median" in said else "value"
        least = said["sense"] in {"times faster", "at least"}
        unit = said.get("unit") or said["sense"]
        measured = " / ".join(number(said[f"{kind}_{name}"]) for name in ("min", "median", "max"))
        missed = "" if said["met"] else " (missed)"
        target = f"{'≥' if least else '≤'} {number(said['target'])} {unit}"
        yield f"| {said['row']} | {said['against']} | {target} | {measured}{missed} |"


def test_readme_quotes_every_measured_row_to_the_digit():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = list(lines())
    assert len(found) >= 20
    assert [line for line in found if line not in readme] == []


def test_a_row_is_met_exactly_where_its_median_is_on_the_right_side_of_its_target():
    for benchmark in json.loads(RECORD.read_text(encoding="utf-8"))["benchmarks"]:
        said = benchmark["extra_info"]
        median = said.get("ratio_median", said.get("value_median"))
        least = said["sense"] in {"times faster", "at least"}
        assert said["met"] == (median >= said["target"] if least else median <= said["target"]), said["row"]


def test_the_record_names_the_processor_but_no_machine():
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert record["machine_info"]["processor"]
    assert not {"node", "host", "hostname"} & record["machine_info"].keys()
    assert "/home" not in RECORD.read_text(encoding="utf-8")
