"""What a setting, a label or a method changes in the graph, and what it leaves alone."""

import json
from dataclasses import replace

import pytest

from bench.data.dataset import CaseFiles, Dataset
from bench.data.split import manual_cases
from bench.errors import UsageError
from bench.plan.experiments import free_part
from bench.plan.recipes import recipe, resolved
from bench.plan.sweep import Sweep
from bench.store.titles import title
from methods.registry import PAPER, classes

TRAIN = tuple(f"train_{number}" for number in range(10))
TEST = tuple(f"test_{number}" for number in range(3))


def dataset_at(root="/data", name="heart"):
    cases = {
        case: CaseFiles((f"{root}/{case}.nii",), f"{root}/{case}_label.nii", f"image {case}", f"label {case}")
        for case in TRAIN + TEST
    }
    return Dataset(name, ("MRI",), ("wall", "blood"), cases, TRAIN, TEST)


def with_label(dataset, case, label_print):
    cases = {**dataset.cases, case: replace(dataset.cases[case], label_print=label_print)}
    return replace(dataset, cases=cases)


def sweep(*names, xis=("0.3",), seeds=(0,), changes=(), dataset=None):
    chosen = resolved(recipe("smoke", changes, classes()), device="cpu", native_bfloat16=False)
    return Sweep(chosen, (free_part(names or PAPER, xis, chosen),), seeds, (dataset or dataset_at(),))


def keys(one, *kinds):
    return {stage.key for stage in one.stages() if not kinds or stage.kind in kinds}


def students(one, role):
    """Method -> key of the trained stage that is scored in this role."""
    found = {}
    for stage in one.stages():
        if stage.kind == "scores":
            who = json.loads(stage.settings)["identity"]
            if who["role"] == role:
                found[who["method"]] = dict(stage.inputs)["of"].key
    return found


def teachers_of_few(one):
    """The keys of the teachers that do not see all labels."""
    return {stage.key for stage in one.stages() if stage.kind == "teacher" and len(stage.labels) < len(TRAIN)}


def shown_to_teachers(one):
    """The different sets of labels, fewer than all, that teachers see."""
    seen = {stage.labels for stage in one.stages() if stage.kind == "teacher"}
    return {labels for labels in seen if len(labels) < len(TRAIN)}


def scores_of(one, role):
    return {
        stage.key
        for stage in one.stages()
        if stage.kind == "scores" and json.loads(stage.settings)["identity"]["role"] == role
    }


def test_one_cell_has_the_stages_of_the_design():
    counted = {}
    for stage in sweep(*PAPER).stages():
        counted[stage.kind] = counted.get(stage.kind, 0) + 1
    scores = 1 + 3 + 1 + 4 + 4  # pseudo labels, teachers, teachers averaged, students, fully supervised
    teachers = 3 + 2  # on the manual labels; on all labels those that the fully supervised start at
    assert counted == {
        "split": 2, "teacher": teachers, "ensemble": 1, "pseudo": 1, "student": 8, "scores": scores,
    }  # fmt: skip


def test_all_methods_share_teachers_and_pseudo_labels_and_no_student():
    alone, four = sweep("densevoxnet"), sweep(*PAPER)
    assert keys(alone, "teacher", "pseudo") == keys(four, "teacher", "pseudo")
    assert len(set(students(four, "student").values())) == 4
    assert len(set(students(four, "supervised").values())) == 4


def test_adding_a_method_a_share_or_a_seed_shifts_no_other_key():
    small = keys(sweep("densevoxnet"))
    assert small < keys(sweep("densevoxnet", "tsman"))
    assert small < keys(sweep("tsman", "densevoxnet"))
    assert small < keys(sweep("densevoxnet", xis=("0.1", "0.3")))
    assert small < keys(sweep("densevoxnet", seeds=(1, 0)))


def test_two_shares_or_two_seeds_share_no_training_but_the_supervised_one():
    shares = sweep("densevoxnet", xis=("0.3", "0.7"))
    assert len(keys(shares, "teacher")) == 6 + 2
    assert len(keys(shares, "student")) == 3
    seeds = sweep("densevoxnet", seeds=(0, 1))
    assert len(keys(seeds, "student")) == 4


def test_host_and_place_of_the_data_change_no_key_and_the_content_does():
    here = sweep(*PAPER)
    assert keys(here) == keys(sweep(*PAPER, dataset=dataset_at("/elsewhere")))
    assert keys(here).isdisjoint(keys(sweep(*PAPER, dataset=dataset_at(name="brain"))))


TRAINING = {"teacher", "pseudo", "student", "supervised"}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ("student.steps=9", {"student", "supervised"}),
        ("teachers.steps=[4,6,9]", TRAINING),
        ("teachers.steps=[4,6]", TRAINING),
        ("teachers.steps=[5,6,8]", {"teacher", "pseudo", "student"}),
        ("distillation.vote=majority", {"pseudo", "student"}),
        ("distillation.views=identity", {"pseudo", "student"}),
        ("inference.window=overlap", {"pseudo", "student"}),
        ("sampling.batch=3", TRAINING),
        ("sampling.roi_margin=-1", TRAINING),
        ("stream.growth=5", TRAINING),
        ("optimiser.learning_rate=0.1", TRAINING),
        ("compute.threads=2", TRAINING),
        ("compute.layout=contiguous", TRAINING),
        ("compute.precision=bfloat16", TRAINING),
        ("split.seed=5", {"teacher", "pseudo", "student", "supervised"}),
        ("metrics.definition=medpy", set()),
        ("cleaning.fill_holes=false", set()),
        ("data.validate=false", set()),
        ("seeds=7", set()),
    ],
)
def test_a_changed_setting_remakes_what_hangs_on_it_and_nothing_else(change, changed):
    def by_role(one):
        return {
            "teacher": keys(one, "teacher"),
            "pseudo": keys(one, "pseudo"),
            "student": {students(one, "student")["densevoxnet"]},
            "supervised": {students(one, "supervised")["densevoxnet"]},
        }

    before, after = by_role(sweep("densevoxnet")), by_role(sweep("densevoxnet", changes=[change]))
    assert {role for role in before if before[role] != after[role]} == changed


def test_only_a_method_that_predicts_while_it_trains_depends_on_the_windows():
    before = students(sweep(*PAPER), "supervised")
    after = students(sweep(*PAPER, changes=["inference.window=overlap"]), "supervised")
    assert {name for name in PAPER if before[name] != after[name]} == {"deep-level-set"}


def test_a_changed_step_count_of_one_teacher_keeps_the_others():
    before, after = sweep("densevoxnet"), sweep("densevoxnet", changes=["teachers.steps=[4,6,9]"])
    assert len(keys(before, "teacher") & keys(after, "teacher")) == 2 + 1  # on the manual and on all labels


def test_a_methods_setting_changes_that_methods_students_alone():
    before = students(sweep(*PAPER), "student")
    after = students(sweep(*PAPER, changes=["tsman.attention.f4=false"]), "student")
    assert {name for name in PAPER if before[name] != after[name]} == {"tsman"}


def test_an_unknown_setting_of_a_method_is_refused():
    with pytest.raises(UsageError, match="atention"):
        sweep("tsman", changes=["tsman.atention.f4=false"])


def test_no_training_key_depends_on_a_withheld_label_and_the_score_of_the_pseudo_labels_does():
    before = sweep(*PAPER)
    manual = manual_cases(TRAIN, "0.3", dataset="heart", seed=0)
    withheld = min(set(TRAIN) - set(manual))
    after = sweep(*PAPER, dataset=with_label(dataset_at(), withheld, "another truth"))
    for kind in ("split", "pseudo"):
        assert keys(before, kind) == keys(after, kind)
    assert teachers_of_few(before) == teachers_of_few(after)
    assert students(before, "student") == students(after, "student")
    assert scores_of(before, "student") == scores_of(after, "student")
    assert scores_of(before, "teacher") == scores_of(after, "teacher")
    assert scores_of(before, "pseudo").isdisjoint(scores_of(after, "pseudo"))
    assert set(students(before, "supervised").values()).isdisjoint(students(after, "supervised").values())


def test_no_training_key_depends_on_a_test_case():
    changed = with_label(dataset_at(), TEST[0], "another truth")
    before, after = sweep(*PAPER), sweep(*PAPER, dataset=changed)
    assert keys(before, "teacher", "pseudo", "student") == keys(after, "teacher", "pseudo", "student")
    assert scores_of(before, "student").isdisjoint(scores_of(after, "student"))
    assert scores_of(before, "pseudo") == scores_of(after, "pseudo")


def test_a_manual_label_changes_the_teachers():
    manual = manual_cases(TRAIN, "0.3", dataset="heart", seed=0)
    after = sweep("tsman", dataset=with_label(dataset_at(), manual[0], "another truth"))
    assert keys(sweep("tsman"), "teacher").isdisjoint(keys(after, "teacher"))


def test_a_stage_may_read_what_its_place_allows_and_nothing_else():
    manual = set(manual_cases(TRAIN, "0.3", dataset="heart", seed=0))
    for stage in sweep(*PAPER).stages():
        images, labels = ({case for case, _ in cases} for cases in (stage.images, stage.labels))
        inputs = dict(stage.inputs)
        if stage.kind == "split":
            assert images == labels == set()
        elif stage.kind == "teacher":
            assert images == labels
            assert labels in (manual, set(TRAIN))
        elif stage.kind == "pseudo":
            assert images == set(TRAIN) - manual
            assert labels == set()
        elif stage.kind == "student":
            assert images == set(TRAIN)
            assert labels == (manual if "pseudo" in inputs else set(TRAIN))
        elif stage.kind == "ensemble":
            assert images == labels == set()
        elif inputs["of"].kind == "pseudo":
            assert images == set()
            assert labels == set(TRAIN) - manual
        else:
            assert images == labels == set(TEST)


def test_supervised_rows_are_at_share_1_with_all_manual_labels():
    for stage in sweep(*PAPER).stages():
        if stage.kind == "scores":
            who = json.loads(stage.settings)["identity"]
            assert (who["role"] == "supervised") == (who["xi"] == "1.0")
            assert who["xi_realised"] == ("1.0" if who["role"] == "supervised" else "0.3")
            assert who["noise"] == "none"


def test_the_realised_share_is_that_of_the_whole_scans():
    whole = [stage for stage in sweep("tsman", xis=("0.25",)).stages() if stage.kind == "scores"]
    assert {json.loads(stage.settings)["identity"]["xi_realised"] for stage in whole} == {"0.3", "1.0"}


def test_a_pinned_split_keeps_the_manual_cases_over_seeds_and_not_the_training():
    pinned = sweep("tsman", seeds=(0, 1), changes=["split.seed=7"])
    assert len(shown_to_teachers(pinned)) == 1
    assert len(teachers_of_few(pinned)) == 6
    assert len(shown_to_teachers(sweep("tsman", seeds=(0, 1)))) == 2


def test_the_same_request_is_the_same_run_and_another_is_not():
    assert sweep("tsman").run == sweep("tsman").run
    assert sweep("tsman").run != sweep("densevoxnet").run
    assert sweep("tsman").run != sweep("tsman", seeds=(1,)).run


def test_precision_is_decided_before_planning():
    auto = recipe("smoke", (), classes())
    assert resolved(auto, device="cpu", native_bfloat16=False).compute.precision == "float32"
    assert resolved(auto, device="cpu", native_bfloat16=True).compute.precision == "bfloat16"
    assert resolved(auto, device="cuda:1", native_bfloat16=False).compute.precision == "bfloat16"
    small = recipe("smoke", ["sampling.patch=[12,12,12]"], classes())
    assert resolved(small, device="cpu", native_bfloat16=True).compute.precision == "float32"
    asked = recipe("smoke", ["sampling.patch=[12,12,12]", "compute.precision=bfloat16"], classes())
    assert resolved(asked, device="cuda", native_bfloat16=True).compute.precision == "bfloat16"
    with pytest.raises(UsageError, match="too small for bfloat16 on a CPU"):
        resolved(asked, device="cpu", native_bfloat16=True)
    fixed = recipe("smoke", ["compute.precision=float32"], classes())
    assert resolved(fixed, device="cuda", native_bfloat16=True).compute.precision == "float32"


def test_every_stage_has_a_title_that_tells_it_from_the_others():
    stages = sweep(*PAPER, xis=("0.3", "0.7"), seeds=(0, 1)).stages()
    titles = [title(stage) for stage in stages]
    assert len(set(titles)) == len(titles)


def on_scans(count, name="heart"):
    """A data set of so many training cases and one test case."""
    names = [f"scan_{number:02d}" for number in range(count + 1)]
    cases = {case: CaseFiles((f"/{case}.nii",), f"/{case}_l.nii", f"i{case}", f"l{case}") for case in names}
    return Dataset(name, ("MRI",), ("wall", "blood"), cases, tuple(names[:-1]), tuple(names[-1:]))


def scored_shares(one):
    """ξ -> realised share of every scores stage of a student, and how many there are."""
    identities = [json.loads(stage.settings)["identity"] for stage in one.stages() if stage.kind == "scores"]
    students = [who for who in identities if who["role"] == "student"]
    return [(who["xi"], who["xi_realised"]) for who in students]


TENTHS = tuple(f"0.{tenths}" for tenths in range(1, 10))


def test_a_share_that_keeps_the_same_scans_is_planned_once_under_the_first():
    one = sweep("densevoxnet", xis=TENTHS, dataset=on_scans(7))
    assert scored_shares(one) == [
        ("0.1", "0.1429"), ("0.3", "0.2857"), ("0.4", "0.4286"), ("0.5", "0.5714"), ("0.7", "0.7143"), ("0.8", "0.8571"),
    ]  # fmt: skip
    (said,) = one.other_shares().values()
    assert said[0] == "0.2 is 0.1 here: 1 of 7 scans"
    assert "0.6 is 0.5 here: 4 of 7 scans" in said
    assert not [phrase for phrase in said if phrase.startswith(("0.1 ", "0.3 "))]


def test_what_is_asked_for_alone_keeps_its_name_and_its_keys():
    both = sweep("densevoxnet", xis=("0.1", "0.2"), dataset=on_scans(7))
    assert keys(both) == keys(sweep("densevoxnet", xis=("0.1",), dataset=on_scans(7)))
    alone = sweep("densevoxnet", xis=("0.2",), dataset=on_scans(7))
    assert scored_shares(alone) == [("0.2", "0.1429")]
    assert keys(alone, "teacher", "student") == keys(both, "teacher", "student")
    plain = sweep("densevoxnet", xis=TENTHS)
    assert [share for share, _ in scored_shares(plain)] == list(TENTHS)
    assert plain.other_shares() == {}


def test_a_share_that_rounding_makes_another_is_told_for_each_data_set():
    few, many = on_scans(10, "few"), on_scans(100, "many")
    one = replace(sweep("densevoxnet", xis=("0.3", "0.35")), datasets=(few, many))
    assert one.other_shares() == {"few": ["0.35 is 0.4 here: 4 of 10 scans"]}
    assert scored_shares(one) == [("0.3", "0.3"), ("0.35", "0.4"), ("0.3", "0.3"), ("0.35", "0.35")]


def test_shares_are_told_on_a_plan_in_80_columns(bench, spheres, tmp_path):
    words = (
        "run",
        "--dataset",
        f"decathlon:{spheres}",
        "--methods",
        "densevoxnet",
        "--recipe",
        "smoke",
        "-n",
    )
    done = bench(*words, "--xi", "0.1:0.9", "--store", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    (first,) = [line for line in lines if line.startswith("ξ  ")]
    assert "0.1 is 0.2 here: 1 of 5 scans" in first
    place = lines.index(first)
    assert all(len(line) <= 80 for line in lines[place : place + 4])
    said = json.loads(bench(*words, "--xi", "0.1:0.9", "--store", tmp_path / "store", "--json").stdout)
    assert said["other_xi"]["spheres"][0] == "0.1 is 0.2 here: 1 of 5 scans"
