"""Which titles of a catalog stand in for another one: by published vectors, then by what the graph knows besides.

The store finds the nearest by inner product inside the scope (`graph.foldin` says what the vectors are). Parts of the
same series, which viewers expect whatever the vectors say, are looked up (`graph.siblings`, EPISODE_OF) and come up
among the first. Reasons are those of `graph.reasons`: only what did contribute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graph import diversity, facets
from graph.explain import Evidence
from graph.foldin import VECTORS, FoldIn
from graph.preferences import NEUTRAL, Preferences
from graph.reasons import Reasons
from graph.siblings import Sibling, siblings
from graph.stages import Stage, untimed
from graph.store import WHOLE_GRAPH, GraphStore, Scope

Floats = npt.NDArray[np.float32]

FIRST, MOST = 3, 2
"""Siblings (`graph.siblings`) come to places of the first three, two at most: one to the third, two to the second and
third. A third one costs other answers more than it finds (docs/out-of-catalog.md has the figures).
"""
RELATED = 1.0
"""What being of one series by EPISODE_OF adds, in shares of the best candidate's product."""
_POOL, _ABOVE = 4, 1e-5  # candidates a wanted title; how much a sibling comes above the place that it takes
_SHOWN = ("kind", "title", "start_year", "is_adult")


@dataclass(frozen=True)
class Substitute:
    """A title that may be answered, its score (it orders one list only) and why."""

    id: str
    item_id: str | None
    title: str
    start_year: int | None
    kind: str
    score: float
    evidence: tuple[Evidence, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        plain = {name: getattr(self, name) for name in ("id", "item_id", "title", "start_year", "kind")}
        return plain | {"score": round(self.score, 4), "evidence": [e.as_dict() for e in self.evidence]}


@dataclass(frozen=True)
class Nearest:
    """The titles in a scope nearest to one of the graph: its vector, (d,), and products by id, the largest first."""

    vector: Floats
    products: Mapping[str, float]


class Ranking:
    """Ranks titles by the store's substitute vectors; made once for a version of the graph. Safe for threads."""

    def __init__(self, store: GraphStore, folded: FoldIn, stage: Stage = untimed) -> None:
        self._store, self._folded, self._stage, self.run = store, folded, stage, folded.run
        self._reasons = Reasons(store, folded)

    def nearest(self, id_: str, scope: Scope, count: int) -> Nearest | None:
        """As many as `count` others, all that there are at most. None where the title has no vector."""
        held, vectors = self._store.get_embeddings(VECTORS, [id_])
        if not held:
            return None
        asked = np.asarray(vectors[0], np.float32)
        found = self._store.search_vector(VECTORS, asked, count + 1, within=scope)
        return Nearest(asked, {other: product for other, product in found if other != id_})

    def rank(
        self, id_: str, scope: Scope, k: int, items: Mapping[str, str | None], wanted: Preferences = NEUTRAL,
        found: Nearest | None = None,
    ) -> list[Substitute] | None:  # fmt: skip
        """The k best in scope for a title of the graph, with evidence; k whenever k others are there.

        items: the catalog's own id of each title in scope. None where the title has no vector. wanted: facets weigh
        products before siblings come up; diversity orders what has come of both. found: `nearest` of the same title
        and scope, at least `pool(k, wanted)` of them, where they are at hand.
        """
        found = found or self.nearest(id_, scope, pool(k, wanted))
        if found is None:
            return None
        asked, products = found.vector, dict(found.products)
        related = related_to(self._store, id_, scope)
        inside = items if scope.catalog != WHOLE_GRAPH else None
        alike = siblings(self._store, id_, scope, inside)
        late = sorted((related.keys() | alike.keys()) - products.keys() - {id_})
        if len(products) < k:  # titles without a vector, last
            every = items if inside is not None else self._store.offered(scope).column("id").to_pylist()
            late += sorted(set(every) - products.keys() - {id_, *late})
        ids, rows = self._store.get_embeddings(VECTORS, late)
        products |= dict.fromkeys(late, 0.0) | dict(zip(ids, (rows @ asked).tolist() if ids else (), strict=True))
        weighed = facets.Facets(self._store, self._folded, [id_], wanted) if wanted.weighed else None
        if weighed:
            ids = list(products)
            (row,) = weighed.weigh(np.array([list(products.values())]), ids)
            products = dict(zip(ids, row.tolist(), strict=True))
        scores = raised(products, related, alike)
        if wanted.diversity:
            series = related.keys() | alike.keys()
            scores = diversity.diverse(self._store, VECTORS, scores, k, wanted.diversity, series)
        chosen = list(scores) if wanted.diversity else sorted(scores, key=lambda other: (-scores[other], other))[:k]
        if not chosen:
            return []
        up = {other: alike[other] for other in brought_up(products, related, alike)}
        with self._stage("evidence"):
            evidence = self._reasons.of(id_, chosen, related, up, inside, scope.adult, weighed)
        highest = scores[chosen[0]] if scores[chosen[0]] > 0 else 1.0
        return shown(self._store, {other: scores[other] / highest for other in chosen}, items, evidence)

    @property
    def made_with(self) -> tuple[FoldIn, Reasons]:
        """What makes titles into vectors, and what says why."""
        return self._folded, self._reasons


def shown(
    store: GraphStore, scores: Mapping[str, float], items: Mapping[str, str | None],
    evidence: Mapping[str, Sequence[Evidence]],
) -> list[Substitute]:  # fmt: skip
    """Titles with their scores as they are answered, in that order."""
    rows = {row["id"]: row for row in store.get_nodes("Title", list(scores), _SHOWN).to_pylist()}
    return [
        Substitute(
            other, items.get(other), rows[other]["title"] or other, rows[other]["start_year"],
            rows[other]["kind"] or "movie", score, tuple(evidence[other]),
        )
        for other, score in scores.items()
    ]  # fmt: skip


def pool(k: int, wanted: Preferences) -> int:
    """How many candidates a question for k titles looks at."""
    return max(_POOL * k, diversity.POOL * k * (wanted.diversity > 0), facets.POOL * wanted.weighed)


def raised(products: Mapping[str, float], related: Collection[str], alike: Mapping[str, Sibling]) -> dict[str, float]:
    """Products as shares of the best one, and those of the asked title's series brought up."""
    best = max(products.values(), default=0.0)
    unit = best if best > 0 else 1.0
    scores = {other: product / unit + RELATED * (other in related) for other, product in products.items()}
    chosen = brought_up(products, related, alike)
    rest = sorted((score for other, score in scores.items() if other not in chosen), reverse=True)
    floor = rest[min(FIRST - len(chosen), len(rest) - 1)] if rest else 0.0
    for place, other in enumerate(reversed(chosen), 1):
        scores[other] = max(scores[other], floor + _ABOVE * place)
    return scores


def brought_up(products: Mapping[str, float], related: Collection[str], alike: Mapping[str, Sibling]) -> list[str]:
    """The siblings that come among the first: of more than MOST those that `graph.sibling_odds` places first, then
    those with the largest products."""
    there = (other for other in alike if other in products and other not in related)
    return sorted(there, key=lambda other: (-alike[other].order, -products[other], other))[:MOST]


def related_to(store: GraphStore, id_: str, scope: Scope) -> dict[str, tuple[str, ...]]:
    """The asked episode's series, its other episodes, or the asked series' episodes, in scope → path."""
    shown = Scope(WHOLE_GRAPH, adult=scope.adult)  # a path may lead through what the catalog has not
    series: Sequence[str] = store.neighbours([id_], ["EPISODE_OF"], "out", within=shown).column("neighbour").to_pylist()
    up = store.neighbours([id_], ["EPISODE_OF"], "out", within=scope).column("neighbour").to_pylist() if series else ()
    paths: dict[str, tuple[str, ...]] = {one: (id_, "EPISODE_OF", one) for one in up}
    down = store.neighbours([id_], ["EPISODE_OF"], "in", within=scope).column("neighbour").to_pylist()
    paths |= {episode: (id_, "EPISODE_OF", episode) for episode in down}
    others = store.neighbours(series, ["EPISODE_OF"], "in", within=scope) if series else None
    for other in others.column("neighbour").to_pylist() if others is not None else ():
        paths.setdefault(other, (id_, "EPISODE_OF", series[0], "EPISODE_OF", other))
    paths.pop(id_, None)
    return paths
