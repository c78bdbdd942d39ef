"""What a report shows beside scores: scans with what was learned of each voxel, the network, the stages.

Plain arrays and tables: whoever knows stores and networks fills them in, this room only draws them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy as np
    from numpy.typing import NDArray

LABEL_LAYERS: Final = ("truth", "label", "before", "after")
"""Label maps (uint8): the truth; what the student was trained on; predictions before and after retraining."""
WEIGHT_LAYERS: Final = ("disagreement", "f4", "f3")
"""Maps in [0, 1] (float32): where the two streams differ; how much of a voxel's gradient f4 and f3 keep."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One volume in canonical orientation (I right, J anterior, K superior) and what is known of each voxel.

    Attributes:
        dataset: The data set's name.
        case: The case's name.
        part: ``withheld`` (a training case that the student saw with its pseudo label) or ``test``.
        method: Of the student.
        xi: The student's share of manual labels.
        seed: The student's seed.
        stage: The student's key, where every number of the scan can be traced from.
        spacing_mm: Voxel size along I, J, K.
        structures: The names of the labels 1, 2, ...
        image_ijk: Intensities of the first channel, float32.
        layers: Some of ``LABEL_LAYERS`` and ``WEIGHT_LAYERS``; what is not known is left out.
        before: Whose prediction ``before`` is, in a reader's words.
        recipe: The student's recipe; empty if it is not known.
    """

    dataset: str
    case: str
    part: str
    method: str
    xi: str
    seed: int
    stage: str
    spacing_mm: tuple[float, float, float]
    structures: tuple[str, ...]
    image_ijk: NDArray[np.float32]
    layers: Mapping[str, NDArray[np.generic]]
    before: str = ""
    recipe: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """One slice of a training case whose wrong labels are known, and what each method doubts there.

    Attributes:
        dataset: The data set's name.
        recipe: Of the students.
        noise: What was injected, as ``markov:0.2``.
        xi: The students' share of manual labels.
        seed: The students' seed.
        case: The case's name.
        section: Which slice, in words.
        aspect: The height of a voxel over its width.
        image_rc: Intensities, the patient's right or front on the left.
        wrong_rc: Where the label is wrong.
        doubts: (R, C) in [0, 1] by method and map; 1 where a voxel's gradient is removed.
    """

    dataset: str
    recipe: str
    noise: str
    xi: str
    seed: int
    case: str
    section: str
    aspect: float
    image_rc: NDArray[np.float32]
    wrong_rc: NDArray[np.bool_]
    doubts: Mapping[tuple[str, str], NDArray[np.float32]]


LAYER_COLUMNS: Final = (
    "block", "site", "operation", "kernel", "stride", "channels_in", "channels_out", "resolution", "repeats",
)  # fmt: skip
"""Of ``Exhibits.layers``: one row a layer of TSMAN, in the order of the forward pass.

block: ``stream`` (either of the two), ``auxiliary``, or an attention: ``f1``, ``f2``, ``f3``, ``f4``. site:
of a stream the stage (stem, block1, pool, block2, up1, up2, score); of an attention the stage that it
follows (``softmax`` for f4). operation: a word such as convolution, dense unit, max pooling, deconvolution,
linear, global average, add, ReLU, batch normalisation, sigmoid, softmax, exclusive or, Gaussian smoothing,
multiply by a (or 2a, 1 + a), multiply the loss. Before an attention brings the streams together its layers
stand once for either; after that there is a last layer and a sigmoid for each map. kernel, stride: voxels
along an axis, 0 where there is none. resolution: the output's share of the image's side (1, 0.5, 0.25; 0
for one value a channel). Of a dense unit channels_in is what the first takes and channels_out what each
adds. repeats: how often the layer stands there in a row.
"""
STAGE_COLUMNS: Final = ("stage", "kind", "title", "inputs")
"""Of ``Exhibits.stages``: key, kind (split, teacher, pseudo, student, scores), a title in words, and the keys
of its inputs with a blank between."""


@dataclass(frozen=True, slots=True, eq=False)
class Exhibits:
    """All that there is to show, and in sentences what is missing and why."""

    scans: tuple[Scan, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    layers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(LAYER_COLUMNS)))
    stages: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(STAGE_COLUMNS)))
    provenance: pd.DataFrame = field(default_factory=pd.DataFrame)  # one row a stage that records name
    missing: tuple[str, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    """What stands above every table and figure of a data set, by its name, without the stop."""
    folded: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By data set the ξ that were asked for and the smaller ones as which they were trained there."""

    def of(self, records: pd.DataFrame) -> Exhibits:
        """What belongs to these records: scans of another recipe are not theirs."""
        recipes = {*records["recipe"].unique(), ""}
        return replace(self, scans=tuple(scan for scan in self.scans if scan.recipe in recipes))

    def scan(self, figure: str, datasets: Collection[str], layers: Collection[str]) -> Scan:
        """The first scan of a withheld case that has these layers.

        Raises:
            MissingExhibitError: There is none.
        """
        withheld = [scan for scan in self.scans if scan.part == "withheld" and scan.dataset in datasets]
        for scan in withheld:
            if not set(layers) - set(scan.layers):
                return scan
        what = f"there is no scan of a withheld case of {', '.join(sorted(datasets))}"
        if withheld:
            lacking = sorted(set(layers) - set(withheld[0].layers))
            what += f" with all that it shows (case {withheld[0].case} lacks {', '.join(lacking)})"
        raise MissingExhibitError(figure, what)


class MissingExhibitError(Exception):
    """A figure lacks what it is drawn from; the text is a sentence with the command that makes it.

    Args:
        figure: The figure's key, which is also the name of the experiment that makes what it needs.
        what: What there is not, such as ``there is no description of the network's layers``.
    """

    def __init__(self, figure: str, what: str) -> None:
        made = f"`bench run --experiment {figure}` with the store and recipe of these records makes it"
        super().__init__(f"{figure} is not drawn: {what}; {made}.")
