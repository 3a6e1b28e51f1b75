"""Which strategy answers: the one that a request names, or its catalog, or the usual one; and which there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graph.by_hand import CandidatesOf
from graph.consistent import version_of
from graph.feedback_kinds import FeedbackKinds
from graph.foldin import CONTENT, CONTENT_WEIGHTS, FoldIn
from graph.hand_weights import Candidates
from graph.kept import Kept
from graph.preferences import NEUTRAL, Preferences
from graph.recounted import Recounted
from graph.shelves import likes_of_all
from graph.store import WHOLE_GRAPH, GraphStore, Scope, StoreInfo
from graph.strategies import (
    FOLD_IN_SERIES,
    HAND_WEIGHTS,
    INNER,
    KNOWN,
    POPULARITY,
    STRATEGIES,
    Entry,
    Given,
    is_beside,
    published,
)
from graph.strategy import Strategy, StrategyError
from graph.substitutes import Ranking
from graph.tastes import Weighting

MOST_TITLES = 2_000_000
"""A strategy that looks at every title answers from no more than so many: it would hold all of them in memory."""
_COUNTED_SECONDS = 60.0


@dataclass(frozen=True)
class Listed:
    """A strategy, and whether this store can answer by it; missing: why not. run: of the vectors that it needs."""

    name: str
    about: str
    available: bool
    missing: str | None
    run: str | None
    follows_preferences: bool
    comparison: bool

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Chosen:
    """What answers a question. tuned: it follows preferences; alone: it does without any title asked for."""

    name: str
    strategy: Strategy
    tuned: bool
    alone: bool


class Strategies:
    """Those of one store. Safe for threads.

    ranking, candidates: what a searcher keeps of a state of the store. kinds: which feedback says that a title is
    liked; None: as the environment has it.
    """

    def __init__(
        self, store: GraphStore, ranking: Callable[[str], Ranking | None], candidates: CandidatesOf,
        kinds: FeedbackKinds | None,
    ) -> None:  # fmt: skip
        self._store, self._ranking, self._candidates = store, ranking, candidates
        self._content: Kept[Ranking | None] = Kept(lambda: version_of(store.state()), 1)
        self._info: Kept[StoreInfo] = Kept(lambda: version_of(store.state()), 1)
        self._likes = Recounted(
            "likes of titles", lambda: likes_of_all(store, kinds or FeedbackKinds.configured()), _COUNTED_SECONDS
        )

    def chosen(self, asked: str | None, own: str | None, state: str, wanted: Preferences = NEUTRAL) -> Chosen | None:
        """What a request names, or else its catalog (own); None: neither does.

        A catalog's own counts only where this store can answer by it. Raises StrategyError for a name that a request
        gives and that nothing answers to, and where preferences are given that are not followed.
        """
        name = own if asked is None else asked
        if name is None:
            return None
        try:
            found = self.named(name, state)
        except StrategyError:
            if asked is None:
                return None
            raise
        if wanted != NEUTRAL and not found.tuned:
            tuned = ", ".join(other for other, one in STRATEGIES.items() if one.tuned)
            whose = "" if asked else ", which the catalog names,"
            raise StrategyError(
                f"the strategy {name!r}{whose} follows no preferences: leave out diversity and the weights of facets, "
                f"or name a strategy that follows them: {tuned}"
            )
        return found

    def usual(self, state: str) -> Chosen:
        """What answers for titles where none is named: by substitute vectors, or by hand where there are none."""
        name = FOLD_IN_SERIES if self._ranking(state) else HAND_WEIGHTS
        return self.named(name, state)

    def named(self, name: str, state: str) -> Chosen:
        """One by its name. Raises StrategyError where there is none, or where what it needs is not there."""
        given = self._given(state)
        entry = self._entry(name, given)
        made = entry.make(given) if entry else None
        if entry is None or made is None:
            raise StrategyError(self._missing(name, entry, given))
        return Chosen(name, made, entry.tuned, entry.alone)

    def popular(self, state: str) -> Chosen:
        """What answers where nothing is known of anybody."""
        return self.named(POPULARITY, state)

    def check(self, name: str) -> None:
        """Raise StrategyError where this store cannot answer by a strategy."""
        self.named(name, self._store.state())

    def weighting(self, state: str) -> Weighting | None:
        """That of the taste vectors; None without them."""
        return Weighting.among(self._held(state).embeddings)

    def listed(self) -> list[Listed]:
        """All of them, those that cannot answer here too."""
        given = self._given(self._store.state())
        names = [*STRATEGIES, *KNOWN, *given.published]
        entries = {name: entry for name in names if (entry := self._entry(name, given)) is not None}
        made: list[Listed] = []
        for name, entry in entries.items():
            there = entry.make(given) is not None
            vectors = given.published.get(entry.needs or "")
            made.append(
                Listed(
                    name, entry.about, there, None if there else self._missing(name, entry, given),
                    vectors.run if vectors and there else None, entry.tuned, entry.comparison,
                )
            )  # fmt: skip
        return made

    def _entry(self, name: str, given: Given) -> Entry | None:
        entry = STRATEGIES.get(name) or KNOWN.get(name)
        if entry is None and name in given.published and name not in INNER and not is_beside(name, given.published):
            entry = published(name, f"nearest by published vectors, made by {given.published[name].model}")
        return entry

    def _missing(self, name: str, entry: Entry | None, given: Given) -> str:
        """Why there is no answer by that name."""
        if entry is None:
            known = [one for one, entry in KNOWN.items() if entry.make(given) is not None]
            own = [one for one in given.published if one not in (*STRATEGIES, *KNOWN) and self._entry(one, given)]
            there = [*STRATEGIES, *known, *own]
            return f"there is no strategy {name!r}; there are: {', '.join(there)}"
        return f"the strategy {name!r} needs vectors {entry.needs!r}, and none are published: {entry.how}"

    def _given(self, state: str) -> Given:
        return Given(
            self._store.url, self._ranking(state), lambda: self._content_ranking(state), self.weighting(state),
            self._held(state).embeddings, self._all, max(self._held(state).counts["Title"], 1), self._likes.now,
        )  # fmt: skip

    def _content_ranking(self, state: str) -> Ranking | None:
        """What ranks by vectors of content, made when it is first asked for; None where none are published."""

        def make() -> Ranking | None:
            folded = FoldIn.published(self._store, CONTENT, CONTENT_WEIGHTS)
            return Ranking(self._store, folded) if folded else None

        return self._content.of("content", make, version_of(state))

    def _held(self, state: str) -> StoreInfo:
        return self._info.of("info", self._store.info, version_of(state))

    def _all(self, scope: Scope, state: str) -> Candidates:
        """All titles of a scope, where these are not too many."""
        titles = self._held(state).counts["Title"]
        if scope.catalog == WHOLE_GRAPH and titles > MOST_TITLES:
            raise StrategyError(
                f"this strategy looks at every title, and the whole graph has {titles:,}, more than {MOST_TITLES:,}: "
                "name a catalog, or another strategy"
            )
        return self._candidates(scope, state)
