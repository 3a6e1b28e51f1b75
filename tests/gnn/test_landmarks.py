"""Fewer landmarks than liked titles (Nyström), in blocks: what the ridge is chosen on, and that no block is lost."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

import gnn.substitutes
from gnn.substitutes import RIDGES, Fitted, Likes, Options, all_vectors, fit, likes_of
from graph.content import ContentReader, kernel
from graph.foldin import damped
from graph.store import GraphStore, open_store
from tests.gnn.conftest import CLUSTERS

LANDMARKS = 60


@pytest.fixture(scope="module")
def liked(tmp_path_factory: pytest.TempPathFactory, tables_without: Any, world: Any) -> Iterator[GraphStore]:
    """The whole world, and 300 viewers of whom each is fond of a cluster; late titles nobody has seen."""
    store = open_store(f"embedded:{tmp_path_factory.mktemp('landmarks') / 'store'}", create=True)
    store.load_tables(tables_without(()))
    chance, late = random.Random(2), set(world.late)
    fond: dict[int, list[str]] = {}
    for title in world.genre:
        if title not in late:
            fond.setdefault(int(title[2:5]), []).append(title)
    store.upsert_nodes("User", [{"id": f"u{number}"} for number in range(300)])
    rows: Iterable[tuple[int, str]] = (
        (number, title) for number in range(300) for title in chance.sample(fond[number % CLUSTERS], 6)
    )
    ratings = [{"head": f"u{number}", "tail": title, "key": "like", "type": "like"} for number, title in rows]
    store.upsert_relationships("RATED", ratings)
    yield store
    store.close()


@pytest.fixture(scope="module")
def likes(liked: GraphStore) -> Likes:
    return likes_of(liked, 4.0)


def few(store: GraphStore, likes: Likes, **more: float) -> Fitted:
    return fit(store, likes, 16, Options(exact=1, landmarks=LANDMARKS, **more))  # type: ignore[arg-type]


def test_weights_and_left_out_titles_are_those_of_the_formula(liked: GraphStore, likes: Likes) -> None:
    fitted = few(liked, likes, ridge=3.0)
    reader = fitted.foldin.reader
    assert len(reader.landmarks) == LANDMARKS < len(fitted.ids)
    target = gnn.substitutes.factors(likes.enough(3), 16).astype(np.float64)
    rows = kernel(reader.read(fitted.ids), reader.landmarks).astype(np.float64)
    between = kernel(reader.landmarks, reader.landmarks).astype(np.float64)

    def weights(kept: Any) -> Any:
        part = rows[kept]
        jitter = 1e-6 * np.trace(rows.T @ rows) / LANDMARKS * np.eye(LANDMARKS)
        return np.linalg.solve(part.T @ part + 3.0 * between + jitter, part.T @ target[kept])

    every = np.arange(len(fitted.ids))
    assert fitted.foldin.weights == pytest.approx(weights(every), abs=2e-3)
    for row in every[::50]:
        assert fitted.predicted[row] == pytest.approx(rows[row] @ weights(np.delete(every, row)), abs=2e-3)


def test_blocks_of_any_size_give_the_same(liked: GraphStore, likes: Likes, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = few(liked, likes, ridge=3.0)
    monkeypatch.setattr(gnn.substitutes, "_BLOCK", 7)
    parts = few(liked, likes, ridge=3.0)
    assert parts.ids == whole.ids
    assert parts.foldin.weights == pytest.approx(whole.foldin.weights, abs=1e-4)
    assert parts.predicted == pytest.approx(whole.predicted, abs=1e-4)
    assert parts.error == pytest.approx(whole.error, rel=1e-3)


def test_the_ridge_is_chosen_on_some_blocks_and_the_error_is_of_all(
    liked: GraphStore, likes: Likes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gnn.substitutes, "_BLOCK", 10)
    monkeypatch.setattr(gnn.substitutes, "_CHOSEN_ON", 30)
    seen: list[int] = []
    plain = gnn.substitutes._left_out

    def watched(reader: ContentReader, blocks: Any, *rest: Any) -> Any:
        seen.append(sum(len(block) for block, _ in blocks))
        return plain(reader, blocks, *rest)

    monkeypatch.setattr(gnn.substitutes, "_left_out", watched)
    fitted = few(liked, likes)
    titles = len(fitted.ids)
    assert len(seen) == len(RIDGES) + 1
    assert seen[-1] == titles
    assert all(30 <= count < titles / 2 for count in seen[:-1])
    assert fitted.error == few(liked, likes, ridge=fitted.ridge).error
    assert (np.linalg.norm(fitted.predicted, axis=1) > 0).all()


def test_liked_titles_keep_their_vectors_and_all_others_are_folded_in(
    liked: GraphStore, likes: Likes, world: Any
) -> None:
    fitted = few(liked, likes, ridge=3.0)
    asked = [world.late[0], fitted.ids[3], world.late[1], fitted.ids[0]]
    made = all_vectors(fitted, asked)
    assert made[[1, 3]] == pytest.approx(damped(fitted.vectors)[[3, 0]])
    assert made[[0, 2]] == pytest.approx(fitted.foldin.vectors(world.late[:2]), abs=1e-5)
    assert all_vectors(fitted, []).shape == (0, 16)
