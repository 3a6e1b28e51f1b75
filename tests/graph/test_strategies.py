"""How every strategy behaves that is served, whatever it finds: one suite for all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from graph.explain import check
from graph.feedback_kinds import FeedbackKinds
from graph.foldin import CONTENT, CONTENT_WEIGHTS
from graph.for_users import ForUsers
from graph.nearest import FOLD, LIKED_BESIDE, beside
from graph.preferences import PreferenceError, Preferences
from graph.rules import Rules
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, Fact, GraphStore, NotInGraph, Provenance, Scope, open_store
from graph.strategies import KNOWN, STRATEGIES
from graph.strategy import StrategyError
from graph.tastes import LIKED, OFFERED, Weighting
from graph.tower_scores import Pairs, Towers
from graph.tower_vectors import (
    OPINIONS,
    RANKER,
    TITLES,
    TOWER_OFFERED,
    TOWER_SAYS,
    Ranking,
    ranker_facts,
    tower_facts,
)
from loaders.load import load_sample
from tests.graph.conftest import Stored

DAY = dt.date(2026, 11, 21)
NORTH, WHOLE = Scope("north", "US", DAY), Scope(WHOLE_GRAPH, on=DAY)
TOY_STORY, MATRIX = "tt0114709", "tt0133093"
WEIGHTING = Weighting(long=6, recent=2)
OWN = "shared_tastes"
"""Vectors that somebody has published under a name that nobody here knows of."""
VECTORS: Mapping[str, tuple[int, Mapping[str, Fact]]] = {
    "embedding": (8, {}), OWN: (5, {}), LIKED: (8, WEIGHTING.facts), OFFERED: (9, WEIGHTING.facts),
    "ials": (6, {FOLD: 4.0}), "ease": (6, {LIKED_BESIDE: 1.0}), beside("ease"): (6, {LIKED_BESIDE: 1.0}),
    CONTENT: (4, {}), CONTENT_WEIGHTS: (4, {}), "clusters_likes": (3, {}),
}  # fmt: skip
"""What is published beside two towers: dimensions and facts. Each kind of query is there, under one of its names."""
NAMES = [*STRATEGIES, OWN, "towers", "towers-ranked", "ials", "ease"]
UNMADE = {name for name, entry in {**STRATEGIES, **KNOWN}.items() if "reelgraph train" in entry.how}
"""Those that a load alone does not make."""
SHORT = {name for name, entry in STRATEGIES.items() if entry.comparison}
UNCHECKED = ("popular", "chance", "explored", "ranked")
"""Kinds of reasons that name no part of the graph."""


def publish(store: GraphStore, seed: int = 0) -> None:
    """All of VECTORS by chance, for all titles but the last."""
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    chance, kept = np.random.default_rng(seed), ids[:-1] or ids

    for name, (d, facts) in {**VECTORS, **tower_parts(chance)}.items():
        rows = chance.normal(size=(len(kept), d)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        told = Provenance("run-1", "Chance", d, store.info().graph_hash, "2026-11-21T00:00:00+00:00", facts)
        store.set_embeddings(name, kept, rows, told)


def tower_parts(chance: np.random.Generator) -> dict[str, tuple[int, dict[str, Fact]]]:
    """What two towers publish: by name the numbers of each title, and facts. The networks are by chance."""
    net = {"in.weight": (8, 8), "in.bias": (8,), "out.weight": (7, 8), "out.bias": (7,)}
    of_pairs = {"in.weight": (3, 11), "in.bias": (3,), "out.weight": (1, 3), "out.bias": (1,)}
    user, pairs = ({name: chance.normal(size=own) for name, own in one.items()} for one in (net, of_pairs))
    nothing = np.zeros((0, 8), np.float32)
    ranker = ranker_facts(Pairs(nothing, nothing, 3.0, nothing[:, 0], pairs), Ranking(OPINIONS, 1.0, 12, 0.5))
    towers = tower_facts(Towers(nothing, nothing, user))
    return {TITLES: (7, {}), TOWER_OFFERED: (7, {}), TOWER_SAYS: (8, towers), RANKER: (7, ranker)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    made = open_store(f"embedded:{tmp_path_factory.mktemp('strategies') / 'store'}", create=True)
    load_sample(made)
    publish(made)
    for user, titles in (("ada", [TOY_STORY, "tt0245429"]), ("bob", [MATRIX])):
        made.upsert_nodes("User", [{"id": user}])
        rows = [{"head": user, "tail": id_, "key": "like", "type": "like", "timestamp": 100} for id_ in titles]
        made.upsert_relationships("RATED", rows)
    yield made
    made.close()


@pytest.fixture(scope="module")
def searcher(store: GraphStore) -> Searcher:
    return Searcher(store)


def asked(store: GraphStore, searcher: Searcher) -> ForUsers:
    return ForUsers(store, searcher, FeedbackKinds.parse(["like"], ["dismiss"]))


@pytest.mark.parametrize("name", NAMES)
def test_only_what_may_be_shown_and_k_when_k_are_there(store: GraphStore, searcher: Searcher, name: str) -> None:
    for scope, ks in (
        (NORTH, (1, 7, 100)),
        (Scope("south", "BR", DAY), (7,)),
        (Scope(on=DAY), (7,)),
        (WHOLE, (20,)),
    ):
        may = set(store.offered(scope).column("id").to_pylist())
        for k in ks:
            alike = searcher.similar(TOY_STORY, scope, k, strategy=name)
            listed = searcher.recommend({TOY_STORY: 1, MATRIX: 3}, scope, k, strategy=name).items
            for found, out in ((alike, {TOY_STORY}), (listed, {TOY_STORY, MATRIX})):
                ids = [one.id for one in found]
                assert set(ids) <= may - out
                assert len(set(ids)) == len(ids)
                assert len(ids) == min(k, len(may - out)) or (name in SHORT and len(ids) < k)
                assert np.all(np.diff([one.score for one in found]) <= 1e-9)
                assert all((one.item_id is None) == (scope == WHOLE) for one in found)


@pytest.mark.parametrize("name", NAMES)
def test_reasons_are_true(store: GraphStore, searcher: Searcher, name: str) -> None:
    alike = searcher.similar(TOY_STORY, NORTH, 20, strategy=name)
    listed = searcher.recommend([TOY_STORY, MATRIX], NORTH, 20, strategy=name).items
    for found, named in ((alike, {TOY_STORY}), (listed, {TOY_STORY, MATRIX})):
        assert any(one.evidence for one in found) or name in SHORT
        for reason in (reason for one in found for reason in one.evidence):
            assert reason.kind in UNCHECKED or check(store, reason), reason
            assert reason.kind not in ("liked", "near") or set(reason.via) <= named
            assert reason.kind not in ("path", "name") or reason.path[0] in named
    assert not [reason for one in alike for reason in one.evidence if "you named" in reason.text]
    if name not in ("random", "popularity"):
        said = [reason.text for one in listed for reason in one.evidence if reason.kind == "liked"]
        assert set(said) <= {"because you named Toy Story", "because you named The Matrix"}
        assert said or name in SHORT


@pytest.mark.parametrize("name", NAMES)
def test_the_same_question_has_the_same_answer_also_from_a_store_opened_again(
    store: GraphStore, searcher: Searcher, name: str
) -> None:
    again = open_store(store.url)
    first, second = searcher, Searcher(again)
    assert first.similar(MATRIX, NORTH, 10, strategy=name) == second.similar(MATRIX, NORTH, 10, strategy=name)
    one, other = (
        asked(of, by).recommend("ada", NORTH, 10, strategy=name, now=200)
        for of, by in ((store, first), (again, second))
    )
    assert one == other
    again.close()


@pytest.mark.parametrize("name", NAMES)
def test_ids_that_are_not_there_are_named(searcher: Searcher, name: str) -> None:
    with pytest.raises(NotInGraph, match="tt9999999"):
        searcher.similar("tt9999999", NORTH, 5, strategy=name)
    with pytest.raises(NotInGraph, match="tt9999999"):
        searcher.recommend([TOY_STORY, "tt9999999"], NORTH, 5, strategy=name)
    with pytest.raises(NotInGraph, match="west"):
        searcher.similar(TOY_STORY, Scope("west"), 5, strategy=name)


@pytest.mark.parametrize("name", NAMES)
def test_a_search_says_by_what_it_was_answered(store: GraphStore, searcher: Searcher, name: str) -> None:
    answer = searcher.search("toy story", NORTH, strategy=name, hits=2, substitutes=5)
    assert answer.strategy == answer.as_dict()["strategy"] == name
    expected = [one.id for one in searcher.similar(TOY_STORY, NORTH, 5, strategy=name)]
    assert [one.id for one in answer.hits[0].substitutes] == expected
    assert (answer.hits[0].substitutability is None) == (name != "fold-in-series"), "how good the usual ones are"
    (last,) = [batch.column("id")[-1].as_py() for batch in list(store.scan_nodes("Title", []))[-1:]]
    unheard = searcher.search(last, NORTH, strategy=name, substitutes=3).hits[0]
    assert len(unheard.substitutes) == 3 or name in SHORT, "a title without vectors is answered by hand"


@pytest.mark.parametrize("name", NAMES)
def test_users_by_their_likes_without_what_they_know_and_by_the_rules(
    store: GraphStore, searcher: Searcher, name: str
) -> None:
    users = asked(store, searcher)
    found = users.recommend("ada", NORTH, 8, strategy=name, now=200)
    assert found.strategy == name
    assert not {one.id for one in found.items} & {TOY_STORY, "tt0245429"}
    assert len(found.items) == 8 or name in SHORT
    several = users.recommend(["ada", "bob"], NORTH, 8, strategy=name, now=200)
    assert not {one.id for one in several.items} & {TOY_STORY, "tt0245429", MATRIX}
    hidden = found.items[0].id if found.items else TOY_STORY
    ruled = users.recommend("ada", NORTH, 5, strategy=name, now=200, rules=Rules(hide=(hidden,), kinds=("movie",)))
    assert hidden not in {one.id for one in ruled.items}
    assert {one.kind for one in ruled.items} <= {"movie"}
    session = users.session([(TOY_STORY, "like", None)], NORTH, 5, strategy=name)
    assert session.strategy == name
    assert TOY_STORY not in {one.id for one in session.items}


@pytest.mark.parametrize("name", NAMES)
def test_somebody_of_whom_nothing_is_known(store: GraphStore, searcher: Searcher, name: str) -> None:
    found = asked(store, searcher).recommend("nobody", NORTH, 5, strategy=name, now=200)
    assert len(found.items) == 5
    assert found.strategy == (name if name in ("hybrid", "random", "popularity") else "popularity")
    may = set(store.offered(NORTH).column("id").to_pylist())
    assert {one.id for one in found.items} <= may


@pytest.fixture(scope="module")
def alike(stored: Stored) -> GraphStore:
    """Six titles of which nothing tells one from another, and the vectors to it."""
    titles = [{"id": f"tt000000{number}", "title": f"Untold {chr(65 + number)}"} for number in range(6)]
    offers = [{"head": "c", "tail": one["id"], "key": one["id"], "item_id": one["id"]} for one in titles]
    made = stored({"Title": titles, "Catalog": [{"id": "c", "name": "c"}], "OFFERS": offers})
    ids = [one["id"] for one in titles]
    for name, (d, facts) in {**VECTORS, **tower_parts(np.random.default_rng(0))}.items():
        told = Provenance("run-1", "Ones", d, made.info().graph_hash, "2026-11-21T00:00:00+00:00", facts)
        made.set_embeddings(name, ids, np.full((6, d), d**-0.5, np.float32), told)
    return made


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("fold-in", "fold-in-series", "content-series")]
)
def test_ties_come_in_the_order_of_their_ids(alike: GraphStore, name: str) -> None:
    found = [one.id for one in Searcher(alike).similar("tt0000002", Scope("c"), 4, strategy=name)]
    wanted = ["tt0000000", "tt0000001", "tt0000003", "tt0000004"]
    assert found == wanted or (name == "random" and len(set(found)) == 4)


def test_each_strategy_has_an_answer_of_its_own(searcher: Searcher) -> None:
    found = {
        name: tuple(one.id for one in searcher.recommend([TOY_STORY, MATRIX], WHOLE, 30, strategy=name).items)
        for name in NAMES if name not in (*SHORT, "fold-in", "content")  # of lists the same as with series
    }  # fmt: skip
    assert len(set(found.values())) == len(found)
    cut = [one.id for one in searcher.similar(TOY_STORY, NORTH, 100, strategy="embedding-cut")]
    inside = [one.id for one in searcher.similar(TOY_STORY, NORTH, 100, strategy="embedding")]
    assert 0 < len(cut) < len(inside)
    assert inside[: len(cut)] == cut


@pytest.mark.parametrize("name", NAMES)
def test_preferences_are_followed_or_refused(searcher: Searcher, name: str) -> None:
    wanted = Preferences(popularity=0.0)
    if name in STRATEGIES and STRATEGIES[name].tuned:
        plain = searcher.similar(TOY_STORY, WHOLE, 10, strategy=name)
        assert searcher.similar(TOY_STORY, WHOLE, 10, strategy=name, preferences=wanted) != plain
        return
    for ask in (
        lambda: searcher.similar(TOY_STORY, NORTH, 5, strategy=name, preferences=wanted),
        lambda: searcher.search("toy story", NORTH, strategy=name, preferences=wanted),
        lambda: searcher.recommend([TOY_STORY], NORTH, 5, strategy=name, preferences=wanted),
    ):
        with pytest.raises(PreferenceError, match=f"'{name}' follows no preferences"):
            ask()


def test_chance_is_another_with_another_seed(store: GraphStore, searcher: Searcher) -> None:
    users = asked(store, searcher)
    lists = [
        tuple(one.id for one in users.recommend("ada", NORTH, 8, strategy="random", rules=Rules(seed=seed)).items)
        for seed in (0, 0, 1)
    ]
    assert lists[0] == lists[1] != lists[2]


def test_all_are_listed_and_what_is_missing_is_said(searcher: Searcher, sample: GraphStore) -> None:
    listed = {one.name: one for one in searcher.strategies.listed()}
    assert list(listed) == [*STRATEGIES, *KNOWN, OWN], "what is but a part of others is none"
    assert {name for name, one in listed.items() if one.available} == {*NAMES, "clusters-likes"}
    assert all((one.missing is None) == one.available for one in listed.values())
    assert {name for name, one in listed.items() if one.comparison} == SHORT
    assert (listed[OWN].run, listed["genres"].run) == ("run-1", None)
    bare = {one.name: one for one in Searcher(sample).strategies.listed()}
    assert {name for name, one in bare.items() if not one.available} == UNMADE
    assert "reelgraph train configs/tastes.toml" in (bare["hybrid"].missing or "")
    for name, one in bare.items():
        if not one.available:
            with pytest.raises(StrategyError, match=str(one.missing)):
                Searcher(sample).similar(TOY_STORY, NORTH, 5, strategy=name)
