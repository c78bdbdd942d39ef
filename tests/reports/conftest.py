from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from reports.columns import COLUMNS
from reports.exhibits import Scan

USUAL = {
    "run": "r", "dataset": "heart", "method": "tsman", "xi": "0.3", "xi_realised": "0.3", "seed": "0",
    "split": "0", "role": "student", "member": "", "variant": "", "noise": "none", "recipe": "quick",
    "case": "a", "structure": "wall", "metric": "dice", "value": 0.5, "unit": "", "definition": "hvsmr2016",
    "status": "ok", "stage": "s", "commit": "c",
}  # fmt: skip


def _split(where: dict[str, Any]) -> dict[str, str]:
    """As in real records a seed draws its own split, and ξ comes to a share of the cases."""
    return {name: str(where.get(of, USUAL[of])) for name, of in (("split", "seed"), ("xi_realised", "xi"))}


class Scored(Protocol):
    def __call__(self, dice: float, adb: float = ..., hdd: float = ..., **where: Any) -> pd.DataFrame: ...


@pytest.fixture(scope="session")
def scored() -> Scored:
    """The rows of one case with one structure, its overall score included."""

    def make(dice: float, adb: float = 0.0, hdd: float = 0.0, **where: Any) -> pd.DataFrame:
        overall = dice / 2 - adb / 4 - hdd / 30
        values = [
            ("wall", "dice", dice),
            ("wall", "adb", adb),
            ("wall", "hdd", hdd),
            ("all", "overall", overall),
        ]
        rows = [
            USUAL | {"structure": structure, "metric": metric, "value": value} | _split(where) | where
            for structure, metric, value in values
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    return make


@pytest.fixture(scope="session")
def failed(scored: Scored) -> Any:
    """The rows of one case whose stage failed."""
    return lambda **where: scored(float("nan"), status="failed", **where)


@pytest.fixture(scope="session")
def sweep(scored: Scored) -> pd.DataFrame:
    """Two methods, two ξ, two seeds, two cases, with supervised and pseudo-label rows."""
    parts = []
    for seed, lift in (("0", 0.0), ("1", 0.02)):
        for method, start in (("tsman", 0.6), ("densevoxnet", 0.5)):
            for case, ease in (("a", 0.0), ("b", 0.1)):
                for xi, role, gain in (
                    ("0.3", "student", 0.0),
                    ("0.9", "student", 0.1),
                    ("1.0", "supervised", 0.15),
                ):
                    dice = start + gain + ease + lift
                    parts.append(
                        scored(dice, 2 - dice, 9, method=method, xi=xi, role=role, seed=seed, case=case)
                    )
        for variant, member, dice in (("single", "1", 0.4), ("single", "2", 0.5), ("hd", "", 0.6)):
            where = {"variant": variant, "member": member, "role": "pseudo", "method": ""}
            parts.append(scored(dice + lift, 1, 6, seed=seed, case="t", **where))
    return pd.concat(parts, ignore_index=True)


LABELS = ("background", "necrosis", "oedema", "non_enhancing_core", "enhancing_core")


@pytest.fixture(scope="session")
def brats() -> Any:
    """The rows of one method on BRATS 2015: Dice of labels 0 to 4, around the same mean in two cases."""

    def make(dice: Any, seeds: int = 3, spread: float = 0.0, **where: Any) -> pd.DataFrame:
        usual = USUAL | {"dataset": "brats2015", "recipe": "paper", "xi": "0.9"} | where
        rows = [
            usual
            | {
                "seed": str(seed),
                "split": str(seed),
                "case": case,
                "structure": structure,
                "value": value + sign * spread,
            }
            for seed in range(seeds)
            for case, sign in (("a", -1), ("b", 1))
            for structure, value in zip(LABELS, dice, strict=True)
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    return make


@pytest.fixture(scope="session")
def scan() -> Any:
    """A heart of two spheres: pool inside wall, a label with a bite and a bump, predictions that get better."""

    def make(**changed: Any) -> Scan:
        size = (40, 48, 28)
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in size), indexing="ij"))
        spacing = (1.0, 1.0, 1.5)

        def ball(centre: tuple[float, float, float], radius: float) -> Any:
            offsets = [(grid[axis] - centre[axis]) * spacing[axis] for axis in range(3)]
            return sum(offset**2 for offset in offsets) < radius**2

        def heart(centre: tuple[float, float, float], inner: float, outer: float) -> Any:
            label = np.zeros(size, np.uint8)
            label[ball(centre, outer)] = 1
            label[ball(centre, inner)] = 2
            return label

        truth = heart((20, 24, 14), 8, 12)
        label = heart((21, 25, 14), 8.5, 12)
        label[ball((30, 34, 16), 5)] = 1
        before, after = heart((19, 22, 14), 7, 12.5), heart((20, 24, 14), 8, 12.4)
        differs = (before != after).astype(np.float32)
        smooth = gaussian_filter(differs, 0.7).astype(np.float32)
        noise = np.random.default_rng(0).normal(0, 8, size)
        image = (20 + 60 * (truth == 1) + 120 * (truth == 2) + noise).astype(np.float32)
        near = np.clip(0.55 + 0.4 * gaussian_filter((label == truth).astype(float), 2) - 0.3, 0, 1)
        layers = {
            "truth": truth, "label": label, "before": before, "after": after, "disagreement": differs,
            "f4": np.clip(smooth, 0, 1), "f3": near.astype(np.float32),
        }  # fmt: skip
        usual = Scan(
            dataset="heart", case="phantom-07", part="withheld", method="tsman", xi="0.5", seed=0,
            stage="ab12", spacing_mm=spacing, structures=("myocardium", "blood_pool"), image_ijk=image,
            layers=layers, before="teacher A, trained on manual labels alone",
        )  # fmt: skip
        return replace(usual, **changed)

    return make
