"""The titles of a person, a genre or a keyword that may be shown; where there are none, those of the nearest others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from graph.explain import ROLE_WEIGHTS, Evidence, names_of, rarity, role_text
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


def titles_of(
    store: GraphStore, label: str, id_: str, scope: Scope, k: int, items: Mapping[str, str | None]
) -> tuple[tuple[Substitute, ...], tuple[Near, ...]]:
    """The k best known titles in scope, the best roles first; and whose they are, when they are not its own.

    The nearest share titles with the one asked for: weighed by the roles of both and by how few take part in the
    title. Where those have fewer than k titles in scope, theirs are asked in turn, up to three steps away. items: the
    catalog's own id of each title in scope.
    """
    reached = {id_: _Reached(1.0, (id_,))}
    found = _titles(store, label, reached, scope)
    if not found:
        fringe = reached
        for _ in range(_HOPS):
            fringe = _nearest(store, label, fringe, scope, reached)
            reached |= fringe
            found = _titles(store, label, {one: how for one, how in reached.items() if one != id_}, scope)
            if len(found) >= k or not fringe:
                break
    best = sorted(found.items(), key=lambda item: (-item[1][0], item[0]))[:k]
    names = names_of(store, list(dict.fromkeys(node for _, (_, path) in best for node in path[::2])))
    about = {row["id"]: row for row in store.get_nodes("Title", [title for title, _ in best], _ABOUT).to_pylist()}
    titles = tuple(
        Substitute(
            title,
            items.get(title),
            about[title]["title"] or title,
            about[title]["start_year"],
            about[title]["kind"] or "movie",
            score / best[0][1][0],
            (Evidence("path", score, _words(label, path, names), path),),
        )
        for title, (score, path) in best
    )
    through = list(dict.fromkeys(path[-3] for _, (_, path) in best if path[-3] != id_))
    return titles, tuple(Near(one, names[one]) for one in through)


def has_titles(store: GraphStore, label: str, id_: str, scope: Scope) -> bool:
    """Whether a person, genre or keyword has any title in scope."""
    return bool(_step(store, label, [id_], scope))


def _titles(
    store: GraphStore, label: str, reached: dict[str, _Reached], scope: Scope
) -> dict[str, tuple[float, tuple[str, ...]]]:
    """The titles in scope of these nodes: title → score and path, by the best way to each."""
    ids = list(reached)
    rows = _step(store, label, ids, scope)
    titles = list(dict.fromkeys(title for _, _, title in rows))
    votes = dict(zip(titles, _votes(store, titles), strict=True))
    found: dict[str, tuple[float, tuple[str, ...]]] = {}
    for source, type_, title in rows:
        how = reached[ids[source]]
        score = how.weight * ROLE_WEIGHTS.get(type_, 1.0) * float(1.0 + np.log10(1.0 + votes[title]))
        if title not in found or score > found[title][0]:
            found[title] = (score, (*how.path, type_, title))
    return found


def _nearest(
    store: GraphStore, label: str, fringe: dict[str, _Reached], scope: Scope, seen: dict[str, _Reached]
) -> dict[str, _Reached]:
    """The nodes that share titles with those of the fringe, the nearest first."""
    ids = list(fringe)
    own: dict[str, tuple[float, tuple[str, ...]]] = {}
    for source, type_, title in _step(store, label, ids, Scope(WHOLE_GRAPH, adult=scope.adult)):
        weight = fringe[ids[source]].weight * ROLE_WEIGHTS.get(type_, 1.0)
        if title not in own or weight > own[title][0]:
            own[title] = (weight, (*fringe[ids[source]].path, type_, title))
    titles = list(own)
    if len(titles) > _SHARED:
        order = np.argsort(-np.array(_votes(store, titles)), kind="stable")[:_SHARED]
        titles = [titles[place] for place in order]
    rare = rarity(store.degrees(titles, TYPES[label], _inward(label))) if titles else np.empty(0)
    weights: dict[str, float] = defaultdict(float)
    paths: dict[str, tuple[float, tuple[str, ...]]] = {}
    table = store.neighbours(titles, TYPES[label], _inward(label))
    met: set[tuple[int, str]] = set()
    for source, type_, other in _rows(table):
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


def _step(store: GraphStore, label: str, ids: Sequence[str], scope: Scope) -> list[tuple[int, str, str]]:
    """From nodes to their titles in scope: (place of the node, relationship type, title)."""
    return _rows(store.neighbours(ids, TYPES[label], "out" if label == "Person" else "in", within=scope))


def _inward(label: str) -> Literal["in", "out"]:
    return "in" if label == "Person" else "out"


def _rows(table: Any) -> list[tuple[int, str, str]]:
    return list(zip(*(table.column(name).to_pylist() for name in ("source", "type", "neighbour")), strict=True))


def _votes(store: GraphStore, titles: Sequence[str]) -> list[int]:
    return [votes or 0 for votes in store.get_nodes("Title", titles, ["num_votes"]).column("num_votes").to_pylist()]


def _words(label: str, path: Sequence[str], names: dict[str, str]) -> str:
    """The reason in words: whose title it is, and how that one is near the one asked for."""
    whose = names[path[-3]]
    said = role_text(whose, path[-2]) if label == "Person" else whose
    if len(path) == 3:
        return said
    beside, shared = names[path[-7]], names[path[-5]]
    how = "who worked with {} on {}" if label == "Person" else "which goes with {} in {}"
    return f"{said}, {how.format(beside, shared)}"
