"""Two towers and their ranker as a store holds them: vectors of titles, and the small networks as facts of these.

Four vectors for each title: what it is to the title tower at unit length (`tower_vector`, for the nearest) and as it
is (`tower_offered`, for products with users), what liking it says of somebody (`tower_says`), and what the ranker has
of it (`ranker_vector`). `gnn/publish.py` writes them as one version; what is written here is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.store import Fact, Provenance
from graph.tower_scores import Arrays, Floats, Pairs, Towers

TITLES, TOWER_OFFERED, TOWER_SAYS, RANKER = "tower_vector", "tower_offered", "tower_says", "ranker_vector"
OPINIONS = "likes and dislikes"
"""What points are where there are no ratings: 1, 0 and -1."""
PARTS = (TOWER_OFFERED, TOWER_SAYS, RANKER)
"""What is published beside TITLES."""
_WEIGHTS = ("in.weight", "in.bias", "out.weight", "out.bias")


@dataclass(frozen=True)
class Ranking:
    """How points are read and used. kind: the type of feedback that is points, or OPINIONS.

    liked: points that titles get of which nothing is known but that somebody likes them. shortlist: so many of the best
    are put in another order; weight: of the points in that, the rest is the towers'.
    """

    kind: str
    liked: float
    shortlist: int
    weight: float


@dataclass(frozen=True)
class TowerParts:
    """The towers and the ranker that a version has, by what TOWER_SAYS and RANKER were published with."""

    says: Provenance
    ranker: Provenance

    @classmethod
    def among(cls, found: Mapping[str, Provenance]) -> TowerParts | None:
        """From all that is published; None where the parts are not all there, or not of one run."""
        made = [found.get(name) for name in (TITLES, *PARTS)]
        there = [one for one in made if one is not None]
        if len(there) < len(made) or len({(one.run, one.graph_hash) for one in there}) > 1:
            return None
        return cls(*there[2:])

    @property
    def run(self) -> str:
        """That they were published with."""
        return self.says.run

    @cached_property
    def ranking(self) -> Ranking:
        """How points are read and used."""
        numbers, kind = self.ranker.numbers, str(self.ranker.facts["points"])
        return Ranking(kind, numbers["liked"], int(numbers["shortlist"]), numbers["weight"])

    def towers(self, says: Floats) -> Towers:
        """The user tower over some titles: says (n, w), of these."""
        user = _network(self.says.facts)
        return Towers(says, np.empty((0, len(user["out.bias"])), np.float32), user)

    def pairs(self, rows: Floats) -> Pairs:
        """The ranker over some titles: rows (n, 2 w + 1), of these."""
        width = rows.shape[1] // 2
        mean, net = self.ranker.numbers["mean"], _network(self.ranker.facts)
        return Pairs(rows[:, :width], rows[:, width:-1], mean, rows[:, -1], net)


def tower_facts(towers: Towers) -> dict[str, Fact]:
    """The user tower as facts of TOWER_SAYS."""
    return _facts(towers.user)


def ranker_facts(pairs: Pairs, ranking: Ranking) -> dict[str, Fact]:
    """The ranker as facts of RANKER, and how it is used."""
    told: dict[str, Fact] = {"mean": pairs.mean, "points": ranking.kind, "liked": ranking.liked}
    return told | {"shortlist": ranking.shortlist, "weight": ranking.weight} | _facts(pairs.net)


def ranker_rows(pairs: Pairs) -> Floats:
    """What the ranker has of each title, one vector each: says, offered, how much it is above the mean."""
    return np.hstack([pairs.says, pairs.offered, pairs.of_title[:, None]]).astype(np.float32)


def _facts(network: Arrays) -> dict[str, Fact]:
    # The shortest text of a number in single precision is that number again when it is read.
    return {name: [float(str(one)) for one in network[name].astype(np.float32).ravel()] for name in _WEIGHTS}


def _network(facts: Mapping[str, Fact]) -> dict[str, npt.NDArray[Any]]:
    made = {name: np.array(facts[name], np.float32) for name in _WEIGHTS}
    for layer in ("in", "out"):
        made[f"{layer}.weight"] = made[f"{layer}.weight"].reshape(len(made[f"{layer}.bias"]), -1)
    return made
