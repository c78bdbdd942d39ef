"""Where a result comes from: commit, versions, machine."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from bench.files.processor import chosen_instructions

PACKAGES = ("torch", "monai", "numpy", "scipy", "nibabel", "tsman-bench")


@cache
def commit() -> str:
    """The commit of the code that runs, ``+dirty`` where files differ from it; its version where it has none.

    Code that was installed without a repository is known by its version (``v0.1.0``). A checkout that git
    cannot read bears ``+unknown``: its files may be any.
    """
    return commit_of(Path(__file__).parent.parent)


def commit_of(root: Path) -> str:
    """The commit of the folder that the package ``bench`` lies in.

    A repository further up counts only where it tracks this very code: one that merely has the environment
    with the installed package somewhere below it says nothing about the package.
    """
    try:
        version = f"v{metadata.version('tsman-bench')}"
    except metadata.PackageNotFoundError:
        version = "v0"
    unread = f"{version}+unknown" if (root / ".git").exists() else version
    try:
        if not _git(root, "ls-files", "--", "bench/store/provenance.py"):
            return version
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(
            root, "status", "--porcelain", "--untracked-files=normal", "--", "bench", "methods", "tsman"
        )
    except (OSError, subprocess.CalledProcessError):
        return unread
    return head + ("+dirty" if changed else "")


def _git(root: Path, *words: str) -> str:
    """The answer of git about a folder, whatever the environment and the folder's owner are.

    Hooks and editors set ``GIT_DIR`` and its like, which would make git answer for another repository. Git
    reads no repository of another user unless it is told to; that protects from commands in a foreign
    configuration, and whoever owns the folder owns the Python code that runs already.
    """
    settings = ("safe.directory=*", "core.fsmonitor=false")
    options = [part for setting in settings for part in ("-c", setting)]
    command = ["git", "--no-optional-locks", *options, "-C", str(root), *words]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(  # noqa: S603
        command, check=True, capture_output=True, text=True, env=surroundings, stdin=subprocess.DEVNULL
    )
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


def machine() -> dict[str, object]:
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
