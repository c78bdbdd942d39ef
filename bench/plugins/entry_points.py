"""What installed packages bring: entry points, looked at only where a name is not built in."""

from __future__ import annotations

import hashlib
import inspect
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.plugins.audit import audited
from bench.plugins.errors import misfit, told

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUPS = ("bench.methods", "bench.datasets", "bench.noise", "bench.metrics")


class Found(NamedTuple):
    """What an entry point gave."""

    thing: Any
    shown: str  # its package and version, for sentences
    path: str  # the module's file
    origin: str  # package, version and the checksum of the module: what goes into keys


def names(group: str) -> list[str]:
    """The names that installed packages bring to a group, sorted; nothing is imported."""
    return sorted(_points(group))


def load(group: str, name: str) -> Found:
    """What a package brings under a name.

    Raises:
        PluginError: Two packages bring it, or it does not import; the package is named.
    """
    points = _points(group)[name]
    shown = " and ".join(_shown(point) for point in points)
    if len(points) > 1:
        raise misfit((shown, name), "one package that brings it", str(len(points)), check="imports")
    (point,) = points
    try:
        with audited((shown, name)):
            thing = point.load()
        path = Path(inspect.getsourcefile(inspect.getmodule(thing)) or "")  # type: ignore[arg-type]
        content = path.read_bytes()
    except Exception as error:
        found = f"{point.value}: {told(error, '')}"
        raise misfit((shown, name), "an entry point that imports", found, check="imports") from error
    version = point.dist.version if point.dist else ""
    package = point.dist.name if point.dist else "?"
    origin = f"{package}=={version}:{hashlib.sha256(content).hexdigest()}"
    return Found(thing, f"package {package} {version}", str(path), origin)


def _points(group: str) -> dict[str, list[EntryPoint]]:
    from importlib.metadata import entry_points  # a command that asks for built-in names does not wait for it

    assert group in GROUPS
    by_name: dict[str, list[EntryPoint]] = defaultdict(list)
    for point in entry_points(group=group):
        by_name[point.name].append(point)
    return dict(by_name)


def _shown(point: EntryPoint) -> str:
    return f"package {point.dist.name} {point.dist.version}" if point.dist else "a package without a name"
