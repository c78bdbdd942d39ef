"""Records that somebody made, hostile in every name: the report shows them as text wherever they stand."""

from __future__ import annotations

import csv
import re
import shutil
from dataclasses import replace
from io import StringIO
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.figures.style import plain
from reports.inputs.images import Exhibits, Overlay
from reports.inputs.other_tables import CONTRACTS, Extras
from reports.inputs.other_tables import read as read_extras
from reports.inputs.records import COLUMNS, read
from reports.page import write
from reports.text.render import comma_separated, latex, latex_text, markdown
from reports.text.sheet import sheet

HOSTILE = (
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>", "\"><svg onload=alert(3)>", "' onmouseover='alert(4)",
    "<!--", "]]>", "javascript:alert(5)", "{{ 7 * 7 }}{% raw %}", "=HYPERLINK(\"http://x\";\"y\")", "+1+1", "-2+3", "@SUM(A1)",
    "\tx", "\rx", "\n=x", "＝1", "a|b|c", "*x*", "__proto__", "constructor", "_hidden", "$x_{$", r"$\frac{$", r"\input{/etc/passwd}",
    "% & # _ { } ~ ^ \\", "[2mm]", "*", "\x1b[31mred\x1b]0;title\x07", "a\u202eb", "\u2066x", "\x00", "\x9b31m", "日本語", "x" * 3000,
    "`code`", "~~x~~", "[link](http://x)", "constructor.prototype", "toString", "\ufeffbom", "all", "overall", "labels", "background",
)  # fmt: skip
SPECIALS = re.compile(r"[\\{}$&#%_^~]")


def hostile_extras(records, every):
    """Doubt, gradients and cost of those methods under those names."""
    first = records.drop_duplicates("method")
    who = first[["run", "dataset", "method", "xi", "seed", "split", "role", "variant", "noise", "recipe"]]
    doubts = [
        who.assign(
            case=every[0],
            map=name,
            progress=100.0,
            structure="all",
            region="all",
            measure="auroc",
            value=0.5,
            voxels=9.0,
        )
        for name in every[1:4]
    ]
    gradients = [
        who.assign(
            case=every[0],
            of="features",
            layer=name,
            depth=place,
            progress=100.0,
            measure="noise_to_signal",
            value=1.0,
        )
        for place, name in enumerate(every[:4])
    ]
    numbers = [name for name in CONTRACTS["costs"].columns if name not in (*who.columns, "start", "stage")]
    costs = who.assign(**dict.fromkeys(numbers, 1.0), start="teachers", stage="s")
    return Extras(
        doubts=pd.concat(doubts).assign(stage="s"),
        gradients=pd.concat(gradients).assign(stage="s"),
        costs=costs,
    )


def hostile_records(every):
    """Two data sets; each name is a method in one of them, many are structures in the other."""
    rows = []
    for number in range(2):
        names, structures = every[number::2], every[(number + 1) % 2 :: 4]
        for method, xi, case, structure in product(names, ("0.9",), names[:1], structures):
            usual = {
                "run": method, "dataset": f"d{number} {names[0]}", "method": method, "xi": xi, "xi_realised": case, "seed": "0",
                "split": "0", "role": "student", "member": "", "variant": "", "noise": "none", "recipe": structures[0],
                "unit": case, "definition": structures[1], "status": "ok", "stage": f"{method}-{xi}", "commit": method,
                "case": case, "structure": structure,
            }  # fmt: skip
            dice = 0.5 + 0.01 * names.index(method)
            rows += [
                usual | {"metric": metric, "value": value}
                for metric, value in (("dice", dice), ("adb", 2.0), ("hdd", 9.0))
            ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.fixture(scope="module", params=[12, pytest.param(len(HOSTILE), marks=pytest.mark.slow)])
def report(request, tmp_path_factory, scan):
    folder = tmp_path_factory.mktemp("hostile")
    records = hostile_records(HOSTILE[: request.param])
    # Through a file and back, as `bench report` has them.
    records.to_csv(folder / "records.csv", index=False, quoting=csv.QUOTE_ALL)
    chain = [
        {"stage": f"s{place}", "kind": "split", "title": name, "inputs": ""}
        for place, name in enumerate(HOSTILE[:11])
    ]
    exhibits = Exhibits(
        scans=(
            replace(
                scan(),
                dataset=HOSTILE[1],
                case=HOSTILE[0],
                method=HOSTILE[2],
                structures=(HOSTILE[3], "_x$"),
                before=HOSTILE[4],
            ),
        ),
        stages=pd.DataFrame(chain),
        provenance=pd.DataFrame(
            [{"stage": name, "kind": name, "title": name, "settings": name} for name in HOSTILE]
        ),
        missing=HOSTILE,
        overlays=(
            Overlay(
                HOSTILE[1], "r", HOSTILE[20], "0.9", 0, HOSTILE[3], HOSTILE[2], 1.0, np.eye(8, dtype=np.float32),
                np.eye(8) > 0, {(HOSTILE[0], HOSTILE[21]): np.eye(8, dtype=np.float32)},
            ),
        ),
    )  # fmt: skip
    names = HOSTILE[: request.param]
    hostile_extras(records, names).doubts.to_csv(folder / "doubts.csv", index=False, quoting=csv.QUOTE_ALL)
    extras = replace(read_extras(folder), gradients=hostile_extras(records, names).gradients)
    extras = replace(extras, costs=hostile_extras(records, names).costs)
    written = write(
        read(folder / "records.csv"),
        folder / "out",
        title=HOSTILE[0],
        provenance=dict(zip(HOSTILE, HOSTILE, strict=True)),
        exhibits=exhibits,
        extras=extras,
    )
    assert {path.parent.resolve() for path in written} <= {
        folder / "out" / sub for sub in ("", "tables", "figures")
    }
    return folder / "out"


def test_every_table_in_markdown_has_rows_of_equal_width_and_no_html(report):
    for path in sorted((report / "tables").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<!\\)[<>]", re.sub(r"\\\\", "", text)), path.name
        widths = {
            len(re.findall(r"(?<!\\)\|", line.replace(r"\\", "")))
            for line in text.splitlines()
            if line.startswith("|")
        }
        assert len(widths) <= 1, path.name
        assert all(sign.isprintable() or sign == "\n" for sign in text), path.name


def test_no_cell_of_a_csv_is_a_formula_and_numbers_are_numbers(report):
    found = sorted((report / "tables").glob("*.csv"))
    assert len(found) > 10
    for path in found:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        for row in rows:
            assert len(row) == len(rows[0])
            for cell in row:
                number = re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell)
                assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")), (
                    path.name,
                    cell,
                )
    curve = pd.read_csv(next((report / "tables").glob("curve*.csv")))
    assert curve["mean"].dtype == "float64"


def unescaped(text):
    """What is left of LaTeX text when all that `latex_text` writes is taken away."""
    for word in (
        r"\textbackslash{}", r"\textasciicircum{}", r"\textasciitilde{}", r"\textless{}", r"\textgreater{}", r"\textbar{}",
        r"\textquotedbl{}", r"\$", r"\{", r"\}", r"\&", r"\#", r"\%", r"\_", "{[}", "{]}", "{*}", r"$\xi$", r"$\pm$",
        r"$\uparrow$", r"$\downarrow$", "$-$", r"$\surd$", r"$\frac12$", r"$\frac14$",
    ):  # fmt: skip
        text = text.replace(word, "")
    return text


@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_text_in_latex_holds_no_sign_that_latex_obeys(name):
    text = latex_text(name)
    assert not SPECIALS.search(unescaped(text))
    assert all(sign.isprintable() for sign in text)
    assert not text.startswith(("[", "*"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=20) | st.sampled_from(HOSTILE), min_size=1, max_size=4, unique=True))
def test_a_table_of_any_names_is_written_down(names):
    frame = pd.DataFrame(
        {"xi": "0.3", "method": names, "overall": [-0.5 * place for place in range(len(names))]}
    )
    shown = sheet(frame, "xi")
    text = markdown(shown, names[0], names[-1])
    assert len([line for line in text.splitlines() if line.startswith("| 0.3")]) == len(names)
    back = list(csv.reader(StringIO(comma_separated(frame), newline="")))
    assert [float(row[2]) for row in back[1:]] == frame["overall"].tolist()
    assert latex(shown, names[0], names[0], names[-1]).count(r"\end{tabular}") == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_figure_is_drawn_as_it_is_and_stands_in_the_legend(name, scored):
    import warnings

    from reports.figures.curves import xi_curve

    figure = xi_curve(pd.concat([scored(0.5, method=name), scored(0.6, method="b")]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.draw_without_rendering()
    assert len(figure.legends[0].get_texts()) == 2
    assert all(sign.isprintable() or sign == "\n" for sign in plain(name))


def test_the_page_runs_nothing_of_any_name(report):
    sync_api = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    said = []
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(("file:", "data:")) else said.append(asked.url),
        )
        page.goto((report / "index.html").as_uri())
        page.locator("#viewer").wait_for()
        assert page.locator("h1").inner_text() == HOSTILE[0]
        assert page.locator("main script:not([type='application/json'])").count() == 0
        assert page.locator("[onerror], [onload], [onmouseover], svg, iframe, object, embed").count() == 0
        assert page.locator("img").evaluate_all("all => all.every(one => one.src.startsWith('data:'))")
        for place in range(min(page.locator("a[data-words]:visible").count(), 12)):
            page.locator("a[data-words]:visible").nth(place).click()
        for place in range(min(page.locator("#provenance a.key:visible").count(), 12)):
            page.locator("#provenance a.key:visible").nth(place).click()
            page.locator("#enlarged .close").click()
        browser.close()
    assert said == []
