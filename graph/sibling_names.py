"""Which names of titles speak of what another title's name speaks of, and how tellingly."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from graph.franchise import continues, series_label, series_name, series_parts, stemmed, telling_words
from graph.names import normalise
from graph.store import TextHit

NAMED = ("title", "original_title")
HITS = 40
"""Of a text search."""
_RARE = 20  # titles with a word in their names: below, all are found by it, and no other word is searched for
_COMMON = 50  # titles with a word in their names from which on it tells nothing
_UNKNOWN = math.log(_COMMON / 12)  # how telling a word is that was not searched for


def texts(asked: Mapping[str, Any]) -> list[str]:
    """Every text that `Names` may want to search for, each once."""
    names = _names(asked)
    words = [word for name in names for word in _words_of(name)]
    return list(dict.fromkeys([*words, *(series_label(name) for name in names)]))


def _names(asked: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(name for name in (asked["title"], asked["original_title"]) if name))


def _words_of(name: str) -> list[str]:
    """The first telling word of a name and the longest one besides, and that of its subtitle."""
    series, every = telling_words(series_label(name)), telling_words(name)
    longest = sorted(series[1:], key=len, reverse=True)[:1]
    subtitle = sorted((word for word in every if word not in series), key=len, reverse=True)[:1]
    return [*series[:1], *longest, *subtitle]


class Names:
    """The asked title's names, and those of titles that share a telling word with them or begin alike.

    search: what a search for one of `texts` has found, HITS at most; it is not asked for more of them than needed.
    """

    def __init__(self, asked: Mapping[str, Any], search: Callable[[str], Sequence[TextHit]]) -> None:
        self._search_text = search
        names = _names(asked)
        self._parts = [stemmed(part) for name in names for part in series_parts(name) if part]
        self._series = {stemmed(series_name(name)) for name in names} - {""}
        self._begin = {part.split()[0] for part in self._parts}
        self._names: dict[str, set[str]] = defaultdict(set)
        self._words: dict[str, set[str]] = defaultdict(set)  # of each title: all stems in its names
        self._rarity: dict[str, float] = {}  # of each telling word of the asked names
        self.all_found = False
        """Whether titles that belong to the asked one by name have been found already, as far as they go."""
        for name in names:
            self._search_words(name)
        if not self.all_found:
            for name in names:
                self._search(series_label(name))
        self._whole = sum(self._rarity.values())

    def _search_words(self, name: str) -> None:
        """Look for the telling words of a name."""
        series, every = telling_words(series_label(name)), telling_words(name)
        for word in _words_of(name):
            if self._rarity.get(word, _UNKNOWN) == _UNKNOWN:
                titles = len({id_ for id_ in self._search(word) if word in self._words[id_]})
                self._rarity[word] = math.log(_COMMON / max(titles, 1))
                self.all_found = self.all_found or (word in series and titles < _RARE)
            if self.all_found:
                break
        for word in every:
            self._rarity.setdefault(word, _UNKNOWN)

    def _search(self, text: str) -> list[str]:
        hits = [hit for hit in self._search_text(text) if hit.label == "Title"]
        for hit in hits:
            self._add(hit.id, hit.text)
        return [hit.id for hit in hits]

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in titles that were found by other ways: their `id` and NAMED."""
        for row in rows:
            for name in {row["title"], row["original_title"]} - {None}:
                self._add(row["id"], name)

    def _add(self, id_: str, name: str) -> None:
        if name not in self._names[id_]:
            self._names[id_].add(name)
            self._words[id_].update(stemmed(normalise(name)).split())

    def alike(self) -> list[str]:
        """The titles found so far whose names have a telling word in common or may go on where the asked one ends."""
        telling = self._rarity.keys() | self._begin
        return [id_ for id_, words in self._words.items() if not telling.isdisjoint(words)]

    def traces(self, id_: str) -> tuple[bool, bool, float, float]:
        """Whether the names are of one series, and whether one goes on where the other ends; of the words in common how
        rare the rarest is, and their share of the asked name."""
        words = self._words.get(id_)
        if words is None:
            return False, False, 0.0, 0.0
        common = [rarity for word, rarity in self._rarity.items() if word in words]
        share = sum(common) / self._whole if self._whole > 0 else 0.0
        if self._begin.isdisjoint(words):
            return False, False, max(common, default=0.0), share
        same = any(stemmed(series_name(name)) in self._series for name in self._names[id_])
        theirs = [stemmed(part) for name in self._names[id_] for part in series_parts(name)]
        on = same or any(continues(part, own) for own in theirs for part in self._parts)
        return same, on, max(common, default=0.0), share
