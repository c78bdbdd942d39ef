"""A MetaImage is read as the NIfTI file that ITK makes of it."""

import gzip
import os
import zlib

import numpy as np
import pytest
import SimpleITK

from bench.data.images.metaimage import is_metaimage, open_metaimage
from bench.data.images.volumes import fingerprint, read_grid, read_image, read_label
from bench.data.label_pairs import structures_of
from bench.data.sources.fingerprints import Fingerprints
from bench.errors import DataError
from bench.records.label_scores import score_pair


def scored(predicted, reference):
    named = ("case", predicted, reference)
    return score_pair(*named, "hvsmr2016", structures_of([named]))


def turned(direction):
    rng = np.random.default_rng(3)
    image = SimpleITK.GetImageFromArray(rng.integers(0, 900, (5, 6, 7)).astype(np.int16))
    image.SetSpacing((1.5, 1.0, 2.0))
    image.SetOrigin((-12.0, 7.0, 30.0))
    image.SetDirection(np.asarray(direction, float).ravel().tolist())
    return image


DIRECTIONS = {
    "as BRATS": np.eye(3),
    "to the right": np.diag([-1.0, -1.0, 1.0]),
    "another order": [[0, 1, 0], [0, 0, -1], [1, 0, 0]],
    "oblique": [[np.cos(0.2), -np.sin(0.2), 0], [np.sin(0.2), np.cos(0.2), 0], [0, 0, 1]],
}


@pytest.mark.parametrize("how", DIRECTIONS)
@pytest.mark.parametrize("packed", [True, False])
def test_voxels_and_place_are_those_of_the_same_image_as_nifti(tmp_path, how, packed):
    image = turned(DIRECTIONS[how])
    one, other = tmp_path / "scan.mha", tmp_path / "scan.nii.gz"
    SimpleITK.WriteImage(image, str(one), useCompression=packed)
    SimpleITK.WriteImage(image, str(other))
    meta, nifti = read_image([one]), read_image([other])
    assert np.array_equal(meta.image_cijk, nifti.image_cijk)
    assert np.allclose(meta.own.affine, nifti.own.affine, atol=1e-4)
    assert meta.spacing_mm == pytest.approx(nifti.spacing_mm, abs=1e-5)
    assert read_grid(one).shape == (7, 6, 5)


def test_a_fingerprint_is_of_the_voxels_however_they_are_packed(tmp_path):
    image = turned(np.eye(3))
    paths = [tmp_path / "packed.mha", tmp_path / "plain.mha", tmp_path / "same.nii.gz"]
    for path in paths:
        SimpleITK.WriteImage(image, str(path), useCompression=path != paths[1])
    assert len({fingerprint(path) for path in paths}) == 1
    image[2, 2, 2] += 1
    SimpleITK.WriteImage(image, str(paths[1]))
    assert fingerprint(paths[1]) != fingerprint(paths[0])


def test_the_third_axis_of_itk_comes_last(tmp_path):
    image = turned(np.eye(3))
    SimpleITK.WriteImage(image, str(tmp_path / "scan.mha"))
    stored = open_metaimage(tmp_path / "scan.mha")
    voxels_xyz, affine = stored.voxels(), stored.affine
    assert voxels_xyz.shape == (7, 6, 5)
    assert voxels_xyz[6, 0, 4] == image[6, 0, 4]
    x, y, z = image.TransformIndexToPhysicalPoint((6, 0, 4))
    assert affine @ [6, 0, 4, 1] == pytest.approx([-x, -y, z, 1])


@pytest.mark.parametrize(
    ("name", "is_one"), [("a.mha", True), ("A.MHA", True), ("a.mhd", True), ("a.nii.gz", False)]
)
def test_a_metaimage_is_known_by_its_name(tmp_path, name, is_one):
    assert is_metaimage(tmp_path / name) is is_one


# --- what headers say and ITK heeds

LABEL_KJI = np.random.default_rng(6).integers(0, 3, (5, 6, 7)).astype(np.uint8)


def meta(*, drop=(), voxels=None, more=(), **changes):
    """A MetaImage of ``LABEL_KJI`` as bytes, of whose header some lines are others."""
    said = {
        "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "3 -5 8",
        "ElementSpacing": "1 1.5 2", "DimSize": "7 6 5", "ElementType": "MET_UCHAR", **dict(more), **changes,
        "ElementDataFile": changes.get("ElementDataFile", "LOCAL"),
    }  # fmt: skip
    lines = "".join(f"{key} = {value}\n" for key, value in said.items() if key not in drop)
    return lines.encode() + (LABEL_KJI.tobytes() if voxels is None else voxels)


ALIKE = {
    "MET_LONG": meta(ElementType="MET_LONG", voxels=LABEL_KJI.astype("<i4").tobytes()),
    "MET_ULONG": meta(ElementType="MET_ULONG", voxels=LABEL_KJI.astype("<u4").tobytes()),
    "most significant byte first": meta(
        ElementType="MET_SHORT", BinaryDataByteOrderMSB="true", voxels=LABEL_KJI.astype(">i2").tobytes()
    ),
    "true in lower case": meta(BinaryData="true", CompressedData="false"),
    "true as a number": meta(BinaryData="1", CompressedData="0"),
    "a comment in UTF-8": meta(Comment="Größe 1 µm – ok"),
    "CRLF": meta().replace(b"\n", b"\r\n", 12),
    "sizes of elements too": meta(ElementSize="3 3 3"),
    "sizes of elements alone": meta(drop=["ElementSpacing"], ElementSize="1 1.5 2"),
    "millimetres": meta(DistanceUnits="mm"),
}


@pytest.mark.parametrize("how", ALIKE)
def test_a_header_that_itk_reads_alike_is_read_alike(tmp_path, how, capfd):
    (tmp_path / "scan.mha").write_bytes(ALIKE[how])
    (tmp_path / "plain.mha").write_bytes(meta())
    label_ijk, grid = read_label(tmp_path / "scan.mha")
    assert np.array_equal(
        SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "scan.mha"))), LABEL_KJI
    )
    assert np.array_equal(label_ijk, LABEL_KJI.transpose(2, 1, 0)[::-1, ::-1])
    assert np.array_equal(grid.affine, read_grid(tmp_path / "plain.mha").affine)
    rows = scored(tmp_path / "scan.mha", tmp_path / "plain.mha")
    assert {row.value for row in rows if row.metric == "dice"} == {1.0}
    assert not capfd.readouterr().err


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (
            {"ElementSpacing": "1 1.5 -2"},
            "stored along LPI, its partner along LPS), its first voxel lies 8 mm",
        ),
        (
            {"TransformMatrix": "-1 0 0 0 -1 0 0 0 1"},
            "stored along RAS, its partner along LPS), its first voxel",
        ),
        ({"ElementSpacing": "1 1 1"}, "its voxels have 1 x 1 x 1 mm, its partner's 1 x 1.5 x 2 mm"),
        ({"drop": ["ElementSpacing"]}, "its voxels have 1 x 1 x 1 mm, its partner's 1 x 1.5 x 2 mm"),
        ({"Offset": "3 -5 9"}, "its first voxel lies 1 mm from its partner's"),
    ],
)
def test_what_lies_elsewhere_is_refused_for_how_it_does(tmp_path, changes, cause):
    (tmp_path / "scan.mha").write_bytes(meta(**changes))
    (tmp_path / "plain.mha").write_bytes(meta())
    with pytest.raises(DataError) as caught:
        scored(tmp_path / "scan.mha", tmp_path / "plain.mha")
    assert cause in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"TransformMatrix": "-1 0 0 0 -1 0 0 0 1", "Offset": "9 2.5 8"},
        {"ElementSpacing": "1 1.5 -2", "Offset": "3 -5 16"},
    ],
    ids=["turned by the matrix", "turned by the spacing"],
)
def test_what_covers_the_same_place_is_scored_however_it_is_turned(tmp_path, changes):
    flip = (slice(None), slice(None, None, -1), slice(None, None, -1))
    if "ElementSpacing" in changes:
        flip = (slice(None, None, -1), slice(None), slice(None))
    (tmp_path / "scan.mha").write_bytes(meta(**changes, voxels=LABEL_KJI[flip].tobytes()))
    (tmp_path / "plain.mha").write_bytes(meta())
    rows = scored(tmp_path / "scan.mha", tmp_path / "plain.mha")
    assert {row.value for row in rows if row.metric == "dice"} == {1.0}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"DistanceUnits": "um"},
            "says DistanceUnits = 'um', which ITK does not heed; its lengths are taken as mm",
        ),
        ({"drop": ["ElementSpacing"]}, "says no ElementSpacing; its voxels are taken as 1 x 1 x 1 mm"),
    ],
)
def test_lengths_that_itk_takes_for_mm_are_taken_so_with_a_warning(tmp_path, changes, told, caplog, capsys):
    for name in ("one.mha", "two.mha"):
        (tmp_path / name).write_bytes(meta(**changes))
    scored(tmp_path / "one.mha", tmp_path / "two.mha")
    assert caplog.text.count(told) == 2
    assert not capsys.readouterr().out


# --- compressed voxels: where a stream breaks off, ITK gives arbitrary numbers and no error


def to_ras(label_kji):
    return label_kji.transpose(2, 1, 0)[::-1, ::-1]


STREAM = zlib.compress(LABEL_KJI.tobytes())


@pytest.mark.parametrize("stream", [STREAM, gzip.compress(LABEL_KJI.tobytes())], ids=["zlib", "gzip"])
def test_compressed_voxels_are_read_with_and_without_their_size(tmp_path, stream):
    (tmp_path / "plain.mha").write_bytes(meta())
    wanted = read_label(tmp_path / "plain.mha")[0]
    for said in ({}, {"CompressedDataSize": str(len(stream))}):
        (tmp_path / "a.mha").write_bytes(meta(voxels=stream, CompressedData="True", **said))
        assert np.array_equal(read_label(tmp_path / "a.mha")[0], wanted)


@pytest.mark.parametrize(("drop", "other"), [((), {}), (["BinaryDataByteOrderMSB"], {}), ((), {"x": "True"})])
@pytest.mark.parametrize("big", ["True", "False"])
def test_compressed_voxels_have_the_order_of_bytes_that_itk_finds(tmp_path, drop, other, big):
    stored = LABEL_KJI.astype(">u2" if big == "True" else "<u2").tobytes()
    order = {"ElementByteOrderMSB": other.get("x", big), "BinaryDataByteOrderMSB": big}
    order = {key: said for key, said in order.items() if key not in drop}
    plain, packed = tmp_path / "plain.mha", tmp_path / "packed.mha"
    for path, changes in ((plain, {"voxels": stored}), (packed, {"voxels": zlib.compress(stored)})):
        changes |= {"CompressedData": str(path == packed), "ElementType": "MET_USHORT"}
        if path == packed:  # without it ITK reads no more than a part of the voxels
            changes["CompressedDataSize"] = str(len(changes["voxels"]))
        path.write_bytes(meta(drop=drop, **changes, **order))
    assert fingerprint(plain) == fingerprint(packed)
    assert np.array_equal(read_label(packed)[0], to_ras(LABEL_KJI))


@pytest.mark.parametrize(
    ("stream", "changes"),
    [
        (STREAM[:-30], {}),
        (STREAM[:-2], {}),
        (STREAM[:-4] + b"0000", {}),
        (STREAM[:20] + b"0" * 20 + STREAM[40:], {}),
        (STREAM, {"CompressedDataSize": "5"}),
        (zlib.compress(LABEL_KJI.tobytes()[:-1]), {}),
        (LABEL_KJI.tobytes(), {}),
    ],
    ids=["cut", "no end", "checksum", "damaged", "size", "a voxel short", "not compressed"],
)
def test_compressed_voxels_that_break_off_are_refused(tmp_path, stream, changes):
    (tmp_path / "a.mha").write_bytes(meta(voxels=stream, CompressedData="True", **changes))
    with pytest.raises(DataError, match=r"a\.mha is truncated or damaged"):
        read_label(tmp_path / "a.mha")


# --- header and voxels apart


def apart(folder, name="scan.raw", voxels=None, **changes):
    (folder / "scan.mhd").write_bytes(meta(voxels=b"", ElementDataFile=name, **changes))
    (folder / name).write_bytes(LABEL_KJI.tobytes() if voxels is None else voxels)
    return folder / "scan.mhd"


@pytest.mark.parametrize("name", ["scan.raw", "my scan.raw", "12.raw", "größe.raw"])
def test_voxels_beside_their_header_are_read(tmp_path, name):
    (tmp_path / "plain.mha").write_bytes(meta())
    path = apart(tmp_path, name)
    assert np.array_equal(read_label(path)[0], read_label(tmp_path / "plain.mha")[0])
    assert fingerprint(path) == fingerprint(tmp_path / "plain.mha")


@pytest.mark.parametrize("packed", [True, False])
def test_what_itk_writes_as_mhd_is_read(tmp_path, packed):
    image = turned(DIRECTIONS["oblique"])
    SimpleITK.WriteImage(image, str(tmp_path / "scan.mhd"), useCompression=packed)
    SimpleITK.WriteImage(image, str(tmp_path / "scan.mha"))
    assert fingerprint(tmp_path / "scan.mhd") == fingerprint(tmp_path / "scan.mha")


ELSEWHERE = [
    "/etc/passwd",
    "../secret.raw",
    "a/secret.raw",
    "LIST",
    "list 2",
    "%03d.raw 0 3 1",
    "..",
    "a\\b.raw",
    "scan.mhd",
]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_header_that_points_elsewhere_is_refused(tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.raw").write_bytes(LABEL_KJI.tobytes())
    (folder / "scan.mhd").write_bytes(meta(voxels=b"", ElementDataFile=name))
    with pytest.raises(DataError, match="expected LOCAL or the name of one file in the same folder"):
        read_label(folder / "scan.mhd")


def test_voxels_that_are_missing_short_or_no_file_are_refused_by_their_name(tmp_path):
    path = apart(tmp_path, voxels=LABEL_KJI.tobytes()[:-1])
    with pytest.raises(DataError, match=r"scan\.raw promises"):
        read_label(path)
    (tmp_path / "scan.raw").unlink()
    with pytest.raises(DataError, match=r"scan\.raw does not exist: the voxels that .*scan\.mhd names"):
        read_label(path)
    os.mkfifo(tmp_path / "scan.raw")
    with pytest.raises(DataError, match=r"scan\.raw is a pipe"):
        read_label(path)


def test_a_mha_has_its_voxels_in_itself(tmp_path):
    (tmp_path / "scan.raw").write_bytes(LABEL_KJI.tobytes())
    (tmp_path / "scan.mha").write_bytes(meta(voxels=b"", ElementDataFile="scan.raw"))
    with pytest.raises(DataError, match=r"is named \.mhd"):
        read_label(tmp_path / "scan.mha")


def test_a_fingerprint_that_is_known_is_taken_again_where_voxels_beside_the_header_change(tmp_path):
    path, kept = apart(tmp_path), tmp_path / "prints.json"
    prints = Fingerprints(kept)
    before = prints.of(path)
    prints.save()
    assert Fingerprints(kept).of(path) == before
    (tmp_path / "scan.raw").write_bytes(LABEL_KJI[::-1].tobytes())
    assert Fingerprints(kept).of(path) != before
