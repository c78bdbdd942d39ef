from __future__ import annotations

import pandas as pd
import pytest

from reports.figures.curves import five_label_curve, xi_curve
from reports.figures.spread import spread
from reports.inputs.images import MissingExhibitError


def lines(axes, **wanted):
    return [
        line
        for line in axes.lines
        if all(getattr(line, f"get_{name}")() == value for name, value in wanted.items())
    ]


def test_the_figure_shows_overall_score_and_dice_of_every_method(sweep):
    figure = xi_curve(sweep)
    top, bottom = figure.axes
    assert "overall" in top.get_ylabel()
    assert "Dice" in bottom.get_ylabel()
    assert "higher is better" in bottom.get_ylabel()
    assert lines(bottom, marker="o")[0].get_ydata().tolist() == pytest.approx([0.66, 0.76])
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {
        "tsman", "densevoxnet", "lowest to highest seed", "fully supervised",
    }  # fmt: skip


def test_one_seed_has_no_band_and_no_reference_no_dashes(scored):
    figure = xi_curve(pd.concat([scored(0.5, xi="0.1"), scored(0.6, xi="0.2")]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["tsman"]


def test_a_failed_share_is_a_cross_and_a_gap(scored, failed):
    top = xi_curve(pd.concat([scored(0.5, xi="0.1"), failed(xi="0.2")])).axes[0]
    assert lines(top, marker="x")[0].get_xdata().tolist() == [0.2]


def test_an_empty_prediction_does_not_flatten_the_others(scored):
    empty = scored(0.0, 120, 120, method="none", status="empty_prediction")
    top = xi_curve(pd.concat([scored(0.5), scored(0.6, xi="0.4"), empty])).axes[0]
    assert top.get_ylim()[0] > 0
    assert any(len(line.get_xdata()) for line in lines(top, marker="v"))


def test_each_data_set_has_its_own_column(scored):
    assert len(xi_curve(pd.concat([scored(0.5, dataset="w"), scored(0.5, dataset="x")])).axes) == 4


def test_without_students_the_figure_says_so(scored):
    figure = xi_curve(scored(0.5, role="pseudo", variant="hd"))
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["no result", "no result"]


def test_dollars_in_a_name_are_no_mathematics(scored):
    figure = xi_curve(scored(0.5, method=r"$\frac{$", dataset="$x_$"))
    figure.draw_without_rendering()


@pytest.fixture(scope="module")
def tumours(scored):
    """Dice of the background 1.0 and of four structures 0.5, falling with ξ; and a supervised network."""
    parts = []
    for structure, dice in (
        ("background", 1.0),
        ("necrosis", 0.5),
        ("oedema", 0.5),
        ("core", 0.5),
        ("rim", 0.5),
    ):
        for seed, lift in (("0", 0.0), ("1", 0.1)):
            for method, xi, role in (
                ("tsman", "0.1", "student"),
                ("tsman", "0.9", "student"),
                ("unet", "1.0", "supervised"),
            ):
                where = {"structure": structure, "method": method, "xi": xi, "role": role, "seed": seed}
                parts.append(scored(dice - lift, **where).iloc[:1])
    return pd.concat(parts, ignore_index=True)


def test_figure_7_counts_the_background_among_the_five_labels(tumours):
    (axes,) = five_label_curve(tumours).axes
    assert "5 labels, background included" in axes.get_ylabel()
    assert lines(axes, marker="o")[0].get_xdata().tolist() == [0.1, 0.9]
    assert lines(axes, marker="o")[0].get_ydata().tolist() == pytest.approx([0.55, 0.55])  # 0.6 and 0.5


def test_figure_7_shows_a_method_that_was_only_supervised_as_a_dashed_line(tumours):
    figure = five_label_curve(tumours)
    assert [line.get_ydata()[0] for line in lines(figure.axes[0], marker="None")] == pytest.approx([0.55])
    handles = {text.get_text(): line for text, line in zip(
        figure.legends[0].get_texts(), figure.legends[0].get_lines(), strict=False
    )}  # fmt: skip
    assert handles["unet"].get_marker() == "None"
    assert handles["tsman"].get_marker() == "o"


def test_figure_7_says_that_the_background_was_not_scored(tumours):
    figure = five_label_curve(tumours[tumours["structure"] != "background"])
    assert "4 structures, without background" in figure.axes[0].get_ylabel()


def test_figure_7_has_no_mean_where_a_label_is_missing(tumours):
    gone = (tumours["structure"] == "background") & (tumours["xi"] == "0.1")
    axes = five_label_curve(tumours[~gone]).axes[0]
    assert lines(axes, marker="x")[0].get_xdata().tolist() == [0.1]


def test_figures_without_records_of_students_say_so(scored):
    axes = five_label_curve(scored(0.5, role="pseudo", variant="hd")).axes[0]
    assert axes.texts[0].get_text() == "no result"


def points_of(axes):
    """The height of every point that stands for a case."""
    return sorted(
        float(y)
        for swarm in axes.collections
        for y in swarm.get_offsets().data[:, 1]
        if len(swarm.get_offsets())
    )


def test_every_case_of_the_largest_share_is_a_point(scored):
    low, high = [scored(value, xi="0.9", case=case) for value, case in ((0.5, "a"), (0.75, "b"))]
    elsewhere = scored(0.1, xi="0.3", case="a"), scored(0.1, xi="0.3", case="b")
    figure = spread(pd.concat([low, high, *elsewhere]))
    dice = figure.axes[1]
    assert points_of(dice) == pytest.approx([0.5, 0.75])


def test_cases_without_a_student_are_not_drawn(scored):
    with pytest.raises(MissingExhibitError, match="no student was scored"):
        spread(scored(0.5, role="supervised", xi="1.0"))
