"""The popularity baseline: by hand, and where it stands on real data."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from gnn.baseline import Popularity, popularity
from gnn.evaluate import metrics, rank
from gnn.triples import Split, Vocabulary, read_folder

DATA = Path(os.environ.get("REELGRAPH_DATA", Path(__file__).parents[3] / "shared" / "data")) / "link-prediction"


def small() -> Split:
    train = np.array([(0, 0, 2), (1, 0, 2), (1, 0, 3), (4, 1, 2)])
    names = Vocabulary(("a", "b", "c", "d", "e"), ("r", "s"))
    return Split(names, train, train[:0], np.array([(4, 0, 2)]))


def test_scores_are_counts_of_that_relation_and_end() -> None:
    popular = Popularity(small())
    relations, anything = torch.tensor([0, 1, 0]), torch.tensor([0, 1, 2])
    assert popular.tails(anything, relations).tolist() == [[0, 0, 2, 1, 0], [0, 0, 1, 0, 0], [0, 0, 2, 1, 0]]
    assert popular.heads(relations, anything).tolist() == [[1, 2, 0, 0, 0], [0, 0, 0, 0, 1], [1, 2, 0, 0, 0]]
    assert popular.tails(anything, relations, torch.tensor([3, 2])).tolist() == [[1, 2], [0, 1], [1, 2]]
    assert popular.triples(torch.tensor([(1, 0, 2), (4, 1, 3), (3, 1, 4)])).tolist() == [4, 1, 0]
    assert popular.entity_vectors().shape == (5, 0)


def test_it_is_evaluated_as_any_model() -> None:
    split = small()
    ranks = rank(popularity(split), split.test, split)
    # The tail is the most frequent; the head, among c, d and itself with none, is in the middle.
    assert ranks.ranks.tolist() == [1.0, 2.0]


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.exists(), reason="no link-prediction data: set REELGRAPH_DATA")
def test_on_codex_it_is_better_than_chance_and_worse_than_any_model() -> None:
    split = read_folder(DATA / "codex-s")
    found = metrics(rank(popularity(split), split.test, split))
    assert 0.1 < found.mrr < 0.3
    assert found.amri > 0.5
