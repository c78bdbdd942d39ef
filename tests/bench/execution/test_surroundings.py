"""What surrounds a process changes no file of a report or a picture: plotting settings, language, shell."""

import os

import pytest

RC = """backend: nonsense
figure.dpi: 33
savefig.dpi: 20
savefig.transparent: True
axes.facecolor: black
font.family: monospace
font.size: 30
lines.linewidth: 9
text.color: red
axes.formatter.use_locale: True
no.such.key: 1
"""
OTHERS = {
    "a notebook, settings in the current folder": {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    "a window, settings of MATPLOTLIBRC, another language, time zone, order of sets and width": {
        "MPLBACKEND": "TkAgg", "MATPLOTLIBRC": "RC", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE", "TZ": "Pacific/Kiritimati",
        "PYTHONHASHSEED": "3", "COLUMNS": "7", "TERM": "dumb", "NO_COLOR": "1", "SOURCE_DATE_EPOCH": "1",
    },
    "a backend that is none, settings in the home folder, ASCII, no TMPDIR": {
        "MPLBACKEND": "nonsense", "HOME": "HOME", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii", "TMPDIR": "/nonexistent/folder",
    },
}  # fmt: skip
RUN = ("run", "--methods", "densevoxnet", "--xi", "0.5", "--recipe", "smoke", "--jobs", "1", "--no-mlflow")


@pytest.fixture(scope="module")
def made(tmp_path_factory, bench, spheres, tiny):
    """A finished store, and its report as files."""
    place = tmp_path_factory.mktemp("made")
    narrow = [word for one in tiny for word in ("--set", one)]
    done = bench(*RUN, "--dataset", f"decathlon:{spheres}", *narrow, "--store", "store", cwd=place)
    assert done.returncode == 0, done.stderr
    done = bench("report", "--store", "store", "--out", "report", cwd=place)
    assert done.returncode == 0, done.stderr
    return place, contents(place / "report")


def contents(folder):
    """Every file by name; the page without where it lies."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def differing(report, folder):
    found = contents(folder)
    return sorted(name for name in report.keys() | found.keys() if report.get(name) != found.get(name))


@pytest.mark.parametrize("what", OTHERS)
def test_a_report_is_the_same_whatever_surrounds_it(made, tmp_path, bench, what):
    place, report = made
    home = tmp_path / ".config" / "matplotlib"
    home.mkdir(parents=True)
    for folder in (tmp_path, home):
        (folder / "matplotlibrc").write_text(RC)
    (tmp_path / "store").symlink_to(place / "store")
    told = {"RC": str(tmp_path / "matplotlibrc"), "HOME": str(tmp_path)}
    env = {**os.environ, **{name: told.get(value, value) for name, value in OTHERS[what].items()}}
    cwd = tmp_path if "current folder" in what else place
    done = bench("report", "--store", "store", "--out", tmp_path / "out", cwd=cwd, env=env, umask=0o077)
    assert done.returncode == 0, done.stderr
    assert differing(report, tmp_path / "out") == []
    assert any(name.endswith(".png") for name in report)


def test_the_picture_of_noise_is_the_same_under_a_notebooks_backend_and_settings(tmp_path, bench, spheres):
    kept = ("noise", "make", "markov:0.2", "--dataset", f"decathlon:{spheres}", "--to", "noisy")
    assert bench(*kept, cwd=tmp_path).returncode == 0
    (tmp_path / "rc").write_text(RC)
    hostile = {**os.environ, "MPLBACKEND": "module://nowhere", "MATPLOTLIBRC": str(tmp_path / "rc")}
    for name, env in (("plain.png", None), ("hostile.png", hostile)):
        done = bench("noise", "show", "noisy", "--to", name, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "hostile.png").read_bytes()
