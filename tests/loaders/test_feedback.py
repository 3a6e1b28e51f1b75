"""Feedback in bulk: every spelling is read, every row accounted for, the latest counts, twice is as good as once."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import reelgraph
from graph.store import open_store
from loaders import feedback as feedback_module
from loaders.catalog import CatalogFile
from loaders.imdb import LoadError
from loaders.load import load

BASICS = """tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres
tt0000001\tmovie\tPaper Lanterns\tPaper Lanterns\t0\t2001\t\\N\t125\tDrama
tt0000002\tmovie\tNight Ferry\tNight Ferry\t0\t2010\t\\N\t90\tDrama
tt0000003\tmovie\tThe Glass Harbour\tThe Glass Harbour\t0\t1995\t\\N\t101\tCrime
"""
NORTH = "item_id,tconst,title,year\nn1,tt0000001,,\n7,tt0000002,,\nown,,Cooking at Home,2024\n"
SOUTH = "item_id,tconst,title,year\n7,tt0000003,,\n8,tt0000003,,\n"
DAY = 1_500_000_000


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def imdb(tmp_path):
    return write(tmp_path / "imdb" / "title.basics.tsv", BASICS).parent


@pytest.fixture
def store(tmp_path, imdb):
    opened = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    load(opened, imdb=imdb, catalogs=[CatalogFile(write(tmp_path / "north.csv", NORTH), "north", "North")])
    yield opened
    opened.close()


def rated(store):
    """(user, title, type) → (value, timestamp)."""
    rows = [row for batch in store.scan_relationships("RATED") for row in batch.to_pylist()]
    assert all(row["type"] == row["key"] for row in rows)
    return {(row["head"], row["tail"], row["type"]): (row["value"], row["timestamp"]) for row in rows}


def users(store):
    return {row["id"]: row["labels"] for batch in store.scan_nodes("User") for row in batch.to_pylist()}


def accounted(report):
    left = report.unknown + report.ambiguous + report.repeated + report.outdated + sum(report.malformed.values())
    assert report.rows == report.kept + left
    return report


def heard(store, *paths, **more):
    """Load files of feedback; their reports, in which every row must be accounted for."""
    return [accounted(report) for report in load(store, feedback=paths, **more).feedback]


# Reading


def test_the_same_feedback_from_every_format(store, tmp_path):
    cells = {"userId": "7", "Title ID": "TT1", "Rating": "4.5", "time_stamp": "2017-07-14T02:40:00Z", "remark": "x"}
    paths = [
        write(
            tmp_path / f"{number}.csv",
            "\ufeff" * (number == 0)
            + sep.join(cells)
            + "\r\n"
            + sep.join(f'"{c}"' for c in cells.values())
            + "\r\n\r\n",
        )
        for number, sep in enumerate(",;\t")
    ]
    paths.append(write(tmp_path / "a.jsonl", json.dumps(cells | {"userId": 7, "Rating": 4.5}) + "\n\n"))
    when = dt.datetime(2017, 7, 14, 4, 40, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    rows = {"viewer": [7.0, None], "imdb_id": [1, 1], "score": [4.5, float("nan")], "date": [when, None]}
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    paths.append(tmp_path / "a.parquet")
    for path in paths:
        (report,) = heard(store, path)
        assert rated(store) == {("7", "tt0000001", "rating"): (4.5, DAY)}, path.name
        assert (report.kept, report.users, report.titles) == (1, 1, 1)
        assert report.malformed == ({"no user": 1} if path.suffix == ".parquet" else {})
        store.delete_nodes("User", ["7"])


def test_movielens_as_published(store, tmp_path):
    folder = tmp_path / "ml"
    write(folder / "ratings.csv", f"userId,movieId,rating,timestamp\n1,10,4.0,{DAY}\n1,20,2.5,{DAY}\n2,30,3.0,{DAY}\n")
    write(folder / "links.csv", "movieId,imdbId,tmdbId\n10,0000001,862\n20,0000099,\n30,,31\n40,0000002,\n")
    (report,) = heard(store, folder)
    assert rated(store) == {("1", "tt0000001", "rating"): (4.0, DAY)}
    assert users(store) == {"1": None}
    assert (report.file, report.unknown, report.unknown_ids) == (str(folder / "ratings.csv"), 2, 2)
    assert sorted(report.examples) == ["30", "tt0000099"]


def test_what_kind_of_feedback_it_is(store, tmp_path):
    text = "user,tconst,type,value\na,tt0000001,,3\nb,1,,\nc,tt0000001, Like ,\nd,tt0000001,watch,0.5\ne,tt1,rating,\n"
    (report,) = heard(store, write(tmp_path / "a.csv", text))
    assert rated(store) == {
        ("a", "tt0000001", "rating"): (3.0, None),
        ("b", "tt0000001", "watch"): (None, None),
        ("c", "tt0000001", "like"): (None, None),
        ("d", "tt0000001", "watch"): (0.5, None),
    }
    assert report.malformed == {"a rating without a value": 1}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("1500000000", DAY),
        ("1500000000.9", DAY),
        ("1.5e9", DAY),
        ("1500000000123", DAY),
        ("1500000000123456", DAY),
        ("2017-07-14", DAY - 9600),
        ("2017-07-14 02:40", DAY),
        ("2017-07-14T02:40:00.5", DAY),
        ("2017-07-14T04:40:00+02:00", DAY),
        ("2017-07-13T21:40:00-0500", DAY),
        ("0", 0),
    ],
)
def test_a_time(store, tmp_path, given, seconds):
    (report,) = heard(store, write(tmp_path / "a.csv", f"user,title,value,time\na,tt0000001,1,{given}\n"))
    assert rated(store) == {("a", "tt0000001", "rating"): (1.0, seconds)}
    assert report.repaired == {}


@pytest.mark.parametrize("given", ["soon", "-1", "nan", "inf", "2017-13-01", "1969-01-01", "14/07/2017", "1e300"])
def test_what_is_no_time_is_made_null_and_counted(store, tmp_path, given):
    (report,) = heard(store, write(tmp_path / "a.csv", f"user,title,value,time\na,tt0000001,1,{given}\n"))
    assert rated(store) == {("a", "tt0000001", "rating"): (1.0, None)}
    assert report.repaired == {"time is no time, made null": 1}


def test_a_time_in_the_future_is_made_null_and_counted(store, tmp_path):
    """It would beat every later one; the rating itself is as good as any."""
    now = dt.datetime.now(dt.UTC)
    soon, later = (int((now + dt.timedelta(hours=hours)).timestamp()) for hours in (1, 48))
    text = f"user,title,value,time\na,tt0000001,1,{soon}\nb,tt0000001,2,{later}\nc,tt9,3,{later}\n"
    (report,) = heard(store, write(tmp_path / "a.csv", text))
    assert rated(store) == {("a", "tt0000001", "rating"): (1.0, soon), ("b", "tt0000001", "rating"): (2.0, None)}
    assert report.repaired == {"time is in the future, made null": 1}


def test_every_row_is_accounted_for(store, tmp_path):
    rows = [
        f"a,tt0000001,4,{DAY}",
        f"a,tt0000002,5,{DAY}",
        f",tt0000001,4,{DAY}",
        f"a,,4,{DAY}",
        f"b,tt0000001,good,{DAY}",
        f"b,tt0000001,nan,{DAY}",
        f"b,tt0000001,1e999,{DAY}",
        f"b,tt0000099,4,{DAY}",
        f"c,tt0000099,4,{DAY}",
        f"c,Paper Lanterns,4,{DAY}",
        f"a,tt0000001,3,{DAY + 1}",
        "",
    ]
    (report,) = heard(store, write(tmp_path / "a.csv", "\n".join(["user,title,value,time", *rows])))
    assert (report.rows, report.kept, report.users, report.titles) == (11, 2, 1, 2)
    assert report.malformed == {"no title": 1, "no user": 1, "value is no number": 3}
    assert (report.unknown, report.unknown_ids, set(report.examples)) == (3, 2, {"tt0000099", "Paper Lanterns"})
    assert report.repeated == 1
    assert rated(store) == {("a", "tt0000001", "rating"): (3.0, DAY + 1), ("a", "tt0000002", "rating"): (5.0, DAY)}
    assert users(store) == {"a": None}  # not b and c, who said nothing of use


# Titles


def test_item_ids_are_those_of_catalogs(store, tmp_path):
    text = "user,item_id\na,n1\nb,7\nc,own\nd,item:own\ne,tt0000003\nf,nothing\n"
    (report,) = heard(store, write(tmp_path / "a.csv", text))
    assert {(user, title) for user, title, _ in rated(store)} == {
        ("a", "tt0000001"),
        ("b", "tt0000002"),
        ("c", "item:own"),
        ("d", "item:own"),
        ("e", "tt0000003"),
    }
    assert (report.unknown, report.examples) == (1, ["nothing"])


def test_a_number_is_no_id_of_imdb_where_it_may_be_the_services_own(store, tmp_path):
    (report,) = heard(store, write(tmp_path / "a.csv", "user,movieId,title_id\na,1,1\nb,n1,\n"))
    assert {(user, title) for user, title, _ in rated(store)} == {("b", "tt0000001")}
    assert report.unknown == 1


def test_a_title_that_is_no_id_leaves_the_item_id_to_say_it(store, tmp_path):
    heard(store, write(tmp_path / "a.csv", "user,movieId,title\na,n1,Paper Lanterns\nb,n1,tt0000002\n"))
    assert {(user, title) for user, title, _ in rated(store)} == {("a", "tt0000001"), ("b", "tt0000002")}


@pytest.mark.parametrize("with_imdb", [False, True])
def test_one_item_id_for_two_titles_needs_its_catalog(store, tmp_path, imdb, with_imdb):
    south = CatalogFile(write(tmp_path / "south.csv", SOUTH), "south", "South")
    text = "user,item_id,catalog\na,7,\nb,7,north\nc,7,south\nd,8,\ne,8,north\n"
    again = {"imdb": imdb} if with_imdb else {}
    (report,) = heard(store, write(tmp_path / "a.csv", text), catalogs=[south], **again)
    assert {(user, title) for user, title, _ in rated(store)} == {
        ("b", "tt0000002"),
        ("c", "tt0000003"),
        ("d", "tt0000003"),
    }
    assert (report.ambiguous, report.unknown) == (1, 1)


def test_a_replaced_catalog_no_longer_says_what_an_item_id_means(store, tmp_path):
    north = CatalogFile(write(tmp_path / "north.csv", "item_id,tconst\n7,tt0000003\n"), "north", "North")
    heard(store, write(tmp_path / "a.csv", "user,item_id\na,7\nb,n1\n"), catalogs=[north])
    assert {(user, title) for user, title, _ in rated(store)} == {("a", "tt0000003")}


# What counts


@pytest.mark.parametrize("rows_at_once", [1, 2, 1000])
def test_the_latest_counts(store, tmp_path, monkeypatch, rows_at_once):
    monkeypatch.setattr(feedback_module, "_ROWS_AT_ONCE", rows_at_once)
    header = "user,title,type,value,time\n"
    one = write(
        tmp_path / "one.csv",
        header
        + f"a,tt0000001,,1,{DAY + 5}\na,tt0000001,,2,{DAY}\na,tt0000001,,3,\n"  # the time counts, not the order
        + f"a,tt0000001,like,,{DAY}\n"  # another kind
        + "b,tt0000001,,1,\nb,tt0000001,,2,\n"  # of equal ones the later row
        + f"c,tt0000001,,1,{DAY + 5}\nd,tt0000002,,1,{DAY}\n",
    )
    two = write(tmp_path / "two.csv", header + f"c,tt0000001,,2,{DAY}\nd,tt0000002,,2,{DAY}\ne,tt0000002,,2,{DAY}\n")
    first, second = heard(store, one, two)
    assert rated(store) == {
        ("a", "tt0000001", "rating"): (1.0, DAY + 5),
        ("a", "tt0000001", "like"): (None, DAY),
        ("b", "tt0000001", "rating"): (2.0, None),
        ("c", "tt0000001", "rating"): (1.0, DAY + 5),
        ("d", "tt0000002", "rating"): (2.0, DAY),
        ("e", "tt0000002", "rating"): (2.0, DAY),
    }
    assert (first.kept, first.repeated, first.users, first.titles) == (4, 4, 3, 1)
    assert (second.kept, second.repeated, second.users, second.titles) == (2, 1, 2, 1)


def test_feedback_that_came_later_is_not_undone_by_an_older_file(store, tmp_path):
    store.upsert_nodes("User", [{"id": user} for user in "abc"])
    row = {"tail": "tt0000001", "key": "rating", "type": "rating", "value": 9.0}
    live = [{"head": "a", "timestamp": DAY + 9}, {"head": "b", "timestamp": DAY - 9}, {"head": "c", "timestamp": None}]
    store.upsert_relationships("RATED", [row | one for one in live])
    text = f"user,title,value,time\na,tt0000001,1,{DAY}\nb,tt0000001,1,{DAY}\nc,tt0000001,1,{DAY}\nd,tt0000001,1,\n"
    (report,) = heard(store, write(tmp_path / "a.csv", text))
    assert {user: value for (user, _, _), value in rated(store).items()} == {
        "a": (9.0, DAY + 9),
        "b": (1.0, DAY),
        "c": (1.0, DAY),
        "d": (1.0, None),
    }
    assert (report.kept, report.outdated) == (3, 1)
    (report,) = heard(store, write(tmp_path / "b.csv", "user,title,value\na,tt0000001,1\nd,tt0000001,2\n"))
    assert (report.kept, report.outdated) == (1, 1)
    assert rated(store)["d", "tt0000001", "rating"] == (2.0, None)


@pytest.mark.parametrize("with_imdb", [False, True])
def test_a_second_load_changes_nothing(store, tmp_path, imdb, with_imdb):
    path = write(tmp_path / "a.csv", f"user,title,value,time\na,tt0000001,1,{DAY}\nb,tt0000002,2,\n")
    store.upsert_nodes("User", [{"id": "b", "labels": ["kids"]}])
    (first,) = heard(store, path)
    before, version = rated(store), store.info().version
    assert users(store) == {"a": None, "b": ["kids"]}
    (second,) = heard(store, path, **({"imdb": imdb} if with_imdb else {}))
    assert (rated(store), users(store)) == (before, {"a": None, "b": ["kids"]})
    assert first == second
    assert (store.info().version == version) == (not with_imdb)


def test_feedback_comes_with_the_titles_it_is_about(tmp_path, imdb):
    store = open_store(f"embedded:{tmp_path / 'new'}", create=True)
    with pytest.raises(LoadError, match=r"holds no titles.*name IMDb's files as well"):
        load(store, feedback=[write(tmp_path / "a.csv", "user,title\na,tt0000001\n")])
    north = CatalogFile(write(tmp_path / "north.csv", NORTH), "north", "North")
    path = write(tmp_path / "a.csv", "user,title,item_id\na,tt0000001,\nb,,own\n")
    done = load(store, imdb=imdb, catalogs=[north], feedback=[path])
    assert {(user, title) for user, title, _ in rated(store)} == {("a", "tt0000001"), ("b", "item:own")}
    assert (done.counts["RATED"], done.counts["User"]) == (2, 2)
    load(store, imdb=imdb)
    assert len(rated(store)) == 2
    store.close()


# What is wrong


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "user,title\na,tt0000099\n", r"none of its 1 rows is about a title.*such as tt0000099; load IMDb's"),
        ("a.csv", "userId,movieId,rating\n1,1,5\n", r"none of its 1 rows.*give MovieLens as its folder"),
        ("a.csv", "", r"is empty; it needs a header"),
        ("a.csv", "user,title\n", r"no row of feedback that can be used \(no rows\)"),
        ("a.csv", "user,title\n,tt0000001\nb,\n", r"can be used \(1 no title, 1 no user\)"),
        (
            "a.csv",
            "who,title\na,tt0000001\n",
            r"has the columns who, title; it needs user, and tconst or title",
        ),
        ("a.csv", "user,value\na,1\n", r"it needs user, and tconst"),
        ("a.csv", "user,title\na,tt1\nb,tt2,x\n", r"row 3 has 3 cells under 2 columns; put a cell.*quotes"),
        ("a.csv", 'user,title\na,"tt1"x\n', r"row 2: .*double every quote"),
        ("a.csv", b"user,title\na,tt1\n\xe9,tt2\n", r"row 3 is no UTF-8; save it as UTF-8"),
        ("a.jsonl", '{"user": "a", "title": "tt1"}\n{"user"\n', r"row 2: .*each line is one JSON object"),
        ("a.ndjson", "[1]\n", r"row 1 is no JSON object"),
        ("a.parquet", "no", r"a\.parquet cannot be read"),
        ("a.xlsx", "no", r"its name must end with \.csv, \.jsonl"),
        ("absent.csv", None, r"absent\.csv is not a file that is there"),
        ("ml/ratings.csv", "userId,movieId,rating\n1,1,5\n", r"ml holds no links\.csv; give MovieLens as published"),
        ("ml/links.csv", "movieId,imdbId\n1,1\n", r"ml holds no ratings\.csv"),
    ],
)
def test_what_cannot_be_loaded_changes_nothing(store, tmp_path, name, text, says):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    good = write(tmp_path / "good.csv", "user,title\na,tt0000001\n")
    with pytest.raises(LoadError, match=says):
        load(store, feedback=[good, path.parent if name.startswith("ml/") else path])
    assert (rated(store), users(store)) == ({}, {})


# The command, and real ratings


def test_the_command_says_what_became_of_every_row(store, tmp_path):
    good = write(tmp_path / "good.csv", f"user,title,value,time\na,tt0000001,4,{DAY}\nb,tt0000099,4,soon\na,tt1,x,\n")
    other = write(tmp_path / "other.jsonl", '{"user": "c", "item": "n1", "time": "soon"}\n')
    command = ["load", "--feedback", str(good), "--feedback", str(other), "--store", store.url]
    done = CliRunner().invoke(reelgraph.app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    first, second = json.loads(done.stdout)["feedback"]
    assert (first["rows"], first["kept"], first["unknown_ids"]) == (3, 1, 1)
    assert (second["kept"], second["repaired"]) == (1, {"time is no time, made null": 1})
    told = CliRunner().invoke(reelgraph.app, command).output
    assert f"Feedback {good}: 3 rows, 1 kept, of 1 users on 1 titles\n" in told
    assert "  1 left out: on 1 titles that the graph lacks, such as tt0000099\n" in told
    assert "  1 left out: value is no number\n" in told
    assert "  1 mended: time is no time, made null\n" in told
    assert "Version 000001: 2 RATED" in told


@pytest.mark.realdata
def test_real_movielens_on_real_titles(tmp_path):
    data = Path(os.environ.get("REELGRAPH_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
    if not (data / "imdb-24k").is_dir() or not (data / "ml-latest-small").is_dir():
        pytest.skip(f"{data} holds no imdb-24k and ml-latest-small; name the data folder with REELGRAPH_DATA")
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    (report,) = heard(store, data / "ml-latest-small", imdb=data / "imdb-24k")
    assert report.rows == 100_836
    assert report.kept / report.rows > 0.975
    assert 0.82 < report.titles / 9_742 < 0.84
    assert (report.users, report.repeated, report.malformed, report.repaired) == (610, 0, {}, {})
    assert store.info().counts["RATED"] == report.kept
    store.close()
