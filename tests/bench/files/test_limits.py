"""The limits of a container, on a folder that stands for ``/``: cgroup version 1 and 2, own group and those above."""

import json
import os

import pytest

from bench.cli.doctor import doctor
from bench.files import limits

GIB = 2**30


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 8 cores with 16 GiB left; returns a function that writes files of its container."""
    monkeypatch.setattr(limits, "ROOT", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)), raising=False)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    write(**{"proc/meminfo": f"MemTotal: {64 * GIB // 1024} kB\nMemAvailable: {16 * GIB // 1024} kB"})
    return write


def group(*words):
    return "/".join(("sys/fs/cgroup", *words))


def test_without_a_container_the_machine_alone_counts(machine):
    assert (limits.cores(), limits.free_memory()) == (8, 16 * GIB)


@pytest.mark.parametrize(
    ("quota", "cores"), [("250000", 2), ("199999", 1), ("50000", 1), ("max", 8), ("9900000", 8)]
)
def test_version_2_gives_whole_cores_of_its_quota_and_one_at_least(machine, quota, cores):
    machine(**{group("cpu.max"): f"{quota} 100000"})
    assert limits.cores() == cores


@pytest.mark.parametrize("controller", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize(("quota", "cores"), [("300000", 3), ("70000", 1), ("-1", 8)])
def test_version_1_gives_whole_cores_of_its_quota(machine, controller, quota, cores):
    machine(
        **{group(controller, "cpu.cfs_quota_us"): quota, group(controller, "cpu.cfs_period_us"): "100000"}
    )
    assert limits.cores() == cores


def test_the_narrowest_of_the_own_group_and_those_above_counts(machine):
    machine(**{
        "proc/self/cgroup": "0::/pods/bench/main",
        group("pods", "cpu.max"): "400000 100000",
        group("pods", "bench", "cpu.max"): "300000 100000",
        group("pods", "bench", "main", "cpu.max"): "600000 100000",
        group("pods", "other", "cpu.max"): "100000 100000",
        group("pods", "memory.max"): str(3 * GIB),
        group("pods", "memory.current"): str(2 * GIB),
        group("pods", "bench", "memory.max"): str(2 * GIB),
        group("pods", "bench", "memory.current"): str(GIB // 2),
    })  # fmt: skip
    assert limits.cores() == 3
    assert limits.free_memory() == GIB


def test_a_path_that_the_container_hides_leaves_what_it_shows(machine):
    machine(**{
        "proc/self/cgroup": "12:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/../outside",
        group("memory", "memory.limit_in_bytes"): str(4 * GIB),
        group("memory", "memory.usage_in_bytes"): str(3 * GIB),
        group("memory", "memory.stat"): f"cache 5\ntotal_inactive_file {GIB}",
        group("cpu,cpuacct", "cpu.cfs_quota_us"): "200000",
        group("cpu,cpuacct", "cpu.cfs_period_us"): "100000",
    })  # fmt: skip
    assert limits.cores() == 2
    assert limits.free_memory() == 2 * GIB  # files that the kernel would drop are not in use


@pytest.mark.parametrize("limit", ["max", "9223372036854771712", "", "many"])
def test_a_limit_that_is_none_leaves_the_machines_memory(machine, limit):
    machine(
        **{
            group("memory.max"): limit,
            group("memory.current"): "5",
            group("memory", "memory.limit_in_bytes"): limit,
        }
    )
    assert limits.free_memory() == 16 * GIB


def test_a_container_that_uses_more_than_its_limit_has_nothing_left(machine):
    machine(**{group("memory.max"): "1000", group("memory.current"): "2000"})
    assert limits.free_memory() == 0


def test_doctor_says_what_the_container_leaves(machine, tmp_path, capsys):
    machine(**{
        group("memory.max"): str(3 * GIB),
        group("memory.current"): str(2 * GIB),
        group("cpu.max"): "300000 100000",
    })  # fmt: skip
    doctor(tmp_path / "none", as_json=True)
    said = {one["check"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert (said["memory"]["state"], said["memory"]["says"]) == ("warning", "1.0 GiB free")
    assert said["cores"]["says"].startswith("3;")
