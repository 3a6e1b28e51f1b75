"""Reads of the Gremlin store: each one a part of one traversal, and its answer as Arrow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from graph import reads
from graph.reads import Read
from graph.schema import NODES, RELATIONSHIPS, Property, arrow_schema
from graph.store import WHOLE_GRAPH, Direction, InvalidRows, Scope
from graph.stores import gremlin_traversals as traversals
from graph.stores.gremlin_index import Local
from graph.stores.gremlin_values import from_property, is_text, node_id, relationship, vertex_id
from graph.stores.rows import check_names

LOCAL = (reads.State, reads.Text, reads.Nearest, reads.Embeddings, reads.Offered)
"""What is answered without a part of its own, from the state and the index of this machine."""


def check(read: Read) -> None:
    """Raise InvalidRows for what the schema has not."""
    match read:
        case reads.Nodes():
            known(read.label, NODES)
            properties_of(read.label, read.properties)
        case reads.Neighbours() | reads.Degrees():
            for type_ in read.types:
                known(type_, RELATIONSHIPS)
            if isinstance(read, reads.Neighbours) and "type" in read.properties:
                raise InvalidRows(
                    "`type` is the relationship's own type; ask for no property, the `key` of RATED is its type"
                )


def known(name: str, names: Collection[str]) -> None:
    """Raise InvalidRows for a label or type that the schema has not."""
    if name not in names:
        raise InvalidRows(f"the graph has no {name!r}; it has {', '.join(names)}")


def properties_of(name: str, properties: Sequence[str] | None) -> list[str]:
    """The properties that are meant, of a label or type. Raises InvalidRows for what it has not."""
    names = list(_kinds(name))
    check_names(name, names, properties or ())
    return names if properties is None else list(properties)


def part(read: Read, ids: Sequence[str] | None) -> Any:
    """The part of a traversal that finds what a read needs, of these ids, or (None) of those that its source finds.

    None where nothing is to be asked: of no ids, or of what is answered on this machine.
    """
    source = read.ids if ids is None else None  # type: ignore[union-attr]
    match read:
        case reads.Nodes():
            start = _start([read.label], ids, source)
            return start and traversals.some_nodes(start, read.label, properties_of(read.label, read.properties))
        case reads.Neighbours():
            labels = _labels(read.types, read.direction)
            start = _start(labels, ids, source)
            most = read.most if len(labels) == 1 else None
            return start and traversals.some_edges(start, read.types, read.direction, [*read.properties], most)
        case reads.Degrees():
            start = _start(_labels(read.types, read.direction), ids, source)
            return start and traversals.some_degrees(start, read.types, read.direction)
        case _:
            return None


def joins(read: Read) -> bool:
    """Whether the server can take a read's ids from the read that finds them: both are about one and the same label."""
    source = getattr(read, "ids", None)
    if not isinstance(source, reads.Neighbours) or not isinstance(read, reads.Nodes | reads.Neighbours | reads.Degrees):
        return False
    near = [read.label] if isinstance(read, reads.Nodes) else _labels(read.types, read.direction)
    far = _labels(source.types, "in" if source.direction == "out" else "out")
    return len(near) == 1 and near == far and len(_labels(source.types, source.direction)) == 1


def _start(labels: Sequence[str], ids: Sequence[str] | None, source: Any) -> Any:
    """Where a part begins; None where there is nothing to begin with."""
    if ids is not None:
        wanted = [vertex_id(label, id_) for label in labels for id_ in _texts(ids)]
        return traversals.of_ids(wanted) if wanted else None
    start = _start(_labels(source.types, source.direction), source.ids, None)
    scope: Scope | None = source.within if labels == ["Title"] else None
    offered = None if scope is None or scope.catalog == WHOLE_GRAPH else _offering(scope)
    return start and traversals.beyond(start, source.types, source.direction, source.most, offered)


def _offering(scope: Scope) -> str:
    """The vertex of the catalog of a scope; '' for any. Region and day are looked at when the answer is there."""
    return "" if scope.catalog is None else vertex_id("Catalog", scope.catalog)


def answer(read: Read, ids: Sequence[str], found: Sequence[Any], local: Local) -> Any:
    """What the store's own call answers, of what the part of a read has found."""
    match read:
        case reads.Nodes():
            return _nodes(read, ids, found)
        case reads.Neighbours():
            return _steps(read, ids, found, local)
        case reads.Degrees():
            counts: dict[str, int] = {}
            for label in _labels(read.types, read.direction):
                by_vertex = {vertex_id(label, id_): id_ for id_ in _texts(ids)}
                for one in found:
                    if one["id"] in by_vertex:
                        counts[by_vertex[one["id"]]] = counts.get(by_vertex[one["id"]], 0) + one["n"]
            return np.array([counts.get(id_, 0) for id_ in ids], np.int64)
        case _:
            return read.of(local, ids)


def _texts(ids: Sequence[str]) -> list[str]:
    """Each id that can be asked for, once."""
    return [id_ for id_ in dict.fromkeys(ids) if is_text(id_)]


def _labels(types: Sequence[str], direction: Direction) -> list[str]:
    """The labels that these types lead from."""
    kinds = [RELATIONSHIPS[type_] for type_ in types]
    return list(dict.fromkeys(kind.head if direction == "out" else kind.tail for kind in kinds))


def _nodes(read: reads.Nodes, ids: Sequence[str], found: Sequence[Any]) -> pa.Table:
    names = properties_of(read.label, read.properties)
    held = {node_id(read.label, one["id"] if names else one): one["p"] if names else {} for one in found}
    rows = [(id_, held[id_]) for id_ in ids if id_ in held]
    schema = arrow_schema(read.label)
    columns = [pa.array([id_ for id_, _ in rows], pa.string())]
    columns += [column(read.label, name, [one.get(name) for _, one in rows]) for name in names]
    return pa.table(columns, schema=pa.schema([schema.field(name) for name in ("id", *names)]))


def column(name: str, property_: str, values: Sequence[Any]) -> pa.Array:
    """Values of one property of a label or type, as the server has them, as Arrow."""
    kind = _kinds(name)[property_]
    return pa.array([None if value is None else from_property(value, kind) for value in values], kind.arrow_type)


def _kinds(name: str) -> dict[str, Property]:
    kind = NODES[name] if name in NODES else RELATIONSHIPS[name]
    return {one.name: one for one in kind.properties}


def _steps(read: reads.Neighbours, ids: Sequence[str], found: Sequence[Any], local: Local) -> pa.Table:
    """Relationships as one table, in the order of types, sources, neighbours and keys."""
    places: dict[str, list[int]] = {}
    for place, id_ in enumerate(ids):
        places.setdefault(id_, []).append(place)
    order = {type_: place for place, type_ in enumerate(dict.fromkeys(read.types))}
    rows = []
    for one in found:
        edge, told = (one["id"], one["p"]) if read.properties else (one, None)
        type_, head, tail, key = relationship(edge)
        near, far = (head, tail) if read.direction == "out" else (tail, head)
        rows += [(order[type_], place, far, key, told) for place in places.get(near, ())]
    rows.sort(key=lambda row: row[:4])
    if read.most is not None:
        counts: dict[int, int] = {}
        for row in rows:
            counts[row[1]] = counts.get(row[1], 0) + 1
        rows = [row for row in rows if counts[row[1]] <= read.most]
    types = list(order)
    if read.within is not None:
        inside = _inside(read, read.within, rows, types, local)
        rows = [row for row, kept in zip(rows, inside, strict=True) if kept]
    made: dict[str, pa.Array] = {
        "source": pa.array([row[1] for row in rows], pa.int32()),
        "type": pa.array([types[row[0]] for row in rows], pa.string()).dictionary_encode(),
        "neighbour": _ascending([row[2] for row in rows]),
    }
    if read.mark is not None:
        made["inside"] = pa.array(_inside(read, read.mark, rows, types, local), pa.bool_())
    if read.properties:
        made["key"] = pa.array([row[3] for row in rows], pa.string())
        for name in read.properties:
            made[name] = _step_column(name, rows, types)
    return pa.table(made)


def _ascending(values: Sequence[str]) -> pa.Array:
    """Texts, dictionary-encoded: each once, in their order."""
    words = sorted(set(values))
    places = {word: place for place, word in enumerate(words)}
    return pa.DictionaryArray.from_arrays(
        pa.array([places[one] for one in values], pa.int32()), pa.array(words, pa.string())
    )


def _step_column(name: str, rows: Sequence[Any], types: Sequence[str]) -> pa.Array:
    """A property over several types; null where one has none of that name."""
    owner = next((type_ for type_ in types if name in _kinds(type_)), None)
    if owner is None:
        return pa.nulls(len(rows))
    having = [name in _kinds(type_) for type_ in types]
    return column(owner, name, [row[4].get(name) if having[row[0]] else None for row in rows])


def _inside(
    read: reads.Neighbours, scope: Scope, rows: Sequence[Any], types: Sequence[str], local: Local
) -> list[bool]:
    """Of each row, whether its neighbour is in a scope; what is no title is in every one."""
    far = [RELATIONSHIPS[one].tail if read.direction == "out" else RELATIONSHIPS[one].head for one in types]
    titles = sorted({row[2] for row in rows if far[row[0]] == "Title"})
    inside = dict(zip(titles, local.inside(scope, titles).tolist(), strict=True)) if titles else {}
    return [far[row[0]] != "Title" or inside[row[2]] for row in rows]
