"""`reelgraph communities`: find who makes a genre's titles together, and keep it in Neo4j for exploration."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from graph.terminal import JsonOption, StoreOption, opened, out, print_json, progress

_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("communities")(communities)


def communities(
    genre: Annotated[str, typer.Argument(metavar="GENRE", help="A genre as IMDb names it, such as Film-Noir.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the groups of people who make a genre's titles together; in Neo4j, keep them with the people.

    There each person gets the property `communities`, with GENRE:NUMBER for each genre that was asked for; asking again
    replaces it. Other stores only answer. Adult titles are left out.

    Example: reelgraph communities Animation
    """
    from graph.communities import find, keep

    with opened(store) as graph, progress("Communities") as report:
        found = find(graph, genre, report)
        kept = keep(graph, found)
        best = [name for group in found.groups[:_SHOWN] for name in group[:3]]
        names = {row["id"]: row["name"] for row in graph.get_nodes("Person", best, ["name"]).to_pylist()}
    if as_json:
        print_json(found.as_dict() | {"kept": kept})
        return
    members = sum(map(len, found.groups))
    out.print(
        Text(
            f"{found.genre}: {len(found.groups):,} communities of {members:,} people in {found.titles:,} titles, "
            f"modularity {found.modularity:.2f}"
        )
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("community", "people", "among them"):
        table.add_column(column)
    for number, group in enumerate(found.groups[:_SHOWN], 1):
        some = ", ".join(names.get(person) or person for person in group[:3])
        table.add_row(Text(f"{found.genre}:{number}"), f"{len(group):,}", Text(some))
    out.print(table)
    if kept:
        out.print(Text("Kept with the people, as communities; cypher/explore/genre_communities.cypher shows them."))
    else:
        out.print(Text("Not kept: only Neo4j keeps them, for its Browser."))
