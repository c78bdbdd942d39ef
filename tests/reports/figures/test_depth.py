"""The figure of gradient noise stays readable however many methods there are."""

import pandas as pd

from reports.figures.depth import gradient_by_depth


def table_of(methods):
    return pd.DataFrame(
        [
            {"method": method, "of": of, "measure": "noise_to_signal", "progress": progress, "depth": depth,
             "mean": 0.5 + place / 100, "low": 0.4, "high": 0.7}
            for place, method in enumerate(methods)
            for of in ("features", "parameters")
            for progress in (50, 100)
            for depth in range(4)
        ]
    )  # fmt: skip


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_few_methods_are_all_named():
    assert legend_of(gradient_by_depth(table_of(["a", "b"])))[:2] == ["a", "b"]


def test_of_many_the_papers_are_named_and_the_others_counted_and_drawn():
    others = [f"m{number}" for number in range(9)]
    figure = gradient_by_depth(table_of([*others, "tsman", "densevoxnet"]))
    assert legend_of(figure)[:3] == ["densevoxnet", "tsman", "9 other methods"]
    (features, _) = figure.axes
    assert len(features.lines) == len(others) + 2 * 2  # at the end; the paper's at both times
