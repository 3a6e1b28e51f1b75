"""Commands that bring data into a store that is served: `sync` follows a folder, `import gorse` takes a Gorse over."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from graph.terminal import JsonOption, StoreOption, err, opened, out, print_json, progress

if TYPE_CHECKING:
    from loaders.sync import SyncReport


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("sync")(sync_)
    imports = typer.Typer(
        name="import", help="Take over what another system holds.", no_args_is_help=True, rich_markup_mode=None
    )
    imports.callback()(lambda: None)
    imports.command("gorse")(gorse_)
    app.add_typer(imports)


def sync_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where replication drops CSV, in dated folders.")],
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C; else one round.")] = False,
    every: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="With --watch: how often to look.")] = 2.0,
    catalog: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Whose items are meant. Default: the only catalog's, or gorse.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where it remembers what it has read. Default: in the user's data folder."),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow users, items and feedback as database replication writes them: inserts, updates and deletes.

    Rows may come out of order, again and late: the latest commit of each thing counts. A running service answers with
    them at once. Begun again, it goes on where it was; what was broken off is done again, to the same end.

    Example: reelgraph sync /drops --watch
    """
    from loaders.sync import Sync, state_file

    with opened(store, create=True) as graph:
        syncing = Sync(graph, folder, catalog, state or state_file(folder, graph.url))
        with contextlib.closing(syncing):
            while True:
                with progress("Reading") as report:
                    done = syncing.round(report)
                if done.files or done.written or done.deleted or not watch:
                    _show(done, as_json)
                if not watch:
                    return
                time.sleep(every)


def _show(done: SyncReport, as_json: bool) -> None:
    if as_json:
        print_json(done.as_dict())
        return
    told = [f"{done.files:,} files", f"{done.rows:,} rows", f"{done.written:,} written", f"{done.deleted:,} deleted"]
    if done.late:
        told.append(f"{done.late:,} there already or later there")
    if done.waiting:
        told.append(f"{done.waiting:,} wait for their title")
    out.print(Text(", ".join(told)), soft_wrap=True)
    for why, count in done.left_out.items():
        out.print(Text(f"  {count:,} left out: {why}"), soft_wrap=True)


def gorse_(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Gorse's address, its dump, or a folder of its exports.")
    ],
    key: Annotated[str | None, typer.Option(envvar="GORSE_API_KEY", help="The API key of that Gorse.")] = None,
    catalog: Annotated[str, typer.Option(metavar="SLUG", help="The catalog that its items go into.")] = "gorse",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take over a Gorse: its users, items and feedback.

    An item that says which title of IMDb it is (docs/from-gorse.md) becomes that title, any other one a title of its
    own. Begun again, it ends the same.

    Example: reelgraph import gorse http://localhost:8088 --key KEY
    """
    from loaders.gorse_dump import read_gorse
    from loaders.gorse_import import import_gorse

    with opened(store, create=True) as graph, progress("Importing") as report:
        done = import_gorse(graph, read_gorse(source, key), catalog, report)
    if as_json:
        print_json(done.as_dict())
        return
    line = (
        f"{done.users:,} users, {done.items:,} items ({done.matched:,} are titles of IMDb), {done.feedback:,} feedback"
    )
    out.print(Text(line), soft_wrap=True)
    for why, count in done.left_out.items():
        out.print(Text(f"  {count:,} left out: {why}"), soft_wrap=True)
    err.print(Text(f"Next: REELGRAPH_ITEMS_CATALOG={catalog} reelgraph serve"), soft_wrap=True)
