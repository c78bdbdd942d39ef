"""Figures 3 and 5 show what the scan holds, the right way up."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from reports.figures.disagreement import disagreement
from reports.figures.sections import sections
from reports.figures.slices import YELLOW, Section, colours, densest
from reports.inputs.images import Exhibits, MissingExhibitError

HEART = {"heart"}


def pictures(figure):
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes]


def is_coloured(picture):
    """Where a picture is not grey."""
    return np.ptp(picture, axis=-1) > 0.02


def test_the_patients_right_is_on_the_left_and_the_front_above():
    volume = np.zeros((4, 5, 6))
    volume[3, 4, 2] = 1  # right, anterior
    assert np.argwhere(Section("axial", 2).of(volume)).tolist() == [[0, 0]]
    volume[:] = 0
    volume[3, 1, 5] = 1  # right, superior
    assert np.argwhere(Section("coronal", 1).of(volume)).tolist() == [[0, 0]]
    volume[:] = 0
    volume[2, 4, 5] = 1  # anterior, superior
    assert np.argwhere(Section("sagittal", 2).of(volume)).tolist() == [[0, 0]]


def test_a_voxel_is_drawn_as_high_as_it_is(scan):
    long = scan(spacing_mm=(1.0, 2.0, 5.0))
    assert [Section(plane, 0).aspect(long) for plane in ("axial", "coronal", "sagittal")] == [2.0, 5.0, 2.5]
    assert sections(Exhibits((long,)), HEART).axes[0].get_aspect() == 2.0


def test_the_slice_is_the_one_with_most_and_the_first_of_equals():
    marked = np.zeros((4, 4, 6))
    marked[0, :3, 4] = marked[1:, 0, 2] = 1
    assert densest("axial", marked) == Section("axial", 2)


def test_figure_3_is_black_where_the_streams_disagree_and_wider_after_smoothing(scan):
    heart = scan()
    figure = disagreement(Exhibits((heart,)), HEART)
    _, black, smoothed = pictures(figure)
    section = densest("axial", heart.layers["disagreement"])
    assert ((black == 0) == (section.of(heart.layers["disagreement"]) == 1)).all()
    assert ((smoothed < 0.99) & (black == 1)).any()
    assert "phantom-07" in figure.get_suptitle()
    assert str(section) in figure.get_suptitle()


def test_figure_5_has_five_pictures_of_an_axial_and_of_a_coronal_slice(scan):
    figure = sections(Exhibits((scan(),)), HEART)
    assert [axes.get_title(loc="left")[:3] for axes in figure.axes[:5]] == ["(a)", "(b)", "(c)", "(d)", "(e)"]
    assert "axial" in figure.axes[0].get_ylabel()
    assert "coronal" in figure.axes[5].get_ylabel()
    heading = figure.get_suptitle()
    assert all(
        word in heading for word in ("phantom-07", "ξ = 0.5", "teacher A, trained on manual labels alone")
    )


def test_figure_5_colours_the_wrong_labels_alone_where_nothing_is_weakened(scan):
    heart = scan()
    kept = {**heart.layers, "f3": np.ones_like(heart.layers["f3"])}
    heart = scan(layers=kept)
    wrong = (heart.layers["label"] != heart.layers["truth"]) | (
        heart.layers["before"] != heart.layers["truth"]
    )
    section = densest("axial", wrong)
    drawn = is_coloured(pictures(sections(Exhibits((heart,)), HEART))[1])
    assert (drawn == section.of(heart.layers["label"] != heart.layers["truth"])).all()


def test_figure_5_is_the_more_yellow_the_smaller_the_weight(scan):
    heart = scan()
    yellow = []
    for weight in (1.0, 0.5, 0.0):
        changed = {**heart.layers, "f4": np.full_like(heart.layers["f4"], weight)}
        picture = pictures(sections(Exhibits((scan(layers=changed),)), HEART))[2]
        yellow.append(np.abs(picture - to_rgb(YELLOW)).sum(axis=-1).mean())
    assert yellow == sorted(yellow, reverse=True)
    assert yellow[0] > yellow[2]


def test_figure_5_marks_incorrect_voxels_yellow_and_counts_them(scan):
    heart = scan()
    truth = heart.layers["truth"]
    figure = sections(Exhibits((scan(layers={**heart.layers, "after": truth}),)), HEART)
    count = int((heart.layers["before"] != truth).sum())
    assert figure.axes[8].get_xlabel() == f"{count:,} voxels incorrect"
    assert figure.axes[9].get_xlabel() == "0 voxels incorrect"
    true_labels, *_, after = pictures(figure)[:5]
    assert (true_labels == after).all()


def test_the_myocardium_is_red_and_the_blood_pool_green_whatever_their_order():
    wall, pool = colours(("myocardium", "blood_pool"))
    assert np.round(to_rgb(wall)).tolist() == [1, 0, 0]
    assert np.round(to_rgb(pool)).tolist() == [0, 1, 0]
    assert colours(("blood_pool", "myocardium")) == [pool, wall]
    assert len(set(colours(("a", "b", "c", "d")))) == 4


def test_only_a_withheld_scan_of_the_data_set_with_all_layers_is_drawn(scan):
    heart = scan()
    poor = scan(
        case="poor", layers={name: heart.layers[name] for name in ("truth", "f3", "disagreement", "f4")}
    )
    exhibits = Exhibits((scan(part="test", case="seen"), scan(dataset="brain", case="brain"), poor, heart))
    assert "phantom-07" in sections(exhibits, HEART).get_suptitle()
    with pytest.raises(
        MissingExhibitError, match=r"case poor lacks after, before, label.*--experiment figure5"
    ):
        sections(Exhibits((poor,)), HEART)
    with pytest.raises(
        MissingExhibitError, match=r"no scan of a withheld case of heart;.*--experiment figure3"
    ):
        disagreement(Exhibits((scan(part="test"),)), HEART)


def test_a_scan_without_disagreement_and_without_errors_is_drawn(scan):
    heart = scan()
    truth = heart.layers["truth"]
    same = dict.fromkeys(("truth", "label", "before", "after"), truth)
    none = dict.fromkeys(("disagreement", "f3", "f4"), np.zeros(truth.shape, np.float32))
    flat = scan(layers={**same, **none}, image_ijk=np.zeros(truth.shape, np.float32))
    disagreement(Exhibits((flat,)), HEART).draw_without_rendering()
    figure = sections(Exhibits((flat,)), HEART)
    figure.draw_without_rendering()
    assert "weight of wrong labels none" in figure.axes[6].get_xlabel()


def test_dollars_in_the_words_of_a_scan_are_no_mathematics(scan):
    hostile = scan(case=r"$\frac{$", before=r"$\sqrt{$", structures=(r"$\a{$", "b"))
    sections(Exhibits((hostile,)), HEART).draw_without_rendering()
