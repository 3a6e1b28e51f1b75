"""How a graph lies in Neptune, as columns: ids of vertices and edges, and values as the Gremlin store writes them.

The same as `graph.stores.gremlin_values` does row by row, and as `graph.stores.gremlin_writing` puts together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.schema import NODES, RELATIONSHIPS, Property, PropertyType
from graph.stores.encoded import encoded
from graph.stores.gremlin_values import OWN, REMOVED, to_property, vertex_id

Found = Callable[[Sequence[str]], tuple[list[str], npt.NDArray[np.float32]]]
"""Vectors of titles: ids → those among them that have one, and these, (n, d)."""
Typed = tuple[str, PropertyType]
"""A property's name and type."""


@dataclass(frozen=True)
class Part:
    """One label's vertices or one type's edges, some at a time.

    Columns of a batch: id, label and the properties of vertices; id, from, to, type and the properties of edges.
    """

    name: str
    edges: bool
    properties: Sequence[Typed]
    batches: Iterator[pa.Table]


def vertex_ids(label: str, ids: pa.Array) -> pa.Array:
    """The vertices' ids of nodes of a label: `gremlin_values.vertex_id`."""
    named = pc.binary_join_element_wise(label, ids, "/")
    own = OWN.get(label)
    if own is None:
        return named
    return pc.if_else(pc.match_substring_regex(ids, rf"(?s)\A(?:{own.pattern})\z"), ids, named)


def edge_ids(type_: str, out: pa.Array, in_: pa.Array, keys: pa.Array) -> pa.Array:
    """The edges' ids between vertices: `gremlin_values.edge_id`."""
    return pc.binary_join_element_wise(*map(_escaped, (out, pa.scalar(type_), in_, keys)), "|")


def _escaped(parts: Any) -> Any:
    return pc.replace_substring(pc.replace_substring(parts, "%", "%25"), "|", "%7C")


def vertices(label: str, batches: Iterable[pa.Table], slots: Mapping[str, Found] | None = None) -> Part:
    """Nodes of a label (`id` and its properties). slots: of titles, by property, where the vectors in it come from."""
    node, slots = NODES[label], slots or {}

    def rows() -> Iterator[pa.Table]:
        for batch in batches:
            ids = _whole(batch, "id")
            columns = [vertex_ids(label, ids), pa.array([label] * len(ids)), ids]
            columns += [_values(_whole(batch, one.name), one) for one in node.properties]
            columns += [_vectors(ids.to_pylist(), found) for found in slots.values()]
            yield _table(columns)

    own: Typed = (node.id_name, "string")
    return Part(label, False, [own, *map(_typed, node.properties), *((slot, "string") for slot in slots)], rows())


def edges(type_: str, batches: Iterable[pa.Table]) -> Part:
    """Relationships of a type (`head`, `tail`, `key` and its properties)."""
    kind = RELATIONSHIPS[type_]

    def rows() -> Iterator[pa.Table]:
        for batch in batches:
            keys = _whole(batch, "key")
            out, in_ = vertex_ids(kind.head, _whole(batch, "head")), vertex_ids(kind.tail, _whole(batch, "tail"))
            told = keys if kind.key_from else pc.if_else(pc.equal(keys, ""), None, keys)
            columns = [edge_ids(type_, out, in_, keys), out, in_, pa.array([type_] * len(keys)), told]
            yield _table([*columns, *(_values(_whole(batch, one.name), one) for one in kind.properties)])

    return Part(type_, True, [("key", "string"), *map(_typed, kind.properties)], rows())


def removed(titles: Iterable[str]) -> Part:
    """Titles that left the graph, kept for what leads to them."""
    ids = [vertex_id("Title", id_) for id_ in titles]
    columns = [pa.array(one) for one in (ids, ["Title"] * len(ids), [True] * len(ids))]
    return Part("Removed", False, [(REMOVED, "boolean")], iter([_table(columns)]))


def of_the_store(label: str, rows: Mapping[str, Mapping[str, Any]]) -> Part:
    """What the store keeps of itself: properties by vertex id, all of one label."""
    types: dict[str, PropertyType] = {}
    for told in rows.values():
        types |= {
            name: "integer" if isinstance(one, int) else "string" for name, one in told.items() if one is not None
        }
    columns = [pa.array([*rows]), pa.array([label] * len(rows))]
    for name, type_ in types.items():
        values = [told.get(name) for told in rows.values()]
        columns.append(pa.array(values, pa.int64() if type_ == "integer" else pa.string()))
    return Part(label, False, [*types.items()], iter([_table(columns)]))


def _typed(of: Property) -> Typed:
    return of.name, of.type


def _whole(batch: pa.Table, name: str) -> pa.Array:
    column = pa.table(batch).column(name).combine_chunks()
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _table(columns: Sequence[pa.Array]) -> pa.Table:
    return pa.table(list(columns), [str(place) for place in range(len(columns))])


def _values(values: pa.Array, of: Property) -> pa.Array:
    """Values as properties: lists are JSON texts, dates ISO 8601 texts."""
    if of.type == "strings":
        return pa.array([None if one is None else to_property(one, of) for one in values.to_pylist()], pa.string())
    return values.cast(pa.string()) if of.type == "date" else values


def _vectors(ids: Sequence[str], found: Found) -> pa.Array:
    there, rows = found(ids)
    texts = {id_: encoded(row) for id_, row in zip(there, rows, strict=True)}
    return pa.array([texts.get(id_) for id_ in ids], pa.string())
