"""`towers` and `towers-ranked`: titles by the product of a user tower and a title tower; the first ones ordered anew.

A user is what they like, so what they did a moment ago counts. A list of titles is somebody who likes these. One title
is answered by what is nearest to it in the title tower: with one like a user tower says little but what is popular.
What each liked title brought is how much lower the score is without it. (`gnn/towers.py`, docs/towers.md)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from graph.explain import Evidence, Ranked, explaining
from graph.nearest import ByVectors, Candidates
from graph.reads import Asking, Embeddings, Nearest, together
from graph.reasons import MOST
from graph.strategy import Because, NoVector, Question, answered
from graph.substitutes import Substitute
from graph.tower_points import given_points
from graph.tower_scores import Floats, Towers, blended, ranked
from graph.tower_vectors import OPINIONS, RANKER, TOWER_OFFERED, TOWER_SAYS, TowerParts

MOST_TITLES = 1_000
"""The newest likes of each user that count."""


@dataclass(frozen=True)
class ByTowers:
    """Products of both towers. nearest: what answers for one title."""

    parts: TowerParts
    nearest: ByVectors

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k best; the title that brought most, and what it shares with each. Raises NoVector."""
        scores, because = yield from self.candidates(question)
        return (yield from answered(question, scores, because))

    def candidates(self, question: Question) -> Asking[Candidates]:
        """The best in scope, a score each, and why."""
        if question.alone is not None:
            return (yield from self.nearest.candidates(question))
        liked = likes_of(question)
        ((ids, says),) = yield [Embeddings(TOWER_SAYS, list(liked))]
        if not ids:
            raise NoVector(f"{next(iter(liked))} came after the run {self.parts.run} of two towers; train another: "
                           "reelgraph train configs/towers.toml, reelgraph publish towers")  # fmt: skip
        weights = np.array([liked[id_] for id_ in ids], np.float32)
        weights *= len(weights) / weights.sum()
        towers = self.parts.towers(says)
        (user,) = towers.users(sp.csr_matrix(weights[None]))
        near = Nearest(TOWER_OFFERED, user, question.pool + len(question.out), question.scope)
        found, (there, offered) = yield [near, Embeddings(TOWER_OFFERED, near)]
        scores = {id_: score for id_, score in found if id_ not in question.out}

        def because(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
            named = [place for place, id_ in enumerate(ids) if id_ in question.names]
            wanted = set(chosen)
            told = [row for row, id_ in enumerate(there) if id_ in wanted]
            brought = (user - _without(towers, weights, named)) @ offered[told].T
            parts = {there[row]: brought[:, column] for column, row in enumerate(told)}
            return (yield from self._evidence(question, [ids[place] for place in named], parts))

        return scores, because

    def _evidence(
        self, question: Question, named: Sequence[str], parts: Mapping[str, Floats]
    ) -> Asking[dict[str, list[Evidence]]]:
        """The title without which the score would be lowest, and what joins the two, of which no tower need know."""
        carried = {other: int(own.argmax()) for other, own in parts.items() if own.max(initial=0.0) > 0}
        joined = yield from together(
            *(explaining(self.nearest.url, named[row], other, limit=MOST - 1, adult=question.scope.adult, far=False)
              for other, row in carried.items())
        )  # fmt: skip
        made: dict[str, list[Evidence]] = defaultdict(list)
        for (other, row), paths in zip(carried.items(), joined, strict=True):
            own = parts[other]
            share = float(own[row] / own[own > 0].sum())
            made[other] = [question.because(named[row], share), *(replace(one, weight=0.0) for one in paths)][:MOST]
        return made


@dataclass(frozen=True)
class ByRankedTowers:
    """The same, the best of it in another order: partly by the points that the ranker says somebody would give."""

    towers: ByTowers

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k best, each of the shortlist with its place before and its points. Raises NoVector."""
        parts = self.towers.parts
        each = max(question.pool // max(question.k, 1), 1)
        wide = replace(question, k=max(question.k, -(-parts.ranking.shortlist // each)))
        scores, because = yield from self.towers.candidates(wide)
        order = sorted(scores, key=lambda id_: (-scores[id_], id_))
        short = order[: parts.ranking.shortlist]
        given = given_points(question, likes_of(question), parts.ranking)
        ((ids, rows),) = yield [Embeddings(RANKER, list(dict.fromkeys([*given, *short])))]
        row = {id_: place for place, id_ in enumerate(ids)}
        short = [id_ for id_ in short if id_ in row]
        if not short:
            return (yield from answered(question, scores, because))
        points = points_of(parts, rows, row, given, short)
        own = np.array([scores[id_] for id_ in order], np.float32)[None]
        column = {id_: place for place, id_ in enumerate(order)}
        places = np.array([[column[id_] for id_ in short]], np.int64)
        worth = blended(np.take_along_axis(own, places, 1), points[None], parts.ranking.weight)
        made = dict(zip(order, ranked(own, worth, places)[0].tolist(), strict=True))
        now = sorted(short, key=lambda id_: (-made[id_], id_))
        told = {
            id_: Ranked(column[id_] + 1, now.index(id_) + 1, value)
            for id_, value in zip(short, points.tolist(), strict=True)
        }  # fmt: skip
        return (yield from answered(question, made, self._told(question, told, because)))

    def _told(self, question: Question, told: Mapping[str, Ranked], because: Because) -> Because:
        """The reasons that there are, and before them what the ranker did."""

        def reasons(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
            found = yield from because(chosen)
            first = {id_: [self._said(question, told[id_])] if id_ in told else [] for id_ in chosen}
            return {id_: [*first[id_], *found.get(id_, ())][:MOST] for id_ in chosen}

        return reasons

    def _said(self, question: Question, one: Ranked) -> Evidence:
        who = "" if question.histories else "who likes these " if question.verb else (
            f"who likes {question.names[question.alone or '']} "
        )  # fmt: skip
        would = f"would give it {one.points:.1f}"
        if self.towers.parts.ranking.kind == OPINIONS:
            would = f"would give it {one.points:.2f} (1: liked, -1: disliked)"
        moved = "where it stays" if one.was == one.place else f"put {_nth(one.place)}"
        return Evidence("ranked", 0.0, f"{_nth(one.was)} by the towers, {moved}: {who}{would}", (), (), one)


def likes_of(question: Question) -> dict[str, float]:
    """Titles liked, and how much each counts: of users each once, all together; else those asked for."""
    if not question.histories:
        return dict(question.liked)
    return dict.fromkeys((id_ for one in question.histories for id_ in one.liked[:MOST_TITLES]), 1.0)


def points_of(
    parts: TowerParts, rows: Floats, row: Mapping[str, int], given: Mapping[str, float], asked: Sequence[str]
) -> Floats:
    """Points that somebody would give titles, by those that they gave: (asked,). rows: of RANKER, by `row`."""
    known = {row[id_]: value for id_, value in given.items() if id_ in row}
    places, held = np.array(list(known), np.int64), np.array(list(known.values()), np.float32)
    matrix = sp.csr_matrix((held, (np.zeros(len(places), np.int64), places)), (1, len(rows)))
    wanted = np.array([row[id_] for id_ in asked], np.int64)
    return parts.pairs(rows).points(matrix, np.zeros(len(wanted), np.int64), wanted)


def _without(towers: Towers, weights: Floats, places: Sequence[int]) -> Floats:
    """The user vector without each of these likes: (places, d)."""
    left = np.repeat(weights[None], len(places), axis=0)
    left[np.arange(len(places)), list(places)] = 0
    return towers.users(sp.csr_matrix(left))


def _nth(place: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{place}{'th' if place % 100 in (11, 12, 13) else ends.get(place % 10, 'th')}"
