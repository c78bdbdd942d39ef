"""Words, recipes and records of any shape: an error of ours in a sentence or success, soon, and nothing else."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.cli.compare.sides import side_of
from bench.cli.main import main
from bench.data.dataset import DataSettings, Workshop
from bench.data.split import shares
from bench.errors import BenchError
from bench.plan.recipes import RECIPES, recipe
from bench.plan.words import datasets_of, device_of, jobs_of, seeds_of
from bench.settings.serialise import plain
from bench.store import record
from methods.registry import METHODS, classes, select
from reports.inputs.records import COLUMNS, read

NAMES = classes()
SOON = 5.0  # seconds for one word, on a machine that does other work beside it
SIGNS = "0123456789.:,-+eE!@/=[]{}\"'#_ \t\n\0\\*xX∞٣²½\u202e\ud800nanif"
ANY = st.text(max_size=40) | st.text(st.sampled_from(SIGNS), max_size=40)
LONG = st.builds(
    lambda piece, times: piece * times,
    st.text(st.sampled_from(SIGNS), min_size=1, max_size=4),
    st.integers(1, 5000),
)
NUMBERS = st.one_of(
    st.integers().map(str), st.floats().map(repr), st.sampled_from(("1e400", "-1e400", "1e-400", "9" * 5000, "0x10", "1_0", "٣", "²")),
    st.decimals(allow_nan=True).map(str), st.sampled_from(("0.1", "0.3", "0.9", "1", "0", "0.000001")),
)  # fmt: skip
JOINED = st.builds(
    lambda parts, by: by.join(parts),
    st.lists(NUMBERS | ANY, max_size=5),
    st.sampled_from((",", ":", ";", "")),
)
WORDS = ANY | LONG | NUMBERS | JOINED


def paths():
    """Every setting of a recipe as a path, and of every method."""

    def leaves(table, before=""):
        for key, value in table.items():
            yield from (
                leaves(value, f"{before}{key}.") if isinstance(value, dict) and value else [f"{before}{key}"]
            )

    named = [f"{name}.{path}" for name, kind in NAMES.items() for path in leaves(plain(kind()))]
    return [*leaves(plain(RECIPES["smoke"]())), *named]


PATHS = st.sampled_from(paths())
VALUES = st.one_of(
    NUMBERS, ANY, st.sampled_from(("true", "false", "[]", "{}", "[[[[1]]]]", "1979-05-27", '"a"', "inf", "nan", "-0.0", "null")),
    st.lists(NUMBERS, max_size=4).map(lambda items: f"[{', '.join(items)}]"), st.integers(1, 20_000).map(lambda n: "[" * n),
    st.integers(1, 5000).map(lambda n: f"[{'1,' * n}]"), st.integers(1, 3000).map(lambda n: "{a=" * n + "1" + "}" * n),
)  # fmt: skip
ASSIGNMENTS = st.builds("{}={}".format, PATHS | ANY | LONG, VALUES) | WORDS
TABLES = st.recursive(
    st.integers() | st.floats() | st.booleans() | st.text(max_size=8), lambda more: st.lists(more, max_size=3) | st.dictionaries(st.text("abcdefgh_-", min_size=1, max_size=8), more, max_size=3),
    max_leaves=8,
)  # fmt: skip
HEADS = st.lists(st.sampled_from(sorted({*plain(RECIPES["smoke"]()), *METHODS, "base", "x"})), max_size=3)
LINES = st.builds(
    "{} = {}".format, PATHS | ANY, VALUES | TABLES.map(lambda value: json.dumps(value, default=str))
)
TOML = (
    st.builds(
        lambda heads, lines: "\n".join(
            [*lines, *(f"[{head}]\n{line}" for head, line in zip(heads, lines, strict=False))]
        ),
        HEADS,
        st.lists(LINES, max_size=4),
    )
    | ANY
    | LONG
)


def said(kinds, call, *arguments):
    """The result, or nothing where it was refused in a sentence; either way soon."""
    began, found, refused = time.process_time(), None, "found"
    try:
        found = call(*arguments)
    except kinds as error:
        refused = str(error)
    assert time.process_time() - began < SOON
    assert refused.strip()
    return found


def checked_shares(text):
    found = said(BenchError, shares, text)
    if found is not None:
        assert 1 <= len(found) <= 1000
        assert found == sorted(set(found), key=float)
        assert all(0 < float(share) < 1 for share in found)


def checked_methods(text):
    found = said(ValueError, select, text)
    if found is not None:
        assert found
        assert len(set(found)) == len(found)
        assert set(found) <= set(METHODS)


def checked_assignments(changes):
    found = said(BenchError, recipe, "smoke", changes, NAMES)
    if found is not None:
        json.dumps(plain(found), allow_nan=False)
        assert found.name.startswith("smoke")


def checked_toml(path, text):
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    found = said(BenchError, recipe, str(path), (), NAMES)
    if found is not None:
        json.dumps(plain(found), allow_nan=False)


def checked_single_words(text):
    seeds = said(BenchError, seeds_of, text, 3)
    if seeds is not None:
        assert 1 <= len(seeds) <= 1000
    device = said(BenchError, device_of, text)
    assert device is None or device.partition(":")[0] in ("cpu", "cuda")
    side = said(BenchError, side_of, text)
    assert side is None or side.method
    with TemporaryDirectory() as folder:
        # What the operating system refuses, such as a name too long, is said by the command line.
        said((BenchError, OSError), datasets_of, text, DataSettings(size="smoke"), Workshop(Path(folder)))


USUAL = dict.fromkeys(COLUMNS, "") | {
    "dataset": "d", "method": "m", "xi": "0.3", "seed": "0", "split": "0", "role": "student", "noise": "none", "case": "c",
    "structure": "wall", "metric": "dice", "value": "0.5", "status": "ok",
}  # fmt: skip
CHANGES = st.dictionaries(
    st.sampled_from(COLUMNS) | st.just("more"),
    WORDS | st.sampled_from(("failed", "empty_prediction", "1e-999999999", "0." + "0" * 400 + "1", "1e308")),
    max_size=3,
)
ROWS = st.lists(CHANGES, min_size=1, max_size=3)
RAW = st.binary(max_size=200) | st.builds(
    lambda cut, more: ",".join(COLUMNS).encode()[:cut] + more, st.integers(0, 200), st.binary(max_size=100)
)


def written(rows):
    """A CSV of these rows, quoted as a careful writer does."""
    columns = [*COLUMNS, *({"more"} & {name for row in rows for name in row})]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(USUAL | row for row in rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def checked_records(path, content):
    path.write_bytes(content)
    found = said(ValueError, read, path)
    if found is not None:
        assert set(found["status"]) <= {"ok", "empty_prediction", "empty_reference", "both_empty", "failed"}
        values = found.loc[found["status"] != "failed", "value"]
        assert values.abs().le(1e15).all()
        assert found["xi"].str.len().max() < 40 or found.empty
    rows = said(BenchError, lambda: list(record.read(path)))
    assert rows is None or all(row.value is None or abs(row.value) < float("inf") for row in rows)


VERBS = st.one_of(
    st.tuples(st.just("run"), st.just("--recipe=smoke"), st.just("--xi=0.5"), st.sampled_from(("--methods", "--xi", "--dataset", "--experiment", "--recipe", "--seeds", "--set", "--device", "--engine", "--jobs")), WORDS | ASSIGNMENTS, st.just("-n")),
    st.tuples(st.sampled_from(("status", "report", "clean")), st.sampled_from(("--store", "--json", "--out")), WORDS),
    st.tuples(st.just("show"), WORDS), st.tuples(st.just("compare"), WORDS, WORDS), st.tuples(st.just("compare"), st.just("a"), st.just("b"), st.sampled_from(("--xi", "--metric", "--tolerance")), WORDS),
    st.tuples(st.just("score"), WORDS, WORDS), st.tuples(st.just("methods"), st.just("show"), WORDS), st.tuples(st.just("data"), st.just("add"), WORDS, st.just("--from"), WORDS),
    st.tuples(st.just("data"), st.just("make"), WORDS, st.just("--to"), st.just("made")), st.lists(WORDS, max_size=4).map(tuple),
)  # fmt: skip


def checked_command(words):
    """The verb in this process: a code of the contract, and an error is a line or the usage."""
    out, err = io.StringIO(), io.StringIO()
    began = time.process_time()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["bench", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    assert time.process_time() - began < 2 * SOON
    assert ended.value.code in (0, 2, 3, 4), err.getvalue()
    assert "internal error" not in err.getvalue()
    assert "Traceback" not in err.getvalue()
    if ended.value.code and "Usage" not in err.getvalue():
        errors = [line for line in err.getvalue().splitlines() if line.startswith("bench: ")]
        assert len(errors) == 1


LATE = [
    HealthCheck.function_scoped_fixture,
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
]
EXAMPLES = {"quick": 40, "slow": 1500}


def fuzz(*strategies, examples=EXAMPLES["quick"]):
    """The test on drawn words, the same each time where it is quick."""
    quick = examples == EXAMPLES["quick"]
    bounds = settings(
        max_examples=examples, deadline=None, suppress_health_check=LATE, derandomize=quick, database=None
    )
    return lambda test: bounds(given(*strategies)(test))


WORST_SHARES = (
    "0.1:0.9:0.0000000001", "0.000001:0.999999:0.000001", "1e400", "1e-400", "sNaN", "0.1:" * 3000, "0.1," * 20_000, "0.1:0.9:0.001," * 4000,
    "9" * 100_000, "0.1:0.9:", ":", "\0", "0.1:0.1:0.1:0.1", "1e-999999999", "0.0001:0.1:0.0001,0.1001:0.2:0.0001",
)  # fmt: skip
WORST_WORDS = (
    "999999999999", "9" * 5000, "-1", "0,0", "1," * 50_000, "²", "cuda:²", "cuda:" + "9" * 5000, "a@1e-999999999", "a@NaN", "a/b/c@0.1",
    "decathlon:\0", "decathlon:" + "x" * 5000, "decathlon:~nobody/x", "hvsmr2016:/dev/null",
)  # fmt: skip
WORST_ASSIGNMENTS = (
    "teachers.steps=[" + "1," * 50_000 + "]", "student.steps=1e9", "student.steps=1" + "0" * 400, "student.steps=1" + "0" * 5000,
    "optimiser.learning_rate=1e400", "optimiser.learning_rate=1" + "0" * 400, "optimiser.learning_rate=nan", ".".join("a" * 10_000) + "=1",
    "tsman." + ".".join("a" * 5000) + "=1", "student.steps=" + "[" * 100_000, "methods=" + "{a=" * 900 + "1" + "}" * 900,
    "tsman=" + "{a=" * 300 + "1" + "}" * 300, "stream.stem=999999999999999999", "sampling.patch=[8,8]", "compute=plain", "methods.tsman.x=1",
    "seeds=1000000000000000000000", "data.first_seed=1" + "0" * 30, "split.seed=1" + "0" * 4000, "cleaning.min_component=1e400",
)  # fmt: skip
WORST_TOML = (
    "a = " + "[" * 100_000, "a" + ".a" * 30_000 + " = 1", "[a" + ".a" * 3000 + "]\n" * 3, "x = " + "9" * 5000, "base = 1", "base = []",
    "student = 5", "methods = 1", "[methods]\ntsman = 1", "name = 'x'", "a = 1979-05-27", "\ufeffa = 1", "a = 'x'\na = 'y'", "[[student]]\nsteps = 1",
    "[tsman.attention]\n" + "x = 1\n" * 2, "student.steps = inf", "student.steps = 1\n" + "#" * 200_000, "#" * (2**18 + 1),
    "\n".join(f"a{n} = {{ b = [{n}] }}" for n in range(20_000)),
)  # fmt: skip
WORST_RECORDS = (
    b"", b"\n" * 1000, b"\0", b"\xff\xfe", ",".join(COLUMNS).encode(), ",".join(COLUMNS).encode() + b"\n" + b"x" * 200_000, b'"' * 1001,
    written([{"xi": "1e-999999999"}]), written([{"xi": "0." + "0" * 100_000 + "1"}]), written([{"seed": "9" * 10_000}]),
    written([{"value": "1e400"}]), written([{"value": "1e308"}, {"value": "-1e308", "case": "d"}]), written([{"case": "x" * 140_000}]),
    written([{"value": "inf"}]), written([{"value": "nan", "status": "ok"}]), ",".join([*COLUMNS, "value"]).encode(),
    written([{"seed": "²"}]), written([{"xi": "٠.٣"}]), written([{"role": "root"}]),
)  # fmt: skip
WORST_COMMANDS = (
    ("run", "--recipe", "smoke", "--set", "student.steps=1e9", "-n"), ("run", "--recipe", "smoke", "--set", "student.steps=999999999999", "--xi", "0.5", "-n"),
    ("run", "--recipe", "\0.toml", "-n"), ("run", "--jobs", "9" * 5000, "-n"), ("compare", "a", "b", "--tolerance", "1e400"),
    ("status", "--store", "\0"), ("score", "\0", "\0"), ("data", "add", "x", "--from", "\0"), ("show", "\ud800"), ("report", "--out", "\0"),
    ("data", "make", "phantom-heart", "--to", "x", "--first-seed", "9" * 400, "--size", "smoke"), ("run", "--store", "\0", "-n"), (),
)  # fmt: skip


@pytest.mark.parametrize("text", WORST_SHARES, ids=range(len(WORST_SHARES)))
def test_the_worst_shares(text):
    checked_shares(text)


@pytest.mark.parametrize("text", WORST_WORDS, ids=range(len(WORST_WORDS)))
def test_the_worst_single_words(text):
    checked_single_words(text)
    checked_methods(text)


@pytest.mark.parametrize("text", WORST_ASSIGNMENTS, ids=range(len(WORST_ASSIGNMENTS)))
def test_the_worst_assignments(text):
    checked_assignments([text])


@pytest.mark.parametrize("text", WORST_TOML, ids=range(len(WORST_TOML)))
def test_the_worst_recipe_files(tmp_path, text):
    checked_toml(tmp_path / "worst.toml", text)


@pytest.mark.parametrize("content", WORST_RECORDS, ids=range(len(WORST_RECORDS)))
def test_the_worst_records(tmp_path, content):
    checked_records(tmp_path / "records.csv", content)


@pytest.mark.parametrize("words", WORST_COMMANDS, ids=range(len(WORST_COMMANDS)))
def test_the_worst_commands(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    checked_command(words)


@fuzz(WORDS)
@example("0.1:0.9")
def test_shares_of_any_text(text):
    checked_shares(text)


@fuzz(
    WORDS
    | st.lists(
        st.sampled_from(["all", "every", "", "!", *METHODS, *(f"!{name}" for name in METHODS)]), max_size=5
    ).map(",".join)
)
def test_methods_of_any_text(text):
    checked_methods(text)


@fuzz(st.lists(ASSIGNMENTS, max_size=3))
def test_any_assignments(changes):
    checked_assignments(changes)


@fuzz(WORDS)
def test_any_single_word(text):
    checked_single_words(text)


@fuzz(TOML)
def test_any_recipe_file(tmp_path, text):
    checked_toml(tmp_path / "any.toml", text)


@fuzz(ROWS.map(written) | RAW)
def test_any_records(tmp_path, content):
    checked_records(tmp_path / "records.csv", content)


@fuzz(VERBS)
def test_any_command(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    checked_command(words)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "check"),
    [
        pytest.param(WORDS, checked_shares, id="shares"), pytest.param(WORDS, checked_methods, id="methods"),
        pytest.param(st.lists(ASSIGNMENTS, max_size=3), checked_assignments, id="assignments"),
        pytest.param(WORDS, checked_single_words, id="words"), pytest.param(TOML, checked_toml, id="TOML"),
        pytest.param(ROWS.map(written) | RAW, checked_records, id="records"), pytest.param(VERBS, checked_command, id="commands"),
    ],
)  # fmt: skip
def test_many_of_them(tmp_path, monkeypatch, tried, request, strategy, check):
    monkeypatch.chdir(tmp_path)
    counted = []

    @fuzz(strategy, examples=EXAMPLES["slow"])
    def one(drawn):
        counted.append(1)
        if check in (checked_toml, checked_records):
            check(tmp_path / "drawn.toml", drawn)
        else:
            check(drawn)

    one()
    tried(f"hostile {request.node.callspec.id}", times=len(counted))


def test_jobs_are_whole_numbers_from_nothing_up():
    assert jobs_of(10**100, 1, "cpu") >= 1
    with pytest.raises(BenchError, match="--jobs"):
        jobs_of(-1, 1, "cpu")


def test_what_a_hostile_table_holds_is_read_as_it_is(tmp_path):
    path = tmp_path / "records.csv"
    path.write_bytes(written([{"case": "=1+1"}, {"case": 'a,b\n"c'}]))
    assert list(read(path)["case"]) == ["=1+1", 'a,b\n"c']
    assert isinstance(read(path), pd.DataFrame)
