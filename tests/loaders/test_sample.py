"""The shipped sample refers to nothing it lacks, and its ids are the right ones."""

import csv
import gzip
import json
import os
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "loaders" / "sample"
REAL = Path(os.environ.get("REELGRAPH_DATA") or ROOT.parent / "shared" / "data") / "imdb-24k"

COLUMNS = {
    "title.basics": "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres",
    "title.akas": "titleId ordering title region language types attributes isOriginalTitle",
    "title.crew": "tconst directors writers",
    "title.episode": "tconst parentTconst seasonNumber episodeNumber",
    "title.principals": "tconst ordering nconst category job characters",
    "title.ratings": "tconst averageRating numVotes",
    "name.basics": "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
}
ITEM = "item_id,tconst,title,year,kind,genres,people,regions,available_from,available_until,poster_url"
CATALOGS = ("north", "south")
# Planet Earth has a producer, Band of Brothers and Pride and Prejudice (1995) have the writers of a book
NO_CREATOR = {"tt0795176", "tt0185906", "tt0112130"}


def tsv(name: str) -> list[dict[str, str]]:
    with (SAMPLE / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def real(name: str) -> dict[str, dict[str, str]]:
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is absent; REELGRAPH_DATA names the data folder")
    with gzip.open(REAL / f"{name}.tsv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["tconst" if name == "title.basics" else "nconst"]: row for row in rows}


def catalog(slug: str) -> list[dict[str, str]]:
    with (SAMPLE / f"catalog-{slug}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ids(cell: str) -> list[str]:
    return [] if cell == r"\N" else cell.split(",")


TITLES = {row["tconst"]: row for row in tsv("title.basics")}
NAMES = {row["nconst"]: row for row in tsv("name.basics")}


@pytest.mark.parametrize("name", COLUMNS)
def test_has_imdbs_columns_and_missing_is_always_marked(name: str) -> None:
    lines = (SAMPLE / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t") == COLUMNS[name].split()
    for line in lines[1:]:
        cells = line.split("\t")
        assert len(cells) == len(COLUMNS[name].split()), line
        assert all(cell and cell == cell.strip() for cell in cells), line


def test_ids_are_unique_and_sorted() -> None:
    assert [row["tconst"] for row in tsv("title.basics")] == sorted(TITLES)
    assert [row["nconst"] for row in tsv("name.basics")] == sorted(NAMES)
    assert all(re.fullmatch(r"tt\d{7,8}", key) for key in TITLES)
    assert all(re.fullmatch(r"nm\d{7,8}", key) for key in NAMES)


def test_every_id_that_is_mentioned_has_its_row() -> None:
    titles = {row["titleId"] for row in tsv("title.akas")} | {row["tconst"] for row in tsv("title.ratings")}
    titles |= {row[key] for row in tsv("title.episode") for key in ("tconst", "parentTconst")}
    titles |= {key for row in NAMES.values() for key in ids(row["knownForTitles"])}
    principals = tsv("title.principals")
    crew = {key for row in tsv("title.crew") for key in ids(row["directors"]) + ids(row["writers"])}
    assert titles | {row["tconst"] for row in principals} <= TITLES.keys()
    assert crew <= {row["nconst"] for row in principals} == NAMES.keys()
    assert {row["tconst"] for row in tsv("title.crew")} == TITLES.keys()


def test_nobody_is_credited_twice_in_one_place() -> None:
    for name, key in (
        ("title.principals", ("tconst", "ordering")),
        ("title.principals", ("tconst", "nconst", "category")),
        ("title.akas", ("titleId", "ordering")),
    ):
        assert max(Counter(tuple(row[column] for column in key) for row in tsv(name)).values()) == 1


def test_crew_and_principals_agree_and_every_title_has_a_maker() -> None:
    by_role: dict[tuple[str, str], set[str]] = defaultdict(set)
    creators = set()
    for row in tsv("title.principals"):
        by_role[row["tconst"], row["category"]].add(row["nconst"])
        if row["job"].startswith("creat"):
            creators.add(row["tconst"])
        if row["characters"] != r"\N":
            assert all(isinstance(name, str) and name for name in json.loads(row["characters"]))
    for row in tsv("title.crew"):
        assert set(ids(row["directors"])) == by_role[row["tconst"], "director"]
        assert set(ids(row["writers"])) == by_role[row["tconst"], "writer"]
        has_maker = row["directors"] != r"\N" or row["tconst"] in creators | NO_CREATOR
        assert has_maker, TITLES[row["tconst"]]["primaryTitle"]


def test_years_kinds_and_alternate_titles_are_plausible() -> None:
    for row in TITLES.values():
        assert row["isAdult"] == "0"
        assert 1890 < int(row["startYear"]) < 2027
        assert row["endYear"] == r"\N" or row["startYear"] <= row["endYear"]
        assert 1 <= len(row["genres"].split(",")) <= 3
    originals = Counter(row["titleId"] for row in tsv("title.akas") if row["isOriginalTitle"] == "1")
    assert originals == Counter({row["titleId"] for row in tsv("title.akas")})
    episodes = {row["tconst"] for row in tsv("title.episode")}
    assert episodes == {key for key, row in TITLES.items() if row["titleType"] == "tvEpisode"}
    assert not episodes & {row["parentTconst"] for row in tsv("title.episode")}


@pytest.mark.parametrize("slug", CATALOGS)
def test_a_catalog_is_half_of_the_sample_without_what_the_demo_searches_for(slug: str) -> None:
    items = catalog(slug)
    assert ",".join(items[0]) == ITEM
    assert len({item["item_id"] for item in items}) == len(items)
    known = [item["tconst"] for item in items if item["tconst"]]
    assert set(known) <= TITLES.keys()
    assert len(set(known)) == len(known) < len(TITLES) / 2
    absent = re.compile("toy story|rings of power", re.IGNORECASE)
    rings = {row["tconst"] for row in tsv("title.episode") if row["parentTconst"] == "tt7631058"}
    for item in items:
        assert not absent.search(item["title"])
        assert item["tconst"] not in rings
        if item["tconst"]:
            title = TITLES[item["tconst"]]
            assert (item["title"], item["year"]) == (title["primaryTitle"], title["startYear"])
            assert item["kind"] == title["titleType"]
        assert re.fullmatch(r"[A-Z]{2}(\|[A-Z]{2})*", item["regions"])
        assert not item["available_until"] or item["available_from"] < item["available_until"]


@pytest.mark.realdata
def test_titles_bear_the_ids_that_imdb_gave_them() -> None:
    theirs = real("title.basics")
    both = TITLES.keys() & theirs.keys()
    assert len(both) > 200
    for key in both:
        ours = TITLES[key]["primaryTitle"].casefold(), TITLES[key]["startYear"]
        assert ours == (theirs[key]["primaryTitle"].casefold(), theirs[key]["startYear"]), key


@pytest.mark.realdata
def test_people_bear_the_ids_that_imdb_gave_them() -> None:
    theirs = real("name.basics")
    both = NAMES.keys() & theirs.keys()
    assert len(both) > 1000
    assert {key: NAMES[key]["primaryName"] for key in both} == {key: theirs[key]["primaryName"] for key in both}
