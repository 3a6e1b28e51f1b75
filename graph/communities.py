"""Communities of a genre: the groups of people who make its titles together, for exploration.

Two people are joined when both are credited in a title of the genre; a title of n people adds 1/(n-1) to each pair, so
that a large cast counts no more for a person than a small one (Newman 2001, Phys. Rev. E 64, 016132). The groups are
those of the Louvain method (Blondel et al. 2008), which maximises modularity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Protocol, runtime_checkable

from graph.schema import CREDITS
from graph.store import GraphStore, NotInGraph, Progress

SEED = 0
"""Of the Louvain method, which visits people in a random order: the same graph has the same communities."""

LEAST_PEOPLE = 3
_MOST_PEOPLE = 40
"""Of a title; the first by IMDb's order. More of them would add pairs by the square and say little."""
_BATCH = 5_000
_ROLES = [role for role in CREDITS if role != "SEEN_IN_ARCHIVE"]


@runtime_checkable
class KeepsCommunities(Protocol):
    """A store that is explored by eye, and so keeps communities with its people."""

    def keep_communities(self, genre: str, communities: Mapping[str, str]) -> None:
        """Write the community of each person, by id, in place of the genre's earlier ones."""


@dataclass(frozen=True)
class Communities:
    """What was found: the groups' ids of people, the largest first, and how much more they work inside than by chance.

    modularity: -0.5 to 1.
    """

    genre: str
    titles: int
    people: int
    modularity: float
    groups: Sequence[Sequence[str]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: sizes instead of members."""
        told = asdict(self)
        return told | {"groups": [len(group) for group in self.groups]}


def find(store: GraphStore, genre: str, progress: Progress) -> Communities:
    """The communities of a genre, of LEAST_PEOPLE or more. Raises NotInGraph for a genre that the graph lacks."""
    import networkx as nx

    if not store.get_nodes("Genre", [genre], []).num_rows:
        raise NotInGraph(f"the graph has no genre {genre!r}; reelgraph stats lists those that it has")
    progress("reading", 0.0)
    titles = store.neighbours([genre], ["IN_GENRE"], "in")["neighbour"].to_pylist()
    adult = store.get_nodes("Title", titles, ["is_adult"]).to_pylist()
    titles = [row["id"] for row in adult if not row["is_adult"]]
    credited: dict[int, dict[str, int]] = defaultdict(dict)
    for start in range(0, len(titles), _BATCH):
        batch = titles[start : start + _BATCH]
        table = store.neighbours(batch, _ROLES, "in", properties=["ordering"])
        columns = (table[name].to_pylist() for name in ("source", "neighbour", "ordering"))
        for source, person, ordering in zip(*columns, strict=True):
            place = 0 if ordering is None else ordering
            people = credited[start + source]
            people[person] = min(place, people.get(person, place))
        progress("reading", 0.4 * (start + len(batch)) / len(titles))
    graph = nx.Graph()
    for title in sorted(credited):
        known = sorted(credited[title], key=lambda person: (credited[title][person], person))[:_MOST_PEOPLE]
        for one, other in combinations(known, 2):
            joined = graph.get_edge_data(one, other, {"weight": 0.0})["weight"]
            graph.add_edge(one, other, weight=joined + 1 / (len(known) - 1))
    progress("grouping", 0.5)
    parts = nx.community.louvain_communities(graph, seed=SEED) if graph else []
    modularity = nx.community.modularity(graph, parts) if parts else 0.0
    groups = sorted((sorted(part) for part in parts if len(part) >= LEAST_PEOPLE), key=lambda one: (-len(one), one))
    progress("grouped", 1.0)
    return Communities(genre, len(titles), len(graph), modularity, groups)


def keep(store: GraphStore, found: Communities) -> bool:
    """Write the communities of one genre to the people, in place of that genre's earlier ones.

    False where the store is not one that is explored by eye: then they are kept nowhere.
    """
    if not isinstance(store, KeepsCommunities):
        return False
    of = {person: f"{found.genre}:{number}" for number, group in enumerate(found.groups, 1) for person in group}
    store.keep_communities(found.genre, of)
    return True
