"""Reads of the Neo4j store: each one a piece of Cypher that returns one value. `neo4j_exchange` puts many together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from graph import reads
from graph.reads import Read
from graph.schema import NODES, RELATIONSHIPS, arrow_schema, is_live
from graph.store import WHOLE_GRAPH, Direction, InvalidRows, Scope
from graph.stores.neo4j_text import text_hits, text_parameters
from graph.stores.rows import check_name, check_names
from graph.stores.statements import filled, text

Decode = Callable[[Any], Any]
_WIDE = 2_000
"""How many an index is asked for at least: it finds the nearest more surely the wider it looks.

Of 30,000 titles in a catalog 2,000 held all of the ten nearest in 7 ms, 1,000 nine of ten in 5; few come back."""


@dataclass
class Piece:
    """A read as Cypher. ids: what it is about, where it does not take that from another read."""

    cypher: str
    parameters: dict[str, Any] = field(default_factory=dict)
    ids: Sequence[str] | None = None


def piece(read: Read) -> Piece:
    """The Cypher of one read, with `<IDS>` where its ids belong. Raises InvalidRows for what the schema has not."""
    given = getattr(read, "ids", None)
    ids = None if given is None or isinstance(given, reads.Text | reads.Nearest | reads.Neighbours) else list(given)
    match read:
        case reads.State():
            return Piece(text("queries/state"))
        case reads.Nodes():
            names = _properties(read.label, read.properties)
            cypher = filled(text("queries/nodes"), label=read.label, id=NODES[read.label].id_name)
            return Piece(cypher, {"names": names}, ids)
        case reads.Neighbours():
            return _neighbours(read, ids)
        case reads.Degrees():
            return Piece(_degrees(read), {}, ids)
        case reads.Embeddings():
            return Piece(
                _of_slots("queries/embeddings", read.name), {"name": read.name, "first": f"{read.name}_a"}, ids
            )
        case reads.Offered():
            name = "queries/offered" if read.ids is None else "queries/offered_of"
            cypher = text(name).replace("<WITHIN>", _in_scope("within")).replace("<OPEN>", _open("within"))
            return Piece(cypher, _scope("within", read.within), ids)
        case reads.Text():
            return Piece(*text_parameters(read.query, read.limit, prefix=read.prefix, adult=read.adult))
        case reads.Nearest():
            return nearest_piece(read, exact=False)


def nearest_piece(read: reads.Nearest, *, exact: bool) -> Piece:
    """The same of a search by vector; exact: of all titles in scope, whether or not there is an index of them."""
    scope = read.within or Scope(WHOLE_GRAPH, adult=True)
    kind = "whole" if scope.catalog == WHOLE_GRAPH else "offered" if scope.catalog is None else "catalog"
    cypher = _of_slots("queries/nearest", read.name).replace("<CANDIDATES>", text(f"queries/candidates_{kind}"))
    cypher = cypher.replace("<WITHIN>", _in_scope("within")).replace("<OPEN>", _open("within"))
    by_id = isinstance(read.vector, str)
    vector = None if by_id else [*map(float, read.vector), 1e-12]
    parameters = {
        "name": read.name,
        "first": f"{read.name}_a",
        "title": read.vector if by_id else None,
        "vector": vector,
        "fetch": max(_WIDE, 4 * read.k),
        "keep": read.k + max(16, read.k // 4),
        "k": max(read.k, 0),
        "exact": exact,
    }
    return Piece(cypher, parameters | _scope("within", scope))


def answer(read: Read, value: Any) -> Any:
    """What a store's own call answers, of a piece's value. A search by vector is finished by the store."""
    match read:
        case reads.State():
            return f"{value[0] or 'empty'}+{value[1]}"
        case reads.Nodes():
            names = _properties(read.label, read.properties)
            schema = arrow_schema(read.label)
            return columns_table(value, [schema.field(name) for name in ("id", *names)])
        case reads.Neighbours():
            return _steps(read, value)
        case reads.Degrees():
            total = np.zeros(value[0], np.int64)
            for place, degree in value[1]:
                total[place] = degree
            return total
        case reads.Embeddings():
            dimension, held = value
            rows = np.array([vector[:-1] for _, vector in held], np.float32).reshape(len(held), dimension)
            return [id_ for id_, _ in held], rows
        case reads.Offered():
            return columns_table(value, [pa.field("id", pa.string()), pa.field("item_id", pa.string())])
        case reads.Text():
            return text_hits(value)
        case _:
            return value


def columns_table(rows: Sequence[Sequence[Any]], fields: Sequence[pa.Field]) -> pa.Table:
    """Rows of values as the driver gives them, as an Arrow table."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(fields)
    return pa.table([column_array(one, field.type) for one, field in zip(columns, fields, strict=True)],
                    schema=pa.schema(list(fields)))  # fmt: skip


def column_array(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """Values of one property as Arrow; dates come as the driver's own."""
    if pa.types.is_date(type_):
        return pa.array([None if value is None else value.to_native() for value in values], type_)
    return pa.array(values, type_)


def _properties(name: str, properties: Sequence[str] | None) -> list[str]:
    if name not in NODES:
        raise InvalidRows(f"the graph has no {name!r}; it has {', '.join(NODES)}")
    known = [one.name for one in NODES[name].properties]
    check_names(name, known, properties or ())
    return known if properties is None else list(properties)


def known_type(type_: str) -> None:
    """Raise InvalidRows for a relationship type that the schema has not."""
    if type_ not in RELATIONSHIPS:
        raise InvalidRows(f"the graph has no {type_!r}; it has {', '.join(RELATIONSHIPS)}")


def _neighbours(read: reads.Neighbours, ids: Sequence[str] | None) -> Piece:
    for type_ in read.types:
        known_type(type_)
    if "type" in read.properties:
        raise InvalidRows("`type` is the relationship's own type; ask for no property, the `key` of RATED is its type")
    pieces = []
    for (near, far, live), types in _groups(read.types, read.direction).items():
        scoped = far == "Title"
        within = _in_scope("within") if read.within is not None and scoped else "true"
        inside = _in_scope("mark") if read.mark is not None and scoped else "true"
        if live and scoped:
            # What users rated and catalogs offer may have left the graph; in no scope then.
            within = f"far:Title AND {within}" if read.within is not None else within
            inside = f"far:Title AND {inside}"
        cypher = filled(
            text("queries/neighbours"), near=near, near_id=NODES[near].id_name, types="|".join(types),
            all="|".join(read.types), far="Title|Removed" if live and scoped else far, far_id=NODES[far].id_name,
        )  # fmt: skip
        pieces.append(_arrows(cypher, read.direction).replace("<WITHIN>", within).replace("<MARK>", f"({inside})"))
    cypher = text("queries/step").replace("<PIECES>", "\nUNION ALL\n".join(pieces))
    parameters: dict[str, Any] = {"names": list(read.properties), "most": read.most}
    for name, scope in (("within", read.within), ("mark", read.mark)):
        if scope is not None:
            parameters |= _scope(name, scope)
    return Piece(cypher if pieces else "RETURN [] AS <ROWS>", parameters, ids)


def _groups(types: Sequence[str], direction: Direction) -> dict[tuple[str, str, bool], list[str]]:
    """Types by the labels that they lead from and to, and whether they are live."""
    groups: dict[tuple[str, str, bool], list[str]] = {}
    for type_ in dict.fromkeys(types):
        kind = RELATIONSHIPS[type_]
        near, far = (kind.head, kind.tail) if direction == "out" else (kind.tail, kind.head)
        groups.setdefault((near, far, is_live(type_)), []).append(type_)
    return groups


def _of_slots(statement: str, name: str) -> str:
    """A statement about the vectors of a name, which lie in one of two properties."""
    check_name(name)
    return filled(text(statement), slot=name)


def _degrees(read: reads.Degrees) -> str:
    for type_ in read.types:
        known_type(type_)
    near_types: dict[str, list[str]] = {}
    for (near, _, _), types in _groups(read.types, read.direction).items():
        near_types.setdefault(near, []).extend(types)
    pieces = [
        _arrows(filled(text("queries/degrees"), near=near, near_id=NODES[near].id_name, types="|".join(types)),
                read.direction)
        for near, types in near_types.items()
    ]  # fmt: skip
    pieces = pieces or ["WITH 0 AS place, 0 AS degree WHERE false RETURN place, degree"]
    return text("queries/degrees_of").replace("<PIECES>", "\nUNION ALL\n".join(pieces))


def _arrows(cypher: str, direction: Direction) -> str:
    left, right = ("-", "->") if direction == "out" else ("<-", "-")
    return cypher.replace("<LEFT>", left).replace("<RIGHT>", right)


def _steps(read: reads.Neighbours, rows: list[list[Any]]) -> pa.Table:
    place = {type_: n for n, type_ in enumerate(dict.fromkeys(read.types))}
    rows.sort(key=lambda row: (place[row[1]], row[0], row[2], row[4]))
    source, types, ids, inside, keys = zip(*(row[:5] for row in rows), strict=True) if rows else ((),) * 5
    made: dict[str, pa.Array] = {
        "source": pa.array(source, pa.int32()),
        "type": pa.array(types, pa.string()).dictionary_encode(),
        "neighbour": _ascending(ids),
    }
    if read.mark is not None:
        made["inside"] = pa.array(inside, pa.bool_())
    if read.properties:
        made["key"] = pa.array(keys, pa.string())
        schemas = [arrow_schema(type_) for type_ in read.types]
        for at, name in enumerate(read.properties, start=5):
            type_ = next((schema.field(name).type for schema in schemas if name in schema.names), pa.null())
            values = [row[at] for row in rows]
            made[name] = pa.nulls(len(rows)) if pa.types.is_null(type_) else column_array(values, type_)
    return pa.table(made)


def _ascending(ids: Sequence[str]) -> pa.DictionaryArray:
    """Ids as places among the distinct ones, which ascend: as `found_neighbours.cypher` has them."""
    distinct = sorted(set(ids))
    place = {id_: at for at, id_ in enumerate(distinct)}
    return pa.DictionaryArray.from_arrays(
        pa.array([place[id_] for id_ in ids], pa.int32()), pa.array(distinct, pa.string())
    )


def _in_scope(name: str) -> str:
    return text("queries/in_scope").replace("<OPEN>", _open(name)).replace("<S>", name)


def _open(name: str) -> str:
    return text("queries/open_offer").replace("<S>", name)


def _scope(name: str, scope: Scope) -> dict[str, Any]:
    whole = scope.catalog == WHOLE_GRAPH
    return {
        f"{name}_whole": whole,
        f"{name}_catalog": None if whole else scope.catalog,
        f"{name}_region": None if whole or scope.region is None else scope.region.upper(),
        f"{name}_on": None if whole else scope.on,
        f"{name}_adult": scope.adult,
    }
