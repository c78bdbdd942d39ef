"""Any file of a store, flipped, truncated or emptied: the next run says so where it matters, and ends with the same records."""

import os
import random
import shutil

import pytest


def flipped(path):
    content = bytearray(path.read_bytes())
    place = random.SystemRandom().randrange(len(content))
    content[place] ^= 1 << random.SystemRandom().randrange(8)
    path.write_bytes(content)


def truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
    path.write_bytes(b"")


SPOILS = (flipped, truncated, emptied)


def kind_of(path):
    """What a file is, so that one of each kind can be taken."""
    parts = path.parts
    if parts[0] == "stages":
        return (parts[1].partition("-")[0], parts[2])
    return (parts[0], path.suffix if parts[0] == "data" else path.name)


def files_of(store):
    found = [path.relative_to(store) for path in sorted(store.rglob("*")) if path.is_file()]
    return [path for path in found if path.name != ".lock"]


def spoiled(disturbed, undisturbed, place, victim, spoil):
    """Damage one file of a copy of the store and run again; whether what a reader finds is what it was."""
    shutil.copytree(undisturbed.store, place)
    spoil(place / victim)
    done = disturbed.finish(place)
    assert done.returncode == 0, (victim, spoil.__name__, done.stderr)
    if victim.parts[0] == "stages":
        assert f"damaged: {victim.parts[1]}" in done.stderr, (victim, done.stderr)
    equal = disturbed.rows(place) == undisturbed.rows and disturbed.results(place) == undisturbed.results
    shutil.rmtree(place)
    return equal


def one_of_each_kind(store):
    kinds = {}
    for path in files_of(store):
        kinds.setdefault(kind_of(path), path)
    return list(kinds.values())


def test_one_file_of_some_kinds_damaged_in_turn(disturbed, undisturbed, tmp_path, tried):
    victims = random.SystemRandom().sample(one_of_each_kind(undisturbed.store), 6)
    equal = [
        spoiled(disturbed, undisturbed, tmp_path / str(number), victim, SPOILS[number % len(SPOILS)])
        for number, victim in enumerate(victims)
    ]
    tried("a file of a store that is damaged", len(equal), sum(equal), equal.count(False))


@pytest.mark.slow
@pytest.mark.parametrize("spoil", SPOILS)
def test_one_file_of_each_kind_damaged_in_every_way(disturbed, undisturbed, tmp_path, tried, spoil):
    victims = one_of_each_kind(undisturbed.store)
    assert len(victims) >= 12
    equal = [
        spoiled(disturbed, undisturbed, tmp_path / str(number), victim, spoil)
        for number, victim in enumerate(victims)
    ]
    tried("a file of a store that is damaged", len(equal), sum(equal), equal.count(False))


@pytest.mark.parametrize("name", ["records.csv", "records.parquet"])
def test_damaged_tables_are_gathered_again_before_they_are_read(undisturbed, bench, tmp_path, name, tried):
    store = tmp_path / "store"
    shutil.copytree(undisturbed.store, store)
    before = (store / "records.csv").read_bytes()
    truncated(store / name)
    done = bench("compare", "densevoxnet", "deep-level-set", "--store", store)
    assert done.returncode == 0, done.stderr
    assert (store / "records.csv").read_bytes() == before
    assert (store / "records.parquet").stat().st_size == (
        undisturbed.store / "records.parquet"
    ).stat().st_size
    tried(f"a {name} that is truncated")


def test_a_stage_that_nobody_plans_any_more_is_put_aside_and_said(disturbed, undisturbed, bench, tmp_path):
    store = tmp_path / "store"
    shutil.copytree(undisturbed.store, store)
    key = min(path.name for path in store.glob("stages/scores-*"))
    os.truncate(store / "stages" / key / "records.csv", 10)
    read = bench("show", key, "--store", store)
    assert read.returncode == 0
    compared = bench("compare", "densevoxnet", "deep-level-set", "--store", store)
    assert compared.returncode == 4
    assert key in compared.stderr
    done = disturbed.finish(store, "--set", "student.steps=3")
    assert done.returncode == 0, done.stderr
    assert f"damaged: {key}" in done.stderr
    assert "the run that planned it makes it again" in done.stderr
    before = [row for row in undisturbed.rows if key in row]
    after = [row for row in disturbed.rows(store) if key in row]
    assert len(before) == len(after) > 0
    assert all("failed" in row for row in after), "missing, not forgotten"
    assert disturbed.finish(store).returncode == 0
    assert [row for row in disturbed.rows(store) if key in row] == before


def test_what_is_no_text_no_file_or_no_stage_ends_no_verb_in_a_traceback(
    disturbed, undisturbed, bench, tmp_path, tried
):
    store = tmp_path / "store"
    shutil.copytree(undisturbed.store, store)
    keys = sorted(path.name for path in store.glob("stages/scores-*"))
    (store / "records.state").write_bytes(b"\xff\xfe")
    (store / "stages" / "split-of-mine").symlink_to(tmp_path / "nothing")
    (store / "stages" / keys[0] / "more").symlink_to(tmp_path / "nothing")
    (store / "stages" / keys[1] / "records.csv").unlink()
    os.mkfifo(store / "stages" / keys[1] / "records.csv")
    (store / "failed").mkdir(exist_ok=True)
    for number, text in enumerate(('{"errnr": 1}', "[]", '{"error": "no.", "planned_rows": 3}', "\x00")):
        (store / "failed" / f"scores-{number}.json").write_text(text)
    (store / "stages" / keys[2] / "stage.json").unlink()
    verbs = (["status"], ["doctor"], ["compare", "densevoxnet", "deep-level-set"], ["show", keys[1]])
    for words in verbs:
        read = bench(*words, "--store", store, timeout=120)
        assert read.returncode in (0, 2, 3, 4), (words, read.stderr)
        assert "internal error" not in read.stderr, (words, read.stderr)
    done = disturbed.finish(store)
    assert done.returncode == 0, done.stderr
    assert disturbed.results(store) == undisturbed.results
    assert disturbed.rows(store) == undisturbed.rows
    tried("links to nothing, pipes and notes of another shape in a store", len(verbs) + 1)
