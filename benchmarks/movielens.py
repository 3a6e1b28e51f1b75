"""MovieLens as a catalog and feedback that `reelgraph load` reads, so that films that IMDb's files lack are there too.

python benchmarks/movielens.py ml-latest-small DIR
reelgraph load --imdb IMDB --catalog DIR/movielens.csv --feedback DIR/feedback.csv
reelgraph evaluate --task recommend --split time

Or ml-100k, whose films are matched by name and year.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

from graph.settings import GraphSettings


def latest(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Items and feedback of MovieLens latest."""
    links = pl.read_csv(folder / "links.csv", schema_overrides={"imdbId": pl.String})
    films = pl.read_csv(folder / "movies.csv").join(links, on="movieId")
    tconst = pl.concat_str(pl.lit("tt"), pl.col("imdbId").str.zfill(7))
    items = films.select(item_id="movieId", tconst=tconst, title="title", genres="genres", kind=pl.lit("movie"))
    ratings = pl.read_csv(folder / "ratings.csv")
    return items, ratings.select(user="userId", item_id="movieId", value="rating", time="timestamp")


def hundred_thousand(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Items and feedback of MovieLens 100K in RecBole's atomic files."""
    films, ratings = (
        pl.read_csv(folder / f"ml-100k.{kind}", separator="\t", quote_char=None, infer_schema=False)
        for kind in ("item", "inter")
    )
    films, ratings = (one.rename(lambda name: name.partition(":")[0]) for one in (films, ratings))
    named = pl.concat_str("movie_title", pl.lit(" ("), "release_year", pl.lit(")"), ignore_nulls=True)
    genres = pl.col("class").str.replace_all(" ", "|").str.replace_all("Children's", "Children", literal=True)
    items = films.select("item_id", title=named, genres=genres, kind=pl.lit("movie"))
    return items, ratings.select(user="user_id", item_id="item_id", value="rating", time="timestamp")


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["ml-latest-small", "ml-100k"])
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    source = GraphSettings().data / given.name
    items, feedback = latest(source) if given.name == "ml-latest-small" else hundred_thousand(source)
    given.folder.mkdir(parents=True, exist_ok=True)
    items.write_csv(given.folder / "movielens.csv")
    feedback.with_columns(catalog=pl.lit("movielens")).write_csv(given.folder / "feedback.csv")


if __name__ == "__main__":
    main()
