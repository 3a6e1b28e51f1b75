"""A user, several or a session → what they are recommended: reads their histories, and asks `graph.personal`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from graph.consistent import version_of
from graph.diversity import POOL
from graph.featured import Featured
from graph.feedback_kinds import FeedbackKinds
from graph.history import Event, History, histories_of, history_read, in_order
from graph.kept import Kept
from graph.personal import (
    MOST_USERS,
    Personal,
    Together,
    left_out_of,
    liked_read,
    recommending_to,
    tastes_of,
)
from graph.personal_evidence import popular
from graph.preferences import NEUTRAL, PreferenceError, Preferences
from graph.reads import Asking, Embeddings, Nodes, Offered, State, ask
from graph.recommend import MAX_LIKED
from graph.rules import PLAIN, SCORED, Rules
from graph.search import MAX_SUBSTITUTES, Searcher
from graph.store import GraphStore, Scope
from graph.substitutes import Substitute, items_of, shown
from graph.tastes import LIKED, Weighting


class ForUsers:
    """Recommends from one store. kinds: what feedback says; None: as the environment has it. Safe for threads."""

    def __init__(self, store: GraphStore, searcher: Searcher, kinds: FeedbackKinds | None = None) -> None:
        self._store, self._searcher = store, searcher
        self._kinds = kinds or FeedbackKinds.configured()
        self._featured = Featured(store)
        self._weighting: Kept[Weighting | None] = Kept(lambda: version_of(store.state()), 1)

    def recommend(
        self, users: str | Sequence[str], scope: Scope, k: int = 10, *, preferences: Preferences = NEUTRAL,
        rules: Rules = PLAIN, together: Together = "mean", now: float | None = None,
    ) -> Personal:  # fmt: skip
        """Titles in scope for a user, or for up to 20 who watch together. One whom nobody knows is a stranger.

        together: whether a title counts by the mean of what each would have of it, or by the least. now: seconds since
        1970, None: the clock's. Raises NotInGraph for a catalog that is not there, PreferenceError.
        """
        named = [users] if isinstance(users, str) else list(dict.fromkeys(users))
        if not 1 <= len(named) <= MOST_USERS:
            raise PreferenceError(f"{len(named)} users are named; name from 1 to {MOST_USERS}")
        asked = _of_today(scope)
        found = self._answering(named, None, asked, min(max(k, 0), MAX_SUBSTITUTES), preferences, rules, together, now)
        return ask(self._store, found)

    def session(
        self, events: Sequence[tuple[str, str, float | None]], scope: Scope, k: int = 10, *,
        preferences: Preferences = NEUTRAL, rules: Rules = PLAIN,
    ) -> Personal:  # fmt: skip
        """The same for somebody who is not stored. events: titles with the type and value of feedback, oldest first."""
        listed = [
            Event(title, type_, value, place, self._kinds.of(type_, value))
            for place, (title, type_, value) in enumerate(events)
        ]
        k = min(max(k, 0), MAX_SUBSTITUTES)
        found = self._answering([], in_order(listed), _of_today(scope), k, preferences, rules, "mean", None)
        return ask(self._store, found)

    def _answering(
        self, users: Sequence[str], session: History | None, scope: Scope, k: int, wanted: Preferences, rules: Rules,
        how: Together, now: float | None,
    ) -> Asking[Personal]:  # fmt: skip
        read = history_read(users)
        held = liked_read(read) if session is None else Embeddings(LIKED, sorted(session.titles))
        before = self._store.state()
        weighting = self._weighted(before)
        rules = rules.featuring(*self._featured.of(scope, before))
        state, table, *rest = yield [
            State(), *([read] if session is None else [Nodes("Title", sorted(session.titles), [])]),
            *([held] if weighting else []), *self._searcher.there(scope),
        ]  # fmt: skip
        self._searcher.checked(scope, rest[1:] if weighting else rest)
        histories = histories_of(table, len(users), self._kinds, now) if session is None else [session]
        left_out = left_out_of(histories, rules)
        ranking = self._searcher.ranking(state)
        strangers = tuple(user for user, one in zip(users, histories, strict=False) if not one.events)
        versions = {"graph": version_of(state), "tastes": weighting.run if weighting else None}
        titles = sum(len(history.liked) for history in histories)
        if weighting is not None:
            tastes = tastes_of(weighting, histories, rest[0])
            titles = sum(len(taste.ids) for taste in tastes)
            items = yield from recommending_to(
                tastes, left_out, scope, k, wanted, rules, ranking, state, " ".join(users), how
            )
        else:
            items = yield from self._without(histories, left_out, scope, k, wanted, rules, " ".join(users))
        return Personal(tuple(users), scope, versions, titles, strangers, tuple(items))

    def _without(
        self, histories: Sequence[History], left_out: set[str], scope: Scope, k: int, wanted: Preferences, rules: Rules,
        whom: str,
    ) -> Asking[list[Substitute]]:  # fmt: skip
        """Where no taste vectors are published: as for an anonymous list of what is liked; for strangers, the known."""
        liked = list(dict.fromkeys(id_ for history in histories for id_ in history.liked))[:MAX_LIKED]
        listed: Mapping[str, Substitute] = {}
        if liked:
            most = min(POOL * k + len(left_out), MAX_SUBSTITUTES)
            found = yield from self._searcher.recommending(dict.fromkeys(liked, 1.0), scope, most, wanted, "liked")
            listed = {one.id: one for one in found.items if one.id not in left_out}
        ids = list(listed)
        if not liked:
            (offered,) = yield [Offered(scope)]
            ids = [id_ for id_ in offered.column("id").to_pylist() if id_ not in left_out]
        (nodes,) = yield [Nodes("Title", ids, [*SCORED, "num_votes"])]
        rows = {row["id"]: row for row in nodes.to_pylist()}
        if not liked:
            ids = sorted(rows, key=lambda id_: (-(rows[id_]["num_votes"] or 0), id_))
        chosen, _ = rules.chosen(ids, k, rows, {}, whom)
        if liked:
            return [listed[id_] for id_ in chosen]
        most_votes = max((rows[id_]["num_votes"] or 0 for id_ in chosen), default=0) or 1
        scores = {id_: (rows[id_]["num_votes"] or 0) / most_votes for id_ in chosen}
        (items,) = yield [Offered(scope, chosen)]
        return shown(scores, rows, items_of(items), {id_: [popular()] for id_ in chosen})

    def _weighted(self, state: str) -> Weighting | None:
        return self._weighting.of("tastes", lambda: Weighting.published(self._store), version_of(state))


def _of_today(scope: Scope) -> Scope:
    return replace(scope, on=scope.on or dt.datetime.now(dt.UTC).date())
