"""The words of the command line: exit codes, sentences, one JSON document, and nothing heavy imported."""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import filelock
import nibabel
import numpy as np
import pytest
from medpy.metric import binary

from bench.data.images.volumes import write_scan
from methods.registry import METHODS

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])
SHAPE = (20, 16, 12)
RNG = np.random.default_rng(0)
LABEL_IJK = np.zeros(SHAPE, np.uint8)
LABEL_IJK[4:12, 4:12, 3:8] = 1
LABEL_IJK[6:10, 6:10, 4:7] = 2
NOISE_IJK = RNG.uniform(1, 9, SHAPE).astype(np.float32)


def complained(done, code):
    """The one line on stderr of a command that ended so."""
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith("bench: ")
    assert len(lines[0]) < 600
    return lines[0]


def made_nothing(store):
    """There is no store, or nothing in it that a later command would take for a result."""
    left = {path.name for path in store.iterdir()} if store.is_dir() else set()
    return left <= {".lock", "data", "store.json"} and not (store / "data" / "names.json").exists()


WRONG_WORDS = [
    (["--methods", "tsmann"], "tsman"),
    (["--methods", "tsman,!tsman"], "no method"),
    (["--methods", ""], "no method"),
    (["--xi", "1.5"], "1.5"),
    (["--xi", "0"], "(0, 1)"),
    (["--xi", "1"], "(0, 1)"),
    (["--xi", "0.9:0.1"], "0.1:0.9"),
    (["--xi", "half"], "half"),
    (["--xi", ""], "ξ"),
    (["--xi", "nan"], "nan"),
    (["--dataset", "phantom-hart"], "phantom-heart"),
    (["--dataset", ""], "phantom-heart"),
    (["--dataset", "decathlon"], "decathlon:DIR"),
    (["--recipe", "papr"], "paper"),
    (["--recipe", "none.toml"], "none.toml"),
    (["--set", "student.stepz=5"], "steps"),
    (["--set", "student.steps=many"], "student.steps"),
    (["--set", "student.steps"], "student.steps=500"),
    (["--set", "tsman.atention.f4=false"], "attention"),
    (["--set", "decoupling.flour=0.5", "--methods", "tsman"], "floor"),
    (["--set", "data.size=hughe"], "hughe"),
    (["--set", "compute.threads=0"], "threads"),
    (["--set", "teachers.steps=[]"], "teachers"),
    (["--seeds", "x"], "'x'"),
    (["--seeds", "0"], "'0'"),
    (["--seeds", "-1"], "'-1'"),
    (["--seeds", "1,1"], "'1,1'"),
    (["--seeds", "1000000000000"], "1000000000000"),
    (["--set", "seeds=0"], "seeds"),
    (["--jobs", "-1"], "-1"),
    (["--device", "gpu"], "cuda"),
    (["--device", "cuda:x"], "cuda"),
    (["--engine", "locl"], "local"),
]


@pytest.mark.parametrize(("words", "named"), WRONG_WORDS, ids=[" ".join(words) for words, _ in WRONG_WORDS])
def test_words_that_cannot_be_end_with_2_and_a_sentence_that_names_them(here, tmp_path, words, named):
    store = tmp_path / "store"
    done = here("run", "--recipe", "smoke", "--store", store, *words, "--dry-run")
    assert named in complained(done, 2)
    assert made_nothing(store)


@pytest.mark.parametrize(
    "words",
    [["--jobs", "many"], ["--jbos", "2"], ["more"]],
    ids=" ".join,
)
def test_words_that_no_option_takes_end_with_2_and_the_usage(bench, tmp_path, words):
    done = bench("run", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "Usage" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (["methods", "show", "tsmann"], 2, "tsman"),
        (["data", "make", "phantom-hart", "--to", "x"], 2, "phantom-heart"),
        (["data", "make", "phantom-heart", "--to", "x", "--size", "hughe"], 2, "quick"),
        (["data", "add", "mine", "--from", "none"], 4, "none"),
        (["score", "none.nii.gz", "none.nii.gz"], 4, "none.nii.gz"),
        (["score", "none.nii.gz", "none.nii.gz", "--definition", "mepy"], 2, "medpy"),
        (["status"], 4, "results"),
        (["show", "teacher"], 4, "results"),
        (["clean"], 4, "results"),
        (["report"], 4, "results"),
        (["compare", "tsman", "densevoxnet"], 4, "results"),
        (["run", "--recipe", "smoke", "--dataset", "decathlon:none"], 4, "none"),
    ],
)
def test_what_is_missing_or_unknown_is_named_by_every_verb(here, tmp_path, words, code, named):
    assert named in complained(here(*words), code)
    assert not (tmp_path / "x").exists()


def rewritten(sub, voxels, affine=None):
    def damage(folder):
        path = folder / sub / "case_02.nii.gz"
        write_scan(voxels, nibabel.load(path).affine if affine is None else affine, path)

    return damage


def cut(folder):
    path = folder / "imagesTr" / "case_02.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])


def without(sub):
    return lambda folder: (folder / sub / "case_02.nii.gz").unlink()


DAMAGES = {
    "a label without its image": without("imagesTr"),
    "an image without its label": without("labelsTr"),
    "another shape": rewritten("labelsTr", LABEL_IJK[1:]),
    "another affine": rewritten("labelsTr", LABEL_IJK, AFFINE),
    "a label beyond the last": rewritten("labelsTr", LABEL_IJK * 2),
    "a label that is no integer": rewritten("labelsTr", LABEL_IJK * 0.75),
    "not a number": rewritten("imagesTr", np.where(NOISE_IJK > 8, np.nan, NOISE_IJK)),
    "a constant image": rewritten("imagesTr", np.full(SHAPE, 3, np.float32)),
    "a truncated file": cut,
}


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("verb", ["run", "add"])
def test_data_that_cannot_be_used_end_with_4_and_the_file(here, tmp_path, decathlon_folder, how, verb):
    folder = decathlon_folder(tmp_path / "Task", cases=4)
    DAMAGES[how](folder)
    store = tmp_path / "store"
    run = ["run", "--recipe", "smoke", "--dataset", f"decathlon:{folder}"]
    words = run if verb == "run" else ["data", "add", "mine", "--from", folder]
    assert "case_02.nii.gz" in complained(here(*words, "--store", store), 4)
    assert made_nothing(store)


def blob(seed, structures=(1, 2)):
    """A label map of smooth random blobs."""
    from scipy import ndimage

    noise_ijk = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 2)
    label_ijk = np.zeros(SHAPE, np.uint8)
    for structure, share in zip(structures, (0.75, 0.9), strict=False):
        label_ijk[noise_ijk > np.quantile(noise_ijk, share)] = structure
    return label_ijk


def turned(codes, spacing_mm, degrees):
    """An oblique, anisotropic affine whose axes run along ``codes``."""
    axes = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
    turn = np.deg2rad(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_z @ (np.array([axes[c] for c in codes], float).T * spacing_mm)
    affine[:3, 3] = (-31.0, 17.0, 5.0)
    return affine


@pytest.mark.parametrize(
    ("codes", "spacing_mm", "degrees"),
    [("RAS", (1.0, 1.0, 1.0), 0), ("LPS", (0.7, 0.7, 3.0), 0), ("PIR", (0.885, 0.9, 1.7), 12), ("SRP", (2.5, 0.4, 1.1), 25)],
)  # fmt: skip
def test_scores_of_turned_anisotropic_label_maps_are_medpys(bench, tmp_path, codes, spacing_mm, degrees):
    maps = [blob(seed) for seed in (1, 2)]
    paths = [tmp_path / name for name in ("predicted.nii.gz", "reference.nii.gz")]
    for voxels, path in zip(maps, paths, strict=True):
        write_scan(voxels, turned(codes, spacing_mm, degrees), path)
    done = bench("score", *paths, "--definition", "medpy", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {tuple(row) for row in rows} == {
        ("case", "structure", "metric", "value", "unit", "definition", "status")
    }
    assert {row["structure"] for row in rows} == {"1", "2", "all"}
    assert {row["case"] for row in rows} == {"reference"}
    found = {(row["structure"], row["metric"]): row["value"] for row in rows}
    own_mm = nibabel.load(paths[1]).header.get_zooms()
    for structure in (1, 2):
        one, other = (voxels == structure for voxels in maps)
        expected = {
            "dice": binary.dc(one, other),
            "adb": binary.assd(one, other, own_mm),
            "hdd": binary.hd(one, other, own_mm),
            "hd95": binary.hd95(one, other, own_mm),
        }
        for metric, value in expected.items():
            assert found[str(structure), metric] == pytest.approx(value, abs=1e-9)


def test_two_folders_are_scored_case_by_case_and_lacking_cases_are_refused(bench, tmp_path):
    for folder in ("predicted", "reference"):
        (tmp_path / folder).mkdir()
        for case in "ab":
            write_scan(blob(3), AFFINE, tmp_path / folder / f"{case}.nii.gz")
    rows = json.loads(bench("score", "predicted", "reference", "--json", cwd=tmp_path).stdout)
    assert {row["case"] for row in rows} == {"a", "b"}
    assert {row["value"] for row in rows if row["metric"] == "dice"} == {1.0}
    for lacking in ("predicted", "reference"):
        (tmp_path / lacking / "b.nii.gz").rename(tmp_path / "b.nii.gz")
        assert " b." in complained(bench("score", "predicted", "reference", cwd=tmp_path), 4)
        (tmp_path / "b.nii.gz").rename(tmp_path / lacking / "b.nii.gz")


@pytest.mark.parametrize(
    ("voxels", "affine", "named"),
    [
        (blob(1)[1:], AFFINE, "shape"),
        (blob(1), turned("RAS", (1, 1, 2), 5), "affine"),
        (blob(1) * 0.5, AFFINE, "integers"),
    ],
    ids=["shape", "affine", "integers"],
)
def test_label_maps_that_are_no_pair_are_refused(here, tmp_path, voxels, affine, named):
    write_scan(voxels, affine, tmp_path / "predicted.nii.gz")
    write_scan(blob(1), AFFINE, tmp_path / "reference.nii.gz")
    assert named in complained(here("score", "predicted.nii.gz", "reference.nii.gz"), 4)


@pytest.mark.parametrize(
    "words",
    [
        ["status"], ["show", "pseudo"], ["methods", "list"], ["methods", "show", "tsman"], ["data", "list"],
        ["clean"], ["report"], ["compare", "tsman", "densevoxnet"], ["run", "--dry-run"], ["run", "--no-mlflow"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_json_is_one_document_and_nothing_else(bench, tmp_path, swept, words):
    store = tmp_path / "store"
    shutil.copytree(swept.path, store)
    more = [*swept.words[1:-2]] if words[0] == "run" else []
    where = [] if words[0] == "methods" else ["--store", store]
    done = bench(*words, *more, *where, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) is not None


def test_the_methods_are_listed_with_what_each_is(bench):
    listed = json.loads(bench("methods", "list", "--json").stdout)
    assert {one["name"] for one in listed} >= {"tsman", "decoupling", "deep-level-set", "densevoxnet"}
    assert all(set(one) == {"name", "reference", "networks", "capabilities"} for one in listed)


HEAVY = ("torch", "mlflow", "monai", "pandas", "matplotlib")
WATCHED = f"""
import sys
from bench.cli.main import main
try:
    main()
finally:
    print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""


def imported(*words):
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, words)], capture_output=True, text=True, check=True
    )
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["methods", "list"], ["data", "list"]])
def test_help_and_lists_import_nothing_heavy(words):
    assert imported(*words) == "[]"


def seconds_of_children():
    """Processor time of all commands that ended: wall time would be of whatever else the machine does."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_planning_a_finished_sweep_imports_nothing_heavy_makes_nothing_and_takes_seconds(swept, bench):
    kept = {".lock", "sound.json"}  # of the second, only what it saves depends

    def marks():
        results = [path for path in swept.path.rglob("*") if path.is_file()]
        return {p: p.stat().st_mtime_ns for p in results if p.parent.name != "data" and p.name not in kept}

    before = marks()
    began = seconds_of_children()
    assert imported(*swept.words, "--no-mlflow") == "[]"
    assert seconds_of_children() - began < 5
    assert imported(*swept.words, "--dry-run") == "[]"
    done = json.loads(bench(*swept.words, "--no-mlflow", "--json").stdout)
    assert (done["made"], done["failed"], done["blocked"]) == (0, {}, {})
    assert marks() == before


def test_the_first_line_says_which_methods_and_of_how_many(swept):
    first = swept.made.stdout.splitlines()[0]
    assert first.split() == ["methods", "2", "of", f"{len(METHODS)}:", "densevoxnet,", "tsman"]


def test_a_dry_run_makes_no_stage(bench, tmp_path, spheres):
    store = tmp_path / "store"
    words = ("run", "--recipe", "smoke", "--dataset", f"decathlon:{spheres}", "--store", store, "-n")
    done = bench(*words, "--json", "--methods", "tsman", "--xi", "0.5")
    plan = json.loads(done.stdout)
    assert plan["stages"]["teacher"] == {"stages": 3 + 2, "cached": 0}  # two see all labels
    assert plan["cost"]["whole"]["network_steps"] == 4 + 6 + 8 + 6 + 8 + 2 * 2 * 8
    assert plan["cost"]["left"] == plan["cost"]["whole"]
    assert list(tmp_path.iterdir()) == []


def listed(folder):
    """Every file and folder with when it was changed last."""
    return {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


@pytest.mark.parametrize("data", ["phantom-heart", "spheres"])
def test_a_dry_run_writes_nothing_and_says_what_the_run_says(bench, tmp_path, spheres, data):
    dataset = data if data == "phantom-heart" else f"decathlon:{spheres}"
    store, before = tmp_path / "store", listed(spheres)
    words = (
        "run",
        "--recipe",
        "smoke",
        "--dataset",
        dataset,
        "--methods",
        "tsman",
        "--xi",
        "0.5",
        "--store",
        store,
    )
    without = json.loads(bench(*words, "-n", "--json").stdout)
    assert list(tmp_path.iterdir()) == []
    assert listed(spheres) == before
    # A store that is there, and that knows the data: the same plan, and still nothing is written.
    assert bench("data", "check", dataset, "--store", store).returncode == 0
    held = listed(store) if store.exists() else {}
    again = bench(*words, "-n", "--json")
    assert again.stderr == ""
    assert json.loads(again.stdout)["run"] == without["run"]
    assert json.loads(again.stdout)["datasets"] == without["datasets"]
    assert (listed(store) if store.exists() else {}) == held


def test_a_dry_run_reads_a_store_that_cannot_be_written_and_refuses_a_folder_that_is_none(
    swept, bench, tmp_path
):
    copy = tmp_path / "store"
    shutil.copytree(swept.path, copy)
    words = (*swept.words[:-1], copy, "-n", "--json")
    with filelock.FileLock(copy / ".lock"):  # nor does a run at work disturb it
        before = listed(copy)
        done = bench(*words)
        assert done.returncode == 0, done.stderr
        assert {one["stages"] - one["cached"] for one in json.loads(done.stdout)["stages"].values()} == {0}
        assert listed(copy) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    assert "thesis.tex" in complained(bench(*swept.words[:-1], tmp_path / "mine", "-n"), 2)
    assert "folder" in complained(bench(*swept.words[:-1], tmp_path / "mine" / "thesis.tex", "-n"), 2)


def test_a_dry_run_says_the_cost_in_lines_that_fit_and_by_whose_word(swept, bench):
    again = bench(*swept.words, "-n").stdout
    assert "left     nothing" in again
    assert "100% by stages alike in this store" in again
    more = bench(*swept.words[:-2], "--seeds", "2", "--store", swept.path, "-n").stdout
    cost = [line for line in more.splitlines() if line.startswith("cost ")]
    seeds, methods, networks = 2, 2, 2
    students = seeds * methods * 2 * networks * 8  # with pseudo labels, and with all manual ones
    teachers = seeds * (4 + 6 + 8 + 6 + 8)  # of the manual labels, and two of all
    assert cost[0].split()[1:4] == [str(teachers + students), "network", "steps,"]
    lines = again[again.index("\ncost ") :] + more[more.index("\ncost ") :]
    assert max(map(len, lines.splitlines())) <= 80


def tiny_run(spheres, store, tiny, *more):
    sets = [word for change in tiny for word in ("--set", change)]
    where = ["--dataset", f"decathlon:{spheres}", "--store", store, "--no-mlflow"]
    return ["run", "--recipe", "smoke", "--methods", "densevoxnet", "--xi", "0.5", *where, *sets, *more]


def test_stages_that_fail_end_with_3_and_every_planned_row_is_there(bench, tmp_path, spheres, tiny):
    store = tmp_path / "store"
    words = tiny_run(spheres, store, tiny, "--jobs", 1, "--set", "teachers.steps=[1,8]")
    wild = ["--set", "optimiser.kind=sgd", "--set", "optimiser.learning_rate=1e30"]
    done = bench(*words, *wild, "--json")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    said = json.loads(done.stdout)
    assert any("loss became" in reason for reason in said["failed"].values())
    assert said["blocked"]
    with (store / "records.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    planned = said["stages"]["scores"]["stages"]
    assert len({row["stage"] for row in rows}) == planned
    students = [row for row in rows if row["role"] == "student"]
    assert {row["status"] for row in students} == {"failed"}
    assert {row["value"] for row in students} == {""}
    assert bench("report", "--store", store).returncode == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_130_and_leaves_nothing_half_made(tmp_path, spheres, tiny, how):
    store = tmp_path / "store"
    words = tiny_run(spheres, store, tiny, "--jobs", 1, "--set", "teachers.steps=[1,100000]")
    command = [sys.executable, "-c", "from bench.cli.main import main; main()", *map(str, words)]
    # Tests started in the background of a shell ignore Ctrl-C, and a child would inherit that.
    heeded = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
        until = time.monotonic() + 60
        while not list(store.glob("work/teacher-*/progress.json")) and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(driver.pid, how)
        _, said = driver.communicate(timeout=30)
    signal.signal(signal.SIGINT, heeded)
    assert driver.returncode == 130
    assert said.count("\n") == 2
    assert f"{how.name}: stopping at the next step" in said
    assert "run the same command again" in said
    assert list(store.glob("stages/.*")) == []
    assert (store / "records.csv").is_file()
    kept = [path for path in store.glob("stages/*") if not (path / "stage.json").is_file()]
    assert kept == []


def test_a_traceback_is_shown_only_where_it_is_asked_for(bench, tmp_path):
    plain = bench("status", cwd=tmp_path)
    debug = bench("status", "--debug", cwd=tmp_path)
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert plain.returncode == debug.returncode == 4


def balls(shift=0):
    """Three structures, one inside another, from the outermost to the innermost: 1, 2, 3."""
    away_ijk = np.linalg.norm(np.indices((22, 20, 18)).T - (10 + shift, 10, 9), axis=-1).T
    return (away_ijk < 8).astype(np.uint8) + (away_ijk < 5) + (away_ijk < 3)


def renamed(voxels, numbers):
    """The same regions under other numbers; the first number is the background's."""
    return np.asarray(numbers, np.uint8)[voxels]


def scored(bench, folder, predicted, reference, *words):
    """``bench score --json`` of label maps, of single ones or of folders with several."""
    for name, maps in (("predicted", predicted), ("reference", reference)):
        (folder / name).mkdir(parents=True)
        for case, voxels in maps.items():
            write_scan(voxels, AFFINE, folder / name / f"{case}.nii.gz")
    done = bench("score", "predicted", "reference", "--json", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("definition", ["hvsmr2016", "medpy"])
@pytest.mark.parametrize("numbers", [(0, 1, 2, 4), (0, 2, 3, 4), (0, 200, 17, 255), (0, 0, 0, 255)])
def test_a_score_does_not_hang_on_the_number_that_a_structure_bears(bench, tmp_path, numbers, definition):
    words = ("--definition", definition)
    order = sorted(set(numbers))  # the same structures numbered without a gap
    plain = [order.index(number) for number in numbers]
    found = [
        scored(bench, tmp_path / name, {"a": renamed(balls(1), ids)}, {"a": renamed(balls(), ids)}, *words)
        for name, ids in (("gaps", numbers), ("plain", plain))
    ]
    for row in found[1]:
        if row["structure"] != "all":
            row["structure"] = str(order[int(row["structure"])])
    assert sorted(map(str, found[0])) == sorted(map(str, found[1]))
    assert {row["status"] for row in found[0]} == {"ok"}


def test_a_folder_is_scored_by_the_structures_of_all_its_cases(bench, tmp_path):
    whole, part = balls(), np.minimum(balls(), 1)
    rows = scored(bench, tmp_path, {"a": whole, "b": part}, {"a": whole, "b": part})
    of_case = {
        case: [(row["structure"], row["metric"]) for row in rows if row["case"] == case] for case in "ab"
    }
    assert of_case["a"] == of_case["b"]
    found = {(row["case"], row["structure"]): row["status"] for row in rows if row["metric"] == "dice"}
    assert found["b", "1"] == "ok"
    assert found["b", "2"] == found["b", "3"] == "both_empty"


def test_label_maps_without_any_structure_are_not_scored_as_perfect(bench, tmp_path):
    for name in ("one", "other"):
        write_scan(np.zeros((6, 6, 6), np.uint8), AFFINE, tmp_path / f"{name}.nii.gz")
    for words in (("score",), ("noise", "measure")):
        said = complained(bench(*words, "one.nii.gz", "other.nii.gz", cwd=tmp_path), 4)
        assert "no label above 0" in said
        assert "one.nii.gz" in said


def test_iou_is_scored_beside_dice(bench, tmp_path):
    maps = {name: balls(shift) for name, shift in (("predicted", 1), ("reference", 0))}
    part = {name: np.minimum(voxels, 2) for name, voxels in maps.items()}
    nothing = np.zeros_like(maps["predicted"])
    rows = scored(
        bench,
        tmp_path,
        {"a": maps["predicted"], "b": part["predicted"], "c": nothing},
        {"a": maps["reference"], "b": part["reference"], "c": part["reference"]},
    )
    assert [row["metric"] for row in rows if row["case"] == "a"][:4] == ["dice", "iou", "adb", "hdd"]
    found = {(row["case"], row["structure"]): row for row in rows if row["metric"] == "iou"}
    for label in (1, 2, 3):
        one, other = (maps[name] == label for name in ("predicted", "reference"))
        assert found["a", str(label)]["value"] == pytest.approx(
            (one & other).sum() / (one | other).sum(), rel=1e-14
        )
    assert (found["b", "3"]["value"], found["b", "3"]["status"]) == (1.0, "both_empty")
    assert (found["c", "1"]["value"], found["c", "1"]["status"]) == (0.0, "empty_prediction")
    assert {row["unit"] for row in found.values()} == {""}
    whole = [row["value"] for row in rows if row["case"] == "a" and row["metric"] == "overall"]
    own = [row for row in rows if row["case"] == "a"]
    weights = {"dice": 1 / 2, "adb": -1 / 4, "hdd": -1 / 30}
    assert whole == [pytest.approx(sum(weights.get(row["metric"], 0) * row["value"] for row in own))]


VERBS_THAT_ARE_NOT = [
    (("plan",), "`bench run -n`"),
    (("dry-run",), "`bench run -n`"),
    (("clena",), ""),
    (("cleen", "--all"), ""),
    (("reprot",), "`bench report`"),
    (("data", "import"), "`bench data add`"),
    (("data", "mkae"), "`bench data make`"),
    (("noise", "inject"), "`bench noise make`"),
    (("methods", "shwo"), "`bench methods show`"),
    (("prune",), ""),
    (("RUN",), "`bench run`"),
    (("help",), "`bench --help`"),
    (("version",), "`bench doctor`"),
]


@pytest.mark.parametrize(
    ("words", "meant"), VERBS_THAT_ARE_NOT, ids=[" ".join(words) for words, _ in VERBS_THAT_ARE_NOT]
)
def test_a_verb_that_there_is_not_is_refused_with_what_was_meant_and_nothing_that_removes(here, words, meant):
    said = complained(here(*words), 2)
    assert ("Did you mean " + meant) in said if meant else "Did you mean" not in said
    assert "`bench clean" not in said
    assert ", clean" not in said


def test_what_others_call_a_verb_leads_to_one_that_there_is():
    from bench.cli.main import app
    from bench.cli.unknown_command import MEANT

    groups = {f"bench {group.name}": group.typer_instance for group in app.registered_groups} | {"bench": app}
    known = {
        command: {one.name or one.callback.__name__ for one in typed.registered_commands}
        for command, typed in groups.items()
    }
    known["bench"] |= {
        "run -n",
        "--help",
        *(f"{name[6:]} {verb}" for name in groups if name != "bench" for verb in known[name]),
    }
    for command, words in MEANT.items():
        assert set(words.values()) <= known[command] - {"clean"}
        assert not set(words) & known[command]


def test_a_name_is_not_given_to_another_folder(here, tmp_path, decathlon_folder):
    one, other = (decathlon_folder(tmp_path / name, cases=4) for name in ("one", "other"))
    assert here("data", "add", "mine", "--from", one).returncode == 0
    assert here("data", "add", "mine", "--from", one).returncode == 0
    said = complained(here("data", "add", "mine", "--from", other), 2)
    assert f"'mine' is the name of {one}" in said
    assert here("data", "list", "--json").stdout.count(str(one)) == 1


def test_status_says_what_each_run_asked_for_and_how_much_of_it_is_there(swept, here):
    store = ("--store", swept.path)
    (run,) = json.loads(here("status", *store, "--json").stdout)["runs"]
    assert run["methods"] == ["densevoxnet", "tsman"]
    assert (run["recipe"], run["seeds"], len(run["datasets"])) == ("smoke", ["0"], 1)
    assert run["stages"] == run["there"] == len(list((swept.path / "stages").iterdir()))
    assert run["date"].endswith("+00:00")
    said = here("status", *store).stdout
    assert f"{run['there']} of {run['stages']} stages there" in said
    assert "densevoxnet, tsman" in said
    assert max(map(len, said.splitlines())) <= 80


def test_show_is_for_reading_unless_json_is_asked_for(swept, here):
    for key in sorted(path.name for path in (swept.path / "stages").iterdir()):
        described = json.loads(here("show", key, "--store", swept.path, "--json").stdout)
        said = here("show", key, "--store", swept.path).stdout
        lines = said.splitlines()
        assert lines[0].split() == ["stage", key]
        assert lines[1].startswith("what ")
        assert f"commit    {described['commit']}" in lines
        assert all(below in said for below in described["inputs"].values())
        assert all(len(line) <= 80 for line in lines if not line.startswith("folder"))
        assert "{" not in said
    student = next(path.name for path in (swept.path / "stages").glob("scores-*"))
    said = here("show", student, "--store", swept.path).stdout
    assert "  cleaning.fill_holes " in said
    assert "seed      0" in said
