"""What several tests of bench share: the published layouts of data sets, and the command line in this process."""

import gzip
import subprocess
import sys

import nibabel
import numpy as np
import pytest

from bench.cli.main import main

SHAPE = (32, 28, 24)
ORIENTATIONS = ("PIR", "RAS", "LPS", "ASL", "IRP")


def oriented(voxels, affine, axes):
    """The same scan with its axes stored in another order and direction."""
    image = nibabel.Nifti1Image(voxels, affine)
    now = nibabel.io_orientation(affine)
    wanted = nibabel.orientations.axcodes2ornt(axes)
    return image.as_reoriented(nibabel.orientations.ornt_transform(now, wanted))


@pytest.fixture(scope="session")
def heart_scans():
    """Ten phantoms: image and label, each stored in an orientation of its own."""
    from bench.data.phantom import heart_v1

    made = []
    for number in range(10):
        phantom = heart_v1(1000 + number, SHAPE)
        axes = ORIENTATIONS[number % len(ORIENTATIONS)]
        image = oriented(phantom.image_cijk[0], phantom.affine, axes)
        made.append((image, oriented(phantom.label_ijk.astype(np.uint16), phantom.affine, axes)))
    return made


@pytest.fixture(scope="session")
def hvsmr_folder(heart_scans):
    """A function that writes HVSMR 2016: the test scans 10 to 19 are the training scans 0 to 9 once more."""

    def write(folder, variant="axial_crop", *, nested=True, testing=True):
        places = ("Training dataset", "Ground truth", "Test dataset") if nested else (".", ".", ".")
        images, labels, tests = (folder / variant / place if nested else folder for place in places)
        for place in (images, labels, tests):
            place.mkdir(parents=True, exist_ok=True)
        for number, (image, label) in enumerate(heart_scans):
            ending = "nii.gz" if number % 2 else "nii"  # some have unpacked theirs
            nibabel.save(image, images / f"training_{variant}_pat{number}.{ending}")
            nibabel.save(label, labels / f"training_{variant}_pat{number}-label.nii.gz")
            if testing:
                nibabel.save(image, tests / f"testing_{variant}_pat{10 + number}.{ending}")
        return folder

    return write


@pytest.fixture(scope="session")
def hvsmr(tmp_path_factory, hvsmr_folder):
    """HVSMR 2016 in its folders with other people's files between; to read, never to change."""
    folder = hvsmr_folder(tmp_path_factory.mktemp("hvsmr") / "HVSMR2016")
    (folder / "axial_crop" / "Ground truth" / "._training_axial_crop_pat0-label.nii.gz").write_bytes(b"junk")
    (folder / "README.txt").write_text("licence")
    with gzip.open(folder / "testing_axial_crop_pat10-label.nii.gz", "wb") as file:
        file.write(b"a prediction that lies about")
    return folder


@pytest.fixture
def here(monkeypatch, capsys, tmp_path):
    """``bench`` in this process, from an empty folder: the same answer without a new Python each time."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, ended.value.code, said.out, said.err)

    return run
