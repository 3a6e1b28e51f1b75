"""The command line of Reelgraph: `reelgraph --help` is the table of contents."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from platformdirs import user_data_path
from rich.text import Text

from api import commands as api_commands
from api import keys_command
from gnn import commands as gnn_commands
from graph import commands as graph_commands
from graph import (
    communities_command,
    experiment_command,
    export_command,
    gaps_command,
    profile_command,
    rerank_command,
    strategies_command,
    users_command,
)
from graph.search import Searcher
from graph.store import (
    GraphStore,
    Interrupted,
    Scope,
    StoreDamaged,
    StoreTooNew,
    open_store,
)
from graph.terminal import StoreOption, err, out
from loaders import commands as loader_commands
from loaders import live_command, refresh_command

app = typer.Typer(
    name="reelgraph",
    help="An IMDb knowledge graph that recommends titles, says why, and answers for titles a catalog lacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
loader_commands.register(app, after_load=gnn_commands.after_load)
refresh_command.register(app, retraining=gnn_commands.retraining)
live_command.register(app)
graph_commands.register(app)
export_command.register(app)
gaps_command.register(app)
strategies_command.register(app)
rerank_command.register(app)
communities_command.register(app)
users_command.register(app)
profile_command.register(app)
experiment_command.register(app)
gnn_commands.register(app, rated_in=loader_commands.rated_in)
api_commands.register(app)
keys_command.register(app)

_SHOWN = [
    ("toy story", Scope("north", "US")),
    ("rings of power", Scope("south", "BR")),
    ("千と千尋", Scope("north", "GB")),
]
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # its name is public in no release of Typer
_INTERRUPTED = "interrupted; what was there before is unchanged"


@app.command()
def demo(
    store: StoreOption = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Build it and show the answers; no service.")] = False,
) -> None:
    """Build the sample graph, show what an answer looks like, and open the service on this machine.

    It listens on port 8000, or on any that is free when that one is taken.
    """
    from loaders.load import load_sample

    folder = user_data_path("reelgraph") / "demo"
    url = store or f"embedded:{folder}"
    with _opened_demo(url, None if store else folder) as graph:
        loaded = load_sample(graph, viewers=True)
        out.print(f"The sample graph, with two catalogs, is in {url}: {loaded.counts['Title']} titles.", soft_wrap=True)
        searcher = Searcher(graph)
        for query, scope in _SHOWN:
            out.print()
            out.print(
                Text(f"$ reelgraph search {query} --catalog {scope.catalog} --region {scope.region}", style="cyan")
            )
            graph_commands.show_answer(searcher.search(query, scope, substitutes=3))
    out.print(f"\nAsk it yourself:  export REELGRAPH_STORE={url}", soft_wrap=True)
    out.print("                  reelgraph search spirited away --catalog south")
    out.print("                  reelgraph --help\n")
    if not no_serve:
        out.print("On its page, under Viewer: be somebody, mark what you have watched, and see what is recommended.\n")
        api_commands.serve_anywhere(url)


@contextlib.contextmanager
def _opened_demo(url: str, folder: Path | None) -> Iterator[GraphStore]:
    """The demo's store; one that another version of this software left behind is made anew."""
    try:
        graph = open_store(url, create=True)
        graph.ping()
    except (StoreDamaged, StoreTooNew):
        if folder is None:
            raise
        shutil.rmtree(folder)
        graph = open_store(url, create=True)
    with contextlib.closing(graph):
        yield graph


def main() -> None:
    """Run a command. Exit code 2: what was given is wrong; 1: something went wrong; 130: interrupted."""
    signals: list[int] = []
    said = _INTERRUPTED

    def interrupt(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    def again(number: int, frame: FrameType | None) -> None:
        if sys.exc_info()[0] is None:
            interrupt(number, frame)
        # The command may be on its way out already: what it cleans up is not broken off.
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    def ignored(error: sys.UnraisableHookArgs) -> None:
        # Python drops exceptions at an object's end and in calls from another language: it comes again a moment later.
        if isinstance(error.exc_value, KeyboardInterrupt):
            signal.signal(signal.SIGALRM, again)
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            sys.__unraisablehook__(error)

    # SIGTERM as Ctrl-C: half-made files are removed on the way out.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    sys.unraisablehook = ignored
    try:
        code = app(args=sys.argv[1:] or ["--help"], prog_name="reelgraph", standalone_mode=False)
    except _UsageError as error:
        code = _say(_usage(error), 2)
    except BaseException as error:
        said = str(error) if isinstance(error, Interrupted) else said
        # A library in another language may turn the interruption into an exception of its own.
        known = 130 if signals else _exit_code(error)
        if known is None:
            raise
        code = known if known == 130 else _say(error, known)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    sys.exit(_say(said, 130) if code == 130 else code)


def _exit_code(error: BaseException) -> int | None:
    """2 for what was given, 1 for what went wrong, None for a mistake of ours."""
    # Imported where something has failed: a search has no use for the loaders.
    from api.settings import ServeError
    from gnn.config import ConfigError
    from gnn.runs import RunError
    from gnn.scorer import TrainingError
    from gnn.triples import TriplesError
    from graph.experiments import ExperimentError
    from graph.refreshed import RefreshRefused
    from graph.store import InvalidRows, NotInGraph, StoreError, StoreNotFound, UnknownStore
    from graph.tables import TablesError
    from loaders.catalog import CatalogError
    from loaders.download import DownloadError
    from loaders.engines import EngineFailed
    from loaders.imdb import LoadError

    loading = (LoadError, CatalogError, TablesError, InvalidRows)
    given = (*loading, ConfigError, ExperimentError, RunError, TriplesError, NotInGraph, StoreNotFound, UnknownStore)
    if isinstance(error, given):
        return 2
    wrong = (StoreError, ServeError, DownloadError, EngineFailed, TrainingError, RefreshRefused, OSError, MemoryError)
    return 1 if isinstance(error, wrong) else None


def _usage(error: Any) -> str:
    command = error.ctx.command_path if error.ctx else "reelgraph"
    return f"{error.format_message().replace(chr(10), ' ')} (see: {command} --help)"


def _say(problem: object, code: int) -> int:
    err.print(Text(f"reelgraph: {problem}"), soft_wrap=True)
    return code


if __name__ == "__main__":
    main()
