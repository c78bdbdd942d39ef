"""The layers of the network as a diagram words them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from reports.inputs.images import LAYER_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

_SHORT: Final = {
    "batch normalisation": "BN", "convolution": "conv", "deconvolution": "deconv", "max pooling": "max pool",
    "deconvolution a class": "deconv", "Gaussian smoothing": "Gaussian",
    "Gaussian smoothing in plane": "Gaussian",
}  # fmt: skip
_TITLES: Final = {
    "block1": "dense block 1", "block2": "dense block 2", "pool": "pooling", "up1": "upsampling 1",
    "up2": "upsampling 2",
}  # fmt: skip
FUSIONS: Final = {"add": "+", "concatenate": "∥", "absolute difference": "Δ", "take the other": "⇄"}
"""How an attention brings the streams together, and the sign for it."""
_GAIN: Final = "multiply by "


@dataclass(frozen=True, slots=True)
class Layer:
    """A row of LAYER_COLUMNS."""

    block: str
    site: str
    operation: str
    kernel: int
    stride: int
    channels_in: int
    channels_out: int
    resolution: float
    repeats: int

    @property
    def gain(self) -> str:
        """What a feature is multiplied by, such as ``2a``; empty for any other layer."""
        return self.operation.removeprefix(_GAIN) if self.operation.startswith(_GAIN) else ""

    @property
    def name(self) -> str:
        """The operation, in as few letters as a box has room for, with its kernel."""
        axes = "²" if self.operation.endswith("in plane") else "³"
        return _SHORT.get(self.operation, self.operation) + (f" {self.kernel}{axes}" if self.kernel else "")

    @property
    def learns(self) -> bool:
        """Whether it has channels of its own to name."""
        return self.operation in {"convolution", "deconvolution", "linear"}


def read(layers: pd.DataFrame) -> list[Layer]:
    """The rows in their order.

    Raises:
        ValueError: A column is missing.
    """
    if absent := [column for column in LAYER_COLUMNS if column not in layers]:
        raise ValueError(f"the description of the network lacks the columns {', '.join(absent)}")
    return [
        Layer(
            block=str(row["block"]),
            site=str(row["site"]),
            operation=str(row["operation"]),
            kernel=int(row["kernel"]),
            stride=int(row["stride"]),
            channels_in=int(row["channels_in"]),
            channels_out=int(row["channels_out"]),
            resolution=float(row["resolution"]),
            repeats=int(row["repeats"]),
        )
        for row in layers.to_dict("records")
    ]


def lines(layers: Iterable[Layer]) -> list[str]:
    """The layers of a box, line by line; those that have no numbers share a line."""
    found: list[str] = []
    after_plain = False
    for layer in layers:
        bare = not layer.kernel and not layer.learns
        if layer.operation == "dense unit":
            found += [f"{layer.repeats} × (BN, ReLU,", f"conv {layer.kernel}³, + {layer.channels_out})"]
        elif bare and after_plain:
            found[-1] += f", {layer.name}"
        else:
            found.append(layer.name)
        if layer.stride > 1:
            found.append(f"stride {layer.stride}")
        if layer.learns:
            found.append(f"{layer.channels_in} → {layer.channels_out}")
        after_plain = bare
    return found


def resolution(share: float) -> str:
    """The share of the image's side in words."""
    return "full resolution" if share == 1 else f"{Fraction(share).limit_denominator(64)} resolution"


def by_block(layers: Iterable[Layer]) -> dict[str, list[Layer]]:
    """The layers of each attention, f1 to f4, by its name."""
    blocks: dict[str, list[Layer]] = {}
    for layer in layers:
        if layer.block.startswith("f"):
            blocks.setdefault(layer.block, []).append(layer)
    return blocks


def is_channel_wise(rows: Iterable[Layer]) -> bool:
    """Whether an attention weighs channels, not voxels."""
    return any(layer.operation == "global average" for layer in rows)


def title(site: str) -> str:
    """A stage of the stream in words."""
    return _TITLES.get(site, site)
