"""The command line of Reelgraph: `reelgraph --help` is the table of contents."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import typer
from rich.text import Text

from graph import commands as graph_commands
from graph.store import InvalidRows, NotInGraph, StoreError, StoreNotFound
from graph.tables import TablesError
from graph.terminal import err
from loaders import commands as loader_commands
from loaders.catalog import CatalogError
from loaders.download import DownloadError
from loaders.engines import LoadError

app = typer.Typer(
    name="reelgraph",
    help="An IMDb knowledge graph that recommends titles, says why, and answers for titles a catalog lacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
loader_commands.register(app)
graph_commands.register(app)

_GIVEN = (LoadError, CatalogError, TablesError, InvalidRows, NotInGraph, StoreNotFound)
_WENT_WRONG = (StoreError, DownloadError, OSError, MemoryError)


def main() -> None:
    """Run a command. Exit code 2: what was given is wrong; 1: something went wrong; 130: interrupted."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except _GIVEN as error:
        sys.exit(_say(error, 2))
    except _WENT_WRONG as error:
        sys.exit(_say(error, 1))
    except KeyboardInterrupt:
        sys.exit(_say("interrupted; what was there before is unchanged", 130))


def _say(problem: object, code: int) -> int:
    err.print(Text(f"reelgraph: {problem}"), soft_wrap=True)
    return code


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    # As with Ctrl-C, half-made files are removed on the way out.
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
