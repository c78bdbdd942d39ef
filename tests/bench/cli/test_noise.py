"""``bench noise``: folders whole or not at all, one JSON document, 80 columns, any tool's label maps."""

import json

import nibabel
import numpy as np
import pytest

from bench.data.noise import KINDS
from bench.data.sources.decathlon import listing
from bench.data.sources.listing import Complaints


@pytest.fixture(scope="module")
def made(tmp_path_factory, bench, spheres):
    """Noisy spheres to read, never to change: the folder and what was said of it."""
    folder = tmp_path_factory.mktemp("noise") / "out"
    words = ("--dataset", f"decathlon:{spheres}", "--store", folder.parent / "store")
    done = bench("noise", "make", "dilate-erode:0.25", *words, "--to", folder, "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def voxels(path):
    return np.asarray(nibabel.load(path).dataobj)


def test_a_folder_holds_labels_truth_and_where_they_differ(made, spheres):
    folder, said = made
    cases = sorted(said["cases"])
    assert len(cases) == 5  # of seven, two are test
    assert sorted(path.name for path in folder.iterdir()) == ["labels", "noise.json", "theta", "truth"]
    for case in cases:
        noisy, truth, theta = (folder / name / f"{case}.nii.gz" for name in ("labels", "truth", "theta"))
        assert np.array_equal(voxels(truth), voxels(spheres / "labelsTr" / f"{case}.nii.gz"))
        assert np.array_equal(voxels(theta), voxels(noisy) != voxels(truth))
        assert voxels(theta).any()
        assert np.allclose(nibabel.load(noisy).affine, nibabel.load(truth).affine, atol=1e-5)


def test_the_document_is_what_was_printed_and_what_the_files_hold(made):
    folder, said = made
    assert said.pop("to") == str(folder)
    assert json.loads((folder / "noise.json").read_text()) == said
    assert (said["kind"], said["rate"], said["dataset"]) == ("dilate-erode", "0.25", "spheres")
    assert said["settings"] == {"dilate-erode": {"dilate": 0.5}}
    for case, structures in said["cases"].items():
        assert list(structures) == ["shell", "core"]
        clean, noisy = (voxels(folder / name / f"{case}.nii.gz") for name in ("truth", "labels"))
        for label, one in enumerate(structures.values(), start=1):
            wrong = int(((clean == label) != (noisy == label)).sum())
            assert one["rate"] == wrong / int((clean == label).sum())
            assert one["removed"] + one["added"] == wrong
            assert one["wanted"] == 0.25


def test_the_same_words_make_the_same_noise_and_another_seed_another(made, tmp_path, bench, spheres):
    folder, said = made
    words = ("--dataset", f"decathlon:{spheres}", "--store", tmp_path / "store")
    for seed in (0, 1):
        target = tmp_path / f"seed{seed}"
        done = bench("noise", "make", "dilate-erode:0.250", *words, "--to", target, "--seed", seed)
        assert done.returncode == 0, done.stderr
        same = [
            np.array_equal(voxels(target / "labels" / name), voxels(folder / "labels" / name))
            for name in (f"{case}.nii.gz" for case in said["cases"])
        ]
        assert all(same) == (seed == 0)
        assert all(len(line) <= 80 for line in done.stdout.splitlines() if str(target) not in line)


def test_structures_that_are_not_named_keep_their_voxels(tmp_path, bench, spheres):
    words = ("--dataset", f"decathlon:{spheres}", "--store", tmp_path / "store", "--structures", "core")
    done = bench("noise", "make", "edge:0.1", *words, "--to", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["structures"] == ["core"]
    for case, one in said["cases"].items():
        shell = [voxels(tmp_path / "out" / name / f"{case}.nii.gz") == 1 for name in ("truth", "labels")]
        assert np.array_equal(*shell)
        assert (one["shell"]["rate"], one["shell"]["wanted"], one["shell"]["shortfall"]) == (0, None, "")
        assert one["core"]["wanted"] == 0.1


def test_settings_change_the_noise_and_are_kept(tmp_path, bench, spheres):
    words = ("--dataset", f"decathlon:{spheres}", "--store", tmp_path / "store")
    grown = ("--set", "noise.dilate-erode.dilate=1", "--structures", "shell,core", "--to", tmp_path / "out")
    done = bench("noise", "make", "dilate-erode:0.1", *words, *grown, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["settings"] == {"dilate-erode": {"dilate": 1.0}}
    for case in said["cases"]:  # both grew, the core at the cost of the shell at most
        clean, noisy = (voxels(tmp_path / "out" / name / f"{case}.nii.gz") for name in ("truth", "labels"))
        assert not ((clean > 0) & (noisy == 0)).any()
        assert (noisy > 0).sum() > (clean > 0).sum()


def test_a_phantom_is_made_noisy_and_its_shortfalls_are_told(tmp_path, bench):
    words = ("--dataset", "phantom-heart", "--set", "data.size=smoke", "--store", tmp_path / "store")
    done = bench("noise", "make", "drop-structure:0.2", *words, "--to", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "structures are not at their rate" in done.stdout
    assert "instead of 0.2" in done.stdout
    assert len(list((tmp_path / "out" / "labels").iterdir())) == 10


def test_measuring_a_folder_gives_what_making_it_gave(made, bench):
    folder, said = made
    done = bench("noise", "measure", folder / "truth", folder / "labels", "--json")
    assert done.returncode == 0, done.stderr
    rows = {(row.pop("case"), row.pop("structure")): row for row in json.loads(done.stdout)}
    for case, structures in said["cases"].items():
        for label, one in enumerate(structures.values(), start=1):
            assert rows[case, str(label)] == {
                k: v for k, v in one.items() if k not in ("wanted", "shortfall")
            }


def test_measuring_is_told_in_80_columns(made, bench):
    folder, _ = made
    done = bench("noise", "measure", folder / "truth", folder / "labels")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:6] == ["case", "structure", "voxels", "lost", "gained", "rate"]
    assert all(len(line) <= 80 for line in lines)


def test_two_files_of_another_tool_are_measured(tmp_path, bench):
    clean_ijk = np.zeros((10, 10, 10), np.int16)
    clean_ijk[2:8, 2:8, 2:8] = 1
    noisy_ijk = clean_ijk.copy()
    noisy_ijk[2] = 0
    for name, map_ijk in (("clean", clean_ijk), ("noisy", noisy_ijk)):
        nibabel.save(nibabel.Nifti1Image(map_ijk, np.diag([2.0, 1, 1, 1])), tmp_path / f"{name}.nii")
    done = bench("noise", "measure", tmp_path / "clean.nii", tmp_path / "noisy.nii", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["case"], row["structure"], row["removed"], row["added"]) == ("clean", "1", 36, 0)
    assert row["rate"] == 1 / 6


def test_label_maps_on_other_grids_are_not_measured(tmp_path, bench):
    for name, side in (("clean", 6), ("noisy", 7)):
        nibabel.save(
            nibabel.Nifti1Image(np.ones((side, 6, 6), np.uint8), np.eye(4)), tmp_path / f"{name}.nii"
        )
    done = bench("noise", "measure", tmp_path / "clean.nii", tmp_path / "noisy.nii")
    assert done.returncode == 4
    assert "noisy.nii" in done.stderr


def test_kinds_are_listed_and_one_is_shown_with_its_settings(bench):
    done = bench("noise", "show")
    assert done.returncode == 0, done.stderr
    assert all(any(line.startswith(kind) for line in done.stdout.splitlines()) for kind in KINDS)
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    listed = json.loads(bench("noise", "show", "--json").stdout)
    assert [one["name"] for one in listed] == list(KINDS)
    (markov,) = json.loads(bench("noise", "show", "markov", "--json").stdout)
    assert markov["settings"]["theta2"] == 0.05
    told = bench("noise", "show", "markov+swap").stdout
    assert "noise.swap.SETTING=VALUE" in told
    assert all(len(line) <= 80 for line in told.splitlines())


def test_a_folder_is_drawn(made, tmp_path, bench):
    from PIL import Image

    folder, said = made
    target = tmp_path / "new" / "picture.png"
    done = bench("noise", "show", folder, "--to", target, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cases"] == said["cases"]
    with Image.open(target) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    orange = (np.abs(pixels.astype(int) - (206, 144, 13)).sum(axis=2) < 60).sum()  # gained, on dark ground
    assert orange > 500
    assert sorted(path.name for path in folder.iterdir()) == ["labels", "noise.json", "theta", "truth"]


def test_a_folder_is_only_summed_up_unless_a_picture_is_asked_for(made, tmp_path, bench):
    folder, _ = made
    done = bench("noise", "show", folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--to FILE.png" in done.stdout
    assert json.loads(bench("noise", "show", folder, "--json", cwd=tmp_path).stdout)["picture"] is None
    assert list(tmp_path.iterdir()) == []
    assert sorted(path.name for path in folder.iterdir()) == ["labels", "noise.json", "theta", "truth"]


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (("make", "markvo:0.1"), 2, "Did you mean 'markov'"),
        (("make", "markov:1.5"), 2, "outside (0, 1]"),
        (("make", "markov"), 2, "has no rate"),
        (("make", "markov:0.1,0.2"), 2, "a folder holds one"),
        (("make", "markov:0.1", "--set", "noise.markov.theta9=1"), 2, "Did you mean 'theta3'"),
        (("make", "markov:0.1", "--set", "noise.markov.theta1=7"), 2, "markov.theta1 7.0"),
        (("make", "markov:0.1", "--set", "noise.swap.x=7"), 2, "changes nothing"),
        (("make", "markov:0.1", "--set", "noise.markov=7"), 2, "settings of its own"),
        (("make", "markov:0.1", "--set", "noise.markof.theta1=0.7"), 2, "Did you mean 'markov'"),
        (("make", "markov:0.1", "--set", "student.steps=7"), 2, "of no use here"),
        (("make", "markov:0.1", "--structures", "cor"), 2, "Did you mean 'core'"),
        (("show", "markof"), 2, "Did you mean 'markov'"),
        (("show", "."), 4, "has no noise.json"),
        (("measure", "nowhere", "nothing"), 4, "does not exist"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_leaves_nothing(words, code, named, tmp_path, bench, spheres):
    more = ("--dataset", f"decathlon:{spheres}", "--to", "out") if words[0] == "make" else ()
    done = bench("noise", *words, *more, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert named in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path, bench, spheres):
    (tmp_path / "mine").write_text("of mine")
    words = ("--dataset", f"decathlon:{spheres}", "--store", tmp_path / "store", "--to", tmp_path)
    done = bench("noise", "make", "markov:0.1", *words)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert (tmp_path / "mine").read_text() == "of mine"


def test_a_set_of_one_structure_cannot_be_swapped_and_no_half_folder_stays(tmp_path, bench, decathlon_folder):
    folder = decathlon_folder(tmp_path / "Task", change=_one_structure)
    for path in (folder / "labelsTr").iterdir():
        _relabel(path, lambda label_ijk: label_ijk > 0)
    words = ("--dataset", f"decathlon:{folder}", "--store", tmp_path / "store", "--to", tmp_path / "out")
    done = bench("noise", "make", "swap:0.1", *words)
    assert done.returncode == 2
    assert "needs two structures" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "store") == ["Task"]


def test_a_case_whose_label_is_empty_has_no_rate_and_says_so(tmp_path, bench, decathlon_folder):
    folder = decathlon_folder(tmp_path / "Task")
    for case in listing(folder, Complaints()).train:  # all training cases, which are those made noisy
        _relabel(folder / "labelsTr" / f"{case}.nii.gz", lambda label_ijk: 0 * label_ijk)
    words = ("--dataset", f"decathlon:{folder}", "--store", tmp_path / "store", "--to", tmp_path / "out")
    for kind in KINDS:
        done = bench("noise", "make", f"{kind}:0.1", *words[:-1], tmp_path / kind, "--json")
        assert done.returncode == 0, done.stderr
        for structures in json.loads(done.stdout)["cases"].values():
            assert {one["rate"] for one in structures.values()} == {None}
            assert all("no voxel" in one["shortfall"] for one in structures.values())


def _one_structure(description):
    description["labels"] = {"0": "background", "1": "ball"}


def _relabel(path, change):
    image = nibabel.load(path)
    changed = np.asarray(change(np.asarray(image.dataobj))).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(changed, image.affine), path)


@pytest.mark.parametrize("number", [2, 255])
def test_noise_does_not_hang_on_the_number_that_a_structure_bears(tmp_path, bench, number):
    clean_ijk = np.zeros((10, 10, 10), np.uint8)
    clean_ijk[2:8, 2:8, 2:8] = 1
    noisy_ijk = clean_ijk.copy()
    noisy_ijk[2] = 0
    found = []
    for times in (1, number):
        for name, map_ijk in (("clean", clean_ijk), ("noisy", noisy_ijk)):
            nibabel.save(nibabel.Nifti1Image(map_ijk * np.uint8(times), np.eye(4)), tmp_path / f"{name}.nii")
        done = bench("noise", "measure", tmp_path / "clean.nii", tmp_path / "noisy.nii", "--json")
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(done.stdout)
        assert row.pop("structure") == str(times)
        found.append(row)
    assert found[0] == found[1]


DAMAGES = {
    "no structures": lambda case: [],
    "no measurement": lambda case: {**case, next(iter(case)): 3},
    "no rate": lambda case: {name: {"dice": 1.0} for name in case},
    "text for a number": lambda case: {name: {**one, "rate": "x"} for name, one in case.items()},
    "other distances": lambda case: {name: {**one, "by_distance_mm": {"a": 1}} for name, one in case.items()},
}


@pytest.mark.parametrize("how", DAMAGES)
def test_measurements_that_were_changed_are_refused_and_named(made, tmp_path, bench, how):
    document = json.loads((made[0] / "noise.json").read_text())
    case = next(iter(document["cases"]))
    document["cases"][case] = DAMAGES[how](document["cases"][case])
    (tmp_path / "noise.json").write_text(json.dumps(document))
    done = bench("noise", "show", tmp_path)
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert case in done.stderr
    assert "bench noise make" in done.stderr
