"""Which titles belong together: the truth that `benchmarks.series` asks about and `benchmarks.series_fit` fits to.

`related`: the relations film.sequel and film.prequel of a Freebase graph (ml-100k) whose two titles imdb-24k has.
`written`: series_pairs.csv, written from memory and looked up by name and year; not chosen by any rule of ours.
Its rows `series` and `doubtful` are no questions: an earlier fit had named them among what it took for siblings, and
they were told apart by hand, so that a fit does not take parts of a series for titles that are none.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graph.store import GraphStore

ASKED = ("sequel", "prequel", "remake", "spin-off")
HALVES = (0, 1)
_LIST = Path(__file__).with_suffix(".csv")


@dataclass(frozen=True)
class Pair:
    """Two titles, the smaller id first, and in which half they are: 0 is for tuning, 1 for judging."""

    one: str
    other: str
    relation: str
    half: int


def related(data: Path, store: GraphStore) -> list[Pair]:
    """Every second pair, by id, is in half 1."""
    with (data / "ml-latest-small" / "links.csv").open(encoding="utf-8") as file:
        imdb = {row["movieId"]: f"tt{int(row['imdbId']):07}" for row in csv.DictReader(file)}
    with (data / "ml-100k" / "ml-100k.link").open(encoding="utf-8") as file:
        title = {row[1]: imdb[row[0]] for row in csv.reader(file, delimiter="\t") if row[0] in imdb}
    found = set()
    with (data / "ml-100k" / "ml-100k.kg").open(encoding="utf-8") as file:
        for head, relation, tail in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if ("sequel" in relation or "prequel" in relation) and {head, tail} <= title.keys():
                found.add((min(title[head], title[tail]), max(title[head], title[tail])))
    there = _there(store, [id_ for pair in found for id_ in pair])
    kept = sorted(pair for pair in found if set(pair) <= there and pair[0] != pair[1])
    return [Pair(*pair, "related", place % 2) for place, pair in enumerate(kept)]


def written(store: GraphStore) -> list[Pair]:
    """Those whose titles are there. All that hang together are in one half, by a hash of the smallest id."""
    with _LIST.open(encoding="utf-8") as file:
        rows = [(*sorted((row["one"], row["other"])), row["relation"]) for row in csv.DictReader(file)]
    whole = closure([(one, other) for one, other, relation in rows if relation in ASKED])
    there = _there(store, [id_ for row in rows for id_ in row[:2]])
    return [
        Pair(one, other, relation, zlib.crc32(min(whole[one]).encode()) % 2 if relation in ASKED else 0)
        for one, other, relation in rows
        if {one, other} <= there
    ]


def _there(store: GraphStore, ids: Sequence[str]) -> set[str]:
    return set(store.get_nodes("Title", sorted(set(ids)), []).column("id").to_pylist())


def closure(pairs: Sequence[tuple[str, str]]) -> dict[str, set[str]]:
    """Each title → all that hang together with it."""
    whole = {one: {one} for pair in pairs for one in pair}
    for one, other in pairs:
        if whole[one] is not whole[other]:
            whole[one] |= whole[other]
            for id_ in whole[other]:
                whole[id_] = whole[one]
    return whole


def both_ways(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """(hidden, wanted), ordered."""
    return sorted(question for pair in pairs for question in ((pair.one, pair.other), (pair.other, pair.one)))
