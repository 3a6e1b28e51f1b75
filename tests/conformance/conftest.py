"""The suite that every engine must pass: the engines, and the small graph whose answers the tests write out by hand.

A new engine joins with one line in `ENGINES`: pytest's request and a folder to use if it needs one → the URL of a place
where nothing is. Where that is always the same place, as with a server, the small graph of a module is loaded again
after another test has had it.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections import Counter

import pytest

from graph.schema import NODES, RELATIONSHIPS
from graph.store import open_store
from graph.tables import finish_tables, rows_to_table, write_table
from tests.servers import gremlin_server, neo4j_server

ENGINES = {
    "embedded": lambda _request, folder: f"embedded:{folder}/store",
    "neo4j": lambda request, _folder: neo4j_server.wiped(request.getfixturevalue("neo4j_url")),
    "gremlin": lambda request, _folder: gremlin_server.wiped(request.getfixturevalue("gremlin_url")),
}

_ONE_VERSION = dict.fromkeys(
    (
        "test_rollback_brings_the_graph_back_and_leaves_live_data_alone",
        "test_a_rollback_to_a_named_version",
        "test_vectors_that_a_load_made_go_with_it",
    ),
    "it holds one version of the graph: a rollback undoes publishes, not loads",
)
# What an engine does not do yet, by test; such a test fails as soon as the engine does it.
GAPS = {"embedded": {}, "neo4j": _ONE_VERSION, "gremlin": _ONE_VERSION}


def _rows(columns, *rows):
    return [dict(zip(columns.split(), row, strict=True)) for row in rows]


def _ends(columns, *rows):
    return [{"key": "", **row} for row in _rows(columns, *rows)]


MARCH_1, MARCH_9, MARCH_10, MARCH_31 = (dt.date(2026, 3, day) for day in (1, 9, 10, 31))

# tt05 is an adult title; tt07 and tt08 are episodes of tt06; item:1 is known to a catalog alone; tt11 has no name.
# nm2 is twice in tt01 and nm3 wrote tt02 twice; "Drama" is a genre and a keyword.
# fmt: off
SMALL_GRAPH = {
    "Title": _rows(
        "id kind title original_title start_year end_year runtime_minutes is_adult average_rating num_votes "
        "poster_url text",
        ("tt02", "movie", "Paper Lanterns", "紙の灯籠", 2001, None, 125, False, 8.6, 90000, None, None),
        ("tt01", "movie", "The Glass Harbour", "The Glass Harbour", 1995, None, 101, False, 7.5, 1200, None, "Fog."),
        ("tt03", "movie", "Winter Trains", "Зимние поезда", None, None, None, False, None, None, None, None),
        ("tt04", "movie", "Night Ferry", "Night Ferry", 2010, None, 90, False, 6.1, 300, None, None),
        ("tt05", "movie", "Velvet Rooms", "Samtzimmer", 1985, None, 80, True, 5.0, 700, None, None),
        ("tt06", "tvSeries", "Tide Tables", "Tide Tables", 2012, 2014, 45, False, 8.0, 5000, None, None),
        ("tt07", "tvEpisode", "Slack Tide", "Slack Tide", 2012, None, 44, False, 7.9, 210, None, None),
        ("tt08", "tvEpisode", "Low Water", "Low Water", 2013, None, 46, False, 8.1, 190, None, None),
        ("tt09", "short", "Gulls", "Måger", 1999, None, 7, False, 6.6, 41, None, None),
        ("tt10", "movie", "The Lost Boy", "El niño perdido", 1998, None, 110, False, 7.0, 2100, None, None),
        ("tt11", "video", None, None, None, None, None, None, None, None, None, None),
        ("item:1", "movie", "Our House", None, 2024, None, 60, None, None, None, "https://example.org/1.jpg", None),
    ),
    "Person": _rows(
        "id name birth_year death_year professions",
        ("nm1", "Ada Brook", 1950, 2020, ["director", "writer"]),
        ("nm2", "Bo Lund", 1961, None, ["actor"]),
        ("nm3", "Chie Mori", None, None, ["writer", "director"]),
        ("nm4", "Dana Voss", 1980, None, None),
        ("nm5", "Emil Kaya", None, None, ["composer"]),
        ("nm6", "Faye Ito", None, None, ["editor"]),
        ("nm7", "Gus Pahl", None, None, ["producer"]),
        ("nm8", "Hana Sol", 1901, 1977, None),
    ),
    "Genre": _rows("id", ("Drama",), ("Crime",), ("Animation",)),
    "Keyword": _rows("id", ("sea",), ("Drama",)),
    "AlternateTitle": _rows(
        "id title region language types",
        ("tt01:1", "Der gläserne Hafen", "DE", "de", ["imdbDisplay"]),
        ("tt02:1", "Бумажные фонари", "RU", "ru", ["imdbDisplay", "dvd"]),
        ("tt02:2", "Faroles de papel", "ES", None, None),
        ("tt05:1", "Salons de velours", "FR", "fr", None),
        ("tt10:1", "الطفل الضائع", "EG", "ar", ["festival"]),
    ),
    "Catalog": _rows("id name", ("north", "North Stream"), ("south", None)),
    "User": _rows("id labels", ("u1", ["kids", "sea"]), ("u2", None)),
    "ACTED_IN": _rows(
        "head tail key ordering category characters",
        ("nm2", "tt01", "1", 1, "actor", ["Captain", "Old Captain"]),
        ("nm2", "tt01", "3", 3, "self", None),
        ("nm4", "tt01", "2", 2, "actress", ["Mara"]),
        ("nm4", "tt04", "1", 1, "actress", None),
        ("nm2", "tt05", "1", 1, "actor", None),
        ("nm4", "tt07", "1", 1, "actress", ["Doctor"]),
        ("nm2", "item:1", "1", 1, "self", ["Self"]),
    ),
    "DIRECTED": _rows(
        "head tail key ordering job",
        ("nm1", "tt01", "4", 4, None), ("nm1", "tt04", "2", 2, None), ("nm1", "tt05", "2", 2, None),
        ("nm1", "tt09", "", None, None), ("nm3", "tt02", "1", 1, None), ("nm3", "tt10", "1", 1, "co-director"),
    ),
    "WROTE": _rows(
        "head tail key ordering job",
        ("nm3", "tt02", "2", 2, "screenplay"), ("nm3", "tt02", "3", 3, "story"), ("nm1", "tt04", "3", 3, None),
    ),
    "COMPOSED": _rows(
        "head tail key ordering job", ("nm5", "tt02", "4", 4, None), ("nm5", "tt01", "5", 5, None)
    ),
    "EDITED": _rows("head tail key ordering job", ("nm6", "tt01", "6", 6, None)),
    "PRODUCED": _rows("head tail key ordering job", ("nm7", "tt04", "4", 4, "executive producer")),
    "SEEN_IN_ARCHIVE": _rows(
        "head tail key ordering category characters", ("nm8", "tt10", "5", 5, "archive_footage", None)
    ),
    "KNOWN_FOR": _ends("head tail", ("nm1", "tt01"), ("nm1", "tt04"), ("nm3", "tt02")),
    "IN_GENRE": _ends(
        "head tail",
        ("tt01", "Drama"), ("tt01", "Crime"), ("tt02", "Animation"), ("tt02", "Drama"), ("tt04", "Drama"),
        ("tt05", "Drama"), ("tt06", "Drama"), ("item:1", "Drama"),
    ),
    "HAS_KEYWORD": _ends("head tail", ("tt01", "sea"), ("tt09", "sea"), ("tt10", "Drama")),
    "ALSO_KNOWN_AS": _ends(
        "head tail",
        ("tt01", "tt01:1"), ("tt02", "tt02:1"), ("tt02", "tt02:2"), ("tt05", "tt05:1"), ("tt10", "tt10:1"),
    ),
    "EPISODE_OF": _ends("head tail season episode", ("tt07", "tt06", 1, 1), ("tt08", "tt06", 1, None)),
    "OFFERS": _rows(
        "head tail key item_id regions available_from available_until match confidence",
        ("north", "tt01", "n1", "n1", ["US", "GB"], MARCH_1, MARCH_31, "id", 1.0),
        ("north", "tt02", "n2", "n2", None, None, None, "title", 0.9),
        ("north", "tt04", "n4", "n4", ["DE"], MARCH_10, None, "title", 0.8),
        ("north", "tt04", "n4b", "n4b", ["US"], None, MARCH_9, "title", 0.8),
        ("north", "tt05", "n5", "n5", None, None, None, "id", 1.0),
        ("north", "item:1", "1", "1", [], None, None, None, None),
        ("south", "tt02", "s2", "s2", ["ES"], None, None, "id", 1.0),
        ("south", "tt06", "s6", "s6", None, None, MARCH_31, "id", 1.0),
        ("south", "tt10", "s10", "s10", None, None, None, "id", 1.0),
    ),
    "RATED": _rows(
        "head tail key type value timestamp",
        ("u1", "tt01", "like", "like", None, 1700000000),
        ("u1", "tt01", "rating", "rating", 4.5, None),
        ("u1", "tt03", "watch", "watch", None, None),
        ("u2", "tt02", "rating", "rating", 2.0, 1700000100),
    ),
}
# fmt: on


@pytest.fixture(autouse=True)
def _declared_gap(request):
    """Expect a test to fail where its engine declares a gap."""
    engine = getattr(request.node, "callspec", None) and request.node.callspec.params.get("fresh_url")
    reason = GAPS.get(engine, {}).get(request.node.originalname)
    if reason:
        request.applymarker(pytest.mark.xfail(reason=f"{engine}: {reason}", strict=True))


@pytest.fixture
def rows():
    """The small graph as rows, a copy that a test may change."""
    return copy.deepcopy(SMALL_GRAPH)


@pytest.fixture(scope="session")
def make_tables(tmp_path_factory):
    """Rows of each label and type → graph tables."""

    def make(rows):
        folder = tmp_path_factory.mktemp("tables")
        for name, members in rows.items():
            write_table(folder, name, [rows_to_table(name, members)])
        return finish_tables(folder, [])

    return make


@pytest.fixture(scope="session", params=ENGINES)
def fresh_url(request, tmp_path_factory):
    """Make the URL of a place where nothing is yet; `made` counts how many were."""

    def make():
        make.made += 1
        return ENGINES[request.param](request, tmp_path_factory.mktemp(request.param))

    make.made = 0
    return make


@pytest.fixture
def store(fresh_url):
    """A store of its own for the test, empty."""
    opened = open_store(fresh_url(), create=True)
    opened.apply_schema()
    yield opened
    opened.close()


@pytest.fixture
def loaded(store, make_tables):
    """A store of its own for the test, holding the small graph."""
    store.load_tables(make_tables(SMALL_GRAPH))
    return store


@pytest.fixture(scope="module")
def _small(fresh_url, make_tables):
    """Open the small graph, again where another test may have had its place."""
    held = {}

    def give():
        if not held or ("://" in held["url"] and held["made"] != fresh_url.made):
            if held:
                held["store"].close()
            url = fresh_url()
            opened = open_store(url, create=True)
            opened.apply_schema()
            opened.load_tables(make_tables(SMALL_GRAPH))
            held.update(url=url, made=fresh_url.made, store=opened)
        return held["store"]

    yield give
    if held:
        held["store"].close()


@pytest.fixture
def small(_small):
    """The small graph for a whole module of tests that only read."""
    return _small()


@pytest.fixture(scope="session")
def step():
    """`neighbours` as a list of tuples: checks the order that is promised, sorts where none is."""

    def take(store, ids, types, direction, **options):
        table = store.neighbours(ids, types, direction, **options)
        rows = list(zip(*table.to_pydict().values(), strict=True))
        promised = [(types.index(row[1]), row[0]) for row in rows]
        assert promised == sorted(promised)
        return sorted(rows, key=lambda row: (types.index(row[1]), row[0], row[2], str(row[3:])))

    return take


@pytest.fixture(scope="session")
def contents():
    """All that a store holds, by name, in an order that does not depend on the store."""

    def read(store):
        held = {}
        for name in (*NODES, *RELATIONSHIPS):
            scan = store.scan_nodes if name in NODES else store.scan_relationships
            found = [row for batch in scan(name) for row in batch.to_pylist()]
            if found:
                held[name] = sorted(found, key=lambda row: [row.get(end, "") for end in ("id", "head", "tail", "key")])
        return held

    return read


@pytest.fixture(scope="session")
def counts():
    """How many there are of each label and type in `info`, without those of which there are none."""
    return lambda store: dict(+Counter(dict(store.info().counts)))
