"""Every method that this process knows, built in or brought: the one place where a name becomes a method."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import StageError, UsageError, unknown
from bench.files.atomic import write_text
from bench.plugins import entry_points
from bench.plugins.checked import guarded
from bench.plugins.errors import PluginError, misfit
from bench.plugins.interface_checks import demand_method, methods_in
from bench.plugins.source_file import Source, read, run
from bench.settings.serialise import build
from methods import registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.settings.stage_specs import MethodReference
    from methods.interface import Method

LOGGER = logging.getLogger(__name__)
GROUP = "bench.methods"
RESERVED = (
    *(
        "all",
        "every",
        "name",
        "seeds",
        "seeding",
        "data",
        "split",
        "stream",
        "sampling",
        "optimiser",
        "teachers",
        "noise",
        "tuning",
    ),
    *("distillation", "student", "inference", "cleaning", "metrics", "compute", "methods", "base", "budget"),
)
"""Words that mean something else where a method is named: on the command line, in recipes, in records."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A method that is not of this repository."""

    kind: type[Any]
    origin: str  # the checksum of its file, or package, version and checksum of its module
    shown: str  # what its user calls the file, or the package
    source: Source | None = None  # None: of an installed package


_NAMED: dict[str, Brought] = {}
"""By name: what the present command brought."""
_KNOWN: dict[tuple[str, str], Brought] = {}
"""By origin and name: all that this process ever ran."""
_ORIGIN: dict[type[Any], str] = {}


def admit(paths: Sequence[Path]) -> list[str]:
    """Run these files, and know their methods from now on instead of those of earlier calls; their names.

    Raises:
        PluginError: A file does not import, or what is in it is no method.
        UsageError: A file cannot be read, or a name is taken.
    """
    _NAMED.clear()
    for path in paths:
        source = read(path)
        for brought in _loaded(source):
            name = brought.kind().name
            if name in registry.METHODS:
                raise misfit(
                    (source.shown, brought.kind.__name__, "name"),
                    "one of its own",
                    f"{name!r}, a method of bench",
                    check="members",
                )
            if name in _NAMED and _NAMED[name].kind is not brought.kind:
                other = _NAMED[name].shown
                raise misfit(
                    (source.shown, brought.kind.__name__, "name"),
                    "one of its own",
                    f"{name!r}, as in {other}",
                    check="members",
                )
            _NAMED[name] = brought
    return list(_NAMED)


def _loaded(source: Source) -> list[Brought]:
    found = []
    for kind in methods_in(run(source), source.shown):
        one = demand_method(kind, source.shown, str(source.path), RESERVED)
        found.append(_know(one.name, Brought(kind, source.sha, source.shown, source)))
    return found


def _know(name: str, brought: Brought) -> Brought:
    _KNOWN[brought.origin, name] = brought
    _ORIGIN[brought.kind] = brought.origin
    return brought


def _installed(name: str) -> Brought:
    found = entry_points.load(GROUP, name)
    if not isinstance(found.thing, type):
        raise misfit((found.shown, name), "a class", repr(found.thing), check="members")
    one = demand_method(found.thing, found.shown, found.path, RESERVED)
    if one.name != name:
        where = (found.shown, found.thing.__name__, "name")
        raise misfit(where, f"{name!r}, as its entry point says", repr(one.name), check="members")
    return _know(name, Brought(found.thing, found.origin, found.shown))


def method(name: str) -> Method:
    """The method of this name with its default settings: built in, of a plug-in, or installed.

    Raises:
        UsageError: There is none.
    """
    if name in registry.METHODS:
        return registry.method(name)
    if name not in _NAMED:
        if name not in entry_points.names(GROUP):
            raise unknown("method", name, known())
        _NAMED[name] = _installed(name)
    found: Method = _NAMED[name].kind()
    return found


def known() -> list[str]:
    """All names, in the order of a listing."""
    return list(dict.fromkeys((*registry.METHODS, *_NAMED, *entry_points.names(GROUP))))


def listed() -> tuple[list[Method], list[str]]:
    """All methods, and a sentence for each that an installed package brings and that cannot be had."""
    found, broken = [], []
    for name in known():
        try:
            found.append(method(name))
        except PluginError as error:
            broken.append(str(error))
    return found, broken


def shown(name: str) -> str:
    """Where a method comes from, in a word."""
    return _NAMED[name].shown if name in _NAMED else "bench"


def classes() -> Mapping[str, type[Any]]:
    """The class of each method by name, whose fields are its settings; a lookup imports that method alone."""
    return registry.classes({name: brought.kind for name, brought in _NAMED.items()})


def select(words: str) -> list[str]:
    """The names that a user's words choose; see ``registry.select``.

    What an installed package brings and cannot be had is left out of "every", and said on stderr.

    Raises:
        UsageError: A name is unknown or cannot be had, or nothing is left.
    """
    brought = [name for name in _NAMED if _NAMED[name].source]
    said = [word.strip() for word in words.split(",")]
    asked = {word.removeprefix("!").strip() for word in said} - {*registry.METHODS, *brought, "all", ""}
    more = entry_points.names(GROUP) if asked else []
    more = [name for name in more if name not in registry.METHODS and (name in asked or _is_whole(name))]
    try:
        chosen = registry.select(words, dict.fromkeys(brought), more)  # type: ignore[arg-type]
    except ValueError as error:
        raise UsageError(f"{error}.") from error
    for name in chosen:
        method(name)  # of an installed package: a broken one is named now
    return chosen


def _is_whole(name: str) -> bool:
    try:
        method(name)
    except PluginError as error:
        LOGGER.warning(f"left out: {error}")
        return False
    return True


def origin_of(contestant: Method) -> dict[str, str]:
    """What the settings of a stage say of where its method comes from; nothing of one that is built in."""
    origin = _ORIGIN.get(type(contestant))
    return {"plugin": origin} if origin else {}


def method_of(said: MethodReference, classes: int | None = None) -> Method:
    """The method that a stage's settings name, with the settings it was planned with.

    One that is brought answers for what it gives: it is held to the interface in each call.

    Args:
        said: Its name, its settings and, of one that is brought, its origin.
        classes: How many its probabilities are of, where it is known.

    Raises:
        UsageError: It is of a plug-in that nobody named in this command.
    """
    name, origin = said.name, said.plugin
    if not origin:
        kind: type[Any] = type(registry.method(name))
    elif (origin, name) in _KNOWN:
        brought = _KNOWN[origin, name]
        kind = guarded(brought.kind, brought.shown, classes)  # type: ignore[arg-type] # a class is hashable
    else:
        raise UsageError(
            f"method {name!r} is of the plug-in {origin}, whose code runs only if named: --plugin FILE."
        )
    found: Method = build(kind, said.settings, f"method {name}")
    return found


def demand_named(settings: Mapping[str, Any]) -> None:
    """Refuse to make a stage again by code that nobody named in this command.

    Raises:
        UsageError: Its method is of a plug-in, and no such file, or another one, was named.
    """
    for origin, name in named_in(settings).items():
        if (origin, name) in _KNOWN and origin in handed():
            continue
        if ":" in origin and name in entry_points.names(GROUP) and _installed(name).origin == origin:
            _NAMED[name] = _KNOWN[origin, name]
            continue
        here = f"; --plugin {_NAMED[name].shown} is {_NAMED[name].origin}" if name in _NAMED else ""
        raise UsageError(f"method {name!r} is of the plug-in {origin}: name it with --plugin FILE{here}.")


def handed() -> dict[str, str]:
    """Origin -> what its user calls it, of all that the present command brought: what its workers may run."""
    return {brought.origin: brought.shown for brought in _NAMED.values()}


def named_in(settings: Any) -> dict[str, str]:  # noqa: ANN401 - JSON
    """Origin -> name of each method of a plug-in that settings of a stage name, at any depth."""
    found: dict[str, str] = {}
    if isinstance(settings, dict):
        said = settings.get("method")
        if isinstance(said, dict) and "plugin" in said:
            found[str(said["plugin"])] = str(said["name"])
        settings = list(settings.values())
    if isinstance(settings, list):
        for inside in settings:
            found |= named_in(inside)
    return found


def keep(folder: Path) -> None:
    """Write the source of each plug-in of the present command where its workers find it: ``<sha>.py``."""
    for brought in _NAMED.values():
        if brought.source is not None:
            path = folder / f"{brought.origin}.py"
            if not path.is_file() or path.read_bytes() != brought.source.content:
                write_text(path, brought.source.content.decode("utf-8"))


def admit_kept(folder: Path, may_run: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Know the methods that a stage names, from what ``keep`` wrote.

    Args:
        folder: Where ``keep`` wrote.
        may_run: What ``handed`` gave: nothing else of the folder is ever run.
        settings: Of the stage.

    Raises:
        StageError: The stage names another, or it is no longer what was written.
    """
    for origin, name in named_in(settings).items():
        if (origin, name) in _KNOWN:
            continue
        if origin not in may_run:
            raise StageError(
                f"method {name!r} is of a plug-in ({origin}) that this run was not started with."
            )
        if ":" in origin:
            found = _installed(name)
            if found.origin != origin:
                raise StageError(f"method {name!r} was planned with {origin}, and here is {found.origin}.")
            continue
        source = read(folder / f"{origin}.py", may_run[origin])
        if source.sha != origin:
            raise StageError(f"{source.path} is not what was written; the same `bench run` writes it again.")
        _loaded(source)
