"""Diversity and facet weights: neutral ones change nothing, others do what they say, and reasons stay true."""

from __future__ import annotations

import copy
import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.content import ContentReader, Terms, kernel, near_in_years
from graph.diversity import POOL, diverse
from graph.explain import check
from graph.facets import PULL, by_role, weighing
from graph.foldin import VECTORS, WEIGHTS, FoldIn, loudness, vectors_of
from graph.preferences import FACETS, NEUTRAL, SEEN, PreferenceError, Preferences
from graph.reads import ask
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Provenance, Scope, open_store
from loaders.load import load_sample
from tests.graph.conftest import Stored, random_tables
from tests.graph.test_reasons import NODES, Lacking, nodes, publish

DAY = dt.date(2026, 11, 21)
WHOLE = Scope(WHOLE_GRAPH, on=DAY)
TOY_STORY = "tt0114709"
WEIGHED = [
    Preferences(cast=0.0, director=0.5), Preferences(cast=3.0, genre=0.5), Preferences(director=3.0),
    Preferences(era=2.0, popularity=0.0),
]  # fmt: skip


@pytest.fixture(scope="module", params=["sample", "sample, learned", "random", "random, learned", "no vectors"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder: Path = tmp_path_factory.mktemp("preferences")
    made = open_store(f"embedded:{folder / 'store'}", create=True)
    if request.param.startswith("sample"):
        load_sample(made)
    else:
        vectors = None if request.param == "no vectors" else vectors_of
        made.load_tables(random_tables(folder / "tables", random.Random(3)), None, vectors)
    if "learned" in request.param:
        publish(made, 0)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"diversity": 1.5}, "diversity is 1.5; it must be from 0 to 1"),
        ({"diversity": float("nan")}, "diversity is nan; it must be a number from 0 to 1"),
        ({"cast": -1}, "weight of cast is -1; it must be from 0 to 4"),
        ({"era": 4.5}, "weight of era is 4.5; it must be from 0 to 4"),
        ({"genre": float("inf")}, "weight of genre is inf; it must be a number"),
        ({"popularity": True}, "weight of popularity is True; it must be a number"),
        ({"popularity": "2"}, "weight of popularity is '2'; it must be a number"),
    ],
)
def test_what_cannot_be_followed_is_named(given: dict[str, Any], says: str) -> None:
    with pytest.raises(PreferenceError, match=says):
        Preferences(**given)


def test_weights_are_read_from_texts() -> None:
    assert Preferences.parse(0.3, ["cast=2", "era=0", "cast=0.5"]) == Preferences(0.3, cast=0.5, era=0.0)
    assert Preferences.parse(0, []) == NEUTRAL
    with pytest.raises(PreferenceError, match="no facet 'fame'; there are cast, director, genre, era, popularity"):
        Preferences.parse(0, ["fame=2"])
    with pytest.raises(PreferenceError, match="'much' is no weight of era"):
        Preferences.parse(0, ["era=much"])


def test_neutral_preferences_change_nothing(store: GraphStore) -> None:
    searcher, asked = Searcher(store), list(nodes(store))[::15]
    for id_ in asked:
        plain = searcher.similar(id_, WHOLE, 10)
        assert searcher.similar(id_, WHOLE, 10, preferences=Preferences(0.0, 1, 1.0, 1, 1.0, 1)) == plain
        # All that weighing and diversity do, at what is neutral but for the last digit.
        for near in (Preferences(1e-12), Preferences(cast=1 + 1e-12, popularity=1 - 1e-12)):
            found = searcher.similar(id_, WHOLE, 10, preferences=near)
            assert sorted(one.id for one in found) == sorted(one.id for one in plain)
            # Under 1e-5 places may change where two scores are equal but for rounding.
            assert np.allclose([one.score for one in found], [one.score for one in plain], atol=1e-4)


def test_k_whenever_k_exist_and_scores_fall(store: GraphStore) -> None:
    searcher = Searcher(store)
    slugs = {id_ for batch in store.scan_nodes("Catalog", []) for id_ in batch.column("id").to_pylist()}
    for scope in (WHOLE, Scope(on=DAY), *(Scope(slug, "US", DAY) for slug in sorted(slugs))):
        may = set(store.offered(scope).column("id").to_pylist())
        for id_ in list(nodes(store))[::50]:
            for wanted in (WEIGHED[3], Preferences(0.3), Preferences(1.0, cast=4.0)):
                found = searcher.similar(id_, scope, 100, preferences=wanted)
                assert len({one.id for one in found}) == len(found) == min(100, len(may - {id_}))
                assert {one.id for one in found} <= may - {id_}
                scores = [one.score for one in found]
                assert np.all(np.diff(scores) <= 1e-9)


def test_the_first_place_stays_and_the_same_question_has_the_same_answer(store: GraphStore) -> None:
    for id_ in list(nodes(store))[::30]:
        plain = Searcher(store).similar(id_, WHOLE, 8)
        for diversity in (0.2, 0.6, 1.0):
            found = Searcher(store).similar(id_, WHOLE, 8, preferences=Preferences(diversity))
            assert found[0].id == plain[0].id
            assert Searcher(store).similar(id_, WHOLE, 8, preferences=Preferences(diversity)) == found


def weighed_score(
    store: GraphStore, folded: FoldIn, asked: str, other: str, wanted: Preferences, node: Any = None
) -> float:
    """The product of a title folded in, read without a node, with another one's vector, weighed by hand."""
    reader, beside = copy.copy(folded.reader), folded.reader.beside([asked])
    if node is not None:
        reader._store = beside._store = Lacking(store, *node)  # type: ignore[assignment]
    ((vector,)) = store.get_embeddings(VECTORS, [other])[1]
    title = reader.read([asked])
    row = kernel(title, reader.landmarks)[0] * loudness(title, folded.fame)
    product = float(row.astype(np.float64) @ (folded.weights.astype(np.float64) @ vector))
    title = beside.read([asked])
    beside._store = store
    there = beside.read([other])
    plain = Terms()
    scaled = replace(
        plain, writers=plain.writers * wanted.director,
        genres=plain.genres * wanted.genre, genre_overlap=plain.genre_overlap * wanted.genre,
    )  # fmt: skip
    both = (by_role(title, wanted), by_role(there, wanted))
    ratio = kernel(*both, scaled)[0, 0] / kernel(title, there, plain)[0, 0]
    ratio *= near_in_years(title, there)[0, 0] ** (wanted.era - 1)
    length = float(np.linalg.norm(vector)) ** (wanted.popularity - 1)
    return product * float(ratio) ** (1.0 if folded.fame else PULL) * length


@pytest.mark.parametrize("wanted", [*WEIGHED, Preferences(0.4, cast=2.0, director=2.0)])
def test_without_what_a_reason_names_the_weighed_score_is_lower(store: GraphStore, wanted: Preferences) -> None:
    searcher, tried = Searcher(store), 0
    folded = FoldIn.published(store)
    ids = list(nodes(store))
    for id_ in ids[:: len(ids) // 15]:
        for one in searcher.similar(id_, WHOLE, 3, preferences=wanted):
            assert all(check(store, reason) for reason in one.evidence)
            for reason in one.evidence:
                if len(reason.path) == 5 and reason.path[1] in NODES:
                    node = NODES[reason.path[1]], reason.path[2]
                    if folded is not None:
                        tried += 1
                        whole = weighed_score(store, folded, id_, one.id, wanted)
                        assert weighed_score(store, folded, id_, one.id, wanted, node) < whole
    assert tried > 10 or folded is None


@pytest.mark.parametrize("facet", ["cast", "director"])
def test_hand_weights_name_nobody_where_they_do_not_count(random_graph: GraphStore, facet: str) -> None:
    searcher, named = Searcher(random_graph), {0.0: 0, 1.0: 0}
    for id_ in list(nodes(random_graph))[::5]:
        for weight in named:
            for one in searcher.similar(id_, WHOLE, 10, preferences=Preferences(**{facet: weight})):
                steps = [step for e in one.evidence for step in (e.path[1::2] if len(e.path) == 5 else ())]
                roles = [step for step in steps if NODES.get(step) == "Person"]
                named[weight] += sum((role in SEEN) == (facet == "cast") for role in roles)
    assert named[0.0] == 0
    assert named[1.0] > 20


def likeness(store: GraphStore, asked: str, found: list[str]) -> dict[str, float]:
    """How like the asked title these are, facet by facet: mean cosines, minus years apart, votes as powers of ten."""
    reader = ContentReader(store, [asked])
    own, others = reader.landmarks, reader.read(found)
    return {
        "cast": float((others.cast @ own.cast.T).mean()),
        "director": float(((others.people - others.cast) @ (own.people - own.cast).T).mean()),
        "genre": float((others.genres @ own.genres.T).mean()),
        "era": -float(np.nanmean(np.abs(others.year - own.year))),
        "popularity": float(np.nan_to_num(others.votes).mean()),
    }


@pytest.mark.parametrize("facet", FACETS)
def test_the_more_a_facet_weighs_the_liker_the_answers(sample: GraphStore, facet: str) -> None:
    searcher = Searcher(sample)
    rows = [row for row in nodes(sample).values() if row["start_year"] and row["num_votes"]]
    asked = [row["id"] for row in sorted(rows, key=lambda row: -row["num_votes"])[:25]]
    means = []
    for weight in (0.0, 0.5, 1.0, 2.0, 4.0):
        wanted = Preferences(**{facet: weight})
        lists = {id_: [one.id for one in searcher.similar(id_, WHOLE, 10, preferences=wanted)] for id_ in asked}
        means.append(np.mean([likeness(sample, id_, found)[facet] for id_, found in lists.items()]))
    assert np.all(np.diff(means) >= 0)
    assert means[-1] > means[0] + (0.01 if facet in ("cast", "director") else 0.02)  # each is a part of all people


def test_parts_of_one_series_thin_out(sample: GraphStore) -> None:
    searcher = Searcher(sample)

    def parts(diversity: float) -> list[int]:
        found = searcher.similar(TOY_STORY, WHOLE, 10, preferences=Preferences(diversity))
        return [place for place, one in enumerate(found) if one.title.startswith("Toy Story")]

    assert len(parts(0.0)) >= 2
    assert parts(0.6)[:1] == parts(0.0)[:1]
    assert len(parts(0.6)) == 1


def test_marginal_relevance_by_hand(stored: Stored) -> None:
    store = stored({"Title": [{"id": id_, "title": id_} for id_ in "abcde"]})
    made = Provenance("learned", "Substitutes", 2, store.info().graph_hash, "2026-01-01T00:00:00+00:00")
    vectors = np.array([[2, 0], [3, 0], [0, 1], [0.6, 0.8]], np.float32)
    store.set_embeddings(VECTORS, list("abcd"), vectors, made)
    scores = {"a": 2.0, "b": 1.8, "c": 1.0, "d": 1.2, "e": 0.2}
    # b is a's twin; with half of each: c .5·.5 + .5·1 = .75, d .5·.6 + .5·.4 = .5, e (no vector) .05 + .5, b .45.
    found = diverse(store, VECTORS, scores, 5, 0.5)
    assert list(found) == ["a", "c", "e", "b", "d"]
    assert np.allclose(list(found.values()), [1, 0.75, 0.55, 0.45, 0.4])
    assert list(diverse(store, VECTORS, scores, 2, 0.1)) == ["a", "b"]
    assert list(diverse(store, VECTORS, scores, 3, 0.5, series={"a", "c"})) == ["a", "e", "d"]
    assert diverse(store, VECTORS, {}, 5, 0.5) == {}
    many = {f"x{place:03}": 100.0 - place for place in range(3 * POOL)}
    assert max(diverse(store, VECTORS, many, 2, 1.0)) < f"x{2 * POOL:03}"


def test_facets_at_their_own_weight_are_exactly_the_products(sample: GraphStore) -> None:
    folded = FoldIn.published(sample)
    assert folded is not None
    others = [id_ for id_ in nodes(sample) if id_ != TOY_STORY][:50]
    products = np.arange(len(others), dtype=np.float32)[None] - 5
    assert (ask(sample, weighing(folded, [TOY_STORY], others, NEUTRAL)).weigh(products, others) == products).all()
    weighed = ask(sample, weighing(folded, [TOY_STORY], others, Preferences(genre=3.0))).weigh(products, others)
    assert (weighed[:, :6] == products[:, :6]).all()  # none of them positive
    assert (weighed[:, 6:] >= products[:, 6:]).all()
    assert (weighed[:, 6:] > products[:, 6:]).any()


def test_the_nearest_by_other_vectors_have_no_preferences(sample: GraphStore) -> None:
    with pytest.raises(PreferenceError, match=r"'fold-in' follows no preferences: leave out .*: fold-in-series"):
        Searcher(sample).similar(TOY_STORY, WHOLE, 5, strategy="fold-in", preferences=Preferences(0.5))
    assert WEIGHTS in sample.info().embeddings
