"""The published protocol: all feedback counts, a hundred answers, what was had left out or kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gnn.config import ConfigError
from gnn.histories import Floats, Histories, Ints
from gnn.recommend_splits import Split, by_chance
from gnn.retrieval_evaluation import FIRST, found, retrieve
from gnn.tastes import Options
from graph.store import GraphStore


@dataclass(frozen=True)
class Falling:
    """Everybody's titles in their order."""

    def score(self, known: Histories, users: Ints) -> Floats:
        return np.tile(-np.arange(len(known.titles), dtype=np.float32), (len(users), 1))


def history(events: list[tuple[int, int, int]], users: int, titles: int) -> Histories:
    user, title, says = (np.array(one) for one in zip(*events, strict=True))
    names = [f"u{n}" for n in range(users)], [f"t{n:03}" for n in range(titles)]
    return Histories(*names, user, title, says.astype(np.int8), np.arange(len(user)))


def test_what_was_had_takes_places_only_where_it_is_kept() -> None:
    known = history([(0, title, 1) for title in range(50)], 1, 300)
    wanted = np.array([60, FIRST - 1, FIRST, FIRST + 49, FIRST + 50])
    made = found(Falling(), Split("x", known, known, np.array([0]), {0: wanted}))
    assert made.kept.tolist() == [2]  # 60 and 99
    assert made.hits.tolist() == [4]  # 50 are gone: up to 149


def test_all_feedback_is_to_be_found_whatever_it_says(viewed: GraphStore) -> None:
    chance = np.random.default_rng(0)
    titles = [id_ for batch in viewed.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    user, title = np.nonzero(chance.random((60, len(titles))) < 0.15)
    says = chance.choice([-1, 0, 1], len(user)).astype(np.int8)
    events = Histories([f"u{n:02}" for n in range(60)], titles, user, title, says, np.arange(len(user)))
    told = retrieve(viewed, events, Options(landmarks=64, content=16), names=["random", "popularity", "ease"])
    assert told["events_to_find"] == int(0.2 * len(user))
    assert told["compared_with"] == "ease"
    rows = {one["strategy"]: one for one in told["strategies"]}
    by_hand = by_chance(Histories(events.users, titles, user, title, np.ones_like(says), events.time), 0)
    assert sum(map(len, by_hand.liked.values())) == told["events_to_find"]
    for one in rows.values():
        assert one["hits"]["low"] <= one["hits"]["mean"] <= one["hits"]["high"]
    assert "hits_difference" not in rows["ease"]
    gap = rows["random"]["hits"]["mean"] - rows["ease"]["hits"]["mean"]
    assert rows["random"]["hits_difference"]["mean"] == pytest.approx(gap, abs=2e-4)
    assert rows["random"]["hits"]["mean"] == pytest.approx(FIRST / (0.88 * len(titles)), rel=0.15)


def test_what_cannot_differ_is_not_judged(viewed: GraphStore) -> None:
    events = history([(0, 0, 1)], 1, 1)
    with pytest.raises(ConfigError, match="first 100 are theirs"):
        retrieve(viewed, events, Options(), names=["towers-ranked"])
    with pytest.raises(ConfigError, match="no strategy 'magic'"):
        retrieve(viewed, events, Options(), names=["magic"])
