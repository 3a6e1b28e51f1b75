"""What a graph looks like, in numbers to draw: years, ratings and votes, genres together, a map of titles, degrees.

Everything comes through the store's protocol, in batches: titles are scanned once; of what a step has to ask for node
by node, about SAMPLE nodes of a label at most are looked at, drawn by chance and the same each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.profile_map import Map, map_of
from graph.schema import CREDITS
from graph.store import GraphStore, Progress

SAMPLE = 100_000
"""So many nodes of a label at most are asked for their neighbours or degrees."""
RATING_STEP, VOTES_STEP = 0.25, 0.25
"""Of the boxes of rating (in stars) against votes (in powers of ten)."""
_GENRES = 28
_MAPPED = 1_500
_AT_ONCE = 10_000
_POINTS = 80
_DEGREES = (
    ("titles of a person", "Person", CREDITS, "out"), ("people of a title", "Title", CREDITS, "in"),
    ("genres of a title", "Title", ("IN_GENRE",), "out"), ("titles of a genre", "Genre", ("IN_GENRE",), "in"),
    ("titles of a keyword", "Keyword", ("HAS_KEYWORD",), "in"),
    ("episodes of a series", "Title", ("EPISODE_OF",), "in"),
    ("feedback of a user", "User", ("RATED",), "out"), ("feedback on a title", "Title", ("RATED",), "in"),
)  # fmt: skip


@dataclass(frozen=True)
class Degrees:
    """How many relationships a node has. of: in words. nodes: with any; asked: all looked at; mean and most: of those.

    shares: (k, share of those with any that have k or more), k rising.
    """

    of: str
    nodes: int
    asked: int
    mean: float
    most: int
    shares: Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Together:
    """Genres, the most frequent first. titles: how many of those looked at have each; both: (genres, genres), both."""

    genres: Sequence[str]
    titles: Sequence[int]
    both: Sequence[Sequence[int]]
    looked_at: int


@dataclass(frozen=True)
class Profile:
    """A graph. ratings: (rating from, votes from as a power of ten, titles), each to the next step."""

    version: str
    made: str | None
    counts: Mapping[str, int]
    kinds: Mapping[str, int]
    years: Mapping[int, int]
    ratings: Sequence[tuple[float, float, int]]
    genres: Together
    degrees: Sequence[Degrees]
    map: Map | None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self)


def profile(
    store: GraphStore, vectors: str | None = None, progress: Progress | None = None, sample: int = SAMPLE
) -> Profile:
    """Look at a whole store. vectors: the published ones to map titles by; None: the substitute vectors, if any.

    Raises NotInGraph for vectors that are not published, and StoreError.
    """
    report: Progress = progress or (lambda _what, _share: None)
    info = store.info()
    titles = max(info.counts.get("Title", 0), 1)
    seen = _Titles(_MAPPED)
    report("titles", 0.0)
    for batch in store.scan_nodes("Title", ["kind", "title", "start_year", "average_rating", "num_votes", "is_adult"]):
        seen.add(batch)
        report("titles", 0.3 * min(seen.count / titles, 1))
    report("genres together", 0.3)
    genres = _together(store, min(1.0, sample / titles), lambda share: report("genres together", 0.3 + 0.2 * share))
    degrees = []
    for place, (of, label, types, direction) in enumerate(_DEGREES):
        report(f"degrees: {of}", 0.5 + 0.3 * place / len(_DEGREES))
        there = [type_ for type_ in types if info.counts.get(type_)]
        if there:
            degrees += _degrees(store, of, label, there, direction, min(1.0, sample / max(info.counts[label], 1)))
    report("map of titles", 0.8)
    return Profile(
        info.version, info.made, {name: count for name, count in info.counts.items() if count},
        dict(sorted(seen.kinds.items(), key=lambda item: (-item[1], item[0]))), seen.by_year(), seen.by_rating(),
        genres, degrees, map_of(store, seen.best(), vectors),
    )  # fmt: skip


class _Titles:
    """What one scan of all titles counts, and the best known of them."""

    def __init__(self, kept: int) -> None:
        self.count, self.kinds = 0, dict[str, int]()
        self._kept, self._best = kept, list[tuple[int, str, str]]()
        self._years: npt.NDArray[np.int64] = np.zeros(3000, np.int64)
        self._rated: npt.NDArray[np.int64] = np.zeros((round(10 / RATING_STEP) + 1, round(9 / VOTES_STEP)), np.int64)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch of titles."""
        self.count += batch.num_rows
        for one in batch.column("kind").drop_null().value_counts().to_pylist():
            self.kinds[one["values"]] = self.kinds.get(one["values"], 0) + one["counts"]
        years = batch.column("start_year").drop_null().to_numpy()
        self._years += np.bincount(np.clip(years, 0, 2999).astype(np.int64), minlength=3000)
        rating = batch.column("average_rating").to_numpy(zero_copy_only=False).astype(float)
        votes = np.nan_to_num(batch.column("num_votes").to_numpy(zero_copy_only=False).astype(float))
        known = ~np.isnan(rating) & (votes > 0)
        row = np.floor(np.clip(rating[known], 0, 10) / RATING_STEP + 1e-9).astype(np.int64)
        column = np.floor(np.log10(votes[known]) / VOTES_STEP + 1e-9).astype(np.int64)
        np.add.at(self._rated, (row, np.clip(column, 0, self._rated.shape[1] - 1)), 1)
        columns = (batch.column(name).to_pylist() for name in ("num_votes", "id", "title", "is_adult"))
        here = [(count, id_, title or id_) for count, id_, title, adult in zip(*columns, strict=True)
                if count and not adult]  # fmt: skip
        self._best = sorted(self._best + here, key=lambda one: (-one[0], one[1]))[: self._kept]

    def by_year(self) -> dict[int, int]:
        """Year → titles, those that have any."""
        return {int(year): int(self._years[year]) for year in np.flatnonzero(self._years)}

    def by_rating(self) -> list[tuple[float, float, int]]:
        """As `Profile.ratings`."""
        return [(row * RATING_STEP, column * VOTES_STEP, int(self._rated[row, column]))
                for row, column in np.argwhere(self._rated).tolist()]  # fmt: skip

    def best(self) -> list[tuple[str, str]]:
        """Id and name of the titles with the most votes."""
        return [(id_, title) for _, id_, title in self._best]


def _sampled(store: GraphStore, label: str, share: float) -> Iterator[list[str]]:
    """Ids of a label, in batches: all, or a share drawn by chance."""
    chance = np.random.default_rng(0)
    held: list[str] = []
    for batch in store.scan_nodes(label, []):
        ids = batch.column("id").to_pylist()
        if share < 1:
            ids = [id_ for id_, drawn in zip(ids, chance.random(len(ids)) < share, strict=True) if drawn]
        held += ids
        while len(held) >= _AT_ONCE:
            yield held[:_AT_ONCE]
            held = held[_AT_ONCE:]
    if held:
        yield held


def _together(store: GraphStore, share: float, report: Callable[[float], None]) -> Together:
    """How many titles have each pair of genres."""
    names = [id_ for batch in store.scan_nodes("Genre", []) for id_ in batch.column("id").to_pylist()]
    place = {name: number for number, name in enumerate(names)}
    both = np.zeros((len(names), len(names)), np.int64)
    looked, all_ = 0, max(store.info().counts.get("Title", 1) * share, 1)
    for ids in _sampled(store, "Title", share) if names else ():
        steps = store.neighbours(ids, ["IN_GENRE"], "out")
        has = np.zeros((len(ids), len(names)), np.int32)
        columns = [place[name] for name in steps.column("neighbour").to_pylist()]
        has[steps.column("source").to_numpy(), columns] = 1
        both += has.T @ has
        looked += len(ids)
        report(min(looked / all_, 1))
    order = [number for number in np.argsort(-both.diagonal(), kind="stable").tolist() if both[number, number]]
    order = order[:_GENRES]
    return Together(
        [names[number] for number in order], [int(both[number, number]) for number in order],
        both[np.ix_(order, order)].tolist(), looked,
    )  # fmt: skip


def _degrees(
    store: GraphStore, of: str, label: str, types: Sequence[str], direction: Any, share: float
) -> list[Degrees]:
    """One distribution; none where no node that was looked at has any."""
    found = [store.degrees(ids, types, direction) for ids in _sampled(store, label, share)]
    counts = np.concatenate(found) if found else np.zeros(0, np.int64)
    some = np.sort(counts[counts > 0])
    if not len(some):
        return []
    steps = np.unique(some)
    if len(steps) > _POINTS:
        wanted = np.geomspace(steps[0], steps[-1], _POINTS)
        steps = steps[np.unique(np.clip(np.searchsorted(steps, wanted), 0, len(steps) - 1))]
    at_least = 1 - np.searchsorted(some, steps, "left") / len(some)
    shares = [(int(k), round(float(one), 6)) for k, one in zip(steps, at_least, strict=True)]
    return [Degrees(of, len(some), len(counts), round(float(some.mean()), 3), int(some[-1]), shares)]
