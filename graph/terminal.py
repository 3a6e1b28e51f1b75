"""What the commands share: the options that mean the same everywhere, JSON, and progress on long work."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any

import typer
from rich.console import Console

from graph.preferences import PreferenceError, Preferences
from graph.store import GraphStore, Scope, open_store
from graph.strategy import StrategyError

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="URL", help="Where the graph is. Default: REELGRAPH_STORE, or the user's data folder."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
CatalogOption = Annotated[
    str | None, typer.Option(metavar="SLUG", help="Answer from this catalog. Default: all of them.")
]
RegionOption = Annotated[str | None, typer.Option(metavar="CODE", help="Only what may be shown there, such as US.")]
DayOption = Annotated[
    str | None, typer.Option("--on", metavar="DAY", help="Only what may be shown that day. Default: today.")
]
AdultOption = Annotated[bool, typer.Option("--adult", help="Let adult titles be answered.")]
DiversityOption = Annotated[
    float, typer.Option(metavar="0-1", help="How much titles must differ from those before them.")
]
WeightOption = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        metavar="FACET=0-4",
        help="How much a facet counts: cast, director, genre, era or popularity. Repeatable.",
    ),
]
StrategyOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="By which strategy (reelgraph strategies lists them). Default: the catalog's own, or the usual.",
    ),
]

_PATIENCE_SECONDS = 2.0

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextlib.contextmanager
def opened(url: str | None, *, create: bool = False) -> Iterator[GraphStore]:
    """Open the store that a command was given, or the one of the settings, and close it afterwards."""
    if not url:
        from graph.settings import GraphSettings

        url = GraphSettings().store
    store = open_store(url, create=create)
    try:
        yield store
    finally:
        store.close()


def scope_of(catalog: str | None, region: str | None, on: str | None, adult: bool) -> Scope:
    """The scope that a command's options name; the day is today unless given."""
    try:
        day = dt.date.fromisoformat(on) if on else dt.datetime.now(dt.UTC).date()
    except ValueError:
        raise typer.BadParameter(f"{on!r} is not a day; write it as 2026-11-21", param_hint="--on") from None
    if region is not None and not (region.isalpha() and 2 <= len(region) <= 3):
        raise typer.BadParameter(f"{region!r} is not a country code; write it as US", param_hint="--region")
    return Scope(catalog, region, day, adult)


def preferences_of(diversity: float, weights: Iterable[str] | None) -> Preferences:
    """The preferences that a command's options name."""
    try:
        return Preferences.parse(diversity, weights or ())
    except PreferenceError as error:
        hint = "--diversity" if str(error).startswith("diversity") else "--weight"
        raise typer.BadParameter(str(error), param_hint=hint) from None


@contextlib.contextmanager
def refused_as(hint: str) -> Iterator[None]:
    """What cannot be followed is a mistake in how the command was called. hint: where, where it is not the strategy."""
    try:
        yield
    except StrategyError as error:
        raise typer.BadParameter(str(error), param_hint="--strategy") from None
    except PreferenceError as error:
        raise typer.BadParameter(str(error), param_hint=hint) from None


def print_json(value: Any) -> None:
    """Write JSON to standard output, readable, with every script's letters as they are."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


@contextlib.contextmanager
def progress(title: str) -> Iterator[Callable[[str, float], None]]:
    """Show how far long work is, on standard error: a bar in a terminal, elsewhere a line now and then."""
    if err.is_terminal:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task(title, total=1.0)
            yield lambda what, share: bar.update(task, description=f"{title}: {what}", completed=share)
        return
    told = time.monotonic()

    def tell(what: str, share: float) -> None:
        nonlocal told
        if time.monotonic() - told > _PATIENCE_SECONDS:
            told = time.monotonic()
            err.print(f"{title}: {what}, {share:.0%}")

    yield tell
