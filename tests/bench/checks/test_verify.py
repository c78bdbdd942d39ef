"""A stage that is made again in a scratch store is the same, or it is said how it differs; the store is only read."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import filelock
import numpy as np
import pytest

from bench.checks.differences import differences, fact_differences
from bench.cli.verify import verify
from bench.errors import DataError, UsageError
from bench.files.checksummed import sealed, unsealed
from bench.store.artifacts import WEIGHTS
from bench.store.integrity import checksum
from bench.store.store import Store


@pytest.fixture
def copied(tmp_path, swept):
    """A finished store that may be spoiled."""
    shutil.copytree(swept.path, tmp_path / "store")
    return Store(tmp_path / "store")


def everything(path):
    """Every file of a folder: bytes, and times of change."""
    files = [one for one in path.rglob("*") if one.is_file()]
    return {one: (one.read_bytes(), one.stat().st_mtime_ns) for one in files}


def rewritten(store, key, change):
    """A stage whose files were changed by somebody who knows how to seal."""
    folder = store.folder(key)
    change(folder)
    described = store.stage(key)
    described["files"] = {name: checksum(folder / name) for name in described["files"]}
    (folder / "stage.json").write_text(json.dumps(sealed(described)))


def add_a_thousandth(folder):
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / WEIGHTS)
    name = min(tensors)
    tensors[name].flat[0] += np.float32(0.001)
    save_file(tensors, folder / WEIGHTS)


def test_a_teacher_is_made_again_bit_for_bit_while_another_process_holds_the_store(swept, capsys):
    key = Store(swept.path).keys("teacher")[0]
    before = everything(swept.path)
    with filelock.FileLock(swept.path / ".lock"):
        assert verify(key[:12], swept.path, chain=False, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["key"], said["equal"]) == (key, True)
    assert said["stages"][0]["files"] == len(Store(swept.path).stage(key)["files"])
    after = everything(swept.path)
    after.pop(swept.path / ".lock"), before.pop(swept.path / ".lock", None)
    assert after == before


def test_the_whole_chain_of_a_score_is_made_again(swept, capsys):
    store = Store(swept.path)
    roles = {key: store.stage(key)["settings"]["identity"]["role"] for key in store.keys("scores")}
    key = next(key for key, role in roles.items() if role == "student")
    assert verify(key, swept.path, chain=True, as_json=False) == 0
    said = capsys.readouterr().out
    assert said.count("bit for bit") == 7  # split, three teachers, pseudo labels, student, scores
    assert said.rstrip().splitlines()[-1].startswith(key)


def test_a_teacher_that_comes_out_otherwise_is_told_by_how_much(copied, capsys):
    key = copied.keys("teacher")[0]
    rewritten(copied, key, add_a_thousandth)
    assert verify(key, copied.path, chain=False, as_json=False) == 5
    said = capsys.readouterr().out
    assert f"{key}  differs" in said
    assert "at most by 0.001" in said
    assert "neither versions nor processor nor commit" in said


def test_what_changed_since_is_said_where_a_stage_differs(copied, capsys):
    key = copied.keys("teacher")[0]

    def older(folder):
        add_a_thousandth(folder)
        described = unsealed(folder / "stage.json")
        described["versions"]["torch"] = "1.0"
        (folder / "stage.json").write_text(json.dumps(sealed(described)))

    rewritten(copied, key, older)
    assert verify(key, copied.path, chain=False, as_json=False) == 5
    assert "changed  torch: 1.0 then" in capsys.readouterr().out


def test_what_cannot_be_made_again_is_refused_in_a_sentence(copied):
    student, pseudo = copied.keys("student")[0], copied.keys("pseudo")[0]
    with pytest.raises(UsageError, match="begin with"):
        verify("nobody", copied.path, chain=False, as_json=True)
    with pytest.raises(UsageError, match="stages of"):
        verify("teacher", copied.path, chain=False, as_json=True)
    described = copied.stage(student)
    if "pseudo" not in described["inputs"]:
        student = next(k for k in copied.keys("student") if "pseudo" in copied.stage(k)["inputs"])
    (copied.folder(pseudo) / "stage.json").write_text("{}")
    with pytest.raises(DataError, match=f"{pseudo} is damaged"):
        verify(student, copied.path, chain=False, as_json=True)
    shutil.rmtree(copied.folder(pseudo))
    with pytest.raises(DataError, match=f"{pseudo}, which is gone"):
        verify(student, copied.path, chain=True, as_json=True)


def test_data_that_is_gone_is_named(copied):
    key = copied.keys("teacher")[0]
    (manifest,) = copied.workshop.path.glob(f"{copied.stage(key)['dataset_id']}.json")
    manifest.write_text(manifest.read_text().replace(".nii.gz", ".gone"))
    with pytest.raises(DataError, match=r"\.gone"):
        verify(key, copied.path, chain=False, as_json=True)


def test_tables_label_maps_and_facts_are_told_apart_in_their_own_terms(swept, tmp_path):
    store = Store(swept.path)
    scores = next(key for key in store.keys("scores") if list(store.folder(key).glob("labels/*")))
    then, now = store.folder(scores), tmp_path / "now"
    shutil.copytree(then, now)
    names = store.stage(scores)["files"]
    assert list(differences(then, now, names)) == []

    from bench.data.images.volumes import read_label, write_label

    path = min(now.glob("labels/*"))
    label_ijk, grid = read_label(path)
    label_ijk[:2, 0, 0] += 1
    write_label(label_ijk, grid, path)
    rows = (now / "records.csv").read_text().splitlines()
    cells = rows[1].split(",")
    cells[15] = repr(float(cells[15]) + 0.25)
    (now / "records.csv").write_text("\n".join([rows[0], ",".join(cells), *rows[2:]]) + "\n")
    (now / "new.csv").write_text("a\n")
    said = {one.name: one.what for one in differences(then, now, [*names, "new.csv"])}
    assert said.keys() == {f"labels/{path.name}", "records.csv", "new.csv"}
    assert said[f"labels/{path.name}"].startswith(f"2 of {label_ijk.size:,} voxels differ")
    assert said["records.csv"] == "1 numbers differ, at most by 0.25 (value)"
    assert said["new.csv"] == "is there only now"
    (loss,) = fact_differences({"steps": 3, "final_loss": 1.0, "resumed": 1}, {"steps": 3, "final_loss": 2.0})
    assert loss.name == "final_loss"


def test_a_manifest_that_is_gone_is_named_whatever_the_stage_reads(copied, bench):
    key = copied.keys("split")[0]
    manifest = copied.workshop.path / f"{copied.stage(key)['dataset_id']}.json"
    manifest.unlink()
    done = bench("verify", key, "--store", copied.path)
    assert done.returncode == 4
    assert f"{manifest} is missing" in done.stderr


@pytest.mark.parametrize(("number", "when"), [(signal.SIGTERM, "work/teacher-*"), (signal.SIGINT, "stages")])
def test_a_stopped_verify_ends_with_130_and_leaves_nothing(swept, tmp_path, number, when):
    key = Store(swept.path).keys("teacher")[0]
    command = [sys.executable, "-c", "from bench.cli.main import main; main()", "verify", key, "--chain"]
    heeded = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
    with subprocess.Popen(
        [*command, "--store", str(swept.path)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as verifying:
        signal.signal(signal.SIGINT, heeded)
        until = time.monotonic() + 60
        while not list(tmp_path.glob(f"bench-verify-*/{when}")) and time.monotonic() < until:
            time.sleep(0.02)
        assert list(tmp_path.glob(f"bench-verify-*/{when}"))
        verifying.send_signal(number)
        _, said = verifying.communicate(timeout=60)
    assert verifying.returncode == 130
    assert f"{number.name}: stopping" in said
    assert "Traceback" not in said
    assert list(tmp_path.glob("bench-verify-*")) == []
