"""Every figure of the paper, in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.figures.attention import attention
from reports.figures.chart import Chart
from reports.figures.curves import five_label_curve, xi_curve
from reports.figures.disagreement import disagreement
from reports.figures.network import network
from reports.figures.pipeline import pipeline
from reports.figures.sections import sections
from reports.figures.spread import spread

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

FIGURES: Final[Mapping[str, Chart]] = {
    "figure1": Chart(
        lambda _, exhibits: pipeline(exhibits.stages),
        "The pipeline",
        "The pipeline of the self-training framework, drawn from the stages that were run: the split decides "
        "which cases keep their manual labels, teachers are trained on those, hierarchical distillation "
        "makes pseudo labels for the rest, the student is retrained on the mixed data and scored on the test "
        "cases. Under each title stands the beginning of the stage's key; “× n” is n stages of a kind. An "
        "arrow leads from a stage to one that reads it.",
        ("hvsmr",),
        once=True,
    ),
    "figure2": Chart(
        lambda _, exhibits: network(exhibits.layers),
        "The two streams and the attention between them",
        "The diagram of TSMAN, drawn from the layers of the network that was trained. Boxes hold kernel "
        "sizes, strides and channels; below them stands the size of the output as a share of the image's "
        "side. Each attention reads the features of both streams behind a stage and scales both by its maps "
        "(a, â); f4 weighs every voxel's loss (w). The auxiliary branches are for training alone; the final "
        "prediction is the mean of both softmaxes.",
        ("hvsmr",),
        once=True,
    ),
    "figure3": Chart(
        lambda records, exhibits: disagreement(exhibits.of(records), _datasets(records)),
        "Where the two streams disagree",
        "The black voxels in (b) are those of slice (a) for which the predictions of the two streams are "
        "different. (c) is obtained by smoothing (b) with a Gaussian (P, Eq. 7): the weight of each voxel's "
        "loss, black where it is largest. After smoothing, more voxels take part in back-propagation. The "
        "slice is the axial one of a withheld training case on which most voxels disagree.",
        ("hvsmr",),
    ),
    "figure4": Chart(
        lambda _, exhibits: attention(exhibits.layers),
        "Spatial and channel-wise attention",
        "The spatial attention (a) and the channel-wise attention (b), drawn from the layers of the network "
        "that was trained. The blue circles bring the streams together (+ is element-wise addition); M and "
        "C are the size and the channels of the feature map.",
        ("hvsmr",),
        once=True,
    ),
    "figure5": Chart(
        lambda records, exhibits: sections(exhibits.of(records), _datasets(records)),
        "Wrong labels, weakened gradients, and the prediction before and after",
        "Two sections of a withheld training case, each where most voxels are wrong: (a) the image with the "
        "true labels. The labels in the coloured regions of (b) and (c) are wrong: the colour is that of "
        "the wrong label, cyan where a structure was missed. The gradients in the yellow regions are "
        "weakened by f3 (b) and f4 (c): the more yellow, the smaller the response in the attention map; a "
        "wrong label that is yellow inside its outline was weakened. Below stands the mean weight of wrong "
        "and right labels over the whole volume. (d) and (e) are the predictions before and after "
        "retraining; yellow is incorrect. Radiological view: the patient's right is on the left.",
        ("hvsmr",),
    ),
    "figure6": Chart(
        lambda records, _: xi_curve(records),
        "Every method over ξ",
        "Overall score and mean Dice on the test cases over ξ, the share of training cases that keep their "
        "manual label; the rest have pseudo labels. A point is the mean over cases, then over seeds; the "
        "band runs from the lowest to the highest seed (none with one seed). Dashed: the same method "
        "trained on all manual labels. A cross marks a ξ where a case failed, so that there is no mean; a "
        "triangle at the edge a mean below the axis, pulled there by empty predictions: its value is in the "
        "table. At the right edge they stand for a dashed line that is not there.",
        ("hvsmr",),
    ),
    "figure7": Chart(
        lambda records, _: five_label_curve(records),
        "Mean Dice of the five labels over ξ",
        "Mean Dice on the test cases over ξ, the share of training cases that keep their manual label; the "
        "mean is over the five labels of BRATS 2015, background included, as the paper prints it. A point is "
        "the mean over cases, then over seeds; the band runs from the lowest to the highest seed (none with "
        "one seed). Dashed: trained on all manual labels. A cross marks a ξ where a case failed, so that "
        "there is no mean.",
        ("brats",),
    ),
    "case_scores": Chart(
        lambda records, _: spread(records),
        "Every case at one ξ",
        "What stands behind the means: every test case of every seed, students at the largest ξ below 1 and "
        "the same methods trained on all manual labels. A point is a case, the dash their mean; points lie "
        "beside one another only so that none hides another. A failed case has no point and is counted below "
        "the method's name.",
    ),
}


def _datasets(records: pd.DataFrame) -> frozenset[str]:
    return frozenset(str(name) for name in records["dataset"].unique())
