"""Hostile headers and damaged bytes: a scan is read, or refused in a sentence that names it."""

import gzip
import logging
import struct
import warnings

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.checks.data import findings
from bench.checks.data.survey import survey
from bench.data.images.volumes import fingerprint, read_grid, read_image, read_label, read_weights
from bench.data.sources.listing import Files, Listing

SHAPE = (5, 4, 3)
READERS = (read_grid, lambda path: read_image([path]), read_label, read_weights, fingerprint)
FORMATS = ("n1.nii", "n1.nii.gz", "n2.nii", "n2.nii.gz", "short.nii", "short.nii.gz")
METAIMAGES = ("plain.mha", "packed.mha")
SETTINGS = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MANY = settings(SETTINGS, max_examples=2500, derandomize=False)


@pytest.fixture(autouse=True)
def quiet(bounded):
    """nibabel says on stderr what it mends; a warning of numpy's is a fault, as pyproject has it."""
    logger = logging.getLogger("nibabel.global")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    logger.setLevel(level)


def sound_files():
    """Name -> bytes of a sound file of each format."""
    import SimpleITK

    rng = np.random.default_rng(5)
    label_ijk = rng.integers(0, 3, SHAPE).astype(np.uint8)
    scaled = nibabel.Nifti1Image(label_ijk.astype(np.int16), np.diag([1.5, 1, 2, 1]))
    scaled.header.set_slope_inter(0.5, 3)
    made = {
        "n1.nii": nibabel.Nifti1Image(label_ijk.astype(np.float32), np.eye(4)).to_bytes(),
        "n2.nii": nibabel.Nifti2Image(label_ijk, np.diag([-1.0, -1.0, 3.0, 1.0])).to_bytes(),
        "short.nii": scaled.to_bytes(),
    }
    packed = {f"{name}.gz": gzip.compress(raw, mtime=0) for name, raw in made.items()}
    return made | packed | {name: metaimage_bytes(SimpleITK, label_ijk, name) for name in METAIMAGES}


def metaimage_bytes(library, label_ijk, name):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        library.WriteImage(library.GetImageFromArray(label_ijk), str(path), name == "packed.mha")
        return path.read_bytes()


SOUND = sound_files()


def survive(path, refused):
    """Every reader, each on its own; how many of them read the file. A check of it never fails itself."""
    listing = Listing("fuzz", ("MRI",), ("one", "two"), {"case": Files((path,), path, path)}, ("case",), ())
    assert all(one.what.isprintable() for one in findings(survey(listing, [])))
    return sum(not refused(reader, path, names=path.name) for reader in READERS)


def test_the_files_that_are_changed_here_are_sound(tmp_path, refused):
    for name, raw in SOUND.items():
        (tmp_path / name).write_bytes(raw)
        assert survive(tmp_path / name, refused) >= len(READERS) - (name.startswith("short")), name


# --- headers whose every field may be anything

INTEGERS = st.one_of(
    st.sampled_from([-1, 0, 1, 2, 7, 8, 2**15 - 1, 2**31 - 1, 2**63 - 1, -(2**63)]), st.integers()
)
NUMBERS = st.one_of(
    st.sampled_from([0.0, -1.0, 1.0, 1e-45, 3e38, -3e38, 1e300, 352.0, float("nan"), float("inf")]),
    st.floats(width=32),
)


def field_values(kind):
    """Anything that a field of a header can hold."""
    if kind.subdtype is not None:
        base, shape = kind.subdtype
        size = int(np.prod(shape))
        return st.lists(field_values(base), min_size=size, max_size=size).map(
            lambda values: np.array(values, base).reshape(shape)
        )
    if kind.kind == "f":
        return NUMBERS.map(lambda value: np.float64(value).astype(kind))
    if kind.kind in "iu":
        wrap = 2 ** (8 * kind.itemsize)
        return INTEGERS.map(
            lambda value: np.array(value % wrap, f"<u{kind.itemsize}").view(f"<i{kind.itemsize}")
        )
    return st.binary(max_size=kind.itemsize)


@st.composite
def hostile_headers(draw):
    """A sound file of which one to four fields of the header are anything."""
    name = draw(st.sampled_from(FORMATS))
    raw = SOUND[name] if name.endswith(".nii") else gzip.decompress(SOUND[name])
    kind = nibabel.Nifti2Header if name.startswith("n2") else nibabel.Nifti1Header
    with np.errstate(all="ignore"):
        header = np.frombuffer(raw[: kind.sizeof_hdr], kind.template_dtype).copy()
        for field in draw(st.lists(st.sampled_from(kind.template_dtype.names[1:]), min_size=1, max_size=4)):
            header[field] = draw(field_values(kind.template_dtype[field]))
    raw = header.tobytes() + raw[kind.sizeof_hdr :]
    return name, raw if name.endswith(".nii") else gzip.compress(raw, mtime=0)


def headers(tmp_path, refused, tried, examples):
    count = [0]

    @examples
    @given(hostile_headers())
    def run(made):
        name, raw = made
        (tmp_path / name).write_bytes(raw)
        survive(tmp_path / name, refused)
        count[0] += 1

    run()
    tried("NIfTI header with hostile fields", count[0])


def test_a_header_of_hostile_fields_is_read_or_refused(tmp_path, refused, tried):
    headers(tmp_path, refused, tried, SETTINGS)


@pytest.mark.slow
def test_many_headers_of_hostile_fields_are_read_or_refused(tmp_path, refused, tried):
    headers(tmp_path, refused, tried, MANY)


# --- MetaImage headers

KEYS = (
    "ObjectType", "NDims", "BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB", "CompressedData",
    "CompressedDataSize", "TransformMatrix", "Offset", "Position", "Origin", "Orientation", "CenterOfRotation",
    "AnatomicalOrientation", "ElementSpacing", "ElementSize", "DimSize", "ElementNumberOfChannels", "HeaderSize",
    "Modality", "SequenceID", "ElementMin", "ElementMax", "ElementType", "ElementDataFile", "Comment", "ID",
    "ElementToIntensityFunctionSlope", "DistanceUnits", "AcquisitionDate", "x y", "",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([
        "", "-1", "0", "1", "3", "10", "True", "False", "LOCAL", "LIST", "LIST 2", "/etc/passwd", "../x.raw", "%03d.raw 1 9 1",
        "4 3 5", "5 4 3", "5 4 3 2", "-5 4 3", "99999 99999 99999", "1000000000 1 1", "nan nan nan", "inf 1 1", "0 0 0", "-1 1 1",
        "1e400 1 1", "1e-320 1 1", "1 0 0 0 1 0 0 0 0", "0 0 0 0 0 0 0 0 0", "1 1 1 1 1 1 1 1 1", "MET_UCHAR", "MET_FLOAT",
        "MET_STRING", "MET_OTHER", "MET_LONG", "MET_FLOAT_ARRAY", "Image", "Mesh", "18446744073709551615", "9" * 5000, "%s%n", "1 " * 600,
    ]),
    st.text(max_size=40),
)  # fmt: skip


@st.composite
def hostile_metaimages(draw):
    """A sound MetaImage with lines of its header changed, taken away, doubled or put elsewhere."""
    raw = SOUND[draw(st.sampled_from(METAIMAGES))]
    head, mark, voxels = raw.partition(b"ElementDataFile = LOCAL\n")
    lines = [*head.decode().splitlines(), mark.decode().strip()]
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines)))
        separator = draw(st.sampled_from([" = ", "=", ": ", " =", " "]))
        line = draw(st.sampled_from(KEYS)) + separator + draw(VALUES)
        how = draw(st.sampled_from(["insert", "replace", "remove", "same key"]))
        old = lines[place].partition(" ")[0] if place < len(lines) else "DimSize"
        kept = {"insert": [line], "replace": [line], "remove": [], "same key": [f"{old} = {draw(VALUES)}"]}[
            how
        ]
        lines[place : place + (how != "insert")] = kept
    return "\n".join(lines).encode("utf-8", "replace") + b"\n" + voxels


def metaimages(tmp_path, refused, tried, examples):
    count = [0]

    @examples
    @given(hostile_metaimages())
    def run(raw):
        (tmp_path / "scan.mha").write_bytes(raw)
        survive(tmp_path / "scan.mha", refused)
        count[0] += 1

    run()
    tried("MetaImage header with hostile lines", count[0])


def test_a_metaimage_of_hostile_lines_is_read_or_refused(tmp_path, refused, tried):
    metaimages(tmp_path, refused, tried, SETTINGS)


@pytest.mark.slow
def test_many_metaimages_of_hostile_lines_are_read_or_refused(tmp_path, refused, tried):
    metaimages(tmp_path, refused, tried, MANY)


# --- bytes flipped, put in, taken away, cut off

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "insert", "delete", "truncate", "repeat", "number"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 255),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def changed(raw, changes):
    """The bytes after all changes; half of the places lie in the header."""
    raw = bytearray(raw)
    for how, where, value, in_header in changes:
        at = int(where * min(len(raw), 360 if in_header else len(raw)))
        if how == "flip" and raw:
            raw[at] ^= 1 << value % 8
        elif how == "set" and raw:
            raw[at] = value
        elif how == "insert":
            raw[at:at] = bytes([value]) * (1 + value % 9)
        elif how == "delete":
            del raw[at : at + 1 + value % 16]
        elif how == "truncate":
            del raw[at:]
        elif how == "repeat":
            raw[at:at] = raw[at : at + value]
        else:
            raw[at : at + 4] = struct.pack("<I", value << 24 | value)
    return bytes(raw)


def mutated(tmp_path, refused, tried, examples, names, fault):
    count, read = [0], [0]

    @examples
    @given(st.sampled_from(names), CHANGES, st.booleans())
    def run(name, changes, inside):
        raw = SOUND[name]
        if name.endswith(".gz") and inside:  # what a damaged disk never makes, and a hostile hand does
            made = gzip.compress(changed(gzip.decompress(raw), changes), mtime=0)
        else:
            made = changed(raw, changes)
        (tmp_path / name).write_bytes(made)
        read[0] += survive(tmp_path / name, refused) > 0
        count[0] += 1

    run()
    assert 0 < read[0] < count[0], "all were read or none was: the changes are too small or too large"
    tried(fault, count[0])


def test_a_mutated_nifti_file_is_read_or_refused(tmp_path, refused, tried):
    mutated(tmp_path, refused, tried, SETTINGS, FORMATS, "mutated NIfTI file")


def test_a_mutated_metaimage_is_read_or_refused(tmp_path, refused, tried):
    mutated(tmp_path, refused, tried, SETTINGS, METAIMAGES, "mutated MetaImage")


@pytest.mark.slow
def test_ten_thousand_mutated_nifti_files_are_read_or_refused(tmp_path, refused, tried):
    many = settings(MANY, max_examples=10_000)
    mutated(tmp_path, refused, tried, many, FORMATS, "mutated NIfTI file")


@pytest.mark.slow
def test_thousands_of_mutated_metaimages_are_read_or_refused(tmp_path, refused, tried):
    mutated(tmp_path, refused, tried, MANY, METAIMAGES, "mutated MetaImage")
