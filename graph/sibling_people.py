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
from graph.schema import CREDITS
from graph.store import WHOLE_GRAPH, GraphStore, Scope

_TELLING = CREDITS[: CREDITS.index("CAST")]
_PLACES = 120  # of titles by people in common that are counted


class People:
    """The titles that share people with one title, in the whole graph, those with the most and rarest first."""

    def __init__(self, store: GraphStore, id_: str, adult: bool) -> None:
        self._store = store
        self.places: dict[str, int] = {}
        """1 for the nearest title."""
        self.written: dict[str, float] = {}
        """Those with a writer in common: 1 / the square root of how many others the one with the fewest has written."""
        self._products: dict[str, float] = {}
        own = store.neighbours([id_], _TELLING, "in")
        people, mine = _coded(own, "neighbour")
        if not people:
            return
        roles, role = _coded(own, "type")
        rare = rarity(store.degrees(people, _TELLING, "out"))
        weights = np.zeros(len(people))
        np.maximum.at(weights, mine, _weights(roles)[role] * rare[mine])
        self._length = float(weights @ weights) / math.sqrt(len(people))
        writers = np.unique(mine[np.array([one == "WROTE" for one in roles])[role]])
        works = store.degrees([people[one] for one in writers], ["WROTE"], "out") if len(writers) else np.empty(0)
        few = np.zeros(len(people))
        few[writers] = 1 / np.sqrt(np.maximum(works - 1, 1))
        others = store.neighbours(people, _TELLING, "out", within=Scope(WHOLE_GRAPH, adult=adult))
        titles, title = _coded(others, "neighbour")
        roles, role = _coded(others, "type")
        source = others.column("source").to_numpy()
        # A person counts once for a title, by the weightiest role: rows come in the order of types, so not sorted by it.
        pairs, pair = np.unique(title.astype(np.int64) * len(people) + source, return_inverse=True)
        best = np.zeros(len(pairs))
        np.maximum.at(best, pair, _weights(roles)[role] * rare[source])
        products = np.bincount(pairs // len(people), best * weights[pairs % len(people)], len(titles))
        written = np.zeros(len(titles))
        wrote = np.array([one == "WROTE" for one in roles])[role]
        np.maximum.at(written, title[wrote], few[source[wrote]])
        order = np.argsort(-products, kind="stable")
        nearest = [titles[row] for row in order.tolist() if titles[row] != id_]
        self.places = {other: place for place, other in enumerate(nearest[:_PLACES], 1)}
        self.written = {titles[row]: float(written[row]) for row in order[written[order] > 0].tolist()}
        self._products = dict(zip(titles, products.tolist(), strict=True))

    def looked_at(self) -> Iterator[str]:
        """Titles to look at, by promise: those with a rare writer in common and the nearest in turn."""
        by_writer = sorted(self.written, key=lambda id_: (-self.written[id_], -self._products[id_], id_))
        for one, other in itertools.zip_longest(self.places, by_writer):
            yield from (id_ for id_ in (one, other) if id_ is not None)

    def cosines(self, ids: Sequence[str]) -> npt.NDArray[np.float64]:
        """Cosine of the people of each title with those of the first, about: as if both had people of one weight."""
        there = [id_ for id_ in ids if id_ in self._products]
        found = dict(zip(there, self._store.degrees(there, _TELLING, "in").tolist(), strict=True)) if there else {}
        return np.array(
            [min(self._products[id_] / (self._length * math.sqrt(found[id_])), 1.0) if id_ in found else 0.0 for id_ in ids]
        )


def _weights(roles: Sequence[str]) -> npt.NDArray[np.float64]:
    return np.array([ROLE_WEIGHTS[role] for role in roles])


def _coded(table: pa.Table, name: str) -> tuple[list[str], npt.NDArray[Any]]:
    """A dictionary-encoded column: its values, and each row's place among them."""
    column = table.column(name).combine_chunks()
    return column.dictionary.to_pylist(), column.indices.to_numpy()


def played_again(store: GraphStore, id_: str, ids: Sequence[str]) -> npt.NDArray[np.float64]:
    """Of each title: how many play a part with a telling word in common with theirs in the first title, and how many
    parts of the first, called by two words or more, another person plays: (2, titles).
    """
    table = store.neighbours([id_, *ids], ["ACTED_IN"], "in", properties=["characters"])
    found = np.zeros((2, len(ids)))
    source, (_, person) = table.column("source").to_numpy(), _coded(table, "neighbour")
    first = int(np.searchsorted(source, 1))  # of one type, so in the order of ids
    parts = table.column("characters")
    own: dict[int, list[str]] = {}
    for who, played in zip(person[:first].tolist(), parts.slice(0, first).to_pylist(), strict=True):
        own.setdefault(who, []).extend(played or ())
    again = np.flatnonzero(np.isin(person[first:], list(own))) + first
    words = {who: part_words(played) for who, played in own.items()}
    for row, who, played in zip(
        source[again].tolist(), person[again].tolist(), parts.take(pa.array(again)).to_pylist(), strict=True
    ):
        found[0, row - 1] += bool(words[who] & part_words(played or ()))
    called = {part: who for who, played in own.items() for part in played if " " in part and part_words([part])}
    if called:
        flat = parts.combine_chunks()
        rows, names = pc.list_parent_indices(flat).to_numpy(), flat.flatten()
        same = np.flatnonzero(pc.is_in(names, value_set=pa.array(list(called), pa.string())).to_numpy(False))
        seen = set()
        for at in same[rows[same] >= first].tolist():
            row, part = int(rows[at]), names[at].as_py()
            if person[row] != called[part] and (int(source[row]), part) not in seen:
                seen.add((int(source[row]), part))
                found[1, source[row] - 1] += 1
    return found
