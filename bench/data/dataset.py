"""What a data set is, how one is remembered, and where what is known about data lies."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from bench.data.folder import write_text
from bench.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Benchmark = Literal["hvsmr", "brats"]


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """Where one case lies; paths are absolute."""

    images: tuple[str, ...]  # one file a channel, or one file with all
    label: str
    image_print: str  # fingerprints of the voxels, not of the files
    label_print: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set as planning and stages see it: names, files, fingerprints; no voxels.

    ``pieces`` is "single" where each structure is known to be one piece (hearts), so that minor components
    of a prediction may be removed, and "any" where nothing is known.
    """

    name: str
    channels: tuple[str, ...]
    structures: tuple[str, ...]  # label 1, 2, ...; background is not one
    cases: Mapping[str, CaseFiles]
    train: tuple[str, ...]
    test: tuple[str, ...]
    pieces: Literal["single", "any"] = "any"
    background_scored: bool = False  # BRATS: P's Table 4 counts label 0 among its five

    @property
    def benchmark(self) -> Benchmark:
        """Which of P's two benchmarks the data set stands in for."""
        return "brats" if self.background_scored else "hvsmr"

    @property
    def id(self) -> str:
        """Name and content in one word."""
        prints = sorted((case, f.image_print, f.label_print) for case, f in self.cases.items())
        kind = {"pieces": self.pieces} | ({"background": True} if self.background_scored else {})
        content = json.dumps([self.channels, self.structures, prints, self.train, self.test, kind])
        return f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """How data sets that are made on demand are made."""

    size: Literal["smoke", "quick", "paper"] = (
        "quick"  # of a phantom: quick (80x64x56) or paper (200x140x120)
    )
    first_seed: int = 0  # of a phantom: 0 is the benchmark, 1000 and up are for development
    validate: bool = True  # look through every volume once, until it or what is said of it changes

    def __post_init__(self) -> None:
        """Refuse a negative seed."""
        if self.first_seed < 0:
            raise UsageError(f"data.first_seed {self.first_seed} must be at least 0.")


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where made data and what is known about data lie: the ``data`` folder of a store."""

    path: Path

    @property
    def names_path(self) -> Path:
        """The user's own names for folders."""
        return self.path / "names.json"

    def names(self) -> dict[str, str]:
        """Name -> folder, as ``bench data add`` wrote them."""
        if not self.names_path.is_file():
            return {}
        return {str(k): str(v) for k, v in json.loads(self.names_path.read_text()).items()}


def remember(dataset: Dataset, workshop: Workshop) -> None:
    """Write the manifest from which a stage opens the data set again, on any machine with the store."""
    write_text(workshop.path / f"{dataset.id}.json", json.dumps(asdict(dataset), indent=1, sort_keys=True))


def recall(dataset_id: str, workshop: Workshop) -> Dataset:
    """The data set that ``remember`` wrote.

    Raises:
        DataError: There is no such manifest.
    """
    path = workshop.path / f"{dataset_id}.json"
    if not path.is_file():
        raise DataError(f"{path} is missing; run the same `bench run` again to have it written.")
    plain = json.loads(path.read_text())
    cases = {case: CaseFiles(**{**f, "images": tuple(f["images"])}) for case, f in plain["cases"].items()}
    lists = {key: tuple(plain[key]) for key in ("channels", "structures", "train", "test")}
    background = bool(plain.get("background_scored", False))
    return Dataset(
        name=plain["name"], cases=cases, pieces=plain["pieces"], background_scored=background, **lists
    )
