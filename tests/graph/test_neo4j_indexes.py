"""Which titles have an index of their vectors of their own, as catalogs come and grow."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from graph.store import Provenance, Scope, open_store
from graph.stores import neo4j_vectors
from graph.stores.neo4j_releases import Release
from tests.graph.conftest import tables_of

IDS = [f"tt{n:02}" for n in range(12)]
MADE = Provenance("run-1", "m", 2, "0123456789abcdef", "2026-03-01T00:00:00Z")


def offers(slug: str, count: int) -> list[dict[str, str]]:
    return [{"head": slug, "tail": id_, "key": id_, "item_id": id_} for id_ in IDS[:count]]


def test_a_catalog_that_comes_later_gets_an_index(
    empty_neo4j: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neo4j_vectors, "EXACT_TITLES", 5)
    with contextlib.closing(open_store(empty_neo4j, create=True)) as store:

        def labels() -> set[str]:
            release = Release.read(store._connection)  # type: ignore[attr-defined]
            assert release is not None
            return set(release.vectors["embedding"].indexed)

        titles = {"Title": [{"id": id_, "title": f"Film {id_}"} for id_ in IDS]}
        store.load_tables(tables_of(tmp_path / "graph", titles))
        store.set_embeddings("embedding", IDS, np.arange(24, dtype=np.float32).reshape(12, 2), MADE)
        assert labels() == {"Title"}
        # with a load of the catalog alone, with one of graph and catalog, and by single writes
        store.load_tables(tables_of(tmp_path / "a", {"Catalog": [{"id": "a"}], "OFFERS": offers("a", 8)}))
        assert labels() == {"Title", "Offered", "Catalog_1"}
        store.load_tables(tables_of(tmp_path / "b", titles | {"Catalog": [{"id": "b"}], "OFFERS": offers("b", 7)}))
        assert labels() == {"Title", "Offered", "Catalog_1", "Catalog_2"}
        store.upsert_nodes("Catalog", [{"id": "c"}])
        store.upsert_relationships("OFFERS", offers("c", 5))
        assert labels() == {"Title", "Offered", "Catalog_1", "Catalog_2"}
        store.upsert_relationships("OFFERS", offers("c", 6))
        assert labels() == {"Title", "Offered", "Catalog_1", "Catalog_2", "Catalog_3"}
        found = store.search_vector("embedding", np.ones(2, np.float32), 3, within=Scope("c"))
        assert [id_ for id_, _ in found] == ["tt05", "tt04", "tt03"]
