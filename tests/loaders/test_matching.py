"""Items find their titles by name, year, kind and people; what is doubtful goes to a review and comes back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graph.tables import rows_to_table, write_table
from loaders.matching import (
    SURE,
    CatalogError,
    imdb_id,
    match_items,
    people_named,
    read_review,
    split_title,
    write_review,
)

TITLES: list[dict[str, Any]] = [
    {"id": "tt0000001", "title": "The Harbour Lights", "kind": "movie", "start_year": 1995, "num_votes": 9000},
    {"id": "tt0000002", "title": "The Harbour Lights", "kind": "movie", "start_year": 2011, "num_votes": 800},
    {"id": "tt0000003", "title": "La Cité rouge", "kind": "movie", "start_year": 1988, "num_votes": 500},
    {"id": "tt0000004", "title": "Orbit 2", "original_title": "Orbita 2", "kind": "movie", "start_year": 2001},
    {"id": "tt0000005", "title": "Quarry", "kind": "movie", "start_year": 2014, "num_votes": 200_000},
    {
        "id": "tt0000006",
        "title": "Quarry",
        "kind": "tvSeries",
        "start_year": 2014,
        "end_year": 2017,
        "num_votes": 150_000,
    },
    {"id": "tt0000007", "title": "Twins", "kind": "movie", "start_year": 2003, "num_votes": 100},
    {"id": "tt0000008", "title": "Twins", "kind": "movie", "start_year": 2003, "num_votes": 90},
    {"id": "tt0000009", "title": "Pilot", "kind": "tvEpisode", "start_year": 2004, "num_votes": 5000},
    {"id": "tt0000010", "title": "Night Train to Bergen", "kind": "movie", "start_year": 1977, "num_votes": 70},
    {"id": "item:9", "title": "House Film", "kind": "movie", "start_year": 2020},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    tables: dict[str, list[dict[str, Any]]] = {
        "Title": TITLES,
        "AlternateTitle": [{"id": "tt0000003:1", "title": "The Red City", "region": "GB"}],
        "ALSO_KNOWN_AS": [{"head": "tt0000003", "tail": "tt0000003:1"}],
        "Person": [
            {"id": "nm1", "name": "Inés Ødegård"},
            {"id": "nm2", "name": "Sam Hill"},
            {"id": "nm3", "name": "Sam Hill"},
            {"id": "nm4", "name": "Ann Low"},
            {"id": "nm5", "name": "Ann Low"},
        ],
        "DIRECTED": [
            {"head": "nm1", "tail": "tt0000002", "key": "1"},
            {"head": "nm2", "tail": "tt0000008", "key": "1"},
            *({"head": "nm4", "tail": f"tt000000{n}", "key": "9"} for n in range(3, 8)),
        ],
    }
    for name, rows in tables.items():
        write_table(folder, name, [rows_to_table(name, rows)])
    return folder


def match(folder: Path, decisions: dict[str, str] | None = None, **item: Any) -> dict[str, Any]:
    items = pl.DataFrame([{"item_id": "1", **item}])
    return match_items(items, folder, decisions).row(0, named=True)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Harbour Lights, The (1995)", ("The Harbour Lights", 1995, [])),
        ("Harbour Lights, The (1995) ", ("The Harbour Lights", 1995, [])),
        ("Red City, The (Cité rouge, La) (1988)", ("The Red City", 1988, ["La Cité rouge"])),
        ("Orbit Two (a.k.a. Orbit 2) (Orbita 2) (2001)", ("Orbit Two", 2001, ["Orbit 2", "Orbita 2"])),
        ("Quarry (2014–2017)", ("Quarry", 2014, [])),
        ("Quarry (2014-)", ("Quarry", 2014, [])),
        ("Avventura, L'", ("L'Avventura", None, [])),
        ("(500) Nights", ("(500) Nights", None, [])),
        ("Me, Myself, I", ("I Me, Myself", None, [])),
        ("1999", ("1999", None, [])),
        ("", ("", None, [])),
    ],
)
def test_a_title_splits_into_name_year_and_other_names(text: str, parts: tuple[str, int | None, list[str]]) -> None:
    assert split_title(text) == parts


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("tt0114709", "tt0114709"),
        ("0114709", "tt0114709"),
        ("114709", "tt0114709"),
        ("tt10872600", "tt10872600"),
        ("https://www.imdb.com/title/tt0114709/?ref_=x", "tt0114709"),
        ("nm0000001", None),
        ("Toy", None),
        ("", None),
    ],
)
def test_imdb_ids_in_all_spellings(text: str, id_: str | None) -> None:
    assert imdb_id(text) == id_


@pytest.mark.parametrize(
    ("item", "id_", "how", "confidence"),
    [
        ({"tconst": "tt0000007", "title": "Something else"}, "tt0000007", "tconst", 1.0),
        ({"tconst": "tt7777777", "title": "Night Train to Bergen", "year": 1977}, "tt0000010", "title+year", 0.98),
        ({"title": "harbour lights, the", "year": 1995}, "tt0000001", "title+year", 0.98),
        ({"title": "Harbour-Lights (2011)"}, "tt0000002", "title+year", 0.91),
        ({"title": "La cite ROUGE", "year": 1989}, "tt0000003", "title+year±1", 0.91),
        ({"title": "The Red City", "year": 1988}, "tt0000003", "alternate+year", 0.96),
        ({"title": "Rouge! (Cité rouge, La)", "year": 1988}, "tt0000003", "alternate+year", 0.96),
        ({"title": "Orbit II", "year": 2001}, "tt0000004", "title+year", 0.91),
        ({"title": "Orbita 2", "year": 2001}, "tt0000004", "title+year", 0.98),
        ({"title": "Quarry", "year": 2014, "kind": "tvSeries"}, "tt0000006", "title+year", 0.98),
        ({"title": "Quarry", "year": 2016, "kind": "tvSeries"}, "tt0000006", "title+year±1", 0.91),
        ({"title": "Pilot", "year": 2004, "kind": "tvEpisode"}, "tt0000009", "title+year", 0.98),
        ({"title": "Twins", "year": 2003, "people": ["director:Sam Hill"]}, "tt0000008", "title+year", 0.98),
        ({"title": "The Harbour Lights", "people": ["Ines Ødegård"]}, "tt0000002", "title+people", 0.93),
        ({"title": "The Harbour Lights", "year": 2013, "people": ["Ines Ødegård"]}, "tt0000002", "title+people", 0.90),
        ({"title": "Night Train to Bergn", "year": 1977}, "tt0000010", "fuzzy+year", 0.87),
        ({"title": "Night Train to Bergen"}, "tt0000010", "title", 0.86),
    ],
)
def test_sure_matches(folder: Path, item: dict[str, Any], id_: str, how: str, confidence: float) -> None:
    found = match(folder, **item)
    assert (found["title_id"], found["match"], found["confidence"]) == (id_, how, pytest.approx(confidence))
    assert found["status"] == "sure"
    assert found["confidence"] >= SURE


@pytest.mark.parametrize(
    ("item", "id_"),
    [
        ({"title": "Quarry", "year": 2014}, "tt0000005"),  # a film and a series, nearly as well known
        ({"title": "Twins", "year": 2003}, "tt0000007"),
        ({"title": "Twins"}, "tt0000007"),
        ({"title": "Pilot", "year": 2004}, "tt0000009"),  # an episode, which the item does not say it is
        ({"title": "La Quarry", "year": 2013, "kind": "movie"}, "tt0000005"),  # neither the very name nor the year
        ({"title": "Quarry", "year": 2012, "kind": "movie"}, "tt0000005"),
        ({"title": "Quarry: The Beginning", "year": 2014, "kind": "movie"}, "tt0000005"),
        ({"title": "The Harbour Lights", "year": 2006, "people": ["Ines Ødegård"]}, "tt0000002"),
        ({"title": "Orbit 3", "year": 2001}, "tt0000004"),  # another number
        ({"title": "La Cité rouge", "year": 1989, "people": ["Ann Nobody"], "kind": "tvSeries"}, "tt0000003"),
    ],
)
def test_doubtful_matches_are_suggestions(folder: Path, item: dict[str, Any], id_: str) -> None:
    found = match(folder, **item)
    assert (found["status"], found["title_id"]) == ("unsure", id_)
    assert found["suggestions"][0]["id"] == id_
    assert [hit["id"] for hit in found["suggestions"][1:]] == found["runners_up"]


@pytest.mark.parametrize(
    "item",
    [
        {"title": "Never Filmed", "year": 1999},
        {"title": "House Film", "year": 2020},  # a catalog's own title is no title of IMDb's
        {"title": "Quarry", "year": 1950},  # more than three years away: another work
    ],
)
def test_what_imdb_lacks_matches_nothing(folder: Path, item: dict[str, Any]) -> None:
    found = match(folder, **item)
    assert (found["status"], found["title_id"], found["confidence"]) == ("none", None, 0.0)
    assert found["suggestions"] == []


def test_all_items_come_back_in_order_from_a_title_table_alone(tmp_path: Path) -> None:
    write_table(tmp_path, "Title", [rows_to_table("Title", TITLES)])
    items = pl.DataFrame(
        [
            {"item_id": "c", "title": "Twins", "year": 2003, "people": ["Sam Hill"]},
            {"item_id": "a", "title": "???", "year": 1, "people": []},
            {"item_id": "b", "title": "Orbit 2 (2001)", "year": None, "people": None},
        ]
    )
    found = match_items(items, tmp_path)
    assert found["item_id"].to_list() == ["c", "a", "b"]
    assert found["status"].to_list() == ["unsure", "none", "sure"]
    assert match_items(items.clear(), tmp_path).is_empty()


def test_decisions_count_before_everything(folder: Path) -> None:
    item = {"title": "Twins", "year": 2003, "tconst": "tt0000001"}
    chosen = match(folder, {"1": "tt0000008"}, **item)
    assert (chosen["title_id"], chosen["match"], chosen["status"]) == ("tt0000008", "review", "sure")
    assert match(folder, {"1": "own"}, **item)["status"] == "own"
    skipped = match(folder, {"1": "skip"}, **item)
    assert (skipped["status"], skipped["title_id"]) == ("skip", None)
    assert match(folder, {"1": "tt9999999"}, title="Twins", year=2003)["status"] == "unsure"


def test_a_review_survives_a_spreadsheet(folder: Path, tmp_path: Path) -> None:
    items = pl.DataFrame(
        {
            "item_id": ["1", "2", "3"],
            "title": ["Twins", 'Orbit "3"; a, tale', "Quarry\nQuarry"],
            "year": [2003, 2001, 2014],
        }
    )
    matched = match_items(items, folder).with_columns(status=pl.lit("unsure"))
    path = tmp_path / "review.csv"
    assert write_review(path, matched) == 3
    assert read_review(path) == {}
    written = path.read_text("utf-8-sig")
    assert 'tt0000007,"Twins (2003), ' in written
    rows = pl.read_csv(path).with_columns(decision=pl.Series(["TT0000008 ", "Own", "skip"]))
    path.write_bytes(
        b"\xef\xbb\xbf" + rows.write_csv(separator=";", line_terminator="\r\n", quote_style="always").encode()
    )
    decisions = read_review(path)
    assert decisions == {"1": "tt0000008", "2": "own", "3": "skip"}
    again = match_items(items, folder, decisions)
    assert again["status"].to_list() == ["sure", "own", "skip"]
    assert write_review(path, again, decisions) == 0
    assert read_review(path) == decisions
    assert again["suggestions"][0][0]["id"] == "tt0000007"
    path.write_bytes(rows.write_csv(separator=";").replace("Twins", "Zwölf").encode("cp1252"))
    assert read_review(path) == decisions


@pytest.mark.parametrize(
    ("text", "cause"),
    [("item_id,decision\n1,maybe\n", "row 2: decision 'maybe'"), ("a;b\n", "no columns item_id"), ("", "no columns")],
)
def test_a_broken_review_says_where(tmp_path: Path, text: str, cause: str) -> None:
    path = tmp_path / "review.csv"
    path.write_text(text)
    with pytest.raises(CatalogError, match=cause):
        read_review(path)


def test_a_name_means_a_person_only_without_doubt(folder: Path) -> None:
    names = pl.Series(["sam hill", "ann low", "nobody"])
    assert people_named(names, folder) == {"ann low": "nm4"}


@pytest.mark.realdata
def test_titles_and_years_of_movielens_find_imdb(tmp_path: Path) -> None:
    data = Path(os.environ.get("REELGRAPH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    if not (data / "imdb-24k").is_dir():
        pytest.skip(f"{data} holds no imdb-24k; name the data folder with REELGRAPH_DATA")
    from benchmarks.catalog_matching import judge

    result = judge(data)
    assert result.precision >= 0.995
    assert result.recall >= 0.975
