"""What is current in an engine that holds one version of the graph, and of each name of vectors two.

A publish writes into the slot that is not current and then moves the Release, a rollback moves it back. So what can be
gone back to is each publish whose slot has not been written since, and nothing before the last load.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Self

from graph.store import NotInGraph, Provenance, StoreError


@dataclass(frozen=True)
class Slot:
    """Where the vectors of one name lie, a property of titles, and what made them."""

    property: str
    provenance: Provenance

    def as_properties(self, name: str) -> dict[str, Any]:
        """The properties of its Release node."""
        told = asdict(self.provenance) | {"facts": json.dumps(dict(self.provenance.facts))}
        return told | {"name": name, "property": self.property}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From a Release node's properties, or from what `history` keeps."""
        return cls(told["property"], provenance_of(told))


def provenance_of(told: Mapping[str, Any]) -> Provenance:
    """Where vectors come from, by the properties of their Release node."""
    names = ("run", "model", "dimension", "graph_hash", "made")
    return Provenance(**{name: told[name] for name in names}, facts=json.loads(told["facts"]))


@dataclass(frozen=True)
class Release:
    """A version: its name, where it came from, and its vectors by name. history: earlier ones, the oldest first."""

    slot: ClassVar[type[Slot]] = Slot

    version: str = ""
    number: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    vectors: Mapping[str, Slot] = field(default_factory=dict)
    history: Sequence[tuple[str, Mapping[str, Slot]]] = ()

    def next(self, vectors: Mapping[str, Slot], *, amend: bool = False) -> Self:
        """The version after this one with these vectors. amend: in place of this one."""
        written = {slot.property for name, slot in vectors.items() if slot != self.vectors.get(name)}
        kept = self.history if amend or not self.version else [*self.history, (self.version, self.vectors)]
        # What was in a slot that has been written since is gone.
        whole = [one for one in kept if not written & {slot.property for slot in one[1].values()}]
        return replace(self._numbered(), vectors=dict(vectors), history=whole)

    def loaded(self, details: Mapping[str, Any], vectors: Mapping[str, Slot]) -> Self:
        """The version that a load makes: there is no way back before it."""
        return replace(self._numbered(), details=dict(details), vectors=dict(vectors), history=[])

    def _numbered(self) -> Self:
        return replace(self, version=f"{self.number + 1:06d}", number=self.number + 1)

    def back(self, to: str | None, url: str) -> Self:
        """The version before this one, or the one that is named. Raises StoreError where there is none."""
        names = [name for name, _ in self.history]
        wanted = (names[-1] if names else None) if to is None else to
        if wanted == self.version and to is not None:
            return self
        if wanted not in names:
            can = f"it can go back to {', '.join(names)}" if names else "there is none to go back to"
            lacking = "no version before this one" if to is None else f"no version {to!r}; {can}"
            raise StoreError(
                f"{url} has {lacking}. There is one version of the graph here: a rollback undoes publishes; to undo a "
                "load, load the earlier files again"
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
        }
        return graph, [slot.as_properties(name) for name, slot in self.vectors.items()]

    @classmethod
    def of(cls, nodes: Iterable[Mapping[str, Any]]) -> Self | None:
        """From the properties of all Release nodes; None where nothing was made yet."""
        told = {one["name"]: one for one in nodes}
        graph = told.pop("graph", None)
        if graph is None:
            return None
        vectors = {name: cls.slot.of(one) for name, one in told.items()}
        history = [
            (name, {one: cls.slot.of(slot) for one, slot in slots.items()})
            for name, slots in json.loads(graph.get("history", "[]"))
        ]
        details = json.loads(graph.get("details", "{}"))
        return cls(graph.get("version", ""), graph.get("number", 0), details, vectors, history)

    def missing(self, name: str, url: str) -> NotInGraph:
        """The error for vectors that are not there."""
        return NotInGraph(f"{url} has no vectors named {name!r}; it has {', '.join(self.vectors) or 'none'}")
