"""What a report will write: tables in three formats, figures in two, held until everything was tried."""

from __future__ import annotations

import base64
import os
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

from reports.text.render import comma_separated, latex, markdown
from reports.text.sheet import sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from reports.text.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Words:
    """What a table is called, what stands under it, and the column whose equal values make its blocks."""

    title: str
    caption: str
    block: str


@dataclass(slots=True)
class Files:
    """What was made so far: the contents by name, and in sentences what could not be made."""

    contents: dict[str, bytes] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    marks: Mapping[str, str] = field(default_factory=dict)  # data set -> what stands above all of its numbers
    folded: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # data set -> ξ -> trained as which

    def caption(self, text: str, dataset: str = "") -> str:
        """A caption after the mark of its data set; of a part on all data sets after the marks of all."""
        named = {name: mark for name, mark in self.marks.items() if dataset in ("", name)}
        return " ".join([*(f"Not to be trusted: in {name} {mark}." for name, mark in named.items()), text])

    def add_table(self, frame: pd.DataFrame, name: str, words: Words) -> Sheet:
        """Add a table in three formats; gives it as it is read."""
        found = sheet(frame, words.block)
        self.contents[f"tables/{name}.md"] = markdown(found, words.title, words.caption).encode()
        self.contents[f"tables/{name}.csv"] = comma_separated(frame).encode()
        self.contents[f"tables/{name}.tex"] = latex(found, name, words.title, words.caption).encode()
        return found

    def add_figure(self, figure: Figure, name: str) -> str:
        """Add a figure in two formats; gives it as a data URI."""
        # Without the writer's version and date, so that equal figures are equal files.
        picture = _saved(figure, "png", {"Software": None})
        self.contents[f"figures/{name}.png"] = picture
        self.contents[f"figures/{name}.pdf"] = _saved(
            figure, "pdf", {"CreationDate": None, "Creator": None, "Producer": None}
        )
        return f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"

    def put(self, out: Path) -> list[Path]:
        """Write all of it into a folder; gives the paths."""
        return [_put(out / name, content) for name, content in self.contents.items()]


@contextmanager
def any_script() -> Iterator[None]:
    """A name in a script that matplotlib's own font lacks is drawn as boxes; the tables have it whole."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield


def _saved(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    file = BytesIO()
    with any_script():
        figure.savefig(file, format=kind, dpi=160, metadata=metadata)
    return file.getvalue()


def _put(path: Path, content: bytes) -> Path:
    """Written aside and renamed, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(content)
    return aside.replace(path)
