"""How likely it is that two titles are parts of one series, remakes or spin-offs, by the traces that both leave.

A logistic function of twelve traces, each 0 where there is none. The weights were fitted on pairs known to belong
together and on what else is near one of them, by

    python -m benchmarks.series_fit

(docs/out-of-catalog.md says which pairs, and how well it does on others).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WEIGHTS: Mapping[str, float] = {
    "nearest": 4.17,  # 1 / place among all titles by people in common
    "writer": 3.04,  # a writer in common
    "rare_writer": 4.11,  # the same, over the square root of how many other titles that writer has
    "part": 3.34,  # square root of how many people play a part with a telling word in common
    "recast": 2.27,  # square root of how many parts are called the same and played by another person
    "series": 2.05,  # both names are those of one series, subtitles and numbers aside
    "name_people": 5.96,  # one name goes on where the other ends, times the square root of the people's cosine
    "name_genres": 2.84,  # the same, times the genres' likeness
    "rare_word": 1.4,  # how rare the rarest word is that the names have in common
    "words": 1.95,  # the share of the asked name, by rarity, that the other one has
    "genres": 2.42,  # genres in common, of all that either has
    "keyword": 2.51,  # 1 / place among all titles by rare keywords in common
}
CONSTANT = -9.38
(
    NEAREST, WRITER, RARE_WRITER, PART, RECAST, SERIES, NAME_PEOPLE, NAME_GENRES, RARE_WORD, WORDS, GENRES, KEYWORD
) = range(len(WEIGHTS))  # fmt: skip
GROUPS: Mapping[str, tuple[int, ...]] = {
    "name": (SERIES, NAME_PEOPLE, NAME_GENRES, RARE_WORD, WORDS),
    "part": (PART, RECAST),
    "people": (NEAREST, WRITER, RARE_WRITER, NAME_PEOPLE),
    "keyword": (KEYWORD,),
}
"""Which traces a reason stands for."""
LEAST = 0.2
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
