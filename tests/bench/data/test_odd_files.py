"""Label maps that are stored oddly are read as nibabel and ITK read them, or refused for the true cause."""

import gzip
import struct

import nibabel
import numpy as np
import pytest

from bench.checks.data import findings
from bench.checks.data.survey import survey
from bench.data.catalogue import listing_of
from bench.data.dataset import DataSettings, Workshop
from bench.data.images.volumes import fingerprint, read_image, read_label
from bench.errors import DataError

LABEL = np.random.default_rng(2).integers(0, 3, (9, 8, 7)).astype(np.uint8)
AFFINE = np.diag([1.0, 1.5, 2.0, 1.0])


def raw_of(voxels=LABEL, **fields):
    """A .nii of the voxels, of whose header some fields are others."""
    raw = nibabel.Nifti1Image(voxels, AFFINE).to_bytes()
    header = np.frombuffer(raw[:348], nibabel.Nifti1Header.template_dtype).copy()
    for field, value in fields.items():
        header[field] = value
    return header.tobytes() + raw[348:]


def scaled(top, disk=np.uint8, offset=0.0):
    """The labels 0..``top`` as a float array that nibabel scales into integers."""
    labels = (np.arange(LABEL.size) % (top + 1)).reshape(LABEL.shape) + offset
    image = nibabel.Nifti1Image(labels.astype(np.float64), AFFINE)
    image.set_data_dtype(disk)
    return image.to_bytes(), labels


WRITTEN = {
    "int64": ("a.nii", raw_of(LABEL.astype(np.int32))),
    "float64": ("a.nii", raw_of(LABEL.astype(np.float64))),
    "just below integers": ("a.nii", raw_of(LABEL.astype(np.float32) * np.float32(0.99999994))),
    "just above integers": ("a.nii", raw_of(LABEL.astype(np.float32) * np.float32(1.0000005))),
    "a fifth axis of one": ("a.nii", raw_of(LABEL[..., None, None])),
    "a seventh axis of one": ("a.nii", raw_of(LABEL[..., None, None, None, None])),
    "no gzip under the name of one": ("a.nii.gz", raw_of()),
    "a gzip under the name of none": ("a.nii", gzip.compress(raw_of())),
    "text behind the gzip": ("a.nii.gz", gzip.compress(raw_of()) + b"text behind the stream"),
    "zeros behind the gzip": ("a.nii.gz", gzip.compress(raw_of()) + bytes(100)),
    "a gzip in two parts": ("a.nii.gz", gzip.compress(raw_of()[:400]) + gzip.compress(raw_of()[400:])),
    "bytes behind the voxels": ("a.nii", raw_of() + bytes(999)),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_an_odd_file_is_read(tmp_path, how):
    name, raw = WRITTEN[how]
    (tmp_path / name).write_bytes(raw)
    assert np.array_equal(read_label(tmp_path / name, classes=3)[0], LABEL)
    assert fingerprint(tmp_path / name)


@pytest.mark.parametrize("disk", [np.uint8, np.int16])
@pytest.mark.parametrize("top", [1, 2, 4, 7, 40])
def test_integers_that_a_slope_moved_are_the_labels_they_were(tmp_path, top, disk):
    raw, labels = scaled(top, disk)
    (tmp_path / "a.nii").write_bytes(raw)
    stored = nibabel.load(tmp_path / "a.nii").get_fdata()
    assert not np.array_equal(stored, labels) or top in (1,), "nibabel's scaling moves them"
    assert np.array_equal(read_label(tmp_path / "a.nii", classes=top + 1)[0], labels)


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (raw_of(LABEL.astype(np.float32) * 0.999), "0.999"),
        (raw_of(LABEL.astype(np.float32) + np.float32(1e-3)), "0.001"),
        (raw_of(LABEL.astype(np.int16), scl_slope=0.5, scl_inter=0), "0.5"),
        (raw_of(LABEL.astype(np.int16), scl_slope=0.3, scl_inter=0), "0.3"),
        (raw_of(LABEL.astype(np.int16), scl_slope=1, scl_inter=0.4), "0.4"),
        (raw_of(LABEL.astype(np.int16), scl_slope=0.9, scl_inter=0), "0.9"),
        (scaled(2, np.int16, 0.01)[0], "0.00999"),
    ],
)
def test_numbers_that_stand_for_no_integer_are_no_labels(tmp_path, raw, named):
    (tmp_path / "a.nii").write_bytes(raw)
    with pytest.raises(DataError, match=rf"not integers, such as {named}"):
        read_label(tmp_path / "a.nii")


COLOURS = np.zeros(LABEL.shape, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
REFUSED = {
    "colours": (raw_of(COLOURS), r"holds colours \(R, G, B\)"),
    "complex": (raw_of(LABEL.astype(np.complex64)), "complex64"),
    "NaN": (raw_of(np.where(LABEL == 2, np.nan, LABEL).astype(np.float32)), r"NaN or infinity in \d+ voxels"),
    "below 0": (raw_of(np.where(LABEL == 2, np.int16(-1), LABEL)), "the label -1; expected 0..255"),
    "above 255": (raw_of(np.where(LABEL == 2, np.int16(999), LABEL)), "the label 999"),
    "bits": (raw_of(datatype=1, bitpix=1), r"single bits \(NIfTI data type 1\)"),
    "another magic": (raw_of(magic=b"\0\0\0\0"), r"has the magic bytes b'\\x00"),
    "voxels in the header": (raw_of(vox_offset=0), "begin at byte 0, inside its header"),
    "no intercept": (raw_of(scl_slope=1, scl_inter=np.nan), "scales its voxels by 1 and adds nan"),
    "no size": (raw_of(sform_code=0, pixdim=[1, 0, 0, 0, 1, 1, 1, 1]), "voxels of 0 x 0 x 0 mm"),
    "five axes": (raw_of(np.stack([LABEL, LABEL], -1)[..., None, :]), "expected three axes"),
    "two maps": (raw_of(np.stack([LABEL, LABEL], -1)), "three axes"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_what_cannot_be_read_is_refused_for_its_true_cause(tmp_path, how, capfd):
    raw, cause = REFUSED[how]
    (tmp_path / "a.nii").write_bytes(raw)
    with pytest.raises(DataError, match=cause) as caught:
        read_label(tmp_path / "a.nii")
    assert caught.value.exit_code == 4
    assert capfd.readouterr() == ("", "")


def test_a_gzip_that_is_damaged_before_its_end_is_refused_though_text_follows(tmp_path):
    raw = bytearray(gzip.compress(raw_of(), compresslevel=0))
    raw[-60] ^= 1
    (tmp_path / "a.nii.gz").write_bytes(bytes(raw) + b"text")
    with pytest.raises(DataError, match="CRC"):
        read_label(tmp_path / "a.nii.gz")
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(raw_of()[:600]) + b"text")
    with pytest.raises(DataError, match="truncated"):
        read_label(tmp_path / "a.nii.gz")


def test_voxels_of_a_pair_may_begin_as_a_gzip_does(tmp_path):
    voxels = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)
    voxels[:2, 0, 0] = (0x1F, 0x8B)
    nibabel.save(nibabel.Nifti1Pair(voxels, np.eye(4)), tmp_path / "a.img")
    assert (tmp_path / "a.img").read_bytes()[:2] == b"\x1f\x8b"
    assert np.array_equal(read_image([tmp_path / "a.img"]).image_cijk[0], voxels)


def test_pixdim_0_beside_a_sform_of_1_mm_is_what_all_readers_take_for_1_mm(tmp_path):
    raw = bytearray(nibabel.Nifti1Image(LABEL, np.eye(4)).to_bytes())
    raw[80:92] = struct.pack("<3f", 0, 0, 0)
    (tmp_path / "a.nii").write_bytes(raw)
    assert read_label(tmp_path / "a.nii")[1].spacing_mm == (1, 1, 1)


# --- what `bench data check` says


def checked(folder):
    listing = listing_of(f"decathlon:{folder}", DataSettings(), Workshop(folder.parent / "data"), [])
    return [one for one in findings(survey(listing, [])) if one.case == "case_02"]


def planted(folder, raw):
    path = folder / "labelsTr" / "case_02.nii.gz"
    path.write_bytes(gzip.compress(raw(nibabel.load(path))))
    return path


def with_forms(image, qform, sform):
    made = nibabel.Nifti1Image(np.asarray(image.dataobj), np.eye(4))
    made.set_qform(image.affine @ np.diag([*qform, 1]), 1)
    made.set_sform(image.affine @ np.diag([*sform, 1]), 1)
    made.header.set_zooms(nibabel.affines.voxel_sizes(image.affine @ np.diag([*qform, 1])))
    return made.to_bytes()


def scaled_by_nibabel(image):
    made = nibabel.Nifti1Image(np.asarray(image.dataobj).astype(np.float64), image.affine)
    made.set_data_dtype(np.uint8)
    return made.to_bytes()


def in_micron(image):
    made = nibabel.Nifti1Image(np.asarray(image.dataobj), np.diag([1e3, 1e3, 1e3, 1]) @ image.affine)
    made.header.set_xyzt_units("micron")
    return made.to_bytes()


def lps(image):
    made = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)
    return made.as_reoriented(np.array([[0, -1], [1, -1], [2, 1]])).to_bytes()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (scaled_by_nibabel, set()),
        (lps, set()),
        (in_micron, {("note", "units", "it has lengths in micron; they are converted to mm")}),
        (
            lambda image: with_forms(image, (1, 1, 1), (-1, 1, 1)),
            {("warning", "affine", "it has a qform and")},
        ),
    ],
    ids=["scaled labels", "another orientation", "micron", "two places"],
)
def test_data_check_says_of_a_header_what_run_does(tmp_path, decathlon_folder, raw, expected):
    folder = decathlon_folder(tmp_path / "Task")
    if expected and next(iter(expected))[0] == "warning":  # the sform is mirrored, so the image must be too
        image = folder / "imagesTr" / "case_02.nii.gz"
        image.write_bytes(gzip.compress(raw(nibabel.load(image))))
    planted(folder, raw)
    found = [one for one in checked(folder) if "labelsTr" in one.file]
    assert len(found) == len(expected)
    for one, (severity, check, words) in zip(found, expected, strict=True):
        assert (one.severity, one.check) == (severity, check)
        assert one.what.startswith(words)


def test_data_check_calls_an_error_what_run_refuses(tmp_path, decathlon_folder):
    folder = decathlon_folder(tmp_path / "Task")
    path = planted(folder, lambda image: with_forms(image, (1, 1, 1), (2, 2, 2)))
    errors = [one for one in checked(folder) if one.severity == "error" and one.check == "spacing"]
    with pytest.raises(DataError) as caught:
        read_label(path)
    assert [f"{path} {one.what.removeprefix('it ')}." for one in errors] == [str(caught.value)]
