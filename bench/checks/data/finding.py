"""One thing that is amiss with a data set, and the files that a check looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.checks.data.survey import CaseFacts, FileFacts, Survey

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is amiss; case and file are empty where it is in no single one."""

    severity: Severity
    check: str
    case: str
    file: str
    what: str  # what was found, and what is expected


def found(severity: Severity, check: str, case: CaseFacts, file: FileFacts, what: str) -> Finding:
    """A finding in one file of one case."""
    return Finding(severity, check, case.name, str(file.path), what)


def opened_files(survey: Survey) -> Iterator[tuple[CaseFacts, FileFacts]]:
    """Every file that could be opened, with its case."""
    yield from ((case, file) for case in survey.cases for file in case if file.grid is not None)


def placed_files(survey: Survey) -> Iterator[tuple[CaseFacts, FileFacts]]:
    """Every file whose affine says a place, with its case."""
    yield from ((case, file) for case, file in opened_files(survey) if not file.singular)


def of_itself(sentence: str, file: FileFacts) -> str:
    """What an error says of a file, beside whose name it stands."""
    start = f"{file.path} "
    return (f"it {sentence.removeprefix(start)}" if sentence.startswith(start) else sentence).rstrip(".")


def short(file: FileFacts) -> str:
    """Image and label of a case often bear one name in two folders."""
    return f"{file.path.parent.name}/{file.path.name}"
