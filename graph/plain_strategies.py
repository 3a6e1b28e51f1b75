"""Strategies that look at one thing alone: chance, how many like a title, its genres.

What any other has to beat (docs/strategies.md). Each title of a scope has a score, so k come whenever k are there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from graph.by_hand import CandidatesOf
from graph.explain import Evidence, credit_text
from graph.reads import Asking, Degrees, Neighbours, Nodes, steps
from graph.reasons import MOST
from graph.strategy import Question, answered
from graph.substitutes import Substitute
from graph.vectors import top

Floats = npt.NDArray[np.float64]


def best(question: Question, ids: Sequence[str], scores: Floats) -> dict[str, float]:
    """So many of the best as are enough."""
    rows = top(scores, question.pool + len(question.out)).tolist()
    return {ids[row]: float(scores[row]) for row in rows}


@dataclass(frozen=True)
class Random:
    """Chance: for the same titles, user and `seed` of the rules the same."""

    candidates: CandidatesOf

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """Any k."""
        ids = self.candidates(question.scope, question.state).ids
        told = "\0".join([str(question.rules.seed), question.whom, *sorted(question.liked)])
        chance = np.random.default_rng(int.from_bytes(hashlib.sha256(told.encode()).digest()[:8]))
        scores = chance.random(len(ids))

        def because(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
            yield from ()
            return dict.fromkeys(chosen, (Evidence("chance", 0.0, "drawn by chance", ()),))

        return (yield from answered(question, best(question, ids, scores), because, all_there=True))


@dataclass(frozen=True)
class Popularity:
    """The most liked, whatever is asked for; likes of all viewers in the store, then IMDb's votes."""

    candidates: CandidatesOf
    likes: Callable[[], Mapping[str, int]]

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k most popular."""
        candidates, likes = self.candidates(question.scope, question.state), self.likes()
        scores = candidates.votes / (1 + candidates.votes.max(initial=0.0))
        for id_, count in likes.items():
            if id_ in candidates:
                scores[candidates.row[id_]] += count

        def because(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
            (nodes,) = yield [Nodes("Title", chosen, ["num_votes"])]
            found = {row["id"]: in_words(likes.get(row["id"], 0), row["num_votes"] or 0) for row in nodes.to_pylist()}
            return {id_: [Evidence("popular", 1.0, text, ())] for id_, text in found.items() if text}

        return (yield from answered(question, best(question, candidates.ids, scores), because, all_there=True))


def in_words(likes: int, votes: int) -> str | None:
    """How many like a title, in words, or else how many voted; None: nobody did."""
    if likes:
        return f"popular: liked by {likes:,} viewer{'s' if likes > 1 else ''}"
    return f"popular: {votes:,} votes at IMDb" if votes else None


@dataclass(frozen=True)
class Genres:
    """Cosine of the genres, rare ones weighing more. titles: how many the graph has."""

    candidates: CandidatesOf
    titles: int

    def answering(self, question: Question) -> Asking[list[Substitute]]:
        """The k of the most like genres, of several titles by their mean."""
        candidates, liked = self.candidates(question.scope, question.state), list(question.liked)
        names = candidates.genres
        first = Neighbours(liked, ["IN_GENRE"], "out")
        table, *degrees = yield [first, Degrees(first, ["IN_GENRE"], "in"), Degrees(names, ["IN_GENRE"], "in")]
        mine = table.column("neighbour").combine_chunks().dictionary.to_pylist()
        rare = np.concatenate([idf(self.titles, some) for some in degrees])
        place = {name: column for column, name in enumerate([*mine, *names])}  # those of candidates come last
        own = np.zeros((len(liked), len(rare)))
        for source, _, genre in steps(table):
            own[source, place[genre]] = rare[place[genre]]
        own = own[:, len(mine) :] / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
        matrix = candidates.genre_matrix * rare[len(mine) :]
        matrix = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
        weights = np.array([question.liked[id_] for id_ in liked])
        scores = (weights / weights.sum()) @ own @ matrix.T

        def because(chosen: Sequence[str]) -> Asking[Mapping[str, Sequence[Evidence]]]:
            yield from ()
            made: dict[str, list[Evidence]] = {}
            for id_ in chosen:
                parts = weights[:, None] * own * matrix[candidates.row[id_]]
                if parts.any():
                    row = int(parts.sum(1).argmax())
                    shared = {(name, "IN_GENRE", "IN_GENRE"): parts[row, at] for at, name in enumerate(names)}
                    made[id_] = paths(question, liked[row], id_, shared, float(parts.sum()), {})
            return made

        return (yield from answered(question, best(question, candidates.ids, scores), because, all_there=True))


def idf(titles: int, degrees: npt.NDArray[np.int64]) -> Floats:
    """log(1 + titles / relationships), as `graph.content` has it."""
    return cast(Floats, np.log1p(titles / np.maximum(degrees, 1)))


def paths(
    question: Question, carrier: str, other: str, shared: Mapping[tuple[str, str, str], float], total: float,
    names: Mapping[str, str],
) -> list[Evidence]:  # fmt: skip
    """What a title shares with the one that brought most of its score, the weightiest first: (node, there, here)."""
    name, made = question.names[carrier], []
    if question.verb:
        made.append(question.because(carrier, min(sum(shared.values()) / total, 1.0)))
    for (node, there, here), value in sorted(shared.items(), key=lambda one: (-one[1], one[0]))[:MOST]:
        if value > 0:
            text = credit_text(names[node], here, there, name) if node in names else f"{node}, like {name}"
            made.append(Evidence("path", float(value / total), text, (carrier, there, node, here, other)))
    return made[:MOST]
