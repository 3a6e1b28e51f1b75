"""Titles by their published vectors, against cosines worked out by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from graph.explain import check
from graph.foldin import vectors_of
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Provenance, Scope, open_store
from graph.strategy import StrategyError
from loaders.load import load_sample
from reelgraph import app
from tests.graph.conftest import Stored

DAY = dt.date(2026, 11, 21)
TOY_STORY = "tt0114709"
Published = tuple[GraphStore, dict[str, np.ndarray]]
EVERYTHING = Scope(WHOLE_GRAPH)
MADE = Provenance("run-1", "ComplEx", 8, "0" * 16, "2026-03-01T00:00:00Z")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """The sample with unit vectors for all titles but the last."""
    store = open_store(f"embedded:{tmp_path_factory.mktemp('nearest') / 'store'}", create=True)
    load_sample(store)
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    vectors = np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store.set_embeddings("embedding", ids[:-1], vectors[:-1], MADE)
    yield store, dict(zip(ids, vectors, strict=True))
    store.close()


def test_the_nearest_by_cosine_come_first(published: Published) -> None:
    store, vectors = published
    found = Searcher(store).similar(TOY_STORY, EVERYTHING, 10, strategy="embedding")
    others = list(vectors)[:-1]
    cosines = {id_: float(vectors[id_] @ vectors[TOY_STORY]) for id_ in others if id_ != TOY_STORY}
    titles = {row["id"]: row for batch in store.scan_nodes("Title") for row in batch.to_pylist()}
    expected = sorted((id_ for id_ in cosines if not titles[id_]["is_adult"]), key=lambda id_: -cosines[id_])[:10]
    assert [one.id for one in found] == expected
    assert [one.score for one in found] == pytest.approx([cosines[id_] for id_ in expected], abs=1e-5)
    assert [one.title for one in found] == [titles[id_]["title"] for id_ in expected]
    assert all(check(store, reason) for one in found for reason in one.evidence)


def test_a_catalog_and_its_own_ids(published: Published) -> None:
    store, _ = published
    searcher, scope = Searcher(store), Scope("north", "US", DAY)
    offered = {row["id"]: row["item_id"] for row in store.offered(scope).to_pylist()}
    for k in (1, 5, len(offered) + 5):
        found = searcher.similar(TOY_STORY, scope, k, strategy="embedding")
        assert len(found) == min(k, len(offered) - (TOY_STORY in offered))
        assert {one.id: one.item_id for one in found}.items() <= offered.items()
    assert searcher.similar(TOY_STORY, Scope("south", "BR", DAY), 1, strategy="embedding")[0].item_id.startswith("S")


def test_what_is_not_published_is_named(published: Published, sample: GraphStore, stored: Stored) -> None:
    store, vectors = published
    with pytest.raises(
        StrategyError, match=r"no strategy 'text'; there are: fold-in-series, .*, embedding-popularity$"
    ):
        Searcher(store).similar(TOY_STORY, EVERYTHING, 5, strategy="text")
    with pytest.raises(StrategyError, match=r"'embedding' needs vectors 'embedding', and none are .*: reelgraph train"):
        Searcher(sample).similar(TOY_STORY, EVERYTHING, 5, strategy="embedding")
    for inner in ("substitute_weights", "substitute_vector"):  # parts of fold-in, and no strategies
        with pytest.raises(StrategyError, match=rf"no strategy '{inner}'"):
            Searcher(sample).similar(TOY_STORY, EVERYTHING, 5, strategy=inner)
    assert Searcher(sample).similar(TOY_STORY, EVERYTHING, 5, strategy="fold-in")
    bare = stored({"Title": [{"id": TOY_STORY}]})
    with pytest.raises(StrategyError, match=r"'fold-in' needs vectors 'substitute_vector'.*reelgraph load makes them"):
        Searcher(bare).similar(TOY_STORY, EVERYTHING, 5, strategy="fold-in")
    early = stored({"Title": [{"id": "tt0000001"}]}, None, vectors_of)
    early.upsert_nodes("Title", [{"id": TOY_STORY}])
    with pytest.raises(NotInGraph, match=rf"{TOY_STORY} has no vector 'substitute_vector' yet; the next load"):
        Searcher(early).similar(TOY_STORY, EVERYTHING, 5, strategy="fold-in")
    last = list(vectors)[-1]
    with pytest.raises(NotInGraph, match=rf"{last} has no vector 'embedding'.*run-1 --fold-in"):
        Searcher(store).similar(last, EVERYTHING, 5, strategy="embedding")
    with pytest.raises(NotInGraph, match="tt9999999"):
        Searcher(store).similar("tt9999999", EVERYTHING, 5, strategy="embedding")


def test_the_command(published: Published, tmp_path: Path) -> None:
    store, _ = published
    arguments = ["similar", TOY_STORY, "--everything", "--strategy", "embedding", "--limit", "3", "--store", store.url]
    said = CliRunner().invoke(app, [*arguments, "--json"])
    assert said.exit_code == 0
    found = json.loads(said.stdout)["similar"]
    assert [one["id"] for one in found] == [
        one.id for one in Searcher(store).similar(TOY_STORY, Scope(WHOLE_GRAPH, on=DAY), 3, strategy="embedding")
    ]
    assert found[0]["title"] in CliRunner().invoke(app, arguments).stdout
