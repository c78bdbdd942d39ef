"""The page as a reader meets it: in a real Chromium, narrow and wide, by keyboard, with nothing but the file."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.inputs.images import Exhibits, Scan
from reports.page import write
from reports.tables import TABLES, Table

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is in the extra [test]")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
HOSTILE = "</script><img src=x onerror=alert('x')>"


def _ball(shape=(24, 20, 12)):
    """A scan whose every slice differs: a ball off the centre, its shell doubted."""
    place = np.stack(np.meshgrid(*[np.linspace(-1, 1, side) for side in shape], indexing="ij"))
    radius = np.sqrt((place**2).sum(axis=0))
    truth = (radius < 0.8).astype(np.uint8)
    doubt = np.exp(-(((radius - 0.8) / 0.1) ** 2)).astype(np.float32)
    layers = {
        "truth": truth, "after": truth, "before": np.roll(truth, 3, axis=0), "f4": 1 - doubt,
        "disagreement": doubt**3,
    }  # fmt: skip
    return Scan(
        "heart", HOSTILE, "test", "tsman", "0.3", 0, "student-1", (1, 1, 2), ("wall",),
        (1 - radius).astype(np.float32), layers, "the decoupled pair's",
    )  # fmt: skip


def _many(scored):
    """Ten thousand cases of a method whose name is hostile, and two of TSMAN."""
    rows = scored(0.5)
    many = pd.concat([rows] * 10_000, ignore_index=True)
    many["case"] = np.repeat([f"case_{number:05d}" for number in range(10_000)], len(rows))
    dice = many["metric"] == "dice"
    many.loc[dice, "value"] = np.arange(10_000) / 10_000
    many = many[many["metric"] != "overall"].assign(
        method=HOSTILE, role="pseudo", variant="hd", stage="scores-1"
    )
    both = [scored(0.7, stage="scores-2"), scored(0.6, method=HOSTILE)]
    return pd.concat([many, *both], ignore_index=True)


@pytest.fixture(scope="module")
def page_path(scored, tmp_path_factory):
    claims = pd.DataFrame(
        {
            "claim": ["b", "a", "c"],
            "effect": [2.0, 10.0, -3.0],
            "verdict": ["deviates", "reproduced", "deviates"],
        }
    )
    cells = pd.DataFrame(
        {"table": ["table3", "figure6"], "row": ["tsman", "-"], "verdict": ["not_run", "figure_only"]}
    )
    known = [
        {"stage": "scores-1", "kind": "scores", "settings": '{"steps": 400}', "inputs": "student-1"},
        {"stage": "student-1", "kind": "student", "title": HOSTILE, "seconds": 12.5},
    ]
    exhibits = Exhibits(
        scans=(_ball(), replace(_ball((10, 10, 6)), case="second", layers={})),
        provenance=pd.DataFrame(known),
        missing=("Figure 3 lacks a scan.",),
    )
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TABLES, "trends", Table(lambda _: claims, "Trends", "Claims.", "claim"))
        patch.setitem(TABLES, "verdicts", Table(lambda _: cells, "Printed cells", "Cells.", "table"))
        write(_many(scored), folder, title=HOSTILE, provenance={"commit": "abc"}, exhibits=exhibits)
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=[400, 1400])
def page(request, browser, page_path):
    """The page opened from its file; whatever it complains about or asks of the network fails the test."""
    opened = browser.new_page(viewport={"width": request.param, "height": 900})
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("dialog", lambda dialog: said.append(dialog.message))
    opened.on(
        "request",
        lambda asked: said.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None,
    )
    opened.goto(page_path.as_uri())
    opened.locator("#viewer").wait_for()
    yield opened
    opened.close()
    assert said == []


def _tab_to(page, locator):
    """Focus as a keyboard gives it, from the element before."""
    locator.evaluate("""(target) => {
      const all = [...document.querySelectorAll("a[href], button, input, select, canvas, [tabindex='0']")];
      const before = all.slice(0, all.indexOf(target)).filter((one) => one.checkVisibility() && !one.disabled
        && (one.type !== "radio" || one.checked));
      before.at(-1).focus();
    }""")
    page.keyboard.press("Tab")
    sync_api.expect(locator).to_be_focused()


def _column(page, place):
    return page.locator(f"#trends tbody tr:visible td:nth-child({place})").all_inner_texts()


def test_the_page_does_not_scroll_sideways_and_says_no_harm(page):
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("img[src='x']").count() == 0
    assert page.get_by_text("Figure 3 lacks a scan.").is_visible()


def test_a_table_is_sorted_by_keyboard_up_down_and_back(page):
    head = page.locator("#trends th").nth(2)
    _tab_to(page, head.locator("button"))
    orders = []
    for _ in range(3):
        page.keyboard.press("Enter")
        orders.append((head.get_attribute("aria-sort"), _column(page, 1)))
    assert orders == [
        ("ascending", ["c", "b", "a"]), ("descending", ["a", "b", "c"]), ("none", ["b", "a", "c"]),
    ]  # fmt: skip


def test_a_click_on_another_heading_sorts_by_it_alone(page):
    page.locator("#trends th button").nth(1).click()
    page.locator("#trends th button").nth(0).click()
    sorts = [head.get_attribute("aria-sort") for head in page.locator("#trends th").all()]
    assert sorts == ["ascending", "none", "none"]
    assert _column(page, 1) == ["a", "b", "c"]


def test_a_filter_leaves_the_rows_that_hold_its_words_and_counts_them(page):
    box = page.get_by_label("Filter rows of Trends")
    _tab_to(page, box)
    page.keyboard.type("deviates b")
    assert _column(page, 1) == ["b"]
    assert page.locator("p.tools", has=box).locator("output[aria-live=polite]").inner_text() == "1 of 3 rows"


def test_a_count_in_the_summary_leads_to_its_rows(page):
    page.get_by_role("link", name="2 deviates").click()
    assert _column(page, 1) == ["b", "c"]


def test_a_verdict_leads_to_the_row_that_it_judges(page):
    page.locator("#verdicts a", has_text="table3").click()
    sync_api.expect(page.get_by_label("Filter rows of Comparison of the methods")).to_be_focused()
    shown = page.locator("#table3 tbody tr:visible").all_inner_texts()
    assert shown
    assert all("tsman" in row.lower() for row in shown)
    assert page.locator("#table3 tbody tr").count() > len(shown)
    page.locator("#verdicts a", has_text="figure6").click()
    assert page.url.endswith("#figure6")


def test_ten_thousand_cases_are_paged_sorted_and_filtered_fast(page):
    rows = page.locator("[data-from=cohort-1-data] tbody tr")
    assert rows.count() == 100
    assert page.locator("[data-from=cohort-1-data] output").inner_text() == "10,002 rows"
    took = page.evaluate("""() => {
      const table = document.querySelector("[data-from=cohort-1-data]");
      const button = [...table.querySelectorAll("th button")].find((one) => one.textContent.startsWith("wall Dice"));
      const start = performance.now();
      button.click();
      button.click();
      return performance.now() - start;
    }""")
    assert took < 2000
    assert "0.999" in rows.first.inner_text() or "1.000" in rows.first.inner_text()
    page.get_by_label("Filter rows of Cases").fill("case=case_00007|case_00008 pseudo")
    assert rows.count() == 2


def test_the_next_hundred_cases_come_by_keyboard(page):
    host = page.locator("[data-from=cohort-1-data]")
    _tab_to(page, host.get_by_role("button", name="Next"))
    page.keyboard.press("Enter")
    assert "101–200 of 10,002" in host.inner_text()
    assert "case_00100" in host.locator("tbody tr").first.inner_text()


def test_a_row_leads_to_its_cases_and_they_to_their_stage_and_its_inputs(page):
    page.locator("#table1 a[data-words]").click()
    rows = page.locator("[data-from=cohort-1-data] tbody tr")
    assert "10,000 of 10,002" in page.locator("[data-from=cohort-1-data] output").inner_text()
    link = rows.first.locator("a.key")
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="scores-1")
    assert '"steps": 400' in dialog.inner_text()
    dialog.get_by_role("link", name="student-1").click()
    assert HOSTILE in page.get_by_role("dialog", name="student-1").inner_text()
    page.keyboard.press("Escape")
    sync_api.expect(page.get_by_role("dialog")).to_have_count(0)
    sync_api.expect(link).to_be_focused()


def test_a_figure_opens_larger_by_keyboard_and_focus_returns(page):
    button = page.locator("#figure6 button.enlarge")
    before = button.locator("img").bounding_box()["width"]
    _tab_to(page, button)
    page.keyboard.press("Enter")
    picture = page.get_by_role("dialog").locator("img")
    assert picture.bounding_box()["width"] > before
    page.keyboard.press("Escape")
    sync_api.expect(page.get_by_role("dialog")).to_have_count(0)
    sync_api.expect(button).to_be_focused()


def _shown(page):
    return page.locator("#viewer output").inner_text()


def _drawn(page):
    return page.locator("#viewer canvas").evaluate("(canvas) => canvas.toDataURL()")


def test_slices_scroll_by_range_arrows_and_wheel(page):
    canvas, output = page.locator("#viewer canvas"), page.locator("#viewer output")
    sync_api.expect(output).to_have_text("6 of 12")  # where the ball is widest
    first = _drawn(page)
    _tab_to(page, page.locator("#slice"))
    page.keyboard.press("ArrowRight")
    sync_api.expect(output).to_have_text("7 of 12")
    _tab_to(page, canvas)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    sync_api.expect(output).to_have_text("9 of 12")
    assert _drawn(page) != first
    canvas.hover()
    page.mouse.wheel(0, 100)
    sync_api.expect(output).to_have_text("8 of 12")
    canvas.press("End")
    sync_api.expect(output).to_have_text("12 of 12")


def test_every_overlay_changes_the_picture_and_goes_again(page):
    sync_api.expect(page.locator("#viewer output")).to_have_text("6 of 12")
    seen = {_drawn(page)}
    page.get_by_role("checkbox", name="truth").uncheck()
    for name in ("prediction before: the decoupled pair's", "doubt of f4", "the streams disagree"):
        seen.add(_drawn(page))
        page.get_by_role("radio", name=name).check()
    seen.add(_drawn(page))
    assert len(seen) == 5
    assert page.get_by_role("radio", name="training label").is_disabled()
    for group in ("filled", "doubt"):
        page.locator(f"[name={group}][value=none]").check()
    colours = page.locator("#viewer canvas").evaluate("""(canvas) => {
      const { data } = canvas.getContext("2d").getImageData(60, 60, canvas.width - 120, canvas.height - 120);
      return data.filter((_, at) => at % 4 === 0).some((red, at) => red !== data[4 * at + 2]);
    }""")
    assert colours is False  # the plain image is grey


def test_a_slice_keeps_its_millimetres_in_every_plane(page):
    ratios = {}
    for plane in ("axial", "coronal", "sagittal"):
        page.get_by_role("radio", name=plane).check()
        box = page.locator("#viewer canvas").bounding_box()
        ratios[plane] = round(box["width"] / box["height"], 2)
    assert ratios == {"axial": 24 / 20, "coronal": 24 / 24, "sagittal": round(20 / 24, 2)}


def test_another_scan_is_chosen_and_offers_only_what_it_has(page):
    page.locator("#scan").select_option(index=1)
    sync_api.expect(page.locator("#viewer output")).to_have_text("4 of 6")
    assert page.get_by_role("checkbox", name="truth").is_disabled()
    assert "second" in page.locator("#viewer .facts").inner_text()


def test_without_scripts_tables_and_figures_stand_in_reading_order(browser, page_path):
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(page_path.as_uri())
    tops = [
        plain.locator(name).bounding_box()["y"]
        for name in ("h1", "#summary", "#trends", "#table3", "#figure6 img")
    ]
    assert tops == sorted(tops)
    assert plain.locator("#viewer").is_hidden()
    context.close()
