"""Which series of works a name speaks of: "Toy Story 3" and "Toy Story" speak of "toy story".

IMDb's files have no relation between a film and its sequels; the names of titles and of parts are traces of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from graph.names import normalise

_SUBTITLE = r"\s*(?::|\s[-–—]\s|,? (?i:part|vol\.?|volume|chapter|episode) ).*$"
_NUMERALS = "ii|iii|iv|v|vi|vii|viii|ix|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen"
_NUMBER = rf"(?:\s(?:[0-9]{{1,2}}|{_NUMERALS}))+$"
_ARTICLE = r"^(?:the|a|an) "


def series_name(title: str) -> str:
    """The name without subtitle, number and article, normalised; '' for an empty one."""
    return _NO_ARTICLE.sub("", _NO_NUMBER.sub("", normalise(_NO_SUBTITLE.sub("", title))))


def series_label(title: str) -> str:
    """The name without subtitle and number as people write it: "Toy Story" of "Toy Story 3"."""
    return _NO_FINAL_NUMBER.sub("", _NO_SUBTITLE.sub("", title)) or title


def series_parts(title: str) -> list[str]:
    """The series that each part of a name speaks of: "lost world" and "jurassic park"."""
    return [series_name(part) for part in _PARTS.split(title)]


def same_series(a: str, b: str) -> bool:
    """Whether two names speak of one series, or one goes on where the other ends ("The Matrix Reloaded")."""
    return any(continues(one, other) for one in series_parts(a) for other in series_parts(b))


def telling_words(name: str) -> list[str]:
    """The words of a name that say what it is about, each once, in order: "matrix" and "reloaded"; "alien" of "Alien³".

    Without the s of a plural and a number at the end, so that "Marvel" and "Marvels" are the same.
    """
    stems = dict.fromkeys(stemmed(normalise(name)).split())
    return [word for word in stems if len(word) > 1 and word not in _PLAIN_WORDS]


def stemmed(name: str) -> str:
    """A normalised name whose words have lost the s of a plural and a number at the end."""
    return " ".join(_STEM.sub("", word) for word in name.split())


def part_words(parts: Iterable[str]) -> set[str]:
    """The words in the names of parts that say who it is: "ripley" of "Ripley's Mother"."""
    words = {word for part in parts for word in normalise(part).split() if len(word) > 2 and word.isalpha()}
    return words - _PLAIN_PARTS


def names_alike(names: Iterable[str], others: Sequence[str]) -> bool:
    """Whether some two of the names speak of one series, or have a telling word in common."""
    return any(
        same_series(one, other) or not set(telling_words(one)).isdisjoint(telling_words(other))
        for one in names
        for other in others
    )


def series_in_common(name: str, other: str) -> str | None:
    """What two names of one series have in common, as people write it: "Batman" of "Batman Forever" and "Batman"."""
    for one in (name, other):
        for part in _PARTS.split(one):
            rest = other if one is name else name
            if any(continues(series_name(part), its) and len(series_name(part)) <= len(its)
                   for its in series_parts(rest)):  # fmt: skip
                return _NO_FINAL_NUMBER.sub("", _NO_SUBTITLE.sub("", part)) or part
    return None


def continues(a: str, b: str) -> bool:
    """Whether of two series names, neither empty, one is the beginning of the other, in whole words."""
    return bool(a and b) and (f"{a} ".startswith(f"{b} ") or f"{b} ".startswith(f"{a} "))


_NO_SUBTITLE, _NO_NUMBER, _NO_ARTICLE = (re.compile(pattern) for pattern in (_SUBTITLE, _NUMBER, _ARTICLE))
_PARTS = re.compile(r":\s|\s[-–—]\s")
_NO_FINAL_NUMBER = re.compile(_NUMBER, re.IGNORECASE)
_STEM = re.compile(r"(?<=[^\W\d]{3})s?\d*$")
_PLAIN_WORDS = frozenset({
    "the", "an", "of", "and", "in", "to", "for", "on", "at", "by", "with", "from", "is", "it", "my", "la", "le", "de",
    "el", "ii", "iii", "iv", "part", "vol", "chapter", "episode", "movie", "film", "new", "one", "two", "three",
    "return", "back", "story", "day", "night", "man", "love", "life", "world",
})  # fmt: skip
_PLAIN_PARTS = frozenset({
    "the", "and", "man", "woman", "boy", "girl", "old", "young", "mrs", "miss", "sir", "lady", "king", "doctor",
    "captain", "voice", "self", "narrator", "himself", "herself",
})  # fmt: skip
