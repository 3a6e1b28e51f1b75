"""Queries as people type them, made from the names in a store: for each, the title and the name that was meant.

It shares no code with the matcher (`graph.match`, `graph.names`, `graph.text`): whoever judges must not think alike.
`queries(library, seed)` gives the same ones for the same seed; another seed gives others.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks import slips
from benchmarks.invented import invented
from graph.store import GraphStore

STOP = re.compile("the|a|an|of|and|in|on|to|for|with|at|by|from|le|la|les|de|des|der|die|das|el|los")


@dataclass(frozen=True)
class Named:
    """A title with one of its names."""

    id: str
    name: str
    primary: bool
    year: int | None
    directors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """A typed text, and the title and name that were meant; None for a title that does not exist."""

    slice: str
    text: str
    meant: Named | None


def plain(name: str) -> str:
    """A name as it is compared here: equal but for case, width and spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class Library:
    """The names of a store's titles, without adult ones."""

    def __init__(self, store: GraphStore) -> None:
        columns = ["title", "original_title", "start_year", "is_adult"]
        titles = {r["id"]: r for b in store.scan_nodes("Title", columns) for r in b.to_pylist() if not r["is_adult"]}
        people = {r["id"]: r["name"] for b in store.scan_nodes("Person", ["name"]) for r in b.to_pylist()}
        directors: dict[str, list[str]] = defaultdict(list)
        for batch in store.scan_relationships("DIRECTED", []):
            for row in batch.to_pylist():
                directors[row["tail"]].append(people.get(row["head"]) or "")
        self.names: list[Named] = []
        self._seen: set[tuple[str, str]] = set()
        for id_, row in titles.items():
            self._add(Named(id_, row["title"] or "", True, row["start_year"], tuple(filter(None, directors[id_]))))
            self._add(Named(id_, row["original_title"] or "", False, row["start_year"]))
        akas = {r["id"]: r["title"] for b in store.scan_nodes("AlternateTitle", ["title"]) for r in b.to_pylist()}
        for batch in store.scan_relationships("ALSO_KNOWN_AS", []):
            for row in batch.to_pylist():
                if row["head"] in titles:
                    self._add(Named(row["head"], akas.get(row["tail"]) or "", False, None))

    def _add(self, named: Named) -> None:
        key = named.id, plain(named.name)
        if key[1] and key not in self._seen:
            self._seen.add(key)
            self.names.append(named)

    @cached_property
    def bearers(self) -> dict[str, set[str]]:
        """The titles that bear each name."""
        found: dict[str, set[str]] = defaultdict(set)
        for each in self.names:
            found[plain(each.name)].add(each.id)
        return found

    def bears(self, id_: str, name: str) -> bool:
        """Whether a title has that name, whichever of its names it is."""
        return (id_, plain(name)) in self._seen


def queries(library: Library, seed: int, count: int = 2000) -> Iterator[Query]:
    """`count` queries of each slice, fewer where the store has not so many names that can be changed so."""
    for slice_, (source, change) in SLICES.items():
        rng = random.Random(f"{slice_} {seed}")
        made = 0
        names = [each for each in library.names if source(library, each)]
        for named in rng.sample(names, len(names)):
            text = change(named, rng)
            if text is None or (slice_ not in _THE_NAME_ITSELF and plain(text) in library.bearers):
                continue  # what is another title's name is no slip
            yield Query(slice_, _typed(text, rng, slice_), named)
            made += 1
            if made == count:
                break
    rng = random.Random(f"invented {seed}")
    for text in invented([each.name for each in library.names if each.primary], rng, count):
        yield Query("invented", _typed(text, rng, "invented"), None)


def _typed(text: str, rng: random.Random, slice_: str) -> str:
    """In small letters seven times of ten, without punctuation three times of ten."""
    if rng.random() < 0.7:
        text = text.lower()
    if slice_ != "exact" and rng.random() < 0.3:
        text = " ".join(text.translate(_NO_MARKS).split()) or text
    return text


_NO_MARKS = str.maketrans(dict.fromkeys(":-–—/", " ") | dict.fromkeys(",.!?'’\"()", ""))


def _primary(_library: Library, named: Named) -> bool:
    return named.primary


def _other(_library: Library, named: Named) -> bool:
    return not named.primary


def _any(_library: Library, _named: Named) -> bool:
    return True


def _shared(library: Library, named: Named) -> bool:
    return named.primary and len(library.bearers[plain(named.name)]) > 1


def _year(named: Named, rng: random.Random) -> str | None:
    if named.year is None:
        return None
    year = named.year + rng.choice((0, 0, 0, 0, 0, 0, 0, 0, -1, 1))
    return f"{named.name} {year}" if rng.random() < 0.6 else f"{named.name} ({year})"


def _director(named: Named, rng: random.Random) -> str | None:
    if not named.directors:
        return None
    who = named.directors[0]
    who = who.split()[-1] if rng.random() < 0.5 else who
    return rng.choice((f"{named.name} {who}", f"{named.name} by {who}", f"{who} {named.name}"))


def _half(named: Named, rng: random.Random) -> str | None:
    end = max(5, round(len(named.name) * rng.uniform(0.5, 0.8)))
    return named.name[:end].rstrip(" :-,") if len(named.name) > end else None


def _some_words(named: Named, rng: random.Random) -> str | None:
    words = named.name.split()
    telling = [word for word in words if not STOP.fullmatch(plain(word))]
    kept = rng.sample(telling, len(telling) - 1) if len(telling) > 2 else []
    return " ".join(word for word in words if word in kept) if kept else None


_Source = Callable[[Library, Named], bool]
_Change = Callable[[Named, random.Random], str | None]


def _of_name(change: Callable[[str, random.Random], str | None]) -> _Change:
    return lambda named, rng: change(named.name, rng)


SLICES: dict[str, tuple[_Source, _Change]] = {
    "exact": (_primary, lambda named, _rng: named.name),
    "one typo": (_primary, _of_name(slips.one_typo)),
    "two typos": (_primary, _of_name(slips.two_typos)),
    "alternate": (_other, lambda named, _rng: named.name),
    "no article": (_primary, _of_name(slips.no_article)),
    "no subtitle": (_primary, _of_name(slips.no_subtitle)),
    "transliterated": (_any, _of_name(slips.transliterated)),
    "numerals": (_primary, _of_name(slips.numerals)),
    "word order": (_primary, _of_name(slips.word_order)),
    "some words": (_primary, _some_words),
    "year": (_primary, _year),
    "director": (_primary, _director),
    "half-typed": (_primary, _half),
    "namesakes": (_shared, lambda named, _rng: named.name),
}
_THE_NAME_ITSELF = frozenset(("exact", "alternate", "namesakes"))


def slices(asked: Sequence[Query]) -> dict[str, list[Query]]:
    """The queries by slice."""
    found: dict[str, list[Query]] = defaultdict(list)
    for query in asked:
        found[query.slice].append(query)
    return dict(found)
