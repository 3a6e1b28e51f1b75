"""Plots and keywords: read in every spelling, put on their titles, kept through whatever is loaded later."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import reelgraph
from graph.store import open_store
from loaders.catalog import CatalogFile
from loaders.imdb import LoadError
from loaders.load import load

BASICS = """tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres
tt0000001\tmovie\tPaper Lanterns\tPaper Lanterns\t0\t2001\t\\N\t125\tDrama
tt0000002\tmovie\tNight Ferry\tNight Ferry\t0\t2010\t\\N\t90\tDrama
"""
NORTH = "item_id,tconst,title,year,poster_url\nn1,tt0000001,,,/1.jpg\nown,,Cooking at Home,2024,/own.jpg\n"


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def imdb(tmp_path):
    return write(tmp_path / "imdb" / "title.basics.tsv", BASICS).parent


@pytest.fixture
def north(tmp_path):
    return CatalogFile(write(tmp_path / "north.csv", NORTH), "north", "North")


@pytest.fixture
def store(tmp_path, imdb, north):
    opened = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    load(opened, imdb=imdb, catalogs=[north])
    yield opened
    opened.close()


def texts(store):
    """Title → its text, those that have one."""
    rows = [row for batch in store.scan_nodes("Title", ["text"]) for row in batch.to_pylist()]
    return {row["id"]: row["text"] for row in rows if row["text"] is not None}


def keywords(store):
    """Title → its keywords; every keyword must be a node, and every node one of them."""
    found = {}
    for row in (row for batch in store.scan_relationships("HAS_KEYWORD") for row in batch.to_pylist()):
        found.setdefault(row["head"], set()).add(row["tail"])
    nodes = {row["id"] for batch in store.scan_nodes("Keyword") for row in batch.to_pylist()}
    assert nodes == set().union(*found.values())
    return found


def put(store, path, **more):
    """Load texts; the report, in which every row must be accounted for."""
    report = load(store, texts=path, **more).texts
    assert report.rows == report.kept + report.unknown + report.repeated + sum(report.malformed.values())
    return report


def test_the_same_texts_from_every_format(store, tmp_path):
    words = ["Sea  Side", "based on novel", "SEA SIDE", " "]
    plot = 'Lanterns; "paper"|\nones'
    paths = []
    for number, (sep, sign) in enumerate(((",", "|"), (";", " ; "), ("\t", "|"))):
        paths.append(tmp_path / f"{number}.csv")
        with paths[-1].open("w", encoding="utf-8-sig", newline="") as file:
            rows = [["imdb_id", "Overview", "Plot Keywords", "id"], ["tt0000001", plot, sign.join(words), "862"]]
            csv.writer(file, delimiter=sep).writerows(rows)
    whole = {"tconst": "1", "plot": plot, "keywords": words}
    paths.append(write(tmp_path / "a.jsonl", json.dumps(whole) + '\n{"tconst": "tt2", "keywords": null}\n'))
    pl.DataFrame([whole]).write_parquet(tmp_path / "a.parquet")
    paths.append(tmp_path / "a.parquet")
    for path in paths:
        report = put(store, path)
        assert (texts(store), keywords(store)) == (
            {"tt0000001": plot},
            {"tt0000001": {"sea side", "based on novel"}},
        ), path.name
        assert (report.kept, report.texts, report.keywords) == (1, 1, 2)
        store.rollback(store.info().versions[0])


def test_every_row_is_accounted_for(store, tmp_path):
    rows = ["tt1,Old,a", "tt0000001,New,", "tt0000099,Elsewhere,a", "Q42,Wrong,a", "tt2,,", "item:own,Ours,b|a", ",,x"]
    report = put(store, write(tmp_path / "a.csv", "\n".join(["tconst,text,keywords", *rows])))
    assert (report.rows, report.kept, report.texts, report.keywords) == (7, 2, 2, 2)
    assert (report.unknown, report.examples, report.repeated) == (1, ["tt0000099"], 1)
    assert report.malformed == {"neither text nor keywords": 1, "no id as IMDb writes them": 2}
    assert texts(store) == {"tt0000001": "New", "item:own": "Ours"}
    assert keywords(store) == {"item:own": {"a", "b"}}


def test_what_a_later_file_leaves_blank_stays(store, tmp_path):
    put(store, write(tmp_path / "a.csv", "tconst,text,keywords\ntt1,One,a|b\ntt2,Two,b|c\n"))
    put(store, write(tmp_path / "b.csv", "tconst,text,keywords\ntt1,,a|d\ntt2,Zwei,\n"))
    assert texts(store) == {"tt0000001": "One", "tt0000002": "Zwei"}
    assert keywords(store) == {"tt0000001": {"a", "d"}, "tt0000002": {"b", "c"}}


def test_a_second_load_changes_nothing(store, tmp_path):
    path = write(tmp_path / "a.csv", "tconst,text,keywords\ntt1,One,a|b\ntt2,,c\n")
    first = put(store, path)
    version = store.info().version
    assert put(store, path) == first
    assert store.info().version == version


def test_texts_stay_when_anything_else_is_loaded(store, tmp_path, imdb, north):
    put(store, write(tmp_path / "a.csv", "tconst,text,keywords\ntt1,One,a\ntt2,Two,b\nitem:own,Ours,b|c\n"))
    version = store.info().version
    held = texts(store), keywords(store)
    load(store, catalogs=[north])
    assert store.info().version == version  # nothing but offers, and these are the same
    newer = write(tmp_path / "newer" / "title.basics.tsv", BASICS + BASICS.splitlines()[2].replace("tt0000002", "tt3"))
    posters = store.get_nodes("Title", ["tt0000001", "item:own"], ["poster_url"]).column("poster_url").to_pylist()
    assert posters == ["/1.jpg", "/own.jpg"]
    for given in ({"imdb": imdb}, {"imdb": newer.parent, "catalogs": [north]}, {"catalogs": [north]}, {"imdb": imdb}):
        load(store, **given)
        assert (texts(store), keywords(store)) == held
        found = store.get_nodes("Title", ["tt0000001", "item:own"], ["poster_url"])
        assert found.column("poster_url").to_pylist() == posters


def test_texts_of_titles_that_go_go_with_them(store, tmp_path, imdb):
    put(store, write(tmp_path / "a.csv", "tconst,text,keywords\ntt1,One,a\ntt2,Two,b\nitem:own,Ours,b|c\n"))
    less = write(tmp_path / "less" / "title.basics.tsv", "".join(BASICS.splitlines(keepends=True)[:2]))
    load(store, imdb=less.parent)
    assert texts(store) == {"tt0000001": "One", "item:own": "Ours"}
    load(store, catalogs=[CatalogFile(write(tmp_path / "n.csv", "item_id,tconst\nn1,tt1\n"), "north", "North")])
    assert texts(store) == {"tt0000001": "One"}
    assert [row["head"] for batch in store.scan_relationships("HAS_KEYWORD") for row in batch.to_pylist()] == [
        "tt0000001"
    ]


def test_texts_come_with_the_titles_they_are_about(tmp_path, imdb, north):
    store = open_store(f"embedded:{tmp_path / 'new'}", create=True)
    path = write(tmp_path / "a.csv", "tconst,keywords\ntt1,a\nitem:own,b\n")
    feedback = write(tmp_path / "f.csv", "user,item_id\nu,own\n")
    done = load(store, imdb=imdb, catalogs=[north], texts=path, feedback=[feedback])
    assert (done.counts["HAS_KEYWORD"], done.counts["Keyword"], done.counts["RATED"]) == (2, 2, 1)
    assert keywords(store) == {"tt0000001": {"a"}, "item:own": {"b"}}
    assert texts(store) == {}
    store.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tconst,text\ntt0000099,A\n", r"none of its 1 rows is about a title that the graph holds, such as tt0000099"),
        ("tconst,text\nQ42,A\n", r"none of its 1 rows.*give each row the tconst"),
        ("tconst,text\n", r"none of its 0 rows"),
        ("id,overview\n862,A\n", r"has the columns id, overview; it needs tconst, and text or keywords"),
        ("tconst,name\ntt1,A\n", r"it needs tconst, and text or keywords"),
        ("tconst,text\ntt1,A,B\n", r"row 2 has 3 cells under 2 columns"),
    ],
)
def test_what_cannot_be_loaded_changes_nothing(store, tmp_path, text, says):
    version = store.info().version
    with pytest.raises(LoadError, match=says):
        load(store, texts=write(tmp_path / "a.csv", text))
    assert (store.info().version, texts(store), keywords(store)) == (version, {}, {})


def test_the_command_says_what_became_of_every_row(store, tmp_path):
    path = write(tmp_path / "a.csv", "tconst,text,keywords\ntt1,One,a|b\ntt99,,c\nx,,c\n")
    command = ["load", "--texts", str(path), "--store", store.url]
    done = CliRunner().invoke(reelgraph.app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)["texts"]
    assert (report["kept"], report["keywords"], report["unknown"]) == (1, 2, 1)
    told = CliRunner().invoke(reelgraph.app, command).output
    assert f"Texts {path}: 3 rows, 1 kept: 1 texts, 2 different keywords\n" in told
    assert "  1 left out: on titles that the graph lacks, such as tt0000099\n" in told
    assert "  1 left out: no id as IMDb writes them\n" in told


@pytest.mark.realdata
def test_real_keywords_joined_as_a_user_would(tmp_path):
    data = Path(os.environ.get("REELGRAPH_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
    if not (data / "imdb-24k").is_dir() or not (data / "tmdb-movies").is_dir():
        pytest.skip(f"{data} holds no imdb-24k and tmdb-movies; name the data folder with REELGRAPH_DATA")
    numbers, words = (
        pl.read_csv(data / "tmdb-movies" / f"tmdb-movies_{name}.csv", infer_schema=False)
        for name in ("ids_numbers", "cast_director_keywords")
    )
    numbers.join(words, on="id").write_csv(tmp_path / "joined.csv")
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    report = put(store, tmp_path / "joined.csv", imdb=data / "imdb-24k")
    assert report.kept > 0.6 * report.rows
    assert report.keywords > 5_000
    assert "sequel" in keywords(store)["tt2908446"]
    store.close()
