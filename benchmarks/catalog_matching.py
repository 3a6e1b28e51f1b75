"""How well a catalog of titles and years finds its titles in IMDb: precision and recall of the sure matches.

    python benchmarks/catalog_matching.py [--data ../shared/data] [--errors 30]

The catalog is MovieLens' `movies.csv` (ml-latest-small) without any id, the graph is imdb-24k, and the truth is
`links.csv`. A sure match to any title but the true one counts against precision, also where the graph does not hold
the true one. Recall is over the items whose true title the graph holds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from loaders.catalog import read_catalog
from loaders.imdb import imdb_tables
from loaders.matching import match_items


@dataclass(frozen=True)
class Result:
    """`judged`: the matched items with `truth`, `right` (found it) and `there` (the graph holds the true title)."""

    judged: pl.DataFrame
    titles: int
    seconds: float

    @property
    def sure(self) -> pl.DataFrame:
        return self.judged.filter(pl.col("status") == "sure")

    @property
    def precision(self) -> float:
        return self.sure["right"].sum() / self.sure.height

    @property
    def recall(self) -> float:
        return self.sure["right"].sum() / self.judged["there"].sum()


def judge(data: Path) -> Result:
    """Match MovieLens' titles and compare with its links."""
    links = pl.read_csv(data / "ml-latest-small" / "links.csv", infer_schema=False)
    truth = links.select(item_id="movieId", truth="tt" + pl.col("imdbId").str.zfill(7))
    items = read_catalog(data / "ml-latest-small" / "movies.csv").drop("tconst")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "tables"
        imdb_tables(data / "imdb-24k", folder)
        known = pl.read_parquet(folder / "nodes" / "Title.parquet", columns=["id"])["id"]
        start = time.perf_counter()
        matched = match_items(items, folder)
        seconds = time.perf_counter() - start
    judged = matched.join(truth, on="item_id").with_columns(
        right=pl.col("title_id") == pl.col("truth"), there=pl.col("truth").is_in(known.implode())
    )
    return Result(judged, known.len(), seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("REELGRAPH_DATA", "../shared/data")))
    parser.add_argument("--errors", type=int, default=0, help="how many wrong and missed items to print")
    options = parser.parse_args()
    result = judge(options.data)
    judged, sure = result.judged, result.sure
    print(f"{judged.height} items matched to {result.titles} titles in {result.seconds:.1f} s")
    print(f"precision {result.precision:.4f} ({sure['right'].sum()} of {sure.height} sure matches are right)")
    print(f"recall {result.recall:.4f} (of the {judged['there'].sum()} whose true title is in the graph)")
    unsure = judged.filter(pl.col("status") == "unsure")
    hits = unsure["suggestions"].list.eval(pl.element().struct.field("id"))
    suggested = unsure.select(pl.lit(hits).list.contains(pl.col("truth")))
    print(f"to review {unsure.height}; the true title is suggested for {suggested.to_series().sum()}")
    table = judged.group_by("status", "match").agg(
        pl.len().alias("items"), pl.col("right").mean().round(4), pl.col("there").mean().round(4)
    )
    with pl.Config(tbl_rows=40, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
        print(table.sort("status", "items", descending=[False, True]))
    show = ["item_id", "title", "year", "truth", "there", "match", "confidence", "suggestions"]
    missed = judged.filter("there", pl.col("status") != "sure")
    for name, rows in (("wrong", sure.filter(~pl.col("right"))), ("missed", missed)) if options.errors else ():
        print(f"\n{name}: {rows.height}")
        for row in rows.head(options.errors).select(show).iter_rows():
            print(*row, sep=" | ")


if __name__ == "__main__":
    main()
