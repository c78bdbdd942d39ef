"""The stages of three plans have the keys that they had: what is renamed or moved changes no result's name.

A change of science raises a version in ``bench/store/stage.py`` or a method's ``version`` and moves keys on purpose:
``python tests/frozen/plans.py`` writes them again.
"""

import runpy
from pathlib import Path

import pytest

FROZEN = Path(__file__).parents[2] / "frozen"


@pytest.mark.parametrize("name", ["quick", "paper", "arena"])
def test_a_plan_has_the_keys_that_it_had(name):
    stages = runpy.run_path(str(FROZEN / "plans.py"))["stages"](name)
    kept = (FROZEN / f"{name}.txt").read_text(encoding="utf-8").split()
    first = next((one.document() for one, key in zip(stages, kept, strict=False) if one.key != key), None)
    assert [one.key for one in stages] == kept, f"the first stage that differs: {first}"
