"""`reelgraph sync`: inserts, updates and deletes in dated folders, out of order, repeated, resumed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graph.items import CatalogItems
from graph.store import open_store
from graph.tables import finish_tables, rows_to_table, write_table
from graph.users import feedback_of
from loaders.sync import Sync
from loaders.tsv import LoadError

HEAD = "op,committed,user,tconst,type,value,time\n"


@pytest.fixture
def store(tmp_path):
    titles = [{"id": f"tt000000{n}", "title": f"Film {n}"} for n in range(1, 6)]
    write_table(tmp_path / "t", "Title", [rows_to_table("Title", titles)])
    with contextlib.closing(open_store(f"embedded:{tmp_path / 'store'}", create=True)) as made:
        made.load_tables(finish_tables(tmp_path / "t", []))
        yield made


@pytest.fixture
def drops(tmp_path):
    folder = tmp_path / "drops"
    folder.mkdir()

    def drop(name, text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    drop.folder = folder
    return drop


@pytest.fixture
def turn(store, drops, tmp_path):
    """One round, by a sync that has just been started."""

    def go(state="state.sqlite"):
        with contextlib.closing(Sync(store, drops.folder, None, tmp_path / state)) as sync:
            return sync.round()

    return go


def said(store, user="u1"):
    return {(one.title[-1], one.type): one.value for one in feedback_of(store, [user])}


def test_inserts_updates_and_deletes(drops, turn, store):
    drops("2026-11-29/1.csv", HEAD + "I,2026-11-29 10:00:00,u1,tt0000001,rating,3,2026-11-29\n"
                                     "I,2026-11-29 10:00:01,u1,tt0000002,like,,2026-11-29\n")  # fmt: skip
    done = turn()
    assert (done.files, done.rows, done.written, done.deleted) == (1, 2, 2, 0)
    assert said(store) == {("1", "rating"): 3.0, ("2", "like"): None}
    drops("2026/11/30/2.csv", HEAD + "U,2026-11-30 10:00:00.5,u1,1,rating,5,2026-11-30\n"
                                     "D,2026-11-30 10:00:01,u1,tt0000002,like,,\n")  # fmt: skip
    done = turn()
    assert (done.files, done.written, done.deleted) == (1, 1, 1)
    assert said(store) == {("1", "rating"): 5.0}


@pytest.mark.parametrize("time", ["2026-11-29 12:00:00+02", "2026-11-29 10:00:00.25+00", "2026-11-29T10:00:00Z"])
def test_times_as_databases_write_them(drops, turn, store, time):
    drops("1.csv", HEAD + f"I,{time},u1,tt0000001,rating,3,{time}\nD,2026-11-29 09:59:59,u1,tt0000001,rating,,\n")
    assert turn().written == 1
    assert [one.timestamp for one in feedback_of(store, ["u1"])] == [1795946400]


def test_nothing_new_is_nothing_done(drops, turn, store):
    drops("a.csv", HEAD + "I,2026-11-29,u1,tt0000001,rating,3,\n")
    turn()
    done = turn()
    assert (done.files, done.rows, done.written) == (0, 0, 0)
    drops("a.csv", HEAD + "I,2026-11-29,u1,tt0000001,rating,3,\nI,2026-11-30,u1,tt0000002,like,,\n")  # it grew
    done = turn()
    assert (done.files, done.rows, done.written, done.late) == (1, 2, 1, 1)
    assert said(store) == {("1", "rating"): 3.0, ("2", "like"): None}


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_any_repetition_end_the_same(drops, turn, store, seed):
    chance = random.Random(seed)
    rows, truth = [], {}
    for second in range(60):
        title, op = chance.randint(1, 5), chance.choice("IUUD")
        rows.append(f"{op},2026-11-30T10:00:{second:02d}Z,u1,tt000000{title},rating,{second},\n")
        truth[str(title), "rating"] = None if op == "D" else float(second)
    rows += chance.choices(rows, k=30)
    chance.shuffle(rows)
    for number in range(6):
        day = chance.choice(["2026-11-28", "2026-11-29", "2026-11-30"])
        drops(f"{day}/{number}.csv", HEAD + "".join(rows[number::6]))
        if chance.random() < 0.5:
            turn()
    done = turn()
    assert said(store) == {key: value for key, value in truth.items() if value is not None}
    again = turn("another.sqlite")  # what it remembered is lost: all of it is read once more
    assert again.rows == len(rows)
    assert said(store) == {key: value for key, value in truth.items() if value is not None}
    assert not done.left_out


def test_what_was_broken_off_is_done_again(drops, turn, store, monkeypatch):
    drops("a.csv", HEAD + "".join(f"I,2026-11-{n:02d},u1,tt000000{n},rating,{n},\n" for n in range(1, 6)))
    monkeypatch.setattr("loaders.sync._BATCH", 2)
    merge, calls = store.merge_feedback, []

    def broken(events):
        calls.append(len(events))
        if len(calls) == 2:
            merge(events)  # it is written, and then the process dies before that is noted
            raise KeyboardInterrupt
        return merge(events)

    monkeypatch.setattr(store, "merge_feedback", broken)
    with pytest.raises(KeyboardInterrupt):
        turn()
    done = turn()
    assert (done.rows, done.written, done.late) == (5, 3, 2)
    assert said(store) == {(str(n), "rating"): float(n) for n in range(1, 6)}


def test_users_and_items_and_feedback_that_comes_before_its_item(drops, turn, store):
    drops("2026-11-29/feedback.csv", "op,ts,userId,itemId,eventType,rating\ninsert,5,u1,film-9,like,\n")
    done = turn()
    assert (done.written, done.waiting) == (0, 1)
    drops("2026-11-29/users.csv", 'Op,userId,labels,comment\nI,u1,"{""plan"": ""basic""}",c\nI,u2,a|b,\n')
    drops("2026-11-30/items.csv", "Op,committed,itemId,tconst,categories,hidden,labels\n"
                                  "I,5,film-9,tt0000003,drama|crime,0,\nI,6,film-8,,,true,\n")  # fmt: skip
    done = turn()
    assert (done.written, done.waiting) == (5, 0)
    assert said(store) == {("3", "like"): None}
    items = CatalogItems(store, "gorse").now().by_id
    assert (items["film-9"].title, items["film-9"].categories) == ("tt0000003", ("drama", "crime"))
    assert (items["film-8"].title, items["film-8"].hidden) == ("item:film-8", True)
    drops("2026-12-01/more.csv", "op,committed,itemId\nD,9,film-8\n")
    drops("2026-12-01/users.csv", "op,committed,userId\nD,2026-12-01,u2\n")
    assert turn().deleted == 2
    assert "film-8" not in CatalogItems(store, "gorse").now().by_id
    assert store.get_nodes("User", ["u1", "u2"], ["attributes"]).to_pylist() == [
        {"id": "u1", "attributes": '{"plan": "basic"}'}
    ]


def test_rows_that_cannot_be_used_are_counted(drops, turn, store):
    drops("a.csv", HEAD + "X,1,u1,tt0000001,like,,\nI,1,,tt0000001,like,,\nI,1,u1,,like,,\nI,soon,u1,tt0000001,like,,\n"
                          "I,1,u1,tt0000001,rating,much,\nI,1,u1,tt0000002,like\n")  # fmt: skip
    done = turn()
    assert dict(done.left_out) == {
        "unknown operation 'X'": 1, "no user": 1, "no title": 1, "the time of the change is no time": 1,
        "the value or time is none": 1, "a row is cut off": 1,
    }  # fmt: skip
    assert said(store) == {}


def test_files_that_are_still_written_and_folders_that_are_none(drops, turn):
    for name in ("a.tmp.csv", ".b.csv", "_c/d.csv", "e.csv.part", "f.txt"):
        drops(name, HEAD)
    assert turn().files == 0
    drops("g.csv", "colour\nred\n")
    with pytest.raises(LoadError, match="has neither a user nor an item"):
        turn()
    drops.folder.rename(drops.folder.with_name("gone"))
    with pytest.raises(LoadError, match="is no folder that is there"):
        turn()


def test_the_command_watches_until_it_is_stopped(drops, store, tmp_path):
    command = [sys.executable, "-m", "reelgraph", "sync", str(drops.folder), "--watch", "--every", "0.1",
               "--state", str(tmp_path / "s.sqlite"), "--store", store.url]  # fmt: skip
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env=os.environ) as process:
        drops("a.csv", HEAD + "I,1,u1,tt0000001,like,,\n")
        line = process.stdout.readline()
        assert "1 files, 1 rows, 1 written" in line
        drops("b.csv", HEAD + "D,2,u1,tt0000001,like,,\n")
        assert "1 deleted" in process.stdout.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert said(store) == {}


def test_one_round_as_json(drops, store, tmp_path):
    drops("a.csv", HEAD + "I,1,u1,tt0000001,like,,\n")
    command = [sys.executable, "-m", "reelgraph", "sync", str(drops.folder), "--json",
               "--state", str(tmp_path / "s.sqlite"), "--store", store.url]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert json.loads(done.stdout)["written"] == 1
