"""What the tables and figures of the arena are called, and what stands under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Caption:
    """A title, and the text below."""

    title: str
    text: str


_SETTINGS: Final = (
    "Labels by teachers (noise “none”: pseudo labels, as in the paper) and each injected noise at each rate "
    "stand apart, as does each ξ; no number is over several of them. "
)
_INTERVAL: Final = "In brackets: 95 % interval over other seeds and cases (with one seed over cases only). "
_FEW: Final = "Fewer than three seeds give no verdict. "
_DRAWN: Final = (
    "Where a data set has many settings only the largest ξ of each noise is drawn; the table has all of them."
)

CAPTIONS: Final[Mapping[str, Caption]] = {
    "leaderboard": Caption(
        "Leaderboard",
        "Students ranked by the mean overall score on the test cases, or by mean Dice where there is none. "
        f"{_SETTINGS}{_INTERVAL}{_FEW}Gap closed: the share of the gap in mean Dice between labelled-only "
        "and all manual labels that a method closes. For ranks all methods are resampled together. "
        "Holds rank: the share of resamples in which a method has the rank that it has here; in top 3: in "
        "which it is among the first three. Passes of one network each: over a batch in training and judges' "
        "training, over a whole volume in studies, revisions and its share of the teachers. Start: where its "
        "students' weights started, at teachers trained on the manual labels or fresh. A method of "
        "which a case failed, that predicts nothing, or that lacks seeds that most others have, has no rank "
        "and stands below all that have one. What the manual labels of a setting give alone (the averaged "
        "teachers) and methods trained on all manual labels stand apart, unranked. Bold is the best of a "
        "setting.",
    ),
    "leaderboard_ranks": Caption(
        "Ranks",
        "Each method's rank by its mean score, with the 95 % interval of the rank (bootstrap over cases and "
        "seeds, all methods together; with one seed it speaks of other cases alone). Methods stand in the "
        f"order of the first panel. {_DRAWN}",
    ),
    "doubts": Caption(
        "Does doubt find the wrong labels?",
        "Each method's doubt (1: the voxel's gradient is removed) at the end of training, against where the "
        f"labels are known to be wrong, over the whole volume. {_SETTINGS}{_INTERVAL}AUROC, AUPRC and "
        "precision (at the realised rate) are among the voxels where prediction and label differ; removed: "
        "the share of the gradient mass of wrong and of right labels that doubt takes away; calibration "
        "error: of doubt read as the probability of being wrong. Wrong labels: their share among the voxels "
        "looked at, which is the AUPRC of a guess. A method that “says nothing” shows no doubt; that is not "
        "a doubt of 0. Undefined counts values that do not exist, as where no label is wrong.",
    ),
    "doubt_curves": Caption(
        "Doubt over training and by region: the numbers",
        f"The numbers under the figures of doubt; low and high are the 95 % interval. {_SETTINGS}",
    ),
    "doubt_progress": Caption(
        "Doubt over training",
        "Each measure at a quarter, half, three quarters and the end of training, over the whole volume; "
        "bars are 95 % intervals over cases and seeds, drawn side by side only so that none hides another. "
        f"Dashed: a guess. {_DRAWN}",
    ),
    "doubt_regions": Caption(
        "Doubt at the boundary and away from it",
        "At the end of training, the voxels near the boundary of the clean label against all others. Bars "
        f"are 95 % intervals over cases and seeds. {_DRAWN}",
    ),
    "doubt_maps": Caption(
        "Maps of doubt",
        "A slice of a training case with injected noise, the one with most wrong labels. Outlined: where the "
        "label is wrong. The brighter, the more of the voxel's gradient is removed; a doubt that finds the "
        "errors is bright inside the outlines and dark elsewhere.",
    ),
    "premise": Caption(
        "Are positions of shallow layers likelier to receive a noisy gradient?",
        "The paper says so of single positions of a layer. Of each layer are counted the positions whose "
        "gradient a wrong label touches at all, and those where what it adds is longer than half of the "
        "clean gradient there. Falls is how steadily such a share falls from the image to the loss (the rank "
        "correlation with depth, its sign turned round), the mean over cases and seeds at the last share of "
        "training measured: 1 if it is larger in every layer than in the next deeper one, −1 if the other "
        "way round. Supported: the 95 % interval is above zero; contradicted: below; undecided: zero is "
        "inside, or there are fewer than 6 cases; not recorded: the results "
        "are older than the count. Beside it, without a verdict, the noise to signal of whole layers, which "
        "is another question: it adds positions up, so that noise averages out where there are many. "
        f"{_FEW}{_SETTINGS}",
    ),
    "gradients": Caption(
        "Gradient noise by depth",
        "The gradient under the wrong labels against the one under the true labels, layer by layer (depth 0 "
        "is nearest to the image): of features the share of positions that it touches and the share where "
        "it is longer than half of the clean gradient, and of whole layers noise to signal and cosine, as "
        f"means with 95 % intervals over cases and seeds. {_SETTINGS}{_DRAWN}",
    ),
    "costs": Caption(
        "Score against cost",
        "Cost in passes of one network, over a batch in training, over a whole volume elsewhere: training of "
        "all networks, judges, studies and revisions of labels, and teachers, shared "
        "by the methods that use them or each method alone paying for them. On the front is a method that no "
        "other beats in score for as few passes; every other one is named with those of the front that "
        f"dominate it. Only ranked methods. Differences in score may lie within the intervals. {_SETTINGS}"
        f"{_INTERVAL}{_DRAWN}",
    ),
}  # fmt: skip
