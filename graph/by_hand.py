"""`hand-weights`: shared people, genres, years and fame, weighed by hand (`graph.hand_weights`), of one title or many.

The scores that several titles give are added up, each as a share of the best that it gives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from graph import diversity
from graph.explain import Evidence
from graph.foldin import VECTORS
from graph.hand_weights import Candidates
from graph.reads import Asking, together
from graph.reasons import MOST
from graph.store import Scope
from graph.strategy import Question, answered
from graph.substitutes import Substitute
from graph.vectors import top

CandidatesOf = Callable[[Scope, str], Candidates]
"""The titles of a scope at a state of the store."""


class HandWeights:
    """The graph by traversal alone."""

    def __init__(self, candidates: CandidatesOf) -> None:
        self._candidates = candidates

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k best; reasons are the paths that raised the score."""
        candidates = self._candidates(question.scope, question.state)
        if question.alone is not None:
            return (yield from candidates.ranking(question.alone, question.k, question.wanted))
        return (yield from _of_list(candidates, question))


def _of_list(candidates: Candidates, question: Question) -> Asking[list[Substitute]]:
    """The lists of all titles added up."""
    named, wanted = list(question.liked), question.wanted
    found = yield from together(*(candidates.scoring(id_, wanted) for id_ in named))
    out = [candidates.row[id_] for id_ in question.out if id_ in candidates.row]
    parts = np.empty((len(named), len(candidates)))
    for part, one, weight in zip(parts, found, question.liked.values(), strict=True):
        score = np.where(np.isfinite(one.score), one.score, 0.0)
        part[:] = weight * score / (score.max(initial=0.0) or 1.0)
    totals = parts.sum(0)
    totals[out] = -np.inf
    count = diversity.POOL * question.pool if wanted.diversity else question.pool
    rows = [row for row in top(totals, count).tolist() if totals[row] > -np.inf]
    highest = max((float(totals[row]) for row in rows), default=0.0) or 1.0
    scores = {candidates.ids[row]: float(totals[row]) / highest for row in rows}
    if wanted.diversity:
        scores = yield from diversity.diversifying(VECTORS, scores, question.pool, wanted.diversity)

    def because(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
        carried: dict[int, list[str]] = defaultdict(list)
        for id_ in chosen:
            column = parts[:, candidates.row[id_]]
            if column.any():
                carried[int(column.argmax())].append(id_)
        told = yield from together(
            *(candidates.telling(found[place], [candidates.row[id_] for id_ in own])
              for place, own in carried.items())
        )  # fmt: skip
        made: dict[str, list[Evidence]] = {}
        for (place, own), reasons in zip(carried.items(), told, strict=True):
            for id_ in own:
                row = candidates.row[id_]
                share = float(parts[place, row] / parts[:, row].sum())
                paths = [replace(one, weight=share * one.weight) for one in reasons[row] if one.kind == "path"]
                made[id_] = [question.because(named[place], share), *paths[: MOST - 1]]
        return made

    return (yield from answered(question, scores, because, all_there=True))
