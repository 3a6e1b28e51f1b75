"""Which titles may be answered: catalogs, regions, days and adult titles."""

from __future__ import annotations

import datetime as dt

import pytest

from graph.store import WHOLE_GRAPH, Scope

FEB_28, MARCH_1, MARCH_9, MARCH_10, MARCH_31 = map(
    dt.date.fromisoformat, ("2026-02-28", "2026-03-01", "2026-03-09", "2026-03-10", "2026-03-31")
)
APRIL_1 = dt.date(2026, 4, 1)

OFFERED = [
    # a catalog: null and empty regions are everywhere, open ends are always, adult titles only when asked for
    (Scope("north"), "item:1 tt01 tt02 tt04"),
    (Scope("north", adult=True), "item:1 tt01 tt02 tt04 tt05"),
    (Scope("south"), "tt02 tt06 tt10"),
    (Scope("south", adult=True), "tt02 tt06 tt10"),
    # regions
    (Scope("north", region="US"), "item:1 tt01 tt02 tt04"),
    (Scope("north", region="GB"), "item:1 tt01 tt02"),
    (Scope("north", region="DE"), "item:1 tt02 tt04"),
    (Scope("north", region="FR", adult=True), "item:1 tt02 tt05"),
    (Scope("south", region="ES"), "tt02 tt06 tt10"),
    (Scope("south", region="FR"), "tt06 tt10"),
    # days, the first and the last included
    (Scope("north", on=FEB_28), "item:1 tt02 tt04"),
    (Scope("north", on=MARCH_1), "item:1 tt01 tt02 tt04"),
    (Scope("north", on=MARCH_31), "item:1 tt01 tt02 tt04"),
    (Scope("north", on=APRIL_1), "item:1 tt02 tt04"),
    (Scope("south", on=MARCH_31), "tt02 tt06 tt10"),
    (Scope("south", on=APRIL_1), "tt02 tt10"),
    (Scope("south", on=dt.date(1900, 1, 1)), "tt02 tt06 tt10"),
    (Scope("south", on=dt.date(2900, 1, 1)), "tt02 tt10"),
    # region and day must hold for the same offer: on the 10th tt04 is in DE alone, until the 9th in US alone
    (Scope("north", region="US", on=MARCH_9), "item:1 tt01 tt02 tt04"),
    (Scope("north", region="US", on=MARCH_10), "item:1 tt01 tt02"),
    (Scope("north", region="DE", on=MARCH_9), "item:1 tt02"),
    (Scope("north", region="DE", on=MARCH_10), "item:1 tt02 tt04"),
    # all catalogs together
    (Scope(), "item:1 tt01 tt02 tt04 tt06 tt10"),
    (Scope(adult=True), "item:1 tt01 tt02 tt04 tt05 tt06 tt10"),
    (Scope(region="ES"), "item:1 tt02 tt06 tt10"),
    (Scope(region="GB", on=APRIL_1), "item:1 tt02 tt10"),
    # every title, offered or not
    (Scope(WHOLE_GRAPH), "item:1 tt01 tt02 tt03 tt04 tt06 tt07 tt08 tt09 tt10 tt11"),
    (Scope(WHOLE_GRAPH, adult=True), "item:1 tt01 tt02 tt03 tt04 tt05 tt06 tt07 tt08 tt09 tt10 tt11"),
    (Scope("west"), ""),
]


@pytest.mark.parametrize(("scope", "expected"), OFFERED)
def test_offered_titles_are_one_row_each_ordered_by_id(small, scope, expected):
    table = small.offered(scope)
    assert table.column_names == ["id", "item_id"]
    assert table.column("id").to_pylist() == expected.split()


@pytest.mark.parametrize(("scope", "expected"), OFFERED)
def test_a_step_within_a_scope_reaches_just_these_titles(small, step, scope, expected):
    # IN_GENRE reaches six titles from Drama; KNOWN_FOR, DIRECTED and RATED reach others.
    genre = {"item:1", "tt01", "tt02", "tt04", "tt05", "tt06"}
    found = step(small, ["Drama"], ["IN_GENRE"], "in", within=scope)
    assert [row[2] for row in found] == [id_ for id_ in expected.split() if id_ in genre]
    directed = {"tt01", "tt04", "tt05", "tt09"}
    found = step(small, ["nm1"], ["DIRECTED"], "out", within=scope)
    assert [row[2] for row in found] == [id_ for id_ in expected.split() if id_ in directed]


def test_without_a_scope_nothing_is_left_out(small, step):
    assert [row[2] for row in step(small, ["nm1"], ["DIRECTED"], "out")] == ["tt01", "tt04", "tt05", "tt09"]
    offers = step(small, ["north"], ["OFFERS"], "out")
    assert [row[2] for row in offers] == ["item:1", "tt01", "tt02", "tt04", "tt04", "tt05"]


def test_a_scope_keeps_order_keys_and_properties(small, step):
    found = step(
        small, ["nm2", "nm4"], ["ACTED_IN", "KNOWN_FOR"], "out", within=Scope("north"), properties=["category"]
    )
    assert found == [
        (0, "ACTED_IN", "item:1", "1", "self"),
        (0, "ACTED_IN", "tt01", "1", "actor"),
        (0, "ACTED_IN", "tt01", "3", "self"),
        (1, "ACTED_IN", "tt01", "2", "actress"),
        (1, "ACTED_IN", "tt04", "1", "actress"),
    ]


def test_a_scope_holds_for_live_types_too(small, step):
    assert step(small, ["u1", "u2"], ["RATED"], "out", within=Scope("south")) == [(1, "RATED", "tt02")]
    assert step(small, ["u1"], ["RATED"], "out", within=Scope("north"), properties=["value"]) == [
        (0, "RATED", "tt01", "like", None),
        (0, "RATED", "tt01", "rating", 4.5),
    ]


def test_the_sources_of_a_step_need_not_be_in_scope(small, step):
    assert step(small, ["tt07", "tt08"], ["EPISODE_OF"], "out", within=Scope("south")) == [
        (0, "EPISODE_OF", "tt06"),
        (1, "EPISODE_OF", "tt06"),
    ]


@pytest.mark.parametrize(
    ("scope", "items"),
    [
        (Scope("north", region="US"), {"item:1": "1", "tt01": "n1", "tt02": "n2", "tt04": "n4b"}),
        (Scope("north", region="DE"), {"item:1": "1", "tt02": "n2", "tt04": "n4"}),
        (Scope("north", on=FEB_28), {"item:1": "1", "tt02": "n2", "tt04": "n4b"}),
        (Scope("north", on=APRIL_1), {"item:1": "1", "tt02": "n2", "tt04": "n4"}),
        (Scope("south"), {"tt02": "s2", "tt06": "s6", "tt10": "s10"}),
    ],
)
def test_the_item_is_one_that_may_be_shown_there_and_then(small, scope, items):
    assert {row["id"]: row["item_id"] for row in small.offered(scope).to_pylist()} == items


def test_two_items_of_one_title_are_one_row(small):
    rows = small.offered(Scope("north")).to_pylist()
    assert [row["item_id"] in ("n4", "n4b") for row in rows if row["id"] == "tt04"] == [True]


def test_offered_is_empty_where_nothing_is_loaded(store):
    for scope in (Scope(), Scope("north"), Scope(WHOLE_GRAPH)):
        assert store.offered(scope).column_names == ["id", "item_id"]
        assert store.offered(scope).num_rows == 0
