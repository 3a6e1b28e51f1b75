"""The titles of a person, a genre or a keyword that may be shown; where there are none, those of the nearest others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from graph.explain import ROLE_WEIGHTS, Evidence, called, rarity, role_text
from graph.reads import Asking, Degrees, Neighbours, Nodes, Offered, all_of, ask, steps, together
from graph.schema import CREDITS
from graph.store import WHOLE_GRAPH, GraphStore, Scope
from graph.substitutes import Substitute

TYPES: dict[str, Sequence[str]] = {"Person": CREDITS, "Genre": ("IN_GENRE",), "Keyword": ("HAS_KEYWORD",)}
_SHARED = 2_000  # titles looked at for whom else they have: the best known
_NEAR = 300  # people looked at for titles in scope: the nearest
_HOPS = 3
_ABOUT = ("title", "start_year", "kind", "num_votes")


@dataclass(frozen=True)
class Near:
    """A person, genre or keyword whose titles stand in for those of the one asked for."""

    id: str
    name: str


@dataclass(frozen=True)
class _Reached:
    """How the nearest are reached: how near, 0 to 1, and the path from the one asked for."""

    weight: float
    path: tuple[str, ...]


@dataclass(frozen=True)
class Titles:
    """The titles answered; whose they are, when not its own; whether it has any in the catalog, anywhere and ever."""

    answered: tuple[Substitute, ...]
    nearest: tuple[Near, ...]
    ever: bool


def titles_of(store: GraphStore, label: str, id_: str, scope: Scope, k: int) -> Titles:
    """The k best known titles in scope, the best roles first; and whose they are, when they are not its own.

    The nearest share titles with the one asked for: weighed by the roles of both and by how few take part in the
    title. Where those have fewer than k titles in scope, theirs are asked in turn, up to three steps away.
    """
    return ask(store, finding(label, id_, scope, k))


def finding(label: str, id_: str, scope: Scope, k: int) -> Asking[Titles]:
    """`titles_of`, as a part of a longer question."""
    reached = {id_: _Reached(1.0, (id_,))}
    anywhere = Scope(WHOLE_GRAPH, adult=scope.adult)
    # A person has few titles, so those elsewhere are read before it is known whether they are needed.
    spare = _titles_in(label, [id_], anywhere) if label == "Person" else []
    found = yield [*_titles_in(label, [id_], scope), Nodes("Person", [id_], ["name"]), *spare]
    names = {id_: id_} | called(found[2])
    if scored := _scored(reached, found[0], found[1]):
        best = _best(scored, k)
        (offered,) = yield [Offered(scope, [title for title, _ in best])]
        return Titles(_answered(label, best, found[1], offered, names), (), True)
    ever = False
    whole: Sequence[Any] | None = found[3:] if spare else None
    fringe = reached
    for hop in range(_HOPS):
        whole = whole or (yield _titles_in(label, list(fringe), anywhere))
        names |= called(whole[1])
        nearing = _nearest(label, fringe, whole, reached)
        if hop:
            fringe = yield from nearing
        else:  # whether it has any on another day, or in another region
            held = _titles_in(label, [id_], replace(scope, region=None, on=None))[0]
            fringe, (elsewhere,) = yield from together(nearing, all_of(held))
            ever = elsewhere.num_rows > 0
        reached, whole = reached | fringe, None
        inside = _titles_in(label, [one for one in reached if one != id_], scope)
        found = yield [*inside, Offered(scope, inside[0]), Nodes("Person", list(fringe), ["name"])]
        names |= called(found[3])
        scored = _scored({one: how for one, how in reached.items() if one != id_}, found[0], found[1])
        if len(scored) >= k or not fringe:
            break
    best = _best(scored, k)
    through = list(dict.fromkeys(path[-3] for _, (_, path) in best))
    nearest = tuple(Near(one, names.get(one, one)) for one in through)
    return Titles(_answered(label, best, found[1], found[2], names), nearest, ever)


_Scored = dict[str, tuple[float, tuple[str, ...]]]
"""title → score and path, by the best way to each."""


def _titles_in(label: str, ids: Sequence[str], scope: Scope) -> tuple[Neighbours, Nodes]:
    """Reads of the titles of nodes in a scope, and of what is answered of these."""
    titles = Neighbours(ids, TYPES[label], "out" if label == "Person" else "in", within=scope)
    return titles, Nodes("Title", titles, _ABOUT)


def _scored(reached: Mapping[str, _Reached], titles: pa.Table, about: pa.Table) -> _Scored:
    """The titles of these nodes."""
    ids, votes = list(reached), _votes(about)
    found: _Scored = {}
    for source, type_, title in steps(titles):
        how = reached[ids[source]]
        score = how.weight * ROLE_WEIGHTS.get(type_, 1.0) * float(1.0 + np.log10(1.0 + votes[title]))
        if title not in found or score > found[title][0]:
            found[title] = (score, (*how.path, type_, title))
    return found


def _best(scored: _Scored, k: int) -> list[tuple[str, tuple[float, tuple[str, ...]]]]:
    return sorted(scored.items(), key=lambda item: (-item[1][0], item[0]))[:k]


def _answered(
    label: str, best: Sequence[tuple[str, tuple[float, tuple[str, ...]]]], about: pa.Table, offered: pa.Table,
    names: Mapping[str, str],
) -> tuple[Substitute, ...]:  # fmt: skip
    items = dict(zip(*(offered.column(name).to_pylist() for name in ("id", "item_id")), strict=True))
    place = {id_: row for row, id_ in enumerate(about.column("id").to_pylist())}
    kind, name, year = (about.column(column) for column in ("kind", "title", "start_year"))
    return tuple(
        Substitute(
            title, items.get(title), name[row].as_py() or title, year[row].as_py(), kind[row].as_py() or "movie",
            score / best[0][1][0], (Evidence("path", score, _words(label, path, names), path),),
        )
        for title, (score, path) in best
        for row in [place[title]]
    )  # fmt: skip


def _nearest(
    label: str, fringe: Mapping[str, _Reached], whole: Sequence[Any], seen: Mapping[str, _Reached]
) -> Asking[dict[str, _Reached]]:
    """The nodes that share titles with those of the fringe, the nearest first. whole: all titles of the fringe."""
    ids, votes = list(fringe), _votes(whole[1])
    own: dict[str, tuple[float, tuple[str, ...]]] = {}
    for source, type_, title in steps(whole[0]):
        weight = fringe[ids[source]].weight * ROLE_WEIGHTS.get(type_, 1.0)
        if title not in own or weight > own[title][0]:
            own[title] = (weight, (*fringe[ids[source]].path, type_, title))
    titles = list(own)
    if len(titles) > _SHARED:
        order = np.argsort(-np.array([votes[title] for title in titles]), kind="stable")[:_SHARED]
        titles = [titles[place] for place in order]
    counts, table = yield [
        Degrees(titles, TYPES[label], _inward(label)), Neighbours(titles, TYPES[label], _inward(label))
    ]  # fmt: skip
    rare = rarity(counts) if titles else np.empty(0)
    weights: dict[str, float] = defaultdict(float)
    paths: dict[str, tuple[float, tuple[str, ...]]] = {}
    met: set[tuple[int, str]] = set()
    for source, type_, other in steps(table):
        if other in seen or (source, other) in met:
            continue
        met.add((source, other))  # the best role of each in a title comes first
        weight, path = own[titles[source]]
        weight *= ROLE_WEIGHTS.get(type_, 1.0) * float(rare[source]) ** 2
        weights[other] += weight
        if other not in paths or weight > paths[other][0]:
            paths[other] = (weight, (*path, type_, other))
    nearest = sorted(weights, key=lambda other: (-weights[other], other))[:_NEAR]
    most = max(weights.values(), default=1.0) or 1.0
    farther = min((how.weight for how in fringe.values()), default=1.0)
    return {other: _Reached(farther * weights[other] / most, paths[other][1]) for other in nearest}


def _inward(label: str) -> Literal["in", "out"]:
    return "in" if label == "Person" else "out"


def _votes(about: pa.Table) -> dict[str, int]:
    ids, votes = (about.column(name).to_pylist() for name in ("id", "num_votes"))
    return {id_: count or 0 for id_, count in zip(ids, votes, strict=True)}


def _words(label: str, path: Sequence[str], names: Mapping[str, str]) -> str:
    """The reason in words: whose title it is, and how that one is near the one asked for."""
    whose = names.get(path[-3], path[-3])
    said = role_text(whose, path[-2]) if label == "Person" else whose
    if len(path) == 3:
        return said
    beside, shared = (names.get(node, node) for node in (path[-7], path[-5]))
    how = "who worked with {} on {}" if label == "Person" else "which goes with {} in {}"
    return f"{said}, {how.format(beside, shared)}"
