"""What a typed text means: the names of titles and people that any store finds for it, ranked, with a confidence.

A name's score is its similarity to the text (0 to 1), plus 0.025 for each power of ten of the title's votes, plus or
minus what a year in the text says. So fame decides among equal names, and among unequal ones only when the names are
close: a title a hundred times better known makes up for 0.05 of similarity. `graph.confidence` says how sure that is.
A person counts as a title of their fame (`graph.indexing`), by the whole name or the last one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, Protocol, cast

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from graph.byline import titles_by
from graph.confidence import ALIKE, fit, shares
from graph.names import bare_words, normalise
from graph.reads import Answers, Asking, Text, ask
from graph.store import GraphStore, TextHit
from graph.text import QUERY_LENGTH

CANDIDATES = 80
FAME = 0.025  # a power of ten of votes
RIVAL = FAME / 1.5  # the gap in score at which a rival is e times less likely to be meant
RIVALS = 10  # matches among which the shares are divided
_WRONG_YEAR = -0.15
CLOSE = 0.5  # below this similarity fame says nothing
WELL_KNOWN = 500_000  # votes from which a person's last name is enough
EPISODE = -0.02  # who types a name rarely means an episode or a game of that name
PERSON = -0.03  # and more often a title than a person
UNKNOWN_BELOW = 0.5  # fit of the first: rather not meant than meant
_CALLED_AFTER = 0.8 * RIVAL  # close enough to the person for `ambiguous`
AMBIGUOUS_ABOVE = 0.4  # odds of the second: with equal names, the first has less than about 4 times the votes
CHOICE_ABOVE = 0.1  # odds of a further choice, where a text is ambiguous
CHOICES = 5

# Similarity of names that differ only in what rarely matters.
_SAME_BARE = 0.99  # articles, the spelling of numbers
_SAME_KEY = 0.985  # spaces, hyphens
_HEAD = 0.96  # the text is all that stands before a subtitle
_FIRST_PART = 0.98  # and the subtitle says only that it is the first part
_SUBTITLE = 0.93
_LAST_NAME = 0.93  # of a person well known
_FIRST_NAME = 0.45
_SAME_WORDS = 0.93  # in another order
_TYPO = 0.95  # times the share of characters that are right
_CONTAINED = 0.7  # the text's words stand in the name
_PART_OF_WORD = 0.62  # the text stands in the name, but not as words of it
_BYLINE = 0.97  # all of the name, and a person who made the title
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
    """A title, person, genre or keyword that a text may mean: the name that matched, and of what type.

    confidence, 0 to 1: that this name was meant; which of several titles of one name, `ambiguous` leaves open. fit:
    that this name or one about as good was meant. odds: how likely it is against the first match, 1 for that one.
    """

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
    fit: float = 1.0
    odds: float = 1.0


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


@dataclass(frozen=True)
class Scored:
    """A name that was found, against the reading of the text that it fits best; asked and name: bare words."""

    hit: TextHit
    score: float
    similarity: float
    asked: str
    name: str
    key: str


def match(
    store: GraphStore | Search, query: str, limit: int, *, adult: bool = False, also: Sequence[TextHit] = ()
) -> list[Match]:
    """The titles and people that a text may mean, best first, at most `limit`; one name each, the one that fits best.

    store: an opened store, or its `search_text`. also: names that no text search finds, to be ranked among them. Any
    text will do; a blank one means nothing.
    """
    return judged(ranked(store, query, adult=adult, also=also), limit)


def ranked(
    store: GraphStore | Search, query: str, *, adult: bool = False, also: Sequence[TextHit] = ()
) -> list[Scored]:
    """All that was found for a text with their scores, best first."""
    whole = hasattr(store, "neighbours")
    asked = cast("GraphStore", store if whole else _Names(cast(Search, getattr(store, "search_text", None) or store)))
    return ask(asked, _ranking(query, adult, also, whole))


def _ranking(query: str, adult: bool, also: Sequence[TextHit], byline: bool) -> Asking[list[Scored]]:
    wanted = searches(query, adult)
    found = (yield wanted) if wanted else ()
    hits = [*also, *(hit for hits in found for hit in hits)]
    scored = in_order(query, hits)
    text = byline_of(query, scored) if byline else None
    if text is None:
        return scored
    made, _ = yield from titles_by(text, adult)
    return in_order(query, hits, made)


def searches(query: str, adult: bool) -> list[Text]:
    """The text searches that find what a text may mean; none of a blank one."""
    readings = _readings(query[:QUERY_LENGTH])
    wanted = [Text(reading.name.whole, CANDIDATES, adult=adult) for reading in readings]
    if readings:
        wanted.insert(1, Text(readings[0].name.whole, CANDIDATES // 2, prefix=True, adult=adult))
    return wanted


def in_order(query: str, hits: Iterable[TextHit], byline: Iterable[TextHit] = ()) -> list[Scored]:
    """What was found for a text with its scores, best first. byline: titles of whom the text names a maker too."""
    readings = _readings(query[:QUERY_LENGTH])
    if not readings:
        return []
    best: dict[str, Scored] = {}
    for hit in hits:
        _keep(best, max((_score(reading, hit) for reading in readings), key=lambda one: one.score))
    for hit in byline:
        _keep(best, _scored(hit, readings[0].name, _BYLINE + FAME * math.log10(1 + hit.votes), ALIKE))
    found = sorted(best.values(), key=_order)
    if found and found[0].hit.label == "Person" and found[0].similarity >= ALIKE:
        # What is called after a person (a show, a film about them) may as well be meant.
        least = found[0].score - _CALLED_AFTER
        found = [replace(one, score=max(one.score, least)) if _called(one) else one for one in found]
    return sorted(found, key=_order)


def byline_of(query: str, found: Sequence[Scored]) -> str | None:
    """The text, normalised, where it may name a title and who made it (`graph.byline`): no name that was found fits."""
    readings = _readings(query[:QUERY_LENGTH])
    if not readings or " " not in readings[0].name.whole or any(one.similarity >= ALIKE for one in found):
        return None
    return readings[0].name.whole


class _Names:
    """A search for names by itself, asked as a store is."""

    def __init__(self, search: Search) -> None:
        self.search_text = search

    def gather(self, wanted: Sequence[Text]) -> Answers:
        """What each search finds."""
        return Answers(cast("GraphStore", self), wanted)


def _order(one: Scored) -> tuple[float, int, str]:
    return -one.score, -one.hit.votes, one.hit.id


def _called(one: Scored) -> bool:
    return one.hit.label == "Title" and one.similarity >= _HEAD


def decide(matches: Sequence[Match]) -> Literal["found", "ambiguous", "unknown"]:
    """Whether the first match answers the text.

    unknown: no match, or the first one's fit is below UNKNOWN_BELOW. ambiguous: the second is more than 0.4 times as
    likely as the first. Names alike, that is when the first has less than about 4 times the votes of the second, and
    no year in the text says which one is meant.
    """
    if not matches or matches[0].fit < UNKNOWN_BELOW:
        return "unknown"
    return "ambiguous" if len(matches) > 1 and matches[1].odds > AMBIGUOUS_ABOVE else "found"


def choices(matches: Sequence[Match]) -> int:
    """How many matches of an ambiguous text to offer: those 0.1 times as likely as the first, CHOICES at most."""
    return min(sum(one.odds > CHOICE_ABOVE for one in matches), CHOICES)


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


def _keep(best: dict[str, Scored], one: Scored) -> None:
    if one.hit.id not in best or one.score > best[one.hit.id].score:
        best[one.hit.id] = one


def judged(ranked: Sequence[Scored], limit: int) -> list[Match]:
    """The first matches with their confidence.

    That is fit × share of the name × odds against the best known title of that name; it never rises from one match to
    the next.
    """
    found = ranked[: max(limit, RIVALS)] if limit > 0 else ()
    leading: dict[str, float] = {}
    for one in found:
        leading.setdefault(one.key, one.score)
    share = shares(leading)
    matches: list[Match] = []
    least = 1.0
    for one in found:
        hit, fits = one.hit, fit(one.asked, one.name, one.similarity)
        least = min(least, fits * share[one.key] * _odds(one.score - leading[one.key]))
        match_ = Match(
            hit.id, hit.text, hit.type, hit.region, hit.language, round(least, 4), hit.votes, hit.year, hit.kind
        )
        matches.append(replace(match_, label=hit.label, fit=round(fits, 4), odds=_odds(one.score - found[0].score)))
    return matches[:limit]


def _scored(hit: TextHit, asked: _Name, score: float, similarity: float) -> Scored:
    name = _name(hit.text)
    return Scored(hit, score, similarity, asked.bare, name.bare, name.key)


def _odds(gap: float) -> float:
    return math.exp(max(-50.0, gap / RIVAL))


def _score(reading: _Reading, hit: TextHit) -> Scored:
    similarity = _similarity(reading.name, _name(hit.text))
    if hit.label == "Person":
        similarity = _of_person(reading, hit, similarity)
    if similarity < CLOSE:
        return _scored(hit, reading.name, similarity, similarity)
    score = similarity + FAME * math.log10(1 + hit.votes)
    if hit.kind in _SECONDARY_KINDS:
        score += EPISODE
    if hit.label == "Person":
        score += PERSON
    if reading.year is not None and hit.year is not None:
        apart = abs(reading.year - hit.year)
        score += 0.06 if apart == 0 else 0.03 if apart == 1 else _WRONG_YEAR
        similarity += 0.0 if apart <= 1 else _WRONG_YEAR
    return _scored(hit, reading.name, score, similarity)


def _of_person(reading: _Reading, hit: TextHit, similarity: float) -> float:
    """No year stands behind a person's name. The last name of someone well known will do, a first name never."""
    if reading.year is not None:
        return 0.0
    asked, name = reading.name.whole, _name(hit.text).whole
    if " " in asked or similarity >= ALIKE:
        return similarity
    if asked != name.rpartition(" ")[2]:
        return min(similarity, _FIRST_NAME)
    return _LAST_NAME if hit.votes >= WELL_KNOWN else similarity


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
