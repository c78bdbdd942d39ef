"""The tutorial, done: its files are written, its commands run, and they say what the page says."""

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"(?:^`(?P<file>[\w.]+)`\n\n)?^```(?P<kind>python|console)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def commands(text):
    """Each command of a console block: its words, its exit code, the lines that it says."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, said = part.partition("\n")
        words, _, note = line.partition("#")
        code = int(found[1]) if (found := re.search(r"exit (\d+)", note)) else 0
        yield shlex.split(words), code, said.splitlines()


@pytest.fixture(scope="module")
def done(tmp_path_factory, bench):
    """What each command of the page said, in turn, in one folder."""
    folder, results = tmp_path_factory.mktemp("tutorial"), []
    for step in STEP.finditer(PAGE):
        if step["kind"] == "python":
            (folder / step["file"]).write_text(step["text"], encoding="utf-8")
            continue
        for words, code, said in commands(step["text"]):
            program, *rest = words
            if program == "bench":
                ended = bench(*rest, cwd=folder)
            else:
                command = [sys.executable, "-m", program, *rest, "-p", "no:cacheprovider"]
                ended = subprocess.run(
                    command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
                )
            results.append((" ".join(words), code, said, ended))
    return folder, results


def test_every_command_ends_as_the_page_says(done):
    _, results = done
    assert {line: ended.returncode for line, _, _, ended in results} == {
        line: code for line, code, _, _ in results
    }
    assert [line.split()[:2] for line, *_ in results] == [
        ["bench", "methods"], ["bench", "methods"], ["pytest", "-q"], ["bench", "methods"], ["bench", "run"],
        ["bench", "report"], ["bench", "compare"],
    ]  # fmt: skip


def test_every_line_of_output_on_the_page_is_said(done):
    _, results = done
    lacking = {
        line: [one for one in said if one and one not in ended.stdout] for line, _, said, ended in results
    }
    assert lacking == {line: [] for line, *_ in results}


def test_the_method_is_in_the_report_beside_the_other(done):
    folder, _ = done
    page = (folder / "results" / "report" / "index.html").read_text(encoding="utf-8")
    assert "focal" in page
    assert "densevoxnet" in page
    with (folder / "results" / "records.csv").open(newline="", encoding="utf-8") as file:
        students = {row["method"]: row["status"] for row in csv.DictReader(file) if row["role"] == "student"}
    assert students == {"focal": "ok", "densevoxnet": "ok"}
