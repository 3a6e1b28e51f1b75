"""Which titles have people in common with another one, and whose parts are played again in them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.explain import ROLE_WEIGHTS, rarity
from graph.franchise import part_words

Floats = npt.NDArray[np.float64]

TELLING = ("DIRECTED", "ACTED_IN", "WROTE", "PRODUCED")
MOST = 1000
"""Credits beyond which a person tells nothing of two titles."""
_PLACES = 120  # of titles by people in common that are counted


class People:
    """The titles that share people with one title, in the whole graph, those with the most and rarest first.

    own: the title's people, by TELLING. others: the titles of these people, in the order of their ids; of those with
    MOST titles at most.
    """

    def __init__(self, id_: str, own: pa.Table, others: pa.Table) -> None:
        self._length = 1.0
        self.places: dict[str, int] = {}
        """1 for the nearest title."""
        self.written: dict[str, float] = {}
        """Those with a writer in common: 1 / the square root of how many others the one with the fewest has written."""
        self.inside: frozenset[str] = frozenset()
        """Of all these those in scope, where `others` marks them."""
        self._titles: pa.Array = pa.array([], pa.string())
        self._products: npt.NDArray[Any] = np.empty(0)
        people, mine = coded(own, "neighbour")
        if not people:
            return
        person = others.column("source").to_numpy()
        counts = np.bincount(person, minlength=len(people))
        rare = np.where(counts == 0, 0.0, rarity(counts))
        roles, role = coded(own, "type")
        weights = np.zeros(len(people))
        np.maximum.at(weights, mine, _weights(roles)[role] * rare[mine])
        self._length = max(float(weights @ weights) / math.sqrt(len(people)), 1e-9)
        wrote = np.zeros(len(people), bool)
        wrote[mine[_is_writer(roles)[role]]] = True
        column = others.column("neighbour").combine_chunks()
        names, title = column.dictionary, column.indices.to_numpy()
        roles, role = coded(others, "type")
        # A person counts once for a title, by the weightiest role.
        pairs, pair = np.unique(title.astype(np.int64) * len(people) + person, return_inverse=True)
        best = np.zeros(len(pairs))
        np.maximum.at(best, pair, _weights(roles)[role] * rare[person])
        products = np.bincount(pairs // len(people), best * weights[pairs % len(people)], len(names))
        writes = _is_writer(roles)[role] & wrote[person]
        works = np.bincount(person[writes], minlength=len(people))
        written = np.zeros(len(names))
        np.maximum.at(written, title[writes], 1 / np.sqrt(np.maximum(works[person[writes]] - 1, 1)))
        order = np.argsort(-products, kind="stable")[: _PLACES + 1]
        nearest = [other for other in names.take(pa.array(order)).to_pylist() if other != id_]
        self.places = {other: place for place, other in enumerate(nearest[:_PLACES], 1)}
        by_writer = np.flatnonzero(written)
        by_writer = by_writer[np.lexsort((-products[by_writer], -written[by_writer]))]
        wrote_too = zip(names.take(pa.array(by_writer)).to_pylist(), written[by_writer].tolist(), strict=True)
        self.written = {other: rare for other, rare in wrote_too if other != id_}
        self._titles, self._products = names, products
        if "inside" in others.column_names:
            there = np.zeros(len(names), bool)
            there[title[others.column("inside").to_numpy()]] = True
            some = np.union1d(order, by_writer)
            self.inside = frozenset(names.take(pa.array(some[there[some]])).to_pylist())

    def looked_at(self) -> Iterator[str]:
        """Titles to look at, by promise: the nearest, and those with a rare writer in common, in turn."""
        for pair in itertools.zip_longest(self.places, self.written):
            yield from (id_ for id_ in pair if id_ is not None)

    def shared_with(self, ids: Sequence[str]) -> dict[str, float]:
        """Those of some titles that have any of these people, and how much that weighs."""
        places = pc.index_in(pa.array(ids, pa.string()), value_set=self._titles).to_pylist()
        weights = {id_: float(self._products[at]) for id_, at in zip(ids, places, strict=True) if at is not None}
        return {id_: weight for id_, weight in weights.items() if weight}

    def cosine(self, weight: float, count: int) -> float:
        """Cosine of a title's people with those of the first, about: as if both had people of one weight.

        weight: as `shared_with` says; count: how many people the title has.
        """
        return min(weight / (self._length * math.sqrt(count)), 1.0)


def _weights(roles: Sequence[str]) -> Floats:
    return np.array([ROLE_WEIGHTS[role] for role in roles])


def _is_writer(roles: Sequence[str]) -> npt.NDArray[np.bool_]:
    return np.array([role == "WROTE" for role in roles], bool)


def coded(table: pa.Table, name: str) -> tuple[list[str], npt.NDArray[Any]]:
    """A dictionary-encoded column: its values, and each row's place among them."""
    column = table.column(name).combine_chunks()
    return column.dictionary.to_pylist(), column.indices.to_numpy()


def played_again(ids: Sequence[str], table: pa.Table) -> Floats:
    """Of each title how many play a part with a telling word in common with theirs in the first title, and how many
    parts of the first one, called by two words or more, somebody else plays: (2, ids).

    table: ACTED_IN of the first title and of these, in this order, with `characters`.
    """
    found = np.zeros((2, len(ids)))
    source, (people, person) = table.column("source").to_numpy(), coded(table, "neighbour")
    first = int(np.searchsorted(source, 1))  # of one type, so in the order of ids
    if not first:
        return found
    parts = table.column("characters").combine_chunks()
    own: dict[int, list[str]] = {}
    for who, played in zip(person[:first].tolist(), parts[:first].to_pylist(), strict=True):
        own.setdefault(who, []).extend(played or ())
    acts = np.zeros(len(people), bool)
    acts[person[:first]] = True
    acts = acts[person]
    acts[:first] = False
    again = np.flatnonzero(acts)
    words = {who: part_words(played) for who, played in own.items()}
    for row, who, played in zip(
        source[again].tolist(), person[again].tolist(), parts.take(pa.array(again)).to_pylist(), strict=True
    ):
        found[0, row - 1] += not words[who].isdisjoint(part_words(played or ()))
    called = {part: who for who, played in own.items() for part in played if " " in part and part_words([part])}
    if called:
        flat = pc.list_flatten(parts)
        same = np.flatnonzero(pc.index_in(flat, value_set=pa.array(list(called))).is_valid().to_numpy(False))
        rows = pc.list_parent_indices(parts).to_numpy()[same]
        names = flat.take(pa.array(same)).to_pylist()
        cast = {(int(source[row]), part) for row, part in zip(rows.tolist(), names, strict=True)
                if row >= first and person[row] != called[part]}  # fmt: skip
        for title, _ in cast:
            found[1, title - 1] += 1
    return found
