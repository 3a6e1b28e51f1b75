"""A typed query → what is meant, whether the catalog has it, and what it can offer instead."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pyarrow as pa

from graph.explain import names_of
from graph.foldin import FoldIn
from graph.hand_weights import Candidates
from graph.match import CHOICES, Match, choices, decide, match
from graph.nearest import nearest
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Scope
from graph.substitutes import Ranking, Substitute
from graph.titles_of import Near, has_titles, titles_of
from graph.topics import Topics

Status = Literal["in_catalog", "out_of_catalog", "ambiguous", "unknown"]
MAX_HITS, MAX_SUBSTITUTES = 20, 100
_KEPT_SCOPES = 4
_TCONST = re.compile(r"\btt\d{7,}\b")
_NCONST = re.compile(r"\bnm\d{7,}\b")


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

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        m = self.match
        named = {"text": m.text, "type": m.type, "region": m.region, "language": m.language}
        answered = [substitute.as_dict() for substitute in self.substitutes]
        if m.label != "Title":
            offered: dict[str, Any] = {"titles": answered, "nearest": [vars(near) for near in self.nearest]}
        else:
            offered = {"substitutes": answered}
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

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "query": self.query,
            "status": self.status,
            "catalog": self.scope.catalog,
            "region": self.scope.region,
            "on": self.scope.on.isoformat() if self.scope.on else None,
            "versions": dict(self.versions),
            "hits": [hit.as_dict() for hit in self.hits],
        }


class Searcher:
    """Answers questions from one store; keeps what the last few scopes need between them. Safe for threads."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._kept: OrderedDict[tuple[str, Scope], Candidates] = OrderedDict()
        self._by_vectors: tuple[str, Ranking | None] | None = None
        self._offered: tuple[tuple[str, Scope], pa.Table, Mapping[str, str | None]] | None = None
        self._lock = threading.Lock()
        self._topics = Topics(store)

    def search(self, query: str, scope: Scope, *, hits: int = 1, substitutes: int = 5) -> Answer:
        """Answer a search. `scope.on` None means today. Raises NotInGraph for a catalog that is not there."""
        scope = replace(scope, on=scope.on or dt.datetime.now(dt.UTC).date())
        hits, substitutes = min(max(hits, 1), MAX_HITS), min(max(substitutes, 0), MAX_SUBSTITUTES)
        self._check(scope)
        state = self._store.state()
        matches = self._by_id(query, scope.adult) or match(
            self._store, query, max(hits, CHOICES), adult=scope.adult, also=self._topics.named(query)
        )
        decision = decide(matches)
        if decision == "unknown":
            return Answer(query, "unknown", scope, self._versions(state), ())
        wanted = max(hits, choices(matches)) if decision == "ambiguous" else hits
        names = names_of(self._store, [one.id for one in matches[:wanted]])
        found = tuple(self._hit(one, names[one.id], scope, substitutes) for one in matches[:wanted])
        status: Status = "ambiguous" if decision == "ambiguous" else (
            "in_catalog" if found[0].available else "out_of_catalog"
        )  # fmt: skip
        return Answer(query, status, scope, self._versions(state), found)

    def _hit(self, one: Match, title: str, scope: Scope, substitutes: int) -> Hit:
        if one.label != "Title":
            items = self._items(scope)
            titles, nearest = titles_of(self._store, one.label, one.id, scope, max(substitutes, 1), items)
            own = bool(titles) and not nearest
            offered = own or has_titles(self._store, one.label, one.id, replace(scope, region=None, on=None))
            return Hit(one, title, offered, own, titles[:substitutes], nearest if substitutes else ())
        catalogs = self._store.neighbours([one.id], ["OFFERS"], "in").column("neighbour").to_pylist()
        offered = bool(catalogs) if scope.catalog is None else scope.catalog in catalogs
        available = offered and one.id in self._items(scope)
        return Hit(one, title, offered, available, tuple(self.similar(one.id, scope, substitutes)))

    def similar(self, id_: str, scope: Scope, k: int, *, by: str | None = None) -> list[Substitute]:
        """The k titles in scope that could stand in for a title of the graph. Raises NotInGraph when it has none.

        by: the name of published vectors, whose nearest are then meant; None: what the graph itself says.
        """
        self._check(scope)
        if not self._store.get_nodes("Title", [id_], []).num_rows:
            raise NotInGraph(f"there is no title {id_!r} in {self._store.url}; search for its name to find its id")
        if k <= 0:
            return []
        if by is None:
            ranking = self._ranking()
            found = ranking.rank(id_, scope, k, self._items(scope)) if ranking else None
            return self.candidates(scope).rank(self._store, id_, k) if found is None else found
        return nearest(self._store, by, id_, scope, k, self._items(scope))

    def _ranking(self) -> Ranking | None:
        """By the substitute vectors of the current version; None where it has none."""
        version = _version(self._store.state())
        held = self._by_vectors
        if held is None or held[0] != version:
            folded = FoldIn.published(self._store)
            held = self._by_vectors = version, Ranking(self._store, folded) if folded else None
        return held[1]

    def _versions(self, state: str) -> dict[str, str | None]:
        ranking = self._ranking()
        return {"graph": _version(state), "substitutes": ranking.run if ranking else None}

    def candidates(self, scope: Scope) -> Candidates:
        """The titles in scope with their features; made again when the graph or an offer has changed."""
        key = (self._store.state(), scope)
        with self._lock:
            held = self._kept.get(key)
        if held is None:
            held = Candidates(self._store, scope)
            with self._lock:
                self._kept = OrderedDict((k, v) for k, v in self._kept.items() if k[0] == key[0])
                self._kept[key] = held
                while len(self._kept) > _KEPT_SCOPES:
                    self._kept.popitem(last=False)
        return held

    def _items(self, scope: Scope) -> Mapping[str, str | None]:
        """The catalog's own id of each title in scope; the whole graph has none."""
        if scope.catalog == WHOLE_GRAPH:
            return {}
        key = (self._store.state(), scope)
        held = self._offered
        if held is None or held[0] != key:
            offered = self._store.offered(scope)
            if held is None or held[1] is not offered:  # the same table again: offers have changed elsewhere
                ids, items = (offered.column(name).to_pylist() for name in ("id", "item_id"))
                held = key, offered, dict(zip(ids, items, strict=True))
            held = self._offered = key, *held[1:]
        return held[2]

    def _by_id(self, query: str, adult: bool) -> list[Match]:
        """The title or person whose id was typed, or pasted with its address."""
        person = _NCONST.search(query)
        if person:
            people = self._store.get_nodes("Person", [person[0]], ["name"]).to_pylist()
            return [
                Match(p["id"], p["name"] or p["id"], "id", None, None, 1.0, 0, None, "person", "Person") for p in people
            ]
        found = _TCONST.search(query)
        id_ = found[0] if found else query.strip()
        names = ["title", "num_votes", "start_year", "kind", "is_adult"]
        rows = self._store.get_nodes("Title", [id_], names).to_pylist()
        return [
            Match(id_, r["title"] or id_, "id", None, None, 1.0, r["num_votes"] or 0, r["start_year"], r["kind"])
            for r in rows
            if adult or not r["is_adult"]
        ]

    def _check(self, scope: Scope) -> None:
        if scope.catalog in (None, WHOLE_GRAPH) or self._store.get_nodes("Catalog", [scope.catalog], []).num_rows:
            return
        there: Sequence[str] = [id_ for batch in self._store.scan_nodes("Catalog", []) for id_ in batch[0].to_pylist()]
        raise NotInGraph(f"there is no catalog {scope.catalog!r}; there are: {', '.join(there) or 'none'}")


def _version(state: str) -> str:
    return state.partition("+")[0]
