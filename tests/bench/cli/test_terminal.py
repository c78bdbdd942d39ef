"""What stands on a terminal is text: no name steers it, turns the direction of reading or looks like our own line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import console
from bench.execution.scheduler import State

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2066\x9b31m\r\nbench: all is well"
STEERING = ("\x1b", "\x07", "\u202e", "\u2066", "\x9b", "\r")


def steers(text):
    return [sign for sign in STEERING if sign in text]


@given(st.text())
def test_a_tamed_text_has_only_what_is_printed(text):
    assert all(sign.isprintable() or sign == "\n" for sign in console.tame(text))
    assert console.one_line(text).isprintable()


@given(
    st.recursive(
        st.text() | st.floats(allow_nan=False) | st.none(),
        lambda more: st.lists(more) | st.dictionaries(st.text(), more),
    )
)
def test_json_on_a_terminal_is_printable_and_comes_back_the_same(document):
    from io import StringIO

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", StringIO())
        console.say_json(document)
        said = sys.stdout.getvalue()
    assert all(sign.isprintable() or sign == "\n" for sign in said)
    assert json.loads(said) == document


def test_a_table_has_one_line_a_row():
    said = console.table([["a\nb", "1"], [HOSTILE, "2"]], ["name", "number"])
    assert len(said.splitlines()) == 4
    assert not steers(said)


@pytest.fixture
def here(here):
    def run(*words):
        done = here(*words)
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--methods", HOSTILE, "-n"], ["run", "--xi", HOSTILE, "-n"], ["run", "--dataset", HOSTILE, "-n"],
        ["run", "--recipe", HOSTILE, "-n"], ["run", "--recipe", f"{HOSTILE}.toml", "-n"], ["run", "--set", HOSTILE, "-n"],
        ["run", "--set", f"{HOSTILE}=1", "-n"], ["run", "--set", f"student.steps={HOSTILE}", "-n"],
        ["run", "--seeds", HOSTILE, "-n"], ["run", "--device", HOSTILE, "-n"], ["run", "--engine", HOSTILE, "-n"],
        ["run", "--experiment", HOSTILE, "-n"], ["run", f"--{HOSTILE}"], ["run", "--jobs", HOSTILE], [HOSTILE],
        ["status", "--store", HOSTILE], ["show", HOSTILE], ["report", "--store", HOSTILE], ["clean", "--store", HOSTILE],
        ["compare", HOSTILE, "tsman"], ["compare", "tsman@" + HOSTILE, "x"], ["score", HOSTILE, HOSTILE],
        ["score", "a", "b", "--definition", HOSTILE], ["methods", "show", HOSTILE], ["data", "add", HOSTILE, "--from", "."],
        ["data", "add", "mine", "--from", HOSTILE], ["data", "make", HOSTILE, "--to", "x"], ["status", "--store", "x" * 5000],
        ["status", "--store", "a/" * 3000],
    ],
    ids=lambda words: f"{words[0][:8]}-{words[1][:12] if len(words) > 1 else ''}".encode("unicode_escape").decode(),
)  # fmt: skip
def test_an_error_is_one_line_of_text_whatever_was_said(here, words):
    code, out, err = here(*words)
    assert code in (2, 4)
    assert not steers(out + err)
    assert "internal error" not in err
    assert "\nbench: all is well" not in err
    assert len(err) < 4000
    if "Usage" not in err:
        assert err.startswith("bench: ")
        assert err.count("\n") == 1


def test_every_verb_tames_what_a_store_says(here, tmp_path, swept):
    import shutil

    store, alone = tmp_path / "store", tmp_path / "alone"
    shutil.copytree(swept.path, store)
    alone.mkdir()  # a table that somebody sent, without its stages
    records = (
        (store / "records.csv").read_text(encoding="utf-8").replace("phantom-heart", "\x1b[2J\u202eheart")
    )
    (alone / "records.csv").write_text(records, encoding="utf-8")
    key = sorted(path.name for path in (store / "stages").glob("student-*"))[0]
    from bench.files.checksummed import sealed, unsealed

    document = unsealed(store / "stages" / key / "stage.json")
    (store / "stages" / key / "stage.json").write_text(json.dumps(sealed(document | {"run": HOSTILE})))
    (store / "failed").mkdir(exist_ok=True)
    (store / "failed" / "student-bad.json").write_text(json.dumps({"error": HOSTILE, "stage": {}}))
    for words, where in (
        (["status"], store), (["status", "--json"], store), (["show", key], store), (["show", key, "--json"], store),
        (["compare", "tsman", "densevoxnet"], alone), (["compare", "tsman", "densevoxnet", "--json"], alone),
    ):  # fmt: skip
        code, out, err = here(*words, "--store", where)
        assert code == 0, err
        assert not steers(out + err)
        assert "�" in out or "\\u001b" in out


def test_the_live_table_shows_a_title_as_it_is(monkeypatch, capsys, tmp_path):
    from bench.store.store import Store

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    title = f"[red]x[/red] [link=http://x]y[/link] {HOSTILE}"
    with console.watching(Store(tmp_path), {"key": title}, quiet=False) as watch:
        watch(State(1, 0, 1.0, running={"key": 0.0}))
    out = capsys.readouterr().out
    assert "\u202e" not in out
    assert "\x1b]0;owned" not in out
    assert "http://x\x1b" not in out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_cannot_be_written_ends_no_work_but_a_document_that_is_waited_for():
    command = [sys.executable, "-c", "from bench.cli.main import main; main()", "methods", "list"]
    for more, code, said in (([], 0, "the work goes on"), (["--json"], 2, "cannot be written")):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [*command, *more], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert done.returncode == code, done.stderr
        assert done.stderr.count("\n") == 1
        assert said in done.stderr
