"""A user, several or a session → what they are recommended: reads their histories, and asks `graph.personal`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from graph.consistent import version_of
from graph.featured import Featured
from graph.feedback_kinds import FeedbackKinds
from graph.history import Event, History, histories_of, history_read, in_order
from graph.personal import (
    MOST_USERS,
    Personal,
    Together,
    left_out_of,
    liked_read,
    recommending_to,
    tastes_of,
)
from graph.preferences import NEUTRAL, PreferenceError, Preferences
from graph.reads import Asking, Embeddings, Nodes, State, ask
from graph.rules import PLAIN, Rules
from graph.search import MAX_SUBSTITUTES, Searcher, own_strategy
from graph.store import GraphStore, Scope
from graph.strategies import HYBRID
from graph.tastes import LIKED


class ForUsers:
    """Recommends from one store. kinds: what feedback says; None: as the environment has it. Safe for threads."""

    def __init__(self, store: GraphStore, searcher: Searcher, kinds: FeedbackKinds | None = None) -> None:
        self._store, self._searcher = store, searcher
        self._kinds = kinds or FeedbackKinds.configured()
        self._featured = Featured(store)

    def recommend(
        self, users: str | Sequence[str], scope: Scope, k: int = 10, *, preferences: Preferences = NEUTRAL,
        rules: Rules = PLAIN, together: Together = "mean", now: float | None = None, strategy: str | None = None,
    ) -> Personal:  # fmt: skip
        """Titles in scope for a user, or for up to 20 who watch together. One whom nobody knows is a stranger.

        together: whether a title counts by the mean of what each would have of it, or by the least. now: seconds since
        1970, None: the clock's. strategy: by which (`graph.strategies`); None: by the catalog's own, or the usual one.
        Raises NotInGraph for a catalog that is not there, PreferenceError, StrategyError.
        """
        named = [users] if isinstance(users, str) else list(dict.fromkeys(users))
        if not 1 <= len(named) <= MOST_USERS:
            raise PreferenceError(f"{len(named)} users are named; name from 1 to {MOST_USERS}")
        asked = _of_today(scope)
        k = min(max(k, 0), MAX_SUBSTITUTES)
        return ask(self._store, self._answering(named, None, asked, k, preferences, rules, together, now, strategy))

    def session(
        self, events: Sequence[tuple[str, str, float | None]], scope: Scope, k: int = 10, *,
        preferences: Preferences = NEUTRAL, rules: Rules = PLAIN, strategy: str | None = None,
    ) -> Personal:  # fmt: skip
        """The same for somebody who is not stored. events: titles with the type and value of feedback, oldest first."""
        listed = [
            Event(title, type_, value, place, self._kinds.of(type_, value))
            for place, (title, type_, value) in enumerate(events)
        ]
        k = min(max(k, 0), MAX_SUBSTITUTES)
        return ask(
            self._store,
            self._answering([], in_order(listed), _of_today(scope), k, preferences, rules, "mean", None, strategy),
        )

    def _answering(
        self, users: Sequence[str], session: History | None, scope: Scope, k: int, wanted: Preferences, rules: Rules,
        how: Together, now: float | None, strategy: str | None,
    ) -> Asking[Personal]:  # fmt: skip
        read = history_read(users)
        held = liked_read(read) if session is None else Embeddings(LIKED, sorted(session.titles))
        before = self._store.state()
        weighting = self._searcher.strategies.weighting(before)
        rules = rules.featuring(*self._featured.of(scope, before))
        state, table, *rest = yield [
            State(), *([read] if session is None else [Nodes("Title", sorted(session.titles), [])]),
            *([held] if weighting else []), *self._searcher.there(scope),
        ]  # fmt: skip
        there = rest[1:] if weighting else rest
        self._searcher.checked(scope, there)
        chosen = self._searcher.strategies.chosen(strategy, own_strategy(there), state, wanted)
        histories = histories_of(table, len(users), self._kinds, now) if session is None else [session]
        left_out = left_out_of(histories, rules)
        ranking = self._searcher.ranking(state)
        strangers = tuple(user for user, one in zip(users, histories, strict=False) if not one.events)
        versions = {"graph": version_of(state), "tastes": weighting.run if weighting else None}
        titles = sum(len(history.liked) for history in histories)
        name = chosen.name if chosen else HYBRID
        if weighting is not None and name == HYBRID:
            tastes = tastes_of(weighting, histories, rest[0])
            titles = sum(len(taste.ids) for taste in tastes)
            items = yield from recommending_to(
                tastes, left_out, scope, k, wanted, rules, ranking, state, " ".join(users), how
            )
        else:
            liked = list(dict.fromkeys(id_ for history in histories for id_ in history.liked))
            name, items = yield from self._searcher.liking(
                chosen or self._searcher.strategies.usual(state), liked, scope, k, wanted, left_out, rules,
                " ".join(users), histories,
            )  # fmt: skip
        return Personal(tuple(users), scope, versions, titles, strangers, tuple(items), name)


def _of_today(scope: Scope) -> Scope:
    return replace(scope, on=scope.on or dt.datetime.now(dt.UTC).date())
