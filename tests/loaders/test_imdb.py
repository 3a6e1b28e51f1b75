"""IMDb's files → graph tables: the whole mapping with answers worked out by hand, the choices, and the real files."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from graph.schema import CREDITS
from graph.tables import finish_tables, table_path
from loaders.imdb import FILES, KINDS, Choices, LoadError, imdb_tables

FOLDER = Path(os.environ.get("REELGRAPH_DATA", Path(__file__).parents[3] / "shared/data"))

BASICS = """\
tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres
tt01 movie A.Film Un.Film 0 1999 \\N 90 Comedy,Drama
tt02 tvSeries A.Series A.Series 0 2001 2005 \\N Drama
tt03 tvEpisode An.Episode An.Episode 0 2001 \\N 30 Drama
tt04 movie For.Adults For.Adults 1 1980 \\N 70 Adult
"""
RATINGS = """\
tconst averageRating numVotes
tt01 7.5 1000
tt02 8.0 20
tt09 1.0 7
"""
NAMES = """\
nconst primaryName birthYear deathYear primaryProfession knownForTitles
nm1 Ann 1950 \\N actress,director tt01,tt02,tt99
nm2 Will 1564 1616 writer \\N
nm3 Nobody \\N \\N \\N tt01
nm4 Dee \\N \\N editor tt03
"""
PRINCIPALS = """\
tconst ordering nconst category job characters
tt01 1 nm1 actress \\N ["Ann.(young)","The.\\\\"Boss\\\\""]
tt01 2 nm1 actress \\N ["Her.Twin"]
tt01 3 nm1 director \\N \\N
tt01 4 nm2 writer play \\N
tt02 1 nm4 archive_footage \\N ["Self"]
tt03 1 nm4 editor \\N \\N
""".replace("\\\\", "\\")
CREW = """\
tconst directors writers
tt01 nm1 nm2,nm1
tt02 nm4,nm8 \\N
"""
AKAS = """\
titleId ordering title region language types attributes isOriginalTitle
tt01 1 Un.Film FR fr original \\N 1
tt01 2 Ein.Film DE \\N imdbDisplay\x02working \\N 0
tt03 1 Une FR \\N \\N \\N 0
"""
EPISODES = """\
tconst parentTconst seasonNumber episodeNumber
tt03 tt02 1 2
"""
ALL = {
    "title.basics": BASICS,
    "title.ratings": RATINGS,
    "name.basics": NAMES,
    "title.principals": PRINCIPALS,
    "title.crew": CREW,
    "title.akas": AKAS,
    "title.episode": EPISODES,
}
EVERY_KIND = Choices(kinds=frozenset(KINDS))


def write(folder: Path, **files: str) -> Path:
    """IMDb's files by name, `title_basics`; cells are parted by spaces here, and a dot stands for a space in a cell."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        path = folder / f"{name.replace('_', '.', 1)}.tsv"
        path.write_text(text.replace(" ", "\t").replace(".", " ").replace("7 5", "7.5").replace("8 0", "8.0"), "utf-8")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "imdb", **{name.replace(".", "_"): text for name, text in ALL.items()})


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return pq.read_table(table_path(folder, name), partitioning=None).to_pylist()


def ids(folder: Path, name: str) -> list[tuple[str, ...]]:
    return [(row["head"], row["tail"], row["key"]) for row in rows(folder, name)]


def test_titles_carry_everything_that_two_files_say(source: Path, tmp_path: Path) -> None:
    imdb_tables(source, tmp_path / "out")
    film, series, adult = rows(tmp_path / "out", "Title")
    assert film == {
        "id": "tt01",
        "kind": "movie",
        "title": "A Film",
        "original_title": "Un Film",
        "start_year": 1999,
        "end_year": None,
        "runtime_minutes": 90,
        "is_adult": False,
        "average_rating": 7.5,
        "num_votes": 1000,
        "poster_url": None,
        "text": None,
    }
    assert (series["end_year"], series["num_votes"]) == (2005, 20)
    assert (adult["is_adult"], adult["num_votes"]) == (True, None)


def test_genres_people_and_what_they_are_known_for(source: Path, tmp_path: Path) -> None:
    imdb_tables(source, tmp_path / "out")
    assert rows(tmp_path / "out", "Genre") == [{"id": "Adult"}, {"id": "Comedy"}, {"id": "Drama"}]
    assert sorted(ids(tmp_path / "out", "IN_GENRE")) == [
        ("tt01", "Comedy", ""),
        ("tt01", "Drama", ""),
        ("tt02", "Drama", ""),
        ("tt04", "Adult", ""),
    ]
    people = rows(tmp_path / "out", "Person")
    assert [person["id"] for person in people] == ["nm1", "nm2", "nm4"]
    ann = {"id": "nm1", "name": "Ann", "birth_year": 1950, "death_year": None, "professions": ["actress", "director"]}
    assert people[0] == ann
    assert (people[1]["birth_year"], people[1]["death_year"]) == (1564, 1616)
    assert sorted(ids(tmp_path / "out", "KNOWN_FOR")) == [("nm1", "tt01", ""), ("nm1", "tt02", "")]


def test_credits_of_principals_and_of_the_crew(source: Path, tmp_path: Path) -> None:
    imdb_tables(source, tmp_path / "out", EVERY_KIND)
    acted = rows(tmp_path / "out", "ACTED_IN")
    assert [(row["head"], row["tail"], row["key"], row["ordering"], row["category"]) for row in acted] == [
        ("nm1", "tt01", "1", 1, "actress"),
        ("nm1", "tt01", "2", 2, "actress"),
    ]
    assert [row["characters"] for row in acted] == [["Ann (young)", 'The "Boss"'], ["Her Twin"]]
    assert sorted(ids(tmp_path / "out", "DIRECTED")) == [("nm1", "tt01", "3"), ("nm4", "tt02", "")]
    assert sorted(ids(tmp_path / "out", "WROTE")) == [("nm1", "tt01", ""), ("nm2", "tt01", "4")]
    by_key = {row["key"]: row for row in rows(tmp_path / "out", "WROTE")}
    assert (by_key["4"]["job"], by_key["4"]["ordering"]) == ("play", 4)
    assert (by_key[""]["job"], by_key[""]["ordering"]) == (None, None)
    assert ids(tmp_path / "out", "SEEN_IN_ARCHIVE") == [("nm4", "tt02", "1")]
    assert ids(tmp_path / "out", "EDITED") == [("nm4", "tt03", "1")]


def test_alternate_titles_and_episodes(source: Path, tmp_path: Path) -> None:
    imdb_tables(source, tmp_path / "out", EVERY_KIND)
    named = rows(tmp_path / "out", "AlternateTitle")
    original = {"id": "tt01:1", "title": "Un Film", "region": "FR", "language": "fr", "types": ["original"]}
    assert named[0] == original
    assert [row["types"] for row in named[1:]] == [["imdbDisplay", "working"], None]
    assert ids(tmp_path / "out", "ALSO_KNOWN_AS")[0] == ("tt01", "tt01:1", "")
    episode = {"head": "tt03", "tail": "tt02", "key": "", "season": 1, "episode": 2}
    assert rows(tmp_path / "out", "EPISODE_OF") == [episode]


def test_what_is_left_out_is_counted_under_its_reason(source: Path, tmp_path: Path) -> None:
    report = imdb_tables(source, tmp_path / "out")
    assert report.file("title.basics").dropped == {"kind of title not chosen": 1}
    assert report.file("title.ratings").dropped == {"unknown title": 1}
    assert report.file("title.principals").dropped == {"title left out": 1}
    assert report.file("name.basics").dropped == {"no credit in a kept title": 1}
    assert report.file("name.basics").repaired == {
        "knownForTitles: title left out": 1,
        "knownForTitles: unknown title": 1,
    }
    assert report.file("title.crew").repaired == {"already among the principals": 2, "unknown person": 1}
    assert report.file("title.episode").dropped == {"title left out": 1}
    assert all(file.rows == file.kept + sum(file.dropped.values()) for file in report.files)
    assert [source.file for source in report.sources] == [f"{name}.tsv" for name in FILES]


def test_the_tables_are_what_the_manifest_may_vouch_for_and_always_the_same(source: Path, tmp_path: Path) -> None:
    first = imdb_tables(source, tmp_path / "one")
    second = imdb_tables(source, tmp_path / "two")
    one, two = finish_tables(tmp_path / "one", first.sources), finish_tables(tmp_path / "two", second.sources)
    assert one.manifest.counts == first.counts
    assert one.manifest.graph_hash == two.manifest.graph_hash


@pytest.mark.parametrize(
    ("choices", "kept"),
    [
        (Choices(), ["tt01", "tt02", "tt04"]),
        (Choices(adult=False), ["tt01", "tt02"]),
        (Choices(min_votes=21), ["tt01"]),
        (Choices(kinds=frozenset({"tvSeries", "tvEpisode"})), ["tt02", "tt03"]),
    ],
)
def test_choices_of_titles(source: Path, tmp_path: Path, choices: Choices, kept: list[str]) -> None:
    imdb_tables(source, tmp_path / "out", choices)
    assert [row["id"] for row in rows(tmp_path / "out", "Title")] == kept


def test_choices_of_credits_and_alternates(source: Path, tmp_path: Path) -> None:
    imdb_tables(source, tmp_path / "out")
    report = imdb_tables(source, tmp_path / "out", Choices(credits=("ACTED_IN",), alternates=False))
    assert {"ACTED_IN", "Person"} <= set(report.counts)
    assert not {"DIRECTED", "WROTE", "AlternateTitle", "ALSO_KNOWN_AS"} & set(report.counts)
    assert not table_path(tmp_path / "out", "DIRECTED").exists(), "a table of the load before"
    assert report.unused == ("title.crew", "title.akas")
    assert report.file("title.principals").dropped == {"credit not chosen": 3, "title left out": 1}
    assert [row["id"] for row in rows(tmp_path / "out", "Person")] == ["nm1"]


def test_choices_name_what_there_is() -> None:
    with pytest.raises(LoadError, match=r"no kind of title 'film'.*movie"):
        Choices(kinds=frozenset({"film"}))
    with pytest.raises(LoadError, match=r"no credit 'SANG'.*DIRECTED"):
        Choices(credits=("SANG",))
    with pytest.raises(LoadError, match="min_votes"):
        Choices(min_votes=-1)


def test_only_basics_need_to_be_there(tmp_path: Path) -> None:
    source = write(tmp_path / "imdb", title_basics=BASICS, title_principals=PRINCIPALS)
    report = imdb_tables(source, tmp_path / "out")
    assert set(report.counts) == {"Title", "Genre", "IN_GENRE"}
    assert report.missing == tuple(name for name in FILES if name not in ("title.basics", "title.principals"))
    assert report.unused == ("title.principals",), "credits have no people without name.basics"


def test_names_without_credits_make_no_people(tmp_path: Path) -> None:
    source = write(tmp_path / "imdb", title_basics=BASICS, name_basics=NAMES)
    report = imdb_tables(source, tmp_path / "out")
    assert (report.unused, "Person" in report.counts) == (("name.basics",), False)


def test_crew_alone_makes_credits(tmp_path: Path) -> None:
    source = write(tmp_path / "imdb", title_basics=BASICS, name_basics=NAMES, title_crew=CREW)
    imdb_tables(source, tmp_path / "out")
    assert sorted(ids(tmp_path / "out", "DIRECTED")) == [("nm1", "tt01", ""), ("nm4", "tt02", "")]


def test_progress_rises_to_one(source: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    imdb_tables(source, tmp_path / "out", progress=lambda _what, part: seen.append(part))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def real(name: str) -> Path:
    if not (FOLDER / name).is_dir():
        pytest.skip(f"{FOLDER / name} is not there; set REELGRAPH_DATA to the folder of real data")
    return FOLDER / name


def accounted(source: Path, out: Path, choices: Choices = EVERY_KIND) -> dict[str, int]:
    """Load a folder, check that no row is lost unaccounted, and return the rows of each file."""
    report = imdb_tables(source, out, choices)
    finish_tables(out, report.sources)
    assert all(file.rows == file.kept + sum(file.dropped.values()) for file in report.files)
    return {name: report.file(name).rows for name in FILES if name not in report.missing}


@pytest.mark.realdata
def test_real_first_lines(tmp_path: Path) -> None:
    assert accounted(real("imdb-raw-tiny"), tmp_path / "out") == dict.fromkeys(FILES, 99)


@pytest.mark.realdata
def test_real_quoted_characters_and_people_who_act_twice(tmp_path: Path) -> None:
    source = tmp_path / "imdb"
    source.mkdir()
    for path in real("imdb-raw-first50k").iterdir():
        (source / path.name).symlink_to(path)
    with gzip.open(source / "title.principals.tsv.gz", "rt", encoding="utf-8", newline="\n") as file:
        cells = [line.rstrip("\n").split("\t") for line in file][1:]
    # The first 50,000 names are not those of the first 50,000 credits, so everyone gets a name here.
    (source / "name.basics.tsv.gz").unlink()
    people = sorted({row[2] for row in cells})
    header = "\t".join(FILES["name.basics"])
    lines = [header, *("\t".join([one, one, *["\\N"] * 4]) for one in people)]
    (source / "name.basics.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    accounted(source, tmp_path / "out")
    made = [(type_, row) for type_ in CREDITS for row in rows(tmp_path / "out", type_) if row["key"]]
    assert len(made) == len(cells) == 50_001
    acted = [row for type_, row in made if type_ == "ACTED_IN"]
    # Whoever acts twice in one title does so under two keys.
    pairs = [(row["head"], row["tail"]) for row in acted]
    assert len(pairs) - len(set(pairs)) == 818
    assert len({(row["head"], row["tail"], row["key"]) for row in acted}) == len(acted)
    expected = {(row[0], row[1]): row[5] for row in cells if row[5] != "\\N"}
    found = {(row["tail"], row["key"]): row["characters"] for _, row in made if row.get("characters")}
    assert found.keys() == expected.keys()
    assert found["tt0000009", "1"] == ["Miss Geraldine Holbrook (Miss Jerry)"]
    assert not any('""' in name or name.startswith(("[", '"')) for names in found.values() for name in names)


@pytest.mark.realdata
def test_real_24k_titles(tmp_path: Path) -> None:
    read = accounted(real("imdb-24k"), tmp_path / "out")
    assert (read["title.basics"], read["title.principals"], read["name.basics"]) == (24_300, 314_476, 67_205)
    assert not {"title.akas", "title.episode"} & set(read)
    # Eight titles have no kind, so they are not of a kind that was chosen.
    assert pq.read_metadata(table_path(tmp_path / "out", "Title")).num_rows == 24_292
    assert imdb_tables(real("imdb-24k"), tmp_path / "out").file("title.basics").dropped == {
        "kind of title not chosen": 178
    }
