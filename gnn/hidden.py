"""Titles hidden from a catalog, so that answers for them can be judged: who hides what, and what is true of it.

Viewers are halved by a coin. One half may be learned from, without a single like of what is hidden; the other half is
the judge: the truth about a hidden title is how often its viewers like each title of the catalog, too. Test draws of a
data set are those of the seeds 0, 1 and 2; what is tuned is tuned on validation draws, which have none of their titles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gnn.config import ConfigError
from gnn.substitutes import SHRINKAGE, FeedbackError, Likes
from graph.franchise import continues, series_parts
from graph.schema import CREDITS
from graph.store import GraphStore

Floats = npt.NDArray[np.float32]

TEST_SEEDS = (0, 1, 2)
_VALIDATION = 1_000  # added to the seed of a validation draw
AFTER = "after-"


@dataclass(frozen=True)
class Hiding:
    """What is hidden. what: sample (single titles), series (whole ones), after-YEAR (all released later).

    titles: how many are asked about; asked_from, catalog_from: likes that a title of each kind has at least.
    validation: of the titles that no test draw has.
    """

    what: str = "sample"
    titles: int = 300
    asked_from: int = 20
    catalog_from: int = 5
    validation: bool = False

    @property
    def year(self) -> int | None:
        """YEAR of after-YEAR. Raises ConfigError for what is not to be understood."""
        if self.what in ("sample", "series"):
            return None
        year = self.what.removeprefix(AFTER)
        if year == self.what or not year.isdigit():
            raise ConfigError(f"{self.what!r} cannot be hidden; there are sample, series and {AFTER}YEAR")
        return int(year)


@dataclass(frozen=True)
class Trial:
    """One draw. Neither the catalog nor `learned` has a hidden title.

    catalog: in an order by chance, which is how ties are broken. learned: the likes of the half that may be learned
    from. warm: the same with those of hidden titles, which only a ceiling may see. judges: the likes of the other half,
    on every title. truth: name → (asked, catalog).
    siblings: the asked titles of whose series the catalog has a part.
    """

    seed: int
    asked: list[str]
    catalog: list[str]
    learned: Likes
    warm: Likes
    judges: Likes
    truth: Mapping[str, Floats]
    siblings: frozenset[str]


def draw(store: GraphStore, likes: Likes, hiding: Hiding, seed: int) -> Trial:
    """Hide titles. Raises FeedbackError where too few have likes enough."""
    counts = dict(zip(likes.titles, likes.counts.tolist(), strict=True))
    pool = [id_ for id_ in likes.titles if counts[id_] >= hiding.asked_from]
    chance = np.random.default_rng(seed + (_VALIDATION if hiding.validation else 0))
    if hiding.validation:
        tested = {id_ for test in TEST_SEEDS for id_ in _some(pool, hiding.titles, np.random.default_rng(test))}
        pool = [id_ for id_ in pool if id_ not in tested]
    series = franchises(store, likes.titles)
    order = _some(pool, len(pool), chance)
    hidden = _hidden(store, likes.titles, order, hiding, series)
    asked = sorted([id_ for id_ in order if id_ in hidden][: hiding.titles])
    catalog = [id_ for id_ in likes.titles if counts[id_] >= hiding.catalog_from and id_ not in hidden]
    if not asked or not catalog:
        raise FeedbackError(
            f"{len(pool):,} titles with {hiding.asked_from} likes or more can be hidden ({hiding.what}), {len(asked)} "
            f"were, and {len(catalog):,} with {hiding.catalog_from} or more are left as a catalog; load more feedback"
        )
    learns = chance.random(likes.matrix.shape[0]) < 0.5
    catalog = _some(catalog, len(catalog), np.random.default_rng([seed, 1]))
    inside = frozenset(catalog)
    learned = _part(likes, learns, [id_ for id_ in likes.titles if id_ not in hidden])
    if leaked := hidden & {*learned.titles, *catalog}:
        raise AssertionError(f"{min(leaked)} is hidden and yet to be learned from")
    return Trial(
        seed, asked, catalog, learned, _part(likes, learns, likes.titles), _part(likes, ~learns, likes.titles),
        _truths(_part(likes, ~learns, asked), _part(likes, ~learns, catalog), int((~learns).sum())),
        frozenset(id_ for id_ in asked if series.get(id_, set()) & inside),
    )  # fmt: skip


def _some(ids: Sequence[str], count: int, chance: np.random.Generator) -> list[str]:
    return cast(list[str], chance.permutation(np.array(ids, object))[:count].tolist())


def _hidden(
    store: GraphStore, titles: Sequence[str], order: Sequence[str], hiding: Hiding, series: Mapping[str, set[str]]
) -> set[str]:
    """The ids to hide, asked about or not."""
    if (year := hiding.year) is not None:
        nodes = store.get_nodes("Title", titles, ["start_year"])
        years = nodes.column("start_year").to_pylist()
        return {id_ for id_, own in zip(nodes.column("id").to_pylist(), years, strict=True) if (own or 0) > year}
    if hiding.what == "sample":
        return set(order[: hiding.titles])
    hidden: set[str] = set()
    for id_ in order:
        if len(hidden.intersection(order)) >= hiding.titles:
            break
        if id_ in series:
            hidden |= _whole(id_, series)
    return hidden


def _whole(id_: str, series: Mapping[str, set[str]]) -> set[str]:
    """A title and all that hang together with it."""
    found, left = {id_}, [id_]
    while left:
        more = series[left.pop()] - found
        found |= more
        left += more
    return found


def franchises(store: GraphStore, ids: Sequence[str]) -> dict[str, set[str]]:
    """Each of these titles that has siblings among them: of the same series by name, and with a person in common."""
    nodes = store.get_nodes("Title", ids, ["title"])
    known = nodes.column("id").to_pylist()
    parts = [[part for part in series_parts(title or "") if part] for title in nodes.column("title").to_pylist()]
    credited = store.neighbours(known, CREDITS, "in")
    people: list[set[str]] = [set() for _ in known]
    for row, person in zip(
        credited.column("source").to_pylist(), credited.column("neighbour").to_pylist(), strict=True
    ):
        people[row].add(person)
    by_word: dict[str, set[int]] = defaultdict(set)
    for row, own in enumerate(parts):
        for part in own:
            by_word[part.split()[0]].add(row)
    found: dict[str, set[str]] = defaultdict(set)
    for rows in by_word.values():
        for one in rows:
            for other in rows:
                if one < other and people[one] & people[other] and _alike(parts[one], parts[other]):
                    found[known[one]].add(known[other])
                    found[known[other]].add(known[one])
    return dict(found)


def _alike(one: Collection[str], other: Collection[str]) -> bool:
    return any(continues(a, b) for a in one for b in other)


def _part(likes: Likes, users: npt.NDArray[np.bool_], titles: Sequence[str]) -> Likes:
    """The likes of some users on some titles, in that order."""
    column = {id_: place for place, id_ in enumerate(likes.titles)}
    return Likes(likes.matrix[users][:, [column[id_] for id_ in titles]].tocsr(), list(titles))


def _truths(asked: Likes, catalog: Likes, users: int) -> dict[str, Floats]:
    """How well each title of the catalog stands in for each asked one, as the judging half of the users has it.

    co-like: cosine of likes, shrunk. lift: likes in common, over those expected of titles that have nothing to do with
    each other, and one; this divides popularity out, and a single coincidence does not come first.
    """
    both = (asked.matrix.T @ catalog.matrix).toarray()
    here, there = asked.counts[:, None], catalog.counts
    return {
        "co-like": (both / np.sqrt((here + SHRINKAGE) * (there + SHRINKAGE))).astype(np.float32),
        "lift": (both / (here * there / max(users, 1) + 1)).astype(np.float32),
    }


def facts(store: GraphStore, ids: Sequence[str]) -> dict[str, tuple[str, int | None, int]]:
    """kind, year and votes of titles, to cut results by."""
    nodes: pa.Table = store.get_nodes("Title", ids, ["kind", "start_year", "num_votes"])
    return {row["id"]: (row["kind"] or "movie", row["start_year"], row["num_votes"] or 0) for row in nodes.to_pylist()}
