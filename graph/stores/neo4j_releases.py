"""What the Release nodes say in Neo4j: `graph.stores.releases`, with slots as Neo4j has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from graph.stores import releases
from graph.stores.neo4j_slots import Slot
from graph.stores.statements import text

if TYPE_CHECKING:
    from graph.stores.neo4j_connection import Connection


@dataclass(frozen=True)
class Release(releases.Release):
    """A version. imported: by neo4j-admin, so that constraints and indexes are yet to be made."""

    slot: ClassVar[type[Slot]] = Slot

    vectors: Mapping[str, Slot] = field(default_factory=dict)
    imported: bool = False

    def as_properties(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The properties of the graph's own Release node, without its name, and of those of its vectors."""
        graph, vectors = super().as_properties()
        return graph | {"imported": self.imported or None}, vectors

    def write(self, connection: Connection) -> None:
        """Make this the current version, in one transaction."""
        graph, vectors = self.as_properties()
        connection.write(text("queries/move_release"), {"graph": graph, "vectors": vectors})

    @classmethod
    def read(cls, connection: Connection) -> Self | None:
        """The current one; None where nothing was made yet."""
        nodes = [row[0] for row in connection.read(text("queries/releases"))]
        found = cls.of(nodes)
        imported = any(one.get("imported") for one in nodes)
        return None if found is None else replace(found, imported=imported)
