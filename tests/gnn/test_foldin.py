"""Titles that came after the training: their vectors are where their neighbours would put them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gnn.config import parse_config
from gnn.foldin import Newcomers, extend, fold_in, newcomers
from gnn.inductive import GraphScorer
from gnn.layers import Network
from gnn.publish import publish
from gnn.runs import Run, RunError
from gnn.train import load_scorer
from graph.store import GraphStore


def test_newcomers_are_the_titles_that_the_run_lacks(
    run_of: Callable[[str], Run], grown: GraphStore, world: Any
) -> None:
    run = run_of("DistMult")
    vocabulary = run.vocabulary()
    fresh = newcomers(vocabulary, grown, run.config)
    known = len(vocabulary.entities)
    assert sorted(fresh.names) == sorted(f"Title:{one}" for one in world.late)
    assert len(fresh.triples) == 5 * len(world.late)  # a director and four actors
    assert ((fresh.triples[:, [0, 2]] >= known).sum(1) == 1).all()


@pytest.mark.parametrize("model", ["DistMult", "ComplEx", "TransE", "RotatE"])
def test_folded_in_titles_lie_among_their_cluster(
    model: str, run_of: Callable[[str], Run], grown: GraphStore, world: Any
) -> None:
    run = run_of(model)
    ids, vectors = fold_in(run.folder, grown)
    assert sorted(ids) == sorted(world.late)
    assert vectors.dtype == np.float32
    names, known = run.vocabulary().entities, run.vectors()
    titles = [row for row, name in enumerate(names) if name.startswith("Title:")]
    centred = known[titles] - known[titles].mean(0)
    moved = vectors - known[titles].mean(0)
    cosines = (moved / np.linalg.norm(moved, axis=1, keepdims=True)) @ (
        centred / np.linalg.norm(centred, axis=1, keepdims=True)
    ).T
    nearest = np.argsort(-cosines, axis=1)[:, :5]
    same = [
        world.genre[names[titles[one]].removeprefix("Title:")] == world.genre[id_]
        for id_, row in zip(ids, nearest, strict=True)
        for one in row
    ]
    assert np.mean(same) >= 0.8


def test_a_folded_in_title_gets_its_genre_and_the_known_stay(
    run_of: Callable[[str], Run], grown: GraphStore, world: Any
) -> None:
    run = run_of("DistMult")
    vocabulary, scorer = run.vocabulary(), load_scorer(run)
    fresh = newcomers(vocabulary, grown, run.config)
    known = len(vocabulary.entities)
    larger = extend(scorer, run.config, vocabulary, fresh, epochs=30)
    np.testing.assert_array_equal(larger.entity_vectors()[:known], scorer.entity_vectors())
    genres = [number for number, name in enumerate(vocabulary.entities) if name.startswith("Genre:")]
    asked = torch.arange(known, known + len(fresh.names))
    relation = torch.full_like(asked, vocabulary.relation_numbers["IN_GENRE"])
    best = larger.tails(asked, relation, torch.tensor(genres)).argmax(1).tolist()
    right = [
        vocabulary.entities[genres[one]] == f"Genre:{world.genre[name.removeprefix('Title:')]}"
        for one, name in zip(best, fresh.names, strict=True)
    ]
    assert np.mean(right) >= 0.9
    again = extend(scorer, run.config, vocabulary, fresh, epochs=30)
    np.testing.assert_array_equal(again.entity_vectors(), larger.entity_vectors())


def test_any_model_of_pykeen_is_folded_in(run_of: Callable[[str], Run], grown: GraphStore, world: Any) -> None:
    ids, vectors = fold_in(run_of("SimplE"), grown)
    assert sorted(ids) == sorted(world.late)
    assert np.isfinite(vectors).all()


def test_publishing_gives_late_titles_a_vector(run_of: Callable[[str], Run], grown: GraphStore, world: Any) -> None:
    run = run_of("DistMult")
    with pytest.warns(UserWarning, match="the graph has changed"):
        publish(run, grown, fold_in=True)
    ids, vectors = grown.get_embeddings("embedding", world.late)
    assert ids == world.late
    assert vectors.shape == (len(ids), 16)


def test_nothing_new_is_nothing_to_fold_in(run_of: Callable[[str], Run], early: GraphStore) -> None:
    ids, vectors = fold_in(run_of("DistMult"), early)
    assert ids == []
    assert vectors.shape == (0, 16)


def test_a_model_that_walks_the_graph_is_refused(run_of: Callable[[str], Run], grown: GraphStore) -> None:
    run = run_of("DistMult")
    config = parse_config({"model": {"name": "CompGCN"}})
    with pytest.raises(RunError, match="CompGCN cannot embed"):
        extend(load_scorer(run), config, run.vocabulary(), newcomers(run.vocabulary(), grown, run.config), epochs=1)


def test_a_graph_network_computes_them_from_neighbours(run_of: Callable[[str], Run], grown: GraphStore) -> None:
    run = run_of("DistMult")
    vocabulary = run.vocabulary()
    fresh = newcomers(vocabulary, grown, run.config)
    torch.manual_seed(0)
    network = Network("GraphSAGE", 8, len(vocabulary.relations), 0, 1, 0)
    scorer = GraphScorer(network, [torch.randn(len(vocabulary.entities), 8) for _ in range(2)])
    larger = extend(scorer, run.config, vocabulary, fresh, epochs=1)
    made = larger.entity_vectors()[len(vocabulary.entities) :]
    assert made.shape == (len(fresh.names), 8)
    alone = extend(scorer, run.config, vocabulary, _only(fresh, 3, len(vocabulary.entities)), epochs=1)
    np.testing.assert_allclose(alone.entity_vectors()[-1], made[3], rtol=1e-4, atol=1e-6)


def _only(fresh: Newcomers, which: int, known: int) -> Newcomers:
    """One of the newcomers, with its own edges."""
    triples = fresh.triples[(fresh.triples[:, [0, 2]] == known + which).any(1)].copy()
    triples[:, [0, 2]] = np.where(triples[:, [0, 2]] == known + which, known, triples[:, [0, 2]])
    return Newcomers((fresh.names[which],), triples)
