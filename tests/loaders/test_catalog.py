"""A catalog is read in every spelling, refused with a reason, and put into graph tables without losing an item."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graph.tables import finish_tables, rows_to_table, write_table
from loaders.catalog import CatalogError, CatalogFile, add_catalogs, read_catalog

FULL = {
    "item_id": "7",
    "tconst": "tt0000001",
    "title": "The Harbour Lights",
    "year": 1995,
    "kind": "movie",
    "genres": ["Drama", "Sea"],
    "people": ["director:Ann Low", "Sam Hill"],
    "regions": ["CA", "US"],
    "available_from": dt.date(2026, 1, 1),
    "available_until": dt.date(2026, 12, 31),
    "poster_url": "https://example.org/7.jpg",
    "pinned": 3,
    "boost": 0.0,
}


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_the_same_item_from_every_format(tmp_path: Path) -> None:
    cells = {
        "item_id": "7",
        "imdb_id": "0000001",
        "Name": "Harbour Lights, The (1995)",
        "type": "Film",
        "genres": "Drama|Sea",
        "people": "Director: Ann Low|Sam Hill",
        "regions": "us|CA|us",
        "available_from": "2026-01-01",
        "available_until": "2026-12-31T23:59:59",
        "poster_url": "https://example.org/7.jpg",
        "pinned": "3",
        "boost": "0",
        "remark": "ignored",
    }
    lists = {
        "genres": ["Drama", "Sea"],
        "people": ["director:Ann Low", "Sam Hill"],
        "regions": ["US", "CA"],
        "item_id": 7,
        "boost": 0.0,
    }
    paths = [
        write(
            tmp_path / f"{n}.csv",
            "\ufeff" * (n == 0) + sep.join(cells) + "\r\n" + sep.join(f'"{c}"' for c in cells.values()),
        )
        for n, sep in enumerate(",;\t")
    ]
    paths.append(write(tmp_path / "a.jsonl", json.dumps(cells | lists) + "\n\n"))
    pl.DataFrame([cells | lists | {"available_from": dt.date(2026, 1, 1), "release_year": 1995.0}]).write_parquet(
        tmp_path / "a.parquet"
    )
    paths.append(tmp_path / "a.parquet")
    for path in paths:
        assert read_catalog(path).to_dicts() == [FULL], path.name


def test_movielens_as_it_comes(tmp_path: Path) -> None:
    path = write(
        tmp_path / "movies.csv", 'movieId,title,genres\n29,"Red City, The (Cité rouge, La) (1988)",(no genres listed)\n'
    )
    row = read_catalog(path).row(0, named=True)
    assert (row["item_id"], row["title"], row["year"], row["genres"]) == (
        "29",
        "The Red City (La Cité rouge)",
        1988,
        [],
    )


def test_our_own_spelling_of_a_header_goes_first(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,item_id,name,title\n1,2,three,four\n")
    assert read_catalog(path).select("item_id", "title").row(0) == ("2", "four")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "is empty"),
        ("item_id,title\n", "is empty"),
        ("item_id,year\n1,1999\n", "needs item_id, and title or tconst"),
        ("title\nA\n", "needs item_id"),
        ("item_id,title\n1,A\n,B\n", "row 3: it has no item_id"),
        ("item_id,title\n1,\n", "row 2: it has neither title nor tconst"),
        ("item_id,title\n1,A,B\n", "row 2: 3 cells under 2 columns"),
        ('item_id,title\n1,"A"B\n', "row 2: .*quote"),
        ("item_id,tconst\n1,Q42\n", "row 2: tconst 'Q42' is no IMDb id"),
        ("item_id,title,year\n1,A,soon\n", "row 2: year 'soon'"),
        ("item_id,title,kind\n1,A,opera\n", "row 2: kind 'opera' is unknown; use one of IMDb's: movie"),
        ("item_id,title,people\n1,A,gaffer:B\n", "row 2: people 'gaffer:B'.*roles are actor"),
        ("item_id,title,regions\n1,A,U.S.\n", "row 2: region 'U.S.'"),
        ("item_id,title,available_from\n1,A,1/2/2026\n", "row 2: available_from '1/2/2026' is no date"),
        (
            "item_id,title,available_from,available_until\n1,A,2026-02-01,2026-01-01\n",
            "row 2: available_until 2026-01-01 is before available_from 2026-02-01",
        ),
        ("item_id,title,poster_url\n1,A,javascript:x\n", "row 2: poster_url 'javascript:x' must start"),
        *(
            (f"item_id,title,pinned\n1,A,{text}\n", f"row 2: pinned '{text}' is no place")
            for text in ("0", "-1", "x", "1.5", "1001")
        ),
        *(
            (f"item_id,title,boost\n1,A,{text}\n", f"row 2: boost '{text}' is no factor")
            for text in ("-1", "much", "101", "nan")
        ),
        ("item_id,title,regions\n1,A,US\n1,A,CA\n2,B,\n", r"'1' \(row 3, other regions\).*one row an item"),
    ],
)
def test_a_faulty_catalog_says_where_and_why(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(CatalogError, match=cause) as error:
        read_catalog(write(tmp_path / "faulty.csv", text))
    assert "faulty.csv" in str(error.value)


def test_other_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("item_id,title\n1,A\n2,Cit\xe9\n".encode("latin-1"))
    (tmp_path / "bad.parquet").write_bytes(b"no")
    for name, cause in (
        ("latin.csv", "row 3: byte 0xe9 is no UTF-8"),
        ("bad.parquet", "cannot be read"),
        ("absent.csv", "cannot be read"),
        ("a.xlsx", "must end with .csv"),
    ):
        with pytest.raises(CatalogError, match=cause):
            read_catalog(tmp_path / name)
    for text, cause in (('{"item_id": 1', "row 1"), ("[1]", "row 1 is no JSON object"), ("", "is empty")):
        with pytest.raises(CatalogError, match=cause):
            read_catalog(write(tmp_path / "a.ndjson", text))


def test_only_ten_conflicts_are_too_many_to_list(tmp_path: Path) -> None:
    rows = "".join(f"{n},A\n{n},B\n" for n in range(9))
    with pytest.raises(CatalogError, match="and 4 more stand for several different rows"):
        read_catalog(write(tmp_path / "a.csv", "item_id,title\n" + rows))


@pytest.mark.parametrize(
    ("text", "path", "slug"),
    [
        ("a/My List.csv", "a/My List.csv", "my-list"),
        ("a/list.csv:demo", "a/list.csv", "demo"),
        ("C:/lists/a.parquet", "C:/lists/a.parquet", "a"),
    ],
)
def test_a_slug_from_the_command_line(text: str, path: str, slug: str) -> None:
    file = CatalogFile.of(text)
    assert (file.path, file.slug) == (Path(path), slug)


@pytest.mark.parametrize("text", ["a.csv:De Mo", "a.csv:-x", "a.csv:" + "x" * 64, "???.csv"])
def test_a_bad_slug_is_refused(text: str) -> None:
    with pytest.raises(CatalogError, match="is no slug"):
        CatalogFile.of(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    tables: dict[str, list[dict[str, Any]]] = {
        "Title": [
            {"id": "tt0000001", "title": "The Harbour Lights", "kind": "movie", "start_year": 1995, "num_votes": 9000},
            {"id": "tt0000007", "title": "Twins", "kind": "movie", "start_year": 2003, "num_votes": 100},
            {"id": "tt0000008", "title": "Twins", "kind": "movie", "start_year": 2003, "poster_url": "/old.jpg"},
        ],
        "Genre": [{"id": "Drama"}, {"id": "Sci-Fi"}],
        "Person": [
            {"id": "nm1", "name": "Ann Low"},
            {"id": "nm2", "name": "Sam Hill"},
            {"id": "nm3", "name": "Sam Hill"},
        ],
        "DIRECTED": [{"head": "nm1", "tail": "tt0000001", "key": "1", "ordering": 1}],
        "OFFERS": [
            {"head": "other", "tail": "tt0000001", "key": "x"},
            {"head": "shop", "tail": "tt0000001", "key": "gone"},
        ],
        "Catalog": [{"id": "other", "name": "Other"}],
    }
    for name, rows in tables.items():
        write_table(folder, name, [rows_to_table(name, rows)])
    return folder


SHOP = """item_id,title,year,kind,genres,people,regions,available_from,poster_url,tconst
1,"Harbour Lights, The",1995,,,,US|CA,2026-01-01,/1.jpg,
1b,The Harbour Lights (1995),,,,,DE,,,tt9999999
2,Twins,2003,,,,,,,
3,House Film,2020,short,drama|Sea,director:Ann Low|actress:Sam Hill|Sam Hill|Ånn Low,,,/3.jpg,
3,House Film,2020,short,drama|Sea,director:Ann Low|actress:Sam Hill|Sam Hill|Ånn Low,,,/3.jpg,
4,,,,,,,,,tt8888888
"""


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    kind = "nodes" if (folder / "nodes" / f"{name}.parquet").exists() else "relationships"
    frame = pl.read_parquet(folder / kind / f"{name}.parquet")
    return frame.sort("id" if kind == "nodes" else ["head", "key", "tail"]).to_dicts()


def test_a_catalog_enters_the_tables_and_nothing_is_lost(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "shop.csv", SHOP)
    for _ in range(2):  # a second time changes nothing
        (report,) = add_catalogs(folder, [CatalogFile(path, "shop", "The Shop")])
        offers = {row["key"]: row for row in rows(folder, "OFFERS") if row["head"] == "shop"}
        assert {key: row["tail"] for key, row in offers.items()} == {
            "1": "tt0000001",
            "1b": "tt0000001",
            "2": "item:2",
            "3": "item:3",
            "4": "item:4",
        }
        finish_tables(folder, [])
    assert (report.items, report.duplicates_dropped, report.unsure, report.own, report.unknown_tconsts) == (
        5,
        1,
        1,
        2,
        2,
    )
    assert report.matched == {"title+year": 2}
    assert offers["1"]["regions"] == ["CA", "US"]
    assert offers["1"]["available_from"] == dt.date(2026, 1, 1)
    assert (offers["1"]["match"], offers["2"]["match"], offers["3"]["match"]) == ("title+year", "unsure", "own")
    assert offers["3"]["regions"] is None
    assert [row["key"] for row in rows(folder, "OFFERS") if row["head"] == "other"] == ["x"]
    assert rows(folder, "Catalog") == [
        {"id": "other", "name": "Other", "strategy": None},
        {"id": "shop", "name": "The Shop", "strategy": None},
    ]
    titles = {row["id"]: row for row in rows(folder, "Title")}
    assert len(titles) == 6
    assert [titles[id_]["poster_url"] for id_ in ("tt0000001", "tt0000008", "item:3")] == [
        "/1.jpg",
        "/old.jpg",
        "/3.jpg",
    ]
    assert (titles["item:3"]["kind"], titles["item:3"]["title"]) == ("short", "House Film")
    assert (titles["item:2"]["kind"], titles["item:4"]["title"]) == ("movie", "tt8888888")


def test_pins_and_boosts_are_in_the_offers(folder: Path, tmp_path: Path) -> None:
    path = write(
        tmp_path / "shop.csv", "item_id,title,pinned,boost\n1,A Film,2,\n2,B Film,,0\n3,C Film,,1.5\n4,D Film,,\n"
    )
    add_catalogs(folder, [CatalogFile(path, "shop", "The Shop")])
    found = {row["key"]: (row["pinned"], row["boost"]) for row in rows(folder, "OFFERS") if row["head"] == "shop"}
    assert found == {"1": (2, None), "2": (None, 0.0), "3": (None, 1.5), "4": (None, None)}


def test_own_titles_join_the_graphs_genres_and_people(folder: Path, tmp_path: Path) -> None:
    add_catalogs(folder, [CatalogFile(write(tmp_path / "shop.csv", SHOP), "shop", "The Shop")])
    assert [row["id"] for row in rows(folder, "Genre")] == ["Drama", "Sci-Fi", "Sea"]
    assert [(row["head"], row["tail"]) for row in rows(folder, "IN_GENRE")] == [("item:3", "Drama"), ("item:3", "Sea")]
    directed = [(row["head"], row["tail"], row["key"]) for row in rows(folder, "DIRECTED")]
    assert directed == [("nm1", "item:3", "1"), ("nm1", "tt0000001", "1")]
    # of two equally unknown namesakes none is meant: a person of the catalog's own
    acted = [(row["head"], row["category"], row["ordering"]) for row in rows(folder, "ACTED_IN")]
    assert acted == [("nm1", "actor", 4), ("person:sam hill", "actress", 2), ("person:sam hill", "actor", 3)]
    assert {"id": "person:sam hill", "name": "Sam Hill"}.items() <= rows(folder, "Person")[-1].items()


def test_a_review_is_written_beside_the_catalog_and_obeyed(folder: Path, tmp_path: Path) -> None:
    text = "item_id,title,year\n007,Twins,2003\n008,Twins,2003\n009,Twins,2003\n"
    catalog = CatalogFile(write(tmp_path / "shop.csv", text), "shop", "The Shop")
    (report,) = add_catalogs(folder, [catalog])
    assert report.review == tmp_path / "shop.review.csv"
    assert report.unsure == 3
    # as a spreadsheet saves it: numbers without their zeros
    write(report.review, "item_id;decision\n7;tt0000008\n8;skip\n9;own\n55;own\n")
    (report,) = add_catalogs(folder, [catalog])
    assert (report.matched, report.skipped, report.own, report.stale_decisions) == ({"review": 1}, 1, 1, 1)
    offers = [(row["key"], row["tail"], row["match"]) for row in rows(folder, "OFFERS") if row["head"] == "shop"]
    assert offers == [("007", "tt0000008", "review"), ("009", "item:009", "own")]
    kept = report.review.read_text("utf-8-sig")
    assert "009,Twins,2003,own" in kept
    assert "55,,,own" in kept  # the item may come back


def test_a_review_that_cannot_be_written_leaves_the_tables_alone(folder: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "shop.csv", "item_id,title,year\n1,Twins,2003\n")
    with pytest.raises(CatalogError, match="name another file for the review"):
        add_catalogs(folder, [CatalogFile(path, "shop", "The Shop", tmp_path / "absent" / "review.csv")])
    assert "shop" not in [row["id"] for row in rows(folder, "Catalog")]


def test_two_catalogs_share_titles_and_keep_their_own_apart(folder: Path, tmp_path: Path) -> None:
    one = write(tmp_path / "one.csv", "item_id,title,year\n1,Twins,2003\n2,Same,2020\n3,Here,2020\n")
    two = write(tmp_path / "two.csv", "item_id,title,year\n9,The Harbour Lights,1995\n2,Same,2020\n3,There,2021\n")
    catalogs = [CatalogFile.of(str(one)), CatalogFile.of(str(two))]
    add_catalogs(folder, catalogs)
    offers = [(row["head"], row["tail"]) for row in rows(folder, "OFFERS")]
    assert ("one", "item:2") in offers
    assert ("two", "item:2") in offers
    assert ("two", "item:two:3") in offers
    finish_tables(folder, [])
    with pytest.raises(CatalogError, match="2 catalogs have the slug 'one'"):
        add_catalogs(folder, [catalogs[0], catalogs[0]])


def test_a_faulty_second_catalog_leaves_the_tables_alone(folder: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    good = write(tmp_path / "good.csv", "item_id,title\n1,New\n")
    bad = write(tmp_path / "bad.csv", "item_id,title,year\n1,New,never\n")
    with pytest.raises(CatalogError, match="row 2: year 'never'"):
        add_catalogs(folder, [CatalogFile.of(str(good)), CatalogFile.of(str(bad))])
    assert {path: path.read_bytes() for path in folder.rglob("*.parquet")} == before
