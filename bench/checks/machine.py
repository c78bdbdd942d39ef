"""What a check finds, and the checks of a machine: ok, warning or error, in a sentence."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bench.checks.finding import Finding, State
from bench.files.limits import free_memory
from bench.files.packages import DISTRIBUTION, sentence
from bench.records.mlflow_client import MANNERS

if TYPE_CHECKING:
    from collections.abc import Iterator

LITTLE_MEMORY_MIB = 2048


def of_machine(cores: int) -> Iterator[Finding]:
    """Python, packages, cores, memory, GPU, and whether MLflow keeps quiet."""
    if find_spec("packaging") is None:
        yield Finding("packages", "error", sentence(["packaging"], "this check"))
    else:
        yield _python()
        yield _packages()
    yield Finding("cores", "ok", f"{cores}; each job of `bench run` takes one or more of them")
    yield _memory()
    is_there = Path("/dev/nvidia0").exists()
    yield Finding("gpu", "ok", "an NVIDIA GPU is there" if is_there else "none; runs take the CPU")
    yield _telemetry()


def _python() -> Finding:
    from packaging.specifiers import SpecifierSet

    here = ".".join(map(str, sys.version_info[:3]))
    wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"] or ""
    is_fit = SpecifierSet(wanted).contains(here, prereleases=True)
    return Finding("python", "ok" if is_fit else "error", f"{here}; {wanted} is wanted")


def _packages() -> Finding:
    """Every package that is needed, by the bounds of the installed distribution."""
    from packaging.requirements import Requirement

    wanted = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or []]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = []
    for one in wanted:
        try:
            version = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{one.name} is missing, {one.specifier or 'any'} is wanted")
            continue
        if not one.specifier.contains(version, prereleases=True):
            wrong.append(f"{one.name} {version} is not {one.specifier}")
    if wrong:
        return Finding("packages", "error", "; ".join(wrong))
    return Finding("packages", "ok", f"torch {metadata.version('torch')}; all {len(wanted)} are as wanted")


def _memory() -> Finding:
    free = free_memory()
    if free is None:
        return Finding("memory", "ok", "not known on this system")
    state: State = "ok" if free >= LITTLE_MEMORY_MIB * 2**20 else "warning"
    return Finding("memory", state, f"{free / 2**30:.1f} GiB free")


def _telemetry() -> Finding:
    said = os.environ.get("MLFLOW_DISABLE_TELEMETRY", MANNERS["MLFLOW_DISABLE_TELEMETRY"]).lower()
    if said == "true":
        return Finding("telemetry", "ok", "MLflow's is off")
    return Finding("telemetry", "warning", f"MLflow's is on: MLFLOW_DISABLE_TELEMETRY is {said!r} here")
