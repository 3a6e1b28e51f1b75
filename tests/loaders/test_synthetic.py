"""The invented catalog is shaped like IMDb's: same bytes for a seed, whole references, Zipf, every kind of name."""

import gzip
import json
import re
import unicodedata
from pathlib import Path

import polars as pl
import pytest

from loaders.synthetic import SyntheticSummary, write_synthetic

TITLES = 2_000
COLUMNS = {
    "name.basics": "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
    "title.akas": "titleId ordering title region language types attributes isOriginalTitle",
    "title.basics": "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres",
    "title.crew": "tconst directors writers",
    "title.episode": "tconst parentTconst seasonNumber episodeNumber",
    "title.principals": "tconst ordering nconst category job characters",
    "title.ratings": "tconst averageRating numVotes",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("synthetic")


@pytest.fixture(scope="module")
def summary(folder: Path) -> SyntheticSummary:
    return write_synthetic(folder, titles=TITLES, seed=7, gzip=False)


@pytest.fixture(scope="module")
def frames(folder: Path, summary: SyntheticSummary) -> dict[str, pl.DataFrame]:
    assert summary.titles == TITLES
    options = {"separator": "\t", "quote_char": None, "null_values": "\\N", "infer_schema_length": None}
    return {name: pl.read_csv(folder / f"{name}.tsv", **options) for name in COLUMNS}


def test_files_have_imdbs_columns_and_the_rows_of_the_summary(
    frames: dict[str, pl.DataFrame], summary: SyntheticSummary
) -> None:
    for name, columns in COLUMNS.items():
        assert frames[name].columns == columns.split()
    rows = {name: len(frame) for name, frame in frames.items()}
    assert rows["title.basics"] == rows["title.crew"] == summary.titles
    assert rows["name.basics"] == summary.people
    assert rows["title.principals"] == summary.credits == pytest.approx(10 * TITLES, rel=0.1)
    assert rows["title.akas"] == summary.akas == pytest.approx(TITLES, rel=0.15)
    assert rows["title.episode"] == summary.episodes == TITLES // 10
    assert rows["title.ratings"] == summary.ratings == 0.7 * TITLES


def test_same_seed_same_bytes_zipped_or_not(folder: Path, summary: SyntheticSummary, tmp_path: Path) -> None:
    assert write_synthetic(tmp_path, titles=TITLES, seed=7) == summary
    for name in COLUMNS:
        assert gzip.decompress((tmp_path / f"{name}.tsv.gz").read_bytes()) == (folder / f"{name}.tsv").read_bytes()
    zipped = (tmp_path / "title.akas.tsv.gz").read_bytes()
    write_synthetic(tmp_path, titles=TITLES, seed=7)
    assert (tmp_path / "title.akas.tsv.gz").read_bytes() == zipped
    write_synthetic(tmp_path, titles=TITLES, seed=8)
    assert (tmp_path / "title.akas.tsv.gz").read_bytes() != zipped


def test_ids_are_imdbs_and_every_file_is_in_their_order(frames: dict[str, pl.DataFrame]) -> None:
    for name, frame in frames.items():
        ids = frame[frame.columns[0]]
        assert ids.is_sorted()
        assert ids.str.contains(r"^(tt|nm)\d{7}$").all()
        if name not in ("title.akas", "title.principals"):
            assert ids.is_unique().all()
    for name in ("title.akas", "title.principals"):
        order = frames[name].group_by(frames[name].columns[0]).agg(pl.col("ordering"))["ordering"].to_list()
        assert all(places == list(range(1, len(places) + 1)) for places in order)


def test_every_reference_leads_somewhere(frames: dict[str, pl.DataFrame]) -> None:
    titles, people = set(frames["title.basics"]["tconst"]), set(frames["name.basics"]["nconst"])
    references = {"title.akas": "titleId", "title.episode": "parentTconst", "title.ratings": "tconst"}
    assert all(set(frames[name][column]) <= titles for name, column in references.items())
    held = frames["title.principals"]
    assert set(held["tconst"]) <= titles
    assert set(held["nconst"]) <= people
    crew = frames["title.crew"].unpivot(["directors", "writers"], index="tconst").drop_nulls()
    listed = crew.select("tconst", pl.col("variable").str.head(-1), pl.col("value").str.split(",")).explode("value")
    named = held.filter(pl.col("category").is_in(["director", "writer"])).select("tconst", "category", "nconst")
    assert set(listed.rows()) == set(named.rows())
    known = frames["name.basics"].drop_nulls("knownForTitles")
    known = known.select(nconst="nconst", tconst=pl.col("knownForTitles").str.split(",")).explode("tconst")
    assert set(known.rows()) <= set(held.select("nconst", "tconst").rows())
    assert set(known["nconst"]) == set(held["nconst"])


def test_credits_and_votes_are_held_by_few(frames: dict[str, pl.DataFrame]) -> None:
    held = frames["title.principals"]["nconst"].value_counts(sort=True)["count"]
    assert held.head(len(frames["name.basics"]) // 100).sum() > 0.1 * held.sum()
    votes = frames["title.ratings"]["numVotes"].sort(descending=True)
    assert votes.head(len(votes) // 100).sum() > 0.3 * votes.sum()
    assert votes.min() == 5
    assert frames["title.ratings"]["averageRating"].is_between(1, 10).all()


def test_credits_have_every_role_and_characters_are_json(frames: dict[str, pl.DataFrame]) -> None:
    held = frames["title.principals"]
    assert held["category"].n_unique() == 12
    assert not held.select("tconst", "nconst", "category").is_duplicated().any()
    characters = [json.loads(text) for text in held["characters"].drop_nulls()]
    assert {len(names) for names in characters} == {1, 2}
    assert any('"' in names[0] for names in characters)


def test_titles_have_plausible_columns(frames: dict[str, pl.DataFrame]) -> None:
    titles = frames["title.basics"]
    assert titles["titleType"].n_unique() == 10
    assert titles["startYear"].drop_nulls().is_between(1900, 2026).all()
    assert titles["genres"].drop_nulls().str.split(",").list.len().is_between(1, 3).all()
    assert 0 < titles["isAdult"].sum() < 0.03 * TITLES
    assert titles.filter(pl.col("isAdult") == 1)["genres"].str.contains("Adult").all()
    assert 0.1 < (titles["primaryTitle"] != titles["originalTitle"]).mean() < 0.3
    assert titles.filter(pl.col("endYear") < pl.col("startYear")).is_empty()


def test_episodes_belong_to_series(frames: dict[str, pl.DataFrame]) -> None:
    kinds = dict(frames["title.basics"].select("tconst", "titleType").rows())
    episodes = frames["title.episode"]
    assert {kinds[tconst] for tconst in episodes["tconst"]} == {"tvEpisode"}
    assert {kinds[tconst] for tconst in episodes["parentTconst"]} == {"tvSeries"}
    numbered = episodes.drop_nulls()
    assert 0 < len(numbered) < len(episodes)
    assert not numbered.select("parentTconst", "seasonNumber", "episodeNumber").is_duplicated().any()


def test_sequels_keep_the_name_and_much_of_the_cast(frames: dict[str, pl.DataFrame], summary: SyntheticSummary) -> None:
    movies = frames["title.basics"].filter(pl.col("titleType") == "movie")
    first = {title: tconst for tconst, title in movies.select("tconst", "primaryTitle").rows()}
    cast = dict(frames["title.principals"].group_by("tconst").agg("nconst").rows())
    shared = []
    for tconst, title in movies.select("tconst", "primaryTitle").rows():
        name = re.fullmatch(r"(.+?) (2|II: .+)", title)
        if name and name[1] in first:
            earlier, later = set(cast.get(first[name[1]], [])), set(cast.get(tconst, []))
            shared.append(len(earlier & later) / max(1, len(later)))
    assert summary.sequels > 20
    assert len(shared) > 10
    assert sum(shared) / len(shared) > 0.4


def test_some_titles_share_a_name_in_different_years(frames: dict[str, pl.DataFrame]) -> None:
    titles = frames["title.basics"].filter(pl.col("titleType") != "tvEpisode").drop_nulls("startYear")
    named = titles.group_by("primaryTitle").agg(pl.col("startYear").n_unique())
    assert 0.01 < (named["startYear"] > 1).mean() < 0.2


def test_alternate_titles_come_in_many_scripts(frames: dict[str, pl.DataFrame]) -> None:
    text = "".join(frames["title.akas"]["title"])
    scripts = {unicodedata.name(letter).split()[0] for letter in set(text) if letter.isalpha()}
    assert scripts >= {"LATIN", "CYRILLIC", "GREEK", "KATAKANA", "CJK", "HANGUL", "ARABIC"}
    assert not text.isascii()
    originals = (
        frames["title.akas"]
        .filter(pl.col("isOriginalTitle") == 1)
        .join(frames["title.basics"], left_on="titleId", right_on="tconst")
    )
    assert len(originals) > 100
    assert (originals["title"] == originals["originalTitle"]).all()
    assert set(originals["types"]) == {"original"}


def test_progress_counts_rows_to_the_end(tmp_path: Path) -> None:
    seen: dict[str, tuple[int, int | None]] = {}
    made = write_synthetic(tmp_path, titles=50, people=30, progress=lambda file, *rows: seen.update({file: rows}))
    assert seen["title.basics.tsv.gz"] == (50, 50)
    assert seen["name.basics.tsv.gz"] == (30, 30)
    assert seen["title.akas.tsv.gz"] == (made.akas, None)
    assert len(seen) == 7


def test_a_world_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="20 titles"):
        write_synthetic(tmp_path, titles=3)
