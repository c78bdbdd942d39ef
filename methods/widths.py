"""How wide a network that is no DenseVoxNet is, by the stream of the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from methods.interface import StreamConfig

LEAST = 4
"""Channels below which a network draws nothing."""


def full_size_width(width: int, stream: StreamConfig) -> int:
    """Channels at full resolution: the width that is set, or for 0 half of what the stream has there.

    So 8 in the recipes for the CPU and 32 in ``paper`` (docs/decisions/0015).
    """
    return width or max(stream.decoder[1] // 2, LEAST)


def demand_ensemble(networks: int, width: int) -> None:
    """Refuse an ensemble of no networks, or a width that no network has.

    Raises:
        ValueError: With the setting and its range.
    """
    if not 1 <= networks <= 100:
        raise ValueError(f"networks {networks} must be in 1..100")
    if not 0 <= width <= 1024:
        raise ValueError(f"width {width} must be in 0..1024; 0 takes half of the stream's last")
