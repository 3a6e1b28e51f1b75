"""Where a graph looks wrong: absences that a model finds suspicious, and edges that it doubts (`predict --audit`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gnn.calibration import Side, ask, log_shares
from gnn.predict import Predictor
from gnn.triples import Ids
from graph.explain import names_of
from graph.schema import RELATIONSHIPS
from graph.store import GraphStore

_BATCH = 64
_A_QUESTION = 3  # absences of one question that may be listed: else one odd title fills the list


@dataclass(frozen=True)
class Suspect:
    """A triple that is absent and should perhaps be there, or is there and should perhaps not be. Ids, then names."""

    head: str
    relation: str
    tail: str
    head_name: str
    tail_name: str
    probability: float

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self) | {"probability": float(f"{self.probability:.3g}")}


@dataclass(frozen=True)
class Doubts:
    """What was found in a graph. titles: how many were looked at."""

    absences: tuple[Suspect, ...]
    edges: tuple[Suspect, ...]
    titles: int

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {"titles": self.titles, "absences": [one.as_dict() for one in self.absences],
                "edges": [one.as_dict() for one in self.edges]}  # fmt: skip


def audit_edges(
    predictor: Predictor, k: int = 20, *, relations: Sequence[str] | None = None, titles: int = 2000
) -> Doubts:
    """The k most probable absences and the k most doubtful edges of the best-known titles (`titles` of them; 0: all).

    An edge is doubted when the model, asked for it as if it were not there, gives it a low probability. A model has
    learned the edges it is asked about, so this is an order to look through, no share of errors.
    """
    chosen = _best_known(predictor, titles)
    absences: list[tuple[float, int, int, int]] = []
    edges: list[tuple[float, int, int, int]] = []
    for relation in relations or predictor.vocabulary.relations:
        if relation.partition(":")[0] not in RELATIONSHIPS:
            continue
        number, side = predictor.number(relation), _asked_side(relation)
        candidates = predictor.candidates(relation, side)
        given_column = 0 if side == "tail" else 2
        triples = predictor.ends(relation)
        triples = triples[np.isin(triples[:, given_column], chosen)]
        for block in _blocks(triples[np.argsort(triples[:, given_column], kind="stable")], given_column):
            missing, held = _questions(predictor, block, number, side, candidates)
            absences = sorted([*absences, *missing], reverse=True)[:k]
            edges = sorted([*edges, *held])[:k]
    return Doubts(_named(predictor, absences), _named(predictor, edges), len(chosen))


def _asked_side(relation: str) -> Side:
    """Each relation is asked about from the title's end; an episode is asked for its series."""
    return "tail" if RELATIONSHIPS[relation.partition(":")[0]].head == "Title" else "head"


def _best_known(predictor: Predictor, most: int) -> Ids:
    """Numbers of the titles with most votes, sorted."""
    found: list[tuple[int, int]] = []
    for batch in predictor.store.scan_nodes("Title", ["num_votes"]):
        for id_, votes in zip(*(batch.column(name).to_pylist() for name in ("id", "num_votes")), strict=True):
            number = predictor.vocabulary.entity_numbers.get(f"Title:{id_}")
            if number is not None:
                found.append((-(votes or 0), number))
    return np.sort(np.array([number for _, number in sorted(found)[: most or None]], np.int64))


def _blocks(triples: Ids, column: int) -> Iterable[Ids]:
    """Triples ordered by the given end, in blocks of some 64 questions, none of them parted."""
    starts = np.flatnonzero(np.diff(triples[:, column], prepend=-1))[::_BATCH].tolist()
    for start, end in zip(starts, [*starts[1:], len(triples)], strict=True):
        yield triples[start:end]


def _questions(
    predictor: Predictor, triples: Ids, relation: int, side: Side, candidates: Ids
) -> tuple[list[tuple[float, int, int, int]], list[tuple[float, int, int, int]]]:
    """(probability, head, relation, tail) of the best absences, and of all edges, of these triples' questions."""
    given_column, column = (0, 2) if side == "tail" else (2, 0)
    given, inverse = np.unique(triples[:, given_column], return_inverse=True)
    scores = ask(predictor.scorer, given, relation, side, candidates)
    name = predictor.vocabulary.relations[relation]
    absences, edges = [], []
    for row, one in enumerate(given):
        places = np.searchsorted(candidates, triples[inverse == row, column])
        open_ = np.ones(len(candidates), bool)
        open_[places] = False
        open_[candidates == one] = False
        rest = np.flatnonzero(open_)
        if len(rest):
            shares = log_shares(scores[row][rest])
            best = np.argsort(-shares, kind="stable")[:_A_QUESTION]
            likely = predictor.calibration.probability(name, side, shares[best])
            absences += [
                _triple(p, one, relation, candidates[rest[b]], side) for p, b in zip(likely, best, strict=True)
            ]
        for place in places:  # among those that are not there, the other edges left out
            share = log_shares(np.append(scores[row][rest], scores[row][place]))[-1:]
            doubt = predictor.calibration.probability(name, side, share)[0]
            edges.append(_triple(doubt, one, relation, candidates[place], side))
    return absences, edges


def _triple(probability: float, given: int, relation: int, other: int, side: Side) -> tuple[float, int, int, int]:
    head, tail = (given, other) if side == "tail" else (other, given)
    return float(probability), int(head), relation, int(tail)


def _named(predictor: Predictor, found: Sequence[tuple[float, int, int, int]]) -> tuple[Suspect, ...]:
    store: GraphStore = predictor.store
    names = names_of(store, [predictor.id(end) for _, head, _, tail in found for end in (head, tail)])
    listed = []
    for probability, head, relation, tail in found:
        ids = predictor.id(head), predictor.id(tail)
        listed.append(
            Suspect(ids[0], predictor.vocabulary.relations[relation], ids[1], names[ids[0]], names[ids[1]], probability)
        )
    return tuple(listed)
