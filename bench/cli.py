"""The words of the command line; what they do is in ``bench.verbs``. The only file that knows typer."""

from __future__ import annotations

import io
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

from bench import packages
from bench.console import one_line, tame
from bench.errors import BenchError, reason_of, unknown
from bench.process import settle

try:
    import typer
    from typer.core import TyperGroup
except ModuleNotFoundError as error:
    sys.stderr.write(f"bench: {packages.sentence([error.name or 'typer'], 'bench')}\n")
    sys.exit(2)


class Verbs(TyperGroup):
    """Verbs, of which one that there is not is refused with what may have been meant."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's own types moved
        """The verb that the first word names."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from bench.verbs.unknown_verb import refused

            raise refused(ctx.command_path, args[0], self.commands)
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="bench",
    cls=Verbs,
    help="Do methods that learn segmentation from partly wrong labels really work?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
methods_app = typer.Typer(help="The contestants.", no_args_is_help=True, rich_markup_mode=None, cls=Verbs)
data_app = typer.Typer(help="The data sets.", no_args_is_help=True, rich_markup_mode=None, cls=Verbs)
app.add_typer(methods_app, name="methods")
app.add_typer(data_app, name="data")
noise_app = typer.Typer(
    help="Label noise of known truth.", no_args_is_help=True, rich_markup_mode=None, cls=Verbs
)
app.add_typer(noise_app, name="noise")
export_app = typer.Typer(
    help="Results for elsewhere.", no_args_is_help=True, rich_markup_mode=None, cls=Verbs
)
app.add_typer(export_app, name="export")

StorePath = Annotated[Path, typer.Option("--store", help="Folder of all results.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Plugins = Annotated[
    list[Path] | None,
    typer.Option("--plugin", help="A file with methods of one's own, whose code is run; again for more."),
]
Spacing = Annotated[
    str,
    typer.Option(
        help="Voxel size of NIfTI files whose pixdim and sform contradict each other: pixdim or sform.",
        show_default=False,
    ),
]
RESULTS = Path("results")
INTERRUPTED = 130
LONGEST = 600  # letters of an error
GO_ON = "interrupted; run the same command again to go on."


@app.command()
def run(  # noqa: PLR0913, PLR0917 - the contract's options
    methods: Annotated[
        str | None, typer.Option(help="all (the default), every, or names: a,b,!c.", show_default=False)
    ] = None,
    xi: Annotated[
        str | None,
        typer.Option(
            help="Share of manual labels: 0.1:0.9[:0.1] (the default) or 0.3,0.5.", show_default=False
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Data sets, with commas between; phantom-heart if none.", show_default=False),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="What P's tables and figures need: table1, ..., figure7, or paper for all."),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            help="Noise of known truth in place of pseudo labels, as markov:0.1,0.2.", show_default=False
        ),
    ] = None,
    references: Annotated[
        str,
        typer.Option(help="What the manual labels alone give: of the teachers, or of the methods too."),
    ] = "teachers",
    recipe: Annotated[str, typer.Option(help="smoke, quick, standard, paper or FILE.toml.")] = "",
    seeds: Annotated[str, typer.Option(help="3 for 0, 1, 2, or a list: 0,2.")] = "",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A setting, as student.steps=500.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Stages at a time; 0 takes what the cores bear.")] = 0,
    plugin: Plugins = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")] = "auto",
    engine: Annotated[str, typer.Option(help="local.")] = "local",
    store: StorePath = RESULTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be made.")] = False,
    as_json: AsJson = False,
    no_mlflow: Annotated[bool, typer.Option("--no-mlflow", help="Leave the MLflow mirror alone.")] = False,
    checkpoint_seconds: Annotated[
        float, typer.Option(help="Between two checkpoints of a training; changes no result.")
    ] = 60.0,
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic", help="Deterministic algorithms on a GPU too, and which operations have none."
        ),
    ] = False,
    allow_leaks: Annotated[
        bool,
        typer.Option(
            "--allow-leaks", help="Go on where test cases are copies of training cases; every table says so."
        ),
    ] = False,
    debug: Debug = False,
) -> int:
    """Sweep the methods over ξ; what the store has already is not made again."""
    from bench.verbs.request import Request
    from bench.verbs.run import run as carry_out

    return carry_out(
        Request(
            methods=methods,
            xi=xi,
            datasets=dataset,
            experiment=experiment,
            recipe=recipe,
            seeds=seeds,
            changes=tuple(change or ()),
            jobs=jobs,
            device=device,
            engine=engine,
            store=store,
            dry_run=dry_run,
            as_json=as_json,
            mlflow=not no_mlflow,
            checkpoint_seconds=checkpoint_seconds,
            deterministic=deterministic,
            plugins=tuple(plugin or ()),
            noise=tuple(noise or ()),
            references=references,
            allow_leaks=allow_leaks,
        )
    )


@app.command()
def report(
    store: StorePath = RESULTS,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; <store>/report by default.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 5 where a printed cell deviates.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Render tables, figures and a page from the records."""
    from bench.verbs.report import report as render

    return render(store, out, strict=strict, as_json=as_json)


@app.command()
def merge(
    sources: Annotated[
        list[Path], typer.Argument(help="Stores, or folders of records.csv(.gz) or .parquet.")
    ],
    out: Annotated[Path, typer.Option("--to", help="Folder of the merged tables; must not exist.")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Put the records of several stores together, as of a campaign that was run in parts."""
    from bench.verbs.merge import merge as carry_out

    return carry_out(sources, out, as_json=as_json)


@app.command()
def compare(  # noqa: PLR0913, PLR0917 - the contract's options
    one: Annotated[str, typer.Argument(metavar="A", help="METHOD, METHOD@XI or METHOD/VARIANT.")],
    other: Annotated[str, typer.Argument(metavar="B", help="The same of the other; @1 is fully supervised.")],
    metric: Annotated[str, typer.Option(help="overall, dice, iou, adb, hdd or STRUCTURE_dice.")] = "overall",
    xi: Annotated[str, typer.Option(help="Only these shares: 0.1:0.9[:0.1] or 0.3,0.5.")] = "",
    tolerance: Annotated[
        float | None, typer.Option(help="Say whether the two are equivalent within ± this.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 5 where they are not, at any ξ; needs --tolerance.")
    ] = False,
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """The difference A − B at each ξ that both have, with its interval and p."""
    from bench.verbs.compare import Options
    from bench.verbs.compare import compare as carry_out

    options = Options(metric=metric, xi=xi, tolerance=tolerance, strict=strict)
    return carry_out(one, other, options, store, as_json=as_json)


@app.command()
def tune(  # noqa: PLR0913, PLR0917 - the contract's options
    method: str,
    trials: Annotated[
        int, typer.Option(help="Development trainings, the same number for every method that is compared.")
    ] = 20,
    xi: Annotated[str, typer.Option(help="Share of scans with a manual label.")] = "0.5",
    dataset: Annotated[
        str, typer.Option(help="A phantom: only they have development seeds.")
    ] = "phantom-heart",
    recipe: Annotated[str, typer.Option(help="smoke, quick, standard or paper.")] = "",
    changes: Annotated[list[str] | None, typer.Option("--set", help="A changed setting.")] = None,
    noise: Annotated[str, typer.Option(help="KIND:RATE, injected in place of pseudo labels.")] = "",
    first_seed: Annotated[int, typer.Option(help="Of the development phantoms, 1000 or more.")] = 1000,
    metric: Annotated[str, typer.Option(help="dice or overall.")] = "dice",
    seed: Annotated[int, typer.Option(help="Of the search and of the trainings.", min=0)] = 0,
    jobs: Annotated[int, typer.Option(help="Stages at a time; 0 takes as many as the cores bear.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")] = "auto",
    plugin: Plugins = None,
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Search a method's settings by a number of development trainings, in the space that it declares."""
    from bench.verbs.tune import Search
    from bench.verbs.tune import tune as carry_out

    return carry_out(
        Search(
            method=method, budget=trials, xi=xi, noise=noise, dataset=dataset, recipe=recipe,
            changes=tuple(changes or ()), first_seed=first_seed, metric=metric, seed=seed, jobs=jobs,
            device=device, store=store, as_json=as_json, plugins=tuple(plugin or ()),
        )
    )  # fmt: skip


@app.command()
def score(
    predicted: Path,
    reference: Path,
    definition: Annotated[str, typer.Option(help="hvsmr2016 or medpy.")] = "hvsmr2016",
    spacing: Spacing = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Score two label maps, or two folders of them, from any tool."""
    from bench.verbs.score import definitions, score_paths, spacing_of

    if definition not in definitions():
        raise unknown("definition", definition, definitions())
    held = spacing_of(spacing)
    return score_paths(predicted, reference, definition, as_json=as_json, spacing_from=held)


@app.command()
def status(store: StorePath = RESULTS, as_json: AsJson = False, debug: Debug = False) -> int:
    """What a store holds."""
    from bench.verbs.store import status as say

    return say(store, as_json=as_json)


@app.command()
def show(key: str, store: StorePath = RESULTS, as_json: AsJson = False, debug: Debug = False) -> int:
    """One stage: its settings, inputs and where it comes from."""
    from bench.verbs.store import show as say

    return say(key, store, as_json=as_json)


@app.command()
def verify(
    key: Annotated[str, typer.Argument(help="A finished stage, or the beginning of its key.")],
    chain: Annotated[
        bool, typer.Option("--chain", help="Make all that it came from again too, not only the stage.")
    ] = False,
    plugin: Plugins = None,
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Make a stage again, aside, and compare; exit 5 where it differs. The store is only read."""
    from bench.verbs.verify import verify as carry_out

    return carry_out(key, store, chain=chain, as_json=as_json, plugins=plugin or ())


@app.command()
def doctor(store: StorePath = RESULTS, as_json: AsJson = False, debug: Debug = False) -> int:
    """Check the machine and everything in a store; exit 4 where something is damaged or gone."""
    from bench.verbs.doctor import doctor as check

    return check(store, as_json=as_json)


@app.command()
def clean(
    store: StorePath = RESULTS,
    failed: Annotated[bool, typer.Option("--failed", help="Forget failures and checkpoints too.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Remove every stage.")] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Remove what killed runs left behind, but checkpoints, and what was found damaged."""
    from bench.verbs.store import clean as remove

    return remove(store, failed=failed, everything=everything, as_json=as_json)


@methods_app.command("list")
def methods_list(plugin: Plugins = None, as_json: AsJson = False, debug: Debug = False) -> int:
    """All methods: built in, of plug-ins, and of installed packages."""
    from bench.verbs.methods import list_methods

    return list_methods(plugin or (), as_json=as_json)


@methods_app.command("show")
def methods_show(name: str, plugin: Plugins = None, as_json: AsJson = False, debug: Debug = False) -> int:
    """One method and its settings."""
    from bench.verbs.methods import show_method

    return show_method(name, plugin or (), as_json=as_json)


@methods_app.command("check")
def methods_check(name: str, plugin: Plugins = None, as_json: AsJson = False, debug: Debug = False) -> int:
    """Hold a method to the contract that those of bench keep; exit 3 where it fails."""
    from bench.verbs.contract import check_method

    return check_method(name, plugin or (), as_json=as_json)


@methods_app.command("new")
def methods_new(
    name: Annotated[
        str, typer.Argument(help="In lower case, with dashes: my-loss is written to my_loss.py.")
    ],
    to: Annotated[Path, typer.Option(help="A folder that is there; the current one by default.")] = Path(),
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Write a method that works, to be changed, and its test."""
    from bench.verbs.new import new_method

    return new_method(name, to, as_json=as_json)


@data_app.command("list")
def data_list(store: StorePath = RESULTS, as_json: AsJson = False, debug: Debug = False) -> int:
    """All data sets."""
    from bench.verbs.data import list_data

    return list_data(store, as_json=as_json)


@data_app.command("add")
def data_add(
    name: str,
    folder: Annotated[Path, typer.Option("--from", help="A Decathlon folder, or the challenge's own.")],
    store: StorePath = RESULTS,
    spacing: Spacing = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Give a folder a name, after looking it through."""
    from bench.verbs.data import add_data
    from bench.verbs.score import spacing_of

    held = spacing_of(spacing)
    return add_data(name, folder, store, as_json=as_json, spacing_from=held)


@data_app.command("check")
def data_check(
    name: Annotated[str, typer.Argument(help="As for --dataset: a name, or decathlon:DIR.")],
    store: StorePath = RESULTS,
    spacing: Spacing = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Look through every case of a data set and list all that is amiss."""
    from bench.verbs.check import check_data
    from bench.verbs.score import spacing_of

    return check_data(name, store, as_json=as_json, spacing_from=spacing_of(spacing))


@data_app.command("make")
def data_make(
    name: str,
    folder: Annotated[Path, typer.Option("--to", help="A folder that is not there yet.")],
    size: Annotated[str, typer.Option(help="smoke, quick or paper.")] = "quick",
    first_seed: Annotated[
        int, typer.Option(min=0, help="0 is the benchmark; 1000 and up are for development.")
    ] = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Write a made data set as a folder."""
    from bench.verbs.data import make_data

    return make_data(name, folder, size, first_seed, as_json=as_json)


@noise_app.command("make")
def noise_make(  # noqa: PLR0913, PLR0917 - the contract's options
    noise: Annotated[str, typer.Argument(metavar="KIND:RATE", help="As markov:0.2 or markov+swap:0.3.")],
    dataset: Annotated[str, typer.Option(help="A data set; its training cases are made noisy.")],
    folder: Annotated[Path, typer.Option("--to", help="A folder that is not there yet.")],
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other noise.")] = 0,
    structures: Annotated[str, typer.Option(help="Names, with commas between; all by default.")] = "",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A setting, as noise.markov.theta2=0.1.")
    ] = None,
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Write noisy labels, the clean ones and where they differ, and measure the noise."""
    from bench.verbs.noise import Request
    from bench.verbs.noise import make as carry_out

    words = Request(noise, dataset, folder, seed, structures, tuple(change or ()), store)
    return carry_out(words, as_json=as_json)


@noise_app.command("measure")
def noise_measure(
    clean: Path, noisy: Path, spacing: Spacing = "", as_json: AsJson = False, debug: Debug = False
) -> int:
    """Measure what is wrong in a label map, or a folder of them, from any tool."""
    from bench.verbs.noise_measured import measure
    from bench.verbs.score import spacing_of

    return measure(clean, noisy, as_json=as_json, spacing_from=spacing_of(spacing))


@noise_app.command("show")
def noise_show(
    what: Annotated[
        str, typer.Argument(metavar="[KIND|DIR]", help="A kind, or a folder of `bench noise make`.")
    ] = "",
    picture: Annotated[
        Path | None, typer.Option("--to", help="Draw what a folder holds into this file, as noise.png.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """List the kinds of noise, or show one with its settings, or what a folder holds."""
    from bench.verbs.noise_shown import show as say

    return say(what, picture, as_json=as_json)


@export_app.command("predictions")
def export_predictions(  # noqa: PLR0913, PLR0917 - the contract's options
    out: Annotated[Path, typer.Option("--to", help="Folder of the label maps.")],
    dataset: Annotated[str, typer.Option(help="A data set with scans without labels.")],
    method: Annotated[str, typer.Option(help="One method.")],
    xi: Annotated[str, typer.Option(help="One share of manual labels; 1 for the student of all of them.")],
    recipe: Annotated[str, typer.Option(help="smoke, quick, standard, paper or FILE.toml.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="One seed.")] = 0,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="A setting, as student.steps=500.")
    ] = None,
    plugin: Plugins = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:0.")] = "auto",
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Segment the scans whose labels the organisers keep, by a student that `bench run` has trained."""
    from bench.verbs.export import Request
    from bench.verbs.export import predictions as export

    words = Request(
        dataset=dataset,
        method=method,
        xi=xi,
        seed=seed,
        recipe=recipe,
        changes=tuple(change or ()),
        device=device,
        store=store,
        to=out,
        plugins=tuple(plugin or ()),
    )
    return export(words, as_json=as_json)


@export_app.command("mlflow")
def export_mlflow(
    uri: Annotated[
        str, typer.Option(help="MLflow's tracking URI; $MLFLOW_TRACKING_URI or the store's own by default.")
    ] = "",
    run: Annotated[str, typer.Option(help="One run of the store; all by default.")] = "",
    store: StorePath = RESULTS,
    as_json: AsJson = False,
    debug: Debug = False,
) -> int:
    """Fill the MLflow mirror of every run from what the store holds."""
    from bench.verbs.mirror import export

    return export(store, uri, run, as_json=as_json)


def main() -> None:
    """Run a verb; every error is a sentence and an exit code."""
    debug = "--debug" in sys.argv
    settle()
    _accept_any_text()
    try:
        packages.demand([] if "--help" in sys.argv else sys.argv[1:])
        code = app(prog_name="bench", standalone_mode=False)
        if code == INTERRUPTED:  # typer turns Ctrl-C into a silent 130 of its own
            code = _complain(GO_ON, INTERRUPTED, debug=False)
    except BenchError as error:
        code = _complain(str(error), error.exit_code, debug=debug)
    except (KeyboardInterrupt, typer.Abort):
        code = _complain(GO_ON, INTERRUPTED, debug=debug)
    except ModuleNotFoundError as error:
        code = _complain_of_import(error, debug=debug)
    except OSError as error:
        where = f"{error.filename} " if error.filename else ""
        code = _complain(f"{where}cannot be read or written ({reason_of(error)}).", 2, debug=debug)
    except Exception as error:
        show_usage = getattr(
            error, "show", None
        )  # click's own errors know how to speak and which code they bear
        if show_usage is not None:
            said = io.StringIO()
            show_usage(said)
            sys.stderr.write(tame(said.getvalue()))
            code = int(getattr(error, "exit_code", 2))
        else:
            code = _complain(f"internal error: {type(error).__name__}: {error}", 1, debug=debug)
    sys.exit(code if isinstance(code, int) else 0)


def _accept_any_text() -> None:
    """A terminal that knows no ξ, or a file name that is no text, must not end a verb."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _complain_of_import(error: ModuleNotFoundError, *, debug: bool) -> int:
    """A package that only some requests need is missing, or a module of ours."""
    if name := packages.missing_in(error):
        return _complain(packages.sentence([name], "this"), 2, debug=debug)
    return _complain(f"internal error: {type(error).__name__}: {error}", 1, debug=debug)


def _complain(sentence: str, code: int, *, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    sentence = one_line(sentence)
    if len(sentence) > LONGEST:  # a word of thousands of letters is not made clearer by all of them
        sentence = f"{sentence[: LONGEST // 2]} … {sentence[-LONGEST // 3 :]}"
    sys.stderr.write(f"bench: {sentence}\n")
    return code
