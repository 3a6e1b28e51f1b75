"""`reelgraph user`: everything known of a user as one document, and its removal."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from graph.store import NotInGraph
from graph.terminal import JsonOption, StoreOption, opened, out, print_json

_ID = Annotated[str, typer.Argument(metavar="ID", help="The service's own id of the user.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    users = typer.Typer(
        name="user", help="What is known of a user: export and delete it.", no_args_is_help=True, rich_markup_mode=None
    )
    users.command("export")(export_)
    users.command("delete")(delete_)
    app.add_typer(users)


def export_(user: _ID, store: StoreOption = None) -> None:
    """Print everything known of a user as JSON: labels, and all feedback with the names of its titles."""
    from graph.users import export

    with opened(store) as graph:
        made = export(graph, user)
    if made is None:
        raise _nobody(user)
    print_json(made)


def delete_(user: _ID, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Remove a user with everything known of them. A running service answers without them at once."""
    from graph.users import delete

    with opened(store) as graph:
        count = int(graph.degrees([user], ["RATED"], "out")[0])
        if not delete(graph, user):
            raise _nobody(user)
    if as_json:
        print_json({"id": user, "feedback": count})
        return
    out.print(Text(f"{user} is gone, with {count:,} pieces of feedback"), soft_wrap=True)


def _nobody(user: str) -> NotInGraph:
    return NotInGraph(f"there is no user {user!r}; ids are those that the service gave, written exactly so")
