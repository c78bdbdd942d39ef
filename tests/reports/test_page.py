from __future__ import annotations

import re
import subprocess
import sys

import pandas as pd
import pytest

from reports.page import write

KINDS = ("md", "csv", "tex")
TABLES = ("table1", "table3", "curve", "curve_dice")


@pytest.fixture(scope="module")
def out(sweep, tmp_path_factory):
    """A written report."""
    folder = tmp_path_factory.mktemp("report") / "out"
    write(sweep, folder, title="Report", provenance={"command": "bench run", "commit": "abc"})
    return folder


@pytest.fixture(scope="module")
def page(out):
    return (out / "index.html").read_text()


def test_a_report_is_tables_figures_and_one_page(out):
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == {
        *(f"tables/{name}.{kind}" for name in TABLES for kind in KINDS),
        "figures/figure6.png", "figures/figure6.pdf", "index.html",
    }  # fmt: skip


def test_the_same_records_give_the_same_bytes(sweep, out, tmp_path):
    paths = write(sweep, tmp_path, title="Report", provenance={"command": "bench run", "commit": "abc"})
    assert len(paths) == len(TABLES) * len(KINDS) + 3
    for path in paths:
        assert path.read_bytes() == (out / path.relative_to(tmp_path)).read_bytes(), path


def test_each_data_set_has_its_own_files_and_section(sweep, scored, tmp_path):
    both = pd.concat([sweep, scored(0.5, dataset="tumour", structure="core").iloc[:3]])
    paths = write(both, tmp_path, title="Report", provenance={})
    assert (tmp_path / "tables" / "table3-tumour.md") in paths
    assert (tmp_path / "tables" / "table3.md") in paths
    assert "wall" not in (tmp_path / "tables" / "table3-tumour.csv").read_text()
    page = (tmp_path / "index.html").read_text()
    assert "<h2>heart</h2>" in page
    assert "<h2>tumour</h2>" in page


def test_the_page_needs_no_network(page):
    references = re.findall(r"(?:src|href|action|srcset)\s*=\s*[\"']?([^\"'\s>]{0,20})|url\(|@import", page)
    assert references
    assert all(source.startswith("data:image/png") for source in references)
    assert not any(piece in page for piece in ("<script", "<link", "<iframe", "http://", "https://"))


def test_hostile_names_are_text_on_the_page(scored, tmp_path):
    hostile = "<script>alert('x')</script>"
    records = scored(0.5, method=hostile, dataset=f'"{hostile}', structure="wall")
    write(records, tmp_path, title=hostile, provenance={hostile: hostile})
    page = (tmp_path / "index.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_opens_with_the_verdicts_and_ends_with_the_provenance(page):
    order = [
        "<h1>Report",
        "tsman is ahead of",
        'id="table3"',
        "figcaption>",
        'id="table1"',
        "<dt>commit</dt>",
    ]
    places = [page.index(piece) for piece in order]
    assert places == sorted(places)


def test_what_the_tables_leave_out_is_said(scored, tmp_path):
    write(pd.concat([scored(0.5), scored(0.1, noise="flip:0.2")]), tmp_path, title="R", provenance={})
    assert "4 rows with injected noise" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("role", "table"), [("supervised", "table1"), ("pseudo", "table3"), ("teacher", "curve")]
)
def test_records_of_a_single_role_make_a_report(scored, tmp_path, role, table):
    write(scored(0.5, role=role, xi="1.0"), tmp_path, title="R", provenance={})
    assert "No records for this table." in (tmp_path / "tables" / f"{table}.md").read_text()


def test_a_sweep_that_failed_throughout_makes_a_report(failed, tmp_path):
    write(pd.concat([failed(), failed(case="b")]), tmp_path, title="R", provenance={})
    assert "failed 2/2" in (tmp_path / "index.html").read_text()


def test_no_records_write_nothing(sweep, tmp_path):
    with pytest.raises(ValueError, match="there are no records to report"):
        write(sweep.iloc[:0], tmp_path / "out", title="R", provenance={})
    assert not (tmp_path / "out").exists()


def test_naming_the_package_imports_nothing_heavy():
    heavy = ("pandas", "matplotlib", "scipy", "jinja2")
    code = f"import sys, reports; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
