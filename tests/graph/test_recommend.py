"""Recommendations for a list of titles: what may be shown, k, what each named title brings, and true reasons."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.explain import check
from graph.foldin import VECTORS, WEIGHTS, FoldIn, vectors_of
from graph.preferences import PreferenceError, Preferences
from graph.recommend import MAX_LIKED
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Provenance, Scope, open_store
from loaders.load import load_sample
from tests.graph.conftest import Stored, random_tables
from tests.graph.test_reasons import nodes, publish

DAY = dt.date(2026, 11, 21)
WHOLE = Scope(WHOLE_GRAPH, on=DAY)
TOY_STORY, MATRIX = "tt0114709", "tt0133093"
WANTED = [Preferences(), Preferences(0.5, cast=3.0, popularity=0.5)]


@pytest.fixture(scope="module", params=["sample", "sample, learned", "random, learned", "no vectors"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder: Path = tmp_path_factory.mktemp("recommend")
    made = open_store(f"embedded:{folder / 'store'}", create=True)
    if request.param.startswith("sample"):
        load_sample(made)
    else:
        vectors = None if request.param == "no vectors" else vectors_of
        made.load_tables(random_tables(folder / "tables", random.Random(5)), None, vectors)
    if "learned" in request.param:
        publish(made, 0)
    yield made
    made.close()


def lists(store: GraphStore) -> list[list[str]]:
    chance, ids = random.Random(0), sorted(nodes(store))
    return [chance.sample(ids, size) for size in (1, 2, 5, 20)]


@pytest.mark.parametrize("wanted", WANTED)
def test_k_of_what_may_be_shown_and_none_that_was_named(store: GraphStore, wanted: Preferences) -> None:
    slugs = {id_ for batch in store.scan_nodes("Catalog", []) for id_ in batch.column("id").to_pylist()}
    for scope in (WHOLE, Scope(on=DAY), *(Scope(slug, "US", DAY) for slug in sorted(slugs))):
        may = set(store.offered(scope).column("id").to_pylist())
        for liked in lists(store)[:3:2]:
            for k in (3, 100):
                found = Searcher(store).recommend(liked, scope, k, preferences=wanted)
                ids = [one.id for one in found.items]
                assert set(ids) <= may - set(liked)
                assert len(set(ids)) == len(ids) == min(k, len(may - set(liked)))
                assert np.all(np.diff([one.score for one in found.items]) <= 1e-9)
                assert all(check(store, reason) for one in found.items for reason in one.evidence)


def test_the_same_list_has_the_same_answer_in_any_order(store: GraphStore) -> None:
    for liked in lists(store):
        found = Searcher(store).recommend(liked, WHOLE, 10)
        assert Searcher(store).recommend(liked, WHOLE, 10) == found
        turned = Searcher(store).recommend(liked[::-1], WHOLE, 10)
        assert sorted(one.id for one in turned.items) == sorted(one.id for one in found.items)


def score(store: GraphStore, liked: dict[str, float], other: str) -> float:
    """What the named titles bring to another one, computed again from what is published."""
    ids, rows = store.get_embeddings(VECTORS, [*liked, other])
    vectors = dict(zip(ids, np.asarray(rows, np.float64), strict=True))
    parts = [weight * vectors[id_] @ vectors[other] / np.linalg.norm(vectors[id_]) for id_, weight in liked.items()]
    return float(sum(parts))


def test_without_the_title_that_is_the_reason_the_score_is_lower(store: GraphStore) -> None:
    by_vectors, named = FoldIn.published(store) is not None, 0  # by hand, lists are added up: a test of its own
    for liked in lists(store)[1:] if by_vectors else []:
        found = Searcher(store).recommend(liked, WHOLE, 10)
        whole = {one.id: score(store, dict.fromkeys(liked, 1.0), one.id) for one in found.items}
        best = max(whole.values())
        for one in found.items:
            assert np.isclose(one.score, whole[one.id] / best, atol=1e-4)
            brought = {id_: score(store, {id_: 1.0}, one.id) for id_ in liked}
            (reason,) = [reason for reason in one.evidence if reason.kind == "liked"]
            (carrier,) = reason.via
            named += 1
            assert np.isclose(brought[carrier], max(brought.values()))
            rest = {id_: 1.0 for id_ in liked if id_ != carrier}
            assert score(store, rest, one.id) < whole[one.id]
            assert one.evidence[0] == reason
            assert 0 < reason.weight <= 1
            assert all(other.path[0] == carrier for other in one.evidence[1:])
    assert named == 30 * by_vectors


def test_what_counts_more_is_followed_more(sample: GraphStore) -> None:
    def alike(weights: dict[str, float]) -> tuple[float, float]:
        found = Searcher(sample).recommend(weights, WHOLE, 5).items
        return tuple(float(np.mean([score(sample, {id_: 1.0}, one.id) for one in found])) for id_ in weights)  # type: ignore[return-value]

    toys, matrix = alike({TOY_STORY: 10.0, MATRIX: 1.0})
    more_toys, more_matrix = alike({TOY_STORY: 1.0, MATRIX: 10.0})
    assert toys > more_toys
    assert matrix < more_matrix


def test_one_title_is_recommended_what_is_near_it(sample: GraphStore) -> None:
    found = Searcher(sample).recommend([TOY_STORY], Scope("north", "US", DAY), 5)
    assert {"tt0198781", "tt0266543"} & {one.id for one in found.items}  # Monsters, Inc., Finding Nemo
    assert {reason.text for one in found.items for reason in one.evidence if reason.kind == "liked"} == {
        "because you named Toy Story"
    }


def test_preferences_count(sample: GraphStore) -> None:
    searcher, liked = Searcher(sample), [TOY_STORY, MATRIX]
    plain = searcher.recommend(liked, WHOLE, 10)
    assert searcher.recommend(liked, WHOLE, 10, preferences=Preferences(0.7)).items[0].id == plain.items[0].id

    def votes(popularity: float) -> float:
        found = searcher.recommend(liked, WHOLE, 10, preferences=Preferences(popularity=popularity)).items
        return float(np.mean([np.log10(1 + (nodes(sample)[one.id]["num_votes"] or 0)) for one in found]))

    assert votes(0.0) < votes(1.0) <= votes(4.0)


def test_a_title_without_a_vector_is_folded_in(sample: GraphStore) -> None:
    ids, rows = sample.get_embeddings(VECTORS)
    kept = [place for place, id_ in enumerate(ids) if id_ != TOY_STORY]
    version, before = sample.info().version, Searcher(sample).recommend([TOY_STORY], WHOLE, 10).items
    made = sample.info().embeddings[VECTORS]
    sample.set_embeddings(VECTORS, [ids[place] for place in kept], np.asarray(rows)[kept], made)
    try:
        after = Searcher(sample).recommend([TOY_STORY], WHOLE, 10).items
        assert [one.id for one in after] == [one.id for one in before]
    finally:
        sample.rollback(version)


def test_where_nothing_has_a_vector_lists_by_hand_are_added_up(random_graph: GraphStore) -> None:
    searcher, liked = Searcher(random_graph), ["tt0000003", "tt0000010"]
    found = searcher.recommend(liked, WHOLE, 5).items
    one, other = ({s.id: s.score for s in searcher.similar(id_, WHOLE, 100)} for id_ in liked)
    totals = {id_: one.get(id_, 0) + other.get(id_, 0) for id_ in (one.keys() | other.keys()) - set(liked)}
    wanted = sorted(totals, key=lambda id_: (-totals[id_], id_))[:5]
    assert [item.id for item in found] == wanted
    assert found[0].score == 1
    for item in found:
        carrier = liked[int(other.get(item.id, 0) > one.get(item.id, 0))]
        assert (item.evidence[0].kind, item.evidence[0].via) == ("liked", (carrier,))


def test_the_score_of_what_nobody_would_want_has_no_reason(stored: Stored) -> None:
    store = stored({"Title": [{"id": "a", "title": "Harbour"}, {"id": "b", "title": "Quartz"}]})
    made = Provenance("learned", "Substitutes", 1, store.info().graph_hash, "2026-01-01T00:00:00+00:00")
    for name in (WEIGHTS, VECTORS):
        store.set_embeddings(name, ["a", "b"], np.array([[1], [-0.5]], np.float32), made)
    (one,) = Searcher(store).recommend(["a"], WHOLE, 5).items
    assert (one.id, one.evidence) == ("b", ())
    assert one.score < 0


def test_the_json_is_the_contract(sample: GraphStore) -> None:
    made = Searcher(sample).recommend([MATRIX, TOY_STORY], Scope("north", "US", DAY), 3).as_dict()
    assert list(made) == ["titles", "catalog", "region", "on", "versions", "strategy", "items"]
    assert made["titles"] == [MATRIX, TOY_STORY]
    assert (made["catalog"], made["region"], made["on"]) == ("north", "US", "2026-11-21")
    assert made["items"][0].keys() == {"id", "item_id", "title", "start_year", "kind", "score", "evidence"}
    reason = made["items"][0]["evidence"][0]
    assert reason.keys() == {"kind", "weight", "text", "via"}
    assert reason["kind"] == "liked"


@pytest.mark.parametrize(
    ("liked", "says"),
    [
        ([], "0 titles are named; name from 1 to 100"),
        ([f"tt{number:07}" for number in range(MAX_LIKED + 1)], "101 titles are named"),
        ({TOY_STORY: 0.0}, f"the weight of {TOY_STORY} is 0"),
        ({TOY_STORY: float("nan")}, f"the weight of {TOY_STORY} is nan"),
        ({TOY_STORY: 1000.0}, f"the weight of {TOY_STORY} is 1000"),
    ],
)
def test_lists_that_cannot_be_followed(sample: GraphStore, liked: Any, says: str) -> None:
    with pytest.raises(PreferenceError, match=says):
        Searcher(sample).recommend(liked, WHOLE, 5)


def test_a_title_or_catalog_that_is_not_there_is_named(sample: GraphStore) -> None:
    with pytest.raises(NotInGraph, match=r"no title 'tt9999999'.*reelgraph search NAME"):
        Searcher(sample).recommend([TOY_STORY, "tt9999999"], WHOLE, 5)
    with pytest.raises(NotInGraph, match=r"nowhere.*north, south"):
        Searcher(sample).recommend([TOY_STORY], Scope("nowhere"), 5)
