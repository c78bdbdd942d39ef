"""The diagrams say what the rows say: another network or graph gives another picture."""

from __future__ import annotations

import pandas as pd
import pytest

from reports.figures.attention import attention
from reports.figures.network import network
from reports.figures.pipeline import pipeline
from reports.inputs.images import LAYER_COLUMNS, STAGE_COLUMNS, MissingExhibitError

STAGES = pd.DataFrame(
    [
        ("5f2a9c81d0e1aa", "split", "20 cases at ξ = 0.5", ""),
        ("aaa1", "teacher", "teacher A", "5f2a9c81d0e1aa"),
        ("bbb1", "teacher", "teacher B", "5f2a9c81d0e1aa"),
        ("ccc1", "teacher", "teacher C", "5f2a9c81d0e1aa"),
        ("ddd1", "pseudo", "hierarchical distillation", "5f2a9c81d0e1aa aaa1 bbb1 ccc1"),
        ("eee1", "student", "tsman", "5f2a9c81d0e1aa ddd1"),
        ("fff1", "scores", "10 test cases", "eee1"),
    ],
    columns=list(STAGE_COLUMNS),
)
LAYERS = pd.DataFrame(
    [
        ("stream", "stem", "convolution", 3, 2, 1, 16, 0.5, 1),
        ("stream", "block1", "dense unit", 3, 1, 16, 12, 0.5, 12),
        ("stream", "block1", "convolution", 1, 1, 160, 160, 0.5, 1),
        ("stream", "pool", "max pooling", 2, 2, 160, 160, 0.25, 1),
        ("f1", "pool", "global average", 0, 0, 160, 160, 0.0, 1),
        ("f1", "pool", "linear", 0, 0, 160, 40, 0.0, 1),
        ("f1", "pool", "add", 0, 0, 40, 40, 0.0, 1),
        ("f1", "pool", "ReLU", 0, 0, 40, 40, 0.0, 1),
        ("f1", "pool", "linear", 0, 0, 40, 160, 0.0, 1),
        ("f1", "pool", "sigmoid", 0, 0, 160, 160, 0.0, 1),
        ("f1", "pool", "linear", 0, 0, 40, 160, 0.0, 1),
        ("f1", "pool", "sigmoid", 0, 0, 160, 160, 0.0, 1),
        ("f1", "pool", "multiply by 2a", 0, 0, 160, 160, 0.25, 1),
        ("stream", "up1", "deconvolution", 4, 4, 160, 64, 1.0, 1),
        ("f3", "up1", "convolution", 3, 1, 64, 16, 1.0, 1),
        ("f3", "up1", "add", 0, 0, 16, 16, 1.0, 1),
        ("f3", "up1", "batch normalisation", 0, 0, 16, 16, 1.0, 1),
        ("f3", "up1", "ReLU", 0, 0, 16, 16, 1.0, 1),
        ("f3", "up1", "convolution", 1, 1, 16, 1, 1.0, 1),
        ("f3", "up1", "sigmoid", 0, 0, 1, 1, 1.0, 1),
        ("f3", "up1", "multiply by a", 0, 0, 64, 64, 1.0, 1),
        ("stream", "score", "convolution", 1, 1, 64, 3, 1.0, 1),
        ("stream", "score", "softmax", 0, 0, 3, 3, 1.0, 1),
        ("auxiliary", "block1", "convolution", 1, 1, 160, 3, 0.5, 1),
        ("f4", "softmax", "exclusive or", 0, 0, 3, 1, 1.0, 1),
        ("f4", "softmax", "Gaussian smoothing", 3, 1, 1, 1, 1.0, 1),
        ("f4", "softmax", "multiply the loss", 0, 0, 1, 1, 1.0, 1),
    ],
    columns=list(LAYER_COLUMNS),
)


def words(figure):
    """All texts with where they stand."""
    return [(text.get_text(), text.get_position()) for text in figure.axes[0].texts]


def texts(figure):
    return [text for text, _ in words(figure)]


def boxes(figure):
    return [patch for patch in figure.axes[0].patches if hasattr(patch, "get_boxstyle")]


def place(figure, wanted):
    """Where a text stands, left to right."""
    return min(x for text, (x, _) in words(figure) if text == wanted)


def overlapping(figure):
    """The pairs of texts whose ink overlaps, and the texts that leave the picture."""
    figure.draw_without_rendering()
    extents = [(text.get_text(), text.get_window_extent()) for text in figure.axes[0].texts]
    edge = figure.bbox
    out = [
        text
        for text, box in extents
        if box.x0 < edge.x0 or box.x1 > edge.x1 or box.y0 < edge.y0 or box.y1 > edge.y1
    ]
    pairs = [
        (one, other)
        for at, (one, box) in enumerate(extents)
        for other, beside in extents[at + 1 :]
        if box.shrunk(1, 0.7).overlaps(beside.shrunk(1, 0.7))
    ]
    return [*out, *pairs]


def test_every_stage_is_a_box_with_its_words_and_a_short_key():
    figure = pipeline(STAGES)
    assert len(boxes(figure)) == 7
    assert {"teacher A", "tsman", "10 test cases", "5f2a9c81d0", "eee1"} <= set(texts(figure))
    assert "5f2a9c81d0e1aa" not in texts(figure)


def test_the_stages_stand_left_to_right_in_the_order_in_which_they_are_made():
    figure = pipeline(STAGES)
    kinds = ["split", "teacher", "pseudo labels", "student", "scores"]
    places = [place(figure, kind) for kind in kinds]
    assert places == sorted(places)
    assert len({x for text, (x, _) in words(figure) if text == "teacher"}) == 1


def many(count):
    rows = [STAGES.assign(stage=STAGES["stage"] + f"-{run}").assign(
        inputs=[" ".join(f"{key}-{run}" for key in keys.split()) for keys in STAGES["inputs"]]
    ) for run in range(count)]  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def test_a_larger_graph_is_drawn_as_groups_with_their_counts():
    figure = pipeline(many(9))
    assert len(boxes(figure)) <= 12
    assert "teacher × 27" in texts(figure)
    assert "student × 9" in texts(figure)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_no_word_of_the_pipeline_lies_on_another(count):
    assert overlapping(pipeline(many(count))) == []


def test_stages_in_a_circle_are_refused():
    circle = pd.DataFrame([("a", "split", "", "b"), ("b", "split", "", "a")], columns=list(STAGE_COLUMNS))
    with pytest.raises(ValueError, match="a, b depend on one another in a circle"):
        pipeline(circle)


def test_the_network_names_kernels_strides_channels_and_resolutions():
    said = texts(network(LAYERS))
    assert {"conv 3³", "stride 2", "1 → 16", "12 × (BN, ReLU,", "conv 3³, + 12)", "1/4 resolution"} <= set(
        said
    )
    assert {"160 → 40 → 160", "64 → 16 → 1", "Gaussian 3³", "2a", "2â"} <= set(said)
    assert said.count("1 → 16") == 2


def test_other_rows_give_other_labels():
    wider = LAYERS.replace({"channels_out": {16: 24}, "channels_in": {16: 24}}).replace({"kernel": {4: 2}})
    said = texts(network(wider))
    assert {"1 → 24", "deconv 2³", "64 → 24 → 1"} <= set(said)
    assert not {"1 → 16", "deconv 4³"} & set(said)


def test_another_placement_moves_the_attention():
    moved = LAYERS.assign(site=LAYERS["site"].where(LAYERS["block"] != "f1", "stem"))
    assert place(network(moved), "f1 channel-wise") < place(network(moved), "dense block 1")
    assert place(network(LAYERS), "f1 channel-wise") > place(network(LAYERS), "pooling")


def test_an_attention_that_is_off_is_not_drawn():
    said = texts(network(LAYERS[~LAYERS["block"].isin(["f1", "f4", "auxiliary"])]))
    assert not {"f1 channel-wise", "f4 loss", "auxiliary"} & set(said)
    assert "f3 spatial" in said


def test_no_word_of_the_network_lies_on_another():
    assert overlapping(network(LAYERS)) == []
    assert overlapping(attention(LAYERS)) == []


def test_the_attention_names_its_own_numbers():
    said = texts(attention(LAYERS))
    assert "f3 after upsampling 1: M = the image's side, C = 64" in said
    assert "f1 after pooling: M = 1/4 of the image's side, C = 160" in said
    assert {"64 → 16", "16 → 1", "160 → 40", "40 → 160", "a: M³ × 1", "a: 1 × C", "â: 1 × C"} <= set(said)


def test_one_map_for_both_streams_is_drawn_once():
    said = texts(attention(LAYERS[LAYERS["block"] == "f3"]))
    assert "(a) spatial attention" in said
    assert not any("(b)" in text for text in said)
    assert said.count("16 → 1") == 1


@pytest.mark.parametrize(
    ("draw", "columns", "figure"),
    [
        (pipeline, STAGE_COLUMNS, "figure1"),
        (network, LAYER_COLUMNS, "figure2"),
        (attention, LAYER_COLUMNS, "figure4"),
    ],
)
def test_what_is_missing_is_named_with_the_command_that_makes_it(draw, columns, figure):
    with pytest.raises(
        MissingExhibitError, match=rf"^{figure} .*; `bench run --experiment {figure}` with .* makes it"
    ):
        draw(pd.DataFrame(columns=list(columns)))


def test_dollars_in_a_title_are_no_mathematics():
    pipeline(STAGES.assign(title=r"$\frac{$")).draw_without_rendering()
