"""Taste vectors of titles that a load brings after the training: of what they are made of, and recommended at once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from graph import tastes_foldin
from graph.feedback_kinds import FeedbackKinds
from graph.for_users import ForUsers
from graph.search import Searcher
from graph.store import GraphStore, Provenance, Scope
from graph.tastes import LIKED, OFFERED, Weighting
from graph.tastes_foldin import tastes_folded_in, vectors_after_load
from tests.graph.conftest import Stored

DAY = dt.date(2026, 11, 21)
TITLES = [f"tt{number:07}" for number in range(1, 41)]
WESTERN, ROMANCE = "tt0000041", "tt0000042"
WEIGHTING = Weighting(long=2, recent=1)


def rows(*more: tuple[str, str]) -> dict[str, list[dict[str, Any]]]:
    genres = [(id_, "Western" if place < 20 else "Romance") for place, id_ in enumerate(TITLES)] + list(more)
    return {
        "Title": [{"id": id_, "title": f"Lonely {id_}", "kind": "movie", "num_votes": 900} for id_, _ in genres],
        "Genre": [{"id": "Romance"}, {"id": "Western"}],
        "IN_GENRE": [{"head": id_, "tail": genre, "key": ""} for id_, genre in genres],
        "Catalog": [{"id": "north", "name": "North"}],
        "OFFERS": [{"head": "north", "tail": id_, "key": id_, "item_id": id_} for id_, _ in genres],
        "User": [{"id": "ada"}, {"id": "bob"}],
        "RATED": [{"head": user, "tail": id_, "key": "like", "type": "like", "timestamp": 9}
                  for user, own in (("ada", TITLES[:20]), ("bob", TITLES[20:])) for id_ in own],
    }  # fmt: skip


def published(store: GraphStore) -> None:
    """Who likes a western wants westerns, and none of them romances."""
    sides = np.repeat([[1.0, 0.0], [0.0, 1.0]], 20, axis=0)
    chance = np.random.default_rng(0)
    for name, width in ((LIKED, 3), (OFFERED, 4)):
        vectors = 0.05 * chance.normal(size=(40, width))
        vectors[:, :2] += sides
        made = Provenance("tastes", "Tastes", width, "h", "2026-11-21T00:00:00+00:00", WEIGHTING.facts)
        store.set_embeddings(name, TITLES, vectors.astype(np.float32), made)


def test_new_titles_are_recommended_from_the_load_on_that_brings_them(stored: Stored) -> None:
    store = stored(rows())
    published(store)
    assert tastes_folded_in(store) == ()  # nothing lacks any
    before = {name: store.get_embeddings(name, TITLES)[1] for name in (LIKED, OFFERED)}
    stored(rows((WESTERN, "Western"), (ROMANCE, "Romance")), into=store, vectors=vectors_after_load)
    for name, own in before.items():
        ids, after = store.get_embeddings(name)
        assert set(ids) == {*TITLES, WESTERN, ROMANCE}
        at = dict(zip(ids, after, strict=True))
        np.testing.assert_array_equal(np.array([at[id_] for id_ in TITLES]), own)
    asked = ForUsers(store, Searcher(store), FeedbackKinds.parse(["like"], []))
    for user, first, last in (("ada", WESTERN, ROMANCE), ("bob", ROMANCE, WESTERN)):
        items = asked.recommend(user, Scope("north", on=DAY), 40).items
        assert [item.id for item in items if item.id not in TITLES] == [first, last]
        assert any(reason.kind == "watched" for reason in items[0].evidence)
    assert store.info().embeddings[OFFERED].run == "tastes"
    assert Weighting.published(store) is not None


@pytest.mark.parametrize("enough", [10, 1_024])
def test_they_stand_where_the_training_put_titles_without_feedback(
    stored: Stored, monkeypatch: pytest.MonkeyPatch, enough: int
) -> None:  # fmt: skip
    monkeypatch.setattr(tastes_foldin, "_ENOUGH", enough)
    cold = [(f"tt{number:07}", "Western" if number % 2 else "Romance") for number in range(50, 90)]
    store = stored(rows(*cold))
    ids = [*TITLES, *(id_ for id_, _ in cold)]
    for name, width in ((LIKED, 3), (OFFERED, 4)):
        vectors = 0.05 * np.random.default_rng(0).normal(size=(len(ids), width)).astype(np.float32)
        vectors[len(TITLES) :, -1] -= 5  # what anybody is offered of them
        made = Provenance("tastes", "Tastes", width, "h", "2026-11-21T00:00:00+00:00", WEIGHTING.facts)
        store.set_embeddings(name, ids, vectors, made)
    stored(rows(*cold, (WESTERN, "Western")), into=store, vectors=vectors_after_load)
    (new,) = store.get_embeddings(OFFERED, [WESTERN])[1]
    assert new[-1] == pytest.approx(-5, abs=0.8)


def test_a_graph_without_taste_vectors_gets_none(stored: Stored) -> None:
    store = stored(rows(), vectors=vectors_after_load)
    assert LIKED not in store.info().embeddings
    assert tastes_folded_in(store) == ()
