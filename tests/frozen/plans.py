"""Three plans over data sets that exist in name alone, so that their keys depend on nothing but the code.

python tests/frozen/plans.py   # writes the keys again: only where a change of results is meant
"""

from dataclasses import replace
from pathlib import Path

from bench.data.dataset import TUMOUR, CaseFiles, Dataset
from bench.plan.request import Request, planned, understood
from bench.store.stage import Stage

FOLDER = Path(__file__).parent
PLANS = {
    "quick": {"methods": "all", "xi": "0.1:0.9"},
    "paper": {"experiment": "paper", "recipe": "paper"},
    "arena": {"methods": "every", "xi": "0.3", "noise": ("markov:0.2,0.4", "annotator:0.2"), "references": "methods"},
}  # fmt: skip


def heart() -> Dataset:
    """Ten training and two test cases of one channel and two structures."""
    train, test = tuple(f"train_{number}" for number in range(10)), ("test_0", "test_1")
    files = {case: CaseFiles((f"{case}.nii",), f"{case}_label.nii", case, case) for case in train + test}
    return Dataset("heart", ("MRI",), ("wall", "blood"), files, train, test, pieces="single")


def tumour() -> Dataset:
    """The same cases with four channels and the structures of BRATS."""
    return replace(
        heart(), name="tumour", structures=TUMOUR, channels=("Flair", "T1", "T1c", "T2"), pieces="any"
    )


def stages(name: str) -> list[Stage]:
    """All stages of one of the plans, inputs before what reads them."""
    words = {"methods": None, "xi": None, "experiment": None, "recipe": "quick", **PLANS[name]}
    asked = understood(
        Request(
            **words, datasets=None, seeds="1", changes=("compute.precision=float32",), jobs=1, device="cpu",
            engine="local", store=Path(), dry_run=True, as_json=True, mlflow=False,
        )
    )  # fmt: skip
    datasets = (heart(), tumour()) if name == "paper" else (heart(),)
    return planned(asked, datasets)[0].stages()


def main() -> None:
    """Write the keys of each plan, one a line."""
    for name in PLANS:
        keys = [one.key for one in stages(name)]
        (FOLDER / f"{name}.txt").write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
        print(f"{name}: {len(keys)} stages")  # noqa: T201


if __name__ == "__main__":
    main()
