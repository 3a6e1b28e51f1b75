"""Search by vector inside Neo4j: its indexes beside an exact pass, catalogs of any share, publishes that fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from graph.store import WHOLE_GRAPH, GraphStore, Provenance, Scope, StoreError, open_store
from graph.stores import neo4j_vectors
from tests.graph.conftest import Rows, tables_of
from tests.servers.neo4j_database import asked
from tests.servers.neo4j_server import PASSWORD, wiped

TITLES, DIMENSION, K = 2000, 16, 10
SHARES = {"half": 2, "tenth": 10, "hundredth": 100}
MADE = Provenance("run-1", "m", DIMENSION, "0123456789abcdef", "2026-03-01T00:00:00Z")
IDS = [f"tt{n:05}" for n in range(TITLES)]


@pytest.fixture(scope="module")
def vectors() -> Any:
    """In clouds, of unequal length: (TITLES, DIMENSION) float32."""
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(200, DIMENSION))
    made = centres[chance.integers(200, size=TITLES)] + 0.5 * chance.normal(size=(TITLES, DIMENSION))
    return (made * chance.uniform(0.2, 3, size=(TITLES, 1))).astype(np.float32)


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REELGRAPH_NEO4J_PASSWORD", PASSWORD)
        yield patch


@pytest.fixture(scope="module", params=["neo4j_newest", "neo4j_lts"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, vectors: Any, patched: pytest.MonkeyPatch
) -> Iterator[GraphStore]:
    """Titles with vectors and three catalogs, of which the largest two have an index of their own."""
    patched.setattr(neo4j_vectors, "EXACT_TITLES", 150)
    rows: Rows = {
        "Title": [{"id": id_, "is_adult": n % 7 == 0, "start_year": 1950 + n % 70} for n, id_ in enumerate(IDS)],
        "Catalog": [{"id": slug} for slug in SHARES],
        "OFFERS": [
            {"head": slug, "tail": id_, "key": id_, "item_id": id_, "regions": ["US"] if n % 3 else ["GB", "US"]}
            for slug, share in SHARES.items() for n, id_ in enumerate(IDS[::share])
        ],
    }  # fmt: skip
    opened = open_store(wiped(request.getfixturevalue(request.param).url), create=True)
    opened.load_tables(tables_of(tmp_path_factory.mktemp("vectors"), rows))
    opened.set_embeddings("embedding", IDS, vectors, MADE)
    yield opened
    opened.close()


def exact(vectors: Any, query: Any, inside: list[int]) -> list[str]:
    products = vectors[inside] @ query
    return [IDS[inside[place]] for place in np.argsort(-products, kind="stable")[:K]]


def test_there_are_indexes_of_all_titles_and_of_the_large_catalogs(store: GraphStore) -> None:
    found = asked(store.url, "SHOW VECTOR INDEXES YIELD labelsOrTypes, state RETURN labelsOrTypes, state")
    labels = sorted(row[0][0] for row in found)
    assert labels == ["Catalog_1", "Catalog_3", "Offered", "Title"]  # by slug: half, hundredth, tenth
    assert {row[1] for row in found} == {"ONLINE"}


@pytest.mark.parametrize("slug", [WHOLE_GRAPH, None, *SHARES])
@pytest.mark.parametrize("region", [None, "GB"])
@pytest.mark.parametrize("adult", [True, False])
def test_k_in_scope_are_found_and_most_are_the_best(
    store: GraphStore, vectors: Any, slug: str | None, region: str | None, adult: bool
) -> None:
    scope = Scope(slug, region, adult=adult)
    inside = [
        n for n in range(TITLES)
        if (adult or n % 7) and (
            slug == WHOLE_GRAPH
            or any(n % share == 0 and (region is None or n // share % 3 == 0)
                   for own, share in SHARES.items() if slug in (None, own))
        )
    ]  # fmt: skip
    hits = 0
    for n in range(20):
        query = vectors[n * 91]
        found = store.search_vector("embedding", query, K, within=scope)
        assert len(found) == min(K, len(inside))
        assert {id_ for id_, _ in found} <= {IDS[place] for place in inside}
        assert [product for _, product in found] == pytest.approx(
            [float(vectors[int(id_[2:])] @ query) for id_, _ in found], rel=1e-4, abs=1e-4
        )
        hits += len({id_ for id_, _ in found} & set(exact(vectors, query, inside)))
    assert hits / (20 * min(K, len(inside))) >= 0.95


def test_what_is_stored_comes_back(store: GraphStore, vectors: Any) -> None:
    ids, rows = store.get_embeddings("embedding", IDS[:500])
    assert ids == IDS[:500]
    assert rows.dtype == np.float32
    assert np.array_equal(rows, vectors[:500])


def test_a_publish_that_fails_leaves_the_vectors_that_are_there(
    store: GraphStore, vectors: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new ones are all written, and then the indexes cannot be made."""
    query, before = vectors[7], store.search_vector("embedding", vectors[7], K)
    version = store.info().version

    def fail(*_given: object) -> None:
        raise StoreError("no room for an index")

    with monkeypatch.context() as failing:
        failing.setattr(neo4j_vectors, "index", fail)
        with pytest.raises(StoreError, match="no room"):
            store.set_embeddings("embedding", IDS, -vectors, MADE)
    assert store.info().version == version
    assert store.search_vector("embedding", query, K) == before
    assert np.array_equal(store.get_embeddings("embedding", IDS[:5])[1], vectors[:5])


def test_a_publish_changes_all_at_once_and_a_rollback_brings_all_back(store: GraphStore, vectors: Any) -> None:
    query, first = vectors[7], store.info().version
    before = store.search_vector("embedding", query, K, within=Scope("half"))
    reader = open_store(store.url)
    second = store.set_embeddings("embedding", IDS, -vectors, MADE)
    assert reader.info().version == second
    after = reader.search_vector("embedding", -query, K, within=Scope("half"))
    assert [(id_, pytest.approx(product)) for id_, product in before] == after
    assert store.rollback() == first
    assert reader.search_vector("embedding", query, K, within=Scope("half")) == before
    reader.close()


def test_a_title_that_a_catalog_takes_up_is_found_there_at_once(store: GraphStore, vectors: Any) -> None:
    """In a catalog that has an index of its own, and in all catalogs together."""
    odd = np.arange(1, TITLES, 2)  # in none of them
    far = int(odd[np.argmax(np.linalg.norm(vectors[odd], axis=1))])
    query = vectors[far]
    assert IDS[far] not in dict(store.search_vector("embedding", query, K, within=Scope("half", adult=True)))
    offer = [{"head": "half", "tail": IDS[far], "key": "new", "item_id": "new"}]
    store.upsert_relationships("OFFERS", offer)
    try:
        for scope in (Scope("half", adult=True), Scope(adult=True)):
            assert IDS[far] in dict(store.search_vector("embedding", query, K, within=scope))
    finally:
        store.delete_relationships("OFFERS", offer)
    assert IDS[far] not in dict(store.search_vector("embedding", query, K, within=Scope("half", adult=True)))
