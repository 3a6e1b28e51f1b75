"""Experiments over HTTP and from the command line: which arm answers, what is kept of it, and the report."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from graph.experiments import Definition, start, stop
from graph.store import GraphStore
from reelgraph import app

ARMS = [{"name": "plain", "share": 0.5}, {"name": "drawn", "share": 0.5, "rules": {"explore": 1.0}}]
KNOWN = [{"name": "plain", "share": 0.5}, {"name": "drawn", "share": 0.5, "strategy": "popularity"}]


def definition(**told: Any) -> Definition:
    return Definition.checked({"name": "draws", "catalog": "north", "arms": ARMS, **told}, "here")


def users(arm: str, count: int) -> list[str]:
    """Users of an arm."""
    return [user for user in (f"u{n}" for n in range(1_000)) if definition().arm_of(user).name == arm][:count]  # type: ignore[union-attr]


def asked(client: httpx.Client, user: str, **query: Any) -> dict[str, Any]:
    got = client.get(f"/users/{user}/recommendations", params={"catalog": "north", "limit": 5, **query})
    assert got.status_code == 200, got.text
    return got.json()  # type: ignore[no-any-return]


def written(client: httpx.Client, user: str, count: int) -> list[dict[str, Any]]:
    """What experiments have shown a user, once so much of it is there."""
    until = time.monotonic() + 30
    while True:
        found: list[dict[str, Any]] = client.get(f"/users/{user}/export").json()["shown"]
        if len(found) >= count or time.monotonic() > until:
            return found
        time.sleep(0.1)


@pytest.fixture
def client(own_store: GraphStore, served: Any) -> httpx.Client:
    start(own_store, definition())
    return served(own_store)  # type: ignore[no-any-return]


def test_an_arm_answers_and_says_so(client: httpx.Client) -> None:
    for arm, drawn in (("plain", 0), ("drawn", 5)):
        for user in users(arm, 2):
            got = asked(client, user)
            assert got["experiment"] == {"name": "draws", "arm": arm}
            assert [item["evidence"][0]["kind"] for item in got["items"]].count("explored") == drawn
            body = {"users": [user], "catalog": "north", "limit": 5}
            again = client.post("/users/recommendations", json=body).json()
            assert (again["experiment"], again["items"]) == (got["experiment"], got["items"])
    plain, drawn = (asked(client, users(arm, 1)[0]) for arm in ("plain", "drawn"))
    assert [one["id"] for one in plain["items"]] != [one["id"] for one in drawn["items"]]


def test_an_arm_answers_by_its_strategy(own_store: GraphStore, served: Any) -> None:
    start(own_store, definition(arms=KNOWN))
    client, (plain,), (user,) = served(own_store), users("plain", 1), users("drawn", 1)
    for one in (plain, user):
        client.post("/feedback", json={"user": one, "title": "tt0114709", "type": "like"})
    got = asked(client, user)
    assert (got["strategy"], got["experiment"]) == ("popularity", {"name": "draws", "arm": "drawn"})
    assert asked(client, plain)["strategy"] != "popularity"
    (told,) = written(client, user, 1)
    assert told["strategy"] == "popularity"
    own = asked(client, user, strategy="people")
    assert (own["strategy"], own["experiment"]) == ("people", None), "the request names its own"
    tuned = asked(client, user, diversity=0.5)
    assert tuned["experiment"] is None, "that strategy follows no preferences: no request may fail for an experiment"
    assert tuned["strategy"] != "popularity"
    assert len(written(client, user, 1)) == 1


def test_where_no_experiment_answers(client: httpx.Client) -> None:
    assert asked(client, "u1", catalog="south")["experiment"] is None
    group = {"users": ["u1", "u2"], "catalog": "north"}
    assert client.post("/users/recommendations", json=group).json()["experiment"] is None
    session = {"events": [{"title": "tt0114709"}], "catalog": "north"}
    assert client.post("/sessions/recommendations", json=session).json()["experiment"] is None


def test_what_was_shown_is_in_the_export_and_goes_with_the_user(client: httpx.Client, own_store: GraphStore) -> None:
    user = users("drawn", 1)[0]
    client.put(f"/users/{user}", json={})
    got = asked(client, user)
    looked = asked(client, user, count=False)
    assert (looked["experiment"], looked["items"]) == (got["experiment"], got["items"])
    (told,) = written(client, user, 1)  # what somebody else looked at is not shown to the user
    assert told["titles"] == [item["id"] for item in got["items"]]
    assert (told["experiment"], told["arm"], told["graph"]) == ("draws", "drawn", got["versions"]["graph"])
    client.delete(f"/users/{user}")
    assert own_store.info().counts["SHOWN"] == 0


def test_what_is_shown_last_is_written_when_the_service_stops(own_store: GraphStore, service: Any) -> None:
    start(own_store, definition())
    own_store.upsert_nodes("User", [{"id": "u1"}])
    with service(own_store) as client:
        asked(client, "u1")
    assert own_store.degrees(["u1"], ["SHOWN"], "out").tolist() == [1]


def test_a_stop_is_seen_by_a_service_that_runs(client: httpx.Client, own_store: GraphStore) -> None:
    assert asked(client, "u1")["experiment"]
    stop(own_store, "draws")
    until = time.monotonic() + 20
    while asked(client, "u1")["experiment"]:
        assert time.monotonic() < until
        time.sleep(0.2)


def run(store: GraphStore, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["experiment", *arguments, "--store", store.url])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_line(own_store: GraphStore, tmp_path: Path) -> None:
    file = tmp_path / "trial.toml"
    file.write_text(
        'name = "draws"\nhours = 24\n[[arms]]\nname = "plain"\nshare = 0.5\n'
        '[[arms]]\nname = "drawn"\nshare = 0.5\nrules = { explore = 0.5 }\n'
    )
    assert "no experiments" in run(own_store, "list")
    assert "plain 50%, drawn 50%" in run(own_store, "start", str(file))
    (told,) = json.loads(run(own_store, "list", "--json"))
    assert (told["name"], told["arms"][1]["rules"], told["ended"]) == ("draws", {"explore": 0.5}, None)
    assert "draws" in run(own_store, "list")
    own_store.upsert_nodes("User", [{"id": "ada"}, {"id": "bob"}])
    own_store.upsert_relationships("SHOWN", [
        {"head": user, "tail": "draws", "key": "1", "answer": "1", "arm": arm, "titles": ["tt0114709", "tt0120623"],
         "timestamp": 1_700_000_000} for user, arm in (("ada", "plain"), ("bob", "drawn"))
    ])  # fmt: skip
    own_store.upsert_relationships("RATED", [
        {"head": "bob", "tail": "tt0114709", "key": "like", "type": "like", "timestamp": 1_700_000_100}
    ])  # fmt: skip
    report = json.loads(run(own_store, "report", "draws", "--json"))
    assert [arm["rate"] for arm in report["arms"]] == [0.0, 0.5]
    assert report["arms"][1]["difference"] == {"rate": 0.5, "low": None, "high": None}
    assert "drawn" in run(own_store, "report", "draws")
    assert json.loads(run(own_store, "stop", "draws", "--json"))["ended"]
    assert "gone" in run(own_store, "delete", "draws")
    assert own_store.info().counts["SHOWN"] == 0
