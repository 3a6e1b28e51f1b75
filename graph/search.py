"""A typed query → what is meant, whether the catalog has it, and what it can offer instead."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pyarrow as pa

from graph.answers import Answer, Hit, Similar, Status
from graph.by_hand import HandWeights
from graph.byline import titles_by
from graph.consistent import version_of
from graph.explain import called
from graph.feedback_kinds import FeedbackKinds
from graph.foldin import VECTORS, FoldIn
from graph.hand_weights import Candidates
from graph.history import History
from graph.kept import Kept
from graph.match import CHOICES, Match, byline_of, choices, decide, in_order, judged, searches
from graph.preferences import NEUTRAL, Preferences
from graph.reads import Asking, Embeddings, Nodes, Offered, Read, State, all_of, ask, together
from graph.recommend import MAX_LIKED, Liked, Recommendation, all_there, checked
from graph.rules import Rules
from graph.served import Chosen, Strategies
from graph.sibling_names import NAMED
from graph.stages import Stage, untimed
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Scope, TextHit
from graph.strategies import FOLD_IN_SERIES
from graph.strategy import NoVector, Question
from graph.substitutability import Curve
from graph.substitutes import Ranking, Substitute
from graph.titles_of import Near, finding, titles_of
from graph.topics import Topics

_ByVectors = tuple[Ranking | None, Curve | None]
MAX_HITS, MAX_SUBSTITUTES = 20, 100
_KEPT_CANDIDATES = 4
_TCONST = re.compile(r"\btt\d{7,}\b")
_NCONST = re.compile(r"\bnm\d{7,}\b")


@dataclass(frozen=True)
class _Meant:
    """What a text means. names: tables that have, all together, NAMED of every title that may be meant.

    hits: all that was found for it. byline: the text, where it may yet name a title and who made it. chosen: the
    strategy that is named for it; None: the usual one.
    """

    query: str
    state: str
    chosen: Chosen | None
    matches: Sequence[Match]
    names: Sequence[pa.Table]
    hits: Sequence[TextHit] = ()
    byline: str | None = None

    def named(self, id_: str) -> Mapping[str, Any]:
        """NAMED of a title."""
        for table in self.names:
            ids = table.column("id").to_pylist()
            if id_ in ids:
                return dict(table.slice(ids.index(id_), 1).to_pylist()[0])
        raise NotInGraph(f"there is no title {id_!r}")


class Searcher:
    """Answers questions from one store; keeps what the last few scopes need between them. Safe for threads.

    kinds: which feedback says that a title is liked; None: as the environment has it.
    """

    def __init__(self, store: GraphStore, stage: Stage = untimed, kinds: FeedbackKinds | None = None) -> None:
        self._store, self._stage = store, stage
        self._by_vectors: Kept[_ByVectors] = Kept(lambda: version_of(store.state()), 1)
        self._candidates: Kept[Candidates] = Kept(store.state, _KEPT_CANDIDATES)
        self._topics = Topics(store)
        self.strategies = Strategies(store, self.ranking, self.candidates, kinds)

    def search(
        self, query: str, scope: Scope, *, hits: int = 1, substitutes: int = 5, preferences: Preferences = NEUTRAL,
        strategy: str | None = None,
    ) -> Answer:  # fmt: skip
        """Answer a search. `scope.on` None means today. Raises NotInGraph for a catalog that is not there.

        preferences: how substitutes are ranked; the titles of a person, genre or keyword are what they are.
        strategy: by which (`graph.strategies`); None: by the catalog's own, or the usual one. Raises StrategyError.
        """
        scope = replace(scope, on=scope.on or dt.datetime.now(dt.UTC).date())
        hits, substitutes = min(max(hits, 1), MAX_HITS), min(max(substitutes, 0), MAX_SUBSTITUTES)
        return ask(self._store, self._searching(query, scope, hits, substitutes, preferences, strategy))

    def _searching(
        self, query: str, scope: Scope, hits: int, substitutes: int, preferences: Preferences, strategy: str | None
    ) -> Asking[Answer]:
        with self._stage("match"):
            meant = yield from self._meant(query, scope, max(hits, CHOICES), preferences, strategy)
        finding = self._answered(meant, scope, hits, substitutes, preferences)
        if meant.byline is None:
            return (yield from finding)
        # While it is looked whether the text names a title and who made it, go on as if it did not.
        try:
            _, answer = yield from together(_byline(meant.byline, scope.adult), finding)
            return cast(Answer, answer)
        except _Byline as byline:
            finding.close()
            matches = judged(in_order(query, meant.hits, byline.hits), max(hits, CHOICES))
            meant = replace(meant, matches=matches, names=[*meant.names, byline.titles], byline=None)
        return (yield from self._answered(meant, scope, hits, substitutes, preferences))

    def _answered(
        self, meant: _Meant, scope: Scope, hits: int, substitutes: int, preferences: Preferences
    ) -> Asking[Answer]:
        matches, decision, versions = meant.matches, decide(meant.matches), self._versions(meant.state)
        name = (meant.chosen or self.strategies.usual(meant.state)).name
        if decision == "unknown":
            return Answer(meant.query, "unknown", scope, versions, (), name)
        wanted = max(hits, choices(matches)) if decision == "ambiguous" else hits
        with self._stage("substitutes"):
            found = yield from together(
                *(self._hit(one, meant, scope, substitutes, preferences) for one in matches[:wanted])
            )
        status: Status = "ambiguous" if decision == "ambiguous" else (
            "in_catalog" if found[0].available else "out_of_catalog"
        )  # fmt: skip
        return Answer(meant.query, status, scope, versions, tuple(found), name)

    def _meant(
        self, query: str, scope: Scope, limit: int, preferences: Preferences, strategy: str | None
    ) -> Asking[_Meant]:
        """The title or person whose id was typed, or pasted with its address; else what the text may mean."""
        texts, typed, topics = searches(query, scope.adult), _typed(query), self._topics.asked(query)
        named = [Nodes("Title", text, NAMED) for text in texts]
        (state,), there, by_id, counts, searched, titles = yield from together(
            *(all_of(*some) for some in ([State()], _there(scope), [typed], topics.reads, texts, named))
        )
        self.checked(scope, there)
        chosen = self.strategies.chosen(strategy, own_strategy(there), state, preferences)
        if matches := _by_id(typed, by_id[0], scope.adult):
            return _Meant(query, state, chosen, matches, by_id if typed.label == "Title" else ())
        hits = self._topics.named(topics, counts, version_of(state)) + [hit for some in searched for hit in some]
        scored = in_order(query, hits)
        return _Meant(query, state, chosen, judged(scored, limit), titles, hits, byline_of(query, scored))

    def _hit(self, one: Match, meant: _Meant, scope: Scope, substitutes: int, preferences: Preferences) -> Asking[Hit]:
        if one.label != "Title":
            found = yield from finding(one.label, one.id, scope, max(substitutes, 1))
            own = bool(found.answered) and not found.nearest
            answered, near = found.answered[:substitutes], found.nearest if substitutes else ()
            return Hit(one, one.text if one.label == "Person" else one.id, own or found.ever, own, answered, near)
        names, ever = meant.named(one.id), replace(scope, region=None, on=None, adult=True)
        (held, now), (good, answered) = yield from together(
            all_of(Offered(ever, [one.id]), Offered(scope, [one.id])),
            self._stand_in(one.id, scope, substitutes, preferences, meant.state, names, meant.chosen),
        )
        offered = scope.catalog != WHOLE_GRAPH and bool(held.num_rows)
        available = offered and bool(now.num_rows)
        return Hit(one, names["title"] or one.id, offered, available, tuple(answered), substitutability=good)

    def _stand_in(
        self, id_: str, scope: Scope, k: int, preferences: Preferences, state: str, names: Mapping[str, Any],
        chosen: Chosen | None,
    ) -> Asking[tuple[float | None, list[Substitute]]]:  # fmt: skip
        """How good the best of a scope is likely to be for a title, and the k best.

        The first is known of the usual strategy alone. A title of which a strategy knows nothing is answered by hand.
        """
        question = Question({id_: 1.0}, {id_: names["title"] or id_}, scope, k, state, preferences)
        good, found = None, None
        if chosen is not None and chosen.name != FOLD_IN_SERIES:
            with contextlib.suppress(NoVector):
                found = (yield from chosen.strategy.answering(question)) if k > 0 else []
        else:
            good, found = yield from self._usual(question, names)
        if found is None:
            found = (yield from HandWeights(self.candidates).answering(question)) if k > 0 else []
        return good, found

    def _usual(
        self, question: Question, names: Mapping[str, Any]
    ) -> Asking[tuple[float | None, list[Substitute] | None]]:
        id_, scope = next(iter(question.liked)), question.scope
        ranking, curve = self._vectors(question.state)
        if ranking is None:
            return None, None
        near, found = yield from ranking.ranking(id_, scope, question.k, question.wanted, names, question.state)
        if near is None or curve is None:
            return None, found
        others = scope.catalog != WHOLE_GRAPH and bool(near.every and {*near.every} - {id_})
        return curve.best(near.vector, near.nearest.values(), others), found

    def titles(self, label: str, id_: str, scope: Scope, k: int) -> tuple[tuple[Substitute, ...], tuple[Near, ...]]:
        """The k best known titles in scope of a person, genre or keyword; and whose they are, when not its own."""
        found = titles_of(self._store, label, id_, scope, k)
        return found.answered, found.nearest

    def similar(
        self, id_: str, scope: Scope, k: int, *, strategy: str | None = None, preferences: Preferences = NEUTRAL
    ) -> list[Substitute]:
        """The titles of `alike`."""
        return list(self.alike(id_, scope, k, strategy=strategy, preferences=preferences).titles)

    def alike(
        self, id_: str, scope: Scope, k: int, *, strategy: str | None = None, preferences: Preferences = NEUTRAL
    ) -> Similar:
        """The k titles in scope that could stand in for a title of the graph. Raises NotInGraph when it has none.

        strategy: as `search` has it; NotInGraph too where it knows nothing of the title.
        """
        return ask(self._store, self._alike(id_, scope, k, strategy, preferences))

    def _alike(self, id_: str, scope: Scope, k: int, strategy: str | None, preferences: Preferences) -> Asking[Similar]:
        state, nodes, *there = yield [State(), Nodes("Title", [id_], NAMED), *_there(scope)]
        self.checked(scope, there)
        if not nodes.num_rows:
            raise NotInGraph(f"there is no title {id_!r} in {self._store.url}; search for its name to find its id")
        chosen = self.strategies.chosen(strategy, own_strategy(there), state, preferences)
        (names,) = nodes.to_pylist()
        if k <= 0:
            found = []
        elif strategy is not None and chosen is not None:
            question = Question({id_: 1.0}, {id_: names["title"] or id_}, scope, k, state, preferences)
            found = yield from chosen.strategy.answering(question)
        else:
            found = (yield from self._stand_in(id_, scope, k, preferences, state, names, chosen))[1]
        return Similar(id_, (chosen or self.strategies.usual(state)).name, tuple(found))

    def recommend(
        self, liked: Liked | Sequence[str], scope: Scope, k: int = 10, *, preferences: Preferences = NEUTRAL,
        strategy: str | None = None,
    ) -> Recommendation:  # fmt: skip
        """Titles in scope for somebody who likes some others: 1 to 100 ids, or ids with how much each counts.

        strategy: as `similar` has it. Raises NotInGraph for a title or catalog that is not there, PreferenceError for
        ids or weights that are no list.
        """
        scope = replace(scope, on=scope.on or dt.datetime.now(dt.UTC).date())
        named, k = checked(liked), min(max(k, 0), MAX_SUBSTITUTES)
        return ask(self._store, self._recommending(named, scope, k, preferences, strategy))

    def _recommending(
        self, named: Mapping[str, float], scope: Scope, k: int, preferences: Preferences, strategy: str | None
    ) -> Asking[Recommendation]:
        state, nodes, held, *there = yield [*_list_reads(named), *_there(scope)]
        self.checked(scope, there)
        all_there(self._store, named, nodes)
        chosen = self.strategies.chosen(strategy, own_strategy(there), state, preferences)
        usual = self.strategies.usual(state)
        vectors = dict(zip(*held, strict=True))
        question = Question(named, called(nodes), scope, k, state, preferences, verb="named", held=vectors)
        by, found = chosen or usual, list[Substitute]()
        try:
            found = (yield from by.strategy.answering(question)) if k else []
        except NoVector:
            if strategy is not None:
                raise
            by, found = usual, (yield from usual.strategy.answering(question))
        return Recommendation(tuple(named), scope, self._versions(state), tuple(found), by.name)

    def liking(
        self, chosen: Chosen, liked: Sequence[str], scope: Scope, k: int, preferences: Preferences,
        left_out: Collection[str], rules: Rules, whom: str, histories: Sequence[History] = (),
    ) -> Asking[tuple[str, list[Substitute]]]:  # fmt: skip
        """By which strategy, and what, somebody is answered who likes some titles, the newest first, by the rules.

        histories: all that they said, if it is known. Where nothing is known of them, or of nobody's likes: what is
        popular.
        """
        named = dict.fromkeys(liked[:MAX_LIKED], 1.0)
        state, nodes, held = yield _list_reads(named)
        names = called(nodes)
        named = {id_: weight for id_, weight in named.items() if id_ in names}
        vectors = dict(zip(*held, strict=True))
        out = frozenset(left_out)
        question = Question(
            named, names, scope, k, state, preferences, out, rules, whom, "liked", vectors, tuple(histories)
        )
        if not named and not chosen.alone:
            chosen = self.strategies.popular(state)
        try:
            return chosen.name, (yield from chosen.strategy.answering(question))
        except NoVector:
            popular = self.strategies.popular(state)
            return popular.name, (yield from popular.strategy.answering(question))

    def _vectors(self, state: str) -> _ByVectors:
        """What ranks by the current substitute vectors, and what says how good the best is; None without them."""

        def make() -> _ByVectors:
            folded, curve = FoldIn.published(self._store), Curve.published(self._store)
            ranking = Ranking(self._store, folded, self._stage) if folded else None
            return ranking, curve

        return self._by_vectors.of("vectors", make, version_of(state))

    def _versions(self, state: str) -> dict[str, str | None]:
        ranking = self._vectors(state)[0]
        return {"graph": version_of(state), "substitutes": ranking.run if ranking else None}

    def candidates(self, scope: Scope, state: str | None = None) -> Candidates:
        """The titles in scope with their features; made again when the graph or an offer has changed.

        state: of the store, where it is known.
        """
        return self._candidates.of(scope, lambda: Candidates(self._store, scope), state)

    def check(self, scope: Scope) -> None:
        """Raise NotInGraph where the scope names a catalog that is not there."""
        self.checked(scope, self._store.gather(_there(scope)))

    def there(self, scope: Scope) -> list[Nodes]:
        """Reads whether the catalog that a scope names is there, if it names one."""
        return _there(scope)

    def ranking(self, state: str) -> Ranking | None:
        """What ranks by the current substitute vectors; None without them."""
        return self._vectors(state)[0]

    def checked(self, scope: Scope, there: Sequence[Any]) -> None:
        """Raise NotInGraph where what `there` reads says that the catalog is not there."""
        if all(nodes.num_rows for nodes in there):
            return
        every: Sequence[str] = [id_ for batch in self._store.scan_nodes("Catalog", []) for id_ in batch[0].to_pylist()]
        raise NotInGraph(f"there is no catalog {scope.catalog!r}; there are: {', '.join(every) or 'none'}")


class _Byline(Exception):
    """A text names a title and who made it: whatever else it was taken for is not meant."""

    def __init__(self, hits: Sequence[TextHit], titles: pa.Table) -> None:
        super().__init__()
        self.hits, self.titles = hits, titles


def _byline(text: str, adult: bool) -> Asking[None]:
    """Raises _Byline where the text is one."""
    hits, titles = yield from titles_by(text, adult)
    if hits:
        raise _Byline(hits, titles)


def _there(scope: Scope) -> list[Nodes]:
    """Reads whether the catalog that a scope names is there, if it names one, and its own strategy."""
    return [] if scope.catalog in (None, WHOLE_GRAPH) else [Nodes("Catalog", [scope.catalog], ["strategy"])]


def own_strategy(there: Sequence[Any]) -> str | None:
    """The strategy that a catalog names, from what `Searcher.there` reads."""
    rows = [row for nodes in there for row in nodes.to_pylist()]
    return rows[0]["strategy"] if rows else None


def _list_reads(named: Mapping[str, float]) -> list[Read]:
    """Reads what a question about several titles needs: the state, their names, their substitute vectors."""
    return [State(), Nodes("Title", list(named), ["title"]), Embeddings(VECTORS, list(named))]


def _typed(query: str) -> Nodes:
    """Reads the title or person whose id a text is, or has in it."""
    if person := _NCONST.search(query):
        return Nodes("Person", [person[0]], ["name"])
    found = _TCONST.search(query)
    return Nodes(
        "Title", [found[0] if found else query.strip()], [*NAMED, "num_votes", "start_year", "kind", "is_adult"]
    )


def _by_id(typed: Nodes, found: pa.Table, adult: bool) -> list[Match]:
    """What `_typed` has read."""
    rows = found.to_pylist()
    if typed.label == "Person":
        return [Match(p["id"], p["name"] or p["id"], "id", None, None, 1.0, 0, None, "person", "Person") for p in rows]
    return [
        Match(
            r["id"], r["title"] or r["id"], "id", None, None, 1.0, r["num_votes"] or 0, r["start_year"], r["kind"]
        )
        for r in rows
        if adult or not r["is_adult"]
    ]  # fmt: skip
