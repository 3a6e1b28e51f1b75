"""Gaps of a small graph whose values are worked out by hand.

Vectors have three parts, the one reference is (1, 1, 1), and the curve says: what stands in with the product p for a
title whose parts add up to b is worth p ∕ (p + b), at least LITTLE.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from graph import gaps as module
from graph.answers import Answer, Hit
from graph.demand import Demand
from graph.foldin import VECTORS, WEIGHTS
from graph.gaps import Named
from graph.match import Match
from graph.store import NotInGraph, Provenance, Scope, Vectors, open_store
from graph.substitutability import facts_of

LITTLE = 1 / (1 + np.exp(4))  # 0.018: of what is far below the bar
TODAY = dt.datetime.now(dt.UTC).date()
VECTOR = {
    "tt01": (1, 0, 0), "tt02": (0, 1, 0), "tt03": (0, 0, 1), "tt04": (0, 9, 9), "tt11": (1, 0, 0), "tt12": (3, 0, 0),
    "tt21": (1, 0, 0), "tt22": (1, 0, 0), "tt30": (1, 1, 1),
}  # fmt: skip
TITLES = [
    ("tt01", "Asked", "movie", 1000, None), ("tt02", "Beloved", "movie", 600, False),
    ("tt03", "Cherished", "movie", 100, False), ("tt04", "Double", "movie", 50, False),
    ("tt11", "Held", "movie", 10, False), ("tt12", "Held in America", "movie", 20, False),
    ("tt21", "Adult", "movie", 9999, True), ("tt22", "Game", "videoGame", 5000, False),
    ("tt30", "Reference", "movie", None, False),
]  # fmt: skip
ROWS = {
    "Title": [dict(zip(("id", "title", "kind", "num_votes", "is_adult"), row, strict=True)) for row in TITLES],
    "Catalog": [{"id": slug} for slug in ("north", "south", "empty")],
    "OFFERS": [
        {"head": "north", "tail": "tt11", "key": "1"},
        {"head": "north", "tail": "tt12", "key": "2", "regions": ["US"]},
        {"head": "north", "tail": "tt03", "key": "3", "available_until": TODAY - dt.timedelta(days=2)},
        *({"head": "south", "tail": row[0], "key": row[0]} for row in TITLES),
    ],
}


def gaps(store, scope, **options):
    return module.gaps(store, scope, **{"minimum_count": 5} | options)


def vectors(_store, _progress):
    facts = facts_of((0, 1, 1, 0))
    provenance = Provenance("r", "Substitutes", 3, "g", "2026-01-01T00:00:00+00:00", facts=facts)
    ids = sorted(VECTOR)
    rows = np.array([VECTOR[id_] for id_ in ids], np.float32)
    return [
        Vectors(VECTORS, ids, rows, provenance), Vectors(WEIGHTS, ["tt30"], np.zeros((1, 3), np.float32), provenance)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def loaded(stored):
    return stored(ROWS, vectors=vectors)


@pytest.fixture
def store(loaded):
    loaded.delete_nodes("Search", [row["id"] for batch in loaded.scan_nodes("Search", []) for row in batch.to_pylist()])
    return loaded


def count(store, status, times, title=None, text="typed", catalog="north"):
    match = Match(title, text, "primary", None, None, 1.0, 0, None, "movie")
    hits = (Hit(match, text, False, False, ()),) if title else ()
    counting = Demand(store)
    for _ in range(times):
        counting.count(Answer(text, status, Scope(catalog, on=TODAY), "000001", hits))
    counting.close()


def sizes(found):
    return {gap.wanted.id: round(gap.size, 1) for gap in found.gaps}


def test_by_votes_where_nothing_was_searched_for(store):
    found = gaps(store, Scope("north"))
    assert (found.measured_in, found.titles, found.demand) == ("votes", 4, 1750)
    assert sizes(found) == {"tt02": 589.2, "tt01": 250.0, "tt03": 98.2, "tt04": 49.1}
    assert found.lost == pytest.approx(250 + 750 * (1 - LITTLE))
    second = found.gaps[1]
    assert second.wanted == Named("tt01", "Asked", None)
    assert (second.demand, round(second.substitutability, 4)) == (1000, 0.75)
    assert second.best == Named("tt12", "Held in America", None)
    assert found.purchases is None
    assert found.unknown == ()


def test_what_is_not_to_be_had_there_or_then_makes_up_for_nothing(store):
    assert sizes(gaps(store, Scope("north", region="GB")))["tt01"] == 500.0
    assert sizes(gaps(store, Scope("north", region="GB")))["tt12"] == 10.0
    early = gaps(store, Scope("north", on=TODAY - dt.timedelta(days=3)))
    assert set(sizes(early)) == {"tt01", "tt02", "tt04"}


def test_adult_titles_only_when_asked_for(store):
    found = gaps(store, Scope("north", adult=True))
    assert found.gaps[0].wanted.title == "Adult"
    assert "tt21" not in sizes(gaps(store, Scope("north"))) | sizes(gaps(store, Scope("empty")))


def test_the_largest_gaps_alone(store):
    found = gaps(store, Scope("north"), limit=2)
    assert list(sizes(found)) == ["tt02", "tt01"]
    assert found.titles == 4


def test_one_that_mends_two_gaps_is_bought_before_the_one_that_is_wanted_most(store):
    found = gaps(store, Scope("north"), budget=2)
    assert [one.bought.id for one in found.purchases] == ["tt04", "tt01"]
    gain = 700 * (0.9 - LITTLE) + 50 * (1 - LITTLE)
    assert [one.gain for one in found.purchases] == pytest.approx([gain, 250])
    assert [one.won_back for one in found.purchases] == pytest.approx([gain / found.lost, (gain + 250) / found.lost])
    assert [one.cost for one in found.purchases] == [None, None]
    assert len(gaps(store, Scope("north"), budget=99).purchases) == 4


def test_with_costs_money_counts_and_only_what_has_one_is_bought(store):
    costs = {"tt04": 10.0, "tt02": 1.0, "tt01": 1.0, "tt11": 0.0}
    cheap = gaps(store, Scope("north"), budget=2, costs=costs)
    assert [(one.bought.id, one.cost) for one in cheap.purchases] == [("tt02", 1.0), ("tt01", 1.0)]
    gain = 600 * (1 - LITTLE) + 50 * (1 / 3 - LITTLE)
    assert cheap.purchases[0].gain == pytest.approx(gain)
    assert cheap.purchases[1].won_back == pytest.approx((gain + 250) / cheap.lost)
    rich = gaps(store, Scope("north"), budget=11, costs=costs)
    assert {one.bought.id for one in rich.purchases} == {"tt04", "tt01"}
    assert gaps(store, Scope("north"), budget=0.5, costs=costs).purchases == []


def test_searches_count_before_votes(store):
    count(store, "out_of_catalog", 7, "tt01")
    count(store, "out_of_catalog", 5, "tt02")
    count(store, "out_of_catalog", 4, "tt03")
    count(store, "in_catalog", 9, "tt11")
    count(store, "out_of_catalog", 8, "tt12", catalog="south")
    count(store, "out_of_catalog", 8, "tt21")
    count(store, "unknown", 6, text="lost reels")
    count(store, "unknown", 4, text="a secret")
    count(store, "ambiguous", 9, text="held")
    found = gaps(store, Scope("north"), budget=3)
    assert (found.measured_in, found.titles, found.demand) == ("searches", 2, 12)
    assert sizes(found) == {"tt02": 4.9, "tt01": 1.8}
    assert found.unknown == (("lost reels", 6),)
    # tt04, which nobody searched for, is nearly as good for tt02; what remains is not worth the votes of others.
    assert [(one.bought.id, one.demand) for one in found.purchases] == [("tt02", 5), ("tt01", 7)]
    assert found.purchases[-1].won_back == pytest.approx(1)
    low = gaps(store, Scope("north"), minimum_count=4)
    assert (low.demand, low.unknown) == (16, (("lost reels", 6), ("a secret", 4)))
    assert gaps(store, Scope("north"), minimum_count=8).measured_in == "votes"


def test_one_that_nobody_searched_for_may_be_bought(store):
    count(store, "out_of_catalog", 10, "tt02")
    count(store, "out_of_catalog", 10, "tt03")
    found = gaps(store, Scope("north"), budget=1)
    assert [(one.bought.id, one.demand) for one in found.purchases] == [("tt04", 0)]
    assert found.purchases[0].gain == pytest.approx(20 * (0.9 - LITTLE))


def test_what_was_bought_since_is_no_gap(store):
    count(store, "out_of_catalog", 10, "tt11")
    assert gaps(store, Scope("north")).measured_in == "votes"


def test_only_the_last_days(store):
    rows = [{"id": "1", "day": TODAY - dt.timedelta(days=20)}, {"id": "2", "day": TODAY}]
    both = {"text": "x", "title": "tt01", "status": "out_of_catalog", "catalog": "north", "count": 6}
    store.upsert_nodes("Search", [row | both for row in rows])
    assert gaps(store, Scope("north")).demand == 12
    assert gaps(store, Scope("north"), days=20).demand == 6


def test_nothing_below_the_minimum_is_in_the_json(store):
    count(store, "out_of_catalog", 4, "tt03")
    count(store, "unknown", 4, text="a secret")
    count(store, "out_of_catalog", 5, "tt01")
    plain = gaps(store, Scope("north"), budget=5).as_dict()
    assert plain["gaps"][0] == {
        "id": "tt01", "title": "Asked", "start_year": None, "demand": 5, "substitutability": 0.75, "gap": 1.25,
        "best": {"id": "tt12", "title": "Held in America", "start_year": None},
    }  # fmt: skip
    assert "a secret" not in str(plain)
    assert "tt03" not in str(plain)
    assert [plain[name] for name in ("catalog", "measured_in", "minimum_count", "titles", "demand", "unknown")] == [
        "north", "searches", 5, 1, 5.0, [],
    ]  # fmt: skip


def test_an_empty_catalog_makes_up_for_nothing(store):
    found = gaps(store, Scope("empty"), budget=1)
    assert found.lost == found.demand == 1000 + 600 + 100 + 50 + 10 + 20 + 5000
    assert {gap.best for gap in found.gaps} == {None}
    assert found.purchases[0].bought.id == "tt22"


def test_a_catalog_that_has_everything_has_no_gaps(store):
    found = gaps(store, Scope("south"), budget=3)
    assert (found.titles, found.demand, found.lost, found.gaps, found.purchases) == (0, 0.0, 0.0, [], [])


def test_all_catalogs_together(store):
    assert gaps(store, Scope()).titles == 0


def test_so_many_are_looked_at_and_no_more(store, monkeypatch):
    monkeypatch.setattr(module, "QUESTIONS", 3)
    monkeypatch.setattr(module, "CANDIDATES", 2)
    monkeypatch.setattr(module, "_OFFERED", 1)
    found = gaps(store, Scope("north"), budget=4)
    assert (found.titles, found.demand) == (3, 1700)
    assert [one.bought.id for one in found.purchases] == ["tt02", "tt01"]


@pytest.mark.parametrize(
    ("scope", "costs", "words"), [(Scope("west"), None, "'west'"), (Scope("north"), {"tt99": 1.0}, "'tt99'")]
)
def test_what_is_not_there(store, scope, costs, words):
    with pytest.raises(NotInGraph, match=words):
        gaps(store, scope, budget=1, costs=costs)


def test_a_title_without_a_vector_has_no_substitute(stored):
    rows = ROWS | {"Title": [*ROWS["Title"], {"id": "tt40", "title": "New", "kind": "movie", "num_votes": 70}]}
    found = gaps(stored(rows, vectors=vectors), Scope("north"), budget=9)
    new = next(gap for gap in found.gaps if gap.wanted.id == "tt40")
    assert (new.substitutability, new.best) == (0.0, None)
    assert next(one.gain for one in found.purchases if one.bought.id == "tt40") == 70


def test_without_vectors_the_way_out_is_said(stored, tmp_path):
    with pytest.raises(NotInGraph, match="reelgraph train configs/substitutes"):
        gaps(stored(ROWS), Scope("north"))
    empty = open_store(f"embedded:{tmp_path / 'empty'}", create=True)
    with pytest.raises(NotInGraph, match="load a graph"):
        gaps(empty, Scope())
    empty.close()
