"""One verb a session; ``nox -l`` lists them. ``--no-venv`` runs them in the environment that is there."""

import json
import shutil
import tempfile
import tomllib
from pathlib import Path

import nox
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

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


LOWEST_TESTS = (
    "tests/bench/cli/test_commands.py",
    "tests/bench/test_lowest.py",
    "tests/bench/settings/test_settings.py",
    "tests/bench/metrics/test_metrics.py",
    "tests/bench/records/test_records.py",
    "tests/reports/figures/test_figures.py",
    "tests/reports/page/test_page.py",
)
"""What the lowest versions are tried with besides the verbs: minutes, and every dependency is imported."""


@nox.session(default=False, venv_backend="virtualenv")
def lowest(session: nox.Session) -> None:
    """Install the lowest versions that pyproject.toml allows; go through the verbs and a short suite."""
    session.install("uv")
    # The lower bounds are read from pyproject.toml itself; what they in turn need is as new as it may be.
    session.run(
        "uv",
        "pip",
        "install",
        "--python",
        python_of(session),
        "--resolution",
        "lowest-direct",
        "-e",
        ".[test]",
    )
    versions = session.run("uv", "pip", "freeze", "--python", python_of(session), silent=True)
    check_lowest(Path("pyproject.toml"), str(versions))
    with tempfile.TemporaryDirectory() as folder:
        for words in verbs(Path(folder)):
            session.run(*words, silent=True)
        key = min(path.name for path in Path(folder).glob("store/stages/scores-*"))
        session.run("bench", "verify", key, "--store", f"{folder}/store")
    session.run("pytest", "-p", "no:cacheprovider", *LOWEST_TESTS, *session.posargs)


def python_of(session: nox.Session) -> str:
    """The interpreter of a session's environment."""
    return str(Path(session.bin) / "python")


def lower_bounds(pyproject: Path) -> dict[str, str]:
    """Package -> lowest version that the dependencies of a pyproject.toml allow, those of its tests as well.

    Raises:
        ValueError: A dependency has none: nobody knows with which versions it works.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    bounds = {}
    for text in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
        requirement = Requirement(text)
        lower = [one.version for one in requirement.specifier if one.operator == ">="]
        if len(lower) != 1:
            raise ValueError(f"{text} in {pyproject} needs one lower bound, as name>=1.2.")
        bounds[canonicalize_name(requirement.name)] = lower[0]
    return bounds


def check_lowest(pyproject: Path, frozen: str) -> None:
    """Refuse an environment in which a dependency is newer than its lower bound.

    Args:
        pyproject: Where the bounds are.
        frozen: The environment as ``pip freeze`` lists it.

    Raises:
        ValueError: Names what is not installed in its lowest version: the session would prove nothing of it.
    """
    there = dict(line.split("==") for line in frozen.splitlines() if line.count("==") == 1)
    there = {canonicalize_name(name): version for name, version in there.items()}
    wrong = [
        f"{name} {there.get(name, 'missing')} for {bound}"
        for name, bound in lower_bounds(pyproject).items()
        if name not in there or not is_lowest(there[name], bound)
    ]
    if wrong:
        raise ValueError(f"not the lowest versions: {', '.join(wrong)}; raise the bounds to what can be had.")


def is_lowest(version: str, bound: str) -> bool:
    """Whether a version is the first of its bound: 1.10.0 and 1.10.0.post1 of ``>=1.10``, not 1.10.1."""
    return Version(Version(version).base_version) == Version(bound)


def verbs(folder: Path) -> list[tuple[str, ...]]:
    """A command line for each verb of bench, in an order in which each finds what it needs."""
    data, store, noisy = (str(folder / name) for name in ("data", "store", "noisy"))
    spheres, here = f"decathlon:{data}", ("--store", store)
    helps = ["", "run", "report", "compare", "score", "status", "show", "verify", "doctor", "clean"]
    helps += ["merge", "tune"]
    helps += [
        "methods list",
        "methods show",
        "methods check",
        "methods new",
        "data list",
        "data add",
        "data check",
    ]
    helps += ["data make", "noise make", "noise measure", "noise show", "export predictions", "export mlflow"]
    run = (
        "run",
        "--dataset",
        spheres,
        "--methods",
        "densevoxnet,tsman",
        "--xi",
        "0.5",
        "--recipe",
        "smoke",
        "--jobs",
        "1",
    )
    words = [
        *((*one.split(), "--help") for one in helps),
        ("data", "make", "phantom-heart", "--to", data, "--size", "smoke"),
        ("data", "check", spheres, *here),
        ("data", "list", *here),
        (*run, *here, "--dry-run"),
        (*run, *here),
        ("status", *here),
        ("report", *here),
        ("compare", "tsman", "densevoxnet", *here),
        ("merge", store, "--to", str(folder / "merged")),
        ("score", f"{data}/labelsTr", f"{data}/labelsTr"),
        ("methods", "list"),
        ("methods", "show", "tsman"),
        ("methods", "check", "densevoxnet"),
        ("methods", "new", "my-loss", "--to", str(folder)),
        ("noise", "make", "markov:0.2", "--dataset", spheres, "--to", noisy, *here),
        ("noise", "measure", f"{noisy}/truth", f"{noisy}/labels"),
        ("noise", "show", noisy, "--to", str(folder / "noise.png")),
        ("export", "mlflow", *here),
        ("doctor", *here),
        ("clean", *here),
    ]
    scan = str(folder / "scan.mha")
    write = f"import numpy, SimpleITK as itk; itk.WriteImage(itk.GetImageFromArray({BLOCK}), {scan!r})"
    scored = [("python", "-c", write), ("bench", "score", scan, scan)]
    return [*(("bench", *one) for one in words), *scored]


BLOCK = "numpy.pad(numpy.ones((4, 4, 4), 'u1'), 2)"


@nox.session(default=False, venv_backend="virtualenv")
def pinned(session: nox.Session) -> None:
    """Resolve the exact versions of constraints.txt against what pyproject.toml asks for; install nothing."""
    session.run("python", "-m", "pip", "install", "--dry-run", "-q", "-c", "constraints.txt", "-e", ".[test]")


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """The tests that take minutes."""
    install(session)
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session(default=False)
def speed(session: nox.Session) -> None:
    """Measure the fast paths beside the plain ones: prints a table, writes results/reference/speed.json."""
    install(session)
    show = "import json; from bench.execution.local import surroundings; print(json.dumps(surroundings(1)))"
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
        "tests/bench/store/test_integrity.py",
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
