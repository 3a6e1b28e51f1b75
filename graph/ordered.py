"""Many nodes in order, a page at a time. A cursor names a place by its key and id, so it survives a new version."""

from __future__ import annotations

import base64
import bisect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.schema import arrow_schema
from graph.store import GraphStore

Mask = npt.NDArray[np.bool_]
_LONGEST = 2_000  # characters of a cursor


class InvalidCursor(ValueError):
    """A cursor that no page of this list has given."""


@dataclass(frozen=True)
class Page:
    """Some of the nodes that were asked for, in order; `total` counts all of them, over all pages."""

    ids: tuple[str, ...]
    places: tuple[Sequence[Any], ...]
    total: int
    has_next: bool
    has_previous: bool

    @property
    def cursors(self) -> tuple[str, ...]:
        """The cursor of each node."""
        return tuple(map(to_cursor, self.places))


def to_cursor(place: Sequence[Any]) -> str:
    """A place in a list as an opaque text. place: JSON's plain values, such as an order's name, its key and an id."""
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()


def from_cursor(cursor: str) -> list[Any]:
    """The place that a cursor names. Raises InvalidCursor."""
    try:
        place = json.loads(base64.b64decode(cursor.encode("ascii")[:_LONGEST], b"-_", validate=True))
    except (ValueError, RecursionError):
        place = None
    if not isinstance(place, list):
        raise InvalidCursor(f"{cursor[:40]!r} is not a cursor; give one that a page of this list has given")
    return place


@dataclass(frozen=True)
class Key:
    """What nodes are ordered by. values: (n,) numbers, NaN where missing; order: positions, ascending, missing last.

    names: what the numbers are ranks of, where the key is a text.
    """

    values: npt.NDArray[Any]
    order: npt.NDArray[np.int32]
    names: pa.Array | None = None

    @classmethod
    def of_numbers(cls, column: pa.Array) -> Key:
        """A key of a column of numbers; float32, so whole numbers are exact up to 16 million."""
        values = column.cast(pa.float32()).to_numpy(zero_copy_only=False)
        return cls(values, values.argsort(kind="stable").astype(np.int32))

    @classmethod
    def of_names(cls, column: pa.Array) -> Key:
        """A key of a column of texts, upper and lower case alike."""
        names = pc.utf8_lower(column)
        rows = pa.table({"name": names, "row": pa.array(np.arange(len(names), dtype=np.int32))})
        order = pc.sort_indices(rows, [("name", "ascending"), ("row", "ascending")]).to_numpy().astype(np.int32)
        ranks = pc.rank(names, tiebreaker="dense").to_numpy().astype(np.float64)
        ranks[names.is_null().to_numpy(zero_copy_only=False)] = np.nan
        return cls(ranks, order, names)

    @classmethod
    def of_ids(cls, count: int) -> Key:
        """The same key for all: ids alone decide."""
        return cls(np.broadcast_to(np.float32(0), count), np.arange(count, dtype=np.int32))

    def at(self, position: int) -> float | str | None:
        """The key of one node."""
        if self.names is not None:
            found: str | None = self.names[position].as_py()
            return found
        value = float(self.values[position])
        return None if np.isnan(value) else value

    def number(self, key: float | str | None) -> float:
        """A node's key as a number that compares with `values`, also when no node has that key any more."""
        if key is None:
            return float("nan")
        if self.names is None:
            return float(self.values.dtype.type(float(key)))
        there = len(self.order) - int(np.isnan(self.values).sum())
        names = self.names
        place = bisect.bisect_left(range(there), str(key), key=lambda i: names[int(self.order[i])].as_py())
        if place == there:
            return float("inf")
        position = int(self.order[place])
        return float(self.values[position]) - (0.0 if names[position].as_py() == key else 0.5)


def columns(store: GraphStore, label: str, properties: Sequence[str]) -> dict[str, pa.Array]:
    """The ids and properties of all nodes of a label, ordered by id."""
    schema, batches = arrow_schema(label), list(store.scan_nodes(label, properties))
    return {
        name: pa.concat_arrays([pa.array([], schema.field(name).type), *(batch.column(name) for batch in batches)])
        for name in ("id", *properties)
    }


class Ordered:
    """Nodes by position: their ids, ascending, and pages of those that a mask leaves, by any key."""

    def __init__(self, ids: pa.Array) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def mask(self, ids: pa.Array | pa.ChunkedArray) -> Mask:
        """Which of the nodes have one of these ids."""
        found: Mask = pc.is_in(self.ids, value_set=ids).to_numpy(zero_copy_only=False)
        return found

    def page(self, mask: Mask, key: Key, name: str, *, descending: bool, first: int, after: str | None) -> Page:
        """The first nodes of the mask after a cursor. name: of key and direction, for cursors of another are refused.

        Nodes of the same key are ordered by id; those without any come last. Raises InvalidCursor.
        """
        left = mask if after is None else mask & self._after(key, name, descending, after)
        picked = key.order[left[key.order]]
        if descending:
            known = len(picked) - int(np.isnan(key.values[picked]).sum())
            picked = np.concatenate([picked[:known][::-1], picked[known:][::-1]])
        positions = picked[:first].tolist()
        ids = tuple(self.ids.take(pa.array(positions, pa.int32())).to_pylist())
        places = tuple([name, key.at(at), id_] for at, id_ in zip(positions, ids, strict=True))
        total = int(mask.sum())
        return Page(ids, places, total, len(picked) > len(ids), total > len(picked))

    def _after(self, key: Key, name: str, descending: bool, cursor: str) -> Mask:
        match from_cursor(cursor):
            case [str(named), float() | int() | str() | None as value, str(id_)] if named == name and (
                value is None or isinstance(value, str) == (key.names is not None)
            ):
                pass
            case _:
                raise InvalidCursor(
                    f"{cursor[:40]!r} is a cursor of another list or order; begin again without `after`"
                )
        beyond = np.zeros(len(self), bool)
        if descending:
            beyond[: bisect.bisect_left(range(len(self)), id_, key=self._id)] = True
        else:
            beyond[bisect.bisect_right(range(len(self)), id_, key=self._id) :] = True
        missing: Mask = np.isnan(key.values)
        if value is None:
            return missing & beyond
        number = key.number(value)
        later: Mask = key.values < number if descending else key.values > number
        same: Mask = key.values == number
        return later | missing | (same & beyond)

    def _id(self, position: int) -> str:
        id_: str = self.ids[position].as_py()
        return id_
