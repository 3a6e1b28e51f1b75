"""`reelgraph export`: the graph written out, in the forms that other programs read."""

from __future__ import annotations

import contextlib
import errno
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from graph.store import StoreFull
from graph.terminal import JsonOption, StoreOption, opened, out, print_json, progress

_app = typer.Typer(
    help="Write the graph out: Parquet, GraphML, CSV for neo4j-admin and Neptune. Counted searches and keys stay.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
FolderArgument = Annotated[Path, typer.Argument(help="Where the files go.", file_okay=False)]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(_app, name="export")


@_app.command("parquet")
def parquet(folder: FolderArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Write graph tables: Parquet files with a manifest, which every store can load. Into a new folder."""
    from graph.exports.parquet import export_parquet

    with _onto(folder), opened(store) as graph, progress("Exporting") as report:
        counts = export_parquet(graph, folder, report).manifest.counts
    _show(folder, counts, as_json)


@_app.command("graphml")
def graphml(
    file: Annotated[Path, typer.Argument(help="The file to write.", dir_okay=False)],
    titles: Annotated[int, typer.Option(min=1, help="The best-known titles, this many.")] = 1000,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the best-known titles with people and genres as GraphML, for Gephi or networkx."""
    from graph.exports.graphml import export_graphml

    with _onto(file), opened(store) as graph, progress("Exporting"):
        counts = export_graphml(graph, file, titles)
    _show(file, counts, as_json)


@_app.command("neo4j-admin")
def neo4j_admin(folder: FolderArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Write CSV for `neo4j-admin database import full`, and print that command.

    Everything but keys and counted searches, as the Neo4j store lays it out. Into a new folder, or one of an earlier
    export of this kind.

    Example: reelgraph export neo4j-admin import/
    """
    from graph.exports.neo4j_admin import export_neo4j_admin

    with _onto(folder), opened(store) as graph, progress("Exporting") as report:
        made = export_neo4j_admin(graph, folder, report)
    if as_json:
        print_json(made.as_dict())
        return
    _show(folder, made.counts, as_json)
    if made.empty_lists:
        out.print(f"{made.empty_lists:,} empty lists come in as absent: neo4j-admin has no way to write them.")
    out.print("\nStop Neo4j, then, as the user that it runs as:\n")
    start, rest = made.command[:5], made.command[5:]
    out.print(Text(" \\\n  ".join([shlex.join(start), *(shlex.quote(word) for word in rest)])), soft_wrap=True)
    out.print("\nStart it again; this makes constraints and indexes, and checks what came in:\n")
    out.print("reelgraph doctor --store neo4j://HOST:7687")


@_app.command("neptune")
def neptune(
    folder: FolderArgument,
    dialect: Annotated[
        str, typer.Option("--format", metavar="gremlin|opencypher", help="Which of the loader's two formats.")
    ] = "gremlin",
    split: Annotated[
        int, typer.Option(metavar="MB", min=1, max=4096, help="The most that a file holds, before compression.")
    ] = 256,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write CSV for the bulk loader of an Amazon Neptune that is empty, and print how it is loaded.

    Everything but keys and counted searches, as the Gremlin store lays it out; compressed. Into a new folder, or one of
    an earlier export of this kind. `reelgraph load --bulk` does all of it at once, and replaces what is there.

    Example: reelgraph export neptune bulk/ --format gremlin
    """
    from graph.exports.neptune import export_neptune
    from graph.neptune.files import DIALECTS

    if dialect not in DIALECTS:
        raise typer.BadParameter(f"{dialect!r} is none; take {' or '.join(DIALECTS)}", param_hint="--format")
    with _onto(folder), opened(store) as graph, progress("Exporting") as report:
        made = export_neptune(graph, folder, dialect, split << 20, report)
    if as_json:
        print_json(made.as_dict())
        return
    _show(folder, made.counts, as_json)
    out.print(f"{len(made.files)} files, {made.bytes / 2**20:,.1f} MB. To load them into a Neptune that is empty:\n")
    for line in made.commands:
        out.print(Text(line), soft_wrap=True)


@contextlib.contextmanager
def _onto(target: Path) -> Iterator[None]:
    """Say of a full disk whose it is."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StoreFull(f"the disk for {target} is full; nothing was exported") from error
        raise


def _show(target: Path, counts: Mapping[str, int], as_json: bool) -> None:
    if as_json:
        print_json({"path": str(target), "counts": dict(counts)})
    else:
        out.print(Text(f"Wrote {sum(counts.values()):,} rows to {target}"), soft_wrap=True)
