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
import pyarrow as pa

from graph import diversity, facets
from graph.explain import Evidence, called
from graph.facets import Weighed, weighing
from graph.foldin import FoldIn
from graph.preferences import NEUTRAL, Preferences
from graph.reads import Asking, Embeddings, Nearest, Neighbours, Nodes, Offered, Read, all_of, ask, together
from graph.reasons import Asked, Found, Mask, Reasons
from graph.sibling_evidence import Known, played, sibling_evidence
from graph.siblings import Likely, Sibling, likely_siblings
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
SHOWN = ("kind", "title", "start_year")


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
class Near:
    """What may be answered for a title of the graph: its vector, (d,), and titles in a scope.

    nearest: products by id, the largest first. related: by EPISODE_OF, with the path. products: of both, 0 for those
    without a vector. every: all in scope, where so few are near that titles without a vector are answered too.
    """

    vector: Floats
    nearest: Mapping[str, float]
    related: Mapping[str, tuple[str, ...]]
    products: Mapping[str, float]
    every: Sequence[str] | None


@dataclass(frozen=True)
class _Question:
    """What is read of an asked title, whatever is near it; landmarks: which of them reasons may name."""

    scope: Scope
    likely: Likely
    asked: Asked
    landmarks: Mask


class Ranking:
    """Ranks titles by the vectors that `folded` names; made once for a version of the graph. Safe for threads."""

    def __init__(self, store: GraphStore, folded: FoldIn, stage: Stage = untimed) -> None:
        self._store, self._stage = store, stage
        self.folded, self.run, self.reasons = folded, folded.run, Reasons(store, folded)

    def rank(self, id_: str, scope: Scope, k: int, wanted: Preferences = NEUTRAL) -> list[Substitute] | None:
        """The k best in scope for a title of the graph, with evidence; k whenever k others are there.

        None where the title has no vector. wanted: facets weigh products before siblings come up; diversity orders
        what has come of both.
        """
        return ask(self._store, self.ranking(id_, scope, k, wanted))[1]

    def ranking(
        self, id_: str, scope: Scope, k: int, wanted: Preferences = NEUTRAL, named: Mapping[str, Any] | None = None,
        state: str | None = None,
    ) -> Asking[tuple[Near | None, list[Substitute] | None]]:  # fmt: skip
        """What is near a title, and `rank`. named: its two names, state: that of the store, where they are known."""
        near = self._near(id_, scope, k, pool(max(k, 1), wanted))
        if k <= 0:
            return (yield from near), []
        found, likely, asked, landmarks = yield from together(
            near,
            likely_siblings(id_, scope, None, named),
            self.reasons.asked(id_),
            self.reasons.landmarks_in(scope, state),
        )
        if found is None:
            return None, None
        ranked = yield from self._ranked(_Question(scope, likely, asked, landmarks), found, k, wanted)
        return found, ranked

    def _near(self, id_: str, scope: Scope, k: int, count: int) -> Asking[Near | None]:
        name = self.folded.name
        found = yield [
            Embeddings(name, [id_]), Nearest(name, id_, count + 1, scope), *_related_reads(id_, scope)
        ]  # fmt: skip
        held, vectors = found[0]
        if not held:
            return None
        vector, related = np.asarray(vectors[0], np.float32), _related(id_, found[2:])
        products = {other: product for other, product in found[1] if other != id_}
        late = sorted(related.keys() - products.keys())
        few = len(products) < max(k, 1)
        wanted: list[Read] = [*([Embeddings(name, late)] if late else []), *([Offered(scope)] if few else [])]
        found = (yield wanted) if wanted else ()
        every = found[len(wanted) - 1].column("id").to_pylist() if few else None
        return Near(vector, products, related, products | _products(vector, late, found), every)

    def _ranked(self, question: _Question, near: Near, k: int, wanted: Preferences) -> Asking[list[Substitute]]:
        id_, likely, scope = question.asked.id, question.likely, question.scope
        # Before it is known which siblings there are, all is read that may be needed then.
        first = [] if wanted.diversity or wanted.weighed else _best(_filled(near, near.products, id_), near.related, k)
        more = [other for other in likely.possible if first and other not in first]
        late, casts = [other for other in likely.possible if other not in near.products], likely.casts
        found, *known = yield from together(
            all_of(casts, Nodes("Person", casts, ["name"]), Embeddings(self.folded.name, late)),
            self._about(id_, first, scope), self._about(id_, more, scope),
        )  # fmt: skip
        alike = likely.siblings(found[0])
        brought = _products(near.vector, late, found[2:])
        brought = {other: product for other, product in brought.items() if other in alike}
        products = _filled(near, {**near.products, **brought}, id_)
        weighed = None
        if wanted.weighed:
            weighed = yield from weighing(self.folded, [id_], list(products), wanted)
            (row,) = weighed.weigh(np.array([list(products.values())]), list(products))
            products = dict(zip(products, row.tolist(), strict=True))
        scores = raised(products, near.related, alike)
        if wanted.diversity:
            series = near.related.keys() | alike.keys()
            scores = yield from diversity.diversifying(self.folded.name, scores, k, wanted.diversity, series)
        chosen = list(scores) if wanted.diversity else sorted(scores, key=lambda other: (-scores[other], other))[:k]
        if not chosen:
            return []
        known.append((yield from self._about(id_, [other for other in chosen if other not in {*first, *more}], scope)))
        up = {other: alike[other] for other in brought_up(products, near.related, alike) if other in chosen}
        highest = scores[chosen[0]] if scores[chosen[0]] > 0 else 1.0
        with self._stage("evidence"):
            about = _About.of(
                [one for one in known if not {*chosen}.isdisjoint(one.titles)], question.asked.id, self.reasons
            )
            evidence = self._evidence(question, near, about, chosen, up, found, weighed)
        return shown({other: scores[other] / highest for other in chosen}, about.rows, about.items, evidence)

    def _about(self, asked: str, titles: Sequence[str], scope: Scope) -> Asking[_Read]:
        """Reads what answering some titles takes, if there are any."""
        if not titles:
            return _Read((), ())
        items = [] if scope.catalog == WHOLE_GRAPH else [Offered(scope, titles)]
        answers = yield [Nodes("Title", titles, SHOWN), *self.reasons.reads([asked], titles), *items]
        return _Read(titles, answers)

    def _evidence(
        self, question: _Question, near: Near, about: _About, chosen: Sequence[str], up: Mapping[str, Sibling],
        casts: Sequence[Any], weighed: Weighed | None,
    ) -> dict[str, list[Evidence]]:  # fmt: skip
        """Why each is answered. up: those that came up as siblings; casts: the likely ones' parts, and their people."""
        asked, likely = question.asked, question.likely
        by_part = any("part" in one.because for one in up.values())
        known = Known(
            likely.rows,
            played([asked.id, *likely.cast], casts[0]) if by_part else {},
            {other: [one.id for one in about.found.shared[other] if one.label == "Keyword"] for other in up},
            likely.rare,
            {**called(casts[1]), **asked.names} if by_part else asked.names,
        )
        people = {
            other: [(one.id, one.there, one.here) for one in about.found.shared[other] if one.label == "Person"]
            for other in up
        }
        series = sibling_evidence(asked.id, up, people, known)
        return self.reasons.of(asked, about.found, chosen, near.related, series, question.landmarks, weighed)


@dataclass(frozen=True)
class _Read:
    """What was read of titles: their nodes, then `Reasons.reads`, and their offers, where a scope has any."""

    titles: Sequence[str]
    answers: Sequence[Any]


@dataclass(frozen=True)
class _About:
    """What is known of titles that are answered. rows: SHOWN, by id; items: the catalog's own ids."""

    found: Found
    rows: Mapping[str, Mapping[str, Any]]
    items: Mapping[str, str | None]

    @classmethod
    def of(cls, parts: Sequence[_Read], asked: str, reasons: Reasons) -> _About:
        """All that was read of some titles, compared with the asked one."""
        found, rows, items = Found({}, {}), dict[str, Mapping[str, Any]](), dict[str, str | None]()
        for part in parts:
            found |= reasons.found({asked: part.titles}, part.answers[1:4])
            rows |= {row["id"]: row for row in part.answers[0].to_pylist()}
            items |= items_of(part.answers[4]) if len(part.answers) > 4 else {}
        return cls(found, rows, items)


def items_of(offered: pa.Table) -> dict[str, str | None]:
    """The catalog's own id of each title that a scope offers."""
    return dict(zip(*(offered.column(name).to_pylist() for name in ("id", "item_id")), strict=True))


def _products(vector: Floats, ids: Sequence[str], found: Sequence[Any]) -> dict[str, float]:
    """The product of titles with a vector, 0 where they have none. found: first of all, the titles' vectors."""
    if not ids:
        return {}
    held, rows = found[0]
    return dict.fromkeys(ids, 0.0) | dict(zip(held, (rows @ vector).tolist() if held else (), strict=True))


def _filled(near: Near, products: Mapping[str, float], id_: str) -> dict[str, float]:
    """Products with those of titles without a vector, last, where all titles in scope are needed."""
    rest = sorted(set(near.every) - products.keys() - {id_}) if near.every is not None else ()
    return {**products, **dict.fromkeys(rest, 0.0)}


def _best(products: Mapping[str, float], related: Mapping[str, Any], k: int) -> list[str]:
    """The k best before any sibling comes up."""
    scores = raised(products, related, {})
    return sorted(scores, key=lambda other: (-scores[other], other))[:k]


def shown(
    scores: Mapping[str, float], rows: Mapping[str, Mapping[str, Any]], items: Mapping[str, str | None],
    evidence: Mapping[str, Sequence[Evidence]],
) -> list[Substitute]:  # fmt: skip
    """Titles with their scores as they are answered, in that order. rows: SHOWN, by id."""
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
    return ask(store, relating(id_, scope))


def relating(id_: str, scope: Scope) -> Asking[dict[str, tuple[str, ...]]]:
    """`related_to`, as a part of a longer question."""
    answers = yield _related_reads(id_, scope)
    return _related(id_, answers)


def _related_reads(id_: str, scope: Scope) -> list[Read]:
    """The series, of an episode; the episodes, of a series; the other episodes of the same one."""
    anywhere = Scope(WHOLE_GRAPH, adult=scope.adult)  # a path may lead through what the catalog has not
    up = Neighbours([id_], ["EPISODE_OF"], "out", within=anywhere, mark=scope)
    return [
        up,
        Neighbours([id_], ["EPISODE_OF"], "in", within=scope),
        Neighbours(up, ["EPISODE_OF"], "in", within=scope),
    ]


def _related(id_: str, answers: Sequence[Any]) -> dict[str, tuple[str, ...]]:
    up = answers[0].column("neighbour").to_pylist()
    inside = answers[0].column("inside").to_pylist()
    paths: dict[str, tuple[str, ...]] = {
        one: (id_, "EPISODE_OF", one) for one, there in zip(up, inside, strict=True) if there
    }
    paths |= {episode: (id_, "EPISODE_OF", episode) for episode in answers[1].column("neighbour").to_pylist()}
    for other in answers[2].column("neighbour").to_pylist() if up else ():
        paths.setdefault(other, (id_, "EPISODE_OF", up[0], "EPISODE_OF", other))
    paths.pop(id_, None)
    return paths
