"""Filtered, ordered pages on the small graph, on every engine; the answers are written by hand from its rows."""

from __future__ import annotations

import datetime as dt

import pytest

from graph.browse import Between, Browser, Credit, TitleFilter
from graph.browse_people import PeopleBrowser, TookPart
from graph.ordered import InvalidCursor
from graph.store import NotInGraph, Scope

NORTH, SOUTH = Scope("north"), Scope("south")


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (TitleFilter(), "tt02 tt06 tt10 tt01 tt04 tt07 tt08 tt09 tt11 tt03 item:1"),
        (TitleFilter(adult=True, genres_all=["Drama"]), "tt02 tt06 tt01 tt05 tt04 item:1"),
        (TitleFilter(genres_all=["Drama"]), "tt02 tt06 tt01 tt04 item:1"),
        (TitleFilter(genres_all=["Drama", "Crime"]), "tt01"),
        (TitleFilter(genres_any=["Animation", "Crime"]), "tt02 tt01"),
        (TitleFilter(genres_all=["Drama"], genres_any=["Animation", "Crime"], rating=Between(8)), "tt02"),
        (TitleFilter(kinds=["tvSeries", "short"]), "tt06 tt09"),
        (TitleFilter(years=Between(1998, 2010)), "tt02 tt10 tt04 tt09"),
        (TitleFilter(years=Between(high=1995)), "tt01"),
        (TitleFilter(rating=Between(8.6)), "tt02"),
        (TitleFilter(rating=Between(7.5, 8.1)), "tt06 tt01 tt07 tt08"),
        (TitleFilter(votes=Between(300, 1200)), "tt01 tt04"),
        (TitleFilter(credits=[Credit("nm1")]), "tt01 tt04 tt09"),
        (TitleFilter(credits=[Credit("nm1", ["WROTE"])]), "tt04"),
        (TitleFilter(credits=[Credit("nm1", ["DIRECTED"]), Credit("nm4", ["ACTED_IN"])]), "tt01 tt04"),
        (TitleFilter(scopes=[NORTH]), "tt02 tt01 tt04 item:1"),
        (TitleFilter(scopes=[Scope("north", "DE", dt.date(2026, 3, 9))]), "tt02 item:1"),
        (TitleFilter(scopes=[NORTH, SOUTH]), "tt02"),
        (TitleFilter(scopes=[NORTH], years=Between(2024)), "item:1"),
    ],
)
def test_titles_of_which_all_of_a_filter_holds_the_most_voted_first(small, wanted, ids) -> None:
    page = Browser(small).titles(wanted)
    assert (" ".join(page.ids), page.total) == (ids, len(ids.split()))
    assert (page.has_next, page.has_previous) == (False, False)


@pytest.mark.parametrize(
    ("by", "descending", "ids"),
    [
        ("votes", False, "tt09 tt08 tt07 tt04 tt01 tt10 tt06 tt02 item:1 tt03 tt11"),
        ("rating", True, "tt02 tt08 tt06 tt07 tt01 tt10 tt09 tt04 tt11 tt03 item:1"),
        ("year", False, "tt01 tt10 tt09 tt02 tt04 tt06 tt07 tt08 item:1 tt03 tt11"),
        ("title", False, "tt09 tt08 tt04 item:1 tt02 tt07 tt01 tt10 tt06 tt03 tt11"),
        ("title", True, "tt03 tt06 tt10 tt01 tt07 tt02 item:1 tt04 tt08 tt09 tt11"),
        ("id", True, "tt11 tt10 tt09 tt08 tt07 tt06 tt04 tt03 tt02 tt01 item:1"),
    ],
)
def test_every_order_has_what_lacks_the_key_last_and_pages_make_the_whole(small, by, descending, ids) -> None:
    browser, seen, cursor = Browser(small), [], None
    while True:
        page = browser.titles(TitleFilter(), by=by, descending=descending, first=3, after=cursor)
        assert (page.total, page.has_previous) == (11, cursor is not None)
        seen += page.ids
        if not page.has_next:
            break
        cursor = page.cursors[-1]
    assert " ".join(seen) == ids


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (TitleFilter(genres_all=["Dramas"]), "no genre 'Dramas'; there are: Animation, Crime, Drama"),
        (TitleFilter(kinds=["film"]), "no kind 'film'; there are: movie, short, tvEpisode, tvSeries, video"),
        (TitleFilter(credits=[Credit("nm99")]), "no person 'nm99'; search"),
        (TitleFilter(scopes=[Scope("east")]), "no catalog 'east'; there are: north, south"),
    ],
)
def test_what_the_graph_lacks_is_named(small, wanted, message) -> None:
    with pytest.raises(NotInGraph, match=message):
        Browser(small).titles(wanted)


def test_a_cursor_counts_in_its_own_order_alone(small) -> None:
    browser = Browser(small)
    cursor = browser.titles(TitleFilter(), first=1).cursors[0]
    for order in ({"by": "year"}, {"descending": False}):
        with pytest.raises(InvalidCursor, match="begin again"):
            browser.titles(TitleFilter(), after=cursor, **order)
    for text in ("", "tt01", "AAAA", "\u00e9", "e30=", "W10="):
        with pytest.raises(InvalidCursor):
            browser.titles(TitleFilter(), after=text)


def test_a_cursor_holds_its_place_in_a_new_version(loaded, rows, make_tables) -> None:
    browser = Browser(loaded)
    votes = browser.titles(TitleFilter(), first=2)
    names = browser.titles(TitleFilter(), by="title", descending=False, first=2)
    assert (votes.ids, names.ids) == (("tt02", "tt06"), ("tt09", "tt08"))
    # Both last titles of these pages go, one comes before and one after them.
    gone = {"tt06", "tt07", "tt08"}
    rows["Title"] = [row for row in rows["Title"] if row["id"] not in gone]
    rows["Title"] += [
        {"id": "tt20", "kind": "movie", "title": "A Boat", "num_votes": 9000},
        {"id": "tt21", "kind": "movie", "title": "Low Winds", "num_votes": 4000},
    ]
    ends = ("head", "tail")
    for name in ("ACTED_IN", "IN_GENRE", "EPISODE_OF", "OFFERS"):
        rows[name] = [row for row in rows[name] if not gone & {row[end] for end in ends}]
    loaded.load_tables(make_tables(rows))
    assert browser.titles(TitleFilter(), first=2, after=votes.cursors[-1]).ids == ("tt21", "tt10")
    after = browser.titles(TitleFilter(), by="title", descending=False, first=2, after=names.cursors[-1])
    assert after.ids == ("tt21", "tt04")


def test_offers_count_at_once(loaded) -> None:
    browser = Browser(loaded)
    assert browser.titles(TitleFilter(scopes=[SOUTH])).ids == ("tt02", "tt06", "tt10")
    loaded.delete_relationships("OFFERS", [{"head": "south", "tail": "tt06", "key": "s6"}])
    assert browser.titles(TitleFilter(scopes=[SOUTH])).ids == ("tt02", "tt10")


def test_an_empty_store_has_no_titles(store) -> None:
    assert Browser(store).titles(TitleFilter()).ids == ()
    assert Browser(store).titles(TitleFilter(), by="title").total == 0
    assert PeopleBrowser(store).people().total == 0


@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        ([], "nm1 nm2 nm3 nm4 nm5 nm6 nm7 nm8"),
        ([TookPart(["ACTED_IN"], title="tt01")], "nm2 nm4"),
        ([TookPart(title="tt02")], "nm3 nm5"),
        ([TookPart(["ACTED_IN"], beside=Credit("nm1", ["DIRECTED"]))], "nm2 nm4"),
        ([TookPart(["ACTED_IN"], title="tt04", beside=Credit("nm1", ["DIRECTED"]))], "nm4"),
        ([TookPart(["ACTED_IN"], title="tt02", beside=Credit("nm1"))], ""),
        ([TookPart(["WROTE"], beside=Credit("nm3")), TookPart(["DIRECTED"])], "nm3"),
        ([TookPart(["DIRECTED"])], "nm1 nm3"),
        ([TookPart(["DIRECTED"]), TookPart(["WROTE"])], "nm1 nm3"),
        ([TookPart(["COMPOSED", "EDITED"])], "nm5 nm6"),
    ],
)
def test_people_of_whom_every_condition_holds_by_name(small, conditions, ids) -> None:
    page = PeopleBrowser(small).people(conditions)
    assert (" ".join(page.ids), page.total) == (ids, len(ids.split()))
    backwards = PeopleBrowser(small).people(conditions, by="id", descending=True)
    assert backwards.ids == page.ids[::-1]


def test_credits_in_adult_titles_count_when_asked_for(small) -> None:
    people = PeopleBrowser(small)
    assert people.people([TookPart(["ACTED_IN"], title="tt05")], adult=True).ids == ("nm2",)
    with pytest.raises(NotInGraph, match="no title 'tt05'"):
        people.people([TookPart(["ACTED_IN"], title="tt05")])
    assert people.people([TookPart(beside=Credit("nm2"))]).ids == ("nm1", "nm2", "nm4", "nm5", "nm6")


def test_people_that_the_graph_lacks_are_named(small) -> None:
    with pytest.raises(NotInGraph, match="no title 'tt99'"):
        PeopleBrowser(small).people([TookPart(title="tt99")])
    with pytest.raises(NotInGraph, match="no person 'nm99'"):
        PeopleBrowser(small).people([TookPart(beside=Credit("nm99"))])
