"""`reelgraph gaps` as people and scripts meet it: tables, JSON, CSV, and one line for what is wrong."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

import reelgraph
from graph.answers import Answer
from graph.demand import Demand
from graph.search import Searcher
from graph.store import Scope, open_store
from loaders.load import load_sample

NORTH = Scope("north", on=dt.datetime.now(dt.UTC).date())
FORREST, TOY = "tt0109830", "tt0114709"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The sample, in which titles and unknown texts were searched for, some of them too seldom to be shown."""
    url = f"embedded:{tmp_path_factory.mktemp('gaps') / 'store'}"
    store = open_store(url, create=True)
    load_sample(store)
    searcher, counting = Searcher(store), Demand(store)
    for text, times in ((FORREST, 9), (TOY, 4)):
        for _ in range(times):
            counting.count(searcher.search(text, NORTH))
    for text, times in (("=cmd()", 5), ("[red]lost reels[/]", 6), ("my secret", 4)):
        for _ in range(times):
            counting.count(Answer(text, "unknown", NORTH, "000001", ()))
    counting.close()
    store.close()
    return url


@pytest.fixture
def cli(monkeypatch, url):
    """Run `reelgraph gaps` through `reelgraph.main`, in this process: exit code, output, errors."""
    monkeypatch.setenv("REELGRAPH_STORE", url)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments):
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "argv", ["reelgraph", "gaps", *map(str, arguments)])
        before = signal.getsignal(signal.SIGTERM)
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
            reelgraph.main()
        signal.signal(signal.SIGTERM, before)
        return left.value.code or 0, out.getvalue(), err.getvalue()

    return run


def test_a_table_for_people(cli):
    code, out, err = cli("--catalog", "north", "--budget", 2)
    assert (code, err) == (0, "")
    assert "Titles wanted and not to be had: 1, with 9 searches; " in out
    purchases, listed = out.split("The largest gaps")
    assert "Forrest Gump" in purchases
    assert "100.0%" in purchases
    assert FORREST in listed
    assert TOY not in out
    assert "secret" not in out
    assert "lost reels" in listed.split("known to nothing in the graph")[1]


def test_json_for_scripts(cli):
    code, out, _ = cli("--catalog", "north", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["measured_in"], found["minimum_count"], found["demand"]) == ("searches", 5, 9)
    assert [gap["id"] for gap in found["gaps"]] == [FORREST]
    gap = found["gaps"][0]
    assert gap["gap"] == pytest.approx(9 * (1 - gap["substitutability"]), abs=1e-3)
    assert [(one["text"], one["searches"]) for one in found["unknown"]] == [("red lost reels", 6), ("cmd", 5)]
    assert found["purchases"] is None
    assert "secret" not in out
    assert TOY not in out


def test_csv_for_tables(cli):
    code, out, _ = cli("--catalog", "north", "--budget", 1, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [(row["part"], row["id"], row["text"], row["demand"]) for row in rows] == [
        ("purchase", FORREST, "", "9"), ("gap", FORREST, "", "9"),
        ("unknown", "", "red lost reels", "6"), ("unknown", "", "cmd", "5"),
    ]  # fmt: skip
    assert rows[0]["won_back"] == "1.0"
    assert rows[1]["best_title"]
    assert {row["measured_in"] for row in rows} == {"searches"}
    assert "secret" not in out
    assert TOY not in out


def test_votes_where_nothing_was_searched_for_so_often(cli):
    code, out, _ = cli("--catalog", "north", "--min-count", 50, "--limit", 3, "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["measured_in"], len(found["gaps"]), found["unknown"]) == ("votes", 3, [])
    said = cli("--catalog", "north", "--min-count", 50)[1]
    assert "Nothing was searched for 50 times or more: demand is IMDb votes." in said


def test_the_minimum_is_a_setting_that_an_option_cannot_undercut(cli, monkeypatch):
    code, _, err = cli("--catalog", "north", "--min-count", 4)
    assert (code, "4 is below 5, the least that is ever shown" in err) == (2, True)
    monkeypatch.setenv("REELGRAPH_MINIMUM_COUNT", "4")
    assert "my secret" in cli("--catalog", "north", "--min-count", 4)[1]
    monkeypatch.setenv("REELGRAPH_MINIMUM_COUNT", "6")
    assert "cmd" not in cli("--catalog", "north")[1]


def test_costs(cli, tmp_path):
    file = tmp_path / "costs.csv"
    file.write_text(f"\ufeffcost,id,note\n120.5,{TOY},x\n99,{FORREST},\n", "utf-8")
    found = json.loads(cli("--catalog", "north", "--costs", file, "--budget", 100.5, "--json")[1])
    assert [(one["id"], one["cost"]) for one in found["purchases"]] == [(FORREST, 99.0)]
    said = cli("--catalog", "north", "--costs", file, "--budget", 100.5)[1]
    assert "99.00" in said
    nothing = cli("--catalog", "north", "--costs", file, "--budget", 3)[1]
    assert "Nothing that can be bought for that would mend anything." in nothing


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title,cost\ntt1,1\n", "no columns id and cost"),
        ("", "no columns id and cost"),
        ("id,cost\n", "names no title"),
        (f"id,cost\n{TOY},cheap\n", "line 2: 'cheap' is no cost"),
        (f"id,cost\n{TOY},1\n{FORREST},-1\n", "line 3: '-1' is no cost"),
        (f"id,cost\n{TOY},nan\n", "'nan' is no cost"),
        (f"id,cost\n{TOY}\n", "'' is no cost"),
        ("id,cost\n,1\n", "line 2: there is no id"),
        (f"id,cost\n{TOY},1\n{TOY},2\n", f"line 3: '{TOY}' is named twice"),
        ("id,cost\ntt9999999,1\n", "there is no title 'tt9999999'"),
        ("id,cost\n\xff,1\n".encode("latin-1"), "cannot be read"),
    ],
)
def test_costs_that_are_none(cli, tmp_path, text, words):
    file = tmp_path / "costs.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    code, out, err = cli("--catalog", "north", "--costs", file, "--budget", 5)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("reelgraph:") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "2.5"], "2.5 is no number of titles"),
        (["--budget", "0"], "0 is no budget"),
        (["--budget", "nan"], "nan is no budget"),
        (["--budget", "1e9"], "no number of titles from 1 to 1,000"),
        (["--costs", "/nowhere.csv", "--budget", "5"], "cannot be read"),
        (["--costs", __file__], "no columns id and cost"),
        (["--json", "--csv"], "not both"),
        (["--days", "10000000000"], "36500"),
        (["--catalog", "west"], "there is no catalog 'west'"),
        (["--on", "soon"], "'soon' is not a day"),
    ],
)
def test_what_was_given_wrong(cli, arguments, words):
    code, out, err = cli("--catalog", "north", *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_costs_need_a_budget(cli, tmp_path):
    (tmp_path / "costs.csv").write_text(f"id,cost\n{TOY},1\n", "utf-8")
    code, _, err = cli("--costs", tmp_path / "costs.csv")
    assert (code, "--budget N" in err) == (2, True)
