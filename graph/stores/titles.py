"""The titles of a version by position, and after them the own titles that came since, in the order in which they were
met: what a catalog offers counts at once, though a version never changes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.stores.columns import Columns, Nodes, Positions

OWN = "item:"
"""What the id of a title begins with that only a catalog knows."""


class Later(Protocol):
    """What knows of own titles that are in no version yet."""

    def existing(self, label: str, ids: Sequence[str]) -> set[str]:
        """Which of these ids are nodes of a label."""


class Titles:
    """Positions of titles, (n,) int32, -1 for one that is not there. Positions once given stay. Safe for threads."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._places: dict[str, int] = {}
        self._learning = threading.Lock()

    @property
    def _nodes(self) -> Nodes:
        return self._columns.nodes("Title")

    def __len__(self) -> int:
        return len(self._nodes) + len(self._places)

    @property
    def whole(self) -> bool:
        """Whether the version has them all: then positions ascend as ids do."""
        return not self._places

    @property
    def adult(self) -> npt.NDArray[np.bool_]:
        """Which are adult: (titles,) bool; of titles that came since nobody says so."""
        held = self._columns.adult
        return held if not self._places else np.concatenate([held, np.zeros(len(self) - len(held), bool)])

    def learn(self, ids: Sequence[str], later: Later) -> None:
        """Give positions to those that are own titles in no version."""
        positions = self.positions(ids)
        new = [id_ for id_, place in zip(ids, positions.tolist(), strict=True) if place < 0 and id_.startswith(OWN)]
        if new and (there := later.existing("Title", list(dict.fromkeys(new)))):
            with self._learning:
                for id_ in dict.fromkeys(new):
                    if id_ in there and id_ not in self._places:
                        self._places[id_] = len(self)

    def positions(self, ids: Sequence[str]) -> Positions:
        """Where each title is."""
        found = self._nodes.positions(ids)
        if self._places and (found < 0).any():
            for place in np.flatnonzero(found < 0).tolist():
                found[place] = self._places.get(ids[place], -1)
        return found

    def ids(self, positions: Positions) -> pa.Array:
        """The ids at these positions, as an Arrow array of strings."""
        whole = len(self._nodes)
        if not self._places or not (positions >= whole).any():
            return self._nodes.ids(positions)
        later = list(self._places)
        known = self._nodes.ids(positions[positions < whole])
        both = pa.concat_arrays([known, pa.array([later[p - whole] for p in positions[positions >= whole].tolist()])])
        order = np.empty(len(positions), np.int64)
        order[positions < whole] = np.arange(len(known))
        order[positions >= whole] = np.arange(len(known), len(positions))
        return both.take(pa.array(order))


def holding(mask: npt.NDArray[np.bool_], positions: Positions) -> npt.NDArray[np.bool_]:
    """Which positions a mask has: (n,) bool. A mask may be older than the last own titles, and then has not these."""
    there = (positions >= 0) & (positions < len(mask))
    there[there] = mask[positions[there]]
    return there
