"""`reelgraph profile`: what a graph looks like, as a page in one file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from graph.terminal import JsonOption, StoreOption, opened, out, print_json, progress

_PAGE = Path("profile.html")


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("profile")(profile_)


def profile_(
    page: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE.html]", help="Where the page goes. Default: profile.html; with --json none."),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Published vectors to map titles by. Default: the substitute vectors."),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=100, help="How many nodes of a label are asked for neighbours and degrees.")
    ] = 100_000,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw what is in a graph: titles a year, ratings, genres together, a map of titles, degrees. One HTML file.

    Works on every store, in batches. Example: reelgraph profile graph.html
    """
    path = page if page is not None or as_json else _PAGE
    if path is not None and not path.resolve().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.resolve().parent}", param_hint="FILE.html")
    from graph.profile import profile
    from graph.profile_page import as_page

    with opened(store) as graph, progress("Looking") as report:
        found = profile(graph, vectors, report, sample)
    if path is not None:
        _write(path, as_page(found))
    if as_json:
        print_json(found.as_dict())
    else:
        out.print(Text(f"{path}: {found.counts.get('Title', 0):,} titles, version {found.version}"), soft_wrap=True)


def _write(path: Path, text: str) -> None:
    """The old page or the new one, never half."""
    number, partial = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(partial).chmod(0o666 & ~_umask())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
