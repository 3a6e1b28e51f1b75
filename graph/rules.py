"""What a request or a service lays down about a list, beside whom it is for: who may be in it, how many of a kind.

Rules choose from candidates that are ranked already; they never change what a score says of taste, but for `boosts`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from graph.featured import MOST_BOOST, MOST_FEATURED
from graph.franchise import series_name
from graph.preferences import PreferenceError

MOST_NAMED = 100
_MOST = MOST_NAMED + MOST_FEATURED
SCORED = ("kind", "title", "start_year", "runtime_minutes")
"""Properties of candidates that rules look at."""


@dataclass(frozen=True)
class Rules:
    """watched: whether titles that were watched may come again; disliked ones never do.

    per_series, per_director: at most so many of one, 0: any number. kinds: only these; minutes: none that is longer,
    nor one whose length is not known. hide: never these; pin: these first, in this order, where the scope has
    them and the rules let them;
    boosts: what a title's score is multiplied by. explore: the share of the list that is drawn from farther down, by
    `seed`: the same seed and user draw the same. Raises PreferenceError for what cannot be followed.
    """

    watched: bool = False
    per_series: int = 2
    per_director: int = 0
    kinds: tuple[str, ...] = ()
    minutes: int | None = None
    hide: tuple[str, ...] = ()
    pin: tuple[str, ...] = ()
    boosts: Mapping[str, float] = field(default_factory=dict)
    explore: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.per_series, self.per_director) < 0:
            raise PreferenceError("no list has less than 0 titles of a series or a director; 0 means any number")
        if not 0 <= self.explore <= 1:
            raise PreferenceError(f"the share to explore is {self.explore:g}; it must be from 0 to 1")
        if self.minutes is not None and self.minutes < 1:
            raise PreferenceError(f"{self.minutes} minutes are no time for a title")
        if len(self.hide) > MOST_NAMED or max(len(self.pin), len(self.boosts)) > _MOST:
            raise PreferenceError(f"at most {MOST_NAMED} titles can be hidden, pinned or boosted by a request")
        for id_, factor in self.boosts.items():
            if not 0 <= factor <= MOST_BOOST:
                raise PreferenceError(f"the boost of {id_} is {factor:g}; it must be from 0 to {MOST_BOOST:g}")

    def featuring(self, pins: Sequence[str], boosts: Mapping[str, float]) -> Rules:
        """With what a catalog pins and boosts (`graph.featured`); what the request says of a title goes before it."""
        if not pins and not boosts:
            return self
        pinned = [*self.pin, *(id_ for id_ in pins if id_ not in set(self.pin))]
        return replace(self, pin=tuple(pinned), boosts={**boosts, **self.boosts})

    def allowed(self, row: Mapping[str, Any]) -> bool:
        """Whether a candidate is of a kind and length that is wanted. row: SCORED."""
        if self.kinds and row["kind"] not in self.kinds:
            return False
        return self.minutes is None or (row["runtime_minutes"] is not None and row["runtime_minutes"] <= self.minutes)

    def chosen(
        self, ranked: Sequence[str], k: int, rows: Mapping[str, Mapping[str, Any]],
        directors: Mapping[str, Collection[str]], whom: str,
    ) -> tuple[list[str], list[str]]:  # fmt: skip
        """The k titles that are answered, pinned ones first, and those of them that are there to explore.

        ranked: candidates, the best first. rows: SCORED of each. directors: of each. whom: what a draw is for.
        """
        series: Counter[str] = Counter()
        people: Counter[str] = Counter()
        found: list[str] = []

        def taken(id_: str) -> bool:
            name, own = series_name(rows[id_]["title"] or ""), directors.get(id_, ())
            full = bool(self.per_series and name and series[name] >= self.per_series)
            full |= bool(self.per_director) and any(people[one] >= self.per_director for one in own)
            if not full:
                series[name] += 1
                people.update(own)
                found.append(id_)
            return not full

        inside = set(ranked)
        for id_ in dict.fromkeys(self.pin):
            if id_ in inside and len(found) < k and self.allowed(rows[id_]):
                taken(id_)
        others = [id_ for id_ in ranked if id_ not in set(self.pin) and self.allowed(rows[id_])]
        drawn = min(round(self.explore * k), max(k - len(found), 0))
        rest = iter(others)
        for id_ in rest:
            if len(found) >= k - drawn:
                break
            taken(id_)
        later = [id_ for id_ in others if id_ not in set(found)]
        explored: list[str] = []
        for place in self._chance(whom).permutation(len(later)).tolist() if drawn else ():
            if len(found) >= k:
                break
            if taken(later[place]):
                explored.append(later[place])
        return found, explored

    def _chance(self, whom: str) -> np.random.Generator:
        digest = hashlib.sha256(f"{self.seed}\0{whom}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8]))


PLAIN = Rules()
