"""docs/glossary.md is sorted, and has a line for every word that records and stores are written in."""

import re
from pathlib import Path

from bench.metrics.definition import STATUSES
from bench.store.stage import VERSIONS
from reports.published.verdicts import VERDICTS

PAGE = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^- \*\*(.+?)\*\*(?: \(`\w+`\))?: \S.*\.$")
LINES = [line for line in PAGE.splitlines() if line.startswith("- ")]


def test_every_term_has_one_line_and_they_are_sorted():
    terms = [ENTRY.match(line)[1].lower() for line in LINES]
    assert terms == sorted(terms)
    assert len(set(terms)) == len(terms)


def test_the_words_of_stages_and_records_are_there():
    roles = {"student", "teacher", "pseudo", "supervised", "labelled-only"}
    words = {*VERSIONS, *STATUSES, *VERDICTS, *roles, "hvsmr2016", "medpy", "single", "dd", "md", "hd"}
    assert sorted(word for word in words if not re.search(rf"\b{word}\b", PAGE)) == []
