from __future__ import annotations

import pandas as pd
import pytest

from reports.statistics.evidence import holm, no_verdict, seeds_sentences


@pytest.mark.parametrize(
    ("seeds", "words"), [(1, "one seed: no verdict"), (2, "two seeds: no verdict"), (3, ""), (8, "")]
)
def test_fewer_than_three_seeds_give_no_verdict(seeds, words):
    assert no_verdict(seeds) == words


def test_that_a_data_set_has_too_few_seeds_is_a_sentence():
    rows = pd.DataFrame({"dataset": "heart", "seed": ["0", "0", "1"]})
    assert seeds_sentences(rows) == [
        "Two seeds: no verdict on heart; `--seeds 3` is the fewest that decides."
    ]
    assert seeds_sentences(pd.concat([rows, rows.assign(seed="2")])) == []


def test_holm_multiplies_the_smallest_by_the_number_tested():
    assert holm([0.04, None, 0.01]) == [0.04, None, 0.02]
    assert holm([None]) == [None]
