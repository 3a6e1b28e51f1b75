"""Invented viewers: as many ratings as asked for, a long tail, and tastes that content tells in part."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from loaders.synthetic import write_synthetic
from loaders.synthetic_feedback import write_feedback

USERS, EVENTS = 3_000, 60_000


@pytest.fixture(scope="module")
def imdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imdb")
    write_synthetic(folder, titles=20_000, seed=3)
    return folder


@pytest.fixture(scope="module")
def rows(imdb: Path) -> pl.DataFrame:
    path = imdb / "feedback.parquet"
    written = write_feedback(imdb, path, users=USERS, events=EVENTS)
    frame = pl.read_parquet(path)
    assert len(frame) == written
    return frame


def test_rows_are_ratings_that_load_can_read(rows: pl.DataFrame, imdb: Path) -> None:
    assert rows.columns == ["user", "tconst", "rating", "timestamp"]
    assert 0.9 * EVENTS < len(rows) <= EVENTS + 1
    assert not rows.select("user", "tconst").is_duplicated().any()
    assert set(rows["rating"].unique()) <= set(np.arange(1, 11) / 2)
    titles = pl.read_csv(imdb / "title.ratings.tsv.gz", separator="\t")
    assert set(rows["tconst"]) <= set(titles["tconst"])
    assert rows["user"].n_unique() > 0.95 * USERS


def test_few_titles_and_viewers_have_much_of_it(rows: pl.DataFrame) -> None:
    by_title = rows["tconst"].value_counts()["count"].sort(descending=True)
    by_user = rows["user"].value_counts()["count"].sort(descending=True)
    assert by_title.head(len(by_title) // 10).sum() > 0.25 * len(rows)
    assert by_user.head(USERS // 10).sum() > 0.25 * len(rows)


def test_what_one_likes_hangs_on_what_it_is_made_of(rows: pl.DataFrame, imdb: Path) -> None:
    """Two titles that a viewer likes have their genres in common more often than two that different viewers like."""
    basics = pl.read_csv(imdb / "title.basics.tsv.gz", separator="\t", quote_char=None, infer_schema=False)
    liked = rows.filter(pl.col("rating") >= 4).join(basics.select("tconst", "genres"), on="tconst")
    same = liked.group_by("user").agg(pl.col("genres").shuffle(seed=0).head(2)).filter(pl.col("genres").list.len() == 2)
    own = (same["genres"].list.get(0) == same["genres"].list.get(1)).mean()
    mixed = (same["genres"].list.get(0) == same["genres"].list.get(1).shuffle(seed=1)).mean()
    assert own > 1.5 * mixed


def test_same_seed_same_rows_another_seed_others(rows: pl.DataFrame, imdb: Path, tmp_path: Path) -> None:
    write_feedback(imdb, tmp_path / "again.parquet", users=USERS, events=EVENTS)
    assert pl.read_parquet(tmp_path / "again.parquet").equals(rows)
    write_feedback(imdb, tmp_path / "other.parquet", users=USERS, events=EVENTS, seed=1)
    assert not pl.read_parquet(tmp_path / "other.parquet").equals(rows)
