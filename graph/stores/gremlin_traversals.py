"""Every traversal that the Gremlin store sends, and nothing else: bytecode, without lambdas and scripts.

Only what Neptune accepts stands here (`tests/graph/test_gremlin_steps.py` has the list). Ids are those of vertices and
edges (`graph.stores.gremlin_values`); values are arguments of steps, never part of a text. A vertex's property always
has one value: the default, in Neptune, would add another one beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gremlin_python.process.graph_traversal import GraphTraversal, GraphTraversalSource, __
from gremlin_python.process.traversal import (
    Cardinality,
    CardinalityValue,
    Direction,
    Merge,
    P,
    T,
    TraversalStrategies,
)
from gremlin_python.structure.graph import Graph

from graph.store import Direction as Way
from graph.stores.gremlin_values import REMOVED

GRAPH, LEASE = "Release/graph", "Lease/writing"
_g = GraphTraversalSource(Graph(), TraversalStrategies())

Vertex = tuple[str, str, Mapping[str, Any], Sequence[str]]
"""id, label, properties to set, names of properties to clear."""
Edge = tuple[str, str, str, str, Mapping[str, Any], Sequence[str]]
"""id, type, out vertex, in vertex, properties to set, names of properties to clear."""


# Writing: chains of merges, as AWS recommends them


def merge_vertices(rows: Iterable[Vertex]) -> GraphTraversal:
    """Make vertices, or change those that are there; the properties not named stay."""
    made: Any = _g
    for id_, label, values, cleared in rows:
        made = made.merge_v({T.id: id_}).option(Merge.on_create, {T.label: label, **values})
        if values:
            made = made.option(Merge.on_match, {name: CardinalityValue.single(one) for name, one in values.items()})
        if cleared:
            made = made.side_effect(__.properties(*cleared).drop())
    return made.none()


def merge_edges(rows: Iterable[Edge]) -> GraphTraversal:
    """Make edges, or change those that are there; both vertices must be there."""
    made: Any = _g
    for id_, type_, out, in_, values, cleared in rows:
        made = made.merge_e({T.id: id_, T.label: type_, Direction.OUT: out, Direction.IN: in_})
        if values:
            made = made.option(Merge.on_create, dict(values)).option(Merge.on_match, dict(values))
        if cleared:
            made = made.side_effect(__.properties(*cleared).drop())
    return made.none()


def make_once(rows: Iterable[tuple[str, str, Mapping[str, Any]]]) -> GraphTraversal:
    """Make vertices where they are not there yet; those that are there stay as they are."""
    made: Any = _g
    for id_, label, values in rows:
        made = made.merge_v({T.id: id_}).option(Merge.on_create, {T.label: label, **values})
    return made.none()


def drop_vertices(ids: Sequence[str]) -> GraphTraversal:
    """Remove vertices with all their edges."""
    return _g.V(*ids).drop()


def drop_edges(ids: Sequence[str]) -> GraphTraversal:
    """Remove edges."""
    return _g.E(*ids).drop()


def keep_titles(ids: Sequence[str], live: Sequence[str]) -> GraphTraversal:
    """Of titles that have left the graph, keep those that live edges lead to, without properties, as removed."""
    kept = _g.V(*ids).where(__.in_e(*live).limit(1)).side_effect(__.properties().drop())
    return kept.property(Cardinality.single, REMOVED, True).none()


def drop_titles(ids: Sequence[str], live: Sequence[str]) -> GraphTraversal:
    """Remove the others."""
    return _g.V(*ids).not_(__.in_e(*live).limit(1)).drop()


def touch_offers(token: str) -> GraphTraversal:
    """Say that what catalogs offer has changed."""
    return _g.V(GRAPH).property(Cardinality.single, "offers", token).none()


def move_release(graph: Vertex, vectors: Sequence[Vertex], gone: Sequence[str]) -> GraphTraversal:
    """Make a release current: what it says of the graph and of each name of vectors, in one transaction."""
    made: Any = _g
    for id_, label, values, _cleared in (graph, *vectors):
        single = {name: CardinalityValue.single(one) for name, one in values.items()}
        made = made.merge_v({T.id: id_}).option(Merge.on_create, {T.label: label, **values})
        made = made.option(Merge.on_match, single)
    if gone:
        made = made.side_effect(__.V(*gone).drop())
    return made.none()


def take_lease(holder: str, now: int, until: int) -> GraphTraversal:
    """Take the right to write, or keep it: 1 where that was possible, else 0. Times in ms since 1970."""
    free = _g.V(LEASE).or_(__.has("holder", holder), __.has("until", P.lt(now)))
    return free.property(Cardinality.single, "holder", holder).property(Cardinality.single, "until", until).count()


def leave_lease(holder: str) -> GraphTraversal:
    """Give the right to write back."""
    return _g.V(LEASE).has("holder", holder).property(Cardinality.single, "until", 0).none()


def clear_vertices(ids: Sequence[str], name: str) -> GraphTraversal:
    """Take a property away from vertices."""
    return _g.V(*ids).properties(name).drop()


def clear_edges(ids: Sequence[str], name: str) -> GraphTraversal:
    """Take a property away from edges."""
    return _g.E(*ids).properties(name).drop()


# Reading


def releases() -> GraphTraversal:
    """All that the Release vertices say."""
    return _g.V().has_label("Release").value_map().by(__.unfold())


def any_of(labels: Sequence[str]) -> GraphTraversal:
    """One vertex of these labels, where there is any."""
    return _g.V().has_label(*labels).limit(1).id_()


def existing(ids: Sequence[str]) -> GraphTraversal:
    """Which of these vertices are there."""
    return _g.V(*ids).has_not(REMOVED).id_()


def existing_edges(ids: Sequence[str]) -> GraphTraversal:
    """Which of these edges are there."""
    return _g.E(*ids).id_()


def edges(ids: Sequence[str], names: Sequence[str]) -> GraphTraversal:
    """These edges, with these properties."""
    return _properties(_g.E(*ids), names)


def edges_from(ids: Sequence[str], type_: str) -> GraphTraversal:
    """The ids of the edges of a type that leave vertices."""
    return _g.V(*ids).out_e(type_).id_()


def together(parts: Mapping[str, GraphTraversal]) -> GraphTraversal:
    """Several reads and the state as one traversal, whose answer is one map; none where nothing was made yet."""
    made: Any = _g.V(GRAPH).project("state", *parts).by(__.value_map("version", "offers", "content").by(__.unfold()))
    for part in parts.values():
        made = made.by(part.fold())
    return made


def of_ids(ids: Sequence[str]) -> GraphTraversal:
    """The beginning of a part of `together`: vertices by id."""
    return __.V(*ids)


def beyond(start: GraphTraversal, types: Sequence[str], way: Way, most: int | None, offered: str | None) -> Any:
    """The same: what is one step from those, each once; offered: by this catalog, or by any where it is ''."""
    found = _few(start, types, way, most)
    found = found.out(*types) if way == "out" else found.in_(*types)
    if offered is not None:
        offer = __.in_e("OFFERS") if offered == "" else __.in_e("OFFERS").where(__.out_v().has_id(offered))
        found = found.where(offer)
    return found.dedup()


def some_nodes(start: Any, label: str, names: Sequence[str]) -> GraphTraversal:
    """A part of `together`: the vertices of a label among these, with these properties."""
    return _properties(start.has_label(label).has_not(REMOVED), names)


def some_edges(start: Any, types: Sequence[str], way: Way, names: Sequence[str], most: int | None) -> Any:
    """A part of `together`: the edges of vertices; most: of none that has more of them."""
    return _properties(_step(_few(start, types, way, most), types, way), names)


def some_degrees(start: Any, types: Sequence[str], way: Way) -> GraphTraversal:
    """A part of `together`: how many edges vertices have, where there are any."""
    return start.project("id", "n").by(T.id).by(_step(__, types, way).count())


def _few(found: Any, types: Sequence[str], way: Way, most: int | None) -> Any:
    return found if most is None else found.where(_step(__, types, way).limit(most + 1).count().is_(P.lte(most)))


def scan_vertices(label: str, names: Sequence[str]) -> GraphTraversal:
    """All vertices of a label."""
    return _properties(_g.V().has_label(label).has_not(REMOVED), names)


def scan_edges(type_: str, names: Sequence[str]) -> GraphTraversal:
    """All edges of a type."""
    return _properties(_g.E().has_label(type_), names)


def all_ids(label: str) -> GraphTraversal:
    """The ids of all vertices of a label, removed ones too."""
    return _g.V().has_label(label).id_()


def scan_slot(slot: str) -> GraphTraversal:
    """All vectors in a slot."""
    return _g.V().has_label("Title").has(slot).project("id", "p").by(T.id).by(__.values(slot))


def having(label: str, name: str) -> GraphTraversal:
    """The ids of the vertices of a label that have a property."""
    return _g.V().has_label(label).has(name).id_()


def edges_having(type_: str, name: str) -> GraphTraversal:
    """The ids of the edges of a type that have a property."""
    return _g.E().has_label(type_).has(name).id_()


def how_many(ids: GraphTraversal) -> GraphTraversal:
    """How many `having` or `edges_having` finds."""
    return ids.count()


def some_having(ids: Sequence[str], name: str) -> GraphTraversal:
    """Which of these vertices have a property."""
    return _g.V(*ids).has(name).id_()


def some_edges_having(ids: Sequence[str], name: str) -> GraphTraversal:
    """Which of these edges have a property."""
    return _g.E(*ids).has(name).id_()


def any_edge_of(type_: str) -> GraphTraversal:
    """One edge of this type, where there is any."""
    return _g.E().has_label(type_).limit(1).id_()


def count_vertices() -> GraphTraversal:
    """How many vertices of each label there are."""
    return _g.V().has_not(REMOVED).group_count().by(T.label)


def count_edges() -> GraphTraversal:
    """How many edges of each type there are."""
    return _g.E().group_count().by(T.label)


def _step(found: Any, types: Sequence[str], way: Way) -> Any:
    return found.out_e(*types) if way == "out" else found.in_e(*types)


def _properties(found: Any, names: Sequence[str]) -> Any:
    """Ids alone, or ids with properties: an answer without those is a third as long."""
    if not names:
        return found.id_()
    return found.project("id", "p").by(T.id).by(__.value_map(*names).by(__.unfold()))
