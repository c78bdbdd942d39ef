"""Where a result comes from: commit, versions, machine."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.processor import chosen_instructions

PACKAGES = ("torch", "monai", "numpy", "scipy", "nibabel", "tsman-bench")


@cache
def commit() -> str:
    """The commit of the running code, ``+dirty`` where files differ; the version where there is none."""
    root = Path(__file__).parent.parent
    version = metadata.version("tsman-bench")
    if not (root / ".git").exists():
        return f"v{version}"
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--", "bench", "methods", "tsman")
    except (OSError, subprocess.CalledProcessError):
        return f"v{version}"
    return head + ("+dirty" if changed else "")


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout.strip()


@cache
def versions() -> dict[str, str]:
    """The versions of what computes, found without importing any of it."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = ""
    return found


def machine() -> dict[str, Any]:
    """The machine: never part of a key."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "instructions": chosen_instructions(),
    }


@cache
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
