"""Recommendations for users: at once, by the rules, and with reasons that did raise the score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from graph.feedback_kinds import FeedbackKinds
from graph.for_users import ForUsers
from graph.preferences import PreferenceError
from graph.rules import Rules
from graph.search import Searcher
from graph.store import GraphStore, NotInGraph, Provenance, Scope
from graph.tastes import LIKED, OFFERED, Taste, Weighting
from tests.graph.conftest import Stored

DAY = dt.date(2026, 11, 21)
SCOPE = Scope("north", on=DAY)
KINDS = FeedbackKinds.parse(["rating>=4", "watch"], ["dismiss", "rating<=2"])
WEIGHTING = Weighting(long=3, recent=2, half_life=2.0, seen=0.5)
TITLES = [f"tt{number:07}" for number in range(1, 41)]
NOW = 10_000


def rated(user: str, title: int, type_: str = "watch", value: float | None = None, time: int = 100) -> dict[str, Any]:
    return {"head": user, "tail": TITLES[title], "key": type_, "type": type_, "value": value, "timestamp": time}


def rows() -> dict[str, list[dict[str, Any]]]:
    names = {0: "Heat", 1: "Heat 2", 2: "Heat 3", 3: "Heat 4"}
    return {
        "Title": [
            {
                "id": id_, "title": names.get(place, f"Lonely {chr(97 + place % 26)}{place}x"),
                "num_votes": 1000 - place, "kind": "movie" if place % 2 else "tvSeries",
                "runtime_minutes": 60 + place, "is_adult": place == 39,
            }
            for place, id_ in enumerate(TITLES)
        ],
        "Person": [{"id": "nm0000001", "name": "Director"}],
        "DIRECTED": [{"head": "nm0000001", "tail": TITLES[place], "key": ""} for place in range(10, 20)],
        "Catalog": [{"id": "north", "name": "North"}],
        "OFFERS": [
            {"head": "north", "tail": id_, "key": id_, "item_id": f"i{place}",
             "available_until": dt.date(2026, 1, 1) if place == 38 else None}
            for place, id_ in enumerate(TITLES)
        ],
        "User": [{"id": user} for user in ("ada", "bob", "cat")],
        "RATED": [
            rated("ada", 5, time=100), rated("ada", 6, time=200), rated("ada", 7, "rating", 3.0, 300),
            rated("ada", 8, "dismiss", time=50), rated("bob", 20, time=100), rated("bob", 21, "rating", 5.0, 50),
        ],
    }  # fmt: skip


def publish(store: GraphStore, titles: Sequence[str] = TITLES) -> None:
    chance = np.random.default_rng(3)
    liked = chance.normal(size=(len(titles), 5)).astype(np.float32)
    offered = chance.normal(size=(len(titles), 6)).astype(np.float32)
    made = Provenance("run", "Tastes", 5, "h", "2026-11-21T00:00:00+00:00", WEIGHTING.facts)
    store.set_embeddings(LIKED, titles, liked, made)
    store.set_embeddings(OFFERED, titles, offered, Provenance("run", "Tastes", 6, "h", made.made, WEIGHTING.facts))


@pytest.fixture
def store(stored: Stored) -> GraphStore:
    made = stored(rows())
    publish(made)
    return made


def asked(store: GraphStore) -> ForUsers:
    return ForUsers(store, Searcher(store), KINDS)


def ids(found: Any) -> list[str]:
    return [item.id for item in found.items]


def by_hand(store: GraphStore, liked: list[int], seen: list[int], order: list[int]) -> dict[str, float]:
    """Scores of all titles, written down from the definition. order: places of titles, the newest first."""
    (_, u), (_, v) = store.get_embeddings(LIKED, TITLES), store.get_embeddings(OFFERED, TITLES)
    recent = np.array([(1.0 if place in liked else 0.5) * 0.5 ** (age / 2) for age, place in enumerate(order)])
    long = np.array([1.0 if place in liked else 0.0 for place in order])
    taste = np.concatenate([
        (long[:, None] * u[order, :3]).sum(0) / np.sqrt(long.sum()),
        (recent[:, None] * u[order, 3:]).sum(0) / np.sqrt(recent.sum()),
    ])  # fmt: skip
    totals = v[:, :5] @ taste + v[:, 5]
    return dict(zip(TITLES, totals.tolist(), strict=True))


def test_the_score_is_what_is_written_down(store: GraphStore) -> None:
    totals = by_hand(store, [5, 6], [7], [7, 6, 5])
    free = [id_ for id_ in TITLES if id_ not in {TITLES[place] for place in (5, 6, 7, 8, 38, 39)}]
    best = sorted(free, key=lambda id_: -totals[id_])[:6]
    found = asked(store).recommend("ada", SCOPE, 6, rules=Rules(per_series=0), now=NOW)
    assert ids(found) == best
    assert found.items[0].item_id == f"i{TITLES.index(best[0])}"
    scores = [item.score for item in found.items]
    assert scores == pytest.approx([np.exp(totals[id_] - totals[best[0]]) for id_ in best], rel=1e-4)
    assert found.titles == 3
    assert found.strangers == ()
    assert found.versions["tastes"] == "run"


def test_new_feedback_counts_in_the_next_answer_of_every_reader(store: GraphStore) -> None:
    first, other = asked(store), asked(store)
    best = ids(first.recommend("ada", SCOPE, 5, now=NOW))
    store.upsert_relationships("RATED", [rated("ada", TITLES.index(best[0]), time=400)])
    after = [ids(one.recommend("ada", SCOPE, 40, now=NOW)) for one in (first, other)]
    assert after[0] == after[1]
    assert best[0] not in after[0]
    store.upsert_relationships("RATED", [rated("ada", TITLES.index(best[1]), "dismiss", time=1)])
    assert best[1] not in ids(first.recommend("ada", SCOPE, 40, rules=Rules(watched=True), now=NOW))


def test_watched_come_again_by_request_and_disliked_never(store: GraphStore) -> None:
    plain = set(ids(asked(store).recommend("ada", SCOPE, 40, rules=Rules(per_series=0), now=NOW)))
    again = set(ids(asked(store).recommend("ada", SCOPE, 40, rules=Rules(watched=True, per_series=0), now=NOW)))
    assert again - plain == {TITLES[5], TITLES[6], TITLES[7]}
    assert TITLES[8] not in again
    assert not {TITLES[38], TITLES[39]} & again, "out of its window, and adult"


def test_a_reason_is_a_title_without_which_the_score_falls(store: GraphStore) -> None:
    found = asked(store).recommend("ada", SCOPE, 10, now=NOW)
    (_, u), (_, v) = store.get_embeddings(LIKED, TITLES), store.get_embeddings(OFFERED, TITLES)
    says = {TITLES[7]: "seen", TITLES[6]: "liked", TITLES[5]: "liked"}
    taste = Taste.of(WEIGHTING, says, (TITLES, u))  # type: ignore[arg-type]
    named = 0
    for item in found.items:
        place = [TITLES.index(item.id)]
        brought = taste.brought([item.id], v[place])[:, 0]
        for reason in item.evidence:
            if reason.kind == "watched":
                named += 1
                gone = brought[taste.ids.index(reason.via[0])]
                assert gone == brought.max() > 0, f"without {reason.via} the score of {item.id} does not fall"
                assert reason.weight > 0
                assert reason.text.startswith("because you watched ")
            else:
                assert reason.kind == "popular"
                assert brought.max() <= 0.02 * max(v[place, -1].item(), 0) + brought.clip(0).sum()
    assert named >= 5


def test_strangers_get_what_anybody_gets(store: GraphStore) -> None:
    (_, v) = store.get_embeddings(OFFERED, TITLES)
    found = asked(store).recommend("nobody", SCOPE, 5, rules=Rules(per_series=0))
    best = sorted(TITLES[:38], key=lambda id_: -v[TITLES.index(id_), -1])[:5]
    assert ids(found) == best
    assert found.strangers == ("nobody",)
    assert {reason.kind for item in found.items for reason in item.evidence} == {"popular"}


def test_a_session_is_answered_like_a_user(store: GraphStore) -> None:
    events = [(TITLES[8], "dismiss", None), (TITLES[5], "watch", None), (TITLES[6], "watch", None),
              (TITLES[7], "rating", 3.0)]  # fmt: skip
    assert ids(asked(store).session(events, SCOPE, 8)) == ids(asked(store).recommend("ada", SCOPE, 8, now=NOW))
    assert len(ids(asked(store).session([], SCOPE, 8))) == 8


def test_several_together_by_the_mean_or_the_least(store: GraphStore) -> None:
    ada, bob = by_hand(store, [5, 6], [7], [7, 6, 5]), by_hand(store, [20, 21], [], [20, 21])
    free = [id_ for place, id_ in enumerate(TITLES) if place not in (5, 6, 7, 8, 20, 21, 38, 39)]
    odds = {id_: [np.exp(one[id_] - max(one[other] for other in free)) for one in (ada, bob)] for id_ in free}
    for how, of in (("mean", np.mean), ("least", np.min)):
        best = sorted(free, key=lambda id_: -of(odds[id_]))[:5]
        found = asked(store).recommend(["ada", "bob"], SCOPE, 5, rules=Rules(per_series=0), together=how, now=NOW)  # type: ignore[arg-type]
        assert ids(found) == best
    with pytest.raises(PreferenceError, match="21 users"):
        asked(store).recommend([str(number) for number in range(21)], SCOPE)


def test_rules_of_a_request(store: GraphStore) -> None:
    users = asked(store)

    def listed(k: int = 40, **given: Any) -> list[str]:
        return ids(users.recommend("ada", SCOPE, k, rules=Rules(**{"per_series": 0} | given), now=NOW))

    plain = listed()
    assert len(set(TITLES[:4]) & set(listed(per_series=1))) == 1
    assert len(set(TITLES[10:20]) & set(listed(per_director=3))) == 3
    assert all(TITLES.index(id_) % 2 for id_ in listed(kinds=("movie",)))
    assert all(TITLES.index(id_) <= 20 for id_ in listed(minutes=80))
    assert plain[0] not in listed(hide=(plain[0],))
    assert listed(5, pin=(plain[-1], TITLES[5], "tt9999999")) == [plain[-1], *plain[:4]], "watched ones are not pinned"
    assert listed(5, boosts={plain[7]: 100.0})[0] == plain[7]
    drawn = listed(10, explore=0.3, seed=7)
    assert drawn[:7] == plain[:7]
    assert drawn == listed(10, explore=0.3, seed=7)
    assert drawn[7:] != plain[7:10]
    assert any(listed(10, explore=0.3, seed=seed) != drawn for seed in range(5))


@pytest.mark.parametrize(
    "wrong", [{"explore": 2.0}, {"per_series": -1}, {"minutes": 0}, {"boosts": {"a": -1.0}}, {"hide": ("a",) * 101}]
)
def test_rules_that_cannot_be_followed(wrong: Any) -> None:
    with pytest.raises(PreferenceError):
        Rules(**wrong)


def test_without_taste_vectors(stored: Stored) -> None:
    store = stored(rows())
    found = asked(store).recommend("nobody", SCOPE, 5)
    assert ids(found) == [TITLES[place] for place in (5, 6, 20, 21, 0)], "the most liked, then the best known"
    assert [found.items[place].evidence[0].text for place in (0, 4)] == [
        "popular: liked by 1 viewer", "popular: 1,000 votes at IMDb",
    ]  # fmt: skip
    assert found.strategy == "popularity"
    unheard = stored({name: some for name, some in rows().items() if name not in ("User", "RATED")})
    found = asked(unheard).recommend("nobody", SCOPE, 3)
    assert ids(found) == [TITLES[0], TITLES[1], TITLES[4]], "the best known, no more than two of a series"
    known = asked(store).recommend("ada", SCOPE, 5, now=NOW)
    assert known.items
    assert not {TITLES[place] for place in (5, 6, 7, 8)} & set(ids(known))
    assert known.versions["tastes"] is None
    reason = next(one for item in known.items for one in item.evidence if one.kind == "liked")
    assert reason.text.startswith("because you liked Lonely")


@pytest.mark.parametrize("published", [False, True])
def test_liked_titles_that_left_the_graph_count_nothing(stored: Stored, published: bool) -> None:
    store = stored(rows())
    less = {name: [row for row in some if TITLES[5] not in row.values()] for name, some in rows().items()}
    stored({name: some for name, some in less.items() if name not in ("User", "RATED")}, store)
    if published:
        publish(store, [id_ for id_ in TITLES if id_ != TITLES[5]])
    found = asked(store).recommend("ada", SCOPE, 5, now=NOW)
    assert len(found.items) == 5
    assert TITLES[6] in {via for item in found.items for one in item.evidence for via in one.via}
    assert TITLES[5] not in {via for item in found.items for one in item.evidence for via in one.via}
    assert asked(store).recommend("bob", SCOPE, 5, now=NOW).items


def test_a_catalog_that_is_not_there(store: GraphStore) -> None:
    with pytest.raises(NotInGraph, match="south"):
        asked(store).recommend("ada", Scope("south"))
