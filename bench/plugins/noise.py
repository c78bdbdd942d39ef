"""Kinds of label noise, built in or of installed packages: the one place where a name becomes a simulator."""

# Legend: I J K voxel axes.

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import TYPE_CHECKING, Any

from bench.errors import StageError
from bench.plugins import entry_points
from bench.plugins.checked import answered
from bench.plugins.errors import misfit, sentence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.data.noise.simulator import CleanLabels, Simulator

GROUP = "bench.noise"


def kinds() -> list[str]:
    """All names, those of ``bench`` first; nothing of a package is imported."""
    from bench.data.noise import KINDS  # scipy, which a request without noise does not wait for

    return list(dict.fromkeys((*KINDS, *entry_points.names(GROUP))))


def simulator(name: str, origin: str = "") -> type[Simulator]:
    """The class of a kind, whose fields are its settings.

    Args:
        name: One of ``kinds()``.
        origin: What ``origins`` said when the stage was planned; nothing where it is planned now.

    Raises:
        PluginError: What the package brings is no simulator.
        StageError: The package is not the one that the stage was planned with.
    """
    from bench.data.noise import KINDS

    if name in KINDS:
        return KINDS[name]
    found, kind = _installed(name)
    if origin not in ("", found.origin):
        raise StageError(f"noise {name!r} was planned with {origin}, and here is {found.origin}.")
    return kind


def origins(kind: str) -> dict[str, dict[str, str]]:
    """What the settings of a stage say of where the parts of a kind come from; nothing of built-in ones."""
    from bench.data.noise import KINDS

    brought = {part: _installed(part)[0].origin for part in kind.split("+") if part not in KINDS}
    return {"plugins": brought} if brought else {}


@functools.cache
def _installed(name: str) -> tuple[entry_points.Found, type[Simulator]]:
    from bench.data.noise.simulator import Simulator

    found = entry_points.load(GROUP, name)
    kind, where = found.thing, (found.shown, name)
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        raise misfit(where, "a frozen dataclass", repr(kind), check="members")
    one = kind()
    lacking = [it for it in ("name", "what", "reference", "limit", "corrupt") if not hasattr(one, it)]
    if lacking or not isinstance(one, Simulator):
        raise misfit(
            (*where, lacking[0] if lacking else "corrupt"), "it to be there", "nothing", check="members"
        )
    parameters = inspect.signature(one.corrupt).parameters
    if len(parameters) != 1:
        raise misfit(
            (*where, "corrupt"),
            "a method of one argument, bench.data.noise.simulator.CleanLabels",
            f"({', '.join(parameters)})",
            check="members",
        )
    if one.name != name:
        raise misfit((*where, "name"), f"{name!r}, as its entry point says", repr(one.name), check="members")
    return found, _answering(kind, found.shown)


def _answering(kind: type[Any], shown: str) -> type[Simulator]:
    """The same simulator; what it raises or gives amiss is a ``StageError`` that names it."""
    where = (shown, kind.__name__, "corrupt")

    @functools.wraps(kind.corrupt)
    def corrupt(self: Simulator, clean: CleanLabels) -> NDArray[np.uint8]:
        label_ijk, classes = clean.label_ijk, clean.classes
        shown = dataclasses.replace(clean, label_ijk=label_ijk.copy())
        noisy_ijk: NDArray[np.uint8] = answered(kind.corrupt, (self, shown), where)
        wanted = f"labels of 0..{classes - 1}, uint8 {label_ijk.shape}"
        shape, dtype = getattr(noisy_ijk, "shape", None), getattr(noisy_ijk, "dtype", None)
        if shape != label_ijk.shape or dtype != label_ijk.dtype:
            raise StageError(sentence(where, wanted, f"{dtype or type(noisy_ijk).__name__} {shape or ''}"))
        if int(noisy_ijk.max()) >= classes:
            raise StageError(sentence(where, wanted, f"label {int(noisy_ijk.max())}"))
        return noisy_ijk

    made: type[Simulator] = type(kind.__name__, (kind,), {"__module__": kind.__module__, "corrupt": corrupt})
    return made
