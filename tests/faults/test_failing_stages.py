"""A stage that runs out of memory or diverges fails alone, with its reason; running again retries only what failed."""

import csv
import json
import resource

BIG = "unet-3d.width=1000"
LIMIT = 8 * 2**30


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def rows_by_status(store):
    with (store / "records.csv").open(newline="") as file:
        return {(row["method"], row["status"]) for row in csv.DictReader(file)}


def test_a_stage_out_of_memory_fails_alone_with_its_reason(disturbed, bench, spheres, tiny, tmp_path, tried):
    store = tmp_path / "store"
    sets = [word for change in (*tiny, BIG) for word in ("--set", change)]
    words = ["run", "--recipe", "smoke", "--methods", "densevoxnet,unet-3d", "--xi", "0.5", "--no-mlflow"]
    words += ["--dataset", f"decathlon:{spheres}", "--store", store, "--jobs", 1, "--json", *sets]
    done = bench(*words, preexec_fn=limited)
    assert done.returncode == 3, done.stderr
    said = json.loads(done.stdout)
    assert len(said["failed"]) == 2, "the student and its fully supervised reference"
    assert all("out of memory" in reason for reason in said["failed"].values())
    assert all(key.startswith("scores-") for key in said["blocked"])
    assert rows_by_status(store) >= {("densevoxnet", "ok"), ("unet-3d", "failed")}
    assert ("densevoxnet", "failed") not in rows_by_status(store)
    tried("a worker out of memory", 2)


def test_a_training_that_diverges_is_failed_with_step_and_settings_and_retried_alone(
    disturbed, tmp_path, tried
):
    store = tmp_path / "store"
    wild = ["--set", "optimiser.kind=sgd", "--set", "optimiser.learning_rate=1e11"]
    wild += ["--set", "optimiser.weight_decay=1e11"]
    done = disturbed.finish(store, *wild, "--json")
    assert done.returncode == 3, done.stderr
    said = json.loads(done.stdout)
    failed, blocked = said["failed"], said["blocked"]
    assert {key.partition("-")[0] for key in failed} == {"teacher", "student"}
    assert all(" at step " in reason or "after the last step" in reason for reason in failed.values())
    assert {key.partition("-")[0] for key in blocked} == {"pseudo", "ensemble", "student", "scores"}
    assert set(blocked.values()) <= set(failed)
    for key, reason in failed.items():
        note = json.loads((store / "failed" / f"{key}.json").read_text())
        assert note["error"] == reason
        assert note["stage"]["settings"]["optimiser"]["learning_rate"] == 1e11
    again = json.loads(disturbed.finish(store, *wild, "--json").stdout)
    assert again["failed"] == failed
    assert again["blocked"].keys() == blocked.keys()  # by whichever of two teachers failed first
    assert again["cached"] == said["made"] + said["cached"]
    words = disturbed.finish(store, *wild)
    assert all(key in words.stderr for key in failed)
    assert f"{len(blocked)} blocked" in words.stdout
    tried("a loss that is no number", len(failed))


CLOCK = """
import builtins, datetime, random, time, types
_now, _import, _wild = time.time, builtins.__import__, random.SystemRandom()

def jumping():
    return _now() + _wild.choice((-3e8, 0, 3e8))

class Jumping(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(jumping(), tz)

def importing(name, globals=None, *more, **named):
    if name == "datetime" and (globals or {}).get("__name__", "").startswith("bench."):
        return types.SimpleNamespace(UTC=datetime.UTC, datetime=Jumping)
    return _import(name, globals, *more, **named)

time.time, builtins.__import__ = jumping, importing
"""


def test_a_clock_that_jumps_by_years_changes_no_record(disturbed, undisturbed, tmp_path, tried, monkeypatch):
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "clock"), prepend=":")
    store = tmp_path / "store"
    done = disturbed.finish(store)
    assert done.returncode == 0, done.stderr
    assert disturbed.rows(store) == undisturbed.rows
    assert disturbed.results(store) == undisturbed.results
    years = {json.loads(path.read_text())["started"][:4] for path in store.glob("stages/*/stage.json")}
    assert len(years) > 1, "the clock did jump"
    again = json.loads(disturbed.finish(store, "--json").stdout)
    assert (again["made"], again["failed"]) == (0, {})
    tried("a clock that jumps by years at every look")
