"""The command that keeps a graph fresh without people: refresh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from graph.terminal import JsonOption, StoreOption, err, opened, out, print_json, progress
from loaders.bulk import BulkOption, ParallelismOption, RoleOption, bulk_of, through
from loaders.commands import show_loaded
from loaders.download import IMDB_URL, LICENCE_NOTICE
from loaders.options import (
    AlternatesOption,
    CatalogFilesOption,
    CreditsOption,
    FeedbackOption,
    KeepAdultOption,
    KindsOption,
    TextsOption,
    VotesOption,
    choices_of,
)

if TYPE_CHECKING:
    from loaders.refresh import Outcome, Vectors

Retraining = Callable[[Path, Sequence[Path], float, float], "Vectors"]
"""Folder of the runs, configurations, shares (`--retrain-above`, `--worse-at-most`) → what keeps vectors up to date."""
FRESH = "The graph is as published"
"""In the last line of every refresh that succeeded: what a watch over logs may look for."""


def register(app: typer.Typer, retraining: Retraining) -> None:
    """Add this command to the command line."""
    app.command("refresh", context_settings={"obj": retraining})(refresh_)


def refresh_(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where IMDb's files come to, and stay until the next time.")
    ],
    url: Annotated[str, typer.Option("--imdb-url", help="Where they are published.")] = IMDB_URL,
    fetch: Annotated[
        bool, typer.Option("--download/--no-download", help="Fetch them, or take what others put into DIR.")
    ] = True,
    catalog: CatalogFilesOption = None,
    feedback: FeedbackOption = None,
    texts: TextsOption = None,
    kinds: KindsOption = None,
    min_votes: VotesOption = 0,
    adult: KeepAdultOption = True,
    credits: CreditsOption = None,  # noqa: A002
    alternates: AlternatesOption = True,
    config: Annotated[
        list[Path] | None,
        typer.Option(metavar="TOML", help="What to train, such as configs/complex.toml. Repeatable. Default: nothing."),
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where the run folders are.")] = Path("runs"),
    retrain_above: Annotated[
        float,
        typer.Option(min=0, max=1, help="Train anew when more than this share of titles, or of feedback, has changed."),
    ] = 0.1,
    worse_at_most: Annotated[
        float, typer.Option(min=0, max=1, help="Publish a new run that is worse than the old one by no more than this.")
    ] = 0.05,
    lose_at_most: Annotated[
        float, typer.Option(min=0, max=1, help="Refuse files that lack more than this share of what the graph has.")
    ] = 0.02,
    force: Annotated[bool, typer.Option("--force", help="Load although nothing is new, and whatever is lost.")] = False,
    bulk: BulkOption = None,
    iam_role: RoleOption = None,
    parallelism: ParallelismOption = "HIGH",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the graph up to date: download, load, fold in or train, publish. With nothing new it does nothing.

    One job for a timer: broken off, it goes on from there the next time; a second one at once is refused. Catalogs and
    feedback stay. Exit code 1 when something needs a person: doctor, /health/ready and /metrics say so too.

    Example: reelgraph refresh --dir imdb/ --min-votes 100 --config configs/substitutes.toml
    """
    vectors = context.obj(runs, config or (), retrain_above, worse_at_most)
    from loaders.catalog import CatalogFile
    from loaders.refresh import refresh
    from loaders.wanted import Wanted

    choices = choices_of(kinds, min_votes, adult, credits, alternates)
    files = [CatalogFile.of(text) for text in catalog or ()]
    wanted = Wanted(folder, url if fetch else None, files, feedback or (), texts, choices)
    if wanted.url == IMDB_URL:
        err.print(Text(LICENCE_NOTICE), soft_wrap=True)
    with opened(store, create=True) as graph, progress("Refreshing") as report:
        outcome = refresh(
            graph,
            wanted,
            vectors,
            lose_at_most=lose_at_most,
            force=force,
            load_tables=through(graph, bulk_of(graph, bulk, iam_role, parallelism)),
            fetched=lambda name, have, whole: report(f"fetching {name}", have / whole if whole else 0.0),
            progress=report,
        )
    if as_json:
        print_json(outcome.as_dict())
    else:
        _show(outcome)
    if outcome.after.state != "done":
        err.print(Text(f"reelgraph: {outcome.after.state}: {outcome.after.problem}"), soft_wrap=True)
        raise typer.Exit(1)


def _show(outcome: Outcome) -> None:
    if outcome.loaded:
        show_loaded(outcome.loaded)
    for one in outcome.vectors:
        out.print(Text(str(one)), soft_wrap=True)
    if outcome.after.state == "done":
        nothing = "" if outcome.loaded or outcome.vectors else "Nothing is new. "
        out.print(f"{nothing}{FRESH}: version {outcome.version}")
