"""What a request may say about the answers that it wants: how diverse, and how much each facet counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

FACETS = ("cast", "director", "genre", "era", "popularity")
MOST_WEIGHT = 4.0
SEEN = ("ACTED_IN", "SEEN_IN_ARCHIVE")
"""Roles of the cast; all others make a title."""


class PreferenceError(ValueError):
    """A preference that cannot be followed: which one, what it was, and what it may be."""


@dataclass(frozen=True)
class Preferences:
    """How diverse an answer is, and the weight of each facet in it; as they stand here, nothing is changed.

    diversity: 0 to 1, the share of a score that being unlike the titles before it makes (`graph.diversity`).
    cast, director, genre, era, popularity: 0 to 4; 0 takes that facet's pull away, 2 doubles it (`graph.facets`).
    cast: who is seen or heard; director: who made it: directors, and writers and all others behind the camera.
    Raises PreferenceError for anything else.
    """

    diversity: float = 0.0
    cast: float = 1.0
    director: float = 1.0
    genre: float = 1.0
    era: float = 1.0
    popularity: float = 1.0

    def __post_init__(self) -> None:
        _check("diversity", self.diversity, 1.0)
        for facet in FACETS:
            _check(f"the weight of {facet}", getattr(self, facet), MOST_WEIGHT)

    @property
    def weighed(self) -> bool:
        """Whether any facet counts more or less than it does by itself."""
        return any(getattr(self, facet) != 1 for facet in FACETS)

    @classmethod
    def parse(cls, diversity: float, weights: Iterable[str]) -> Preferences:
        """From texts such as "cast=2", the last of a facet counts. Raises PreferenceError."""
        given: dict[str, float] = {}
        for text in weights:
            facet, _, value = text.partition("=")
            if facet not in FACETS:
                raise PreferenceError(f"there is no facet {facet!r}; there are {', '.join(FACETS)}, as in cast=2")
            try:
                given[facet] = float(value)
            except ValueError:
                raise PreferenceError(f"{value!r} is no weight of {facet}; write a number, as in {facet}=2") from None
        return cls(diversity, **given)


def _check(what: str, value: Any, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PreferenceError(f"{what} is {value!r}; it must be a number from 0 to {most:g}")
    if not 0 <= value <= most:
        raise PreferenceError(f"{what} is {value:g}; it must be from 0 to {most:g}")


def counting(preferences: Preferences, role: str) -> float:
    """The weight of the facet that people in a role (a type of relationship) belong to."""
    return preferences.cast if role in SEEN else preferences.director


NEUTRAL = Preferences()
