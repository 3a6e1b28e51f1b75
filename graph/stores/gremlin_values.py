"""How ids and values lie in a Gremlin graph: vertices and edges have ids of our own, lists and dates are texts.

    vertex  `tt0114709`, `nm0000158`, `item:7`, `tt0114709:1` as they are; all others after their label: `Genre/Drama`
    edge    `OUT|TYPE|IN|KEY`, where OUT and IN are ids of vertices, and `%` and `|` in a part are percent-encoded

So no two labels share an id, a second load meets what the first one wrote, and an edge's id tells all but its
properties. Lists are JSON texts and dates ISO 8601 texts: Neptune has no ordered lists, and dates that every server
and driver reads alike are texts. What is missing is no property at all.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

from gremlin_python.statics import long

from graph.schema import RELATIONSHIPS, Property

REMOVED = "removed"
"""The property of a title that the graph no longer has, kept for the feedback and the offers that lead to it."""
OWN = {
    "Title": re.compile(r"tt[^:/|%]*|item:.*", re.DOTALL),
    "Person": re.compile(r"nm.*", re.DOTALL),
    "AlternateTitle": re.compile(r"tt.*:.*", re.DOTALL),
}
"""What an id looks like that is its vertex's own, by label."""
_LARGEST_INT = 2**31


def is_text(id_: str) -> bool:
    """Whether an id can be sent at all; lone surrogates cannot."""
    return id_.isascii() or not any("\ud800" <= character <= "\udfff" for character in id_)


def vertex_id(label: str, id_: str) -> str:
    """The vertex's id of a node of a label."""
    own = OWN.get(label)
    return id_ if own is not None and own.fullmatch(id_) else f"{label}/{id_}"


def node_id(label: str, vertex: str) -> str:
    """The node's id of a vertex of a label."""
    return vertex.removeprefix(f"{label}/")


def edge_id(type_: str, head: str, tail: str, key: str) -> str:
    """The edge's id of a relationship between two nodes."""
    kind = RELATIONSHIPS[type_]
    return "|".join(_escaped(part) for part in (vertex_id(kind.head, head), type_, vertex_id(kind.tail, tail), key))


def relationship(edge: str) -> tuple[str, str, str, str]:
    """The type, head, tail and key that an edge's id tells."""
    out, type_, in_, key = (part.replace("%7C", "|").replace("%25", "%") for part in edge.split("|"))
    kind = RELATIONSHIPS[type_]
    return type_, node_id(kind.head, out), node_id(kind.tail, in_), key


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace("|", "%7C")


def to_property(value: Any, kind: Property) -> Any:
    """A value (not None) as a property of a vertex or edge."""
    match kind.type:
        case "strings":
            return json.dumps(list(value), ensure_ascii=False)
        case "date":
            return value.isoformat()
        case "float":
            return float(value)
        case "integer":
            return whole(value)
        case _:
            return value


def whole(value: int) -> int:
    """A number as the driver takes it: 32 bits where they are enough, else 64."""
    return value if -_LARGEST_INT <= value < _LARGEST_INT else long(value)


def from_property(value: Any, kind: Property) -> Any:
    """What `to_property` was given."""
    match kind.type:
        case "strings":
            return json.loads(value)
        case "date":
            return dt.date.fromisoformat(value)
        case "float":
            return float(value)
        case "integer":
            return int(value)
        case _:
            return value
