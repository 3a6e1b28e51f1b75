"""IMDb's seven TSV files → graph tables.

Each file is put into Parquet as it is (`loaders.engines`), then judged row by row: a row is kept, or it has a reason
why not, and the report counts both, so that rows read = rows kept + rows dropped. Joins build on ids alone.
Source of the files and of what their columns mean: https://developer.imdb.com/non-commercial-datasets/
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from pathlib import Path

import narwhals as nw
import pyarrow.parquet as pq

from graph.schema import CREDITS, arrow_schema
from graph.store import Progress
from graph.tables import MANIFEST, Source, table_path
from loaders.engines import LINE, Engine, Frame, LoadError, Tsv, open_engine, open_tsv

__all__ = ["FILES", "KINDS", "Choices", "FileReport", "LoadError", "LoadReport", "imdb_tables"]

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

_CREW = {"DIRECTED": "directors", "WROTE": "writers"}
_TABLES = (
    "Title", "Person", "Genre", "AlternateTitle", *CREDITS, "KNOWN_FOR", "IN_GENRE", "ALSO_KNOWN_AS", "EPISODE_OF",
)  # fmt: skip
_TITLE_YEARS = (1800, 2200)
# People may have lived long before film: Shakespeare is credited as a writer.
_PEOPLE_YEARS = (1, 2200)
# So many rows are looked through for repeats at a time; it bounds the memory of a group-by over all rows of a file.
_ROWS_AT_ONCE = 4_000_000
_DIGITS = [f"{number:02}" for number in range(100)]


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

    files: one report a file; missing: IMDb's files that are not there, whose tables are therefore absent;
    counts: the rows of each table that was made; sources: the files, for the manifest.
    """

    files: tuple[FileReport, ...]
    missing: tuple[str, ...]
    counts: Mapping[str, int]
    sources: list[Source]

    def file(self, name: str) -> FileReport:
        """The report of a file by IMDb's name for it, `title.basics`. KeyError when it was not read."""
        for report in self.files:
            if report.file.startswith(f"{name}.tsv"):
                return report
        raise KeyError(name)


def imdb_tables(
    source: Path,
    target: Path,
    choices: Choices = Choices(),
    *,
    engine: str = "polars",
    progress: Progress | None = None,
) -> LoadReport:
    """Make graph tables of IMDb's files (`NAME.tsv` or `NAME.tsv.gz`) in a folder; the manifest is the caller's.

    Only title.basics must be there; credits also need name.basics. Invalid UTF-8 is replaced by U+FFFD and counted.
    The tables come into `target` when all are made; until then it stays as it was. Intermediate files, about as large
    as the unpacked TSVs, lie in a hidden folder beside `target` and are always removed.
    Raises LoadError for input that cannot be loaded.
    """
    runner = open_engine(engine)
    files = _find(source, choices)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as staging:
        load = _Load(runner, Path(staging), choices, files, progress or (lambda _what, _part: None))
        load.run()
        counts = _put_in_place(load.tables, target)
    missing = tuple(name for name in FILES if name not in files and (choices.alternates or name != "title.akas"))
    return LoadReport(tuple(load.reports), missing, counts, [Source.of(tsv.path) for tsv in files.values()])


def _find(source: Path, choices: Choices) -> dict[str, Tsv]:
    if not source.is_dir():
        raise LoadError(f"{source} is not a folder; give the one that holds title.basics.tsv.gz")
    files = {}
    for name, columns in FILES.items():
        there = [path for path in (source / f"{name}.tsv", source / f"{name}.tsv.gz") if path.is_file()]
        if there and (choices.alternates or name != "title.akas"):
            # With both there, the newer one is the one that was meant.
            files[name] = open_tsv(max(there, key=lambda path: path.stat().st_mtime), columns)
    if "title.basics" not in files:
        raise LoadError(f"{source} holds no title.basics.tsv or .tsv.gz; get it from https://datasets.imdbws.com")
    if choices.min_votes and "title.ratings" not in files:
        raise LoadError(f"min_votes needs title.ratings.tsv.gz, which {source} does not hold")
    return files


def _put_in_place(made: Path, target: Path) -> dict[str, int]:
    counts = {}
    target.mkdir(exist_ok=True)
    # A manifest that vouched for other tables, and tables of a load with other choices, must not survive.
    (target / MANIFEST).unlink(missing_ok=True)
    for name in _TABLES:
        path = table_path(target, name)
        path.unlink(missing_ok=True)
        if table_path(made, name).exists():
            path.parent.mkdir(exist_ok=True)
            table_path(made, name).replace(path)
            counts[name] = int(pq.read_metadata(path).num_rows)
    return counts


class _Load:
    """One run: its engine, its folder for intermediate files, and the reports so far."""

    def __init__(
        self, engine: Engine, folder: Path, choices: Choices, files: Mapping[str, Tsv], progress: Progress
    ) -> None:
        self.engine = engine
        self.folder = folder
        self.tables = folder / "tables"
        self.choices = choices
        self.files = files
        self.progress = progress
        self.reports: list[FileReport] = []

    def run(self) -> None:
        self.stage()
        steps: list[tuple[str, Callable[[], None]]] = [("titles", self.titles)]
        if "name.basics" in self.files:
            steps += [("credits", self.credits), ("people", self.people)]
        steps += [("alternate titles", self.alternates), ("episodes", self.episodes)]
        for number, (what, step) in enumerate(steps):
            self.progress(what, 0.4 + 0.6 * number / len(steps))
            step()
        self.progress("done", 1.0)

    def stage(self) -> None:
        total = sum(tsv.path.stat().st_size for tsv in self.files.values())
        before = 0

        def tick(tsv: Tsv) -> None:
            self.progress(f"reading {tsv.path.name}", 0.4 * min(1.0, (before + tsv.position) / total))

        for name, tsv in self.files.items():
            self.engine.stage(tsv, FILES[name], self.folder / name, partial(tick, tsv))
            before += tsv.path.stat().st_size

    # -- titles

    def titles(self) -> None:
        rows = self.firsts("title.basics", self.scan("title.basics"), ["tconst"])
        if "title.ratings" in self.files:
            ratings = self.firsts("title.ratings", self.scan("title.ratings"), ["tconst"]).drop(LINE)
            rows = self.engine.look_up(rows, ratings, ["tconst"])
        else:
            rows = rows.with_columns(averageRating=_no_string(), numVotes=_no_string())
        start_year, end_year = _year("startYear"), _year("endYear")
        rows = rows.select(
            nw.col("tconst").alias("id"),
            nw.col("titleType").alias("kind"),
            nw.col("primaryTitle").alias("title"),
            nw.col("originalTitle").alias("original_title"),
            start_year.alias("start_year"),
            end_year.alias("end_year"),
            _integer("runtimeMinutes").alias("runtime_minutes"),
            _flag("isAdult").alias("is_adult"),
            _rating("averageRating").alias("average_rating"),
            _integer("numVotes").alias("num_votes"),
            _no_string().alias("poster_url"),
            "genres",
            **_faults(
                startYear=start_year,
                endYear=end_year,
                runtimeMinutes=_integer("runtimeMinutes"),
                isAdult=_flag("isAdult"),
                averageRating=_rating("averageRating"),
                numVotes=_integer("numVotes"),
            ),
        )
        rows = rows.with_columns(reason=_first_true(self._why_not_title()))
        kept = rows.filter(nw.col("reason").is_null())
        genre = _split("genres").list.unique().list.sort()
        genres = kept.select(nw.col("id").alias("head"), genre.alias("tail"), nw.lit("").alias("key"))
        genres = genres.filter(~nw.col("tail").is_null()).explode("tail").filter(nw.col("tail") != "")
        known = rows.filter(~nw.col("id").is_null())
        self.write(
            {"Title": kept, "IN_GENRE": genres},
            {
                "titles": known.select(nw.col("id").alias("tconst"), nw.col("reason").is_null().alias("kept")),
                "title.basics-count": _tally(rows, _fault_names(rows)),
            },
        )
        self.write({"Genre": self.table("IN_GENRE").select(nw.col("tail").alias("id")).unique().sort("id")})
        self.report("title.basics")
        if "title.ratings" in self.files:
            ratings = self.firsts("title.ratings", self.scan("title.ratings"), ["tconst"])
            ratings = self.engine.look_up(ratings, self.known_titles("tconst"), ["tconst"])
            self.write(
                {}, {"title.ratings-count": _tally(ratings.with_columns(reason=_first_true(_why_not("tconst"))))}
            )
            self.report("title.ratings")

    def _why_not_title(self) -> list[tuple[nw.Expr, str]]:
        kind = nw.col("kind").is_in(sorted(self.choices.kinds or {"tvEpisode"}))
        other_kind = ~kind if self.choices.kinds is not None else kind
        reasons = [
            (nw.col("id").is_null(), "no id"),
            (other_kind.fill_null(self.choices.kinds is not None), "kind of title not chosen"),
        ]
        if not self.choices.adult:
            reasons.append((nw.col("is_adult").fill_null(False), "adult title"))
        if self.choices.min_votes:
            few = nw.col("num_votes").fill_null(0) < self.choices.min_votes
            reasons.append((few, f"fewer than {self.choices.min_votes} votes"))
        return reasons

    def known_titles(self, id_name: str, kept: str = "kept") -> Frame:
        """Every id that title.basics has, and whether the title is kept."""
        return self.engine.scan(self.folder / "titles.parquet").rename({"tconst": id_name, "kept": kept})

    # -- credits

    def credits(self) -> None:
        """Principals and crew; a pair of the crew file that principals have in that type is not added again."""
        names = self.firsts("name.basics", self.scan("name.basics"), ["nconst"])
        people = names.filter(~nw.col("nconst").is_null()).select("nconst", known=nw.lit(True))
        crew: dict[str, Frame] = {}
        if "title.crew" in self.files:
            crew = self.crew(people)
        made: dict[str, Frame] = {}
        others: dict[str, Frame] = {}
        if "title.principals" in self.files:
            rows = self.principals(people)
            kept = rows.filter(nw.col("reason").is_null())
            made = {type_: kept.filter(nw.col("type") == type_) for type_ in self.choices.credits}
            made = {type_: frame.select(arrow_schema(type_).names) for type_, frame in made.items()}
            others = {"title.principals-count": _tally(rows, _fault_names(rows))}
        for type_, frame in crew.items():
            made[type_] = nw.concat([made[type_], frame]) if type_ in made else frame
        self.write(made, others)
        if "title.principals" in self.files:
            self.report("title.principals")

    def principals(self, people: Frame) -> Frame:
        """Every row of principals as a relationship, with its type, its faults and, if it is dropped, the reason."""
        ordering, characters = _integer("ordering"), _characters("characters")
        types = [(nw.col("category").is_in(values), type_) for type_, values in CATEGORIES.items()]
        rows = self.scan("title.principals").with_columns(
            type=_first_true(types), key=nw.when(~ordering.is_null()).then(nw.col("ordering")).otherwise(nw.lit(""))
        )
        rows = self.firsts("title.principals", rows, ["tconst", "nconst", "key", "type"])
        rows = self.engine.look_up(rows, self.known_titles("tconst"), ["tconst"])
        rows = self.engine.look_up(rows, people, ["nconst"])
        reasons = [
            (nw.col("nconst").is_null(), "no id"),
            *_why_not("tconst"),
            (nw.col("type").is_null(), "unknown category"),
            (~nw.col("type").is_in(list(self.choices.credits)), "credit not chosen"),
            (nw.col("known").is_null(), "unknown person"),
        ]
        return rows.select(
            nw.col("nconst").alias("head"),
            nw.col("tconst").alias("tail"),
            "key",
            ordering.alias("ordering"),
            "category",
            "job",
            characters.alias("characters"),
            "type",
            _first_true(reasons).alias("reason"),
            **_faults(ordering=ordering, characters=characters),
        )

    def crew(self, people: Frame) -> dict[str, Frame]:
        """What the crew file adds to principals, by type: relationships with key '' and null ordering."""
        rows = self.firsts("title.crew", self.scan("title.crew"), ["tconst"])
        rows = self.engine.look_up(rows, self.known_titles("tconst"), ["tconst"])
        rows = rows.with_columns(reason=_first_true(_why_not("tconst")))
        self.write({}, {"title.crew-count": _tally(rows)})
        repaired: dict[str, int] = {}
        added = {}
        for type_, column in _CREW.items():
            if type_ not in self.choices.credits:
                continue
            folder = self.folder / f"title.crew-{type_}"
            for number, part in enumerate(_parts("tconst", self.rows_of("title.crew") * 4)):
                pairs = rows.filter(nw.col("reason").is_null() & part)
                pairs = pairs.select("tconst", nconst=_split(column).list.unique().list.sort())
                pairs = pairs.filter(~nw.col("nconst").is_null()).explode("nconst").filter(nw.col("nconst") != "")
                pairs = self.engine.look_up(pairs, people, ["nconst"])
                pairs = self._without_principals(pairs, type_, part)
                unknown = (nw.col("known").is_null(), f"{column}: unknown person")
                again = (~nw.col("there").is_null(), f"{column}: already among the principals")
                pairs = pairs.with_columns(reason=_first_true([unknown, again]))
                kept = pairs.filter(nw.col("reason").is_null()).select(
                    nw.col("nconst").alias("head"),
                    nw.col("tconst").alias("tail"),
                    nw.lit("").alias("key"),
                    nw.lit(None, nw.Int64()).alias("ordering"),
                    _no_string().alias("job"),
                )
                count = self.folder / f"title.crew-{type_}-count.parquet"
                self.engine.write({folder / f"{number:05}.parquet": kept, count: _tally(pairs)})
                for row in self.engine.rows(self.engine.scan(count)):
                    if row["reason"] is not None:
                        repaired[row["reason"]] = repaired.get(row["reason"], 0) + row["rows"]
            added[type_] = self.engine.scan(folder)
        self.report("title.crew", repaired)
        return added

    def _without_principals(self, pairs: Frame, type_: str, part: nw.Expr) -> Frame:
        """Mark, in the column `there`, the pairs that principals have in that type."""
        if "title.principals" not in self.files:
            return pairs.with_columns(there=nw.lit(None, nw.Boolean()))
        there = self.scan("title.principals").filter(nw.col("category").is_in(list(CATEGORIES[type_])) & part)
        there = there.select("tconst", "nconst").unique().with_columns(there=nw.lit(True))
        return self.engine.look_up(pairs, there, ["tconst", "nconst"])

    # -- people

    def people(self) -> None:
        """Those who are credited in a kept title, and what they are known for among the kept titles."""
        rows = self.firsts("name.basics", self.scan("name.basics"), ["nconst"])
        credited = [self.table(type_).select(nw.col("head").alias("nconst")) for type_ in self.made(CREDITS)]
        if credited:
            people = nw.concat(credited).unique().with_columns(credited=nw.lit(True))
            rows = self.engine.look_up(rows, people, ["nconst"])
        else:
            rows = rows.with_columns(credited=nw.lit(None, nw.Boolean()))
        reasons = [(nw.col("nconst").is_null(), "no id"), (nw.col("credited").is_null(), "no credit in a kept title")]
        birth_year, death_year = _year("birthYear", _PEOPLE_YEARS), _year("deathYear", _PEOPLE_YEARS)
        rows = rows.select(
            nw.col("nconst").alias("id"),
            nw.col("primaryName").alias("name"),
            birth_year.alias("birth_year"),
            death_year.alias("death_year"),
            _split("primaryProfession").alias("professions"),
            "knownForTitles",
            _first_true(reasons).alias("reason"),
            **_faults(birthYear=birth_year, deathYear=death_year),
        )
        kept = rows.filter(nw.col("reason").is_null())
        pairs = kept.select(
            nw.col("id").alias("head"), _split("knownForTitles").list.unique().list.sort().alias("tail")
        )
        pairs = pairs.filter(~nw.col("tail").is_null()).explode("tail").filter(nw.col("tail") != "")
        pairs = self.engine.look_up(pairs, self.known_titles("tail"), ["tail"])
        pairs = pairs.with_columns(nw.lit("").alias("key"), reason=_first_true(_why_not("tail", "knownForTitles: ")))
        self.write(
            {"Person": kept, "KNOWN_FOR": pairs.filter(nw.col("reason").is_null())},
            {"name.basics-count": _tally(rows, _fault_names(rows)), "KNOWN_FOR-count": _tally(pairs)},
        )
        counted = self.engine.rows(self.engine.scan(self.folder / "KNOWN_FOR-count.parquet"))
        self.report("name.basics", {row["reason"]: row["rows"] for row in counted if row["reason"] is not None})

    # -- alternate titles and episodes

    def alternates(self) -> None:
        if "title.akas" not in self.files:
            return
        rows = self.firsts("title.akas", self.scan("title.akas"), ["titleId", "ordering"])
        rows = self.engine.look_up(rows, self.known_titles("titleId"), ["titleId"])
        reasons = [
            *_why_not("titleId"),
            (_integer("ordering").is_null(), "no ordering"),
            (nw.col("title").is_null(), "no title"),
        ]
        types = nw.col("types").str.replace_all("\x02", ",", literal=True).str.split(",")
        rows = rows.select(
            nw.concat_str(nw.col("titleId"), nw.lit(":"), nw.col("ordering")).alias("id"),
            nw.col("titleId").alias("head"),
            "title",
            "region",
            "language",
            types.alias("types"),
            _first_true(reasons).alias("reason"),
        )
        kept = rows.filter(nw.col("reason").is_null())
        named = kept.select("head", nw.col("id").alias("tail"), nw.lit("").alias("key"))
        self.write({"AlternateTitle": kept, "ALSO_KNOWN_AS": named}, {"title.akas-count": _tally(rows)})
        self.report("title.akas")

    def episodes(self) -> None:
        if "title.episode" not in self.files:
            return
        rows = self.firsts("title.episode", self.scan("title.episode"), ["tconst", "parentTconst"])
        rows = self.engine.look_up(rows, self.known_titles("tconst"), ["tconst"])
        rows = self.engine.look_up(rows, self.known_titles("parentTconst", "parent_kept"), ["parentTconst"])
        season, episode = _integer("seasonNumber"), _integer("episodeNumber")
        rows = rows.select(
            nw.col("tconst").alias("head"),
            nw.col("parentTconst").alias("tail"),
            nw.lit("").alias("key"),
            season.alias("season"),
            episode.alias("episode"),
            _first_true(_why_not("tconst") + _why_not("parentTconst", kept="parent_kept")).alias("reason"),
            **_faults(seasonNumber=season, episodeNumber=episode),
        )
        self.write(
            {"EPISODE_OF": rows.filter(nw.col("reason").is_null())},
            {"title.episode-count": _tally(rows, _fault_names(rows))},
        )
        self.report("title.episode")

    # -- what the steps share

    def scan(self, name: str) -> Frame:
        return self.engine.scan(self.folder / name)

    def table(self, name: str) -> Frame:
        return self.engine.scan(table_path(self.tables, name))

    def made(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if table_path(self.tables, name).exists()]

    def rows_of(self, name: str) -> int:
        return self.files[name].rows - self.files[name].ragged

    def write(self, tables: Mapping[str, Frame], others: Mapping[str, Frame] | None = None) -> None:
        """Write graph tables, and intermediate files beside them, in one pass."""
        frames = {
            table_path(self.tables, name): frame.select(arrow_schema(name).names) for name, frame in tables.items()
        }
        frames |= {self.folder / f"{name}.parquet": frame for name, frame in (others or {}).items()}
        if frames:
            self.engine.write(frames)

    def firsts(self, name: str, rows: Frame, keys: Sequence[str]) -> Frame:
        """Of the rows with the same keys only the first in the file; rows with a null key all stay."""
        folder = self.folder / f"{name}-repeats"
        if not folder.exists():
            there = reduce(lambda one, other: one & other, [~nw.col(key).is_null() for key in keys])
            for number, part in enumerate(_parts(keys[0], self.rows_of(name))):
                groups = (
                    rows.filter(there & part)
                    .group_by(*keys)
                    .agg(nw.col(LINE).min().alias("first"), nw.len().alias("n"))
                )
                repeated = groups.filter(nw.col("n") > 1).select(*keys, "first")
                self.engine.write({folder / f"{number:05}.parquet": repeated})
        repeats = self.engine.scan(folder)
        if self.engine.rows(repeats.select(nw.len().alias("n")))[0]["n"] == 0:
            return rows
        rows = self.engine.look_up(rows, repeats, keys)
        return rows.filter(nw.col("first").is_null() | (nw.col("first") == nw.col(LINE))).drop("first")

    def report(self, name: str, repaired: Mapping[str, int] | None = None) -> None:
        """Turn the counts that a step wrote into the file's report. What neither is kept nor has a reason: repeats."""
        tsv = self.files[name]
        counted = self.engine.rows(self.engine.scan(self.folder / f"{name}-count.parquet"))
        dropped = {row["reason"]: row["rows"] for row in counted if row["reason"] is not None}
        faults = next((row for row in counted if row["reason"] is None), {"rows": 0})
        repeats = tsv.rows - tsv.ragged - sum(row["rows"] for row in counted)
        dropped |= {"as many cells as the header has not": tsv.ragged, "repeats an earlier row": repeats}
        mended = {reason: count for reason, count in faults.items() if reason not in ("reason", "rows")}
        mended |= {"invalid UTF-8, replaced": tsv.invalid, **(repaired or {})}
        self.reports.append(
            FileReport(
                tsv.path.name,
                tsv.rows,
                faults["rows"],
                {reason: count for reason, count in sorted(dropped.items()) if count},
                {reason: count for reason, count in mended.items() if count},
            )
        )


# -- judging rows


def _first_true(cases: Sequence[tuple[nw.Expr, str]]) -> nw.Expr:
    """The name of the first condition that holds, null when none does."""
    result: nw.Expr = _no_string()
    for condition, name in reversed(cases):
        result = nw.when(condition).then(nw.lit(name)).otherwise(result)
    return result


def _why_not(id_name: str, prefix: str = "", kept: str = "kept") -> list[tuple[nw.Expr, str]]:
    """Why a row that names a title is dropped, after `known_titles` was looked up."""
    return [
        (nw.col(id_name).is_null(), f"{prefix}no id"),
        (nw.col(kept).is_null(), f"{prefix}unknown title"),
        (~nw.col(kept), f"{prefix}title left out"),
    ]


def _faults(**parsed: nw.Expr) -> dict[str, nw.Expr]:
    """For each column, whether a row's value was there and could not be read (0 or 1)."""
    return {
        f"{name} malformed, made null": (~nw.col(name).is_null() & value.is_null()).cast(nw.Int64())
        for name, value in parsed.items()
    }


def _fault_names(rows: Frame) -> list[str]:
    return [name for name in rows.collect_schema().names() if name.endswith("made null")]


def _tally(rows: Frame, faults: Sequence[str] = ()) -> Frame:
    """How many rows there are for each reason, and the sum of each kind of fault."""
    return rows.group_by("reason").agg(
        nw.len().cast(nw.Int64()).alias("rows"), *[nw.col(name).sum() for name in faults]
    )


def _parts(id_name: str, rows: int) -> Iterator[nw.Expr]:
    """Conditions that cut a file into parts of bounded size by the last two digits of an id."""
    parts = min(len(_DIGITS), 1 + rows // _ROWS_AT_ONCE)
    end = nw.col(id_name).str.tail(2)
    number = nw.when(end.is_in(_DIGITS)).then(end).otherwise(nw.lit("0")).cast(nw.Int64())
    for part in range(parts):
        yield number % parts == part if parts > 1 else ~nw.col(id_name).is_null()


# -- reading cells


def _no_string() -> nw.Expr:
    return nw.lit(None, nw.String())


def _integer(name: str) -> nw.Expr:
    """A whole number without sign or leading zeros, which is how IMDb writes them; else null."""
    return nw.when(nw.col(name).str.contains(r"^(0|[1-9]\d{0,8})$")).then(nw.col(name)).cast(nw.Int64())


def _year(name: str, years: tuple[int, int] = _TITLE_YEARS) -> nw.Expr:
    number = _integer(name)
    return nw.when(number.is_between(*years)).then(number)


def _rating(name: str) -> nw.Expr:
    number = nw.when(nw.col(name).str.contains(r"^\d{1,2}(\.\d+)?$")).then(nw.col(name)).cast(nw.Float64())
    return nw.when(number.is_between(1, 10)).then(number)


def _flag(name: str) -> nw.Expr:
    return nw.when(nw.col(name).is_in(["0", "1"])).then(nw.col(name) == "1")


def _split(name: str) -> nw.Expr:
    return nw.col(name).str.split(",")


def _characters(name: str) -> nw.Expr:
    r"""A JSON list of strings, `["A","B"]`, or the same as a quoted CSV cell, `"[""A"",""B""]"`; else null.

    Escapes that JSON does not have (IMDb's data holds `\The Den\)`) stay as they stand.
    """
    cell = nw.col(name)
    cell = (
        nw.when(cell.str.starts_with('"['))
        .then(cell.str.replace_all('""', '"', literal=True).str.strip_chars('"'))
        .otherwise(cell)
    )
    inner = cell.str.replace_all(r'^\["|"\]$', "")
    # Once escaped characters stand aside, every quote that is left separates two names.
    for text, other in (
        ("\\\\", "\x01"),
        ('\\"', "\x02"),
        ('", "', "\x1f"),
        ('","', "\x1f"),
        ("\x02", '"'),
        ("\x01", "\\"),
    ):
        inner = inner.str.replace_all(text, other, literal=True)
    return nw.when(cell.str.starts_with('["') & cell.str.ends_with('"]')).then(inner.str.split("\x1f"))
