"""What the commands that load share: their options, and what these choose of IMDb's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graph.schema import CREDITS

if TYPE_CHECKING:
    from loaders.imdb import Choices

CatalogFilesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--catalog", metavar="FILE[:SLUG]", help="What a service may show: CSV, JSON lines or Parquet. Repeatable."
    ),
]
FeedbackOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR|FILE",
        help="Who watched or rated what: MovieLens' folder, or CSV, JSON lines or Parquet. Repeatable.",
    ),
]
TextsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Plots and keywords by tconst: CSV, JSON lines or Parquet.")
]
KindsOption = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Kinds of title, such as movie,tvSeries. Default: all but tvEpisode."),
]
VotesOption = Annotated[int, typer.Option(min=0, help="Only titles with at least this many votes.")]
KeepAdultOption = Annotated[bool, typer.Option(help="Keep adult titles in the graph (answered only when asked for).")]
CreditsOption = Annotated[
    str | None, typer.Option(metavar="LIST", help=f"Credits to keep, of {','.join(CREDITS)}. Default: all.")
]
AlternatesOption = Annotated[bool, typer.Option(help="Keep alternate titles.")]


def choices_of(kinds: str | None, min_votes: int, adult: bool, credits_: str | None, alternates: bool) -> Choices:
    """What these options choose of IMDb's files."""
    from loaders.imdb import Choices

    return Choices(
        kinds=frozenset(_listed(kinds)) if kinds is not None else None,
        min_votes=min_votes,
        adult=adult,
        credits=_listed(credits_) if credits_ is not None else CREDITS,
        alternates=alternates,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
