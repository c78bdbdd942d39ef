"""Which installed packages a verb needs, looked for before it computes anything."""

from __future__ import annotations

import re
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DISTRIBUTION = "tsman-bench"
OURS = ("bench", "methods", "reports", "tsman")
PILLOW = {"PIL": "pillow"}
"""Names on the index of those that are imported by another one."""

_DATA = ("numpy", "nibabel", "scipy", "dacite", "filelock")
_NETWORKS = ("torch", "monai", "safetensors")
_TABLES = ("numpy", "scipy", "pandas", "statsmodels", "filelock")
NEEDS: Mapping[str, tuple[str, ...]] = {
    "run": (*_DATA, *_NETWORKS, "pyarrow"),
    "report": (*_TABLES, "nibabel", "dacite", "matplotlib", "seaborn", "jinja2", "PIL"),
    "compare": _TABLES,
    "score": ("numpy", "nibabel", "scipy"),
    "verify": (*_DATA, *_NETWORKS),
    "clean": ("filelock",),
    "methods check": (*_DATA, *_NETWORKS),
    "data": _DATA,
    "noise": _DATA,
    "export predictions": (*_DATA, *_NETWORKS),
    "export mlflow": ("filelock", "mlflow"),
}
"""Verb -> what it imports whatever it is asked for, by the names that are imported.

What only some requests take (SimpleITK for ``.mha``) is missed on import, and said in the same words.
"""


def demand(words: Sequence[str]) -> None:
    """Refuse a command line whose verb needs a package that is not installed.

    Raises:
        UsageError: Names all that are missing and says how to get them.
    """
    verb = next((name for name in (" ".join(words[:2]), *words[:1]) if name in NEEDS), "")
    missing = [name for name in NEEDS.get(verb, ()) if find_spec(name) is None]
    if missing:
        raise UsageError(sentence(missing, f"bench {verb}"))


def sentence(missing: Sequence[str], who: str) -> str:
    """A sentence that names the missing packages and how to get them."""
    named = ", ".join(PILLOW.get(name, name) for name in missing)
    wanted = " ".join(f"'{_requirement(name)}'" for name in missing)
    what = f"package {named}, which is" if len(missing) == 1 else f"packages {named}, which are"
    return f"{who} needs the Python {what} not installed; run `python -m pip install {wanted}`."


def missing_in(error: ModuleNotFoundError) -> str:
    """The package that an import missed; empty where it is a module of this distribution."""
    name = (error.name or "").partition(".")[0]
    return "" if name in OURS else name


def _requirement(name: str) -> str:
    """The package with its bounds, as this distribution declares them."""
    package = PILLOW.get(name, name)
    try:
        declared = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        declared = []
    for text in declared:
        found = re.fullmatch(r"([A-Za-z0-9._-]+)(\[.*\])?\s*([^;]*?)\s*(;.*)?", text)
        if found and found[1].lower() == package.lower() and "extra" not in (found[4] or ""):
            return f"{package}{found[3]}"
    return package
