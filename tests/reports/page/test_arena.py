"""The page's parts in which methods meet: what stands where, leads where, and is left out where nothing was run."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from reports.inputs.images import Exhibits, Overlay
from reports.inputs.other_tables import Extras
from reports.page import write

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def overlay(**changed):
    wrong_rc = np.zeros((24, 20), dtype=bool)
    wrong_rc[8:12, 6:12] = True
    image_rc = np.random.default_rng(0).normal(size=(24, 20)).astype(np.float32)
    doubt_rc = np.where(wrong_rc, 0.8, 0.1).astype(np.float32)
    usual = {
        "dataset": "heart", "recipe": "quick", "noise": "markov:0.2", "xi": "0.3", "seed": 0, "case": "s",
        "section": "axial slice 4", "aspect": 1.0, "image_rc": image_rc, "wrong_rc": wrong_rc,
        "doubts": {("tsman", "f3"): doubt_rc, ("tsman", "f4"): doubt_rc},
    }  # fmt: skip
    return Overlay(**(usual | changed))


@pytest.fixture(scope="module")
def out(arena, extras, tmp_path_factory):
    """The report of one data set under two noises with all that stands beside it."""
    folder = tmp_path_factory.mktemp("arena")

    def here(frame):
        return frame[(frame["dataset"] == "heart") & frame["noise"].isin(["none", "markov:0.2"])]

    beside = Extras(doubts=here(extras.doubts), gradients=here(extras.gradients), costs=here(extras.costs))
    shown = Exhibits(overlays=(overlay(),))
    write(here(arena), folder, title="R", provenance={}, exhibits=shown, extras=beside)
    return folder


def test_every_table_and_figure_of_the_arena_is_written(out):
    kinds = ("md", "csv", "tex")
    names = ("leaderboard", "doubts", "doubt_curves", "premise", "gradients", "costs")
    assert {f"{name}.{kind}" for name in names for kind in kinds} <= {
        path.name for path in (out / "tables").iterdir()
    }
    noisy = "heart-noise-markov-0.2-0.3"
    figures = {path.stem for path in (out / "figures").glob("*.pdf")}
    assert figures - {"figure6", "case_scores"} == {
        "leaderboard_ranks-heart", f"doubt_progress-{noisy}", f"doubt_regions-{noisy}", f"doubt_maps-{noisy}",
        f"gradients-{noisy}", f"costs-{noisy}", "costs-heart-labels-by-teachers-0.3",
    }  # fmt: skip


def test_the_leaderboard_stands_before_the_verdicts_and_the_sentence_under_its_figure(out):
    page = (out / "index.html").read_text()
    places = [page.index(f'id="{name}"') for name in ("summary", "leaderboard-part", "judged", "doubt-part")]
    assert places == sorted(places)
    figure = page[page.index('<figure id="gradients-') :]
    words = figure[: figure.index("</figure>")]
    # Three seeds, in which the shares of positions rise with depth: against the paper, by its own quantity.
    assert "Positions of deep layers are likelier to receive a noisy gradient" in words
    assert "tsman, noise above half of the clean gradient" in words
    premise = (out / "tables" / "premise.csv").read_text()
    assert "not the paper's quantity" in premise


def test_a_dominated_method_is_named_with_who_dominates_it(out):
    text = (out / "tables" / "costs.md").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("| heart | none | 0.3 | decoupling"))
    assert "| no | tsman |" in line


def test_without_injected_noise_the_page_says_so_and_leaves_the_rest_out(scored, tmp_path):
    rows = pd.concat([scored(0.5, case=case) for case in "ab"])
    write(rows, tmp_path, title="R", provenance={})
    page = (tmp_path / "index.html").read_text()
    assert "No injected noise was run" in page
    assert "One seed: no verdict in every setting below" in page
    assert not any(f'id="{name}-part"' in page for name in ("doubt", "gradient", "cost"))


def test_injected_noise_without_a_score_of_doubt_is_said(scored, tmp_path):
    write(scored(0.5, noise="markov:0.2"), tmp_path, title="R", provenance={})
    page = (tmp_path / "index.html").read_text()
    assert "Under injected noise no doubt was scored" in page
    assert not (tmp_path / "tables" / "doubts.md").exists()


def test_an_overlay_of_another_shape_is_missing_and_the_rest_is_written(scored, tmp_path):
    wrong = overlay(wrong_rc=np.zeros((3, 3), dtype=bool))
    write(scored(0.5), tmp_path, title="R", provenance={}, exhibits=Exhibits(overlays=(wrong,)))
    page = (tmp_path / "index.html").read_text()
    assert "the slice of the wrong labels has shape (3, 3), the image (24, 20)" in page


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [400, 1400])
def test_a_row_of_the_leaderboard_leads_to_its_cases_alone(out, width):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is in the extra [test]")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((out / "index.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        row = page.locator("#leaderboard tbody tr", has_text="markov:0.2").filter(has_text="tri-net")
        row.locator("a[data-words]").click()
        count = page.locator("[data-from=cohort-1-data] output").inner_text()
        assert count.startswith("24 of ")
        cells = page.locator("[data-from=cohort-1-data] tbody tr").first.inner_text()
        assert "markov:0.2" in cells
        assert "tri-net" in cells
        browser.close()
    assert said == []
