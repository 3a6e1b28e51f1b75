"""How likely it is that two titles are parts of one series, remakes or spin-offs, by the traces that both leave.

A logistic function of twelve traces, each 0 where there is none. The weights were fitted on pairs known to belong
together and on what else is near one of them, by

    python -m benchmarks.series_fit

(docs/out-of-catalog.md says which pairs, and how well it does on others).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Trace(IntEnum):
    """What two titles have in common, and its column in a row of traces."""

    NEAREST = 0  # 1 / place among all titles by people in common
    WRITER = 1  # a writer in common
    RARE_WRITER = 2  # the same, over the square root of how many other titles that writer has
    PART = 3  # square root of how many people play a part with a telling word in common
    RECAST = 4  # square root of how many parts are called the same and played by another person
    SERIES = 5  # both names are those of one series, subtitles and numbers aside
    NAME_PEOPLE = 6  # one name goes on where the other ends, times the square root of the people's cosine
    NAME_GENRES = 7  # the same, times the genres' likeness
    RARE_WORD = 8  # how rare the rarest word is that the names have in common
    WORDS = 9  # the share of the asked name, by rarity, that the other one has
    GENRES = 10  # genres in common, of all that either has
    KEYWORD = 11  # 1 / place among all titles by rare keywords in common


WEIGHTS: Mapping[Trace, float] = {
    Trace.NEAREST: 4.08,
    Trace.WRITER: 3.11,
    Trace.RARE_WRITER: 3.76,
    Trace.PART: 3.36,
    Trace.RECAST: 2.6,
    Trace.SERIES: 2.27,
    Trace.NAME_PEOPLE: 5.91,
    Trace.NAME_GENRES: 2.81,
    Trace.RARE_WORD: 1.88,
    Trace.WORDS: 1.46,
    Trace.GENRES: 2.49,
    Trace.KEYWORD: 2.71,
}
CONSTANT = -9.17
GROUPS: Mapping[str, tuple[Trace, ...]] = {
    "name": (Trace.SERIES, Trace.NAME_PEOPLE, Trace.NAME_GENRES, Trace.RARE_WORD, Trace.WORDS),
    "part": (Trace.PART, Trace.RECAST),
    "people": (Trace.NEAREST, Trace.WRITER, Trace.RARE_WRITER, Trace.NAME_PEOPLE),
    "keyword": (Trace.KEYWORD,),
}
"""Which traces a reason stands for."""
LEAST = 0.3
"""From this probability on a title counts as a sibling: chosen on validation (docs/out-of-catalog.md has the table)."""
SURE, YEARS = 2.0, 0.75
"""Among siblings no more log-odds than SURE count, for beyond them the nearer year says more (by YEARS)."""

_WEIGHTS = np.array(list(WEIGHTS.values()))


def log_odds(traces: Floats) -> Floats:
    """Of rows of traces: (n, traces) → (n,)."""
    made: Floats = traces @ _WEIGHTS + CONSTANT
    return made


def probability(log_odds: float) -> float:
    """0 to 1."""
    return 1 / (1 + math.exp(-log_odds))


def odds_of(probability: float) -> float:
    """Log-odds."""
    return math.log(probability / (1 - probability))


def because(traces: Floats) -> tuple[str, ...]:
    """Of one title's traces, (traces,): the groups without one of which it would count as no sibling, the most telling
    first; the most telling alone where it still would without any one of them."""
    odds, least = float(log_odds(traces)), odds_of(LEAST)
    falls = {name: float(traces[list(own)] @ _WEIGHTS[list(own)]) for name, own in GROUPS.items()}
    told = sorted((name for name in falls if falls[name] > 0), key=lambda name: -falls[name])
    return tuple(name for name in told if odds - falls[name] < least) or tuple(told[:1])


def place(log_odds: float, years: float) -> float:
    """By what siblings are ordered among themselves, the largest first. years: log(1 + years between them)."""
    return min(log_odds, SURE) - YEARS * years
