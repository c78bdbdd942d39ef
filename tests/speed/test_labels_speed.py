"""The label map of a volume, and the mean over twelve views, beside what torch offers for them."""

import subprocess
import sys
from pathlib import Path

import torch

from tsman.distillation import VIEWS, distil
from tsman.labels import hard_label
from tsman.settings import DistillationSettings

SHAPE = (200, 140, 120)
CLASSES = 3
TWELVE = DistillationSettings(views="axial-12")


def test_label_map_beside_argmax(side_by_side):
    score_nijk = torch.rand(CLASSES, *SHAPE, generator=torch.Generator().manual_seed(0))
    plain, fast = side_by_side(
        "label map of a 200x140x120 volume, three classes",
        "torch.argmax",
        lambda: score_nijk.argmax(dim=0),
        lambda: hard_label(score_nijk, dim=0),
        target=15,
        sense="times faster",
    )
    assert torch.equal(fast.long(), plain)


def teacher_of_the_whole():
    """A volume of probabilities, and a teacher that says it through any view without a computation."""
    seen_nijk = torch.rand(CLASSES, *SHAPE, generator=torch.Generator().manual_seed(0))
    said = {view: view.apply(seen_nijk).contiguous() for view in VIEWS["axial-12"][:2]}
    by_shape = {tuple(one_nijk.shape): one_nijk for one_nijk in said.values()}
    return seen_nijk, lambda image_cijk: by_shape[CLASSES, *image_cijk.shape[1:]]


def test_mean_over_views_beside_in_place_adds(side_by_side):
    seen_nijk, teacher = teacher_of_the_whole()
    image_cijk, sum_nijk = torch.zeros(1, *SHAPE), torch.zeros_like(seen_nijk)

    def adds():
        sum_nijk.zero_()
        for _ in VIEWS["axial-12"]:
            sum_nijk.add_(seen_nijk)

    _, fast = side_by_side(
        "mean over 12 views of that volume, and its label map",
        "twelve in-place adds",
        adds,
        lambda: distil([teacher], image_cijk, TWELVE),
        target=8,
        sense="times as long",
    )
    plain_nijk = torch.stack(
        [view.invert(teacher(view.apply(image_cijk))) for view in VIEWS["axial-12"]]
    ).mean(0)
    assert torch.allclose(fast.probability_nijk, plain_nijk, atol=1e-6)
    assert torch.equal(fast.label_ijk.long(), fast.probability_nijk.argmax(dim=0))


def test_memory_of_the_mean_over_views(side_by_side, gives_back):
    command = [sys.executable, __file__]
    runs = [
        subprocess.run(command, env=gives_back, check=True, capture_output=True, text=True) for _ in range(3)
    ]
    grown = [int(run.stdout.split()[0]) for run in runs]
    returned = int(runs[0].stdout.split()[1])
    volume = 4 * CLASSES * SHAPE[0] * SHAPE[1] * SHAPE[2]
    side_by_side.value(
        "extra memory of that mean over 12 views",
        "one volume of probabilities",
        [(one - returned) / volume for one in grown],
        target=1,
        sense="at most",
        unit="volumes",
        note="beside the mean and the label that it returns",
    )
    assert returned == volume + volume // (4 * CLASSES)


def measure_memory():
    """Bytes by which this process grew at most in a mean over 12 views, and the bytes that it got back."""
    torch.set_num_threads(1)
    _, teacher = teacher_of_the_whole()
    image_cijk = torch.zeros(1, *SHAPE)
    distil(
        [lambda image: torch.zeros(3, *image.shape[1:])], torch.zeros(1, 8, 8, 8), TWELVE
    )  # loads the code
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = peak_bytes()
    found = distil([teacher], image_cijk, TWELVE)
    sys.stdout.write(f"{peak_bytes() - before} {found.probability_nijk.nbytes + found.label_ijk.nbytes}\n")


def peak_bytes():
    """The largest resident size since ``clear_refs``, which ``resource`` would not forget."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    measure_memory()
