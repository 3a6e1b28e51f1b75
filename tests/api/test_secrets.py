"""A service with keys as a process: it listens beyond loopback, and no key stands in its log or in an answer."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from api.keys import make, revoke
from graph.store import GraphStore

ANYWHERE = "0.0.0.0"  # noqa: S104
OWN = "of-the-environment-0123456789abcdef"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_key_is_logged_or_answered(serve: Any, own_store: GraphStore, workers: str) -> None:
    made, key = make(own_store, "reader", "read")
    secret = key.removeprefix(f"rg_{made.id}_")
    wrong = "rg_0123456789ab_wrong-secret-wrong-secret"
    running = serve(
        "--port", "0", "--host", ANYWHERE, "--workers", workers, "--store", own_store.url, REELGRAPH_API_KEY=OWN
    )
    paths = ["/search?q=toy+story", "/titles/tt9", "/search", "/nowhere", f"/search?q=x&key={key}", "/metrics"]
    paths += ["/graphql?query={nothing}", "/catalogs/north/gaps", f"/titles/{wrong}"]
    given = [{"Authorization": f"Bearer {one}"} for one in (key, wrong, f"{key}\tx")]
    answers = [running.get(path, headers=headers) for path in paths for headers in (*given, {"X-Api-Key": OWN}, {})]
    assert {200, 401, 403, 404, 422} <= {got.status_code for got in answers}
    told = [got.text + str(got.headers) for got in answers]
    code, log = running.stop(signal.SIGTERM)
    lines = [json.loads(line) for line in log.splitlines()]
    quiet = [got for got in answers if got.request.url.path == "/metrics" and got.is_success]
    assert (code, len(lines)) == (0, len(answers) - len(quiet))
    assert {line["key"] for line in lines} == {made.id, "environment", None}
    for text in (log, *told, *running.printed):
        assert not [one for one in (secret, OWN) if one in text]
    assert "wrong-secret" not in log


def test_beyond_loopback_it_closes_when_the_last_key_is_revoked(serve: Any, own_store: GraphStore) -> None:
    made, key = make(own_store, "reader", "read")
    running = serve("--port", "0", "--host", ANYWHERE, "--workers", "2", "--store", own_store.url)
    sent = {"Authorization": f"Bearer {key}"}
    assert running.get("/catalogs", headers=sent).status_code == 200
    revoke(own_store, made.id)
    while running.get("/catalogs", headers=sent).status_code == 200:
        pass
    assert [running.get("/catalogs").status_code for _ in range(4)] == [401] * 4
    assert running.get("/health/live").status_code == 200
