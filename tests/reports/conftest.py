from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from reports.inputs.images import Scan
from reports.inputs.other_tables import CONTRACTS, Extras
from reports.inputs.records import COLUMNS

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


RIVALS = (
    "tsman", "decoupling", "deep-level-set", "densevoxnet", "co-teaching", "jocor", "tri-net", "t-loss", "mean-teacher",
    "cl-slsr", "cross-entropy", "broken",
)  # fmt: skip
"""Ten that work, `t-loss` that predicts nothing under the strongest noise, `broken` of which a case fails."""
NOISES = ("none", "markov:0.2", "drop-slices:0.4")
MAPS = {
    "tsman": ("f3", "f4"), "decoupling": ("disagreement",), "co-teaching": ("small-loss",), "jocor": ("small-loss",),
    "cl-slsr": ("confidence",), "t-loss": ("tail",),
}  # fmt: skip


def _identity(**where: Any) -> dict[str, Any]:
    usual = {name: USUAL[name] for name in ("run", "role", "variant", "recipe")}
    return usual | where | {"split": where["seed"]}


def _places() -> Any:
    from itertools import product

    for dataset, noise, seed in product(("heart", "hippocampus"), NOISES, ("0", "1", "2")):
        yield {"dataset": dataset, "noise": noise, "seed": seed, "xi": "0.3"}


def _scores(where: dict[str, Any], skill: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The rows of eight cases, the last the hardest."""
    rows = []
    for case in "abcdefgh":
        dice = {name: skill - 0.1 * (ord(case) - 97) / 7 + rng.normal(0, 0.015) for name in ("wall", "pool")}
        if (where["method"], where["noise"]) == ("t-loss", "drop-slices:0.4"):
            dice = dict.fromkeys(dice, 0.0)
        failed = (where["method"], case) == ("broken", "c")
        status = "failed" if failed else "ok" if min(dice.values()) > 0 else "empty_prediction"
        usual = (
            USUAL
            | where
            | {"xi_realised": where["xi"], "case": case, "split": where["seed"], "status": status}
        )
        values = {
            (name, metric): value
            for name, one in dice.items()
            for metric, value in (("dice", one), ("adb", 6 * (1 - one)), ("hdd", 30 * (1 - one)))
        }
        total = sum(
            {"dice": 0.5, "adb": -0.25, "hdd": -1 / 30}[metric] * value
            for (_, metric), value in values.items()
        )
        for (structure, metric), value in (values | {("all", "overall"): total}).items():
            rows.append(
                usual | {"structure": structure, "metric": metric, "value": None if failed else value}
            )
    return rows


def arena_records() -> pd.DataFrame:
    """Twelve methods on two data sets under three noises, three seeds of eight cases, and the supervised."""
    rng = np.random.default_rng(6)
    rows: list[dict[str, Any]] = []
    lost = {"none": 0.0, "markov:0.2": 0.04, "drop-slices:0.4": 0.1}
    for where in _places():
        at = f"{where['dataset']}-{where['noise']}-{where['seed']}"
        for place, method in enumerate(RIVALS):
            skill = 0.82 - 0.008 * place - lost[where["noise"]] * (1 + place / 20)
            rows += _scores(where | {"method": method, "stage": f"scores-{at}-{method}"}, skill, rng)
        for method in RIVALS[:4] if where["noise"] == "none" else ():
            supervised = where | {"role": "supervised", "xi": "1.0", "stage": f"scores-{at}-{method}-full"}
            rows += _scores(supervised | {"method": method}, 0.85, rng)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def arena_doubts() -> pd.DataFrame:
    """Of the methods that doubt, under injected noise: better with training, better inside than at the boundary."""
    rng = np.random.default_rng(7)
    rows = []
    for where in _places():
        named = [(method, name) for method, names in MAPS.items() for name in names]
        for place, (method, name) in enumerate(named):
            if where["noise"] == "none":
                continue
            for case in "stuvwx":
                for progress in (25, 50, 75, 100):
                    for region, lift in (("all", 0.0), ("boundary", -0.08), ("interior", 0.06)):
                        skill = 0.55 + 0.05 * (6 - place) + 0.001 * progress + lift + rng.normal(0, 0.02)
                        skill = min(max(skill, 0.0), 1.0)
                        values = {
                            "auroc": skill, "auprc": skill * 0.7, "precision": skill * 0.6, "removed_wrong": skill * 0.8,
                            "removed_right": (1 - skill) * 0.3, "calibration": (1 - skill) * 0.5, "wrong_share": 0.1,
                        }  # fmt: skip
                        stage = f"doubts-{where['dataset']}-{where['noise']}-{where['seed']}-{method}"
                        for structure in ("all", "wall"):
                            keys = _identity(**where, method=method) | {
                                "case": case,
                                "map": name,
                                "stage": stage,
                            }
                            keys |= {
                                "progress": progress,
                                "structure": structure,
                                "region": region,
                                "voxels": 900,
                            }
                            rows += [
                                keys | {"measure": measure, "value": value}
                                for measure, value in values.items()
                            ]
    return pd.DataFrame(rows)


def arena_gradients() -> pd.DataFrame:
    """TSMAN's shallow layers are noisier, decoupling's deep ones, densevoxnet's are all alike but for chance."""
    rng = np.random.default_rng(8)
    rows = []
    layers = ("stem", "block1", "pool", "block2", "up1", "up2", "score")
    for where in _places():
        if where["noise"] == "none":
            continue
        for method, slope in (("tsman", -0.4), ("decoupling", 0.3), ("densevoxnet", 0.0)):
            for case in "stuvwx":
                for of in ("features", "parameters"):
                    for depth, layer in enumerate(layers):
                        for progress in (25, 50, 75, 100):
                            keys = _identity(**where, method=method) | {
                                "case": case,
                                "of": of,
                                "layer": layer,
                            }
                            keys |= {"depth": depth, "progress": progress, "stage": f"doubts-{method}"}
                            noise = float(np.exp(0.8 + slope * depth + rng.normal(0, 0.3)))
                            rows.append(keys | {"measure": "noise_to_signal", "value": noise})
                            rows.append(keys | {"measure": "cosine", "value": float(np.exp(-noise))})
                            if of == "features":
                                rows.append(keys | {"measure": "touched", "value": 1 - float(np.exp(-noise))})
                                rows.append(
                                    keys | {"measure": "above_half", "value": 1 - float(np.exp(-noise / 2))}
                                )
    return pd.DataFrame(rows)


def arena_costs() -> pd.DataFrame:
    """Two networks cost twice as much; under teachers' noise teachers are paid for as well."""
    rows = []
    for where in _places():
        for place, method in enumerate(RIVALS):
            networks = (
                3 if method == "tri-net" else 2 if place < 2 or method in {"co-teaching", "jocor"} else 1
            )
            teachers = 3000.0 if where["noise"] == "none" and method != "cross-entropy" else 0.0
            rows.append(
                _identity(**where, method=method)
                | {
                    "start": "fresh", "networks": networks, "steps": 1000, "voxels": 1e9, "passes_training": 1000.0 * networks,
                    "passes_judges": 2000.0 if method == "cl-slsr" else 0.0,
                    "passes_revisions": 40.0 if method == "deep-level-set" else 0.0,
                    "passes_teachers_shared": teachers / 11, "passes_teachers_alone": teachers,
                    "seconds": 100.0 * networks, "seconds_judges": 0.0, "seconds_teachers_shared": teachers / 110,
                    "seconds_teachers_alone": teachers / 10, "stage": f"student-{place}-{where}",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def arena() -> pd.DataFrame:
    """The records of `arena_records`."""
    return arena_records()


@pytest.fixture(scope="session")
def extras() -> Extras:
    """All that stands beside those records."""
    return Extras(
        **{
            name: frame.reindex(columns=list(CONTRACTS[name].columns))
            for name, frame in (
                ("doubts", arena_doubts()), ("gradients", arena_gradients()), ("costs", arena_costs()),
            )
        }
    )  # fmt: skip
