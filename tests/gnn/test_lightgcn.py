"""LightGCN and BPR find tastes; vectors flow as the paper has them; who was not learned from is folded in."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("torch")

from gnn.histories import Histories
from gnn.lightgcn import Flow, Vectors, _adjacency, _against, learned

FLOW = Flow(dimension=8, epochs=40, batch=256, learning_rate=0.02)


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
    made = learned(sp.csr_matrix(few), Flow(**{**vars(FLOW), "layers": layers}))
    assert made.known.tolist() == list(range(40))
    scores = np.where(likes.toarray() > 0, -np.inf, made.score(known_of(likes), np.arange(60)))
    right = np.take_along_axis(truth, np.argsort(-scores, axis=1)[:, :5], 1)
    assert right[:40].mean() > 0.95
    assert right[40:].mean() > 0.9
    again = learned(sp.csr_matrix(few), Flow(**{**vars(FLOW), "layers": layers}))
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


def test_training_ends_when_it_is_told_to() -> None:
    likes, _ = tastes()
    seen: list[Vectors] = []

    def goes_on(made: Vectors) -> bool:
        seen.append(made)
        return len(seen) < 3

    flow = Flow(**{**vars(FLOW), "layers": 0})
    made = learned(likes, flow, goes_on)
    assert len(seen) == 3
    np.testing.assert_array_equal(seen[-1].titles, made.titles)
    assert np.abs(seen[0].titles - made.titles).max() > 0.01
    np.testing.assert_allclose(learned(likes, Flow(**{**vars(flow), "epochs": 3})).titles, made.titles, atol=1e-5)


def test_what_is_drawn_against_a_like_is_none_itself() -> None:
    likes, _ = tastes()
    user = np.repeat(np.arange(60), 50)
    pairs = np.repeat(np.arange(60), np.diff(likes.indptr)) * 40 + likes.indices
    chance = np.random.default_rng(0)
    assert likes[user, _against(user, np.empty(0, np.int64), 40, chance)].sum() > 0
    drawn = _against(user, np.sort(pairs.astype(np.int64)), 40, chance)
    assert likes[user, drawn].sum() == 0
    assert len(np.unique(drawn)) == 40


def test_first_vectors_are_as_wide_as_said() -> None:
    likes = sp.csr_matrix((np.ones(1, np.float32), ([0], [0])), (4_000, 1_000))
    still = Flow(layers=0, dimension=8, epochs=0)
    assert learned(likes, still).titles.std() == pytest.approx(0.1, rel=0.05)
    wide = learned(likes, Flow(**{**vars(still), "spread": None}))
    assert wide.users.std() == pytest.approx(np.sqrt(2 / 4_008), rel=0.05)
    assert wide.titles.std() == pytest.approx(np.sqrt(2 / 1_008), rel=0.05)
