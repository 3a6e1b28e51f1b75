"""A file of feedback → rows that are judged one by one: who, about which title, what kind, how much, when.

Two forms: MovieLens as published (a folder with `ratings.csv` and `links.csv`, which has the ids of IMDb), and a table
(`loaders.table_files`) with a user and, for the title, IMDb's id, the graph's or a catalog's. See `HEADERS`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from loaders.table_files import ROW, imdb_ids, reading, scan_table
from loaders.tsv import LoadError

HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("userid", "viewer", "viewerid", "member", "memberid", "profile", "profileid", "customerid"),
    "tconst": ("imdb", "imdbid", "imdbtitleid"),
    "title": ("titleid",),
    "item_id": ("item", "movieid", "showid", "contentid", "assetid", "sku"),
    "catalog": ("catalogslug",),
    "type": ("feedbacktype", "eventtype", "event", "action"),
    "value": ("rating", "score", "stars"),
    "time": ("timestamp", "datetime", "date", "ratedat", "watchedat", "createdat"),
}
"""Other spellings of each column's name, compared as `columns_of` says."""

REFERENCE: Final = ("tconst", "title", "item_id", "catalog")
"""The columns that together say which title is meant."""

MENDED: Final = {
    "unreadable": "time is no time, made null",
    "future": "time is in the future, made null",
}
"""Columns of faults in rows that are kept, and what the report says of them."""

_CLOCKS_DIFFER: Final = 86_400  # seconds
_ISO: Final = r"^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:[.,]\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?$"
_LINKS: Final = {"item_id": ("movieid",), "tconst": ("imdbid",)}


@dataclass(frozen=True)
class FeedbackFile:
    """A file that was read: its well-formed rows in Parquet, and what they refer to.

    rows: how many there are in all. malformed: how many were left out, by reason. references: the distinct values of
    `REFERENCE`, and in `rows` how often each is there. links: MovieLens' ids (`item_id`) and IMDb's (`linked`).
    """

    path: Path
    staged: Path
    rows: int
    malformed: Mapping[str, int]
    references: pl.DataFrame
    links: pl.DataFrame | None = None


def read_feedback(path: Path, staged: Path) -> FeedbackFile:
    """Read and judge a file or a folder of MovieLens; the rows go into the Parquet file `staged`.

    Raises LoadError for what cannot be read, and where no row is well-formed.
    """
    links = None
    if path.is_dir():
        path, links = _movielens(path)
    rows = scan_table(path, HEADERS, (("user",), ("tconst", "title", "item_id")))
    with reading(path):
        _judged(rows, int(time.time())).sink_parquet(staged, compression="lz4", statistics=False)
    judged = pl.scan_parquet(staged)
    counts = dict(judged.group_by("reason").len().sort("reason").collect(engine="streaming").iter_rows())
    good = counts.pop(None, 0)
    if not good:
        why = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
        raise LoadError(f"{path} has no row of feedback that can be used ({why or 'no rows'}); look at its columns")
    meant = judged.filter(pl.col("reason").is_null()).group_by(REFERENCE).agg(rows=pl.len())
    return FeedbackFile(
        path, staged, good + sum(counts.values()), counts, meant.collect(engine="streaming").sort(REFERENCE), links
    )


def _movielens(folder: Path) -> tuple[Path, pl.DataFrame]:
    for name in ("ratings.csv", "links.csv"):
        if not (folder / name).is_file():
            raise LoadError(
                f"{folder} holds no {name}; give MovieLens as published (its releases with links.csv name IMDb's ids), "
                "or a file"
            )
    links = scan_table(folder / "links.csv", _LINKS, (("item_id",), ("tconst",)))
    with reading(folder / "links.csv"):
        known = links.select("item_id", linked=imdb_ids(pl.col("tconst"))).drop_nulls().collect()
    return folder / "ratings.csv", known.unique("item_id", keep="first", maintain_order=True)


def _judged(rows: pl.LazyFrame, now: int) -> pl.LazyFrame:
    """Texts → values, columns of faults, and `reason`: why a row is left out, null where it is not."""
    number, seconds = pl.col("value").cast(pl.Float64, strict=False), _seconds(pl.col("time"))
    given = pl.col("value").is_not_null()
    kind = pl.coalesce(pl.col("type").str.to_lowercase(), pl.when(given).then(pl.lit("rating")), pl.lit("watch"))
    reason = (
        pl.when(pl.col("user").is_null())
        .then(pl.lit("no user"))
        .when(pl.all_horizontal(pl.col("tconst", "title", "item_id").is_null()))
        .then(pl.lit("no title"))
        .when(given & ~number.is_finite().fill_null(False))
        .then(pl.lit("value is no number"))
        .when(~given & (kind == "rating"))
        .then(pl.lit("a rating without a value"))
    )
    future = (seconds > now + _CLOCKS_DIFFER).fill_null(False)
    return rows.select(
        ROW,
        "user",
        *REFERENCE,
        type=kind,
        value=number,
        time=pl.when(~future).then(seconds),
        unreadable=pl.col("time").is_not_null() & seconds.is_null(),
        future=future,
        reason=reason,
    )


def _seconds(text: pl.Expr) -> pl.Expr:
    """Seconds since 1970, milli- and microseconds by their size, or ISO 8601, without a zone as UTC; else null."""
    number = text.cast(pl.Float64, strict=False)
    number = pl.when(number.is_between(0, 1e17)).then(number)
    seconds = number / pl.when(number >= 1e14).then(1e6).when(number >= 1e11).then(1e3).otherwise(1.0)
    parts = pl.when(number.is_null()).then(text).str.extract_groups(_ISO).struct
    day, clock, second, zone = (parts[number] for number in range(4))
    zone = zone.str.replace("Z", "+0000", literal=True).str.replace(":", "", literal=True).fill_null("+0000")
    whole = day + pl.lit(" ") + clock.fill_null("00:00") + second.fill_null(":00") + zone
    date = whole.str.to_datetime("%Y-%m-%d %H:%M:%S%z", strict=False, time_zone="UTC").dt.epoch("s")
    return pl.coalesce(seconds.floor().cast(pl.Int64), pl.when(date >= 0).then(date))
