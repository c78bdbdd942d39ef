from __future__ import annotations

from collections import Counter
from importlib.resources import files

import pytest

from reports.published.cells import EXHIBITS, of_exhibit, published, read


def test_every_cell_of_the_paper_is_there():
    assert Counter(cell.exhibit for cell in published()) == {
        "table1": 24, "table2": 5, "table3": 49, "table4": 24, "figure6": 4, "figure7": 5,
    }  # fmt: skip


def test_cells_are_kept_as_printed():
    label = next(cell for cell in of_exhibit("table4") if (cell.row, cell.column) == ("TSMAN", "1"))
    assert (label.text, label.value, label.rounding) == ("0.7760", 0.776, pytest.approx(0.00005))
    assert (label.place.method, label.place.xi, label.place.structure) == ("tsman", "0.9", "necrosis")


def test_na_has_no_value_and_no_rounding():
    blank = [cell for cell in of_exhibit("table3") if cell.value is None]
    assert [(cell.row, cell.column, cell.text, cell.rounding) for cell in blank] == [
        ("M16", "Overall", "NA", 0.0)
    ]


def test_bold_and_direction_are_those_of_the_paper():
    bold = {(cell.row, cell.column) for cell in of_exhibit("table3") if cell.bold}
    assert bold == {
        ("Y17", "Myocardium Dice"), ("Ours", "Myocardium ADB"), ("Ours", "Myocardium HDD"),
        ("Y16", "Blood Pool Dice"), ("Y17", "Blood Pool Dice"), ("Y16", "Blood Pool ADB"),
        ("Y16", "Blood Pool HDD"), ("Ours", "Overall"),
    }  # fmt: skip
    lower = {cell.column for cell in of_exhibit("table3") if cell.better == "lower"}
    assert lower == {cell.column for cell in of_exhibit("table3") if cell.unit == "mm"}


def test_the_rows_of_table_1_are_told_apart_by_variant_and_member():
    found = {
        (cell.row, cell.column): (cell.place.variant, cell.place.member) for cell in of_exhibit("table1")
    }
    assert found["30%", "B"] == ("single", "2")
    assert found["30%(DD)", "C"] == ("dd", "3")
    assert (found["50%", "MD"], found["50%(DD)", "MD"]) == (("md", ""), ("hd", ""))


def test_the_leaderboard_has_no_place_among_our_records_and_says_why():
    unmapped = {cell.row for cell in of_exhibit("table3") if cell.place is None}
    assert unmapped == {"M16", "T16", "V17", "W16", "Y16"}
    assert all(bool(cell.unmapped) == (cell.place is None) for cell in published())


def test_figures_print_nothing():
    assert all((cell.text, cell.value) == ("", None) for cell in published() if "figure" in cell.exhibit)


def broken(tmp_path, old, new, name="table3"):
    """A copy of a file with one thing changed, and the number of the changed line."""
    text = files("reports.published").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path = tmp_path / f"{name}.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path, text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('text = "2.041"', 'text = "2,041"', "text is '2,041', expected a number such as 0.820, or NA"),
        ('text = "2.041"', 'text = ""', "text is '', expected a number"),
        ('text = "2.041"', "text = 2.041", "text is 2.041, expected a text"),
        ('"2.041", bold = false', '"2.041", bald = false', "unknown key 'bald'; known are row, column"),
        ('"2.041", bold = false', '"2.041"', "key 'bold' is missing"),
        ('"2.041", bold = false', '"2.041", bold = "no"', "bold is 'no', expected true or false"),
        ('row = "T16", column = "Myocardium ADB"', 'row = "T61", column = "Myocardium ADB"',
         "row is 'T61', expected one of M16"),
        ('row = "T16", column = "Myocardium ADB"', 'row = "T16", column = "Myocardium Dice"',
         "the cell 'T16', 'Myocardium Dice' stands there twice"),
        ('better = "lower"', 'better = "less"', "better is 'less', expected one of higher, lower"),
        ("Y17 = { role", "Y17 = { roll", "unknown key 'roll'"),
        ('dataset = "hvsmr2016"', 'dataset = "hvsmr2016"\nyear = 2016', "unknown key 'year'"),
        ('variant = ""', 'variety = ""', "unknown key 'variety'"),
        ('benchmark = "hvsmr"', 'benchmark = "hsvmr"', "benchmark is 'hsvmr', expected one of hvsmr, brats"),
        ('obstacle = "', "obstacle = ", ""),  # TOML's own complaint
    ],
)  # fmt: skip
def test_what_breaks_the_format_is_refused_by_file_and_line(tmp_path, old, new, why):
    path, line = broken(tmp_path, old, new)
    line += new.count("\n")
    with pytest.raises(ValueError, match=rf"line {line}\b") as refused:
        read(path)
    assert str(path) in str(refused.value)
    assert why in str(refused.value)


def test_a_cell_without_a_place_among_our_records_is_refused(tmp_path):
    path, _ = broken(tmp_path, 'method = "tsman", xi = "0.9"', 'xi = "0.9"')
    with pytest.raises(ValueError, match=r"line \d+: key 'method' is missing here, in the row"):
        read(path)


def test_a_lost_cell_is_refused(tmp_path):
    path, _ = broken(
        tmp_path, '  { row = "T16", column = "Myocardium ADB", text = "2.041", bold = false },\n', ""
    )
    with pytest.raises(ValueError, match=r"line \d+: the cell 'T16', 'Myocardium ADB' is missing"):
        read(path)


def test_a_file_without_its_cells_is_refused_at_its_first_line(tmp_path):
    path = tmp_path / "table1.toml"
    path.write_text('exhibit = "table1"\n')
    with pytest.raises(ValueError, match="line 1: key 'benchmark' is missing"):
        read(path)


def test_a_number_in_a_figure_is_refused(tmp_path):
    path, line = broken(tmp_path, 'text = ""', 'text = "0.5"', "figure6")
    with pytest.raises(ValueError, match=rf"line {line}: text is '0.5', expected nothing"):
        read(path)


@pytest.mark.parametrize("name", EXHIBITS)
def test_the_shipped_files_say_which_exhibit_they_are(name):
    assert {cell.exhibit for cell in read(files("reports.published") / f"{name}.toml")} == {name}
