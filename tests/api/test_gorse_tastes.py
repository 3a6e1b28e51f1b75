"""Gorse's lists where taste vectors are published: by these, by the same contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import numpy as np
import pytest

from graph.store import GraphStore, Provenance
from graph.tastes import LIKED, OFFERED, Weighting
from tests.api.gorse_client import KINDS, Client, items, listed, say

COUNT, BARE = 24, 20
"""Titles; those from BARE on have no taste vectors."""
TITLES = [f"tt{number:07}" for number in range(1, COUNT + 1)]
IDS = [f"i{place:02}" for place in range(COUNT)]
WEIGHTING = Weighting(long=3, recent=2, half_life=2.0, seen=0.5)
_CHANCE = np.random.default_rng(5)
U = _CHANCE.normal(size=(BARE, 5)).astype(np.float32)
V = _CHANCE.normal(size=(BARE, 6)).astype(np.float32)


def publish(store: GraphStore, offered: Any = V) -> None:
    for name, rows in ((LIKED, U), (OFFERED, offered)):
        made = Provenance("run", "Tastes", rows.shape[1], "h", "2026-11-21T00:00:00+00:00", WEIGHTING.facts)
        store.set_embeddings(name, TITLES[:BARE], rows, made)


@pytest.fixture
def tasted(gorse_store: GraphStore, service: Any) -> Iterator[Client]:
    """A service whose catalog has these titles as items, in two categories."""
    gorse_store.upsert_nodes("Title", [{"id": id_, "title": f"T {id_}", "kind": "movie"} for id_ in TITLES])
    publish(gorse_store)
    with service(gorse_store, **KINDS) as made:
        items(made, *({"ItemId": IDS[place], "Labels": {"imdb": TITLES[place]}, "Categories": [["x"], ["y"]][place % 2],
                       "Timestamp": "2021-01-01"} for place in range(COUNT)))  # fmt: skip
        yield made


def scored(client: Client, path: str, **query: Any) -> dict[str, float]:
    got = client.get(f"/api{path}", params={"n": 0, **query}, headers={"X-API-Version": "2"})
    assert got.status_code == 200, got.text
    return {one["Id"]: one["Score"] for one in got.json()}


def by_hand(liked: Sequence[int], order: Sequence[int]) -> list[str]:
    """Items by a taste, written down from the definition. order: what was seen, the newest first."""
    scores = V[:, 5].copy()
    if order:
        recent = np.array([(1.0 if place in liked else 0.5) * 0.5 ** (age / 2) for age, place in enumerate(order)])
        scores += V[:, 3:5] @ (recent @ U[order, 3:] / np.sqrt(recent.sum()))
    if liked:
        scores += V[:, :3] @ (U[list(liked), :3].sum(0) / np.sqrt(len(liked)))
    return [IDS[place] for place in np.argsort(-scores, kind="stable").tolist() if place not in order]


def test_a_stranger_has_what_anybody_is_offered(tasted: Client) -> None:
    got = listed(tasted, "/recommend/nobody", n=0)
    assert got[:BARE] == by_hand([], [])
    assert set(got[BARE:]) == set(IDS[BARE:]), "what has no vector comes last, and comes"


def test_a_new_event_changes_the_next_answer(tasted: Client) -> None:
    say(tasted, ("star", "u", IDS[3], 1, "2026-01-01"), ("read", "u", IDS[4], 1, "2026-01-02"))
    assert listed(tasted, "/recommend/u", n=0)[: BARE - 2] == by_hand([3], [4, 3])
    say(tasted, ("star", "u", IDS[9], 1, "2026-01-03"))
    assert listed(tasted, "/recommend/u", n=0)[: BARE - 3] == by_hand([9, 3], [9, 4, 3])
    assert by_hand([9, 3], [9, 4, 3]) != [id_ for id_ in by_hand([3], [4, 3]) if id_ != IDS[9]], "no test else"
    say(tasted, ("hate", "u", IDS[9], 1, "2026-01-04"))  # says nothing of a taste, and is never answered
    assert listed(tasted, "/recommend/u", n=0)[: BARE - 3] == [one for one in by_hand([3], [4, 3]) if one != IDS[9]]
    tasted.delete(f"/api/feedback/u/{IDS[9]}")
    assert listed(tasted, "/recommend/u", n=0)[: BARE - 2] == by_hand([3], [4, 3])


def test_categories_pages_and_scores(tasted: Client) -> None:
    say(tasted, ("star", "u", IDS[3], 1, "2026-01-01"))
    whole = listed(tasted, "/recommend/u", n=0)
    assert len(whole) == len(set(whole)) == COUNT - 1
    assert listed(tasted, "/recommend/u/y", n=0) == [id_ for id_ in whole if int(id_[1:]) % 2]
    assert listed(tasted, "/recommend/u", n=0, category=["x", "y"]) == listed(tasted, "/recommend/u/none") == []
    assert listed(tasted, "/recommend/u", n=4, offset=BARE - 3) == whole[BARE - 3 : BARE + 1]
    assert listed(tasted, "/recommend/u", n=3, offset=COUNT) == []
    scores = list(scored(tasted, "/recommend/u").values())[: BARE - 1]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0
    assert max(scores) <= 1


def test_what_has_no_vector_comes_behind_by_what_its_likers_like(tasted: Client) -> None:
    likes = [("star", f"v{v}", IDS[place], 1, "2026-01-01") for v in range(4) for place in (0, BARE + 2)]
    say(tasted, *likes, ("star", "u", IDS[0], 1, "2026-01-01"))
    got = listed(tasted, "/recommend/u", n=0)
    assert got[:BARE] == [*by_hand([0], [0]), IDS[BARE + 2]]
    for n in (1, 2, BARE - 1, BARE):
        assert listed(tasted, "/recommend/u", n=n) == got[:n]
    say(tasted, ("star", "w", IDS[BARE + 2], 1, "2026-01-01"))
    assert listed(tasted, "/recommend/w", n=1) == [IDS[0]], "whose titles all have no vectors is answered by likeness"


def test_hidden_items_and_new_ones(tasted: Client) -> None:
    best = listed(tasted, "/recommend/u", n=1)
    tasted.patch(f"/api/item/{best[0]}", json={"IsHidden": True})
    assert best[0] not in listed(tasted, "/recommend/u", n=0)
    items(tasted, {"ItemId": "new", "Timestamp": "2026-01-01"})
    got = listed(tasted, "/recommend/u", n=0)
    assert got.index("new") == BARE - 1, "the newest of those without vectors"
    tasted.patch(f"/api/item/{best[0]}", json={"IsHidden": False})
    assert listed(tasted, "/recommend/u", n=1) == best
    tasted.delete(f"/api/item/{best[0]}")
    assert best[0] not in listed(tasted, "/recommend/u", n=0)


def test_write_back(tasted: Client) -> None:
    tasted.post("/api/user", json={"UserId": "u"})
    first = listed(tasted, "/recommend/u", n=3, **{"write-back-type": "shown"})
    assert first == by_hand([], [])[:3]
    order = [int(one["ItemId"][1:]) for one in tasted.get("/api/user/u/feedback/shown").json()]
    assert sorted(order) == sorted(int(id_[1:]) for id_ in first)
    assert not set(first) & set(listed(tasted, "/recommend/u", n=0))


def test_a_session(tasted: Client) -> None:
    def asked(*told: dict[str, Any], path: str = "") -> list[str]:
        got = tasted.post(f"/api/session/recommend{path}", json=list(told), params={"n": 0})
        assert got.status_code == 200, got.text
        return [one["Id"] for one in got.json()]

    star = {"FeedbackType": "star", "ItemId": IDS[2], "Timestamp": "2026-01-01"}
    later = {"FeedbackType": "star", "ItemId": IDS[7], "Timestamp": "2026-01-02"}
    assert asked(star) == by_hand([2], [2])
    assert asked(star, later) == by_hand([7, 2], [7, 2])
    assert asked(star, path="/y") == [id_ for id_ in by_hand([2], [2]) if int(id_[1:]) % 2]
    shown = {"FeedbackType": "shown", "ItemId": IDS[11]}
    assert asked(star, shown) == [id_ for id_ in by_hand([2], [2]) if id_ != IDS[11]], "out, and says nothing"
    assert asked(shown) == asked() == []


def test_titles_of_other_catalogs_count(tasted: Client, gorse_store: GraphStore) -> None:
    tasted.delete(f"/api/item/{IDS[5]}")
    said = {"head": "u", "tail": TITLES[5], "key": "star", "type": "star", "value": 1.0, "timestamp": 1_700_000_000}
    gorse_store.upsert_nodes("User", [{"id": "u"}])
    gorse_store.upsert_relationships("RATED", [said])
    assert listed(tasted, "/recommend/u", n=0)[: BARE - 1] == by_hand([5], [5])


def test_seen_ones_come_back_with_a_smaller_score(tasted: Client, gorse_store: GraphStore, service: Any) -> None:
    best = by_hand([], [])[0]
    with service(gorse_store, gorse_replacement=True, **KINDS) as again:
        say(again, ("star", "u", best, 1, "2026-01-01"))
        plain, more = scored(tasted, "/recommend/u"), scored(again, "/recommend/u")
        assert set(more) - set(plain) == {best}
        others = {id_: score for id_, score in more.items() if id_ != best}
        assert others == pytest.approx(plain)


def test_pins_and_boosts_of_the_catalog(tasted: Client) -> None:
    plain = listed(tasted, "/recommend/u", n=0)
    low, bare = plain[BARE - 1], plain[-1]
    assert tasted.patch(f"/catalogs/gorse/items/{low}", json={"pinned": 2}).status_code == 200
    tasted.patch(f"/catalogs/gorse/items/{bare}", json={"pinned": 1})
    assert listed(tasted, "/recommend/u", n=4) == [bare, low, *plain[:2]]
    assert listed(tasted, "/recommend/u", n=2, offset=1) == [low, plain[0]]
    assert listed(tasted, "/recommend/u", n=1) == [bare]
    scores = list(scored(tasted, "/recommend/u").values())[:BARE]
    assert scores == sorted(scores, reverse=True)
    items(tasted, {"ItemId": low, "Categories": ["z"]})
    assert listed(tasted, "/recommend/u", category="z") == [low]
    assert listed(tasted, "/recommend/u", n=2) == [bare, low], "Gorse's clients know of no pins, and leave them"
    say(tasted, ("shown", "u", bare))
    assert listed(tasted, "/recommend/u", n=1) == [low]
    for one in (low, bare):
        tasted.patch(f"/catalogs/gorse/items/{one}", json={"pinned": None})
    tasted.patch(f"/catalogs/gorse/items/{plain[3]}", json={"boost": 100.0})
    tasted.patch(f"/catalogs/gorse/items/{plain[0]}", json={"boost": 0.01})
    found = listed(tasted, "/recommend/v", n=0)
    assert found[0] == plain[3]
    assert found.index(plain[0]) > 0


def test_other_vectors_count_once_they_are_published(tasted: Client, gorse_store: GraphStore) -> None:
    before: httpx.Response = tasted.get("/api/recommend/u", params={"n": BARE})
    publish(gorse_store, -V)
    assert listed(tasted, "/recommend/u", n=BARE) == before.json()[::-1]
