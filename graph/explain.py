"""Why two titles belong together: typed paths in the graph, weighted by role and rarity, each re-checkable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.franchise import names_alike, part_words
from graph.reads import Asking, Degrees, Neighbours, Nodes, ask, steps
from graph.schema import CREDITS, RELATIONSHIPS
from graph.store import WHOLE_GRAPH, Direction, GraphStore, NotInGraph, Scope

ROLE_WEIGHTS: Mapping[str, float] = {
    "DIRECTED": 1.2,
    "ACTED_IN": 1.0,
    "WROTE": 0.8,
    "COMPOSED": 0.5,
    "SHOT": 0.5,
    "EDITED": 0.4,
    "PRODUCED": 0.4,
    "DESIGNED": 0.3,
    "CAST": 0.1,
    "SEEN_IN_ARCHIVE": 0.1,
}
GENRE_WEIGHT = 0.25
_PATHS_PER_STEP = 20_000
_LONGEST = 6

# (what the answered title is, what the person did in the other one)
_PHRASES = {
    "DIRECTED": ("directed by {}", "directed"),
    "ACTED_IN": ("with {}", "is in"),
    "WROTE": ("written by {}", "wrote"),
    "COMPOSED": ("music by {}", "composed for"),
    "SHOT": ("shot by {}", "shot"),
    "EDITED": ("edited by {}", "edited"),
    "PRODUCED": ("produced by {}", "produced"),
    "DESIGNED": ("designed by {}", "designed"),
    "CAST": ("cast by {}", "cast"),
    "SEEN_IN_ARCHIVE": ("with {} in archive footage", "is seen in"),
}

EvidenceKind = Literal[
    "path",
    "name",
    "part",
    "people",
    "keyword",
    "viewers",
    "liked",
    "watched",
    "near",
    "popular",
    "explored",
    "chance",
    "pinned",
    "ranked",
]
_BY_TITLES = ("viewers", "liked", "watched", "near")


@dataclass(frozen=True)
class Ranked:
    """How a title came to its place: where it was among the first ones, where it was put, by how many points."""

    was: int
    place: int
    points: float


@dataclass(frozen=True)
class Evidence:
    """One reason. `path` alternates ids and relationship types; a reason by name has the two ids alone.

    Reasons by viewers and of what was liked have no path: `via` names the titles whose viewers carried the score
    (graph/reasons.py), the one of those named that did (graph/recommend.py), or whose vectors are near
    (graph/nearest.py). One by people, or by a part that two people play, has the two ids and the people in `via`
    (graph/sibling_evidence.py). Popularity and chance have neither. `ranked`: of what was put in another order
    (graph/towers.py), which has nothing else.
    """

    kind: EvidenceKind
    weight: float
    text: str
    path: tuple[str, ...]
    via: tuple[str, ...] = ()
    ranked: Ranked | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        plain = {"kind": self.kind, "weight": round(self.weight, 4), "text": self.text}
        if self.ranked is not None:
            return plain | {**vars(self.ranked), "points": round(self.ranked.points, 2)}
        path = {} if self.kind in _BY_TITLES else {"path": list(self.path)}
        return plain | path | ({} if self.kind in ("path", "name") else {"via": list(self.via)})


def rarity(degrees: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """How telling a shared node of that many relationships is: 1 for the rarest, falling with the logarithm."""
    return np.log1p(1e6 / np.maximum(degrees, 1)) / math.log1p(1e6)


def role_text(name: str, role: str) -> str:
    """Words for a title in which that person did this."""
    return _PHRASES[role][0].format(name)


def credit_text(name: str, here: str, there: str, other: str) -> str:
    """Words for a person who did `here` in the answered title and `there` in the one named `other`."""
    phrase = _PHRASES[here][0].format(name)
    return f"{phrase}, like {other}" if here == there else f"{phrase}, who {_PHRASES[there][1]} {other}"


def check(store: GraphStore, evidence: Evidence) -> bool:
    """Look at the graph as it is now: whether each step of a path is there, and what else the reason says is true."""
    if evidence.kind in _BY_TITLES:
        return bool(evidence.via) and store.get_nodes("Title", evidence.via, []).num_rows == len(evidence.via)
    if not evidence.path:
        return False
    first, last = evidence.path[0], evidence.path[-1]
    if evidence.kind == "name":
        rows = store.get_nodes("Title", [first, last], ["title", "original_title"]).to_pylist()
        names = [[row[name] for name in ("title", "original_title") if row[name]] for row in rows]
        return len(names) == 2 and names_alike(*names)
    if evidence.kind == "people":
        held = [set(store.neighbours([id_], CREDITS, "in").column("neighbour").to_pylist()) for id_ in (first, last)]
        return bool(evidence.via) and held[0] & held[1] >= set(evidence.via)
    if evidence.kind == "part":
        one, other = (evidence.path[2::2][:1] * 2) if len(evidence.path) == 5 else evidence.via
        return not part_words(_parts(store, first, one)).isdisjoint(part_words(_parts(store, last, other)))
    ids, types = evidence.path[::2], evidence.path[1::2]
    if len(ids) != len(types) + 1 or not types or any(type_ not in RELATIONSHIPS for type_ in types):
        return False
    return all(_is_step(store, *step) for step in zip(ids, types, ids[1:], strict=False))


def _parts(store: GraphStore, title: str, person: str) -> list[str]:
    """The names of what a person plays in a title."""
    table = store.neighbours([title], ["ACTED_IN"], "in", properties=["characters"])
    rows = zip(table.column("neighbour").to_pylist(), table.column("characters").to_pylist(), strict=True)
    return [part for actor, parts in rows if actor == person for part in parts or ()]


def _is_step(store: GraphStore, near: str, type_: str, far: str) -> bool:
    directions: tuple[Literal["out", "in"], ...] = ("out", "in")
    return any(
        far in store.neighbours([near], [type_], direction).column("neighbour").to_pylist() for direction in directions
    )


def explain(
    store: GraphStore, start: str, end: str, *, limit: int = 10, adult: bool = False, far: bool = True
) -> list[Evidence]:
    """The best typed paths between two titles, two people, or one of each; heaviest first.

    Steps of one and two relationships first; where no person joins the two, the shortest chains of credits, up
    to six steps (far: whether to look for those). Raises NotInGraph when an id is not in the graph.
    """
    return ask(store, explaining(store.url, start, end, limit=limit, adult=adult, far=far))


_SHARED: tuple[tuple[Sequence[str], Direction, Mapping[str, float]], ...] = (
    (CREDITS, "in", ROLE_WEIGHTS),
    (("IN_GENRE",), "out", {"IN_GENRE": GENRE_WEIGHT}),
    (("HAS_KEYWORD",), "out", {"HAS_KEYWORD": 2 * GENRE_WEIGHT}),
)
"""By what two titles share a node: types, their direction, how much each weighs."""
_Paths = list[tuple[float, tuple[str, ...]]]


def explaining(
    url: str, start: str, end: str, *, limit: int = 10, adult: bool = False, far: bool = True
) -> Asking[list[Evidence]]:
    """`explain`, as a part of a longer question; url: of the store."""
    ends = [start, end]
    found = yield [
        Nodes("Title", ends, ["title"]), Nodes("Person", ends, ["name"]), Neighbours(ends, ["EPISODE_OF"], "out"),
        *(Neighbours(ends, types, direction) for types, direction, _ in _SHARED),
    ]  # fmt: skip
    titles = called(found[0])
    names = called(found[1]) | titles
    for id_ in ends:
        if id_ not in names:
            raise NotInGraph(f"there is no title or person {id_!r} in {url}; search for its name to find its id")
    paths: _Paths = []
    if start != end and titles.keys() >= set(ends):
        series = _series(start, end, found[2])
        shared = [_in_common(found[3 + place]) for place in range(len(_SHARED))]
        *degrees, people, above = yield [
            *(Degrees(list(some), types, _back(way)) for some, (types, way, _) in zip(shared, _SHARED, strict=True)),
            Nodes("Person", list(shared[0]), ["name"]),
            Nodes("Title", [path[2] for _, path in series if len(path) == 5], ["title"]),
        ]  # fmt: skip
        names |= called(people) | called(above)
        paths += series
        for some, counts, (_, _, weights) in zip(shared, degrees, _SHARED, strict=True):
            for (node, (there, here)), rare in zip(some.items(), rarity(counts).tolist(), strict=True):
                paths.append((weights[there] * weights[here] * rare, (start, there, node, here, end)))
    if start != end and far and not any(path[1] in CREDITS for _, path in paths):
        paths += yield from _chains(start, end, [id_ in titles for id_ in ends], adult)
    best = sorted(paths, key=lambda item: (-item[0], item[1]))[:limit]
    lacking = {id_ for _, path in best if path[1] in CREDITS for id_ in path[::2]} - names.keys()
    names |= (yield from naming(sorted(lacking))) if lacking else {}
    return _described(best, names, between_titles=titles.keys() >= set(ends))


def _series(start: str, end: str, table: pa.Table) -> _Paths:
    """Episode and series, or two episodes of one series."""
    series = dict(zip(table.column("source").to_pylist(), table.column("neighbour").to_pylist(), strict=True))
    if series.get(0) == end or series.get(1) == start:
        return [(2.0, (start, "EPISODE_OF", end))]
    if 0 in series and series[0] == series.get(1):
        return [(2.0, (start, "EPISODE_OF", series[0], "EPISODE_OF", end))]
    return []


def _in_common(table: pa.Table) -> dict[str, tuple[str, str]]:
    """The nodes that both titles have, each with its heaviest role in the one and in the other."""
    roles: list[dict[str, str]] = [{}, {}]
    for source, type_, node in steps(table):
        roles[source].setdefault(node, type_)
    return {node: (roles[0][node], roles[1][node]) for node in sorted(roles[0].keys() & roles[1].keys())}


def _back(direction: Direction) -> Direction:
    return "in" if direction == "out" else "out"


def _chains(start: str, end: str, at_title: list[bool], adult: bool) -> Asking[_Paths]:
    """Shortest chains of credits, found from both ends; wide fringes are cut to bound the work."""
    sides: list[dict[str, tuple[str, ...]]] = [{start: (start,)}, {end: (end,)}]
    fringes = [dict(side) for side in sides]
    for _ in range(_LONGEST):
        side = 0 if len(fringes[0]) <= len(fringes[1]) else 1
        fringes[side] = yield from _grow(fringes[side], sides[side], at_title[side], adult)
        at_title[side] = not at_title[side]
        sides[side] |= fringes[side]
        met = sorted(set(sides[0]) & set(sides[1]))
        if met:
            paths = [(*sides[0][node], *sides[1][node][::-1][1:]) for node in met]
            shortest = min(len(path) for path in paths)
            paths = [path for path in paths if len(path) == shortest]
            return [(1.0 / shortest * _role_product(path), path) for path in paths]
        if not fringes[side]:
            return []
    return []


def _grow(
    fringe: Mapping[str, tuple[str, ...]], seen: Mapping[str, Any], at_title: bool, adult: bool
) -> Asking[dict[str, tuple[str, ...]]]:
    ids = list(fringe)
    scope = None if at_title else Scope(WHOLE_GRAPH, adult=adult)
    (table,) = yield [Neighbours(ids, CREDITS[:-1], "in" if at_title else "out", within=scope)]
    grown: dict[str, tuple[str, ...]] = {}
    for source, type_, node in steps(table):
        if node not in seen and node not in grown:
            grown[node] = (*fringe[ids[source]], type_, node)
            if len(grown) >= _PATHS_PER_STEP:
                break
    return grown


def _role_product(path: Sequence[str]) -> float:
    return math.prod(ROLE_WEIGHTS[type_] for type_ in path[1::2])


def _described(found: _Paths, names: Mapping[str, str], *, between_titles: bool) -> list[Evidence]:
    evidence = []
    for weight, path in found:
        start, end = names[path[0]], names[path[-1]]
        if path[1] == "EPISODE_OF":
            text = f"{start} and {end}: " + (
                "series and episode" if len(path) == 3 else f"episodes of {names[path[2]]}"
            )
        elif len(path) == 5 and path[1] in CREDITS and between_titles:
            text = credit_text(names[path[2]], path[3], path[1], start)
        elif len(path) == 5 and between_titles:
            text = f"{path[2]}, like {start}"
        else:
            text = " · ".join(names[id_] for id_ in path[::2])
        evidence.append(Evidence("path", weight, text, path))
    return evidence


def names_of(store: GraphStore, ids: Sequence[str]) -> dict[str, str]:
    """What people call each title or person; an id without a name stands for itself."""
    return ask(store, naming(ids))


def naming(ids: Sequence[str]) -> Asking[dict[str, str]]:
    """`names_of`, as a part of a longer question."""
    titles, people = yield [Nodes("Title", ids, ["title"]), Nodes("Person", ids, ["name"])]
    return {id_: id_ for id_ in ids} | called(titles) | called(people)


def called(nodes: pa.Table) -> dict[str, str]:
    """The names of nodes: an id, and `name` or `title`."""
    ids, names = (nodes.column(place).to_pylist() for place in (0, 1))
    return {id_: name or id_ for id_, name in zip(ids, names, strict=True)}
