"""Files that promise gigabytes, are no files, or point at others: refused at once, in little memory."""

import gzip
import os
import resource
import struct
import time
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path

import nibabel
import numpy as np
import pytest

from bench.data.images import header_checks
from bench.data.images.metaimage import open_metaimage
from bench.data.images.volumes import fingerprint, read_grid, read_image, read_label
from bench.errors import DataError
from bench.files import limits

SHAPE = (4, 4, 4)
VOXELS = np.arange(64, dtype=np.float32).reshape(SHAPE)
READERS = (read_grid, lambda path: read_image([path]), read_label, fingerprint)
MEMORY = 256 * 2**20  # bytes that a process may take for a hostile file at most
SECONDS = 5.0


def sound(kind=nibabel.Nifti1Image, voxels=VOXELS):
    return bytearray(kind(voxels, np.eye(4)).to_bytes())


def header_with(**fields):
    """A sound file whose header says these instead."""
    raw = sound()
    header = np.frombuffer(bytes(raw[:348]), nibabel.Nifti1Header.template_dtype).copy()
    for field, value in fields.items():
        header[field] = value
    return header.tobytes() + bytes(raw[348:])


def of_shape(*shape):
    return [len(shape), *shape, *[1] * (7 - len(shape))]


def bomb(raw, gibibytes):
    """The bytes, and behind them zeros without end, packed to a thousandth."""
    zeros = gzip.compress(bytes(2**26), mtime=0)
    return gzip.compress(raw, mtime=0) + zeros * (16 * gibibytes)  # streams behind one another are one


@contextmanager
def bounded():
    """What takes more than ``MEMORY`` beyond what the process has ends in MemoryError; what hangs is told."""
    start, before = time.monotonic(), resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.monotonic() - start < SECONDS


def refuse(path, *words):
    """All readers refuse the file quickly, in little memory, in a sentence that holds the words."""
    for reader in READERS:
        with bounded(), pytest.raises(DataError) as caught:
            reader(path)
        assert all(word in str(caught.value) for word in (path.name, *words)), caught.value


HEADERS = {
    "2 GiB in a file of 608 bytes": ({"dim": of_shape(1000, 1000, 537)}, "promises"),
    "voxels that no machine holds": ({"dim": of_shape(32767, 32767, 32767)}, "voxels"),
    "seven axes": ({"dim": [7] + [32767] * 7}, "axes"),
    "no voxels": ({"dim": of_shape(0, 4, 4)}, "axes"),
    "a negative axis": ({"dim": of_shape(-4, 4, 4)}, "axes"),
    "voxels far behind the end": ({"vox_offset": 1e30}, "begin"),
    "voxels behind the end": ({"vox_offset": 1e6}, "promises"),
    "voxels before the beginning": ({"vox_offset": -1e9}, ""),
    "voxels in the header": ({"vox_offset": 0}, "inside its header"),
    "voxels at no number": ({"vox_offset": np.nan}, ""),
    "an infinite slope": ({"scl_slope": np.inf}, "finite"),
    "an intercept that is no number": ({"scl_slope": 1, "scl_inter": np.nan}, ""),
    "an affine of NaN": ({"sform_code": 1, "srow_x": np.nan}, "affine"),
    "an affine of infinity": ({"sform_code": 1, "srow_y": np.inf}, "affine"),
    "pixdim of NaN": ({"sform_code": 0, "qform_code": 0, "pixdim": np.nan}, "affine"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("how", HEADERS)
def test_a_header_that_cannot_be_is_refused_before_anything_is_allocated(tmp_path, how, packed, tried):
    fields, word = HEADERS[how]
    path = tmp_path / ("scan.nii.gz" if packed else "scan.nii")
    raw = header_with(**fields)
    path.write_bytes(gzip.compress(raw) if packed else raw)
    refuse(path, word)
    tried("header that promises what cannot be")


def test_nan_as_slope_says_that_there_is_none(tmp_path):
    (tmp_path / "scan.nii").write_bytes(header_with(scl_slope=np.nan, scl_inter=np.nan))
    assert np.array_equal(read_image([tmp_path / "scan.nii"]).image_cijk[0], VOXELS)


def test_a_header_of_64_bits_cannot_overflow_what_counts_the_voxels(tmp_path, tried):
    raw = sound(nibabel.Nifti2Image)
    for sizes in ((2**62, 2**62, 2**62), (2**32, 2**32, 1), (2**63 - 1, 1, 1)):
        raw[16:48] = struct.pack("<4q", 3, *sizes)
        (tmp_path / "scan.nii").write_bytes(raw)
        refuse(tmp_path / "scan.nii", "voxels")
    tried("header that promises what cannot be", 3)


def test_a_promise_that_a_deflate_stream_could_keep_and_memory_could_not_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(header_checks, "free_memory", lambda: 300)
    (tmp_path / "scan.nii").write_bytes(sound())
    refuse(tmp_path / "scan.nii", "300 left")


def test_where_a_machine_does_not_say_its_memory_nothing_is_refused_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "ROOT", tmp_path)
    assert header_checks.free_memory() is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("Mem: 5\n")
    assert header_checks.free_memory() is None


def test_gigabytes_behind_the_voxels_are_never_unpacked(tmp_path, tried):
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(bomb(header_with(), 2))
    assert path.stat().st_size < 3 * 2**20
    with bounded():
        assert np.array_equal(read_image([path]).image_cijk[0], VOXELS)
        assert fingerprint(path)
    tried("decompression bomb")


@pytest.mark.parametrize("offset", [2e9, 2**26 + 16])
def test_gigabytes_before_the_voxels_are_never_unpacked(tmp_path, offset, tried):
    (tmp_path / "bomb.nii.gz").write_bytes(bomb(header_with(vox_offset=offset), 2))
    refuse(tmp_path / "bomb.nii.gz", "begin")
    tried("decompression bomb")


def test_an_extension_of_gigabytes_is_never_unpacked(tmp_path, tried):
    raw = header_with()[:348] + bytes([1, 0, 0, 0]) + struct.pack("<ii", 2**31 - 16, 6)
    (tmp_path / "bomb.nii.gz").write_bytes(bomb(raw, 1))
    with bounded():
        read_grid(tmp_path / "bomb.nii.gz")
    tried("decompression bomb")


def test_a_packed_file_is_held_to_its_checksum(tmp_path, tried):
    raw = bytearray(gzip.compress(bytes(sound()), compresslevel=0))
    raw[-100] ^= 1
    (tmp_path / "scan.nii.gz").write_bytes(raw)
    with pytest.raises(DataError, match="CRC"):
        read_image([tmp_path / "scan.nii.gz"])
    tried("bit flipped in the voxels of a .nii.gz")


def test_a_file_that_is_cut_while_it_is_read_ends_in_a_sentence(tmp_path, tried):
    """A memory map of it would end the process with SIGBUS."""
    from bench.data.images.volumes import open_stored

    path = tmp_path / "scan.nii"
    path.write_bytes(sound(voxels=np.ones((64, 64, 64), np.float32)))
    stored = open_stored(path)
    os.truncate(path, 5000)
    with pytest.raises(DataError, match=r"scan\.nii is truncated"):
        stored.voxels()
    tried("file cut between header and voxels")


# --- what is no file


def a_pipe(path):
    os.mkfifo(path)


def a_socket(path):
    import socket

    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
    os.chdir(here)


NO_FILES = {
    "a pipe": (a_pipe, "pipe"),
    "a socket": (a_socket, "socket"),
    "a folder": (Path.mkdir, "folder"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "device"),
    "a link to itself": (lambda path: path.symlink_to(path), ""),
    "a link to nothing": (lambda path: path.symlink_to("none"), "does not exist"),
    "a link to a pipe": (lambda path: (os.mkfifo(path.parent / "p"), path.symlink_to("p")), "pipe"),
}


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mha", "scan.hdr"])
@pytest.mark.parametrize("how", NO_FILES)
def test_what_is_no_file_is_refused_and_nothing_hangs(tmp_path, how, name, tried):
    make, word = NO_FILES[how]
    make(tmp_path / name)
    refuse(tmp_path / name, word)
    tried("pipe, device, folder or broken link in place of a scan")


def test_both_files_of_a_pair_are_read_and_looked_at(tmp_path, tried):
    nibabel.save(nibabel.Nifti1Pair(VOXELS, np.eye(4)), tmp_path / "scan.img")
    for name in ("scan.hdr", "scan.img"):
        assert np.array_equal(read_image([tmp_path / name]).image_cijk[0], VOXELS)
    (tmp_path / "scan.img").write_bytes(bytes(100))
    for name in ("scan.hdr", "scan.img"):
        refuse(tmp_path / name, "promises")
    (tmp_path / "scan.img").unlink()
    os.mkfifo(tmp_path / "scan.img")
    for reader in READERS:
        with pytest.raises(DataError, match=r"scan\.img is a pipe"):
            reader(tmp_path / "scan.hdr")
    tried("NIfTI pair of which one file is damaged", 2)


@pytest.mark.parametrize("name", ["x" * 300 + ".nii", "a\0b.nii", "\ud800.nii", "d/" * 3000 + "x.nii"])
def test_a_name_that_no_file_can_bear_is_refused(tmp_path, name):
    for reader in READERS:
        with pytest.raises(DataError):
            reader(tmp_path / name)


@pytest.mark.parametrize("name", ["scan.mgz", "scan.gii", "scan.nii.bz2", "scan", "scan.nrrd"])
def test_files_of_other_formats_are_refused_by_name(tmp_path, name):
    (tmp_path / name).write_bytes(sound())
    refuse(tmp_path / name, ".nii.gz")


# --- MetaImage


def metaimage(*, drop="", **changes):
    said = {
        "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "0 0 0",
        "ElementSpacing": "1 1 1", "DimSize": "4 4 4", "ElementType": "MET_FLOAT", **changes,
        "ElementDataFile": changes.get("ElementDataFile", "LOCAL"),
    }  # fmt: skip
    lines = "".join(f"{key} = {value}\n" for key, value in said.items() if key != drop)
    return lines.encode() + VOXELS.tobytes()


METAIMAGES = {
    "another file": {"ElementDataFile": "/etc/passwd"},
    "a file above": {"ElementDataFile": "../secret.raw"},
    "a list of files": {"ElementDataFile": "LIST"},
    "a pattern of files": {"ElementDataFile": "%03d.raw 0 3 1"},
    "more than the file has": {"DimSize": "4 4 5"},
    "terabytes": {"DimSize": "99999 99999 99"},
    "sizes of twenty digits": {"DimSize": "99999999999999999999 1 1"},
    "a negative size": {"DimSize": "-4 4 4"},
    "terabytes, packed": {"DimSize": "9999 9999 9", "CompressedData": "True"},
    "a packed size of its own": {"CompressedData": "True", "CompressedDataSize": "999999999999"},
    "a header of its own size": {"HeaderSize": "-1"},
    "many axes": {"NDims": "11", "DimSize": "1 " * 11},
    "many numbers a voxel": {"ElementNumberOfChannels": "1000000"},
    "a spacing of NaN": {"ElementSpacing": "nan 1 1"},
    "an offset of infinity": {"Offset": "inf 0 0"},
    "a matrix of two axes": {"TransformMatrix": "1 0 0 1"},
    "an unknown type": {"ElementType": "MET_STRING"},
    "a very long line": {"Comment": "x" * 5000},
    "a colon for an equals sign": {"A: b\nElementDataFile: /etc/passwd\nC": "d"},
    "text for numbers": {"BinaryData": "False"},
}


def test_the_metaimage_that_is_changed_here_is_sound(tmp_path):
    (tmp_path / "scan.mha").write_bytes(metaimage())
    stored = open_metaimage(tmp_path / "scan.mha")
    assert np.array_equal(stored.voxels().T, VOXELS)
    assert np.array_equal(stored.affine, np.diag([-1, -1, 1, 1]))


@pytest.mark.parametrize("how", METAIMAGES)
def test_a_metaimage_that_points_elsewhere_or_promises_too_much_is_refused(tmp_path, how, tried):
    (tmp_path / "secret.raw").write_bytes(VOXELS.tobytes())
    (tmp_path / "scan.mha").write_bytes(metaimage(**METAIMAGES[how]))
    refuse(tmp_path / "scan.mha")
    tried("hostile MetaImage header")


def test_a_packed_metaimage_is_unpacked_no_further_than_it_promises(tmp_path, tried):
    head = metaimage(CompressedData="True").removesuffix(VOXELS.tobytes())
    (tmp_path / "bomb.mha").write_bytes(head + zlib.compress(VOXELS.tobytes() + bytes(2**29), 9))
    for reader in READERS:
        with bounded(), suppress(DataError):  # ITK may stop where enough is there, or refuse what follows
            reader(tmp_path / "bomb.mha")
    tried("decompression bomb")
