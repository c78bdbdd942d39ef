"""Where methods can be ranked: one data set and recipe, one noise, one ξ, never several in one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.statistics.cohorts import LABELLED_ONLY, NO_NOISE, cohorts, contested

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from reports.statistics.cohorts import Cohort


@dataclass(frozen=True, slots=True)
class Contest:
    """One data set under one recipe and one definition of the metrics, one noise and one ξ."""

    cohort: str  # its name: the data set, and what tells it from others of the same
    dataset: str
    recipe: str
    noise: str
    xi: str

    @property
    def labels(self) -> str:
        """What the labels that are not manual are, in words."""
        return "labels by teachers" if self.noise == NO_NOISE else f"noise {self.noise}"

    @property
    def title(self) -> str:
        """In words, without the data set."""
        return f"{self.labels}, ξ = {self.xi}"

    @property
    def columns(self) -> dict[str, str]:
        """As the columns of a table; `setting` names it in words."""
        return {
            "setting": f"{self.cohort}, {self.title}", "dataset": self.dataset, "recipe": self.recipe,
            "data_set": self.cohort, "noise": self.noise, "xi": self.xi,
        }  # fmt: skip

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of a frame that belong here."""
        here = (frame["dataset"] == self.dataset) & (frame["recipe"] == self.recipe)
        return frame[here & (frame["noise"] == self.noise) & (frame["xi"] == self.xi)]


def contests(records: pd.DataFrame) -> Iterator[tuple[Contest, pd.DataFrame]]:
    """Each contest with the rows of its students: by data set, then noise (teachers' first), then ξ."""
    for cohort in cohorts(records):
        yield from contests_of(cohort)


def contests_of(cohort: Cohort) -> Iterator[tuple[Contest, pd.DataFrame]]:
    """Those of one cohort."""
    rows = contested(cohort.records)
    students = rows[rows["role"] == "student"]
    places = students[["dataset", "recipe", "noise", "xi"]].drop_duplicates()
    for place in sorted(places.itertuples(index=False, name=None), key=_order):
        found = Contest(cohort.name, *(str(name) for name in place))
        yield found, found.of(students)


def labelled_only_of(cohort: Cohort) -> pd.DataFrame:
    """The rows of the references trained on manual labels alone, of all contests: they have no rank."""
    rows = contested(cohort.records)
    return rows[rows["role"] == LABELLED_ONLY]


def supervised_of(cohort: Cohort) -> pd.DataFrame:
    """The rows of the methods trained on all manual labels, which nobody is ranked against."""
    rows = contested(cohort.records)
    return rows[(rows["role"] == "supervised") & (rows["noise"] == NO_NOISE)]


def order_of_noise(noise: str) -> tuple[bool, str, float]:
    """A sort key: teachers' noise first, then by kind, then by rate."""
    kind, _, rate = noise.partition(":")
    try:
        number = float(rate)
    except ValueError:
        number = 0.0
    return noise != NO_NOISE, kind, number


def _order(place: tuple[str, ...]) -> tuple[tuple[bool, str, float], float]:
    _, _, noise, share = place
    return order_of_noise(noise), float(share)


def drawn(table: pd.DataFrame, *, most: int = 6) -> pd.DataFrame:
    """The rows of a table of contests that are drawn: all, or of each noise the largest ξ.

    `most` is how many contests of a data set are drawn all.
    """
    if table.empty:
        return table
    share = table["xi"].map(float)
    largest = share == share.groupby([table["data_set"], table["noise"]]).transform("max")
    many = table.groupby("data_set")["setting"].transform("nunique") > most
    return table[~many | largest]
