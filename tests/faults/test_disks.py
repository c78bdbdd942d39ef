"""A full disk and a read-only store: a clear sentence, nothing corrupt, and it goes on after space is made."""

import json
import sys

import pytest

FULL = """
mount -t tmpfs -o size=32m tmpfs "$ROOM"
head -c $((32 * 1024 * 1024 - LEFT)) /dev/zero > "$ROOM/ballast"
eval "$BENCH"; echo "first $?"
eval "$STATUS"; echo "status $?"
find "$ROOM/store/stages" -maxdepth 1 -name '.*' -type d
rm "$ROOM/ballast"
eval "$BENCH"; echo "second $?"
cp -r "$ROOM/store" "$OUT"
"""


def shell(command):
    import shlex

    return shlex.join(command)


@pytest.mark.parametrize("left", [20_000, 150_000, 400_000], ids=lambda n: f"{n // 1000} kB left")
def test_on_a_full_disk_it_says_so_corrupts_nothing_and_goes_on_after_space_is_made(
    disturbed, undisturbed, mounted, tmp_path, tried, left
):
    room, out = tmp_path / "room", tmp_path / "out"
    room.mkdir()
    status = [
        sys.executable,
        "-c",
        "from bench.cli.main import main; main()",
        "status",
        "--store",
        str(room / "store"),
    ]
    done = mounted(
        FULL,
        ROOM=room,
        OUT=out,
        LEFT=left,
        BENCH=shell(disturbed.command(room / "store")),
        STATUS=shell(status),
    )
    assert "first 3" in done.stdout, (done.stdout, done.stderr)
    assert "cannot be written any more (No space left on device)" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert "second 0" in done.stdout, done.stderr
    assert disturbed.results(out) == undisturbed.results
    assert disturbed.rows(out) == undisturbed.rows
    tried("a full disk")


READ_ONLY = """
mount -t tmpfs -o size=200m tmpfs "$ROOM"
cp -r "$STORE" "$ROOM/store"
mount -o remount,ro "$ROOM"
eval "$BENCH"
"""


def test_a_read_only_store_can_be_read_and_is_refused_for_a_run(
    disturbed, undisturbed, mounted, tmp_path, tried
):
    room = tmp_path / "room"
    room.mkdir()
    main = [sys.executable, "-c", "from bench.cli.main import main; main()"]

    def said(*words):
        return mounted(READ_ONLY, ROOM=room, STORE=undisturbed.store, BENCH=shell([*main, *map(str, words)]))

    store = ["--store", room / "store"]
    key = min(key for key in undisturbed.results if key.startswith("scores"))
    assert key in said("show", key, *store, "--json").stdout
    assert json.loads(said("status", *store, "--json").stdout)["stages"]["scores"] > 0
    compared = said("compare", "densevoxnet", "deep-level-set", *store)
    assert compared.returncode == 0, compared.stderr
    report = said("report", *store, "--out", tmp_path / "report")
    assert report.returncode == 0, report.stderr
    assert (tmp_path / "report" / "index.html").is_file()
    for words in (disturbed.words(room / "store"), ["clean", *store], ["report", *store]):
        refused = said(*words)
        assert refused.returncode in (2, 3), (words, refused.stderr)
        assert "written" in " ".join(refused.stderr.split()), (words, refused.stderr)
        assert "Traceback" not in refused.stderr
    tried("a read-only store")


def test_a_file_that_cannot_be_made_whole_leaves_the_old_one(tmp_path, monkeypatch):
    from bench.files.atomic import write_text

    path = tmp_path / "note.json"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
