"""What is answered to a search, and for titles like another one: as dataclasses, and as plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from graph.match import Match
from graph.store import Scope
from graph.strategies import FOLD_IN_SERIES
from graph.substitutes import Substitute
from graph.titles_of import Near

Status = Literal["in_catalog", "out_of_catalog", "ambiguous", "unknown"]


@dataclass(frozen=True)
class Hit:
    """A title that the query may mean, whether it may be shown, and what may be shown instead.

    Of a person, genre or keyword `substitutes` are its titles; in the catalog and available is one that has any there.
    """

    match: Match
    title: str
    in_catalog: bool
    available: bool
    substitutes: tuple[Substitute, ...]
    nearest: tuple[Near, ...] = ()
    """Whose titles are answered, where a person, genre or keyword has none in scope."""
    substitutability: float | None = None
    """How good the best substitute in scope is likely to be, of a title (`graph.substitutability`); None: not known."""

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        m = self.match
        named = {"text": m.text, "type": m.type, "region": m.region, "language": m.language}
        answered = [substitute.as_dict() for substitute in self.substitutes]
        if m.label != "Title":
            offered: dict[str, Any] = {"titles": answered, "nearest": [vars(near) for near in self.nearest]}
        else:
            known = None if self.substitutability is None else round(self.substitutability, 2)
            offered = {"substitutability": known, "substitutes": answered}
        return {
            "id": m.id,
            "kind": m.kind,
            "title": self.title,
            "start_year": m.year,
            "in_catalog": self.in_catalog,
            "available": self.available,
            "match": named | {"confidence": round(m.confidence, 2)},
            **offered,
        }


@dataclass(frozen=True)
class Answer:
    """The out-of-catalog contract (docs/answers.md). `status` describes the first hit."""

    query: str
    status: Status
    scope: Scope
    versions: Mapping[str, str | None]
    """graph: of the graph; substitutes: the run that its substitute vectors come from."""
    hits: tuple[Hit, ...]
    strategy: str = FOLD_IN_SERIES
    """By which substitutes were found (`graph.strategies`); where it knows nothing of a title, by hand."""

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "query": self.query,
            "status": self.status,
            "catalog": self.scope.catalog,
            "region": self.scope.region,
            "on": self.scope.on.isoformat() if self.scope.on else None,
            "versions": dict(self.versions),
            "strategy": self.strategy,
            "hits": [hit.as_dict() for hit in self.hits],
        }


@dataclass(frozen=True)
class Similar:
    """The titles most like one, and by which strategy."""

    id: str
    strategy: str
    titles: tuple[Substitute, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {"id": self.id, "strategy": self.strategy, "similar": [one.as_dict() for one in self.titles]}
