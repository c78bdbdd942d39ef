"""The parts that the specifications of many stages have in common: a recipe on one data set with one seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from bench.plugins import metrics
from bench.plugins.methods import origin_of
from bench.plugins.noise import origins, simulator
from bench.settings.serialise import Shared, build, plain
from bench.settings.stage_specs import MeasuredSpec, MethodReference, NoisyLabelsSpec, TrainingSpec
from methods.interface import Revises, Studies

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.plan.experiments import Noise
    from bench.plan.recipes import Recipe
    from bench.settings.schema import Optimiser
    from bench.settings.stage_specs import Identity
    from methods.interface import Method

T_co = TypeVar("T_co", covariant=True)
Trained = TypeVar("Trained", bound=TrainingSpec)
Measured = TypeVar("Measured", bound=MeasuredSpec)


class Lacking(Protocol[T_co]):
    """A specification that lacks what its kind of stage adds; called with that, it is whole."""

    def __call__(self, **own: object) -> T_co:
        """The whole specification."""


@dataclass(frozen=True, slots=True)
class SharedSpecs:
    """A recipe on one data set with one seed."""

    recipe: Recipe
    dataset: Dataset
    seed: int
    shared: Shared = field(default_factory=dict, repr=False, compare=False)  # their JSON, taken once

    @property
    def channels(self) -> int:
        """The channels of each image."""
        return len(self.dataset.channels)

    @property
    def classes(self) -> int:
        """The structures and the background."""
        return len(self.dataset.structures) + 1

    def training(
        self, kind: type[Trained], method: Method, steps: int, optimiser: Optimiser | None = None
    ) -> Lacking[Trained]:
        """How a stage of a kind trains a method, by the recipe's optimiser if no other is given."""
        origin, segments = origin_of(method).get("plugin", ""), isinstance(method, Revises | Studies)
        return partial(
            kind,
            method=MethodReference(
                name=method.name,
                version=method.version,
                settings=plain(method, self.shared),
                plugin=origin,
            ),
            stream=self.recipe.stream,
            sampling=self.recipe.sampling,
            optimiser=optimiser or self.recipe.optimiser,
            steps=steps,
            seed=self.seed,
            compute=self.recipe.compute,
            channels=self.channels,
            classes=self.classes,
            inference=self.recipe.inference if segments else None,
            patch=self.recipe.sampling.patch if segments else None,
        )

    def measured(self, kind: type[Measured], identity: Identity) -> Lacking[Measured]:
        """What is measured of the stage that an identity names, and how."""
        brought = metrics.settings_of(self.recipe.metrics.more)
        return partial(
            kind,
            identity=identity,
            metrics=self.recipe.metrics,
            compute=self.recipe.compute,
            structures=tuple(self.dataset.structures),
            background=self.dataset.background_scored,
            plugins=brought.get("plugins", {}),
            units=brought.get("units", {}),
        )

    def noisy_labels(self, noise: Noise, split_seed: int) -> NoisyLabelsSpec:
        """Injected noise, with the settings of each part of its kind."""
        changed = self.recipe.noise
        return NoisyLabelsSpec(
            kind=noise.kind,
            rate=noise.rate,
            settings={
                part: plain(build(simulator(part), changed.get(part, {}), f"noise {part}"))
                for part in noise.kind.split("+")
            },
            seed=split_seed,
            classes=self.classes,
            structures=tuple(self.dataset.structures),
            plugins=origins(noise.kind).get("plugins", {}),
        )
