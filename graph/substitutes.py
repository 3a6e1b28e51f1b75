"""Which titles of a catalog stand in for another one: by published vectors, then by what the graph knows besides.

The store finds the nearest by inner product inside the scope (`graph.foldin` says what the vectors are). Parts of the
same series, which viewers expect whatever the vectors say, are looked up by name and by EPISODE_OF and come up by a
fixed share of the best product. Reasons are those of `graph.reasons`: only what did contribute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.explain import Evidence
from graph.foldin import VECTORS, FoldIn
from graph.franchise import same_series, series_label, series_name
from graph.reasons import Reasons
from graph.schema import CREDITS
from graph.store import WHOLE_GRAPH, Direction, GraphStore, Scope

Floats = npt.NDArray[np.float32]

SERIES, RELATED = 1.0, 1.0
"""What being of one series adds, by name or by EPISODE_OF, in shares of the best candidate's product."""
_POOL, _NAMES = 4, 60  # candidates a wanted title; names looked at for a series
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
        self._store, self._folded = store, folded
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
        best = max(products.values(), default=0.0)
        related = self._related(id_, scope)
        named = self._named(id_, scope, items)
        late = sorted((related.keys() | named) - products.keys() - {id_})
        if len(products) < k:  # titles without a vector, last
            late += sorted(self._all(scope, items) - products.keys() - {id_, *late})
        ids, rows = self._store.get_embeddings(VECTORS, late)
        products |= dict.fromkeys(late, 0.0) | dict(zip(ids, (rows @ asked).tolist() if ids else (), strict=True))
        unit = best if best > 0 else 1.0
        scores = {
            other: product / unit + (RELATED if other in related else SERIES if other in named else 0.0)
            for other, product in products.items()
        }
        chosen = sorted(scores, key=lambda other: (-scores[other], other))[:k]
        if not chosen:
            return []
        inside = items if scope.catalog != WHOLE_GRAPH else None
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

    def _all(self, scope: Scope, items: Mapping[str, str | None]) -> set[str]:
        """Every title in scope."""
        return set(items if scope.catalog != WHOLE_GRAPH else self._store.offered(scope).column("id").to_pylist())

    def _named(self, id_: str, scope: Scope, items: Mapping[str, str | None]) -> set[str]:
        """Titles in scope that by name are of the same series, and share a person, or the very name and a genre."""
        title = self._store.get_nodes("Title", [id_], ["title"]).column("title")[0].as_py() or ""
        name = series_name(title)
        if not name:
            return set()
        hits = self._store.search_text(series_label(title), _NAMES, prefix=True, adult=scope.adult)
        hits += self._store.search_text(name, _NAMES, adult=scope.adult)
        alike = {hit.id for hit in hits if hit.label == "Title" and hit.id != id_}
        inside = [other for other in sorted(alike) if scope.catalog == WHOLE_GRAPH or other in items]
        titles = self._store.get_nodes("Title", inside, _SHOWN).to_pylist()
        same = {row["id"]: row["title"] or "" for row in titles if same_series(title, row["title"] or "")}
        people = self._around([id_, *same], CREDITS, "in")
        genres = self._around([id_, *same], ("IN_GENRE",), "out")
        return {
            other
            for place, (other, own) in enumerate(same.items(), 1)
            if people[place] & people[0] or (series_name(own) == name and genres[place] & genres[0])
        }

    def _around(self, ids: Sequence[str], types: Sequence[str], direction: Direction) -> list[set[str]]:
        """The neighbours of each node."""
        found: list[set[str]] = [set() for _ in ids]
        table = self._store.neighbours(ids, types, direction)
        for source, other in zip(*(table.column(name).to_pylist() for name in ("source", "neighbour")), strict=True):
            found[source].add(other)
        return found

    def _related(self, id_: str, scope: Scope) -> dict[str, tuple[str, ...]]:
        """The asked episode's series, its other episodes, or the asked series' episodes, in scope → path."""
        up = self._store.neighbours([id_], ["EPISODE_OF"], "out", within=scope).column("neighbour").to_pylist()
        paths: dict[str, tuple[str, ...]] = {series: (id_, "EPISODE_OF", series) for series in up}
        down = self._store.neighbours([id_], ["EPISODE_OF"], "in", within=scope).column("neighbour").to_pylist()
        paths |= {episode: (id_, "EPISODE_OF", episode) for episode in down}
        shown = Scope(WHOLE_GRAPH, adult=scope.adult)  # a path may lead through what the catalog has not
        series: Sequence[str] = (
            self._store.neighbours([id_], ["EPISODE_OF"], "out", within=shown).column("neighbour").to_pylist()
        )
        others = self._store.neighbours(series, ["EPISODE_OF"], "in", within=scope) if series else None
        for other in others.column("neighbour").to_pylist() if others is not None else ():
            paths.setdefault(other, (id_, "EPISODE_OF", series[0], "EPISODE_OF", other))
        paths.pop(id_, None)
        return paths
