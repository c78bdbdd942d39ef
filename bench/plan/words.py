"""What single words of ``bench run`` mean: seeds, device, jobs, data sets."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.catalogue import open_dataset
from bench.errors import UsageError
from bench.files.limits import cores
from bench.files.processor import has_native_bfloat16
from bench.plan.recipes import recipe, resolved
from bench.plugins.datasets import sources_for
from bench.plugins.methods import classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.data.dataset import Dataset, DataSettings, Workshop
    from bench.plan.recipes import Recipe

LOGGER = logging.getLogger(__name__)

MOST_SEEDS = 1000


def datasets_of(text: str, settings: DataSettings, workshop: Workshop) -> tuple[Dataset, ...]:
    """The data sets with commas between, each opened once.

    Raises:
        UsageError: Two different ones bear the same name: their records could not be told apart.
    """
    opened: dict[str, Dataset] = {}
    for spec in dict.fromkeys(part.strip() for part in text.split(",")):
        dataset = open_dataset(spec, settings, workshop, sources_for(spec, workshop))
        if dataset.name in opened and opened[dataset.name].id != dataset.id:
            raise UsageError(
                f"two data sets are called {dataset.name!r}; give one another name with `bench data add`."
            )
        opened[dataset.name] = dataset
    return tuple(opened.values())


def seeds_of(text: str, default: int) -> tuple[int, ...]:
    """``3`` is 0, 1, 2; ``0,2`` is those two; nothing is the recipe's number.

    Raises:
        UsageError: Not whole numbers >= 0, none at all, or one twice.
    """
    if not text:
        return tuple(range(default))
    try:
        listed = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise UsageError(f"seeds {text!r} are not whole numbers; write 3 for 0, 1, 2, or 0,2.") from None
    if "," not in text and listed:
        listed = list(range(min(listed[0], MOST_SEEDS + 1)))
    if not listed or min(listed) < 0 or len(set(listed)) < len(listed) or len(listed) > MOST_SEEDS:
        raise UsageError(f"seeds {text!r} must be 1 to {MOST_SEEDS} different whole numbers from 0 up.")
    return tuple(listed)


def recipe_of(name: str, changes: Sequence[str], device: str) -> Recipe:
    """The recipe with its changes, resolved for the device; nothing is the default of the device."""
    chosen = recipe(name or ("quick" if device == "cpu" else "standard"), changes, classes())
    return resolved(chosen, device=device, native_bfloat16=has_native_bfloat16())


def device_of(text: str) -> str:
    """The device to compute on; ``auto`` takes a GPU where there is one.

    Raises:
        UsageError: No such device here.
    """
    kind, _, index = text.partition(":")
    if kind == "cpu" and not index:
        return "cpu"
    if kind not in ("auto", "cuda") or (index and not (kind == "cuda" and re.fullmatch("[0-9]{1,3}", index))):
        raise UsageError(f"device {text!r} is not known; choose auto, cpu, cuda or cuda:0.")
    if kind == "auto" and not Path("/dev/nvidia0").exists():
        return "cpu"
    import torch

    if torch.cuda.is_available() and int(index or 0) < torch.cuda.device_count():
        return "cuda" if kind == "auto" else text
    if kind == "auto":
        return "cpu"
    raise UsageError(f"device {text!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices.")


def jobs_of(wanted: int, threads: int, device: str) -> int:
    """As many workers as the cores bear; one for a GPU."""
    if wanted < 0:
        raise UsageError(f"--jobs {wanted} must be at least 1 (0 takes as many as the cores bear).")
    most = max(cores() // threads, 1)
    if wanted == 0:
        return most if device == "cpu" else 1
    if wanted > most:
        LOGGER.warning(
            f"note: {wanted} jobs of {threads} threads are more than {cores()} cores; taking {most}."
        )
    return min(wanted, most)
