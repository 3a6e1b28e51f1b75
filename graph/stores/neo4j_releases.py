"""What the Release nodes say in Neo4j: `graph.stores.releases`, and of vectors also what their indexes need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from graph.stores import releases
from graph.stores.neo4j_connection import Connection
from graph.stores.releases import check_name, provenance_of
from graph.stores.statements import text

__all__ = ["Release", "Slot", "check_name"]


@dataclass(frozen=True)
class Slot(releases.Slot):
    """Where vectors lie, and the labels that have an index of them.

    longest: what stands for the length of the longest vector, see `graph/stores/neo4j_vectors.py`.
    """

    longest: float = 0.0
    indexed: tuple[str, ...] = ()

    def as_properties(self, name: str) -> dict[str, Any]:
        """The properties of its Release node."""
        return super().as_properties(name) | {"longest": self.longest, "indexed": list(self.indexed)}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From a Release node's properties, or from what `history` keeps."""
        return cls(told["property"], provenance_of(told), told["longest"], tuple(told["indexed"]))


@dataclass(frozen=True)
class Release(releases.Release):
    """A version, as Neo4j keeps it."""

    slot: ClassVar[type[Slot]] = Slot

    vectors: Mapping[str, Slot] = field(default_factory=dict)

    def write(self, connection: Connection) -> None:
        """Make this the current version, in one transaction."""
        graph, vectors = self.as_properties()
        connection.write(text("queries/move_release"), {"graph": graph, "vectors": vectors})

    @classmethod
    def read(cls, connection: Connection) -> Self | None:
        """The current one; None where nothing was made yet."""
        return cls.of(row[0] for row in connection.read(text("queries/releases")))
