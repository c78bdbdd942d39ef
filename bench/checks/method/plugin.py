"""The contract for the test of a plug-in: what its author writes beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.checks.method.suite import held_to_contract
from bench.plugins import methods

if TYPE_CHECKING:
    from pathlib import Path

    from methods.interface import Method


def method_in(path: Path, name: str) -> Method:
    """The method of this name in a file, with its default settings.

    Raises:
        UsageError: There is no such file, no such method in it, or it cannot be loaded.
    """
    methods.admit([path])
    return methods.method(name)


def failures(path: Path, name: str) -> list[str]:
    """A sentence for each check of the contract that the method fails.

    Raises:
        UsageError: As ``method_in``.
    """
    found = held_to_contract(method_in(path, name), path.name)
    return [f"{one.check}: {one.why}" for one in found if one.state == "fail"]
