"""Embeddings: published, read back, searched by inner product, replaced as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graph.store import WHOLE_GRAPH, InvalidRows, Provenance, Scope, StoreError, Vectors, open_store

IDS = ["tt06", "tt01", "tt05", "tt02", "tt10", "tt04"]
VECTORS = np.array([[-1, 0], [1, 0], [5, 5], [0.5, 2], [2, 2], [3, -1]], np.float32)
MADE = Provenance(
    run="run-1", model="DistMult", dimension=2, graph_hash="0123456789abcdef", made="2026-03-01T00:00:00Z"
)
EAST, BOTH = np.array([1, 0], np.float32), np.array([1, 1], np.float32)


@pytest.fixture
def published(loaded):
    """The small graph with vectors of six titles: tt05 is an adult title, item:1 has no vector."""
    loaded.set_embeddings("embedding", IDS, VECTORS, MADE)
    return loaded


def found(hits):
    assert [product for _, product in hits] == sorted((product for _, product in hits), reverse=True)
    return [(id_, pytest.approx(product)) for id_, product in hits]


def test_vectors_come_back_for_the_ids_that_have_one(published):
    ids, vectors = published.get_embeddings("embedding", ["tt10", "tt99", "item:1", "tt01"])
    assert (vectors.dtype, vectors.shape) == (np.float32, (2, 2))
    assert {id_: vector.tolist() for id_, vector in zip(ids, vectors, strict=True)} == {"tt10": [2, 2], "tt01": [1, 0]}


def test_none_of_the_ids_has_a_vector(published):
    ids, vectors = published.get_embeddings("embedding", ["item:1", "tt99"])
    assert (ids, vectors.dtype, vectors.shape) == ([], np.float32, (0, 2))


def test_the_largest_inner_products_first(published):
    assert published.search_vector("embedding", EAST, 6) == found(
        [("tt05", 5), ("tt04", 3), ("tt10", 2), ("tt01", 1), ("tt02", 0.5), ("tt06", -1)]
    )
    assert published.search_vector("embedding", BOTH, 3) == found([("tt05", 10), ("tt10", 4), ("tt02", 2.5)])


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope("north"), [("tt04", 3), ("tt01", 1), ("tt02", 0.5)]),
        (Scope("north", adult=True), [("tt05", 5), ("tt04", 3), ("tt01", 1), ("tt02", 0.5)]),
        (Scope("north", region="GB"), [("tt01", 1), ("tt02", 0.5)]),
        (Scope("south", region="FR"), [("tt10", 2), ("tt06", -1)]),
        (Scope(), [("tt04", 3), ("tt10", 2), ("tt01", 1), ("tt02", 0.5), ("tt06", -1)]),
        (Scope(WHOLE_GRAPH), [("tt04", 3), ("tt10", 2), ("tt01", 1), ("tt02", 0.5), ("tt06", -1)]),
        (Scope("west"), []),
    ],
)
def test_a_search_in_a_scope_gives_k_whenever_k_exist(published, scope, expected):
    for k in range(1, len(expected) + 3):
        assert published.search_vector("embedding", EAST, k, within=scope) == found(expected[:k])


def test_publishing_again_replaces_every_vector_of_that_name(published):
    again = replace(MADE, run="run-2", model="RotatE", dimension=3)
    published.set_embeddings("embedding", ["tt01", "tt07"], np.eye(2, 3, dtype=np.float32), again)
    ids, vectors = published.get_embeddings("embedding", ["tt01", "tt02", "tt07"])
    assert dict(zip(ids, vectors.tolist(), strict=True)) == {"tt01": [1, 0, 0], "tt07": [0, 1, 0]}
    query = np.array([1, 2, 0], np.float32)
    assert published.search_vector("embedding", query, 9) == found([("tt07", 2), ("tt01", 1)])
    assert published.info().embeddings == {"embedding": again}


def test_each_name_has_vectors_and_provenance_of_its_own(published):
    other = replace(MADE, run="run-3", dimension=1)
    published.set_embeddings("substitute_vector", ["tt06"], np.array([[7]], np.float32), other)
    assert published.info().embeddings == {"embedding": MADE, "substitute_vector": other}
    assert published.search_vector("substitute_vector", np.array([2], np.float32), 2) == found([("tt06", 14)])
    assert published.search_vector("embedding", EAST, 1) == found([("tt05", 5)])


@pytest.mark.parametrize("name", ["clusters-likes", "a,b:int", "Title", ""])
def test_a_name_that_no_property_can_have_is_refused(loaded, name):
    with pytest.raises(InvalidRows, match=f"'{name}' cannot name vectors"):
        loaded.set_embeddings(name, IDS, VECTORS, MADE)


def test_publishing_leaves_the_graph_alone(loaded, contents):
    before = contents(loaded)
    loaded.set_embeddings("embedding", IDS, VECTORS, MADE)
    assert contents(loaded) == before


@pytest.mark.parametrize(
    ("ids", "vectors"),
    [
        (["tt01", "tt02"], np.ones((3, 2), np.float32)),
        (["tt01"], np.ones((1, 3), np.float32)),
        (["tt01", "tt02"], np.ones(2, np.float32)),
        (["tt01", "tt01"], np.ones((2, 2), np.float32)),
    ],
    ids=["fewer ids than vectors", "not the dimension it says", "not a matrix", "an id twice"],
)
def test_vectors_that_do_not_fit_leave_the_old_ones(published, ids, vectors):
    with pytest.raises(StoreError):
        published.set_embeddings("embedding", ids, vectors, replace(MADE, run="broken"))
    assert published.info().embeddings == {"embedding": MADE}
    assert published.search_vector("embedding", EAST, 1) == found([("tt05", 5)])


def test_a_query_of_another_dimension_is_a_store_error(published):
    with pytest.raises(StoreError):
        published.search_vector("embedding", np.ones(3, np.float32), 1)


def test_vectors_are_there_after_opening_again(published):
    published.close()
    again = open_store(published.url)
    assert again.info().embeddings == {"embedding": MADE}
    assert again.search_vector("embedding", EAST, 1, within=Scope("south")) == found([("tt10", 2)])
    again.close()


def test_without_ids_all_that_have_a_vector_are_meant(published):
    ids, vectors = published.get_embeddings("embedding")
    assert dict(zip(ids, vectors.tolist(), strict=True)) == dict(zip(IDS, VECTORS.tolist(), strict=True))
    ids, vectors = published.get_embeddings("nowhere")
    assert (ids, vectors.dtype, vectors.shape) == ([], np.float32, (0, 0))


def test_vectors_that_amend_are_part_of_the_version_that_is_there(loaded):
    before = loaded.info().version
    loaded.set_embeddings("weights", ["tt01"], EAST[None], MADE)
    between = loaded.info().version
    reader = open_store(loaded.url)
    assert reader.get_embeddings("embedding")[0] == []
    amended = loaded.set_embeddings("embedding", IDS, VECTORS, MADE, amend=True)
    assert loaded.info().version == amended != between
    assert between not in loaded.info().versions
    assert loaded.info().embeddings == {"weights": MADE, "embedding": MADE}
    assert sorted(reader.get_embeddings("embedding")[0]) == sorted(IDS)
    assert reader.get_embeddings("weights", ["tt01"])[0] == ["tt01"]
    reader.close()
    assert loaded.rollback() == before
    assert loaded.info().embeddings == {}


def test_amending_replaces_vectors_of_that_name_and_crowds_out_no_version(published):
    before = published.info().versions[-2]
    for number in range(6):
        published.set_embeddings("embedding", ["tt01"], np.full((1, 2), number, np.float32), MADE, amend=True)
    ids, vectors = published.get_embeddings("embedding")
    assert (ids, vectors.tolist()) == (["tt01"], [[5, 5]])
    assert published.rollback() == before
    assert published.get_embeddings("embedding")[0] == []


def years_of(store, progress):
    """One vector for each title of the graph that is being loaded: its year, and whether it is an adult title."""
    progress("years", 0.5)
    rows = [row for batch in store.scan_nodes("Title", ["start_year", "is_adult"]) for row in batch.to_pylist()]
    values = [[row["start_year"] or 0, bool(row["is_adult"])] for row in rows]
    return [Vectors("embedding", [row["id"] for row in rows], np.array(values, np.float32), MADE)]


def test_vectors_made_with_a_load_become_visible_with_it(published, make_tables, rows):
    before, reader = published.info().version, open_store(published.url)
    rows["Title"].append({"id": "tt50", "title": "Second Edition", "start_year": 2030})
    rows["DIRECTED"].append({"head": "nm1", "tail": "tt50", "key": "1"})
    seen, told = [], []

    def make(store, progress):
        seen.append((reader.info().version, len(reader.get_embeddings("embedding")[0])))
        seen.append(store.neighbours(["tt50"], ["DIRECTED"], "in").column("neighbour").to_pylist())
        seen.append(sorted(store.get_embeddings("embedding")[0]))  # those of before, carried along
        return years_of(store, progress)

    version = published.load_tables(make_tables(rows), lambda what, share: told.append((what, share)), make)
    assert seen == [(before, len(IDS)), ["nm1"], sorted(IDS)]
    assert reader.info().version == version
    assert reader.info().embeddings == {"embedding": MADE}
    held = dict(zip(*reader.get_embeddings("embedding"), strict=True))
    assert {id_: held[id_].tolist() for id_ in ("tt50", "tt05", "tt03")} == {
        "tt50": [2030, 0], "tt05": [1985, 1], "tt03": [0, 0]
    }  # fmt: skip
    assert len(held) == len(rows["Title"])
    assert reader.search_vector("embedding", EAST, 2) == found([("tt50", 2030), ("item:1", 2024)])
    assert "years" in dict(told)
    assert [share for _, share in told] == sorted(share for _, share in told)
    reader.close()


def test_vectors_that_a_load_made_go_with_it(published, make_tables, rows):
    before = published.info().version
    published.load_tables(make_tables(rows), None, years_of)
    assert len(published.get_embeddings("embedding")[0]) == len(rows["Title"])
    assert published.rollback() == before
    assert sorted(published.get_embeddings("embedding")[0]) == sorted(IDS)


def test_a_load_whose_vectors_cannot_be_made_changes_nothing(published, make_tables, rows, contents):
    before, held = published.info().version, contents(published)
    rows["Title"].append({"id": "tt50", "title": "Second Edition"})
    rows["RATED"].append({"head": "u2", "tail": "tt50", "key": "like", "type": "like"})

    def fail(store, progress):
        raise StoreError("no room for vectors")

    with pytest.raises(StoreError, match="no room for vectors"):
        published.load_tables(make_tables(rows), None, fail)
    assert (published.info().version, contents(published)) == (before, held)
    assert sorted(published.get_embeddings("embedding")[0]) == sorted(IDS)


def test_a_load_of_what_is_live_alone_asks_for_no_vectors(published, make_tables, rows):
    asked = []
    tables = make_tables({name: rows[name] for name in ("Catalog", "OFFERS")})
    assert published.load_tables(tables, None, lambda *given: asked.append(given)) == published.info().version
    assert asked == []
    assert published.info().embeddings == {"embedding": MADE}


def test_facts_stay_with_the_vectors_that_they_belong_to(published):
    told = replace(MADE, run="run-4", facts={"constant": -1.25, "length": 1e-9})
    published.set_embeddings("substitute_vector", IDS, VECTORS, told)
    assert published.info().embeddings == {"embedding": MADE, "substitute_vector": told}
    assert published.info().embeddings["embedding"].facts == {}
    reopened = open_store(published.url)
    assert dict(reopened.info().embeddings["substitute_vector"].facts) == {"constant": -1.25, "length": 1e-9}
    reopened.close()
    published.set_embeddings("substitute_vector", IDS, VECTORS, replace(MADE, run="run-5"))
    assert published.info().embeddings["substitute_vector"].facts == {}
    published.rollback()
    assert published.info().embeddings["substitute_vector"] == told


def test_a_small_network_travels_with_the_vectors_as_their_facts(published):
    weights = [float(str(one)) for one in np.random.default_rng(0).normal(size=8_000).astype(np.float32)]
    told = replace(MADE, run="run-4", facts={"in.weight": weights, "out.bias": [-1.5], "points": "rating", "mean": 3.5})
    published.set_embeddings("tower_says", IDS, VECTORS, told)
    published.set_embeddings("embedding", IDS, VECTORS, replace(MADE, run="run-5"))
    reopened = open_store(published.url)
    held = reopened.info().embeddings["tower_says"]
    reopened.close()
    assert held == told
    assert np.array_equal(np.array(held.facts["in.weight"], np.float32), np.array(weights, np.float32))
    assert held.numbers == {"mean": 3.5}
    assert held.as_dict()["facts"] == {"points": "rating", "mean": 3.5}
    published.set_embeddings("tower_says", IDS, VECTORS, replace(MADE, run="run-6", facts={"in.weight": [2.0]}))
    published.rollback()
    assert published.info().embeddings["tower_says"] == told
