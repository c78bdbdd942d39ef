"""The commit that results bear is that of the code that made them, or is said to be unknown."""

import os
import shutil
import subprocess

import pytest

from bench.store import provenance

VERSION = f"v{provenance.metadata.version('tsman-bench')}"
FILES = ("bench/store/provenance.py", "methods/registry.py", "tsman/loss.py")


def git(folder, *words):
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "safe.directory=*")
    done = subprocess.run(
        ["git", *who, "-C", str(folder), *words], check=True, capture_output=True, text=True, env=plain
    )
    return done.stdout.strip()


def write_code(folder):
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n")


@pytest.fixture
def checkout(tmp_path):
    """A small repository with the files that count, and its commit."""
    folder = tmp_path / "checkout"
    write_code(folder)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "code")
    return folder, git(folder, "rev-parse", "--short=12", "HEAD")


@pytest.fixture
def other(tmp_path):
    """Somebody else's repository."""
    folder = tmp_path / "other"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "other")
    return folder


def test_a_checkout_is_known_by_its_commit_and_by_whether_files_changed(checkout):
    root, head = checkout
    assert provenance.commit_of(root) == head
    (root / "tsman" / "loss.py").write_text("x = 2\n")
    assert provenance.commit_of(root) == f"{head}+dirty"


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"]
)
def test_what_hooks_and_editors_set_for_another_repository_does_not_matter(
    checkout, other, monkeypatch, name
):
    root, head = checkout
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv(
        name, str({"GIT_DIR": other / ".git", "GIT_WORK_TREE": other}.get(name, other / ".git" / "none"))
    )
    assert provenance.commit_of(root) == head
    (root / "bench" / "new.py").write_text("x = 1\n")
    assert provenance.commit_of(root) == f"{head}+dirty"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_of_another_user_does_not_hide_a_changed_file(checkout):
    root, head = checkout
    (root / "methods" / "registry.py").write_text("x = 2\n")
    for path in (root, *root.rglob("*")):
        os.chown(path, 1001, 1001)
    assert provenance.commit_of(root) == f"{head}+dirty"


def test_where_git_refuses_or_is_missing_a_checkout_is_not_called_a_release(checkout, tmp_path, monkeypatch):
    root, _ = checkout
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert provenance.commit_of(root) == f"{VERSION}+unknown"
    monkeypatch.undo()
    shutil.rmtree(root / ".git" / "objects")
    assert provenance.commit_of(root) == f"{VERSION}+unknown"


def test_an_installed_package_does_not_bear_the_commit_of_a_repository_around_it(other):
    installed = other / ".venv" / "lib" / "site-packages"
    write_code(installed)
    assert provenance.commit_of(installed) == VERSION
    git(installed, "init", "-q")  # not even where the repository begins in the same folder
    git(installed, "commit", "-q", "--allow-empty", "-m", "empty")
    assert provenance.commit_of(installed) == VERSION


def test_code_without_any_repository_is_known_by_its_version(tmp_path):
    write_code(tmp_path / "site-packages")
    assert provenance.commit_of(tmp_path / "site-packages") == VERSION


def test_code_that_a_larger_repository_tracks_bears_its_commit(other):
    write_code(other / "vendored")
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "vendored")
    assert provenance.commit_of(other / "vendored") == git(other, "rev-parse", "--short=12", "HEAD")
