"""The table of contestants, and how a user's words choose among them. Imports no torch."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from methods.interface import (
    AfterStep,
    DependsOnStart,
    Doubts,
    Fits,
    ParameterGroups,
    Refines,
    Revises,
    StartsAtTeachers,
    Studies,
    Weighs,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from methods.adele import EarlyLearningMethod
    from methods.bootstrapping import HardBootstrappingMethod, SoftBootstrappingMethod
    from methods.cl_slsr import ConfidentSmoothingMethod
    from methods.co_teaching import CoTeachingMethod
    from methods.cross_entropy import CrossEntropyMethod
    from methods.dast import DivergenceAwareMethod
    from methods.decoupling import DecouplingMethod
    from methods.deep_level_set import DeepLevelSetMethod
    from methods.dense_vox_net import DenseVoxNetMethod
    from methods.forward_correction import ForwardCorrectionMethod
    from methods.generalised_cross_entropy import GeneralisedCrossEntropyMethod, TruncatedCrossEntropyMethod
    from methods.interface import Method
    from methods.jocor import JocorMethod
    from methods.mean_teacher import MeanTeacherMethod
    from methods.mme import MultiModalEncodersMethod
    from methods.noise_adaptation import NoiseAdaptationMethod
    from methods.noise_robust_dice import NoiseRobustDiceMethod
    from methods.symmetric_cross_entropy import SymmetricCrossEntropyMethod
    from methods.t_loss import TLossMethod
    from methods.temporal_ensembling import TemporalEnsemblingMethod
    from methods.tri_net import TriNetMethod
    from methods.two_stream import TwoStreamMethod
    from methods.u_net import UNet2dMethod, UNet3dMethod

    # mypy's proof that each keeps the interface, which the lazy table cannot give.
    _KEPT: tuple[Method, ...] = (
        TwoStreamMethod(),
        DecouplingMethod(),
        DeepLevelSetMethod(),
        DenseVoxNetMethod(),
        UNet2dMethod(),
        UNet3dMethod(),
        MultiModalEncodersMethod(),
        CrossEntropyMethod(),
        GeneralisedCrossEntropyMethod(),
        TruncatedCrossEntropyMethod(),
        SymmetricCrossEntropyMethod(),
        NoiseRobustDiceMethod(),
        TLossMethod(),
        SoftBootstrappingMethod(),
        HardBootstrappingMethod(),
        CoTeachingMethod(),
        JocorMethod(),
        TriNetMethod(),
        NoiseAdaptationMethod(),
        ForwardCorrectionMethod(),
        MeanTeacherMethod(),
        TemporalEnsemblingMethod(),
        ConfidentSmoothingMethod(),
        DivergenceAwareMethod(),
        EarlyLearningMethod(),
    )


class Entry(NamedTuple):
    """Where a method's class is."""

    module: str
    attribute: str


METHODS: Mapping[str, Entry] = MappingProxyType(
    {
        "tsman": Entry("methods.two_stream", "TwoStreamMethod"),
        "decoupling": Entry("methods.decoupling", "DecouplingMethod"),
        "deep-level-set": Entry("methods.deep_level_set", "DeepLevelSetMethod"),
        "densevoxnet": Entry("methods.dense_vox_net", "DenseVoxNetMethod"),
        "unet-2d": Entry("methods.u_net", "UNet2dMethod"),
        "unet-3d": Entry("methods.u_net", "UNet3dMethod"),
        "mme": Entry("methods.mme", "MultiModalEncodersMethod"),
        "cross-entropy": Entry("methods.cross_entropy", "CrossEntropyMethod"),
        "gce": Entry("methods.generalised_cross_entropy", "GeneralisedCrossEntropyMethod"),
        "truncated-gce": Entry("methods.generalised_cross_entropy", "TruncatedCrossEntropyMethod"),
        "sce": Entry("methods.symmetric_cross_entropy", "SymmetricCrossEntropyMethod"),
        "nr-dice": Entry("methods.noise_robust_dice", "NoiseRobustDiceMethod"),
        "t-loss": Entry("methods.t_loss", "TLossMethod"),
        "bootstrap-soft": Entry("methods.bootstrapping", "SoftBootstrappingMethod"),
        "bootstrap-hard": Entry("methods.bootstrapping", "HardBootstrappingMethod"),
        "co-teaching": Entry("methods.co_teaching", "CoTeachingMethod"),
        "jocor": Entry("methods.jocor", "JocorMethod"),
        "tri-net": Entry("methods.tri_net", "TriNetMethod"),
        "noise-adaptation": Entry("methods.noise_adaptation", "NoiseAdaptationMethod"),
        "forward-correction": Entry("methods.forward_correction", "ForwardCorrectionMethod"),
        "mean-teacher": Entry("methods.mean_teacher", "MeanTeacherMethod"),
        "temporal-ensembling": Entry("methods.temporal_ensembling", "TemporalEnsemblingMethod"),
        "cl-slsr": Entry("methods.cl_slsr", "ConfidentSmoothingMethod"),
        "dast": Entry("methods.dast", "DivergenceAwareMethod"),
        "adele": Entry("methods.adele", "EarlyLearningMethod"),
    }
)
"""Every method by name; a new one is one file and one line."""
PAPER: tuple[str, ...] = ("tsman", "decoupling", "deep-level-set", "densevoxnet")
"""The four that P compares."""
CAPABILITIES = (
    ParameterGroups, AfterStep, Revises, Refines, Studies, Doubts, Weighs, Fits, StartsAtTeachers,
    DependsOnStart,
)  # fmt: skip
"""What a method may do beside what it must."""


def method(name: str) -> Method:
    """The registered method of this name, with its default settings.

    Raises:
        ValueError: If there is none.
    """
    _refuse_unknown((name,), METHODS)
    found: Method = _class_of(name)()
    return found


def _class_of(name: str) -> type[Any]:
    """The class of a registered method, imported from its module."""
    entry = METHODS[name]
    found: type[Any] = getattr(import_module(entry.module), entry.attribute)
    return found


class _Classes(Mapping[str, type[Any]]):
    """Name -> class; a registered method is imported when its class is looked up."""

    def __init__(self, extra: Mapping[str, type[Any]]) -> None:
        self._extra = extra

    def __getitem__(self, name: str) -> type[Any]:
        return self._extra[name] if name in self._extra else _class_of(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*METHODS, *self._extra)))

    def __len__(self) -> int:
        return len(METHODS.keys() | self._extra.keys())


def classes(extra: Mapping[str, type[Any]] = MappingProxyType({})) -> Mapping[str, type[Any]]:
    """The class of each method by name, whose fields are its settings; a lookup imports that method alone.

    Args:
        extra: Classes of methods that are not registered here, by name.
    """
    return _Classes(extra)


def select(
    text: str, extra: Mapping[str, Method] = MappingProxyType({}), installed: Collection[str] = ()
) -> list[str]:
    """The names that a user's words choose, in the order written.

    Args:
        text: Names with commas between; "all" is P's four and ``extra``, "every" is all registered and
            ``extra`` and ``installed``, "!name" takes one away; alone, it takes it away from "all".
        extra: Methods from plug-ins, by name.
        installed: Names that installed packages bring.

    Raises:
        ValueError: If a name is unknown, or nothing is left.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    wanted = [word for word in words if not word.startswith("!")]
    unwanted = {word[1:].strip() for word in words if word.startswith("!")}
    known = tuple(dict.fromkeys((*METHODS, *extra, *installed)))
    groups = {"all": (*PAPER, *extra), "every": known}
    _refuse_unknown((*(word for word in wanted if word not in groups), *unwanted), known)
    if unwanted and not wanted:
        wanted = ["all"]
    names = [name for word in wanted for name in groups.get(word, (word,))]
    chosen = [name for name in dict.fromkeys(names) if name in known and name not in unwanted]
    if not chosen:
        raise ValueError(f"{text!r} chooses no method; choose from all, every, {', '.join(known)}")
    return chosen


def why_unfit(contestant: Method, channels: int, classes: int) -> str:
    """Why a method cannot be trained on images of so many channels and classes; empty where it can."""
    return contestant.fits(channels, classes) if isinstance(contestant, Fits) else ""


def describe(contestant: Method) -> dict[str, Any]:
    """A method as plain JSON: what it is, what it declares and every setting."""
    return {
        "name": contestant.name,
        "version": contestant.version,
        "reference": contestant.reference,
        "networks": contestant.networks,
        "capabilities": [kind.__name__ for kind in CAPABILITIES if isinstance(contestant, kind)],
        "settings": _plain(asdict(contestant)),  # type: ignore[call-overload]
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 settings hold anything that JSON knows
    """Tuples as lists, so that the description equals what JSON gives back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _refuse_unknown(names: Iterable[str], known: Iterable[str]) -> None:
    choices = list(known)
    for name in names:
        if name not in choices:
            shown = name[:100]  # of a word of thousands of letters no more is read
            nearest = difflib.get_close_matches(shown, choices, n=1, cutoff=0.0)
            hint = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise ValueError(f"unknown method {shown!r}; {hint}choose from {', '.join(choices)}")
