"""`/users/{id}/recommendations` and its sisters: what they answer, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest

from api.app import create_app
from api.settings import Settings
from graph.store import GraphStore, Provenance, open_store
from graph.tastes import LIKED, OFFERED, Weighting
from loaders.load import load_sample
from tests.api.conftest import running

WEIGHTING = Weighting(4, 4)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    store: GraphStore = open_store(f"embedded:{tmp_path_factory.mktemp('users') / 'store'}", create=True)
    load_sample(store)
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    chance = np.random.default_rng(0)
    made = Provenance("run", "Tastes", 8, "h", "2026-11-21T00:00:00+00:00", WEIGHTING.facts)
    store.set_embeddings(LIKED, ids, chance.normal(size=(len(ids), 8)).astype(np.float32), made)
    store.set_embeddings(OFFERED, ids, chance.normal(size=(len(ids), 9)).astype(np.float32), replace(made, dimension=9))
    with running(create_app(Settings(store=store.url), store)) as made_client:
        yield made_client
    store.close()


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_feedback_changes_the_next_answer(client: httpx.Client) -> None:
    asked = "/users/u1/recommendations?catalog=north&region=US"
    first = client.get(asked)
    assert first.json()["strangers"] == ["u1"]
    best = ids(first)[0]
    said = [{"user": "u1", "title": best, "type": "watch", "time": "2026-11-01T00:00:00Z"}]
    assert client.post("/feedback", json=said).status_code == 200
    second = client.get(asked)
    assert best not in ids(second)
    assert second.json()["strangers"] == []
    assert second.json()["counted"] == 1
    reasons = [reason for item in second.json()["items"] for reason in item["evidence"] if reason["kind"] == "watched"]
    assert {reason["via"][0] for reason in reasons} == {best}
    assert best in ids(client.get(f"{asked}&watched=true&limit=100&per_series=0"))


def test_groups_and_sessions(client: httpx.Client) -> None:
    group = {"users": ["u1", "nobody"], "catalog": "north", "region": "US", "together": "least", "limit": 5}
    assert len(ids(client.post("/users/recommendations", json=group))) == 5
    pinned = ids(client.post("/users/recommendations", json=group))[-1]
    assert ids(client.post("/users/recommendations", json=group | {"pin": [pinned]}))[0] == pinned
    events = {"events": [{"title": "tt0114709"}], "catalog": "north", "region": "US"}
    assert "tt0114709" not in ids(client.post("/sessions/recommendations", json=events))


@pytest.mark.parametrize(
    "path",
    ["limit=0", "limit=101", "explore=2", "per_series=-1", "minutes=0", "diversity=2", "cast=9", "region=1"],
)
def test_what_cannot_be_followed(client: httpx.Client, path: str) -> None:
    assert client.get(f"/users/u1/recommendations?{path}").status_code == 422


def test_more_than_may_be_asked(client: httpx.Client) -> None:
    many = [str(number) for number in range(21)]
    assert client.post("/users/recommendations", json={"users": many}).status_code == 422
    events = [{"title": "tt0114709"}] * 501
    assert client.post("/sessions/recommendations", json={"events": events}).status_code == 422
    assert client.get("/users/u1/recommendations?catalog=nowhere").status_code == 404
