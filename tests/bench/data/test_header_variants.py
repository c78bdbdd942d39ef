"""However a header says where its voxels lie: `bench score` and `bench run` agree on a value or a refusal."""

import struct

import nibabel
import numpy as np
import pytest

from bench.data.dataset import CaseFiles
from bench.data.images.volumes import read_label
from bench.data.label_pairs import structures_of
from bench.data.sources.cases import check_case
from bench.data.sources.listing import Files
from bench.errors import DataError
from bench.metrics import score, with_iou
from bench.records.label_scores import score_pair
from bench.stages.context import image_of
from bench.store.artifacts import store_label, stored_label

SHAPE = (18, 16, 12)
SPACING_MM = (0.5, 0.75, 2.0)
PLACE = np.diag([*SPACING_MM, 1.0])
PLACE[:3, 3] = (-4, 3, 11)


def ball(shift=0):
    """Label 2 in label 1; ``shift`` voxels along the first axis."""
    distance = np.linalg.norm((np.indices(SHAPE).T - (8.0 + shift, 8, 6)) / (1, 1, 0.6), axis=-1).T
    return ((distance < 6).astype(np.uint8) + (distance < 3)).astype(np.uint8)


def image_like(label):
    return (label * np.float32(50) + np.random.default_rng(4).normal(100, 5, label.shape)).astype(np.float32)


def with_unit(unit, factor):
    def write(voxels, path):
        affine = PLACE.copy()
        affine[:3] *= factor
        image = nibabel.Nifti1Image(voxels, affine)
        image.header.set_xyzt_units(unit)
        nibabel.save(image, path)

    return write


def with_forms(qform, sform, codes):
    def write(voxels, path):
        image = nibabel.Nifti1Image(voxels, np.eye(4))
        image.set_qform(qform, codes[0])
        image.set_sform(sform, codes[1])
        nibabel.save(image, path)

    return write


def along(codes):
    def write(voxels, path):
        turn = nibabel.orientations.ornt_transform(
            nibabel.orientations.axcodes2ornt("RAS"), nibabel.orientations.axcodes2ornt(codes)
        )
        nibabel.save(nibabel.Nifti1Image(voxels, PLACE).as_reoriented(turn), path)

    return write


def patched(at, what, base=None):
    """A file of which some bytes are others."""

    def write(voxels, path):
        (base or with_forms(PLACE, PLACE, (1, 1)))(voxels, path)
        raw = bytearray(path.read_bytes())
        raw[at : at + len(what)] = what
        path.write_bytes(raw)

    return write


def floats(*numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


def five_axes(voxels, path):
    nibabel.save(nibabel.Nifti1Image(voxels[..., None, None], PLACE), path)


def scaled(voxels, path):
    image = nibabel.Nifti1Image(voxels.astype(np.float64), PLACE)
    image.set_data_dtype(np.uint8 if voxels.dtype == np.uint8 else np.int16)
    nibabel.save(image, path)


MOVED, TURNED, OTHER = PLACE.copy(), PLACE.copy(), np.diag([1.0, 1.0, 1.0, 1.0])
MOVED[:3, 3] += 7
TURNED[:3, :3] = [[0, -0.75, 0], [0.5, 0, 0], [0, 0, 2]]
Q, S = with_forms(PLACE, PLACE, (1, 0)), with_forms(PLACE, PLACE, (0, 1))
READ = {
    "mm": with_unit("mm", 1),
    "micron": with_unit("micron", 1000),
    "meter": with_unit("meter", 0.001),
    "no unit": with_unit("unknown", 1),
    "qform alone": Q,
    "sform alone": S,
    "neither": with_forms(PLACE, PLACE, (0, 0)),
    "a sform elsewhere": with_forms(PLACE, MOVED, (1, 2)),
    "a sform that is turned": with_forms(PLACE, TURNED, (1, 2)),
    "LPS": along("LPS"),
    "SAR": along("SAR"),
    "five axes": five_axes,
    "negative pixdim": patched(80, floats(-0.5, -0.75, -2)),
    "a long quaternion": patched(256, floats(0, 0, 1.000001), Q),
    "no quaternion beside a sform": patched(256, floats(2, 2, 2)),
    "scaled": scaled,
}
REFUSED = {
    "sizes that contradict": (with_forms(PLACE, OTHER, (1, 1)), "0.5 x 0.75 x 2 mm and sform voxels of 1 x"),
    "sizes that contradict without a qform": (with_forms(PLACE, OTHER, (0, 2)), "contradict each other"),
    "pixdim 0 beside a sform": (patched(80, floats(0, 0, 0)), "pixdim voxels of 0 x 0 x 0 mm"),
    "pixdim 0 and a qform": (patched(80, floats(0, 0, 0), Q), "says voxels of 0 x 0 x 0 mm"),
    "one pixdim 0": (patched(88, floats(0), Q), "says voxels of 0.5 x 0.75 x 0 mm"),
    "NaN for a size": (patched(84, floats(float("nan")), Q), "voxels of 0.5 x nan x 2 mm"),
    "no quaternion": (patched(256, floats(2, 2, 2), Q), "(2, 2, 2), which is no rotation"),
}


def case_of(tmp_path, write):
    """Image, label and prediction, all with one kind of header."""
    files = {name: tmp_path / f"{name}.nii" for name in ("image", "label", "predicted")}
    for (name, path), shift in zip(files.items(), (0, 0, 2), strict=True):
        label = ball(shift)
        write(image_like(label) if name == "image" else label, path)
    return files


def by_score(files, spacing_from=""):
    named = ("case", files["predicted"], files["label"])
    structures = structures_of([named], spacing_from)
    rows = score_pair(*named, "hvsmr2016", structures, spacing_from=spacing_from)
    return {(row.structure, row.metric): row.value for row in rows if row.structure in {"1", "2"}}


def by_run(files, tmp_path, spacing_from=""):
    """As planning looks a case through, and as a stage keeps a network's answer and scores it."""
    check_case(Files((files["image"],), files["label"], spacing_from=spacing_from), ("MRI",), 3)
    volume = image_of(CaseFiles((str(files["image"]),), "", "", "", spacing_from=spacing_from))
    predicted_ijk = read_label(files["predicted"], classes=3, spacing_from=spacing_from)[0]
    store_label(tmp_path, "case", predicted_ijk, volume)
    kept_ijk, kept_mm = stored_label(tmp_path, "case")
    assert np.array_equal(kept_ijk, predicted_ijk)
    assert kept_mm == pytest.approx(volume.spacing_mm, rel=1e-6)
    truth_ijk = read_label(files["label"], classes=3, spacing_from=spacing_from)[0]
    measures = score(kept_ijk, truth_ijk, volume.spacing_mm, [1, 2], definition="hvsmr2016")
    return {(str(one.structure), one.metric): one.value for one in with_iou(measures)}


def right(spacing_mm=SPACING_MM):
    measures = score(ball(2), ball(), spacing_mm, [1, 2], definition="hvsmr2016")
    return {(str(one.structure), one.metric): one.value for one in with_iou(measures)}


@pytest.mark.parametrize("how", READ)
def test_run_and_score_read_a_header_alike_and_right(tmp_path, how, capsys):
    files = case_of(tmp_path, READ[how])
    assert by_score(files) == pytest.approx(right(), rel=1e-5)
    assert by_run(files, tmp_path) == pytest.approx(right(), rel=1e-5)


@pytest.mark.parametrize("how", REFUSED)
def test_run_and_score_refuse_a_header_for_the_same_true_cause(tmp_path, how):
    write, cause = REFUSED[how]
    files = case_of(tmp_path, write)
    sentences = []
    for act in (lambda: by_score(files), lambda: by_run(files, tmp_path)):
        with pytest.raises(DataError) as caught:
            act()
        sentences.append(str(caught.value).partition(".nii ")[2])
    assert cause in sentences[0]
    assert sentences[0] == sentences[1]


@pytest.mark.parametrize(("holds", "spacing_mm"), [("pixdim", SPACING_MM), ("sform", (1.0, 1.0, 1.0))])
@pytest.mark.parametrize("code", [0, 1])
def test_who_says_which_size_holds_gets_it_with_a_warning(tmp_path, holds, spacing_mm, code, caplog, capsys):
    files = case_of(tmp_path, with_forms(PLACE, OTHER, (code, 1)))
    assert by_score(files, holds) == pytest.approx(right(spacing_mm), rel=1e-5)
    assert caplog.text.count("warning: ") == 2
    assert f"its {holds} is taken" in caplog.text
    assert not capsys.readouterr().out
    assert by_run(files, tmp_path, holds) == pytest.approx(right(spacing_mm), rel=1e-5)


@pytest.mark.parametrize("one", ["LPS", "SAR", "PIR", "micron", "qform alone"])
@pytest.mark.parametrize("other", ["mm", "LIP", "SAR", "meter"])
def test_a_prediction_is_scored_where_it_lies_however_it_is_stored(tmp_path, one, other, caplog):
    kinds = READ | {codes: along(codes) for codes in ("PIR", "LIP")}
    files = case_of(tmp_path, kinds[other])
    kinds[one](ball(2), files["predicted"])
    assert by_score(files) == pytest.approx(right(), rel=1e-5)
    kinds[one](ball(0), files["label"])
    kinds[one](ball(2), files["predicted"])
    assert by_run(files, tmp_path) == pytest.approx(right(), rel=1e-5)
    assert not caplog.messages


@pytest.mark.parametrize("how", [how for how in READ if how not in ("neither", "negative pixdim")])
def test_a_prediction_lies_on_its_scan_for_itk_too(tmp_path, how):
    """Of every header that says a place; ITK mirrors a scan of negative pixdim."""
    import SimpleITK

    files = case_of(tmp_path, READ[how])
    by_run(files, tmp_path)
    scan = SimpleITK.ReadImage(str(files["image"]))
    kept = SimpleITK.ReadImage(str(tmp_path / "labels" / "case.nii.gz"))
    assert kept.GetSize() == scan.GetSize()
    for what in ("GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(kept, what)() == pytest.approx(getattr(scan, what)(), abs=1e-4)
    header = nibabel.load(tmp_path / "labels" / "case.nii.gz").header
    assert header.get_xyzt_units()[0] == "mm"


def test_a_place_that_two_affines_say_differently_is_told(tmp_path, caplog):
    files = case_of(tmp_path, READ["a sform elsewhere"])
    by_score(files)
    assert caplog.text.count("its sform is taken, ITK may take its qform") == 2
    said = check_case(Files((files["image"],), files["label"]), ("MRI",), 3)
    assert len(said) == 2
    assert all("put a corner 7 mm apart" in one for one in said)


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        (np.diag([0.5, 0.75, 1.0, 1.0]), ["its voxels have 0.5 x 0.75 x 1 mm, its partner's 0.5 x 0.75 x 2 mm"]),
        (MOVED, ["its first voxel lies 12.12 mm from its partner's"]),
        (TURNED, ["has the shape (16, 18, 12) once it is turned to RAS, its partner (18, 16, 12)"]),
        (PLACE @ np.diag([-1, 1, 1, 1]), ["stored along LAS, its partner along RAS", "8.5 mm"]),
    ],
    ids=["voxel size", "moved", "turned", "mirrored"],
)  # fmt: skip
def test_the_refusal_says_in_what_two_grids_differ(tmp_path, moved, words):
    files = case_of(tmp_path, S)
    with_forms(moved, moved, (0, 1))(ball(2), files["predicted"])
    with pytest.raises(DataError) as caught:
        by_score(files)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_header_that_says_no_place_is_refused_for_that(tmp_path):
    files = case_of(tmp_path, S)
    READ["neither"](ball(2), files["predicted"])
    with pytest.raises(DataError, match="its header has neither a qform nor a sform and says no place"):
        by_score(files)


@pytest.mark.parametrize(("unit", "told"), [("mm", False), ("unknown", True)])
def test_a_size_that_is_odd_is_told_and_whether_its_unit_is_known(tmp_path, unit, told, caplog):
    files = case_of(tmp_path, with_unit(unit, 1000))
    by_score(files)
    said = caplog.text
    assert said.count("has voxels of 500 x 750 x 2000 mm") == 2
    assert ("its header says no unit, so mm is assumed" in said) is told


def test_channels_and_a_mask_are_turned_onto_the_first_file(tmp_path):
    """They cover the same place along other axes, in another unit, and by another affine."""
    one, two, mask = (tmp_path / f"{name}.nii" for name in ("one", "two", "mask"))
    image = image_like(ball())
    S(image, one)
    along("SAR")(image, two)
    with_unit("micron", 1000)(ball(), mask)
    assert check_case(Files((one, two), mask=mask), ("T1", "T2"), 3) == []
    volume = image_of(CaseFiles((str(one), str(two)), "", "", "", mask=str(mask)))
    assert np.array_equal(volume.image_cijk[0], volume.image_cijk[1])
    assert np.array_equal(volume.mask_ijk, ball() > 0)
    with_forms(MOVED, MOVED, (0, 1))(image, two)
    with pytest.raises(
        DataError, match=r"two\.nii has another affine than its partner: once turned to RAS, its"
    ):
        check_case(Files((one, two), mask=mask), ("T1", "T2"), 3)


@pytest.mark.parametrize("unit", ["micron", "meter"])
def test_an_odd_voxel_size_is_said_with_the_unit_of_the_header(tmp_path, unit):
    with_unit(unit, 1.0)(ball(), tmp_path / "a.nii")  # numbers in mm under another unit
    said = read_label(tmp_path / "a.nii")[1].warnings
    assert any(f"(its header says lengths in {unit}); expected 0.01 to 50 mm" in one for one in said), said


@pytest.mark.parametrize("name", ["a.NII.GZ", "a.nii.Gz", "a.Nii.gz"])
def test_the_ending_of_a_nifti_file_may_have_any_capitals(tmp_path, name):
    with_unit("mm", 1.0)(ball(), tmp_path / "b.nii.gz")
    (tmp_path / "b.nii.gz").rename(tmp_path / name)
    assert np.array_equal(read_label(tmp_path / name)[0], ball())
