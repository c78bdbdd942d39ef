from __future__ import annotations

import pandas as pd
import pytest

from reports.figures.curves import xi_curve


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
    figure = xi_curve(scored(0.5, role="pseudo", variant="hd", split="train"))
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["no result", "no result"]


def test_dollars_in_a_name_are_no_mathematics(scored):
    figure = xi_curve(scored(0.5, method=r"$\frac{$", dataset="$x_$"))
    figure.draw_without_rendering()
