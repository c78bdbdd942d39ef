"""The losses of ten steps are what they were; see tests/golden/make.py."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from methods import registry

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("name", list(registry.METHODS))
def test_ten_steps_lose_what_they_lost(name):
    written = [float(line) for line in (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").split()]
    losses = runpy.run_path(str(GOLDEN / "make.py"))["losses"]
    # Processors round differently; a change of science moves the first digits.
    assert losses(name) == pytest.approx(written, rel=1e-4)


def test_every_golden_file_belongs_to_a_method():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(registry.METHODS)
