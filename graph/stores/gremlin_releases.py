"""What the Release vertices say: `graph.stores.releases`, and what tells the local index when it is out of date."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from graph.stores import gremlin_traversals as traversals
from graph.stores import releases
from graph.stores.gremlin_connection import Connection
from graph.stores.gremlin_values import whole
from graph.stores.releases import provenance_of


@dataclass(frozen=True)
class Slot(releases.Slot):
    """Where vectors lie. stamp: differs whenever a slot has been written."""

    stamp: str = field(default_factory=lambda: uuid.uuid4().hex)

    def as_properties(self, name: str) -> dict[str, Any]:
        """The properties of its Release vertex."""
        return super().as_properties(name) | {"stamp": self.stamp}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From a Release vertex's properties, or from what `history` keeps."""
        return cls(told["property"], provenance_of(told), told["stamp"])


@dataclass(frozen=True)
class Release(releases.Release):
    """A version. content: differs whenever titles, people or what leads to them have; offers: whenever an offer has."""

    slot: ClassVar[type[Slot]] = Slot

    vectors: Mapping[str, Slot] = field(default_factory=dict)
    content: str = ""
    offers: str = ""

    @property
    def state(self) -> str:
        """What `GraphStore.state` says."""
        return f"{self.version or 'empty'}+{self.offers}"

    def changed(self) -> Release:
        """The same vectors of a graph that has changed: a version of its own."""
        return replace(self.loaded(self.details, self.vectors), content=uuid.uuid4().hex)

    def write(self, connection: Connection, gone: Mapping[str, Any]) -> None:
        """Make this the current version, in one transaction. gone: vectors by name of the version before it."""
        graph, vectors = self.as_properties()
        graph |= {"name": "graph", "content": self.content, "offers": self.offers}
        connection.write(
            traversals.move_release(
                _vertex(graph),
                [_vertex(one) for one in vectors],
                [f"Release/{name}" for name in gone if name not in self.vectors],
            )
        )

    @classmethod
    def read(cls, connection: Connection, *, written: bool = True) -> Release | None:
        """The current one; None where nothing was made yet. written: as the writer has it."""
        nodes = connection.read(traversals.releases(), written=written)
        release = cls.of(nodes)
        if release is None:
            return None
        (graph,) = (one for one in nodes if one["name"] == "graph")
        return replace(release, content=graph["content"], offers=graph["offers"])


def first_release(connection: Connection) -> None:
    """Make the vertices that say that there is a store, where they are not there yet."""
    graph = {"name": "graph", "version": "", "number": 0, "history": "[]", "details": "{}", "content": "", "offers": ""}
    connection.write(traversals.make_once([
        (traversals.GRAPH, "Release", graph),
        (traversals.LEASE, "Lease", {"holder": "", "until": whole(0)}),
    ]))  # fmt: skip


def _vertex(told: Mapping[str, Any]) -> tuple[str, str, dict[str, Any], list[str]]:
    values = {name: whole(one) if isinstance(one, int) else one for name, one in told.items() if one is not None}
    return f"Release/{told['name']}", "Release", values, []
