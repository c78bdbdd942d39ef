"""Segmenting a whole volume, beside what the network alone takes for the same windows or passes."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median

import pytest
import torch

from bench.plan.recipes import recipe
from bench.settings.schema import Inference
from bench.stages.inference import segment
from methods.registry import classes
from tsman.distillation import VIEWS, distil
from tsman.settings import DistillationSettings

QUICK_SHAPE = (80, 64, 56)  # a heart phantom of the quick recipe


def noise(*shape):
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))


def windows_of(image_cijk, inference, patch):
    """The batches of windows that a network is shown."""
    shown = []

    def look(window_bcijk):
        shown.append(window_bcijk.clone())
        return window_bcijk.expand(-1, 3, -1, -1, -1) * 0 + 1 / 3

    segment(image_cijk, look, inference, patch)
    return shown


WINDOWS = {
    "80x64x56 volume, narrow network, windows as HeartSeg": ("quick", QUICK_SHAPE, "heartseg"),
    "96x96x64 volume, DenseVoxNet, half overlap": ("paper", (96, 96, 64), "overlap"),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_sliding_windows_beside_the_network_alone(side_by_side, trained_of, name):
    size, shape, window = WINDOWS[name]
    trained, patch = trained_of(size), recipe(size, [], classes()).sampling.patch
    image_cijk, inference = noise(*shape), Inference(window=window)
    windows = windows_of(image_cijk, inference, patch)
    answers, fast = side_by_side(
        f"sliding-window inference of a {name}",
        "the network on the same windows",
        lambda: [trained.predict(window_bcijk) for window_bcijk in windows],
        lambda: trained.segment(image_cijk, inference, patch),
        target=1.05,
        sense="times as long",
        rounds=5,
        note=f"{sum(map(len, windows))} windows",
    )
    said = iter(answers)
    again = segment(image_cijk, lambda _: next(said), inference, patch)
    assert torch.equal(again, fast)


def test_distillation_beside_plain_inferences(side_by_side, trained_of):
    predictors = three_teachers(trained_of)
    image_cijk = noise(*QUICK_SHAPE)
    settings = DistillationSettings(views="axial-12")

    def inferences():
        return [predict(image_cijk) for predict in predictors for _ in VIEWS["axial-12"]]

    _, fast = side_by_side(
        "distillation of an 80x64x56 volume, 3 teachers, 12 views",
        "36 plain inferences",
        inferences,
        lambda: distil(predictors, image_cijk, settings),
        target=1.02,
        sense="times as long",
        rounds=7,
    )
    seen = [
        view.invert(predict(view.apply(image_cijk))) for predict in predictors for view in VIEWS["axial-12"]
    ]
    assert torch.allclose(fast.probability_nijk, torch.stack(seen).mean(0), atol=1e-5)


def three_teachers(trained_of):
    whole = Inference(window="whole")
    return [partial(trained_of("quick").segment, inference=whole, patch=(48, 48, 48)) for _ in range(3)]


def test_memory_of_distillation_is_the_same_for_any_number_of_views(side_by_side, gives_back):
    one, eight, twelve = (
        [grown_bytes(views, gives_back) for _ in range(3)] for views in ("identity", "axial-4x3", "axial-12")
    )
    # A single view needs neither a running sum while the network works nor a turned copy of the image.
    sums = (median(twelve) - median(one)) / (4 * 3 * 80 * 64 * 56)
    side_by_side.value(
        "peak memory of that distillation, 12 views",
        "8 views",
        [more / less for more, less in zip(twelve, eight, strict=True)],
        target=1.05,
        sense="at most",
        unit="times as much",
        note=f"{median(twelve) / 2**20:.0f} MiB; {sums:.1f} volumes of probabilities more than with one view",
    )
    assert min(one) > 4 * 3 * 80 * 64 * 56, "at least the probabilities themselves were seen"


def grown_bytes(views, gives_back):
    """Bytes by which a process of its own grew at most while it distilled."""
    command = [sys.executable, __file__, views]
    return int(subprocess.run(command, env=gives_back, check=True, capture_output=True, text=True).stdout)


def measure_memory(views):
    from conftest import method_at_work

    torch.set_num_threads(1)
    predictors, image_cijk = three_teachers(method_at_work), noise(*QUICK_SHAPE)
    distil(predictors, noise(16, 16, 16), DistillationSettings(views=views))  # loads the code
    before = resident_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    distil(predictors, image_cijk, DistillationSettings(views=views))
    sys.stdout.write(f"{resident_bytes('VmHWM') - before}\n")


def resident_bytes(name):
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{name}:")[2].split()[0])


if __name__ == "__main__":
    measure_memory(sys.argv[1])
