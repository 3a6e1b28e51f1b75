from __future__ import annotations

import numpy as np
import pytest

from graph.coverage import Coverage
from graph.substitutability import Curve

CHANCE = np.random.default_rng(5)
CURVE = Curve((0.3, 2.0, 1.5, -0.5), CHANCE.random((80, 6)).astype(np.float32))
WANTED = CHANCE.random((40, 6)).astype(np.float32)
OFFERED = CHANCE.random((30, 6)).astype(np.float32)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("graph.coverage._BLOCK", 16)


def test_the_best_of_all_that_were_offered_counts():
    coverage = Coverage(CURVE, WANTED)
    coverage.offer(OFFERED[:11])
    coverage.offer(OFFERED[11:], 11)
    products = WANTED @ OFFERED.T
    assert coverage.best.tolist() == products.argmax(axis=1).tolist()
    assert np.allclose(coverage.now, CURVE.of(WANTED, products.max(axis=1)), atol=1e-6)


def test_where_nothing_was_offered_nothing_makes_up_for_it():
    coverage = Coverage(CURVE, WANTED)
    assert coverage.now.tolist() == [0.0] * len(WANTED)
    coverage.offer(OFFERED[:0])
    assert coverage.best.tolist() == [-1] * len(WANTED)


def test_what_others_would_be_worth():
    own = np.full(30, -1)
    own[3], own[7] = 12, 0
    values = Coverage(CURVE, WANTED).values(OFFERED, own)
    expected = CURVE.of(WANTED, WANTED @ OFFERED.T)
    expected[12, 3] = expected[0, 7] = 1
    assert np.allclose(values, expected, atol=1e-6)


def test_a_title_without_a_vector_serves_itself_alone():
    wanted, offered = WANTED.copy(), OFFERED.copy()
    wanted[5], offered[2] = 0, 0
    coverage = Coverage(CURVE, wanted)
    coverage.offer(offered)
    assert (coverage.best[5], coverage.now[5]) == (-1, 0.0)
    own = np.full(30, -1)
    own[2] = 5
    values = coverage.values(offered, own)
    assert values[:, 2].tolist() == [float(row == 5) for row in range(40)]
    assert values[5].tolist() == [float(column == 2) for column in range(30)]


def test_a_poor_substitute_is_named_before_one_of_which_nothing_is_known():
    offered = np.concatenate([-OFFERED[:1], np.zeros((1, 6), np.float32)])
    coverage = Coverage(CURVE, WANTED)
    coverage.offer(offered)
    assert coverage.best.tolist() == [0] * len(WANTED)
