"""Two ways to the same result, timed in turn: the rows of the speed table, kept in the benchmark's JSON."""

import io
import os
import platform
import statistics
import textwrap
import time
from dataclasses import dataclass, field

import pytest
from rich.console import Console
from rich.table import Table

ROWS = pytest.StashKey[list]()
IS_LEAST = {"times faster": True, "times as long": False, "at least": True, "at most": False}
WIDTH = 100


@dataclass(frozen=True)
class SideBySide:
    """Measures the one row of a test; called for a ratio of two callables, ``value`` for anything else."""

    benchmark: object
    rows: list = field(repr=False)

    def __call__(self, row, against, plain, fast, *, target, sense, rounds=7, note=""):
        """Run ``plain`` and ``fast`` in turn, after one unmeasured turn of both.

        Args:
            row, against: What is fast, and beside what, in the words of the table.
            plain, fast: Callables without arguments.
            target: The least ratio plain / fast for ``times faster``, the most fast / plain for ``times as long``.

        Returns:
            What ``plain`` and ``fast`` returned last, for the test to compare.
        """
        assert sense in {"times faster", "times as long"}, f"no sense of a ratio: {sense}"
        plain_s, said = [], []

        def run_plain():
            said.clear()  # a second result would be held while the next one is made
            start = time.perf_counter()
            said.append(plain())
            plain_s.append(time.perf_counter() - start)

        fast_said = self.benchmark.pedantic(
            fast, setup=run_plain, rounds=rounds, warmup_rounds=1, iterations=1
        )
        if self.benchmark.stats is not None:  # None under --benchmark-disable
            plain_s, fast_s = plain_s[1:], self.benchmark.stats.stats.data
            quotients = [
                p / f if sense == "times faster" else f / p for p, f in zip(plain_s, fast_s, strict=True)
            ]
            seconds = {"plain_s": statistics.median(plain_s), "fast_s": statistics.median(fast_s)}
            self._keep("ratio", quotients, row, against, target, sense, **seconds, note=note)
        return said[0], fast_said

    def value(self, row, against, values, *, target, sense, unit, note=""):
        """Keep a row that is no ratio of two callables: seconds, a share, bytes a voxel.

        Args:
            values: One number, or one a round.
            target: The least of them for ``at least``, the most for ``at most``.
        """
        assert sense in {"at least", "at most"}, f"no sense of a value: {sense}"
        self.benchmark.pedantic(lambda: None)  # the JSON lists only what was timed
        listed = list(values) if isinstance(values, (list, tuple)) else [values]
        self._keep("value", listed, row, against, target, sense, unit=unit, note=note)

    def _keep(self, kind, numbers, row, against, target, sense, **more):
        median = statistics.median(numbers)
        said = {
            "row": row,
            "against": against,
            "sense": sense,
            "target": target,
            f"{kind}_min": min(numbers),
            f"{kind}_median": median,
            f"{kind}_max": max(numbers),
            **more,
            "met": median >= target if IS_LEAST[sense] else median <= target,
        }
        self.benchmark.extra_info.update(said)
        self.rows.append(said)


@pytest.fixture
def side_by_side(benchmark, request):
    return SideBySide(benchmark, request.config.stash.setdefault(ROWS, []))


@pytest.fixture(scope="session")
def trained_of():
    return method_at_work


def method_at_work(recipe_name, contestant="densevoxnet", *, changes=(), device="cpu", **settings):
    """A method with a fresh network in the size, precision and layout that a recipe gives it on this machine."""
    from bench.files.processor import has_native_bfloat16
    from bench.plan.recipes import recipe, resolved
    from bench.seeding import torch_stream
    from bench.settings.serialise import plain
    from bench.settings.stage_specs import MethodReference, TrainingSpec
    from bench.stages.model import begin
    from methods.registry import classes, method

    made = recipe(recipe_name, changes, classes())
    chosen = resolved(made, device=device, native_bfloat16=has_native_bfloat16())
    asked = TrainingSpec(
        method=MethodReference(name=contestant, settings=plain(method(contestant)) | settings),
        stream=chosen.stream,
        sampling=chosen.sampling,
        optimiser=chosen.optimiser,
        steps=1,
        seed=0,
        compute=chosen.compute,
        channels=1,
        classes=3,
    )
    with torch_stream("speed", "network"):
        return begin(asked, device)


@pytest.fixture(scope="session")
def gives_back():
    """The environment of a process that gives each freed array back at once, so that its peak is what it needs."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    return others | {"MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_MMAP_THRESHOLD_": "65536"}


def machine():
    """What a ratio may depend on, and nothing that tells which machine it was."""
    import torch

    from bench.files.limits import cores
    from bench.store import provenance

    found = {
        "processor": provenance.machine()["processor"],
        "cores": cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "freed pages kept": "MALLOC_TRIM_THRESHOLD_" in os.environ,
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info.clear()
    machine_info.update(machine())


def pytest_benchmark_update_commit_info(config, commit_info):
    commit_info.pop("project", None)  # the folder's name
    commit_info.pop("branch", None)


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    table = Table(
        "what", "against", "target", "min / median / max", "", width=WIDTH, show_lines=True, highlight=False
    )
    for said in rows:
        table.add_row(*_cells(said))
    text = io.StringIO()
    Console(file=text, width=WIDTH, color_system=None).print(table)
    terminalreporter.section("speed")
    terminalreporter.write_line(text.getvalue())
    said_of_machine = ", ".join(f"{name} {value}" for name, value in machine().items())
    terminalreporter.write_line(textwrap.fill(said_of_machine, WIDTH))


def _cells(said):
    what = f"{said['row']} ({said['note']})" if said["note"] else said["row"]
    return what, said["against"], *judged(said), "met" if said["met"] else "missed"


def judged(said):
    """The target of a row, and what was measured: min / median / max."""
    kind = "ratio" if "ratio_median" in said else "value"
    unit = said.get("unit") or said["sense"]
    found = " / ".join(_number(said[f"{kind}_{name}"]) for name in ("min", "median", "max"))
    return f"{'≥' if IS_LEAST[said['sense']] else '≤'} {_number(said['target'])} {unit}", found


def _number(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


@pytest.fixture(scope="session")
def judged_row():
    return judged
