"""A phantom has the same fingerprint whatever instructions numpy and its BLAS take."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
from pathlib import Path
from bench.data.sources import phantom_heart, phantom_tumour
from bench.data.images.volumes import fingerprint, write_scan
out = Path(sys.argv[1])
MADE = {"heart": phantom_heart.HEART, "v1": phantom_heart.HEART_V1, "tumour": phantom_tumour.TUMOUR}
for name, made in MADE.items():
    for seed in (2, 1000):
        patient = made.patient(seed, made.shapes["smoke"])
        for kind, voxels in (("image", patient.image_cijk[0]), ("label", patient.label_ijk)):
            path = out / f"{name}-{seed}-{kind}.nii.gz"
            write_scan(voxels, patient.affine, path)
            print(path.name, fingerprint(path))
"""
SURROUNDINGS = (
    {"OPENBLAS_CORETYPE": "Haswell"},
    {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL"},
    {"OPENBLAS_CORETYPE": "SkylakeX", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
)


def fingerprints(folder, surroundings):
    folder.mkdir()
    plain = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(folder)],
        env=plain | surroundings,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="the names of kernels are those of Linux wheels")
def test_a_phantom_has_the_same_fingerprint_under_other_instructions(tmp_path):
    here = fingerprints(tmp_path / "here", {})
    assert len(set(here)) == 12
    for number, surroundings in enumerate(SURROUNDINGS):
        assert fingerprints(tmp_path / str(number), surroundings) == here, surroundings
