"""What experiments show, and what catalogs pin and boost, on every engine."""

from __future__ import annotations

import time

import pytest

from graph.experiment_report import report
from graph.experiments import Assigned, Definition, Running, delete, listed, start, stop
from graph.exposures import Exposures, shown_to
from graph.featured import Featured
from graph.feedback_kinds import FeedbackKinds
from graph.items import CatalogItems
from graph.store import InvalidRows, Scope
from graph.users import delete as delete_user
from graph.users import export

ARMS = [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "preferences": {"diversity": 0.5}}]
MADE = Definition.checked({"name": "trial", "catalog": "north", "outcome": ["like"], "hours": 24, "arms": ARMS}, "here")
WHEN = 1_700_000_000


def test_an_experiment_from_its_start_to_its_end(loaded):
    start(loaded, MADE)
    assert [one.definition for one in listed(loaded)] == [MADE]
    by = Running(loaded).assigned("u1", Scope("north"))
    assert by.arm == MADE.arm_of("u1")
    log = Exposures(loaded, seconds=60)
    for user, arm, titles in (("u1", 0, ["tt01", "tt02"]), ("u2", 1, ["tt02"]), ("u9", 1, ["tt01"])):
        log.add(user, Assigned("trial", MADE.arms[arm]), titles, {"graph": "1", "tastes": None}, "hybrid", WHEN - 60)
    log.close()
    told = {"experiment": "trial", "arm": "a", "titles": ["tt01", "tt02"], "strategy": "hybrid", "graph": "1",
            "run": None, "time": "2023-11-14T22:12:20Z"}  # fmt: skip
    assert shown_to(loaded, "u1") == export(loaded, "u1")["shown"] == [told]
    first, second = report(loaded, "trial", FeedbackKinds.parse(["watch"], [])).arms
    assert (first.users, first.titles, first.outcomes, first.rate) == (1, 2, 1, 0.5)
    assert (second.users, second.outcomes, second.difference.rate) == (1, 0, -0.5)
    delete_user(loaded, "u1")
    assert report(loaded, "trial", FeedbackKinds.parse([], [])).arms[0].users == 0
    assert loaded.info().counts["SHOWN"] == 1
    assert stop(loaded, "trial").ended
    assert [one.ended is None for one in listed(loaded)] == [False]
    delete(loaded, "trial")
    assert shown_to(loaded, "u2") == []
    assert loaded.get_nodes("User", ["u2"], []).num_rows == 1


def test_pins_and_boosts_are_followed_and_last_through_an_upsert_of_other_things(loaded):
    featured = Featured(loaded)
    assert featured.of(Scope("north"), loaded.state()) == ([], {})
    loaded.upsert_relationships("OFFERS", [
        {"head": "north", "tail": "tt02", "key": "n2", "pinned": 2},
        {"head": "north", "tail": "tt01", "key": "n1", "pinned": 1},
        {"head": "south", "tail": "tt10", "key": "s10", "boost": 0.5},
    ])  # fmt: skip
    loaded.upsert_relationships("OFFERS", [{"head": "north", "tail": "tt02", "key": "n2", "hidden": False}])
    wanted = ["tt01", "tt02"], {"tt10": 0.5}
    until = time.monotonic() + 30
    while featured.of(Scope(), loaded.state()) != wanted:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert Featured(loaded).of(Scope("south"), loaded.state()) == ([], {"tt10": 0.5})
    items = CatalogItems(loaded, "north")
    held = items.now().by_id["n1"]
    assert (held.pinned, held.boost) == (1, None)
    items.put([held], placed=False)
    assert CatalogItems(loaded, "north").now().by_id["n1"].pinned == 1


def test_what_is_shown_needs_its_user_and_experiment(loaded):
    start(loaded, MADE)
    for head, tail in (("u9", "trial"), ("u1", "none")):
        with pytest.raises(InvalidRows):
            loaded.upsert_relationships("SHOWN", [{"head": head, "tail": tail, "key": "1", "answer": "1"}])
