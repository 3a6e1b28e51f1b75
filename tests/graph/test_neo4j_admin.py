"""The export for neo4j-admin: its files, its command, and what it leaves when it breaks off."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.exports.neo4j_admin import AdminExport, export_neo4j_admin
from graph.store import GraphStore, Provenance, StoreBusy, open_store
from graph.tables import TablesError
from tests.graph.conftest import tables_of


def test_an_empty_list_comes_in_as_absent_and_is_counted(tmp_path: Path) -> None:
    rows = {"Catalog": [{"id": "c"}], "Title": [{"id": "tt1"}, {"id": "tt2"}]}
    rows["OFFERS"] = [
        {"head": "c", "tail": "tt1", "regions": []},
        {"head": "c", "tail": "tt2", "regions": ["US", "GB"]},
    ]
    export = export_neo4j_admin(_stored(tmp_path, rows), tmp_path / "export")
    assert export.empty_lists == 1
    assert _file(export, "relationships/OFFERS.csv")[1:] == [
        '"c","tt1",""' + 14 * ",", '"c","tt2","",,"US;GB"' + 12 * ","
    ]  # fmt: skip


def test_headers_and_rows(tmp_path: Path) -> None:
    rows: dict[str, Any] = {
        "Title": [{"id": "tt1", "title": 'Say "no"', "start_year": 1995, "is_adult": False, "average_rating": 7.5}],
        "Genre": [{"id": "Drama"}],
        "Catalog": [{"id": "south"}, {"id": "north", "name": "North"}],
        "OFFERS": [{"head": "south", "tail": "tt1", "available_from": dt.date(2026, 3, 1)}],
        "IN_GENRE": [{"head": "tt1", "tail": "Drama"}],
    }
    store = _stored(tmp_path, rows)
    store.set_embeddings("embedding", ["tt1"], np.array([[3, 4]], np.float32), Provenance("r", "m", 2, "h", "t"))
    export = export_neo4j_admin(store, tmp_path / "export")
    header, row = _file(export, "nodes/Title.csv")
    assert header == (
        "tconst:ID(Title),kind,title,original_title,start_year:long,end_year:long,runtime_minutes:long,"
        "is_adult:boolean,average_rating:double,num_votes:long,poster_url,text,title_words,original_title_words,"
        "embedding_a:double[],:LABEL"
    )
    assert row == '"tt1",,"Say ""no""",,1995,,,false,7.5,,,,"say no sayno",,"3;4;3.75","Title;Offered;Catalog_2"'
    assert _file(export, "nodes/Catalog.csv") == [
        "slug:ID(Catalog),name,strategy,number:long,:LABEL", '"north","North",,1,"Catalog"', '"south",,,2,"Catalog"'
    ]  # fmt: skip
    assert _file(export, "relationships/IN_GENRE.csv") == [":START_ID(Title),:END_ID(Genre),key", '"tt1","Drama",']
    header, row = _file(export, "relationships/OFFERS.csv")
    assert header == (
        ":START_ID(Catalog),:END_ID(Title),key,item_id,regions:string[],available_from:date,available_until:date,match,"
        "confidence:double,hidden:boolean,categories:string[],labels,comment,timestamp:long,nanos:long,"
        "pinned:long,boost:double"
    )
    assert row == '"south","tt1","",,,2026-03-01' + 11 * ","
    folder = tmp_path / "export"
    assert export.command == [
        "neo4j-admin", "database", "import", "full", "neo4j", "--overwrite-destination=true", "--array-delimiter=;",
        *(f"--nodes={folder}/nodes/{name}.csv" for name in ("Catalog", "Genre", "Release", "Title")),
        *(f"--relationships={type_}={folder}/relationships/{type_}.csv" for type_ in ("IN_GENRE", "OFFERS")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "names", "options"),
    [
        ("plain", ["A"], ["--array-delimiter=;"]),
        ("two\nlines", ["A"], ["--array-delimiter=;", "--multiline-fields=true"]),
        ("a return\r", ["A; B"], ["--array-delimiter=|", "--multiline-fields=true"]),
        ("plain", ["A;|~^\x1f"], ["--array-delimiter=U+001E"]),
        ("plain", ["two\nlines"], ["--array-delimiter=;", "--multiline-fields=true"]),
    ],
)
def test_what_the_text_needs_is_said_in_the_command(
    tmp_path: Path, title: str, names: list[str], options: list[str]
) -> None:
    rows = {"Title": [{"id": "tt1", "title": title}], "Person": [{"id": "nm1", "professions": names}]}
    export = export_neo4j_admin(_stored(tmp_path, rows), tmp_path / "export")
    assert export.command[6 : 6 + len(options)] == options
    assert not export.command[6 + len(options)].startswith(("--array", "--multiline"))


def test_keys_and_searches_stay(tmp_path: Path) -> None:
    rows = {"Title": [{"id": "tt1"}], "ApiKey": [{"id": "k", "digest": "abc"}], "Search": [{"id": "s", "text": "why"}]}
    export = export_neo4j_admin(_stored(tmp_path, rows), tmp_path / "export")
    assert sorted(path.name for path in (tmp_path / "export").rglob("*.csv")) == ["Release.csv", "Title.csv"]
    assert export.counts == {"Title": 1}


def test_only_a_folder_of_its_own_is_written_again(tmp_path: Path) -> None:
    store, folder = _stored(tmp_path, {"Title": [{"id": "tt1"}]}), tmp_path / "export"
    export_neo4j_admin(store, folder)
    store.upsert_nodes("User", [{"id": "u1"}])
    assert export_neo4j_admin(store, folder).counts == {"Title": 1, "User": 1}
    (folder / "notes.txt").write_text("mine")
    for wrong in (folder, tmp_path / "tables", tmp_path / "a,b"):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(TablesError, match=r"export into (a new|another) folder"):
            export_neo4j_admin(store, wrong)
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("broken", [KeyboardInterrupt, OSError])
def test_an_export_that_breaks_off_leaves_what_was_there(tmp_path: Path, broken: type[BaseException]) -> None:
    store, folder = _stored(tmp_path, {"Title": [{"id": "tt1"}], "Genre": [{"id": "Drama"}]}), tmp_path / "export"

    def breaks(what: str, share: float) -> None:
        if what == "Genre":
            raise broken

    with pytest.raises(broken):
        export_neo4j_admin(store, folder, breaks)
    assert not folder.exists()
    export_neo4j_admin(store, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    with pytest.raises(broken):
        export_neo4j_admin(store, folder, breaks)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "store", "tables"]


def test_a_load_meanwhile_is_an_error(tmp_path: Path) -> None:
    store = _stored(tmp_path, {"Title": [{"id": "tt1"}]})
    tables = tables_of(tmp_path / "more", {"Title": [{"id": "tt1"}, {"id": "tt2"}]})
    with pytest.raises(StoreBusy, match="got a new version meanwhile; export again"):
        export_neo4j_admin(store, tmp_path / "export", lambda *_: store.load_tables(tables) and None)
    assert not (tmp_path / "export").exists()


def test_progress_goes_up_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    rows = {"Title": [{"id": "tt1"}], "Genre": [{"id": "Drama"}], "IN_GENRE": [{"head": "tt1", "tail": "Drama"}]}
    export_neo4j_admin(_stored(tmp_path, rows), tmp_path / "export", lambda *what: told.append(what))
    assert told == [("IN_GENRE", 0.25), ("Title", 0.5), ("Genre", 0.75)]


def _stored(folder: Path, rows: dict[str, Any]) -> GraphStore:
    """A store of these rows, its keys as the schema has them."""
    for type_ in ("OFFERS", "IN_GENRE"):
        rows |= {type_: [{"key": "", **row} for row in rows[type_]]} if type_ in rows else {}
    store = open_store(f"embedded:{folder / 'store'}", create=True)
    store.load_tables(tables_of(folder / "tables", rows))
    return store


def _file(export: AdminExport, name: str) -> list[str]:
    return (export.folder / name).read_text("utf-8").splitlines()
