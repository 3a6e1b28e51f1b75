"""How often a question asks the store, on every engine: an exchange is a round trip where the store is elsewhere."""

from __future__ import annotations

import copy
import datetime as dt

import pytest

from graph.explain import explain
from graph.foldin import vectors_of
from graph.preferences import Preferences
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, Scope, open_store
from tests.conformance.conftest import SMALL_GRAPH

DAY = dt.date(2026, 3, 5)
NORTH, SOUTH, WHOLE = Scope("north", on=DAY), Scope("south", on=DAY), Scope(WHOLE_GRAPH, on=DAY)
READS = (
    "gather", "state", "info", "search_text", "search_vector", "neighbours", "get_nodes", "degrees", "get_embeddings",
    "offered", "scan_nodes", "scan_relationships",
)  # fmt: skip


class Counting:
    """A store that counts its exchanges: each call that reads is one, and `gather` with many reads in it."""

    def __init__(self, store):
        self._store = store
        self.exchanges = 0

    def __getattr__(self, name):
        found = getattr(self._store, name)
        if name not in READS:
            return found

        def call(*given, **options):
            self.exchanges += 1
            return found(*given, **options)

        return call


@pytest.fixture(scope="module")
def counting(fresh_url, make_tables):
    """The small graph with vectors, and a second title that is called as another one."""
    rows = copy.deepcopy(SMALL_GRAPH)
    rows["Title"].append(dict(rows["Title"][3], id="tt12", start_year=1987, num_votes=290))
    rows["DIRECTED"].append({"head": "nm3", "tail": "tt12", "key": "1", "ordering": 1, "job": None})
    opened = open_store(fresh_url(), create=True)
    opened.apply_schema()
    opened.load_tables(make_tables(rows), None, vectors_of)
    yield Counting(opened)
    opened.close()


@pytest.fixture(scope="module")
def searcher(counting):
    made = Searcher(counting)
    for scope in (NORTH, SOUTH, WHOLE):
        made.search("drama", scope)  # what depends on the version alone is kept
    return made


@pytest.mark.parametrize(
    ("query", "scope", "status", "label", "exchanges"),
    [
        ("Paper Lanterns", NORTH, "in_catalog", "Title", 4),
        ("Paper Lanterns", WHOLE, "out_of_catalog", "Title", 4),  # the whole graph is no catalog
        ("The Lost Boy", NORTH, "out_of_catalog", "Title", 4),
        ("Der gläserne Hafen", SOUTH, "out_of_catalog", "Title", 4),
        ("paper lanterms", NORTH, "in_catalog", "Title", 4),
        ("Night Ferry", NORTH, "ambiguous", "Title", 4),
        ("tt10", NORTH, "out_of_catalog", "Title", 4),
        ("https://example.org/title/tt0000001/", NORTH, "unknown", None, 2),
        ("Ada Brook", NORTH, "in_catalog", "Person", 3),
        ("Animation", NORTH, "in_catalog", "Genre", 3),
        ("", NORTH, "unknown", None, 1),
        ("zzzz", NORTH, "unknown", None, 1),
        ("zzzz qqqq", NORTH, "unknown", None, 2),  # it may name a title and who made it
        ("paper lanterns mori", NORTH, "in_catalog", "Title", 6),  # and this one does
    ],
)
def test_a_search_asks_at_most_four_times(counting, searcher, query, scope, status, label, exchanges):
    for hits in (1, 5):
        counting.exchanges = 0
        answer = searcher.search(query, scope, hits=hits)
        assert (answer.status, answer.hits[0].match.label if answer.hits else None) == (status, label)
        assert counting.exchanges <= exchanges, hits
        if label == "Title":
            assert answer.hits[0].substitutes
            assert answer.hits[0].substitutability is not None


def test_all_hits_share_the_exchanges_of_one(counting, searcher):
    counting.exchanges = 0
    answer = searcher.search("Night Ferry", NORTH, hits=20, substitutes=20)
    assert len(answer.hits) == 2
    assert counting.exchanges <= 4


def test_the_titles_of_the_nearest_are_two_steps_away_and_those_farther_three_more_each(counting, searcher):
    for substitutes, exchanges in ((1, 4), (5, 10)):
        counting.exchanges = 0
        (hit,) = searcher.search("Hana Sol", NORTH, substitutes=substitutes).hits
        assert (hit.match.label, hit.available, len(hit.nearest) > 0) == ("Person", False, True)
        assert counting.exchanges <= exchanges


def test_without_substitutes_there_is_less_to_ask(counting, searcher):
    counting.exchanges = 0
    assert searcher.search("Paper Lanterns", NORTH, substitutes=0).hits[0].substitutes == ()
    assert counting.exchanges <= 3


@pytest.mark.parametrize("wanted", [Preferences(diversity=0.5), Preferences(cast=2.0), Preferences(0.5, era=0.0)])
def test_preferences_ask_for_what_they_weigh(counting, searcher, wanted):
    counting.exchanges = 0
    assert searcher.search("The Lost Boy", NORTH, preferences=wanted).hits[0].substitutes
    assert counting.exchanges <= 8


def test_similar_titles_recommendations_and_reasons(counting, searcher):
    counting.exchanges = 0
    assert searcher.similar("tt10", NORTH, 3)
    assert counting.exchanges <= 4
    counting.exchanges = 0
    assert searcher.similar("tt10", NORTH, 3, strategy="fold-in")
    assert counting.exchanges <= 4
    counting.exchanges = 0
    assert searcher.recommend(["tt10", "tt01", "tt06"], NORTH, 3).items
    assert counting.exchanges <= 4
    counting.exchanges = 0
    assert explain(counting, "tt01", "tt04")
    assert counting.exchanges == 2
