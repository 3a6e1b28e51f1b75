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

from graph.explain import Evidence
from graph.foldin import VECTORS, FoldIn
from graph.reasons import Reasons
from graph.siblings import Sibling, siblings
from graph.store import WHOLE_GRAPH, GraphStore, Scope

Floats = npt.NDArray[np.float32]

FIRST = 3
"""So many siblings (`graph.siblings`) come to places of the first three: one to the third, two to the second and third.

Rank by product alone and most stay below; add a fixed share of the best product and all other answers suffer more
(docs/out-of-catalog.md has both figures).
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


class Ranking:
    """Ranks titles by the store's substitute vectors; made once for a version of the graph. Safe for threads."""

    def __init__(self, store: GraphStore, folded: FoldIn) -> None:
        self._store, self._folded, self.run = store, folded, folded.run
        self._reasons = Reasons(store, folded)

    def rank(self, id_: str, scope: Scope, k: int, items: Mapping[str, str | None]) -> list[Substitute] | None:
        """The k best in scope for a title of the graph, with evidence; k whenever k others are there.

        items: the catalog's own id of each title in scope. None where the title has no vector.
        """
        held, vectors = self._store.get_embeddings(VECTORS, [id_])
        if not held:
            return None
        asked = np.asarray(vectors[0], np.float32)
        found = self._store.search_vector(VECTORS, asked, _POOL * k + 1, within=scope)
        products = {other: product for other, product in found if other != id_}
        related = related_to(self._store, id_, scope)
        inside = items if scope.catalog != WHOLE_GRAPH else None
        alike = siblings(self._store, id_, scope, inside)
        named = {other for other, one in alike.items() if one.named}
        late = sorted((related.keys() | alike.keys()) - products.keys() - {id_})
        if len(products) < k:  # titles without a vector, last
            every = items if inside is not None else self._store.offered(scope).column("id").to_pylist()
            late += sorted(set(every) - products.keys() - {id_, *late})
        ids, rows = self._store.get_embeddings(VECTORS, late)
        products |= dict.fromkeys(late, 0.0) | dict(zip(ids, (rows @ asked).tolist() if ids else (), strict=True))
        scores = raised(products, related, alike)
        chosen = sorted(scores, key=lambda other: (-scores[other], other))[:k]
        if not chosen:
            return []
        evidence = self._reasons.of(id_, chosen, related, named, inside, scope.adult)
        rows_of = {row["id"]: row for row in self._store.get_nodes("Title", chosen, _SHOWN).to_pylist()}
        highest = scores[chosen[0]] if scores[chosen[0]] > 0 else 1.0
        return [
            Substitute(
                other, items.get(other), rows_of[other]["title"] or other, rows_of[other]["start_year"],
                rows_of[other]["kind"] or "movie", scores[other] / highest, tuple(evidence[other]),
            )
            for other in chosen
        ]  # fmt: skip


def raised(products: Mapping[str, float], related: Collection[str], alike: Mapping[str, Sibling]) -> dict[str, float]:
    """Products as shares of the best one, and those of the asked title's series brought up.

    Of more than FIRST siblings those come up whose names say it, then those with the most of its people and the largest
    products.
    """
    best = max(products.values(), default=0.0)
    unit = best if best > 0 else 1.0
    scores = {other: product / unit + RELATED * (other in related) for other, product in products.items()}
    chosen = sorted(
        (other for other in alike if other in scores and other not in related),
        key=lambda other: (not alike[other].named, -alike[other].people - scores[other], other),
    )[:FIRST]
    rest = sorted((score for other, score in scores.items() if other not in chosen), reverse=True)
    floor = rest[min(FIRST - len(chosen), len(rest) - 1)] if rest else 0.0
    for place, other in enumerate(reversed(chosen), 1):
        scores[other] = max(scores[other], floor + _ABOVE * place)
    return scores


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
