"""What catalogs pin and boost: at once, only where it is offered, and under what a request says itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from graph.featured import Featured
from graph.for_users import ForUsers
from graph.rules import PLAIN, Rules
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope
from graph.tastes import LIKED, OFFERED
from tests.graph import test_for_users
from tests.graph.conftest import Stored
from tests.graph.test_for_users import KINDS, NOW, SCOPE, TITLES, asked, ids, rated

FREE = Rules(per_series=0)


@pytest.fixture
def store(stored: Stored) -> GraphStore:
    made = stored(test_for_users.rows())
    test_for_users.publish(made)
    return made


def offer(place: int, catalog: str = "north", **told: Any) -> dict[str, Any]:
    return {"head": catalog, "tail": TITLES[place], "key": TITLES[place], "item_id": f"i{place}", **told}


def listed(users: ForUsers, k: int = 40, rules: Rules = FREE, scope: Scope = SCOPE) -> list[str]:
    return ids(users.recommend("ada", scope, k, rules=rules, now=NOW))


def test_pins_come_first_in_their_order_and_go_again(store: GraphStore) -> None:
    users = asked(store)
    plain = listed(users)
    first, second = (TITLES.index(id_) for id_ in (plain[-1], plain[-2]))
    store.upsert_relationships("OFFERS", [offer(first, pinned=2), offer(second, pinned=1), offer(5, pinned=1)])
    found = users.recommend("ada", SCOPE, 5, rules=FREE, now=NOW)
    assert ids(found) == [plain[-2], plain[-1], *plain[:3]], "what was watched is not pinned"
    assert [item.evidence[0].kind for item in found.items][:3] != ["pinned"] * 3
    for item in found.items[:2]:
        assert item.evidence[0].text == "put first by the service"
        assert "popular" not in [one.kind for one in item.evidence]
    assert listed(asked(store), 5) == ids(found), "another process"
    store.upsert_relationships("OFFERS", [offer(first, pinned=None), offer(second, pinned=3)])
    assert listed(users, 5) == [plain[-2], *plain[:4]]
    store.delete_relationships("OFFERS", [offer(second)])
    assert listed(users, 5) == plain[:5]


def test_pins_where_they_are_offered_and_as_the_request_allows(store: GraphStore) -> None:
    users = asked(store)
    plain = listed(users)
    place = TITLES.index(plain[-1])
    kind = "movie" if place % 2 else "tvSeries"
    other = {"movie": "tvSeries", "tvSeries": "movie"}[kind]
    store.upsert_relationships("OFFERS", [offer(38, pinned=1), offer(39, pinned=1), offer(place, pinned=2)])
    assert listed(users)[0] == plain[-1], "neither what is out of its window nor what is adult"
    assert listed(users, rules=Rules(per_series=0, kinds=(kind,)))[0] == plain[-1]
    assert plain[-1] not in listed(users, rules=Rules(per_series=0, kinds=(other,)))
    assert listed(users, 3, Rules(per_series=0, pin=(plain[4],))) == [plain[4], plain[-1], plain[0]]
    assert plain[-1] not in listed(users, rules=Rules(per_series=0, hide=(plain[-1],)))
    assert listed(users, 5, scope=Scope(WHOLE_GRAPH))[0] != plain[-1]
    assert listed(users, 1, scope=Scope(on=SCOPE.on)) == [plain[-1]], "all catalogs together"


def test_a_pinned_title_needs_no_vector(stored: Stored) -> None:
    store = stored(test_for_users.rows())
    test_for_users.publish(store)
    for name in (LIKED, OFFERED):
        known, vectors = store.get_embeddings(name, TITLES)
        held = np.array([id_ != TITLES[30] for id_ in known])
        store.set_embeddings(
            name, [id_ for id_ in known if id_ != TITLES[30]], vectors[held], store.info().embeddings[name]
        )
    users = asked(store)
    plain = users.recommend("ada", SCOPE, 40, rules=FREE, now=NOW)
    assert TITLES[30] not in ids(plain)
    store.upsert_relationships("OFFERS", [offer(30, pinned=1)])
    found = users.recommend("ada", SCOPE, 40, rules=FREE, now=NOW)
    assert ids(found) == [TITLES[30], *ids(plain)]
    assert [item.score for item in found.items[1:]] == pytest.approx([item.score for item in plain.items])
    assert [one.kind for one in found.items[0].evidence] == ["pinned"]


def test_boosts_multiply_scores(store: GraphStore) -> None:
    users = asked(store)
    plain = users.recommend("ada", SCOPE, 40, rules=FREE, now=NOW)
    scores = {item.id: item.score for item in plain.items}
    low, high = ids(plain)[7], ids(plain)[0]
    store.upsert_relationships("OFFERS", [
        offer(TITLES.index(low), boost=50.0), offer(TITLES.index(high), boost=0.0)
    ])  # fmt: skip
    found = users.recommend("ada", SCOPE, 40, rules=FREE, now=NOW)
    boosted = scores | {low: 50 * scores[low], high: 0.0}
    assert ids(found) == sorted(boosted, key=lambda id_: (-boosted[id_], id_))
    own = Rules(per_series=0, boosts={low: 1.0})
    assert ids(users.recommend("ada", SCOPE, 40, rules=own, now=NOW))[:5] == ids(plain)[1:6], (
        "the request's own goes before"
    )


def test_several_catalogs_and_what_is_read_of_them(store: GraphStore) -> None:
    store.upsert_nodes("Catalog", [{"id": "south", "name": "South"}])
    store.upsert_relationships("OFFERS", [
        offer(1, pinned=4, boost=2.0), offer(1, "south", pinned=2), offer(2, "south", boost=0.5), offer(3, pinned=3)
    ])  # fmt: skip
    featured = Featured(store)
    state = store.state()
    assert featured.of(Scope("north"), state) == ([TITLES[3], TITLES[1]], {TITLES[1]: 2.0})
    assert featured.of(Scope("south"), state) == ([TITLES[1]], {TITLES[2]: 0.5})
    assert featured.of(Scope(), state) == ([TITLES[1], TITLES[3]], {TITLES[1]: 2.0, TITLES[2]: 0.5})
    assert featured.of(Scope(WHOLE_GRAPH), state) == ([], {})
    assert PLAIN.featuring([], {}) is PLAIN


def test_rows_that_feedback_brings_are_not_read_for_it(store: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    users = asked(store)
    listed(users)
    monkeypatch.setattr(store, "scan_relationships", lambda *_: pytest.fail("all offers were read again"))
    store.upsert_relationships("RATED", [rated("ada", 9, time=500)])
    store.upsert_relationships("OFFERS", [offer(12, pinned=1)])
    assert listed(users)[0] == TITLES[12]


def test_without_taste_vectors(stored: Stored) -> None:
    store = stored(test_for_users.rows())
    users = ForUsers(store, Searcher(store), KINDS)
    for user in ("nobody", "ada"):
        plain = ids(users.recommend(user, SCOPE, 20, now=NOW))
        store.upsert_relationships("OFFERS", [offer(TITLES.index(plain[-1]), pinned=1)])
        assert ids(users.recommend(user, SCOPE, 20, now=NOW))[0] == plain[-1]
        store.upsert_relationships("OFFERS", [offer(TITLES.index(plain[-1]), pinned=None)])
    assert SCOPE.on == dt.date(2026, 11, 21)
