"""The command `rerank`: what two towers would show a user, before and after their ranker, beside what they rated."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from graph.search import MAX_SUBSTITUTES
from graph.store import Scope
from graph.terminal import JsonOption, StoreOption, opened, out, print_json, refused_as


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("rerank")(rerank)


def rerank(
    user: Annotated[str, typer.Argument(help="A user's id.")],
    catalog: Annotated[str | None, typer.Option(metavar="SLUG", help="Default: the union of all catalogs.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_SUBSTITUTES, help="How many of each.")] = 10,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a user's titles by two towers, before and after their ranker, beside what they rated.

    What they have had is left out. Both lists are those of the strategies towers and towers-ranked.
    Example: reelgraph train configs/towers.toml, reelgraph publish towers, then: reelgraph rerank 17
    """
    from graph.reranked import reranked

    with opened(store) as graph, refused_as("--store"):
        found = reranked(graph, user, Scope(catalog), limit)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table

    out.print(Text(f"{found['known']:,} titles known of {found['user']}; points are of feedback: {found['points']}\n"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("#", "before", "after", "was", "points", "rated", "gave", "said"):
        table.add_column(heading, justify="left" if heading in {"before", "after", "rated"} else "right")
    columns = [found[name] for name in ("before", "after", "rated")]
    for place in range(max(map(len, columns))):
        before, after, rated = (column[place] if place < len(column) else {} for column in columns)
        table.add_row(
            str(place + 1), _name(before), _name(after), str(after.get("was") or ""), _points(after.get("points")),
            _name(rated), _points(rated.get("gave")), _points(rated.get("points")),
        )  # fmt: skip
    out.print(table)
    if not found["before"]:
        out.print("No title in scope is left; load a catalog, or name another with --catalog.")


def _name(one: dict[str, Any]) -> Text:
    if not one:
        return Text("")
    year = f" ({one['start_year']})" if one["start_year"] else ""
    return Text(f"{one['title'] or one['id']}{year}")


def _points(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
