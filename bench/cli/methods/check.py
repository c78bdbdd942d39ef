"""``bench methods check``: a method held to the contract that those of bench keep."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from bench.cli import console
from bench.errors import StageError
from bench.plugins import methods
from bench.plugins.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.checks.method.suite import Finding

WIDTH = 80
MARGIN = 17  # columns of the names of checks


def check_method(name: str, plugins: Sequence[Path], *, as_json: bool) -> int:
    """Say of each check whether the method passes; 3 where it fails one, else 0.

    A plug-in that cannot be loaded fails the check that it breaks; a file that is not there is a usage error.

    Raises:
        UsageError: No such file or method.
    """
    from bench.checks.method.suite import held_to_contract, shown_of, unloaded

    found: list[Finding] = []
    findings: Iterable[Finding]
    try:
        methods.admit(plugins)
        method = methods.method(name)
        findings = held_to_contract(method, shown_of(method))
    except PluginError as error:
        findings = unloaded(error)
    for finding in findings:
        if not as_json:
            _say(finding, found)
        found.append(finding)
    failed = [finding.check for finding in found if finding.state == "fail"]
    if as_json:
        checks = [finding._asdict() for finding in found]
        console.say_json({"method": name, "passed": not failed, "checks": checks})
    else:
        console.say()
        counted = f"{len(found)} checks, {len(failed)} failed"
        console.say(f"{name}: {counted}{': ' if failed else ''}{', '.join(failed)}")
    return StageError.exit_code if failed else 0


def _say(finding: Finding, before: Sequence[Finding]) -> None:
    """One check; a reason that was said is not said again."""
    state = {"pass": "pass", "fail": "FAIL", "none": "–"}[finding.state]
    same = next((one.check for one in before if one.why and one.why == finding.why), "")
    why = f"the same as in {same!r}" if same else console.one_line(finding.why)
    lines = textwrap.wrap(why, WIDTH - MARGIN - 6) or [""]
    console.say(f"{finding.check:{MARGIN}}{state:4}  {lines[0]}".rstrip())
    for line in lines[1:]:
        console.say(f"{'':{MARGIN + 6}}{line}")
