"""Telling true triples from false ones that somebody checked: accuracy and F1, one threshold a relation.

Thresholds are those that part the validation triples best (Socher et al. 2013); negatives come with the data, as
CoDEx's do (Safavi and Koutra 2020), because random ones are too easy to say anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from gnn.evaluate import EvaluationError
from gnn.triples import Ids, Split

if TYPE_CHECKING:
    from gnn.scorer import Scorer

Floats = npt.NDArray[np.float32]
_AT_ONCE = 65_536


@dataclass(frozen=True)
class Classification:
    """How well a model tells true from false, on the test triples and their negatives.

    accuracy and f1 (of the true ones) lie in 0 to 1. thresholds: by relation; those without validation triples have
    the one that is best for all. guessed: how many test triples were judged by that one.
    """

    accuracy: float
    f1: float
    triples: int
    guessed: int
    thresholds: dict[str, float]


def classify(scorer: Scorer, split: Split) -> Classification:
    """Tune on valid and its negatives, measure on test and its negatives.

    Raises EvaluationError when the split has no negatives (valid_negatives.txt and test_negatives.txt in a folder).
    """
    for part, negatives in (("valid", split.valid_negatives), ("test", split.test_negatives)):
        if not len(negatives):
            raise EvaluationError(
                f"triple classification needs checked negatives, and {part}_negatives.txt is not there"
            )
    valid, test = (
        np.concatenate([split.valid, split.valid_negatives]),
        np.concatenate([split.test, split.test_negatives]),
    )
    truth = np.arange(len(valid)) < len(split.valid)
    scores = _scores(scorer, valid)
    overall = best_threshold(scores, truth)
    tuned = {
        relation: best_threshold(scores[valid[:, 1] == relation], truth[valid[:, 1] == relation])
        for relation in np.unique(valid[:, 1]).tolist()
    }
    limits = np.full(len(split.vocabulary.relations), overall)
    limits[list(tuned)] = list(tuned.values())
    said = _scores(scorer, test) >= limits[test[:, 1]]
    right = np.arange(len(test)) < len(split.test)
    return Classification(
        accuracy=float((said == right).mean()),
        f1=2 * float((said & right).sum()) / float(said.sum() + right.sum()),
        triples=len(test),
        guessed=int((~np.isin(test[:, 1], list(tuned))).sum()),
        thresholds={name: float(limit) for name, limit in zip(split.vocabulary.relations, limits, strict=True)},
    )


def best_threshold(scores: Floats, truth: npt.NDArray[np.bool_]) -> float:
    """The least score to be called true so that most are called rightly: midway between the two it parts.

    Of several as good, the middle one. scores (n,), truth (n,), n at least 1.
    """
    order = np.argsort(scores, kind="stable")
    ordered, true = scores[order].astype(np.float64), truth[order]
    # right[i]: how many are called rightly when those from place i on are called true.
    right = np.concatenate([[0], np.cumsum(~true)]) + true.sum() - np.concatenate([[0], np.cumsum(true)])
    edges = np.concatenate([[ordered[0] - 1], (ordered[1:] + ordered[:-1]) / 2, [ordered[-1] + 1]])
    possible = np.concatenate([[True], ordered[1:] > ordered[:-1], [True]])
    best = np.flatnonzero(possible & (right == right[possible].max()))
    return float(edges[best[len(best) // 2]])


def _scores(scorer: Scorer, triples: Ids) -> Floats:
    import torch

    with torch.no_grad():
        parts = [scorer.triples(torch.from_numpy(triples[begin : begin + _AT_ONCE])).float().cpu().numpy()
                 for begin in range(0, len(triples), _AT_ONCE)]  # fmt: skip
    scores = cast(Floats, np.concatenate(parts))
    if np.isnan(scores).any():
        raise EvaluationError("the model scores triples as NaN; lower training.learning_rate and train it again")
    return scores
