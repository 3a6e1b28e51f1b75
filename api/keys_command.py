"""`reelgraph keys`: make, list and revoke the keys of the service."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from api.keys import NAME_LENGTH, Role, keys, make, revoke
from graph.terminal import JsonOption, StoreOption, err, opened, out, print_json

_app = typer.Typer(help="Make, list and revoke the keys of the service.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(_app, name="keys")


@_app.command("make")
def make_key(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    role: Annotated[Role, typer.Option(help="What it may do; each role may also do what those before it may.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, this once: the store keeps only a digest.

    read: every question. write: also changes, such as what a catalog offers. admin: also POST /query.

    Example: reelgraph keys make editors --role write
    """
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise typer.BadParameter(f"give a name of 1 to {NAME_LENGTH} letters", param_hint="NAME")
    with opened(store) as graph:
        made, key = make(graph, name, role)
    if as_json:
        print_json(asdict(made) | {"key": key})
        return
    err.print(Text(f"Key {made.id} for {name}, role {role}. It is shown this once:"), soft_wrap=True)
    sys.stdout.write(key + "\n")


@_app.command("list")
def list_keys(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List all keys: their ids, names, roles, and when they were made."""
    with opened(store) as graph:
        found = keys(graph)
    if as_json:
        print_json([asdict(key) for key in found])
        return
    if not found:
        out.print("There are no keys: the service answers this machine alone.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("id", "name", "role", "made"):
        table.add_column(column, no_wrap=column != "name")
    for key in found:
        table.add_row(*(Text(value) for value in (key.id, key.name, key.role, key.made)))
    out.print(table)


@_app.command("revoke")
def revoke_key(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key. A service that runs takes it no more after five seconds."""
    with opened(store) as graph:
        revoke(graph, id_)
    if as_json:
        print_json({"revoked": id_})
    else:
        out.print(Text(f"Key {id_} is revoked."))
