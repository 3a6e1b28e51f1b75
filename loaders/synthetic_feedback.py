"""Viewers of an invented catalog: who rated what, with tastes that can be learned, as a file that `load` reads.

A title belongs to one taste: most to that of their genres and decade, the rest to their director's. A viewer has a few
tastes, is more active the rarer (log-normal), and takes titles of a taste by their fame (Zipf). So what is liked
together can be told from content in part, and popular titles have most of the feedback, as on MovieLens.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from loaders.synthetic_world import Ints, Rng, zipf

TASTES, OWN = 300, 4
_WEIGHTS = (0.45, 0.25, 0.15, 0.05)  # of a viewer's own tastes; the rest is anything by its fame
_BY_DIRECTOR, _BY_CHANCE = 0.25, 0.15  # titles whose taste their genres and decade do not say
_FAME, _DRAWN = 1.15, 2.5  # Zipf's exponent; draws for each rating, as some titles are drawn twice
_SEEN = 0.25  # of the titles with votes
_BLOCK = 10_000  # viewers at a time: bounds memory
_FIRST, _SPAN = 1_000_000_000, 700_000_000  # seconds since 1970
_SCHEMA = pa.schema([("user", pa.string()), ("tconst", pa.string()), ("rating", pa.float64()),
                     ("timestamp", pa.int64())])  # fmt: skip


def write_feedback(imdb: Path, path: Path, *, users: int, events: int, seed: int = 0) -> int:
    """Write a Parquet file of ratings (user, tconst, rating, timestamp) for IMDb's files in a folder.

    Nobody rates a title twice, so there may be somewhat fewer than `events`; returns how many. Ratings are halves from
    0.5 to 5, higher in a viewer's own tastes. The same arguments give the same rows on the same numpy.
    """
    titles = _titles(imdb)
    ids, taste = titles["tconst"], _tastes(titles, np.random.default_rng([seed, 0]))
    by_fame = np.argsort(-titles["numVotes"].to_numpy(), kind="stable")
    pool = by_fame[np.argsort(taste[by_fame], kind="stable")]  # taste by taste, the best known first
    count = np.bincount(taste, minlength=TASTES)
    start = np.cumsum(count) - count
    quality = (titles["averageRating"].to_numpy() - 6.6) / 3
    activity = np.random.default_rng([seed, 1]).lognormal(0, 1.1, users)
    activity *= events / activity.sum()
    written = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for first in range(0, users, _BLOCK):
            rng = np.random.default_rng([seed, 2, first])
            viewer, title, own = _watched(rng, activity[first : first + _BLOCK], by_fame, pool, start, count)
            value = 3.0 + 1.1 * own + quality[title] + rng.normal(0, 0.7, len(title))
            columns = (
                "U" + pl.Series(first + viewer).cast(pl.String).str.zfill(7),
                ids.gather(title),
                np.clip(np.round(2 * value) / 2, 0.5, 5),
                rng.integers(_FIRST, _FIRST + _SPAN, len(title)),
            )
            names = pl.DataFrame(dict(zip(_SCHEMA.names, columns, strict=True)))
            writer.write_table(names.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_SCHEMA))
            written += len(title)
    return written


def _titles(imdb: Path) -> pl.DataFrame:
    """The titles that somebody has seen, the best known; group: their genres and decade."""

    def read(name: str, *columns: str) -> pl.LazyFrame:
        path = next(path for path in (imdb / f"{name}.tsv.gz", imdb / f"{name}.tsv") if path.exists())
        return pl.scan_csv(path, separator="\t", quote_char=None, null_values="\\N", infer_schema=False).select(columns)

    decade = pl.col("startYear").cast(pl.Int64).fill_null(0) // 10
    group = pl.concat_str(pl.col("genres").fill_null(""), decade)
    director = pl.col("directors").str.extract(r"^([^,]+)")
    frame = read("title.basics", "tconst", "startYear", "genres").join(
        read("title.ratings", "tconst", "averageRating", "numVotes"), on="tconst", maintain_order="left"
    )
    frame = frame.join(read("title.crew", "tconst", "directors"), on="tconst", how="left", maintain_order="left")
    numbers = pl.col("averageRating").cast(pl.Float64), pl.col("numVotes").cast(pl.Int64)
    rated = frame.select("tconst", *numbers, group=group, director=director).collect()
    return rated.filter(pl.col("numVotes").rank("ordinal", descending=True) <= max(_SEEN * len(rated), 1))


def _tastes(titles: pl.DataFrame, rng: Rng) -> Ints:
    """The taste of each title: (titles,), below TASTES."""

    def drawn(column: str) -> Ints:
        codes = titles[column].fill_null("").rank("dense").to_numpy() - 1
        tastes: Ints = rng.integers(0, TASTES, int(codes.max()) + 1)[codes]
        return tastes

    chance = rng.random(len(titles))
    told = np.where((chance < _BY_DIRECTOR) & titles["director"].is_not_null().to_numpy(),
                    drawn("director"), drawn("group"))  # fmt: skip
    return np.where(chance > 1 - _BY_CHANCE, rng.integers(0, TASTES, len(titles)), told).astype(np.int64)


def _watched(
    rng: Rng, activity: np.ndarray, by_fame: Ints, pool: Ints, start: Ints, count: Ints
) -> tuple[Ints, Ints, np.ndarray]:
    """Viewer, title, and whether the title is of a taste of theirs: each (events,); ordered by viewer and title."""
    viewer = np.repeat(np.arange(len(activity)), rng.poisson(_DRAWN * activity))
    own = rng.integers(0, TASTES, (len(activity), OWN))
    which = rng.choice(OWN + 1, len(viewer), p=(*_WEIGHTS, 1 - sum(_WEIGHTS)))
    taste = own[viewer, np.minimum(which, OWN - 1)]
    any_ = (which == OWN) | (count[taste] == 0)
    u = rng.random(len(viewer))
    title = np.where(
        any_, by_fame[zipf(u, len(by_fame), _FAME)],
        pool[np.minimum(start[taste] + zipf(u, np.maximum(count[taste], 1), _FAME), len(pool) - 1)],
    )  # fmt: skip
    pairs, first = np.unique(viewer * len(by_fame) + title, return_index=True)
    kept = np.sort(rng.permutation(len(pairs))[: round(activity.sum())])
    return pairs[kept] // len(by_fame), pairs[kept] % len(by_fame), ~any_[first[kept]]
