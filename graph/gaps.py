"""A catalog's gaps: what people want that it has not, how far what it has makes up for that, and what to buy.

A gap is demand × (1 − substitutability). Demand is what was searched for (`graph.demand`), or IMDb's votes where
nothing was often enough; substitutability (`graph.substitutability`) is that of the best title that may be shown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.coverage import Coverage
from graph.demand import searches
from graph.foldin import VECTORS
from graph.purchases import choose
from graph.schema import arrow_schema
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Progress, Scope
from graph.substitutability import Curve
from graph.vectors import top

Floats = npt.NDArray[np.float32]

QUESTIONS, CANDIDATES = 20_000, 5_000
"""So many titles of most demand are looked at, and so many with the largest gaps may be bought."""
_OFFERED = 16_384  # titles of the catalog whose vectors are read at a time


@dataclass(frozen=True)
class Named:
    """A title as people know it."""

    id: str
    title: str
    start_year: int | None


@dataclass(frozen=True)
class Gap:
    """A title that is wanted and not to be had. best: the title that stands in for it best, None where none does."""

    wanted: Named
    demand: int
    substitutability: float
    best: Named | None

    @property
    def size(self) -> float:
        """Demand that nothing makes up for."""
        return self.demand * (1 - self.substitutability)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        plain = asdict(self.wanted) | {"demand": self.demand, "substitutability": round(self.substitutability, 4)}
        return plain | {"gap": round(self.size, 4), "best": asdict(self.best) if self.best else None}


@dataclass(frozen=True)
class Purchase:
    """A title to buy. gain: what it wins back, in demand; won_back: share of all that is lost, with those before it."""

    bought: Named
    demand: int
    cost: float | None
    gain: float
    won_back: float

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        plain = asdict(self.bought) | {"demand": self.demand, "cost": self.cost}
        return plain | {"gain": round(self.gain, 4), "won_back": round(self.won_back, 4)}


@dataclass(frozen=True)
class Gaps:
    """What a catalog lacks. measured_in: what demand counts, searches of the last `days` (None: ever) or IMDb's votes.

    titles: how many wanted titles were looked at, with `demand` in all, of which `lost` is not made up for. unknown:
    texts that name nothing in the graph, with their searches. Nothing here was searched for less than `minimum_count`
    times. purchases: None where no budget was given.
    """

    scope: Scope
    measured_in: Literal["searches", "votes"]
    days: int | None
    minimum_count: int
    titles: int
    demand: float
    lost: float
    gaps: Sequence[Gap]
    unknown: Sequence[tuple[str, int]]
    purchases: Sequence[Purchase] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        bought = None if self.purchases is None else [one.as_dict() for one in self.purchases]
        return {
            "catalog": self.scope.catalog,
            "region": self.scope.region,
            "on": self.scope.on.isoformat() if self.scope.on else None,
            "measured_in": self.measured_in,
            "days": self.days,
            "minimum_count": self.minimum_count,
            "titles": self.titles,
            "demand": round(self.demand, 4),
            "lost": round(self.lost, 4),
            "gaps": [one.as_dict() for one in self.gaps],
            "unknown": [{"text": text, "searches": count} for text, count in self.unknown],
            "purchases": bought,
        }


@dataclass(frozen=True)
class _Wanted:
    """Titles out of scope, those of most demand first. others: what may be bought besides, the best known first."""

    ids: list[str]
    demand: npt.NDArray[np.int64]
    others: list[str]
    measured_in: Literal["searches", "votes"]
    unknown: Sequence[tuple[str, int]]


def gaps(
    store: GraphStore, scope: Scope, *, minimum_count: int, days: int | None = None, limit: int = 20,
    budget: float | None = None, costs: Mapping[str, float] | None = None, progress: Progress | None = None,
) -> Gaps:  # fmt: skip
    """The largest gaps of a catalog, and what to buy for a budget, if one is given.

    minimum_count: what was searched for less often is not shown, and counts for nothing (`GraphSettings`).
    budget: a number of titles; with costs (title → what it costs) money, and only titles with a cost can be bought.
    Raises NotInGraph for a catalog or a title that is not there, and where nothing is known of substitutes.
    """
    report: Progress = progress or (lambda _what, _share: None)
    scope = replace(scope, on=scope.on or dt.datetime.now(dt.UTC).date())
    curve = _checked(store, scope, costs)
    report("demand", 0.0)
    wanted = _wanted(store, scope, days, minimum_count)
    coverage = Coverage(curve, _vectors(store, wanted.ids))
    offered = cast(list[str], store.offered(scope).column("id").to_pylist())
    for start in range(0, len(offered), _OFFERED):
        report("substitutes", 0.1 + 0.5 * start / len(offered))
        coverage.offer(_vectors(store, offered[start : start + _OFFERED]), start)
    now = coverage.now
    lost = wanted.demand * (1.0 - now)
    places = top(lost, limit)
    named = _named(store, [wanted.ids[p] for p in places] + [offered[b] for b in coverage.best[places] if b >= 0])
    found = [
        Gap(named[wanted.ids[place]], int(wanted.demand[place]), float(now[place]),
            named[offered[coverage.best[place]]] if coverage.best[place] >= 0 else None)
        for place in places
    ]  # fmt: skip
    bought = None
    if budget is not None:
        report("purchases", 0.6)
        bought = _purchases(store, wanted, coverage, lost, budget, costs, set(offered))
    report("done", 1.0)
    return Gaps(
        scope, wanted.measured_in, days, minimum_count, len(wanted.ids), float(wanted.demand.sum()), float(lost.sum()),
        found, wanted.unknown[:limit], bought,
    )  # fmt: skip


def _checked(store: GraphStore, scope: Scope, costs: Mapping[str, float] | None) -> Curve:
    if scope.catalog not in (None, WHOLE_GRAPH) and not store.get_nodes("Catalog", [scope.catalog], []).num_rows:
        raise NotInGraph(f"there is no catalog {scope.catalog!r} in {store.url}; reelgraph info lists those there are")
    unknown = set(costs or ()) - set(store.get_nodes("Title", list(costs or ()), []).column("id").to_pylist())
    if unknown:
        raise NotInGraph(f"there is no title {min(unknown)!r} in {store.url}, which the costs name")
    curve = Curve.published(store)
    if curve is None:
        raise NotInGraph(
            f"{store.url} does not say how well titles stand in for one another; load a graph, or train and publish "
            "substitute vectors anew: reelgraph train configs/substitutes.toml"
        )
    return curve


def _wanted(store: GraphStore, scope: Scope, days: int | None, minimum_count: int) -> _Wanted:
    """What is wanted and not in scope. Votes are those of titles of the kinds that the catalog has."""
    found = searches(store, scope.catalog, least=minimum_count, days=days)
    names = ["kind", "num_votes", "is_adult"]
    schema = pa.schema([arrow_schema("Title").field(name) for name in ("id", *names)])
    titles = pa.Table.from_batches(store.scan_nodes("Title", names), schema)
    inside = pc.is_in(titles["id"], value_set=store.offered(scope)["id"].combine_chunks())
    kinds = titles.filter(inside)["kind"].unique()
    shown = pc.invert(inside) if scope.adult else pc.and_not(pc.invert(inside), pc.fill_null(titles["is_adult"], False))
    titles = titles.filter(shown)
    ids, votes = titles["id"].to_pylist(), titles["num_votes"].fill_null(0).to_numpy()
    if len(kinds):
        votes = np.where(pc.is_in(titles["kind"], value_set=kinds).to_numpy(), votes, 0)
    counts = np.array([found.titles.get(id_, 0) for id_ in ids], np.int64) if found.titles else np.zeros_like(votes)
    searched = bool(counts.any())
    demand = (counts if searched else votes).astype(np.float64)
    chosen = top(demand, QUESTIONS)
    chosen = chosen[demand[chosen] > 0]
    others = top(np.where(counts > 0, 0.0, votes), CANDIDATES) if searched else ()
    return _Wanted(
        [ids[place] for place in chosen], demand[chosen].astype(np.int64),
        [ids[place] for place in others if votes[place] > 0 and not counts[place]],
        "searches" if searched else "votes", found.unknown,
    )  # fmt: skip


def _purchases(
    store: GraphStore, wanted: _Wanted, coverage: Coverage, lost: npt.NDArray[np.float64], budget: float,
    costs: Mapping[str, float] | None, offered: set[str],
) -> list[Purchase]:  # fmt: skip
    """What to buy. Without costs any title that is wanted, then the best known ones, CANDIDATES at most."""
    row = {id_: place for place, id_ in enumerate(wanted.ids)}
    by_loss = [wanted.ids[place] for place in np.argsort(-lost, kind="stable")] + wanted.others
    if costs is not None:
        by_loss = [id_ for id_ in dict.fromkeys([*by_loss, *sorted(costs)]) if id_ in costs and id_ not in offered]
    candidates = by_loss[:CANDIDATES]
    vectors = _vectors(store, candidates)
    own = np.array([row.get(id_, -1) for id_ in candidates], np.int64)
    prices = None if costs is None else np.array([costs[id_] for id_ in candidates], np.float64)
    chosen = choose(
        wanted.demand.astype(np.float64), coverage.now,
        lambda places: coverage.values(vectors[places], own[places]), len(candidates), budget, prices,
    )  # fmt: skip
    named = _named(store, [candidates[one.place] for one in chosen])
    whole, won = max(float(lost.sum()), 1e-12), 0.0
    made = []
    for one in chosen:
        id_, won = candidates[one.place], won + one.gain
        demand = int(wanted.demand[row[id_]]) if id_ in row else 0
        made.append(Purchase(named[id_], demand, costs[id_] if costs else None, one.gain, won / whole))
    return made


def _vectors(store: GraphStore, ids: Sequence[str]) -> Floats:
    """Substitute vectors, zeros for titles that have none: (n, d)."""
    known, rows = store.get_embeddings(VECTORS, list(ids))
    if len(known) == len(ids):
        return rows
    made = np.zeros((len(ids), store.info().embeddings[VECTORS].dimension), np.float32)
    place = {id_: row for row, id_ in enumerate(ids)}
    made[[place[id_] for id_ in known]] = rows
    return made


def _named(store: GraphStore, ids: Sequence[str]) -> dict[str, Named]:
    rows = store.get_nodes("Title", list(dict.fromkeys(ids)), ["title", "start_year"]).to_pylist()
    return {row["id"]: Named(row["id"], row["title"] or row["id"], row["start_year"]) for row in rows}
