"""`reelgraph strategies` and `reelgraph catalogs`: by what questions are answered, and by what those to a catalog."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from graph.catalogs import catalogs, change_catalog
from graph.search import Searcher
from graph.terminal import JsonOption, StoreOption, opened, out, print_json, refused_as

USUAL = "usual"


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("strategies")(strategies)
    app.command("catalogs")(catalogs_)


def strategies(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the strategies by which questions can be answered, and what is missing for those that cannot be used."""
    with opened(store) as graph:
        found = Searcher(graph).strategies.listed()
    if as_json:
        print_json({"strategies": [one.as_dict() for one in found]})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("name", "here", "about"):
        table.add_column(column)
    for one in found:
        about = one.about if one.missing is None else f"{one.about} ({one.missing})"
        table.add_row(one.name, Text("yes" if one.available else "no"), Text(about))
    out.print(table)


def catalogs_(
    slug: Annotated[str | None, typer.Argument(metavar="SLUG", help="The catalog to change.")] = None,
    strategy: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"By which strategy it is answered from now on; {USUAL}: none of its own."),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the catalogs; or say by which strategy one of them is answered, where a request names none.

    Example: reelgraph catalogs north --strategy embedding
    """
    if (slug is None) != (strategy is None):
        raise typer.BadParameter("name both a catalog and its strategy, or neither", param_hint="--strategy")
    with opened(store) as graph:
        if slug is not None and strategy is not None:
            with refused_as("--strategy"):
                if strategy != USUAL:
                    Searcher(graph).strategies.check(strategy)
                change_catalog(graph, slug, {"strategy": None if strategy == USUAL else strategy})
        found = [one for one in catalogs(graph) if slug in (None, one.id)]
    if as_json:
        print_json({"catalogs": [asdict(one) for one in found]})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("slug", "name", "offers", "strategy"):
        table.add_column(column, justify="right" if column == "offers" else "left")
    for one in found:
        table.add_row(one.id, Text(one.name or ""), f"{one.titles:,}", one.strategy or USUAL)
    out.print(table)
