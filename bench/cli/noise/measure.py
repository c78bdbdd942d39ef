"""``bench noise measure``: the noise between two label maps, or two folders of them, from any tool."""

from __future__ import annotations

import statistics
import textwrap
from typing import TYPE_CHECKING, Final

from bench.cli import console
from bench.data.images.grids import check_same_grid
from bench.data.images.volumes import canonical_spacing_mm, read_label
from bench.data.label_pairs import pairs, structures_of
from bench.data.noise import realised
from bench.data.noise.realised import MeasuredNoise
from bench.settings.serialise import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.data.images.grids import SpacingFrom

    Measured = Mapping[str, Mapping[str, MeasuredNoise]]  # case -> structure -> what was measured

WIDTH: Final = 80
MEANS: Final = ("rate", "dice", "shift_mm", "absolute_shift_mm")
_SHOWN: Final = 3  # shortfalls that are told in full


def measure(clean: Path, noisy: Path, *, as_json: bool, spacing_from: SpacingFrom = "") -> int:
    """Measure and print; a folder's files are matched by name.

    Raises:
        DataError: Something is missing, or does not lie on the same grid.
    """
    named = pairs(noisy, clean)
    structures = structures_of(named, spacing_from)
    found = {case: _pair(one, other, structures, spacing_from) for case, other, one in named}
    if as_json:
        console.say_json(
            [
                {
                    "case": case,
                    "structure": structure,
                    **_alone(one),
                }
                for case, structures in found.items()
                for structure, one in structures.items()
            ]
        )
        return 0
    rows = [
        [_short(case), name, f"{one.voxels_clean}", f"{one.removed}", f"{one.added}", *_numbers(one)]
        for case, structures in found.items()
        for name, one in structures.items()
    ]
    header = ["case", "structure", "voxels", "lost", "gained", "rate", "dice", "shift", "|shift|"]
    console.say(console.table(rows, header))
    if len(found) > 1:
        console.say()
        say_summary(found)
    return 0


def _alone(one: MeasuredNoise) -> dict[str, object]:
    """The fields of a measurement as plain JSON, without those of a rate that was asked for."""
    return {key: value for key, value in plain(one).items() if key not in ("wanted", "shortfall")}


def _pair(
    clean: Path, noisy: Path, structures: Sequence[int], spacing_from: SpacingFrom
) -> dict[str, MeasuredNoise]:
    """The noise of each structure."""
    clean_ijk, grid = read_label(clean, spacing_from=spacing_from)
    noisy_ijk, own = read_label(noisy, spacing_from=spacing_from)
    for sentence in (*grid.warnings, *own.warnings):
        console.warn(f"warning: {sentence}")
    check_same_grid(grid, own, noisy)
    return realised(clean_ijk, noisy_ijk, canonical_spacing_mm(grid), structures)


def say_summary(cases: Measured) -> None:
    """A line for each structure over all cases, what was not reached, and where wrong voxels lie."""
    structures = list(dict.fromkeys(name for case in cases.values() for name in case))
    of = {name: [case[name] for case in cases.values() if name in case] for name in structures}
    rows = [[name, f"{len(of[name])}", _range(of[name]), *_numbers(_mean(of[name]))] for name in structures]
    console.say(
        console.table(rows, ["structure", "cases", "rate from-to", "rate", "dice", "shift", "|shift|"])
    )
    console.say("Means over cases; shift of the boundary in mm, above 0 outwards.")
    _say_distances(of)
    _say_shortfalls(cases)


def _say_distances(of: Mapping[str, list[MeasuredNoise]]) -> None:
    """The mean shares of wrong voxels by their distance to the clean boundary."""
    there = {name: [one.by_distance_mm for one in found if one.by_distance_mm] for name, found in of.items()}
    rows = [
        [name, *(f"{statistics.fmean(one[edge] for one in found):.2f}" for edge in found[0])]
        for name, found in there.items()
        if found
    ]
    if rows:
        edges = next(list(found[0]) for found in there.values() if found)
        console.say()
        console.say("Share of wrong voxels by their distance to the clean boundary, mm:")
        console.say(console.table(rows, ["structure", *edges]))


def _say_shortfalls(cases: Measured) -> None:
    """How many structures of cases are not at their rate, and the first of them."""
    missed = [
        f"{case}, {name}: {one.shortfall}"
        for case, structures in cases.items()
        for name, one in structures.items()
        if one.shortfall
    ]
    if not missed:
        return
    console.say()
    console.say(f"{len(missed)} of {sum(map(len, cases.values()))} structures are not at their rate:")
    for sentence in missed[:_SHOWN]:
        console.say(textwrap.fill(f"- {sentence}.", WIDTH, subsequent_indent="  "))
    if len(missed) > _SHOWN:
        console.say(f"- and {len(missed) - _SHOWN} more.")


def _mean(found: list[MeasuredNoise]) -> MeasuredNoise:
    """The mean of each number over the cases that have it."""
    there = {key: [value for one in found if (value := getattr(one, key)) is not None] for key in MEANS}
    means = {key: statistics.fmean(values) if values else None for key, values in there.items()}
    return MeasuredNoise(
        rate=means["rate"],
        dice=means["dice"],
        shift_mm=means["shift_mm"],
        absolute_shift_mm=means["absolute_shift_mm"],
    )


def _numbers(one: MeasuredNoise) -> list[str]:
    return [
        "–" if number is None else f"{round(number, digits) + 0.0:.{digits}f}"
        for number, digits in ((one.rate, 3), (one.dice, 3), (one.shift_mm, 2), (one.absolute_shift_mm, 2))
    ]


def _range(found: list[MeasuredNoise]) -> str:
    rates = [one.rate for one in found if one.rate is not None]
    return f"{min(rates):.3f}-{max(rates):.3f}" if rates else "–"


def _short(case: str) -> str:
    """The case in as many letters as leave room for the numbers."""
    return textwrap.shorten(case, 22, placeholder="…") if " " in case else case[:22]
