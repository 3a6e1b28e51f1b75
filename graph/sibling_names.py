"""Which names of titles speak of what another title's name speaks of, and how tellingly."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.franchise import continues, series_label, series_name, series_parts, stemmed, telling_words
from graph.names import normalise
from graph.store import GraphStore

NAMED = ("title", "original_title", "start_year")
_HITS, _WORDS = 60, 4  # hits of a text search, and words that are searched for
_COMMON = 80  # titles with a word in their names from which on it tells nothing


class Names:
    """The asked title's names, and those of titles that share a telling word with them or begin alike."""

    def __init__(self, store: GraphStore, asked: Mapping[str, Any], adult: bool) -> None:
        self._asked = list(dict.fromkeys(name for name in (asked["title"], asked["original_title"]) if name))
        self._parts = [stemmed(part) for name in self._asked for part in series_parts(name) if part]
        self._series = {stemmed(series_name(name)) for name in self._asked} - {""}
        self._begin = {part.split()[0] for part in self._parts}
        words = sorted({word for name in self._asked for word in telling_words(name)}, key=lambda one: (-len(one), one))
        self.years: dict[str, int | None] = {}
        self._words: dict[str, set[str]] = defaultdict(set)  # of each title, all words of its names
        self._names: dict[str, set[str]] = defaultdict(set)
        self.rarity: dict[str, float] = {}
        """Of each telling word of the asked names: how rare it is in names."""
        for name in self._asked:
            self._search(store, series_label(name), adult)
        for word in words[:_WORDS]:
            held = self._search(store, word, adult)
            titles = len({id_ for id_ in held if word in self._words[id_]})
            self.rarity[word] = math.log(_COMMON / max(titles, 1))
        self._whole = sum(self.rarity.values())

    def _search(self, store: GraphStore, text: str, adult: bool) -> list[str]:
        hits = [hit for hit in store.search_text(text, _HITS, prefix=True, adult=adult) if hit.label == "Title"]
        for hit in hits:
            self._add(hit.id, hit.text, hit.year)
        return [hit.id for hit in hits]

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take in titles that were found by other ways."""
        for row in rows:
            for name in {row["title"], row["original_title"]} - {None}:
                self._add(row["id"], name, row["start_year"])

    def _add(self, id_: str, name: str, year: int | None) -> None:
        self.years.setdefault(id_, year)
        if name not in self._names[id_]:
            self._names[id_].add(name)
            self._words[id_].update(stemmed(normalise(name)).split())

    def alike(self) -> list[str]:
        """The titles found so far whose names have a telling word in common or may go on where the asked one ends."""
        telling = self.rarity.keys() | self._begin
        return [id_ for id_, words in self._words.items() if not telling.isdisjoint(words)]

    def traces(self, id_: str) -> tuple[bool, bool, float, float]:
        """Whether the names are of one series, whether one goes on where the other ends; the rarest word and the share
        of all rarity that they have in common."""
        words = self._words[id_]
        common = [rarity for word, rarity in self.rarity.items() if word in words]
        share = sum(common) / self._whole if self._whole > 0 else 0.0
        if self._begin.isdisjoint(words):
            return False, False, max(common, default=0.0), share
        same = any(stemmed(series_name(name)) in self._series for name in self._names[id_])
        theirs = [stemmed(part) for name in self._names[id_] for part in series_parts(name)]
        on = same or any(continues(part, own) for own in theirs for part in self._parts)
        return same, on, max(common, default=0.0), share
