"""Feedback as arrays: who had to do with which title when, and whether they liked it; what tastes are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from gnn.substitutes import FeedbackError
from graph.feedback_kinds import FeedbackKinds
from graph.store import GraphStore

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

UNKNOWN = -(2**62)
"""The time of an event that has none: before all others."""
_CODES = {"liked": 1, "seen": 0, "disliked": -1}


@dataclass(frozen=True)
class Histories:
    """Events ordered by user and time, one for each user and title. says: 1 liked, 0 seen, -1 disliked.

    user, title: places in `users` and `titles`. time: seconds since 1970, or UNKNOWN.
    """

    users: list[str]
    titles: list[str]
    user: Ints
    title: Ints
    says: npt.NDArray[np.int8]
    time: Ints

    def __len__(self) -> int:
        return len(self.user)

    def where(self, kept: npt.NDArray[np.bool_]) -> Histories:
        """Some of the events; users and titles keep their places."""
        return Histories(self.users, self.titles, self.user[kept], self.title[kept], self.says[kept], self.time[kept])

    @cached_property
    def starts(self) -> Ints:
        """Where each user's events begin, and the end: (users + 1,)."""
        return np.searchsorted(self.user, np.arange(len(self.users) + 1)).astype(np.int64)

    @property
    def timed(self) -> bool:
        """Whether most events have a time."""
        return bool(len(self)) and float((self.time > UNKNOWN).mean()) > 0.5

    def matrix(self, *, liked: bool) -> sp.csr_matrix:
        """Of ones, (users, titles): what is liked, or all but what is disliked."""
        kept = self.says > 0 if liked else self.says >= 0
        ones = np.ones(int(kept.sum()), np.float32)
        return sp.csr_matrix((ones, (self.user[kept], self.title[kept])), (len(self.users), len(self.titles)))

    def until(self) -> Ints:
        """The time of each user's newest event, (users,); UNKNOWN where there is none."""
        made = np.full(len(self.users), UNKNOWN, np.int64)
        ends = self.starts[1:]
        some = ends > self.starts[:-1]
        made[some] = self.time[ends[some] - 1]
        return made


def histories_in(
    store: GraphStore, kinds: FeedbackKinds, rated: pa.Table | None = None, titles: Sequence[str] | None = None
) -> Histories:
    """The feedback of a store, or of a table RATED that is not in it, on titles of the graph.

    titles: all that have a place, in order; None: those with feedback. Raises FeedbackError where nothing is liked.
    """
    batches = list(store.scan_relationships("RATED", ["value", "timestamp"]) if rated is None else rated.to_batches())
    if not sum(batch.num_rows for batch in batches):
        raise FeedbackError("there is no feedback to learn from; load some: reelgraph load --feedback FILE")
    table = pa.Table.from_batches(batches)
    heads, tails, types = (table.column(name).combine_chunks().dictionary_encode() for name in ("head", "tail", "key"))
    value = table.column("value").to_numpy().astype(np.float64)
    says = np.zeros(table.num_rows, np.int8)
    codes = types.indices.to_numpy()
    for code, type_ in enumerate(types.dictionary.to_pylist()):
        own = np.flatnonzero(codes == code)
        distinct, place = np.unique(value[own], return_inverse=True)
        of = [_CODES[kinds.of(type_, None if np.isnan(one) else float(one))] for one in distinct]
        says[own] = np.array(of, np.int8)[place]
    time = table.column("timestamp").fill_null(UNKNOWN).to_numpy().astype(np.int64)
    users, user = _ordered(heads)
    named, title = _ordered(tails)
    if titles is not None:
        known = {id_: place for place, id_ in enumerate(titles)}
        places = np.array([known.get(id_, -1) for id_ in named], np.int64)
        title, named = places[title], list(titles)
    made = _each_once(users, named, user, title, says, time)
    if not (made.says > 0).any():
        raise FeedbackError("no feedback says that a title is liked; see REELGRAPH_LIKED_FEEDBACK")
    return made


def _ordered(column: pa.DictionaryArray) -> tuple[list[str], Ints]:
    names = column.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    return [names[place] for place in order], cast(Ints, rank[column.indices.to_numpy()])


def _each_once(
    users: list[str], titles: list[str], user: Ints, title: Ints, says: npt.NDArray[np.int8], time: Ints
) -> Histories:
    """Feedback of several kinds on one title as one event: disliked before liked before seen, at the latest time."""
    kept = title >= 0
    user, title, says, time = user[kept], title[kept], says[kept], time[kept]
    key = user * max(len(titles), 1) + title
    order = np.argsort(key, kind="stable")
    distinct, first = np.unique(key[order], return_index=True)
    latest = np.maximum.reduceat(time[order], first) if len(first) else time
    strongest = np.where(says == -1, 2, says)[order]
    strongest = np.maximum.reduceat(strongest, first) if len(first) else strongest
    user, title = np.divmod(distinct, max(len(titles), 1))
    by_time = np.lexsort((title, latest, user))
    code = np.where(strongest == 2, -1, strongest).astype(np.int8)
    return Histories(users, titles, user[by_time], title[by_time], code[by_time], latest[by_time])
