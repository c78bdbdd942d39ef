"""The rows of the speed table say what was measured, and the JSON does not say on which machine."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = """
import time

def test_faster(side_by_side):
    said = side_by_side("a", "b", lambda: time.sleep(0.05) or 1, lambda: time.sleep(0.005) or 2,
                        target=1.5, sense="times faster", rounds=3)
    assert said == (1, 2)

def test_longer(side_by_side):
    side_by_side("c", "d", lambda: time.sleep(0.05), lambda: time.sleep(0.005),
                 target=0.001, sense="times as long", rounds=3, note="why")

def test_value(side_by_side):
    side_by_side.value("e", "f", [3.0, 1.0, 2.0], target=2, sense="at most", unit="bytes")

def test_one_value(side_by_side):
    side_by_side.value("g", "h", 0.8, target=0.9, sense="at least", unit="of the time")
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speed")
    shutil.copy(Path(__file__).parent / "conftest.py", folder)
    (folder / "test_rows.py").write_text(ROWS)
    words = ["--benchmark-only", "--benchmark-quiet", "--benchmark-json=rows.json", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *words]
    # pytest-xdist's variables would tell the inner pytest that it is a worker, which measures nothing.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=env)
    assert run.returncode == 0, run.stdout
    text = (folder / "rows.json").read_text()
    return (
        run.stdout,
        text,
        {one["extra_info"]["row"]: one["extra_info"] for one in json.loads(text)["benchmarks"]},
    )


def test_a_ratio_is_of_the_slow_to_the_fast_or_of_the_fast_to_the_slow(measured):
    _, _, rows = measured
    faster, longer = rows["a"], rows["c"]
    assert faster["ratio_min"] <= faster["ratio_median"] <= faster["ratio_max"]
    assert faster["plain_s"] > faster["fast_s"]
    assert faster["ratio_median"] > 1 > longer["ratio_median"]
    assert faster["met"]
    assert not longer["met"]
    assert longer["note"] == "why"


def test_a_value_is_judged_by_its_median(measured):
    _, _, rows = measured
    assert (rows["e"]["value_min"], rows["e"]["value_median"], rows["e"]["value_max"]) == (1, 2, 3)
    assert rows["e"]["met"]
    assert not rows["g"]["met"]
    assert rows["g"]["unit"] == "of the time"


def test_the_table_shows_each_row_in_100_columns(measured):
    printed, _, _ = measured
    table = printed[printed.index("min / median / max") :]
    assert "≥ 0.9 of the time" in table
    assert table.count("missed") == 2
    assert max(map(len, table.splitlines()[:20])) <= 100


def test_the_json_does_not_name_the_machine(measured):
    _, text, _ = measured
    assert platform.node() not in text
    assert platform.release() not in text
    assert {"processor", "cores", "torch"} <= set(json.loads(text)["machine_info"])
