"""IMDb's files: their names and columns, what one may choose of them, and what became of them.

Source: https://developer.imdb.com/non-commercial-datasets/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.schema import CREDITS
from graph.tables import Source
from loaders.tsv import LoadError

KINDS = (
    "movie", "short", "tvSeries", "tvMiniSeries", "tvMovie", "tvSpecial", "tvShort", "tvEpisode", "tvPilot", "video",
    "videoGame",
)  # fmt: skip
"""IMDb's titleTypes."""

FILES: dict[str, tuple[str, ...]] = {
    "title.basics": (
        "tconst", "titleType", "primaryTitle", "originalTitle", "isAdult", "startYear", "endYear", "runtimeMinutes",
        "genres",
    ),
    "title.ratings": ("tconst", "averageRating", "numVotes"),
    "name.basics": ("nconst", "primaryName", "birthYear", "deathYear", "primaryProfession", "knownForTitles"),
    "title.principals": ("tconst", "ordering", "nconst", "category", "job", "characters"),
    "title.crew": ("tconst", "directors", "writers"),
    "title.akas": ("titleId", "ordering", "title", "region", "language", "types"),
    "title.episode": ("tconst", "parentTconst", "seasonNumber", "episodeNumber"),
}  # fmt: skip
"""IMDb's files, and the columns that are read of each."""

IDS = {"tconst": "tt", "titleId": "tt", "parentTconst": "tt", "nconst": "nm"}
"""The columns that hold an id, and what every id there begins with. Staged files have `NAME_number` beside each."""

CATEGORIES: dict[str, tuple[str, ...]] = {
    "ACTED_IN": ("actor", "actress", "self"),
    "SEEN_IN_ARCHIVE": ("archive_footage", "archive_sound"),
    "DIRECTED": ("director",),
    "WROTE": ("writer",),
    "PRODUCED": ("producer",),
    "COMPOSED": ("composer",),
    "SHOT": ("cinematographer",),
    "EDITED": ("editor",),
    "DESIGNED": ("production_designer",),
    "CAST": ("casting_director",),
}
"""Which of IMDb's categories of principals make which relationship."""

CREW = {"DIRECTED": "directors", "WROTE": "writers"}
"""Which relationship the columns of title.crew make."""


@dataclass(frozen=True)
class Choices:
    """What of IMDb goes into the graph.

    kinds: titleTypes; None means every one but tvEpisode. min_votes: titles with fewer are left out, unrated ones
    too. adult: whether adult titles are kept in the graph. credits: relationship types of `graph.schema.CREDITS`.
    alternates: whether alternate titles are read. Raises LoadError for a name that does not exist.
    """

    kinds: frozenset[str] | None = None
    min_votes: int = 0
    adult: bool = True
    credits: tuple[str, ...] = CREDITS
    alternates: bool = True

    def __post_init__(self) -> None:
        for given, known, what in ((self.kinds or (), KINDS, "kind of title"), (self.credits, CREDITS, "credit")):
            for name in sorted(set(given) - set(known)):
                raise LoadError(f"there is no {what} {name!r}; there are {', '.join(known)}")
        if self.kinds is not None and not self.kinds:
            raise LoadError(f"no kind of title is chosen; there are {', '.join(KINDS)}")
        if self.min_votes < 0:
            raise LoadError(f"min_votes is {self.min_votes}; it must be 0 or more")


@dataclass(frozen=True)
class FileReport:
    """What became of one file: rows == kept + sum(dropped.values()).

    dropped: rows left out, by reason. repaired: in rows that were kept, the values that were made null, or the
    references in a list that were left out, by reason.
    """

    file: str
    rows: int
    kept: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.file}: {self.rows:,} rows, {self.kept:,} kept"]
        lines += [f"  {count:,} left out: {reason}" for reason, count in self.dropped.items()]
        lines += [f"  {count:,} mended: {reason}" for reason, count in self.repaired.items()]
        return "\n".join(lines)


@dataclass(frozen=True)
class LoadReport:
    """What a load read, kept and left out.

    files: one report a file. missing: IMDb's files that are not there, whose tables are therefore absent. unused:
    those that are there and were not read, because of the choices or because name.basics is missing. counts: the rows
    of each table that was made. sources: the files that were read, for the manifest.
    """

    files: tuple[FileReport, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]
    counts: Mapping[str, int]
    sources: list[Source]

    def file(self, name: str) -> FileReport:
        """The report of a file by IMDb's name for it, `title.basics`. KeyError when it was not read."""
        for report in self.files:
            if report.file.startswith(f"{name}.tsv"):
                return report
        raise KeyError(name)
