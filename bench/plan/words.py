"""What single words of a request mean: seeds, device, jobs, data sets."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench.data.catalogue import open_dataset
from bench.data.dataset import DataSettings
from bench.errors import UsageError
from bench.files.limits import cores
from bench.files.processor import has_native_bfloat16
from bench.plan.recipes import recipe, resolved
from bench.plugins.datasets import sources_for
from bench.plugins.methods import classes
from bench.settings.serialise import build
from bench.store.store import Store

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from bench.data.dataset import Dataset, Workshop
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


def load_dataset(  # noqa: PLR0913 - the settings of a data set
    name: str,
    *,
    store: str | os.PathLike[str] = "results",
    size: str = "quick",
    first_seed: int = 0,
    variant: str = "",
    spacing_from: str = "",
    validate: bool = True,
) -> Dataset:
    """Open a data set by name; a phantom is made first where the store has none of it.

    Args:
        name: "phantom-heart", "decathlon:DIR", a name that ``bench data add`` gave, ...; `bench data list`
            lists them.
        store: The folder of results in which phantoms and what is known about data are kept.
        size: Of a phantom: "smoke", "quick" or "paper".
        first_seed: Of a phantom: 0 is the benchmark, 1000 and up are for development.
        variant: Of hvsmr2016: "axial_crop", "axial_full" or "sa_crop".
        spacing_from: "pixdim" or "sform": which voxel size holds where headers contradict themselves.
        validate: Whether to look through all files that are new.

    Returns:
        Its channels, structures, and cases for training and test; ``load_case`` reads one of them.

    Raises:
        UsageError: No such name or setting, or the store is in use by another process.
        DataError: A folder or a file is missing or invalid.

    Example:
        >>> import bench
        >>> hearts = bench.load_dataset("phantom-heart", size="smoke")
        >>> hearts.structures, len(hearts.train)
        (('myocardium', 'blood_pool'), 10)
    """
    given = {
        "size": size,
        "first_seed": first_seed,
        "variant": variant,
        "spacing": spacing_from,
        "validate": validate,
    }
    settings = build(DataSettings, given, "load_dataset")
    results = Store(Path(store))
    with results.locked():
        return open_dataset(name, settings, results.workshop, sources_for(name, results.workshop))


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
