"""A typed query → what is meant, whether the catalog has it, and what it can offer instead."""

from __future__ import annotations

import datetime as dt
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pyarrow as pa

from graph.consistent import version_of
from graph.explain import names_of
from graph.foldin import FoldIn
from graph.hand_weights import Candidates
from graph.kept import Kept
from graph.match import CHOICES, Match, choices, decide, match
from graph.nearest import nearest
from graph.preferences import NEUTRAL, PreferenceError, Preferences
from graph.recommend import Liked, Recommendation, by_hand, checked, recommend
from graph.stages import Stage, untimed
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Scope
from graph.substitutability import Curve
from graph.substitutes import Nearest, Ranking, Substitute, pool
from graph.titles_of import Near, has_titles, titles_of
from graph.topics import Topics

Status = Literal["in_catalog", "out_of_catalog", "ambiguous", "unknown"]
_ByVectors = tuple[Ranking | None, Curve | None]
MAX_HITS, MAX_SUBSTITUTES = 20, 100
_KEPT_CANDIDATES, _KEPT_SCOPES = 4, 16
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

    def __init__(self, store: GraphStore, stage: Stage = untimed) -> None:
        self._store, self._stage = store, stage
        self._by_vectors: Kept[_ByVectors] = Kept(lambda: version_of(store.state()), 1)
        self._candidates: Kept[Candidates] = Kept(store.state, _KEPT_CANDIDATES)
        self._offered: Kept[Mapping[str, str | None]] = Kept(store.state, _KEPT_SCOPES)
        self._listed: OrderedDict[Scope, tuple[pa.Table, Mapping[str, str | None]]] = OrderedDict()
        self._topics = Topics(store)

    def search(
        self, query: str, scope: Scope, *, hits: int = 1, substitutes: int = 5, preferences: Preferences = NEUTRAL
    ) -> Answer:
        """Answer a search. `scope.on` None means today. Raises NotInGraph for a catalog that is not there.

        preferences: how substitutes are ranked; the titles of a person, genre or keyword are what they are.
        """
        scope = replace(scope, on=scope.on or dt.datetime.now(dt.UTC).date())
        hits, substitutes = min(max(hits, 1), MAX_HITS), min(max(substitutes, 0), MAX_SUBSTITUTES)
        self.check(scope)
        state = self._store.state()
        with self._stage("match"):
            matches = self._by_id(query, scope.adult) or match(
                self._store, query, max(hits, CHOICES), adult=scope.adult, also=self._topics.named(query)
            )
            decision = decide(matches)
        if decision == "unknown":
            return Answer(query, "unknown", scope, self._versions(state), ())
        wanted = max(hits, choices(matches)) if decision == "ambiguous" else hits
        names = names_of(self._store, [one.id for one in matches[:wanted]])
        with self._stage("substitutes"):
            found = tuple(self._hit(one, names[one.id], scope, substitutes, preferences) for one in matches[:wanted])
        status: Status = "ambiguous" if decision == "ambiguous" else (
            "in_catalog" if found[0].available else "out_of_catalog"
        )  # fmt: skip
        return Answer(query, status, scope, self._versions(state), found)

    def _hit(self, one: Match, title: str, scope: Scope, substitutes: int, preferences: Preferences) -> Hit:
        if one.label != "Title":
            titles, nearest = self.titles(one.label, one.id, scope, max(substitutes, 1))
            own = bool(titles) and not nearest
            offered = own or has_titles(self._store, one.label, one.id, replace(scope, region=None, on=None))
            return Hit(one, title, offered, own, titles[:substitutes], nearest if substitutes else ())
        catalogs = self._store.neighbours([one.id], ["OFFERS"], "in").column("neighbour").to_pylist()
        offered = bool(catalogs) if scope.catalog is None else scope.catalog in catalogs
        items, (ranking, curve) = self._items(scope), self._vectors()
        # Found once, for the best of them says how good it is and the first of them are answered.
        near = ranking.nearest(one.id, scope, pool(max(substitutes, 1), preferences)) if ranking else None
        others = len(items) > (one.id in items)
        good = curve.best(near.vector, near.products.values(), others) if near and curve else None
        found = self._stand_in(one.id, scope, substitutes, preferences, near)
        return Hit(one, title, offered, offered and one.id in items, tuple(found), substitutability=good)

    def titles(self, label: str, id_: str, scope: Scope, k: int) -> tuple[tuple[Substitute, ...], tuple[Near, ...]]:
        """The k best known titles in scope of a person, genre or keyword; and whose they are, when not its own."""
        return titles_of(self._store, label, id_, scope, k, self._items(scope))

    def similar(
        self, id_: str, scope: Scope, k: int, *, by: str | None = None, preferences: Preferences = NEUTRAL
    ) -> list[Substitute]:
        """The k titles in scope that could stand in for a title of the graph. Raises NotInGraph when it has none.

        by: the name of published vectors, whose nearest are then meant; None: what the graph itself says. Raises
        PreferenceError where preferences are given with it.
        """
        if by is not None and preferences != NEUTRAL:
            raise PreferenceError(f"the nearest by {by!r} are what they are: leave out the preferences, or {by!r}")
        self.check(scope)
        if not self._store.get_nodes("Title", [id_], []).num_rows:
            raise NotInGraph(f"there is no title {id_!r} in {self._store.url}; search for its name to find its id")
        if by is not None and k > 0:
            return nearest(self._store, by, id_, scope, k, self._items(scope))
        return self._stand_in(id_, scope, k, preferences)

    def _stand_in(
        self, id_: str, scope: Scope, k: int, preferences: Preferences, near: Nearest | None = None
    ) -> list[Substitute]:
        if k <= 0:
            return []
        ranking = self._vectors()[0]
        found = ranking.rank(id_, scope, k, self._items(scope), preferences, near) if ranking else None
        return self.candidates(scope).rank(self._store, id_, k, preferences) if found is None else found

    def recommend(
        self, liked: Liked | Sequence[str], scope: Scope, k: int = 10, *, preferences: Preferences = NEUTRAL
    ) -> Recommendation:
        """Titles in scope for somebody who likes some others: 1 to 100 ids, or ids with how much each counts.

        Raises NotInGraph for a title or catalog that is not there, PreferenceError for ids or weights that are no list.
        """
        scope = replace(scope, on=scope.on or dt.datetime.now(dt.UTC).date())
        self.check(scope)
        named, k = checked(self._store, liked), min(max(k, 0), MAX_SUBSTITUTES)
        ranking, found = self._vectors()[0], list[Substitute]()
        if k and ranking:
            found = recommend(self._store, ranking, named, scope, k, self._items(scope), preferences)
        elif k:
            found = by_hand(self._store, self.candidates(scope), named, k, preferences)
        return Recommendation(tuple(named), scope, self._versions(self._store.state()), tuple(found))

    def _vectors(self) -> _ByVectors:
        """What ranks by the current substitute vectors, and what says how good the best is; None without them."""

        def make() -> _ByVectors:
            folded, curve = FoldIn.published(self._store), Curve.published(self._store)
            ranking = Ranking(self._store, folded, self._stage) if folded else None
            return ranking, curve

        return self._by_vectors.of("vectors", make)

    def _versions(self, state: str) -> dict[str, str | None]:
        ranking = self._vectors()[0]
        return {"graph": version_of(state), "substitutes": ranking.run if ranking else None}

    def candidates(self, scope: Scope) -> Candidates:
        """The titles in scope with their features; made again when the graph or an offer has changed."""
        return self._candidates.of(scope, lambda: Candidates(self._store, scope))

    def _items(self, scope: Scope) -> Mapping[str, str | None]:
        """The catalog's own id of each title in scope; the whole graph has none."""
        if scope.catalog == WHOLE_GRAPH:
            return {}

        def make() -> Mapping[str, str | None]:
            offered, held = self._store.offered(scope), self._listed.get(scope)
            if held is None or held[0] is not offered:  # the same table again: offers changed in other scopes alone
                columns = (offered.column(name).to_pylist() for name in ("id", "item_id"))
                held = self._listed[scope] = offered, dict(zip(*columns, strict=True))
                while len(self._listed) > _KEPT_SCOPES:
                    self._listed.popitem(last=False)
            return held[1]

        return self._offered.of(scope, make)

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

    def check(self, scope: Scope) -> None:
        """Raise NotInGraph where the scope names a catalog that is not there."""
        if scope.catalog in (None, WHOLE_GRAPH) or self._store.get_nodes("Catalog", [scope.catalog], []).num_rows:
            return
        there: Sequence[str] = [id_ for batch in self._store.scan_nodes("Catalog", []) for id_ in batch[0].to_pylist()]
        raise NotInGraph(f"there is no catalog {scope.catalog!r}; there are: {', '.join(there) or 'none'}")
