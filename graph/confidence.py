"""How sure it is that a name is the one that was meant; fitted, so that of those with 0.8 eight of ten are right.

A name's confidence is its `fit` times its `share`. The fit says how likely it is that someone who typed the text meant
this name or one about as good: a logistic function of how alike they are, whole and word by word. The share divides
that among the names that compete for the text.

The constants were fitted on validation queries of imdb-24k and imdb-2017-akas together, by

    python -m benchmarks.matching --fit --seed 1 --seed 2 --queries 1000

before people were in the index; since then it gives the same within 0.1. Reported figures are of another seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rapidfuzz.distance import OSA

ALIKE = 0.98  # similarity from which a name counts as typed in full
FIT_ALIKE = 0.985
FIT_WEIGHTS = {
    "similarity": 16.95,
    "begins": 2.26,
    "asked_words": 1.19,
    "worst_word": 3.15,
    "name_words": 1.5,
    "letters": 1.74,
    "constant": -19.54,
}
SHARE = 0.026  # the gap in score at which another name is e times less likely to be meant

_WORDS = 16


def fit(asked: str, name: str, similarity: float) -> float:
    """How likely it is that a text means such a name or one about as good, 0 to 1.

    asked, name: bare words, parted by spaces (`graph.names.bare_words`); similarity: as `graph.match` sees it.
    """
    if similarity >= ALIKE:
        return FIT_ALIKE
    logit = sum(FIT_WEIGHTS[what] * value for what, value in features(asked, name, similarity).items())
    return FIT_ALIKE / (1.0 + math.exp(-max(-50.0, min(50.0, logit))))


def features(asked: str, name: str, similarity: float) -> Mapping[str, float]:
    """What the fit depends on: how well each side's words are found on the other, and how much was typed."""
    words, others = asked.split()[:_WORDS], name.split()[:_WORDS]
    mine = _found(words, others)
    return {
        "similarity": similarity,
        "begins": float(name.startswith(asked)),
        "asked_words": _mean(words, mine),
        "worst_word": min(mine, default=0.0),
        "name_words": _mean(others, _found(others, words)),
        "letters": math.log(max(1, len(asked.replace(" ", "")))),
        "constant": 1.0,
    }


def shares(scores: Mapping[str, float]) -> dict[str, float]:
    """How likely each of the competing names is against the others, given the score of each; they sum to one."""
    most = max(scores.values(), default=0.0)
    weights = {name: math.exp(max(-50.0, (score - most) / SHARE)) for name, score in scores.items()}
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def _found(words: Sequence[str], among: Sequence[str]) -> list[float]:
    """Of each word, how alike the most similar of the other words is."""
    return [max((OSA.normalized_similarity(word, other) for other in among), default=0.0) for word in words]


def _mean(words: Sequence[str], values: Sequence[float]) -> float:
    """The mean of a value of each word, long words counting for more."""
    letters = sum(map(len, words))
    return sum(len(word) * value for word, value in zip(words, values, strict=True)) / letters if letters else 0.0
