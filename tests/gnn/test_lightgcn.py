"""LightGCN and BPR find tastes; vectors flow as the paper has them; who was not learned from is folded in."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("torch")

from gnn.histories import Histories
from gnn.lightgcn import Flow, _adjacency, learned

FLOW = Flow(epochs=40, batch=256, learning_rate=0.02)


def tastes() -> tuple[sp.csr_matrix, np.ndarray]:
    chance = np.random.default_rng(0)
    truth = (np.arange(60) % 2)[:, None] == (np.arange(40) >= 20)[None]
    return sp.csr_matrix((truth & (chance.random(truth.shape) < 0.5)).astype(np.float32)), truth


def known_of(likes: sp.csr_matrix) -> Histories:
    user, title = (one.astype(np.int64) for one in likes.nonzero())
    names = [f"u{n}" for n in range(likes.shape[0])], [f"t{n}" for n in range(likes.shape[1])]
    return Histories(*names, user, title, np.ones(len(user), np.int8), np.zeros(len(user), np.int64))


@pytest.mark.parametrize("layers", [0, 2])
def test_tastes_are_found_also_of_users_not_learned_from(layers: int) -> None:
    likes, truth = tastes()
    few = likes.toarray()
    few[40:] = 0
    made = learned(sp.csr_matrix(few), FLOW.model_copy(update={"layers": layers}), 8)
    assert made.known.tolist() == list(range(40))
    scores = np.where(likes.toarray() > 0, -np.inf, made.score(known_of(likes), np.arange(60)))
    right = np.take_along_axis(truth, np.argsort(-scores, axis=1)[:, :5], 1)
    assert right[:40].mean() > 0.95
    assert right[40:].mean() > 0.9
    again = learned(sp.csr_matrix(few), FLOW.model_copy(update={"layers": layers}), 8)
    np.testing.assert_allclose(again.titles, made.titles, atol=1e-5)


def test_a_step_is_divided_by_the_roots_of_both_degrees() -> None:
    likes = sp.csr_matrix(np.array([[1, 1, 0], [0, 1, 0]], np.float32))
    made = _adjacency(likes).to_dense().numpy()
    assert made.shape == (5, 5)
    np.testing.assert_allclose(made, made.T)
    assert made[0, 2] == pytest.approx(1 / np.sqrt(2 * 1))
    assert made[0, 3] == pytest.approx(1 / np.sqrt(2 * 2))
    assert made[1, 3] == pytest.approx(1 / np.sqrt(1 * 2))
    assert (made > 0).sum() == 2 * 3
