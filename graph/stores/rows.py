"""What every store asks of rows and vectors before it writes them: that they fit the schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.events import Event
from graph.schema import NODES, RELATIONSHIPS, Node, Property, PropertyType, Relationship, fits, is_live
from graph.store import VECTOR_NAME, InvalidRows, Provenance, Row
from graph.stores.titles import OWN

_EVENT: Sequence[tuple[str, PropertyType]] = (
    *((name, "string") for name in ("user", "title", "type", "comment", "id")),
    ("value", "float"), ("timestamp", "integer"), ("nanos", "integer"),
)  # fmt: skip
_VECTOR_NAME = re.compile(VECTOR_NAME)


def check_rows(name: str, rows: Sequence[Row]) -> None:
    """Raise InvalidRows when a row has an unknown name, lacks an id or has a value of another type."""
    kind: Node | Relationship = NODES[name] if name in NODES else RELATIONSHIPS[name]
    needed = ("id",) if name in NODES else ("head", "tail")
    keys = needed if name in NODES else (*needed, "key")
    types = {p.name: p for p in kind.properties} | {key: Property(key, "string", "") for key in keys}
    for row in rows:
        for key in needed:
            if not row.get(key):
                raise InvalidRows(f"a {name} row has no {key}: {dict(row)}")
        for column, value in row.items():
            if column not in types:
                raise InvalidRows(f"{name} has no property {column!r}; it has {', '.join(types)}")
            if value is None and column == "key":
                raise InvalidRows(f"a {name} row has a null key; leave it out or give a text")
            if value is not None and not fits(value, types[column].type):
                raise InvalidRows(f"{name}.{column} must be {types[column].type}, not {value!r}")


def check_own(rows: Sequence[Row]) -> None:
    """Raise InvalidRows unless these are rows of own titles."""
    check_rows("Title", rows)
    for row in rows:
        if not row["id"].startswith(OWN):
            raise InvalidRows(f"{row['id']!r} is no title of a catalog's own; its id must begin with {OWN!r}")


def check_removable(name: str, ids: Sequence[str] = ()) -> None:
    """Raise InvalidRows unless these may be removed one by one: what is live, and own titles."""
    if name not in NODES and name not in RELATIONSHIPS:
        raise InvalidRows(f"the graph has no {name!r}")
    own = name == "Title" and all(id_.startswith(OWN) for id_ in ids)
    if not (is_live(name) or own):
        raise InvalidRows(f"{name} is bulk data: load graph tables without the rows that should go")


def check_events(events: Sequence[Event]) -> None:
    """Raise InvalidRows for feedback that lacks a user, title or type, or has a value of another type."""
    for event in events:
        if not (event.user and event.title and event.type):
            raise InvalidRows(f"feedback must name a user, a title and a type: {event[:3]}")
        for name, kind in _EVENT:
            value = getattr(event, name)
            if value is not None and not fits(value, kind):
                raise InvalidRows(f"the {name} of feedback must be {kind}, not {value!r}")


def check_name(name: str) -> None:
    """Raise InvalidRows for a name of vectors that cannot be the name of a property."""
    if not _VECTOR_NAME.fullmatch(name):
        raise InvalidRows(f"{name!r} cannot name vectors; take small letters, digits and _, a letter first")


def check_vectors(ids: Sequence[str], vectors: npt.NDArray[np.float32], provenance: Provenance) -> None:
    """Raise InvalidRows unless there is one finite vector of the dimension named for each of the distinct ids."""
    wanted = (len(ids), provenance.dimension)
    if vectors.shape != wanted:
        raise InvalidRows(f"the vectors have the shape {vectors.shape}; {wanted} is what the ids and the run ask for")
    if len(set(ids)) != len(ids):
        raise InvalidRows("an id has more than one vector; give each title one")
    if not np.isfinite(vectors).all():
        raise InvalidRows("the vectors hold values that are not finite; look at the run's loss")


def check_names(name: str, known: Sequence[str], properties: Sequence[str]) -> None:
    """Raise InvalidRows for a property that a label or type does not have."""
    for one in properties:
        if one not in known:
            raise InvalidRows(f"{name} has no property {one!r}; it has {', '.join(known) or 'none'}")


def merged(rows: Iterable[Row], keys: Sequence[str]) -> list[list[Any]]:
    """Rows as statements take them, those of one node or relationship as one, later values over earlier ones."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row.get(name, "") for name in keys)
        found.setdefault(key, {}).update({name: value for name, value in row.items() if name not in keys})
    return [[*key, properties] for key, properties in found.items()]
