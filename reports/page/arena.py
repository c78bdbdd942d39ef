"""The parts of the page in which methods meet: leaderboard, doubt, gradients, cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.figures.depth import gradient_by_depth
from reports.figures.detection import doubt_by_region, doubt_over_training
from reports.figures.overlays import overlays
from reports.figures.price import score_against_cost
from reports.figures.standings import standings
from reports.page.captions import CAPTIONS
from reports.page.document import FigureOnPage, Part, TableOnPage
from reports.page.files import Words, any_script
from reports.page.trace import traced_to
from reports.ranking.gradient_noise import gradient_table, premise_sentences, premise_table
from reports.ranking.groups import drawn
from reports.ranking.leaderboard import few_seeds_sentences, injected_sentences, leader_sentences, leaderboard
from reports.ranking.noise_detection import doubt_curves, doubt_table
from reports.ranking.pareto import cost_table
from reports.statistics.aggregate import other_shares
from reports.statistics.cohorts import NO_NOISE, cohorts, suffix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd
    from matplotlib.figure import Figure

    from reports.inputs.images import Exhibits
    from reports.inputs.other_tables import Extras
    from reports.page.files import Files
    from reports.page.trace import Place

_NO_NOISE: Final = (
    "No injected noise was run: `bench run --noise markov:0.2` makes labels whose errors are known voxel by "
    "voxel."
)
_NO_DOUBT: Final = (
    "Under injected noise no doubt was scored: there is no doubts.csv with rows beside the records."
)
_MOST: Final = 8  # sentences of who is first


def arena(
    records: pd.DataFrame, extras: Extras, exhibits: Exhibits, places: Mapping[str, Place], files: Files
) -> Iterator[Part]:
    """Each part that there is anything to say in; its tables and figures are added to the files."""
    board = leaderboard(records, extras)
    if not board.empty:
        yield _leaderboard(board, records, places, files)
    injected = bool((records["noise"] != NO_NOISE).any())
    if injected or not extras.doubts.empty or exhibits.overlays:
        yield _doubt(extras, records, exhibits, files)
    if not extras.gradients.empty:
        yield _gradients(extras, records, files)
    costs = cost_table(board, extras.costs)
    if not costs.empty:
        yield _costs(costs, files)


def _leaderboard(
    board: pd.DataFrame, records: pd.DataFrame, places: Mapping[str, Place], files: Files
) -> Part:
    students = board[board["role"] == "student"]
    leaders = leader_sentences(students)
    more = len(leaders) - _MOST
    sentences = [
        *few_seeds_sentences(students),
        *leaders[:_MOST],
        *([f"{more} more settings are in the table."] if more > 0 else []),
        *(
            f"On {cohort.dataset}, {'; '.join(said)}."
            for cohort in cohorts(records)
            if (said := other_shares(cohort.records, files.folded.get(cohort.dataset)))
        ),
        *injected_sentences(records),
        *([] if (records["noise"] != NO_NOISE).any() else [_NO_NOISE]),
    ]
    panels = drawn(students, most=12)
    return Part(
        "leaderboard",
        "Leaderboard",
        sentences,
        [_table("leaderboard", board, files, traces=places)],
        list(_figures("leaderboard_ranks", panels, "data_set", standings, files)),
    )


def _doubt(extras: Extras, records: pd.DataFrame, exhibits: Exhibits, files: Files) -> Part:
    table = doubt_table(extras.doubts, records)
    curves = doubt_curves(extras.doubts, records)
    shown = drawn(curves)
    both = (("doubts", table), ("doubt_curves", curves))
    tables = [_table(key, frame, files) for key, frame in both if not table.empty]
    figures = [
        *_figures("doubt_progress", shown, "setting", doubt_over_training, files),
        *_figures("doubt_regions", shown, "setting", doubt_by_region, files),
        *_overlays(exhibits, files),
    ]
    return Part("doubt", "Doubt", [_NO_DOUBT] if table.empty else [], tables, figures)


def _gradients(extras: Extras, records: pd.DataFrame, files: Files) -> Part:
    premise = premise_table(extras.gradients, records)
    table = gradient_table(extras.gradients, records)
    said = premise_sentences(premise)
    figures = _figures("gradients", drawn(table), "setting", gradient_by_depth, files, said)
    tables = [_table("premise", premise, files), _table("gradients", table, files)]
    return Part("gradient", "Where the gradient is noisy", [], tables, list(figures))


def _costs(costs: pd.DataFrame, files: Files) -> Part:
    figures = _figures("costs", drawn(costs), "setting", score_against_cost, files)
    return Part("cost", "Score against cost", [], [_table("costs", costs, files)], list(figures))


def _table(
    key: str, frame: pd.DataFrame, files: Files, traces: Mapping[str, Place] | None = None
) -> TableOnPage:
    title, caption = CAPTIONS[key].title, files.caption(CAPTIONS[key].text)
    sheet = files.add_table(frame, key, Words(title, caption, "setting"))
    leads = traced_to(frame, traces) if traces else [None] * len(frame)
    return TableOnPage(key, key, title, caption, sheet, leads, ())


def _figures(
    key: str,
    frame: pd.DataFrame,
    by: str,
    draw: Callable[[pd.DataFrame], Figure],
    files: Files,
    said: Mapping[str, str] | None = None,
) -> Iterator[FigureOnPage]:
    """A figure for each value of a column, in the order of the rows."""
    title, caption = CAPTIONS[key].title, files.caption(CAPTIONS[key].text)
    taken: set[str] = set()
    for of, rows in frame.groupby(by, sort=False):
        name = f"{key}{suffix_of([str(of)], taken)}"
        with any_script():
            source = files.add_figure(draw(rows), name)
        words = [said[str(of)]] if said and str(of) in said else []
        words += [caption] if len(taken) == 1 else []  # once is enough
        yield FigureOnPage(key, name, f"{title}: {of}", " ".join(words), source)


def _overlays(exhibits: Exhibits, files: Files) -> Iterator[FigureOnPage]:
    title, caption = CAPTIONS["doubt_maps"].title, files.caption(CAPTIONS["doubt_maps"].text)
    taken: set[str] = set()
    for shown in exhibits.overlays:
        of = f"{shown.dataset}, noise {shown.noise}, ξ = {shown.xi}"
        name = f"doubt_maps{suffix_of([of], taken)}"
        try:
            with any_script():
                source = files.add_figure(overlays(shown), name)
        except ValueError as error:
            files.missing.append(f"{title} of {of} are not drawn: {error}.")
            continue
        words = caption if len(taken) == 1 else ""
        yield FigureOnPage("doubt_maps", name, f"{title}: {of}", words, source)
