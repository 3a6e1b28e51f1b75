"""Triple classification: thresholds against trying them all, figures by hand, CoDEx's verified negatives."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gnn.baseline import Popularity
from gnn.classify import best_threshold, classify
from gnn.evaluate import EvaluationError
from gnn.triples import Split, Vocabulary, read_folder

DATA = Path(os.environ.get("REELGRAPH_DATA", Path(__file__).parents[3] / "shared" / "data")) / "link-prediction"


class ByTail(Popularity):
    """The higher the tail's number, the truer."""

    def triples(self, hrt: torch.Tensor) -> torch.Tensor:
        return hrt[:, 2].float()


def split_of(valid: list[int], valid_not: list[int], test: list[int], test_not: list[int], tested: int = 0) -> Split:
    def rows(tails: list[int], relation: int = 0) -> np.ndarray:
        return np.array([(0, relation, tail) for tail in tails], np.int64).reshape(-1, 3)

    names = Vocabulary(tuple("abcdefghij"), ("r", "s"))
    return Split(names, rows([1]), rows(valid), rows(test, tested), "", np.empty(0, np.int64), rows(valid_not),
                 rows(test_not, tested))  # fmt: skip


def test_figures_by_hand() -> None:
    split = split_of([5, 6, 9], [1, 2, 7], [5, 8, 2], [1, 4, 0])
    found = classify(ByTail(split), split)
    assert found.thresholds["r"] == 3.5
    assert found.accuracy == pytest.approx(4 / 6), "2 is called false, 4 is called true"
    assert found.f1 == pytest.approx(2 * 2 / (3 + 3))
    assert (found.triples, found.guessed) == (6, 0)


def test_a_relation_without_validation_triples_has_the_common_threshold() -> None:
    split = split_of([5, 6, 9], [1, 2], [5, 8], [1, 4], tested=1)
    found = classify(ByTail(split), split)
    assert found.guessed == 4
    assert found.thresholds["s"] == found.thresholds["r"] == 3.5
    assert found.accuracy == pytest.approx(0.75)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=30))
def test_no_threshold_is_better(rows: list[tuple[int, bool]]) -> None:
    scores, truth = np.array([row[0] for row in rows], np.float32), np.array([row[1] for row in rows])
    tried = [((scores >= limit) == truth).sum() for limit in np.arange(-1, 9) - 0.5]
    assert ((scores >= best_threshold(scores, truth)) == truth).sum() == max(tried)


def test_without_negatives_it_says_which_file_is_missing() -> None:
    split = split_of([5], [], [5], [1])
    with pytest.raises(EvaluationError, match=r"valid_negatives\.txt is not there"):
        classify(ByTail(split), split)
    with pytest.raises(EvaluationError, match=r"test_negatives\.txt is not there"):
        classify(ByTail(split), replace(split, valid_negatives=split.test, test_negatives=split.train[:0]))


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.exists(), reason="no link-prediction data: set REELGRAPH_DATA")
def test_on_codex_popularity_is_better_than_a_coin() -> None:
    split = read_folder(DATA / "codex-s")
    found = classify(Popularity(split), split)
    assert 0.55 < found.accuracy < 0.9
    assert found.triples == 3656
