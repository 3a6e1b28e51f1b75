"""Health, figures and metrics."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import threading
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from graph.foldin import WEIGHTS
from graph.refreshed import turn
from graph.store import GraphStore, Provenance, StoreError, open_store

LINE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")


def figures_of(client: httpx.Client) -> dict[tuple[str, str], float]:
    """(name, labels as written) → value."""
    lines = [line for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {(found[1], found[2] or ""): float(found[3]) for found in map(LINE.fullmatch, lines) if found}


def test_ready(client: httpx.Client) -> None:
    ready = client.get("/health/ready").json()
    runs = set(ready.pop("embeddings").items())
    assert ready == {"status": "ready", "version": "000001", "refresh": None}
    assert {name for name, _ in runs} == {"substitute_vector", "substitute_weights"}
    assert len({run for _, run in runs}) == 1


def test_not_ready_while_nothing_is_loaded(served: Any, tmp_path: Path) -> None:
    with contextlib.closing(open_store(f"embedded:{tmp_path}", create=True)) as store:
        client = served(store)
        got = client.get("/health/ready")
        assert (got.status_code, got.json()["detail"]) == (503, "Nothing is loaded yet: reelgraph load --imdb DIR")
        assert client.get("/health/live").status_code == 200
        assert client.get("/search", params={"q": "toy story"}).json()["status"] == "unknown"


def test_not_ready_with_vectors_that_do_not_belong_together(own_store: GraphStore, served: Any) -> None:
    client = served(own_store)
    ids, rows = own_store.get_embeddings(WEIGHTS)
    other = Provenance("other", "content", rows.shape[1], own_store.info().graph_hash, "2026-11-21T00:00:00+00:00")
    own_store.set_embeddings(WEIGHTS, ids, np.array(rows), other)
    got = client.get("/health/ready")
    assert got.status_code == 503
    assert re.fullmatch(
        r"substitute_vector is of run content-\w+, substitute_weights of other; .*", got.json()["detail"]
    )


def test_not_ready_when_the_store_does_not_answer(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = served(own_store)

    def fail() -> None:
        raise StoreError("gone")

    monkeypatch.setattr(own_store, "ping", fail)
    assert client.get("/health/ready").status_code == 503


def test_health_answers_while_every_thread_is_busy(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = served(own_store, threads=2)
    gate, busy = threading.Event(), threading.Semaphore(0)
    real = own_store.scan_nodes

    def slow(label: str, *arguments: Any) -> Any:
        if label == "Catalog":
            busy.release()
            gate.wait(60)
        return real(label, *arguments)

    monkeypatch.setattr(own_store, "scan_nodes", slow)
    asked = [threading.Thread(target=client.get, args=("/catalogs",)) for _ in range(4)]
    for thread in asked:
        thread.start()
    assert busy.acquire(timeout=60)
    assert busy.acquire(timeout=60)
    assert not busy.acquire(blocking=False)  # two threads, so two at a time
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json()["status"] == "ready"
    gate.set()
    for thread in asked:
        thread.join(60)


def test_figures(client: httpx.Client) -> None:
    got = client.get("/figures").json()
    assert (got["version"], got["counts"]["Title"], got["catalogs"]) == ("000001", 263, {"north": 102, "south": 86})
    assert list(got["genres"].items())[:2] == [("Drama", 150), ("Adventure", 98)]
    assert got["degrees"]["IN_GENRE"] == {"mean": 2.662, "max": 3}
    assert (got["titles_by_year"]["1995"] > 1, sum(got["titles_by_year"].values())) == (True, 263)
    assert (next(iter(got["titles_by_kind"])), sum(got["titles_by_kind"].values())) == ("movie", 263)
    assert sum(one["titles"] for one in got["ratings"]) == 262  # one has none
    assert {"rating": 8.0, "votes": 1_000_000} in [{k: one[k] for k in ("rating", "votes")} for one in got["ratings"]]
    assert "embedded:" not in json.dumps(got)


def test_figures_are_counted_once_until_the_graph_changes(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, scans = served(own_store), []
    real = own_store.info
    monkeypatch.setattr(own_store, "info", lambda: scans.append(1) or real())
    first = [client.get("/figures").json() for _ in range(3)]
    assert (len(scans), first[0] == first[2]) == (1, True)
    client.put("/catalogs/north/titles", json={"titles": []})
    assert client.get("/figures").json()["catalogs"] == {"south": 86, "north": 0}
    assert len(scans) == 2


def test_metrics(own_store: GraphStore, served: Any) -> None:
    client = served(own_store)
    for q in ("toy story", "toy story", "qzxv wqrtp"):
        client.get("/search", params={"q": q})
    client.get("/search")
    client.get("/titles/tt0114709")
    client.get("/nowhere")
    client.request("LOCK", "/search")
    told = figures_of(client)
    requests = {labels: value for (name, labels), value in told.items() if name == "reelgraph_requests_total"}
    assert requests == {
        'method="GET",route="/search",status="200"': 3,
        'method="GET",route="/search",status="422"': 1,
        'method="GET",route="/titles/{id}",status="200"': 1,
        'method="GET",route="other",status="404"': 1,
        'method="other",route="/search",status="405"': 1,
    }
    assert told["reelgraph_answers_total", 'status="out_of_catalog"'] == 2
    assert told["reelgraph_answers_total", 'status="unknown"'] == 1
    assert told["reelgraph_kept_answers_total", 'how="kept"'] == 1
    assert told["reelgraph_kept_answers_total", 'how="made"'] == 2
    assert told["reelgraph_request_seconds_count", 'route="/search"'] == 5
    counts = {stage: told["reelgraph_stage_seconds_count", f'stage="{stage}"'] for stage in ("match", "substitutes")}
    assert counts == {"match": 3, "substitutes": 1}  # one when it was started
    times = [told["reelgraph_stage_seconds_sum", f'stage="{stage}"'] for stage in ("substitutes", "evidence")]
    assert times[0] > times[1] > 0
    assert told["reelgraph_graph_info", 'version="000001"'] == 1
    assert told["reelgraph_store_up", ""] == 1
    assert told["reelgraph_requests_in_progress", ""] == 1
    assert [name for name, labels in told if name == "reelgraph_vectors_info" and "substitute_vector" in labels]


def test_each_app_counts_for_itself(own_store: GraphStore, served: Any) -> None:
    one, other = served(own_store), served(own_store)
    one.get("/catalogs")
    assert ("reelgraph_requests_total", 'method="GET",route="/catalogs",status="200"') in figures_of(one)
    assert ("reelgraph_requests_total", 'method="GET",route="/catalogs",status="200"') not in figures_of(other)


def test_large_answers_are_not_kept(own_store: GraphStore, served: Any) -> None:
    client = served(own_store)
    for _ in range(2):
        client.get("/search", params={"q": "toy story", "substitutes": 100})
    told = figures_of(client)
    assert told["reelgraph_kept_answers_total", 'how="made"'] == 2


def test_how_fresh_the_graph_is(own_store: GraphStore, served: Any, tmp_path: Path) -> None:
    client = served(own_store)
    assert client.get("/health/ready").json()["refresh"] is None
    assert not [name for name, _ in figures_of(client) if name.startswith("reelgraph_refresh")]
    with turn(own_store, tmp_path) as mine:
        mine.step("load")
        told = client.get("/health/ready").json()["refresh"]
        assert told == {"state": "running", "step": "load", "fresh": None, "age_seconds": None}
        assert [name for name, _ in figures_of(client) if name == "reelgraph_refresh_age_seconds"] == []
        mine.note(fresh=(dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)).isoformat(timespec="seconds"))
    told = client.get("/health/ready").json()["refresh"]
    assert (told["state"], told["step"]) == ("done", "load")
    assert 7_200 <= told["age_seconds"] < 7_300
    figures = figures_of(client)
    assert figures["reelgraph_refresh_info", 'state="done",step="load"'] == 1
    assert 7_200 <= figures["reelgraph_refresh_age_seconds", ""] < 7_300


def test_what_went_wrong_is_not_told_to_strangers(own_store: GraphStore, served: Any, tmp_path: Path) -> None:
    client = served(own_store)

    def fail() -> None:
        with turn(own_store, tmp_path):
            raise OSError("/secret/place is full")

    with pytest.raises(OSError, match="secret"):
        fail()
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"], ready.json()["refresh"]["state"]) == (200, "ready", "failed")
    assert "secret" not in ready.text + client.get("/metrics").text
    assert str(tmp_path) not in ready.text + client.get("/metrics").text
