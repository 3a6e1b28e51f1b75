"""What the Release nodes say: the current version of the graph, its vectors, and the versions to go back to.

Neo4j holds one version of the graph, and of each name of vectors two: a publish writes into the slot that is not
current and then moves the Release, a rollback moves it back. So what can be gone back to is each publish whose slot
has not been written since, and nothing before the last load.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graph.store import InvalidRows, NotInGraph, StoreError
from graph.stores.neo4j_slots import Slot
from graph.stores.statements import text

if TYPE_CHECKING:
    from graph.stores.neo4j_connection import Connection

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@dataclass(frozen=True)
class Release:
    """A version: its name, where it came from, and its vectors by name. history: earlier ones, the oldest first.

    imported: by neo4j-admin, so that constraints and indexes are yet to be made.
    """

    version: str = ""
    number: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    vectors: Mapping[str, Slot] = field(default_factory=dict)
    history: Sequence[tuple[str, Mapping[str, Slot]]] = ()
    imported: bool = False

    def next(self, vectors: Mapping[str, Slot], *, amend: bool = False) -> Release:
        """The version after this one with these vectors. amend: in place of this one."""
        written = {slot.property for name, slot in vectors.items() if slot != self.vectors.get(name)}
        kept = self.history if amend or not self.version else [*self.history, (self.version, self.vectors)]
        # What was in a slot that has been written since is gone.
        whole = [one for one in kept if not written & {slot.property for slot in one[1].values()}]
        return replace(self._numbered(), vectors=dict(vectors), history=whole)

    def loaded(self, details: Mapping[str, Any], vectors: Mapping[str, Slot]) -> Release:
        """The version that a load makes: there is no way back before it."""
        return replace(self._numbered(), details=dict(details), vectors=dict(vectors), history=[])

    def _numbered(self) -> Release:
        return replace(self, version=f"{self.number + 1:06d}", number=self.number + 1)

    def back(self, to: str | None, url: str) -> Release:
        """The version before this one, or the one that is named. Raises StoreError where there is none."""
        names = [name for name, _ in self.history]
        wanted = (names[-1] if names else None) if to is None else to
        if wanted == self.version and to is not None:
            return self
        if wanted not in names:
            can = f"it can go back to {', '.join(names)}" if names else "there is none to go back to"
            raise (
                StoreError(
                    f"{url} has no version {wanted!r}; {can}. Neo4j holds one version of the graph: a rollback undoes "
                    "publishes; to undo a load, load the earlier files again"
                )
                if to is not None
                else StoreError(
                    f"{url} has no version before this one. Neo4j holds one version of the graph: a rollback undoes "
                    "publishes; to undo a load, load the earlier files again"
                )
            )
        vectors = dict(self.history)[wanted]
        # The one that is left stays reachable, as on any store.
        others = [one for one in self.history if one[0] != wanted]
        return replace(self, version=wanted, vectors=dict(vectors), history=[*others, (self.version, self.vectors)])

    def as_properties(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The properties of the graph's own Release node, without its name, and of those of its vectors."""
        history = [
            [name, {one: slot.as_properties(one) for one, slot in slots.items()}] for name, slots in self.history
        ]
        graph = {
            "version": self.version,
            "number": self.number,
            "details": json.dumps(dict(self.details)),
            "graph_hash": self.details.get("graph_hash"),
            "made": self.details.get("made"),
            "history": json.dumps(history),
            "imported": self.imported or None,
        }
        return graph, [slot.as_properties(name) for name, slot in self.vectors.items()]

    def write(self, connection: Connection) -> None:
        """Make this the current version, in one transaction."""
        graph, vectors = self.as_properties()
        connection.write(text("queries/move_release"), {"graph": graph, "vectors": vectors})

    @classmethod
    def read(cls, connection: Connection) -> Release | None:
        """The current one; None where nothing was made yet."""
        told = {row[0]["name"]: row[0] for row in connection.read(text("queries/releases"))}
        graph = told.pop("graph", None)
        if graph is None:
            return None
        vectors = {name: Slot.of(one) for name, one in told.items()}
        history = [
            (name, {one: Slot.of(slot) for one, slot in slots.items()})
            for name, slots in json.loads(graph.get("history", "[]"))
        ]
        details = json.loads(graph.get("details", "{}"))
        version, number = graph.get("version", ""), graph.get("number", 0)
        return cls(version, number, details, vectors, history, graph.get("imported", False))

    def missing(self, name: str, url: str) -> NotInGraph:
        """The error for vectors that are not there."""
        return NotInGraph(f"{url} has no vectors named {name!r}; it has {', '.join(self.vectors) or 'none'}")


def check_name(name: str) -> None:
    """Raise InvalidRows for a name of vectors that cannot be the name of a property."""
    if not _NAME.fullmatch(name):
        raise InvalidRows(f"{name!r} cannot name vectors; take small letters, digits and _, a letter first")
