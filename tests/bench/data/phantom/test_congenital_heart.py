"""Version 2 of the heart phantom: deterministic, of many forms at stated rates, with sane labels."""

import hashlib
from collections import Counter
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from bench.data.phantom import FORMS, VERSION, Phantom, congenital_heart, heart, variants_of
from bench.data.phantom.chambers import chambers
from bench.data.phantom.exposure import levels

QUICK = (80, 64, 56)
SMALL = (32, 28, 24)
SEEDS = tuple(range(1000, 1012))
GOLDEN = {2: "31bfacbc048a360dd7026c6f0fa033918e5278e947630ebfc71a0678c017d5c3"}


@cache
def patient(seed: int) -> Phantom:
    return heart(seed, QUICK)


def test_the_same_seed_is_the_same_patient_to_the_last_bit():
    one, other = heart(1000, SMALL), heart(1000, SMALL)
    assert np.array_equal(one.image_cijk, other.image_cijk)
    assert np.array_equal(one.label_ijk, other.label_ijk)
    assert np.array_equal(one.affine, other.affine)


def test_the_quantised_arrays_are_those_of_every_other_machine():
    phantom = heart(1000, SMALL)
    image = phantom.image_cijk.astype("<i2").tobytes()
    assert hashlib.sha256(image + phantom.label_ijk.tobytes()).hexdigest() == GOLDEN[VERSION]


@pytest.mark.parametrize("first", [0, 10, 1000, 1230, 123_450])
def test_each_form_occurs_at_its_stated_rate_among_ten_patients(first):
    ten = [variants_of(seed) for seed in range(first, first + 10)]
    for part, forms in FORMS.items():
        assert sum(forms.values()) == 10
        assert Counter(has[part] for has in ten) == forms


def test_every_place_among_ten_has_each_form_at_its_rate():
    for place in range(10):
        seen = Counter(variants_of(1000 + 10 * block + place)["sequence"] for block in range(200))
        for form, count in FORMS["sequence"].items():
            assert abs(seen[form] - 20 * count) < 4 * np.sqrt(200 * 0.1 * count * (1 - 0.1 * count)), form


def test_parts_vary_independently_so_that_few_patients_share_their_forms():
    drawn = [variants_of(seed) for seed in range(1000, 2000)]
    assert len({tuple(has.values()) for has in drawn}) > 980
    both = np.mean([has["arteries"] != "normal" and has["ventricles"] != "balanced" for has in drawn])
    assert both == pytest.approx(0.4 * 0.5, abs=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_structures_are_there_and_most_of_each_is_one_piece(seed):
    for structure, least in ((1, 0.85), (2, 0.85)):
        inside = patient(seed).label_ijk == structure
        assert 0.008 < inside.mean() < 0.4
        pieces, _ = ndimage.label(inside, np.ones((3, 3, 3)))
        sizes = np.bincount(pieces.ravel())[1:]
        assert sizes.max() > least * sizes.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_myocardium_lies_against_blood(seed):
    label = patient(seed).label_ijk
    distance = ndimage.distance_transform_edt(label != 2)[label == 1]
    assert np.median(distance) < 8
    assert (distance < 1.5).mean() > 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_myocardium_surrounds_most_of_the_left_ventricle(seed, monkeypatch):
    built = []
    monkeypatch.setattr(
        congenital_heart, "chambers", lambda *words: built.append(chambers(*words)) or built[0]
    )
    label = heart(seed, QUICK).label_ijk
    around = ndimage.binary_dilation(built[0].pools[0] < 0, iterations=2) & (label != 2)
    assert (label[around] == 1).mean() > 0.7


@pytest.mark.parametrize("seed", SEEDS)
def test_blood_is_brighter_than_myocardium(seed):
    image, label = patient(seed).image_cijk[0], patient(seed).label_ijk
    assert np.median(image[label == 2]) > 1.1 * np.median(image[label == 1])


def of_form(monkeypatch: pytest.MonkeyPatch, **forms: str) -> Phantom:
    """The patient of one seed with these forms, and the common one of every other part."""
    usual = {part: next(iter(known)) for part, known in FORMS.items()}
    monkeypatch.setattr(congenital_heart, "variants_of", lambda _seed: usual | forms)
    return heart(1003, SMALL)


@pytest.mark.parametrize("part", FORMS)
def test_each_form_changes_the_image(part, monkeypatch):
    seen = {of_form(monkeypatch, **{part: form}).image_cijk.tobytes() for form in FORMS[part]}
    assert len(seen) == len(FORMS[part])


def test_the_forms_of_the_walls_are_seen_in_the_labels(monkeypatch):
    muscle = {form: (of_form(monkeypatch, walls=form).label_ijk == 1).sum() for form in FORMS["walls"]}
    for form in ("thick_left", "thick_septum", "thick_right"):
        assert muscle[form] > 1.1 * muscle["usual"], form
    assert muscle["thin"] < 0.9 * muscle["usual"]


def test_a_common_ventricle_has_blood_where_others_have_a_septum(monkeypatch):
    usual = of_form(monkeypatch).label_ijk
    common = of_form(monkeypatch, ventricles="common").label_ijk
    assert ((usual == 1) & (common == 2)).sum() > 0.05 * (usual == 1).sum()


def test_a_tighter_field_of_view_shows_a_larger_heart(monkeypatch):
    tight, wide = ((of_form(monkeypatch, field=form).label_ijk > 0).mean() for form in ("tight", "wide"))
    assert tight > 1.5 * wide


def test_dextrocardia_and_situs_inversus_have_the_apex_on_the_right(monkeypatch):
    def side(position: str) -> float:
        phantom = of_form(monkeypatch, position=position)
        muscle, blood = (np.argwhere(phantom.label_ijk == label).mean(axis=0) for label in (1, 2))
        return float((phantom.affine[:3, :3] @ (muscle - blood))[0])

    assert side("levocardia") < 0 < min(side("dextrocardia"), side("situs_inversus"))


@pytest.mark.parametrize(
    ("sequence", "darker", "brighter"),
    [("fat_suppressed", 0.2, 0.34), ("balanced", 0.5, 0.7), ("fat_bright", 0.7, 0.9)],
)
def test_sequences_differ_in_how_bright_fat_is(sequence, darker, brighter):
    fat = levels(sequence, np.random.default_rng(0)).fat
    assert darker < fat < brighter


@pytest.mark.parametrize("shape", [(23, 64, 64), (64, 64)])
def test_a_shape_too_small_is_refused_in_a_sentence(shape):
    with pytest.raises(ValueError, match="three axes of at least 24"):
        heart(1000, shape)
