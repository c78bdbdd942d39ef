from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys

import pandas as pd
import pytest

from reports.inputs.images import Exhibits
from reports.page import write
from reports.published.audit import discrepancies
from reports.published.cells import published

KINDS = ("md", "csv", "tex")
HOSTILE = "<script>alert('x')</script>"
TABLES = (
    "table1",
    "table2",
    "table3",
    "verdicts",
    "trends",
    "pseudo",
    "ranks",
    "curve",
    "curve_dice",
    "audit",
    "leaderboard",
    "closed",
    "gap",
    "power",
    "mixed",
)


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
        *(f"figures/{name}.{kind}" for name in ("figure6", "case_scores", "leaderboard_ranks-heart") for kind in ("png", "pdf")), "index.html",
    }  # fmt: skip


def test_the_same_records_give_the_same_bytes(sweep, out, tmp_path):
    paths = write(sweep, tmp_path, title="Report", provenance={"command": "bench run", "commit": "abc"})
    assert len(paths) == len(TABLES) * len(KINDS) + 7
    for path in paths:
        assert path.read_bytes() == (out / path.relative_to(tmp_path)).read_bytes(), path


def test_the_page_needs_no_network(page):
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    references = re.findall(r"(?:src|href|action|srcset)\s*=\s*[\"']?([^\"'\s>]{0,20})|url\(|@import", markup)
    assert references
    assert all(source.startswith(("data:image/png", "#")) for source in references)
    assert not any(piece in page for piece in ("<script src", "<link", "<iframe", "http://", "https://"))


def test_only_the_very_script_and_style_of_the_page_may_run(page):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for name in ("script", "style"):
        (text,) = re.findall(rf"<{name}>(.*?)</{name}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_the_page_holds_every_case_with_its_stage(page, sweep):
    (text,) = re.findall(r'id="cohort-1-data">(.*?)</script>', page, re.DOTALL)
    columns = {column["name"]: column for column in json.loads(text)}
    assert len(columns["case"]["codes"]) == len(sweep[sweep["metric"] == "overall"])
    assert columns["stage"]["words"] == ["s"]
    assert columns["wall_dice"]["values"][0] == sweep.loc[sweep["metric"] == "dice", "value"].iloc[0]


def test_every_number_of_a_table_leads_to_its_cases(page):
    words = re.findall(r'data-words="([^"]*)">([^<]*)<', page)
    assert ("role=student method=tsman xi=0.9", "4 cases") in words
    assert ("method=&#34;&#34; variant=single member=2", "2 cases") in words


@pytest.fixture(scope="module")
def two_data_sets(scored, tmp_path_factory):
    """A report on two data sets whose names are hostile."""
    folder = tmp_path_factory.mktemp("two")
    records = [
        scored(0.5, dataset=f"heart {HOSTILE}", method=HOSTILE),
        scored(0.1, dataset=f"heart {HOSTILE}", noise="flip:0.2"),
        scored(0.5, dataset="tumour", structure="core").iloc[:3],
    ]
    write(pd.concat(records), folder, title=HOSTILE, provenance={HOSTILE: HOSTILE})
    return folder


def test_what_of_the_paper_does_not_add_up_is_said_once_and_folded(two_data_sets):
    page = (two_data_sets / "index.html").read_text()
    start = page.index('id="audit-section"')
    section = page[start : page.index("</section>", start)]
    told, folded = section.split("<details>")
    assert re.search(r"8 of \d+ things", told)
    assert folded.count("<li>") == len(discrepancies()) == 8
    assert page.count("Table 3, overall score of M16: printed NA") == 2  # in the list and in the table
    assert not (two_data_sets / "tables" / "audit-tumour.md").exists()


def test_the_audit_holds_what_the_paper_promises_of_its_own_sums(out):
    table = pd.read_csv(out / "tables" / "audit.csv").set_index("check")
    overall = table[table.index.str.startswith("Table 3, overall score")].dropna(subset=["printed"])
    means = table[table.index.str.startswith("Table 4, mean of")]
    assert (len(overall), len(means)) == (6, 4)
    assert (overall["apart"].abs() < 0.002).all()
    assert (means["apart"].abs() < 0.001).all()
    text = (out / "tables" / "audit.md").read_text()
    assert "| -0.161 | -0.1592 | 0.001" in text
    assert "nan" not in text


def verdict_cells(folder, *names):
    parts = [pd.read_csv(folder / "tables" / f"{name}.csv", dtype=str) for name in names]
    return pd.concat(parts)


def test_cells_of_a_benchmark_without_records_stand_in_the_first_table_of_verdicts(
    out, two_data_sets, brats, scored, tmp_path
):
    for folder in (out, two_data_sets):
        cells = verdict_cells(folder, "verdicts")
        assert len(cells) == len(published()) == 111
        assert set(cells.loc[cells["table"] == "table4", "verdict"]) == {"not_run"}
    assert set(verdict_cells(two_data_sets, "verdicts-tumour")["table"]).isdisjoint({"table4", "figure7"})
    assert not (out / "tables" / "table4.md").exists()
    write(pd.concat([scored(0.5), brats([0.5] * 5)]), tmp_path, title="R", provenance={})
    assert len(verdict_cells(tmp_path, "verdicts", "verdicts-heart")) == 111


def test_two_benchmarks_share_no_file_and_no_place_on_the_page(brats, scored, tmp_path):
    paths = write(pd.concat([scored(0.5), brats([0.5] * 5)]), tmp_path, title="R", provenance={})
    assert len(paths) == len(set(paths))
    stems = {path.stem for path in (tmp_path / "tables").glob("*.md")}
    assert {"table3", "table4", "trends", "trends-heart", "curve", "curve-heart"} <= stems
    places = re.findall(r' id="([^"]*)"', (tmp_path / "index.html").read_text())
    assert len(places) == len(set(places))


def test_each_data_set_has_its_own_files_and_section(two_data_sets):
    assert "wall" in (two_data_sets / "tables" / "table3.csv").read_text()
    assert "wall" not in (two_data_sets / "tables" / "table3-tumour.csv").read_text()
    page = (two_data_sets / "index.html").read_text()
    assert page.index("<h2>heart ") < page.index("<h2>tumour</h2>")


def test_figures_that_cannot_be_drawn_are_named_with_the_command_that_makes_them(page):
    for figure in ("figure1", "figure2", "figure3", "figure4", "figure5"):
        assert f"`bench run --experiment {figure}` with the store" in page


def test_what_the_exhibits_hold_is_drawn_once_for_all_data_sets(scored, scan, tmp_path):
    stages = pd.DataFrame([("a", "split", "10 cases", "")], columns=["stage", "kind", "title", "inputs"])
    records = pd.concat([scored(0.5, dataset="heart"), scored(0.5, dataset="liver")])
    exhibits = Exhibits(scans=(scan(dataset="heart"),), stages=stages)
    write(records, tmp_path, title="R", provenance={}, exhibits=exhibits)
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert drawn == {
        "figure1",
        "figure3",
        "figure5",
        "figure6",
        "figure6-liver",
        "case_scores",
        "case_scores-liver",
        "leaderboard_ranks-heart",
        "leaderboard_ranks-liver",
    }
    page = (tmp_path / "index.html").read_text()
    assert "there is no scan of a withheld case of liver" in page
    assert "figure1 is not drawn" not in page


def test_hostile_names_are_text_on_the_page(two_data_sets):
    page = (two_data_sets / "index.html").read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    # The cases of two data sets, the stages, and the script: no name opened another, none closed one.
    assert page.count("<script") == page.count("</script") == 4


def test_injected_noise_is_ranked_apart_and_in_no_table_of_the_paper(two_data_sets):
    board = pd.read_csv(two_data_sets / "tables" / "leaderboard.csv")
    assert set(board.loc[board["noise"] == "flip:0.2", "score"]) == {0.05}
    assert not (board.loc[board["noise"] == "none", "score"] == 0.05).any()
    for path in (two_data_sets / "tables").glob("*.md"):
        assert path.name == "leaderboard.md" or "0.050" not in path.read_text(), path.name


def test_the_page_opens_with_the_verdicts_and_ends_with_the_provenance(page):
    order = [
        "<h1>Report",
        "tsman against densevoxnet, two seeds: no verdict",
        'id="leaderboard"',
        'id="table3"',
        'id="figure6"',
        'id="table1"',
        "<dt>commit</dt>",
    ]
    places = [page.index(piece) for piece in order]
    assert places == sorted(places)
    assert "seeds needed with a power of 80 %: 0.1 overall " in page


def test_records_of_teachers_alone_make_an_empty_report(scored, tmp_path):
    write(scored(0.5, role="teacher"), tmp_path, title="R", provenance={})
    for name in ("pseudo", "curve", "curve_dice"):
        assert "No records for this table." in (tmp_path / "tables" / f"{name}.md").read_text()


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
