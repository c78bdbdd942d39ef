"""The command ``bench``: its subcommands put together, and errors as a sentence and an exit code."""

from __future__ import annotations

import io
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

from bench.cli.console import Warnings, one_line, tame
from bench.errors import BenchError, reason_of
from bench.files import packages
from bench.files.process import settle

try:
    import typer
    from typer.core import TyperGroup

    from bench.cli import results_options as results
    from bench.cli import store_options as store
    from bench.cli.compare import options as compare
    from bench.cli.data import options as data
    from bench.cli.export import options as export
    from bench.cli.methods import options as methods
    from bench.cli.noise import options as noise
    from bench.cli.run import options as run
    from bench.cli.tune import options as tune
except ModuleNotFoundError as error:
    sys.stderr.write(f"bench: {packages.sentence([error.name or 'typer'], 'bench')}\n")
    sys.exit(2)


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Verbs(TyperGroup):
    """Verbs, of which one that there is not is refused with what may have been meant."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's own types moved
        """The verb that the first word names."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from bench.cli.unknown_command import refused

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


def _group(name: str, summary: str, commands: Mapping[str, Callable[..., int]]) -> None:
    """Add a group of commands to ``bench``."""
    group = typer.Typer(help=summary, no_args_is_help=True, rich_markup_mode=None, cls=Verbs)
    for command, function in commands.items():
        group.command(command)(function)
    app.add_typer(group, name=name)


for _function in (
    run.run, results.report, results.merge, compare.compare, tune.tune, results.score,
    store.status, store.show, store.verify, store.doctor, store.clean,
):  # fmt: skip
    app.command()(_function)
_group(
    "methods", "The contestants.",
    {
        "list": methods.methods_list, "show": methods.methods_show, "check": methods.methods_check,
        "new": methods.methods_new,
    },
)  # fmt: skip
_group(
    "data", "The data sets.",
    {"list": data.data_list, "add": data.data_add, "check": data.data_check, "make": data.data_make},
)  # fmt: skip
_group(
    "noise", "Label noise of known truth.",
    {"make": noise.noise_make, "measure": noise.noise_measure, "show": noise.noise_show},
)  # fmt: skip
_group(
    "export", "Results for elsewhere.",
    {"predictions": export.export_predictions, "mlflow": export.export_mlflow},
)  # fmt: skip

INTERRUPTED = 130
LONGEST = 600  # letters of an error
GO_ON = "interrupted; run the same command again to go on."


def main() -> None:
    """Run a verb; every error is a sentence and an exit code."""
    debug = "--debug" in sys.argv
    settle()
    logging.getLogger("bench").handlers = [Warnings()]
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
