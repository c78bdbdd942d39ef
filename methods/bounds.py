"""Settings of a method that are refused."""

from __future__ import annotations


def demand_between(settings: object, name: str, low: float, high: float) -> None:
    """Refuse a setting outside its range, both ends included.

    Raises:
        ValueError: With the setting, its value and the range.
    """
    value = getattr(settings, name)
    if not low <= value <= high:
        raise ValueError(f"{name} {value} must be in [{low:g}, {high:g}]")


def demand_networks(networks: int) -> None:
    """Refuse an ensemble of no networks.

    Raises:
        ValueError: With the number and its range.
    """
    if not 1 <= networks <= 100:
        raise ValueError(f"networks {networks} must be in 1..100")
