"""What Neo4j answers to somebody's own Cypher, as plain values for JSON."""

from __future__ import annotations

from typing import Any

from neo4j import graph, spatial, time

from graph.schema import NODES

_LONGEST_LIST = 64


def plain(value: Any) -> Any:
    """A node as its labels and properties, a relationship as its type, ends and properties, a path as both in turn.

    Vectors are shortened to how long they are: nobody reads them, and they would be most of the answer.
    """
    match value:
        case graph.Node():
            return {"labels": sorted(value.labels), "properties": _properties(value)}
        case graph.Relationship():
            ends = [None if node is None else _name(node) for node in value.nodes]
            return {"type": value.type, "from": ends[0], "to": ends[1], "properties": _properties(value)}
        case graph.Path():
            steps: list[Any] = [plain(value.nodes[0])]
            for relationship, node in zip(value.relationships, value.nodes[1:], strict=True):
                steps += [plain(relationship), plain(node)]
            return steps
        case time.Date() | time.DateTime() | time.Time() | time.Duration():
            return value.iso_format()
        case spatial.Point():
            return {"srid": value.srid, "coordinates": list(value)}
        case dict():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case bytes() | bytearray():
            return value.hex()
        case _:
            return value


def _properties(entity: Any) -> dict[str, Any]:
    return {
        name: f"{len(value)} numbers"
        if isinstance(value, list) and len(value) > _LONGEST_LIST and isinstance(value[0], float)
        else plain(value)
        for name, value in sorted(entity.items())
    }


def _name(node: graph.Node) -> Any:
    """The id of a node, where it is one of ours."""
    ids = dict.fromkeys(kind.id_name for kind in NODES.values())
    return next((node[name] for name in ids if name in node), None)
