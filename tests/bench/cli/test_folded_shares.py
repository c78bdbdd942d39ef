"""Which ξ of a store's runs were planned as a smaller one, for reports and comparisons to say."""

import pytest

from bench.store import run_log
from bench.store.documents import FinishedStage


class Splits:
    """What ``folded_shares`` asks of a store: where it is, and its finished split stages."""

    def __init__(self, path):
        self.path = path
        self.sizes = {}

    def has(self, key):
        return key in self.sizes

    def finished_stage(self, key):
        name, manual, pseudo = self.sizes[key]
        settings = {"seed": 0, "manual": ["m"] * manual, "pseudo": ["p"] * pseudo, "test": []}
        return FinishedStage(kind="split", dataset=name, dataset_id=f"{name}-1", settings=settings)


@pytest.fixture
def store(tmp_path):
    found = Splits(tmp_path)
    found.sizes = {"split-a": ("few", 1, 2), "split-b": ("many", 2, 18), "split-c": ("few", 2, 1)}
    return found


def note(store, run, xi, **more):
    asked = {"datasets": ["few-1", "many-1"], "xi": xi, **more}
    run_log.note(store, run, asked, dict.fromkeys([*store.sizes, "split-lost"], "a split"))


def test_a_share_is_named_where_a_smaller_one_keeps_as_many_scans(store):
    note(store, "one", ["0.1", "0.2", "0.4", "0.5"])
    assert run_log.folded_shares(store) == {"few": {"0.2": "0.1", "0.4": "0.1"}}
    note(store, "two", ["0.5", "0.55", "0.9"])
    assert run_log.folded_shares(store)["few"] == {"0.2": "0.1", "0.4": "0.1", "0.55": "0.5", "0.9": "0.5"}


def test_tables_of_the_paper_and_data_that_changed_name_none(store):
    note(store, "paper", ["0.1", "0.2"], experiments=["table3"])
    note(store, "before", ["0.1", "0.2"], datasets=["few-0"])
    assert run_log.folded_shares(store) == {}


def test_a_request_that_is_damaged_names_none(store):
    note(store, "one", ["0.1", "0.2"])
    (store.path / "runs" / "one" / "request.json").write_text("{")
    assert run_log.folded_shares(store) == {}
