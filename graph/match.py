"""Which titles a typed text means: the names that any store finds for it, ranked, each with a confidence.

A name's score is its similarity to the text (0 to 1), plus 0.025 for each power of ten of the title's votes, plus or
minus what a year in the text says. So fame decides among equal names, and among unequal ones only when the names are
close: a title a hundred times better known makes up for 0.05 of similarity.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, Protocol

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from graph.names import bare_words, normalise
from graph.store import GraphStore, TextHit
from graph.text import QUERY_LENGTH

CANDIDATES = 80
FAME = 0.025  # a power of ten of votes
RIVAL = FAME / 1.5  # the gap in score at which a rival is e times less likely to be meant
CLOSE = 0.5  # below this similarity fame says nothing
EPISODE = -0.02  # who types a name rarely means an episode or a game of that name
UNKNOWN_BELOW = 0.4
AMBIGUOUS_ABOVE = (
    0.4  # second's confidence / first's; with equal names: the first has less than about 4 times the votes
)
_CONFIDENCE = ((0.0, 0.0), (0.55, 0.05), (0.7, 0.3), (0.8, 0.55), (0.9, 0.8), (1.0, 0.95), (1.06, 0.98), (2.0, 0.99))

# Similarity of names that differ only in what rarely matters.
_SAME_BARE = 0.99  # articles, the spelling of numbers
_SAME_KEY = 0.985  # spaces, hyphens
_HEAD = 0.96  # the text is all that stands before a subtitle
_FIRST_PART = 0.98  # and the subtitle says only that it is the first part
_SUBTITLE = 0.93
_SAME_WORDS = 0.93  # in another order
_TYPO = 0.95  # times the share of characters that are right
_CONTAINED = 0.7  # the text's words stand in the name
_PART_OF_WORD = 0.62  # the text stands in the name, but not as words of it
_FEW_LETTERS = 0.5  # the same for less than four letters, which stand in too many names
_COVERED = 0.12  # what it adds when the text is all of the name
_BEGINS = 0.03  # what it adds when the name begins with the text

_YEAR = re.compile(r"^(.+?) \(?(1[89]\d\d|20\d\d)\)?$")
_SUBTITLES = re.compile(r"\s*:\s+|\s+[-–—]\s+")
_FIRST = re.compile(r"(?:part|vol|volume|chapter|episode) 1")
_SECONDARY_KINDS = frozenset(("tvEpisode", "videoGame"))


class Search(Protocol):
    """What `GraphStore.search_text` does."""

    def __call__(self, query: str, limit: int, *, prefix: bool = False, adult: bool = False) -> list[TextHit]:
        """Names that may be meant by a text, best first, at most `limit`."""


@dataclass(frozen=True)
class Match:
    """A title that a text may mean: the name that matched, of what type, and how sure that is, 0 to 1."""

    id: str
    text: str
    type: str  # primary, original or alternate
    region: str | None
    language: str | None
    confidence: float
    votes: int
    year: int | None
    kind: str | None
    label: str = "Title"


@dataclass(frozen=True)
class _Name:
    """A name in the forms in which it is compared."""

    whole: str
    bare: str
    key: str
    parts: tuple[tuple[_Name, float], ...] = ()


@dataclass(frozen=True)
class _Reading:
    """One way of reading the text: a name, perhaps with a year after it."""

    name: _Name
    year: int | None


def match(store: GraphStore | Search, query: str, limit: int, *, adult: bool = False) -> list[Match]:
    """The titles that a text may mean, best first, at most `limit`; one name each, the one that fits best.

    store: an opened store, or its `search_text`. Any text will do; a blank one means nothing.
    """
    search: Search = store if not hasattr(store, "search_text") else store.search_text
    readings = _readings(query[:QUERY_LENGTH])
    if not readings or limit <= 0:
        return []
    best: dict[str, tuple[float, TextHit]] = {}
    for hit in _candidates(search, readings, adult):
        score = max(_score(reading, hit) for reading in readings)
        if hit.id not in best or score > best[hit.id][0]:
            best[hit.id] = (score, hit)
    ranked = sorted(best.values(), key=lambda pair: (-pair[0], -pair[1].votes, pair[1].id))
    return [
        _matched(hit, score, rival=ranked[0 if place else 1][0] if len(ranked) > 1 else -math.inf)
        for place, (score, hit) in enumerate(ranked[:limit])
    ]


def decide(matches: Sequence[Match]) -> Literal["found", "ambiguous", "unknown"]:
    """Whether the first match answers the text.

    unknown: no match, or the likeliest two together are not likelier than 0.4. ambiguous: the second is more than
    0.4 times as likely as the first. Names alike, that is when the first has less than about 4 times the votes of
    the second, and no year in the text says which one is meant.
    """
    if not matches:
        return "unknown"
    first, second = matches[0].confidence, matches[1].confidence if len(matches) > 1 else 0.0
    close = second > AMBIGUOUS_ABOVE * first
    if first + (second if close else 0.0) < UNKNOWN_BELOW:
        return "unknown"
    return "ambiguous" if close else "found"


def _readings(query: str) -> list[_Reading]:
    """The text as a name; and, when it ends in a year, as the name before it. None of a blank text."""
    whole = normalise(query)
    if not whole:
        return []
    readings = [_Reading(_name(query), None)]
    dated = _YEAR.match(whole)
    if dated:
        readings.append(_Reading(_name(dated[1]), int(dated[2])))
    return readings


def _candidates(search: Search, readings: list[_Reading], adult: bool) -> Iterator[TextHit]:
    text = readings[0].name.whole
    yield from search(text, CANDIDATES, adult=adult)
    yield from search(text, CANDIDATES // 2, prefix=True, adult=adult)
    for reading in readings[1:]:
        yield from search(reading.name.whole, CANDIDATES, adult=adult)


def _matched(hit: TextHit, score: float, rival: float) -> Match:
    """The confidence: how well the score speaks for the title, times how likely it is against its best rival.

    The first is piecewise linear in the score (`_CONFIDENCE`), the second logistic in the gap to the rival.
    """
    likelier = 1.0 / (1.0 + math.exp(min(50.0, (rival - score) / RIVAL)))
    confidence = round(_confidence(score) * likelier, 4)
    return Match(
        hit.id, hit.text, hit.type, hit.region, hit.language, confidence, hit.votes, hit.year, hit.kind, hit.label
    )


def _confidence(score: float) -> float:
    for (low, least), (high, most) in pairwise(_CONFIDENCE):
        if score < high:
            return least + (most - least) * max(0.0, score - low) / (high - low)
    return _CONFIDENCE[-1][1]


def _score(reading: _Reading, hit: TextHit) -> float:
    similarity = _similarity(reading.name, _name(hit.text))
    if similarity < CLOSE:
        return similarity
    score = similarity + FAME * math.log10(1 + hit.votes)
    if hit.kind in _SECONDARY_KINDS:
        score += EPISODE
    if reading.year is not None and hit.year is not None:
        apart = abs(reading.year - hit.year)
        score += 0.06 if apart == 0 else 0.03 if apart == 1 else -0.15
    return score


def _similarity(asked: _Name, name: _Name) -> float:
    """How alike two names are, 0 to 1: the best of the ways in which people shorten or misspell one."""
    alike = _alike(asked, name)
    if alike >= _HEAD:
        return alike
    for part, worth in name.parts:
        alike = max(alike, worth * _alike(asked, part))
    if " " in asked.bare:
        in_order = fuzz.token_sort_ratio(asked.bare, name.bare) / 100
        alike = max(alike, _SAME_WORDS if in_order == 1.0 else 0.9 * in_order)
    return max(alike, _contained(asked, name))


def _alike(asked: _Name, name: _Name) -> float:
    if asked.whole == name.whole:
        return 1.0
    if asked.bare == name.bare:
        return _SAME_BARE
    if asked.key == name.key:
        return _SAME_KEY
    return _TYPO * max(
        OSA.normalized_similarity(asked.key, name.key), OSA.normalized_similarity(asked.whole, name.whole)
    )


def _contained(asked: _Name, name: _Name) -> float:
    if len(asked.bare) >= len(name.bare):
        return 0.0
    begins = _BEGINS if name.bare.startswith(asked.bare) or name.whole.startswith(asked.whole) else 0.0
    more = begins + _COVERED * len(asked.bare) / len(name.bare)
    as_words = fuzz.token_set_ratio(asked.bare, name.bare) / 100
    somewhere = fuzz.partial_ratio(asked.bare, name.bare) / 100
    return max(
        as_words * (_CONTAINED + more) if as_words > 0.8 else 0.0,
        somewhere * ((_PART_OF_WORD if len(asked.bare) > 3 else _FEW_LETTERS) + more) if somewhere > 0.8 else 0.0,
    )


@lru_cache(maxsize=50_000)
def _name(text: str) -> _Name:
    whole = normalise(text)
    bare = bare_words(whole)
    pieces = [piece for piece in _SUBTITLES.split(text.strip()) if normalise(piece)]
    parts = [(_name(piece), _SUBTITLE) for piece in pieces[1:]]
    if len(pieces) > 1:
        parts.append((_name(pieces[0]), _FIRST_PART if _FIRST.fullmatch(parts[-1][0].bare) else _HEAD))
    return _Name(whole, " ".join(bare), "".join(bare), tuple(parts))
