"""What a data set is, how one is remembered, and where what is known about data lies."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from bench.data.images.grids import SpacingFrom  # noqa: TC001 - the types of settings are looked up as data are read
from bench.errors import DataError, UsageError
from bench.files.atomic import write_text
from bench.files.json_document import read_object
from bench.files.names import checked_name
from bench.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.data.content import Content

LOGGER = logging.getLogger(__name__)
Benchmark = Literal["hvsmr", "brats"]
TUMOUR = ("necrosis", "oedema", "non_enhancing_core", "enhancing_core")
"""The structures of BRATS 2015, labels 1 to 4."""


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """Where one case lies, and how its image is shown to a network; paths are absolute."""

    images: tuple[str, ...]  # one file a channel, or one file with all
    label: str  # empty where there is none
    image_print: str  # of the voxels, not of the files: image, and mask and zoom where there are any
    label_print: str
    mask: str = ""  # of the voxels that the image is normalised by
    zoom: tuple[float, float, float] = (1, 1, 1)  # of what a network sees, along the canonical axes I, J, K
    spacing_from: SpacingFrom = ""  # which voxel size holds where the headers contradict themselves


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set as planning and stages see it: names, files, fingerprints; no voxels.

    ``pieces`` is "single" where each structure is known to be one piece (hearts), so that minor components
    of a prediction may be removed, and "any" where nothing is known. Where ``test_by_seed`` is not 0,
    that many labelled cases are test, others for every seed: ``drawn`` says which.
    """

    name: str
    channels: tuple[str, ...]
    structures: tuple[str, ...]  # label 1, 2, ...; background is not one
    cases: Mapping[str, CaseFiles]
    train: tuple[str, ...]
    test: tuple[str, ...]
    pieces: Literal["single", "any"] = "any"
    test_by_seed: int = 0
    unlabelled: Mapping[str, CaseFiles] = field(
        default_factory=dict
    )  # to export predictions of, never in a stage
    contents: Mapping[str, Content] = field(
        default_factory=dict, compare=False
    )  # by case, what planning is told of its files; not remembered, for no stage reads it

    @property
    def benchmark(self) -> Benchmark:
        """Which of P's two benchmarks the data set stands in for, by its structures."""
        return "brats" if set(TUMOUR) <= set(self.structures) else "hvsmr"

    @property
    def background_scored(self) -> bool:
        """Whether Dice of label 0 is recorded too: P's Table 4 counts it among its five."""
        return self.benchmark == "brats"

    @property
    def id(self) -> str:
        """Name and content in one word; the same for every seed that the test cases are drawn by."""
        prints = sorted((case, f.image_print, f.label_print) for case, f in self.cases.items())
        more: dict[str, Any] = {"pieces": self.pieces}
        who: list[Any] = [self.train, self.test]
        if self.background_scored:
            more["background"] = True
        if self.test_by_seed:
            who = [sorted(self.cases), self.test_by_seed]
        if self.unlabelled:
            more["unlabelled"] = sorted((case, f.image_print) for case, f in self.unlabelled.items())
        content = json.dumps([self.channels, self.structures, prints, *who, more])
        return f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def drawn(self, seed: int) -> Dataset:
        """The data set with the test cases of a split's seed; itself where all seeds have the same."""
        if not self.test_by_seed:
            return self
        order = generator(f"test/{self.name}/{seed}", "test").permutation(len(self.cases))
        names = sorted(self.cases)
        test = sorted(names[place] for place in order[: self.test_by_seed])
        return replace(self, test=tuple(test), train=tuple(sorted(set(names) - set(test))))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSettings:
    """How data sets that are made on demand are made."""

    size: Literal["smoke", "quick", "paper"] = (
        "quick"  # of a phantom: quick (80x64x56) or paper (200x140x120)
    )
    first_seed: int = 0  # of a phantom: 0 is the benchmark, 1000 and up are for development
    variant: Literal["", "axial_crop", "axial_full", "sa_crop"] = (
        ""  # of hvsmr2016: the first that is there; axial_crop is P's
    )
    spacing: SpacingFrom = field(  # which voxel size holds where pixdim and sform contradict each other; 0026
        default="", metadata={"later": True}
    )
    validate: bool = True  # look through every volume once, until it or what is said of it changes

    def __post_init__(self) -> None:
        """Refuse a negative seed."""
        if self.first_seed < 0:
            raise UsageError(f"data.first_seed {self.first_seed} must be at least 0.")


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where made data and what is known about data lie: the ``data`` folder of a store.

    Where nothing may be written there (``bench run -n``), data that have to be made go into ``spare``, and
    what is found out about data is not kept.
    """

    path: Path
    spare: Path | None = None

    @property
    def names_path(self) -> Path:
        """The user's own names for folders."""
        return self.path / "names.json"

    def names(self) -> dict[str, str]:
        """Name -> folder, as ``bench data add`` wrote them."""
        if not self.names_path.is_file():
            return {}
        try:
            plain = read_object(self.names_path)
        except DataError as error:
            LOGGER.warning(
                f"warning: {str(error).rstrip('.')}; its names are unknown until they are added again."
            )
            return {}
        return {name: spec for name, spec in plain.items() if isinstance(spec, str)}


def remember(dataset: Dataset, workshop: Workshop) -> None:
    """Write the manifest from which a stage opens the data set again, on any machine with the store."""
    plain = asdict(replace(dataset, contents={}))
    del plain["contents"]
    write_text(_manifest(dataset.id, workshop), json.dumps(plain, indent=1, sort_keys=True))


def _manifest(dataset_id: str, workshop: Workshop) -> Path:
    """Where a data set is remembered; its name may come from a store that somebody else filled."""
    return workshop.path / f"{checked_name(dataset_id, 'data set', longest=120)}.json"


def recall(dataset_id: str, workshop: Workshop) -> Dataset:
    """The data set that ``remember`` wrote.

    Raises:
        DataError: There is no such manifest, or it is damaged.
    """
    path = _manifest(dataset_id, workshop)
    if not path.is_file():
        raise DataError(f"{path} is missing; run the same `bench run` again to have it written.")
    try:
        plain = read_object(path)
        lists = {key: tuple(plain[key]) for key in ("channels", "structures", "train", "test")}
        cases = {key: _files(plain.get(key, {})) for key in ("cases", "unlabelled")}
        known = {field.name for field in fields(Dataset)}
        dataset = Dataset(
            **{key: value for key, value in {**plain, **lists, **cases}.items() if key in known}
        )
        is_whole = dataset.id == dataset_id  # which is a hash of what it says
    except (DataError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged; run the same `bench run` again to have it written.") from error
    if not is_whole:
        raise DataError(f"{path} is damaged; run the same `bench run` again to have it written.")
    return dataset


def _files(plain: Mapping[str, Mapping[str, Any]]) -> dict[str, CaseFiles]:
    """Cases from plain data: what is a list there is a tuple here."""
    cases: dict[str, CaseFiles] = {}
    for case, files in plain.items():
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in files.items()}
        cases[case] = CaseFiles(**given)
    return cases
