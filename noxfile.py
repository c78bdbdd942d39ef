"""One verb a session; ``nox -l`` lists them. ``--no-venv`` runs them in the environment that is there."""

import json
import shutil
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "layers", "tests"]


def install(session: nox.Session) -> None:
    """The project with its test tools, unless the session runs in an environment that has them."""
    if not isinstance(session.virtualenv, nox.virtualenv.PassthroughEnv):
        session.install("-e", ".[test]")


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting and rules (ruff)."""
    install(session)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types (mypy --strict)."""
    install(session)
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """The arrows between the rooms (import-linter)."""
    install(session)
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests that need neither a GPU nor minutes."""
    install(session)
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it elsewhere, run the smallest sweep from it."""
    session.install("build")
    with tempfile.TemporaryDirectory() as folder:
        session.run("python", "-m", "build", "--wheel", "--outdir", folder, ".")
        session.install(*[str(path) for path in Path(folder).glob("*.whl")])
        session.chdir(folder)
        session.run("bench", "--help")
        session.run("bench", "run", "--recipe", "smoke", "--xi", "0.5", "--store", "store")
        session.run("bench", "report", "--store", "store")


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """The tests that take minutes."""
    install(session)
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session(default=False)
def speed(session: nox.Session) -> None:
    """Measure the fast paths beside the plain ones: prints a table, writes results/reference/speed.json."""
    install(session)
    show = "import json; from bench.engines.local import surroundings; print(json.dumps(surroundings(1)))"
    said = session.run("python", "-c", show, silent=True)
    # As worker processes run: one thread, and glibc keeps freed pages, which it must know when it starts.
    target = "--benchmark-json=results/reference/speed.json"
    session.run(
        "pytest",
        "tests/speed",
        "--benchmark-only",
        "--benchmark-quiet",
        target,
        *session.posargs,
        env=json.loads(str(said)),
    )


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Do every fault that docs/reliability.md names, and print a table: fault, tried, survived, lost."""
    install(session)
    places = (
        "tests/faults",
        "tests/fuzz",
        "tests/bench/stages/test_resume.py",
        "tests/bench/test_soundness.py",
    )
    session.run("pytest", *places, "-m", "not gpu", *session.posargs)


@nox.session(default=False)
def reproduce(session: nox.Session) -> None:
    """The main job: sweep all methods over ξ, then the report."""
    install(session)
    session.run("bench", "run", "--methods", "all", "--xi", "0.1:0.9", *session.posargs)
    session.run("bench", "report")


@nox.session(default=False, venv_backend="none")
def clean(session: nox.Session) -> None:
    """Remove what tools leave behind; results stay."""
    for name in (".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", "build", "dist"):
        shutil.rmtree(name, ignore_errors=True)
    session.log("clean")
