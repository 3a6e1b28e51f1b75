"""Counted searches: processes that count at the same time lose nothing, on any engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from graph.demand import Searches, searches

ROOT = Path(__file__).parents[2]
COUNT = """
import sys
from graph.demand import Demand
from graph.answers import Answer
from graph.store import Scope, open_store
store = open_store(sys.argv[1])
counting = Demand(store, seconds=0.01)
for number in range(300):
    counting.count(Answer(f"text {number % 3}", "unknown", Scope("north"), "", ()))
    counting.count(Answer(sys.argv[2], "unknown", Scope("north"), "", ()))
    if number % 10 == 0:
        counting.flush()
counting.close()
store.close()
"""


def test_processes_that_count_at_the_same_time_lose_nothing(loaded):
    command = [sys.executable, "-c", COUNT, loaded.url]
    running = [subprocess.Popen([*command, f"by {number}"], cwd=ROOT) for number in range(2)]
    assert [one.wait(timeout=120) for one in running] == [0, 0]
    assert searches(loaded, "north", least=5) == Searches(
        {}, (("by 0", 300), ("by 1", 300), ("text 0", 200), ("text 1", 200), ("text 2", 200))
    )


def test_counting_leaves_the_graph_as_it_is(loaded, contents):
    before, state = contents(loaded), loaded.state()
    loaded.upsert_nodes("Search", [{"id": "1", "text": "fog", "status": "unknown", "count": 3}])
    assert contents(loaded).pop("Search") == [
        {"id": "1", "text": "fog", "title": None, "status": "unknown", "catalog": None, "day": None, "count": 3}
    ]
    assert loaded.state() == state
    assert loaded.delete_nodes("Search", ["1"]) == 1
    assert contents(loaded) == before
