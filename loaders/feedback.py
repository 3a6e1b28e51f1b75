"""Who watched or rated what, in bulk: files of feedback → the tables User and RATED.

`loaders.feedback_rows` reads a file; here its titles are found and its rows joined with those of other files and of
the store. One user has one piece of feedback of a kind on a title: the latest counts, one without a time is the
oldest, and of equal ones the last row of the last file. Memory holds users, distinct titles and `_ROWS_AT_ONCE` rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from graph.schema import arrow_schema
from graph.store import GraphStore
from graph.tables import conform, table_path, write_table
from loaders.feedback_rows import MENDED, REFERENCE, FeedbackFile, read_feedback
from loaders.table_files import ROW, graph_ids, imdb_ids
from loaders.tsv import LoadError

_ROWS_AT_ONCE: Final = 4_000_000
_EXAMPLES: Final = 5
_ONE: Final = ("user", "title", "type")


@dataclass(frozen=True)
class FeedbackReport:
    """What became of a file: rows == kept + unknown + ambiguous + repeated + outdated + sum(malformed.values()).

    users, titles: distinct ones in the rows kept. unknown: rows on titles that the graph lacks; unknown_ids: how many
    such ids there are, and examples some of them. ambiguous: rows with an item id that stands for different titles in
    several catalogs. repeated: a later row says otherwise. outdated: the store has later feedback. repaired: in rows
    that were kept, the values that were made null, by reason.
    """

    file: str
    rows: int
    kept: int
    users: int
    titles: int
    unknown: int
    unknown_ids: int
    examples: Sequence[str]
    ambiguous: int
    malformed: Mapping[str, int]
    repeated: int
    outdated: int
    repaired: Mapping[str, int]


def add_feedback(
    folder: Path, files: Sequence[FeedbackFile], store: GraphStore, replaced: Collection[str], staging: Path
) -> list[FeedbackReport]:
    """Write User (those new to the store) and RATED into a folder of graph tables, before its manifest is made.

    Titles are those of the folder, or else of the store; item ids are looked up in what the catalogs of both offer,
    those of the store that are to be replaced aside. staging: a folder for intermediate files. Raises LoadError when
    no row of a file is about a title of the graph.
    """
    offers = _offers(store, folder, replaced)
    resolved = [_resolved(file, _candidates(file, offers), store, folder) for file in files]
    known = []
    for number, (file, titles) in enumerate(zip(files, resolved, strict=True)):
        known.append(staging / f"known-{number}.parquet")
        _known(file, titles, number).sink_parquet(known[-1], compression="lz4", statistics=False)
    parts = _Parts(pl.scan_parquet(known), _held(store, staging / "held.parquet"))
    write_table(folder, "RATED", parts.rated())
    users = pl.concat(parts.users).unique(maintain_order=True)
    there = pl.Series([id_ for batch in store.scan_nodes("User", []) for id_ in batch[0].to_pylist()], dtype=pl.String)
    new = pl.DataFrame({"id": users.filter(~users.is_in(there.implode()))})
    write_table(folder, "User", [_arrow(new)])
    return [_report(file, titles, parts.tally(n)) for n, (file, titles) in enumerate(zip(files, resolved, strict=True))]


def rated_in(path: Path, store: GraphStore) -> pa.Table:
    """What a file or MovieLens' folder says about titles of a store, as the table RATED; the store stays as it is.

    Raises LoadError for what cannot be read, and when no row is about a title of the store.
    """
    with tempfile.TemporaryDirectory(prefix="reelgraph-feedback-") as folder:
        staging = Path(folder)
        file = read_feedback(path, staging / "rows.parquet")
        titles = _resolved(file, _candidates(file, _offers(store, staging, ())), store, staging)
        return conform(pa.concat_tables(_Parts(_known(file, titles, 0), None).rated()), "RATED")


def _known(file: FeedbackFile, titles: pl.DataFrame, number: int) -> pl.LazyFrame:
    """The rows of a file that are about a title of the graph."""
    rows = pl.scan_parquet(file.staged).filter(pl.col("reason").is_null())
    rows = rows.join(titles.lazy().select(*REFERENCE, "graph_id"), on=REFERENCE, nulls_equal=True)
    rows = rows.filter(pl.col("graph_id").is_not_null())
    numbered = pl.lit(number, pl.Int32).alias("file")
    return rows.select(numbered, ROW, "user", pl.col("graph_id").alias("title"), "type", "value", "time", *MENDED)


# Titles


def _offers(store: GraphStore, folder: Path, replaced: Collection[str]) -> pl.DataFrame:
    """What catalogs offer: catalog, item_id, offer (a title) and several (whether the id stands for other titles too).

    Once for each catalog, and once with a null for any of them.
    """
    fields = _fields("OFFERS", "head", "tail", "key", "item_id")
    table = pa.Table.from_batches(store.scan_relationships("OFFERS", ["item_id"]), fields)
    held = pl.DataFrame(pl.from_arrow(table)).filter(~pl.col("head").is_in(list(replaced)))
    frames = [held.select(catalog="head", item_id="item_id", offer="tail")]
    if (path := table_path(folder, "OFFERS")).exists():
        frames.append(pl.read_parquet(path).select(catalog="head", item_id="item_id", offer="tail"))
    offers = pl.concat(frames, how="vertical_relaxed")
    offers = pl.concat([offers, offers.with_columns(catalog=pl.lit(None, pl.String))])
    return offers.group_by("catalog", "item_id").agg(
        offer=pl.col("offer").first(), several=pl.col("offer").n_unique() > 1
    )


def _candidates(file: FeedbackFile, offers: pl.DataFrame) -> pl.DataFrame:
    """The references of a file, with the titles that they may mean, the surest first, and `several`."""
    asked = file.references.with_columns(
        by_tconst=pl.coalesce(graph_ids(pl.col("tconst")), imdb_ids(pl.col("tconst"))),
        by_title=graph_ids(pl.col("title")),
        as_title=graph_ids(pl.col("item_id")),
    )
    if file.links is not None:
        asked = asked.join(file.links, on="item_id", how="left")
        return asked.with_columns(by_item="linked", several=pl.lit(False)).drop("linked")
    asked = asked.join(offers, on=["catalog", "item_id"], how="left", nulls_equal=True)
    several = pl.col("several").fill_null(False)
    return asked.with_columns(several=several, by_item=pl.when(~several).then("offer")).drop("offer")


def _resolved(file: FeedbackFile, asked: pl.DataFrame, store: GraphStore, folder: Path) -> pl.DataFrame:
    """`REFERENCE`, rows, several, shown (how to name it), and graph_id: the title meant, null if the graph lacks it."""
    ways = ["by_tconst", "by_title", "by_item", "as_title"]
    ids = pl.concat([asked[way] for way in ways]).drop_nulls().unique(maintain_order=True)
    path = table_path(folder, "Title")
    if path.exists():
        named = pl.LazyFrame({"id": ids})
        there = pl.scan_parquet(path).select("id").join(named, on="id", how="semi").collect(engine="streaming")["id"]
    else:
        there = pl.Series(store.get_nodes("Title", ids.to_list(), []).column("id").to_pylist(), dtype=pl.String)
    found = [pl.when(pl.col(way).is_in(there.implode())).then(way) for way in ways]
    shown = pl.coalesce("tconst", "title", "by_item", "item_id").alias("shown")
    titles = asked.select(*REFERENCE, "rows", "several", shown, graph_id=pl.coalesce(found))
    if titles["graph_id"].is_null().all():
        raise LoadError(
            f"{file.path}: none of its {titles['rows'].sum():,} rows is about a title that the graph holds, such as "
            f"{', '.join(_names(titles))}; load IMDb's files or the catalog that has these ids first or with it, and "
            "give MovieLens as its folder"
        )
    return titles


def _names(titles: pl.DataFrame) -> list[str]:
    """Some references that the graph lacks, to show."""
    return titles.filter(pl.col("graph_id").is_null())["shown"].head(_EXAMPLES).to_list()


# Rows


class _Parts:
    """Rows of all files, so many users at a time that a part fits into memory; tallies what becomes of them."""

    def __init__(self, rows: pl.LazyFrame, held: pl.LazyFrame | None) -> None:
        self.rows = rows
        self.held = held
        self.users: list[pl.Series] = []
        self._tallies: list[pl.DataFrame] = []
        self._titles: list[pl.DataFrame] = []

    def rated(self) -> Iterator[pa.Table]:
        """The table RATED, ordered by user, title and kind."""
        counts = self.rows.group_by("user").len().collect(engine="streaming").sort("user")
        counts = counts.with_columns(part=(pl.col("len").cum_sum() - 1) // _ROWS_AT_ONCE)
        user = pl.col("user")
        spans = counts.group_by("part", maintain_order=True).agg(first=user.first(), last=user.last())
        for _, first, last in spans.iter_rows():
            yield _arrow(self._judged(first, last))

    def _judged(self, first: str, last: str) -> pl.DataFrame:
        rows = self.rows.filter(pl.col("user").is_between(pl.lit(first), pl.lit(last))).collect(engine="streaming")
        rows = rows.sort(*_ONE, "time", "file", ROW, nulls_last=False)
        again = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in _ONE).fill_null(False)
        rows = rows.with_columns(repeated=again, outdated=pl.lit(False))
        if self.held is not None:
            held = self.held.filter(pl.col("user").is_between(pl.lit(first), pl.lit(last))).collect(engine="streaming")
            rows = rows.join(held, on=_ONE, how="left", maintain_order="left")
            later = pl.col("held") > pl.col("time").fill_null(-1)
            rows = rows.with_columns(outdated=~pl.col("repeated") & later.fill_null(False)).drop("held")
        kept = pl.col("repeated").not_() & pl.col("outdated").not_()
        self._tallies.append(
            rows.group_by("file").agg(
                kept.sum().alias("kept"),
                pl.col("user").filter(kept).n_unique().alias("users"),
                pl.col("repeated", "outdated").sum(),
                *(pl.col(name).filter(kept).sum() for name in MENDED),
            )
        )
        rows = rows.filter(kept)
        self.users.append(rows["user"].unique(maintain_order=True))
        self._titles.append(rows.select("file", "title").unique())
        return rows.select(head="user", tail="title", key="type", type="type", value="value", timestamp="time")

    def tally(self, file: int) -> dict[str, int]:
        """What became of one file's rows; `rated` must have come to its end."""
        mine = pl.concat(self._tallies).filter(pl.col("file") == file).drop("file").sum()
        titles = pl.concat(self._titles).filter(pl.col("file") == file)["title"].n_unique()
        return {**mine.row(0, named=True), "titles": titles}


def _held(store: GraphStore, path: Path) -> pl.LazyFrame | None:
    """The times of feedback that the store has: user, title, type, held. None where it has none."""
    rows = 0
    fields = _fields("RATED", "head", "tail", "key", "timestamp")
    with pq.ParquetWriter(path, fields, compression="lz4") as writer:
        for batch in store.scan_relationships("RATED", ["timestamp"]):
            writer.write_batch(batch)
            rows += batch.num_rows
    return pl.scan_parquet(path).select(user="head", title="tail", type="key", held="timestamp") if rows else None


def _fields(name: str, *columns: str) -> pa.Schema:
    return pa.schema([arrow_schema(name).field(column) for column in columns])


def _arrow(rows: pl.DataFrame) -> pa.Table:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


def _report(file: FeedbackFile, titles: pl.DataFrame, tally: Mapping[str, Any]) -> FeedbackReport:
    lacking = titles.filter(pl.col("graph_id").is_null() & ~pl.col("several"))
    return FeedbackReport(
        file=str(file.path),
        rows=file.rows,
        kept=tally["kept"],
        users=tally["users"],
        titles=tally["titles"],
        unknown=int(lacking["rows"].sum()),
        unknown_ids=lacking.height,
        examples=_names(lacking),
        ambiguous=int(titles.filter(pl.col("graph_id").is_null() & pl.col("several"))["rows"].sum()),
        malformed=file.malformed,
        repeated=tally["repeated"],
        outdated=tally["outdated"],
        repaired={says: tally[name] for name, says in MENDED.items() if tally[name]},
    )
