"""Loads into Neo4j that are cut off, that happen twice, and into a database that others use too."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from graph.schema import NODES, RELATIONSHIPS
from graph.store import WHOLE_GRAPH, GraphStore, Provenance, Scope, StoreError, open_store
from graph.stores import neo4j_connection
from graph.tables import GraphTables
from tests.graph.conftest import Rows, tables_of
from tests.servers.neo4j_database import asked, everything
from tests.servers.proxy import Proxy, proxy

TITLES, PEOPLE = 1600, 1000
MADE = Provenance("run-1", "m", 2, "0123456789abcdef", "2026-03-01T00:00:00Z")


def large_rows() -> Rows:
    """Some 8,000 nodes and relationships, so that a load takes a while."""
    rows: Rows = {
        "Title": [
            {"id": f"tt{n:05}", "kind": "movie", "title": f"Film {n}", "start_year": 1950 + n % 70,
             "average_rating": 5 + n % 40 / 10, "is_adult": n % 50 == 0}
            for n in range(TITLES)
        ],
        "Person": [{"id": f"nm{n:05}", "name": f"Person {n}", "professions": ["actor", "writer"][: n % 3]}
                   for n in range(PEOPLE)],
        "Genre": [{"id": name} for name in ("Drama", "Crime", "War")],
        "Catalog": [{"id": "north", "name": "North"}],
        "ACTED_IN": [
            {"head": f"nm{n * 7 % PEOPLE:05}", "tail": f"tt{n % TITLES:05}", "key": str(n % 9), "ordering": n % 9,
             "category": "actor", "characters": [f"Part {n}"]}
            for n in range(3200)
        ],
        "IN_GENRE": [{"head": f"tt{n:05}", "tail": ("Drama", "Crime", "War")[n % 3]} for n in range(TITLES)],
        "OFFERS": [{"head": "north", "tail": f"tt{n * 8:05}", "key": f"n{n}", "item_id": f"n{n}", "regions": ["US"]}
                   for n in range(200)],
    }  # fmt: skip
    # By its identity each once, as a load takes them.
    rows["ACTED_IN"] = list({(row["head"], row["tail"], row["key"]): row for row in rows["ACTED_IN"]}.values())
    return rows


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> GraphTables:
    return tables_of(tmp_path_factory.mktemp("large"), large_rows())


@pytest.fixture(scope="module")
def whole(large: GraphTables, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What a store holds that has loaded the large tables without trouble."""
    store = open_store(f"embedded:{tmp_path_factory.mktemp('whole') / 'store'}", create=True)
    store.load_tables(large)
    held = contents(store)
    store.close()
    return held


@pytest.fixture
def opened() -> Iterator[Callable[[str], GraphStore]]:
    """A URL → the store there, made where there is none, and closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda url: stack.enter_context(contextlib.closing(open_store(url, create=True)))


@pytest.fixture
def store(empty_neo4j: str, opened: Callable[[str], GraphStore]) -> GraphStore:
    return opened(empty_neo4j)


def contents(store: GraphStore) -> dict[str, list[Any]]:
    """All that it holds, by name, in order."""
    held: dict[str, list[Any]] = {}
    for name in (*NODES, *RELATIONSHIPS):
        scan = store.scan_nodes if name in NODES else store.scan_relationships
        if rows := [row for batch in scan(name) for row in batch.to_pylist()]:
            held[name] = sorted(rows, key=lambda row: [row.get(end, "") for end in ("id", "head", "tail", "key")])
    return held


# Cut off


@contextlib.contextmanager
def through_a_proxy(url: str) -> Iterator[tuple[GraphStore, Proxy]]:
    """A store whose connection can be cut."""
    place = urlsplit(url)
    with proxy(place.hostname or "", place.port or 7687) as between:
        store = open_store(f"bolt://127.0.0.1:{between.port}", create=True)
        try:
            yield store, between
        finally:
            store.close()


@pytest.mark.parametrize("most", [60_000, 250_000, 400_000])
def test_a_load_that_is_cut_off_says_so_and_another_gives_the_whole_graph(
    empty_neo4j: str, large: GraphTables, whole: dict[str, list[Any]], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neo4j_connection, "_RETRY_SECONDS", 2.0)
    with through_a_proxy(empty_neo4j) as (store, between):
        between.mend(most)
        with pytest.raises(StoreError, match="does not answer"):
            store.load_tables(large)
        assert between.cuts == 1
        there = asked(empty_neo4j, "MATCH (n) WHERE NOT n:Release RETURN count(n) + COUNT { ()-->() }")[0][0]
        assert there < sum(map(len, whole.values()))
        between.mend()
        version = store.load_tables(large)
        assert contents(store) == whole
        assert store.info().version == version
        assert [hit.id for hit in store.search_text("Film 1599", 1)] == ["tt01599"]


def test_a_connection_that_is_lost_for_a_moment_costs_nothing(
    empty_neo4j: str, large: GraphTables, whole: dict[str, list[Any]]
) -> None:
    with through_a_proxy(empty_neo4j) as (store, between):
        lost: list[str] = []

        def lose(what: str, share: float) -> None:
            if len(lost) < share * 4 and share < 1:
                lost.append(what)
                between.cut()
                between.mend()

        store.load_tables(large, lose)
        assert len(lost) >= 3
        assert between.cuts >= 3
        assert contents(store) == whole


# Twice


def test_the_second_load_of_the_same_tables_leaves_the_same_database(store: GraphStore, large: GraphTables) -> None:
    first = store.load_tables(large)
    ours = "NOT n:Release"
    before = everything(store.url, ours)
    assert (len(before[0]), len(before[1])) == (
        sum(len(large.read(name)) for name in NODES), sum(len(large.read(name)) for name in RELATIONSHIPS)
    )  # fmt: skip
    assert store.load_tables(large) != first
    assert everything(store.url, ours) == before


def test_a_load_takes_away_what_the_tables_no_longer_have(store: GraphStore, tmp_path: Path) -> None:
    rows: Rows = {
        "Title": [{"id": f"tt{n}", "title": f"Film {n}", "kind": "movie", "start_year": 2000} for n in range(4)],
        "Genre": [{"id": "Drama"}, {"id": "War"}],
        "IN_GENRE": [{"head": f"tt{n}", "tail": "Drama"} for n in range(4)],
    }
    store.load_tables(tables_of(tmp_path / "first", rows))
    rows["Title"] = [row | {"start_year": None} for row in rows["Title"][:2]]
    rows["Genre"], rows["IN_GENRE"] = [{"id": "Drama"}], [{"head": "tt1", "tail": "Drama"}]
    store.load_tables(tables_of(tmp_path / "second", rows))
    assert everything(store.url, "NOT n:Release") == everything_of(
        [("Genre", {"name": "Drama"})] + [("Title", {"tconst": f"tt{n}", "title": f"Film {n}", "kind": "movie"})
                                          for n in range(2)],
        [("Title", {"tconst": "tt1", "title": "Film 1", "kind": "movie"}, "IN_GENRE", {}, "Genre", {"name": "Drama"})],
    )  # fmt: skip


def everything_of(nodes: Sequence[Any], relationships: Sequence[Any]) -> tuple[list[str], list[str]]:
    """The same form as `everything`."""

    def written(row: Sequence[Any]) -> str:
        parts = [sorted(one.items()) if isinstance(one, dict) else one for one in row]
        return repr([[one] if place in (0, 4) else one for place, one in enumerate(parts)])

    return sorted(map(written, nodes)), sorted(map(written, relationships))


def test_what_lies_there_is_what_the_schema_says(store: GraphStore, tmp_path: Path) -> None:
    """Labels, ids under their own names, types of values: what analysts see."""
    rows: Rows = {
        "Title": [{"id": "tt1", "title": "One", "start_year": 2001, "average_rating": 7.0, "is_adult": False}],
        "Person": [{"id": "nm1", "name": "A", "professions": ["actor", "writer"]}],
        "Catalog": [{"id": "c", "name": "C"}],
        "ACTED_IN": [{"head": "nm1", "tail": "tt1", "key": "3", "ordering": 3, "characters": ["X", "Y"]}],
        "OFFERS": [{"head": "c", "tail": "tt1", "key": "k", "item_id": "k", "available_from": dt.date(2026, 3, 1)}],
    }  # fmt: skip
    store.load_tables(tables_of(tmp_path, rows))
    found = asked(
        store.url,
        "MATCH (p:Person)-[r:ACTED_IN]->(t:Title)<-[o:OFFERS]-(c:Catalog) RETURN properties(p), properties(r), "
        "properties(t), properties(o), [k IN keys(t) WHERE valueType(t[k]) STARTS WITH 'FLOAT'], "
        "valueType(o.available_from), c.slug, t:Offered",
    )
    assert found[0][:3] == [
        {"nconst": "nm1", "name": "A", "professions": ["actor", "writer"]},
        {"key": "3", "ordering": 3, "characters": ["X", "Y"]},
        {"tconst": "tt1", "title": "One", "start_year": 2001, "average_rating": 7.0, "is_adult": False},
    ]
    assert found[0][3]["available_from"].iso_format() == "2026-03-01"
    assert found[0][4:] == [["average_rating"], "DATE NOT NULL", "c", True]


# In a database of others

# Their nodes, some with our labels: none has the property that is an id of ours.
THEIRS = """
CREATE (m:Movie {title: 'The Matrix', released: 1999}), (k:Person {name: 'Keanu Reeves', born: 1964}),
  (t:Title {title: 'Chief Executive'}), (g:Genre {label: 'Jazz'}), (v:Release {tag: 'v2.0'}),
  (u:User {login: 'ada'}), (c:Catalog {number: 1, name: 'Spring'}), (x:Customer:Offered {id: 7}), (a:AlternateTitle),
  (r:Removed {title: 'Old'}), (t)-[:IN_GENRE]->(g), (k)-[:ACTED_IN {roles: ['Neo']}]->(m), (k)-[:DIRECTED]->(t),
  (c)-[:OFFERS {price: 3}]->(t), (u)-[:RATED {stars: 5}]->(t), (u)-[:OWNS]->(x), (t)-[:ALSO_KNOWN_AS]->(a),
  (t)-[:EPISODE_OF]->(r)
"""
OTHERS = " AND ".join(f"n.{name} IS NULL" for name in sorted({node.id_name for node in NODES.values()} - {"name"}))
OTHERS = f"({OTHERS}) AND NOT (n:Release AND n.version IS NOT NULL) AND NOT (n:Release AND n.run IS NOT NULL)"
OTHERS += " AND NOT (n:Genre AND n.name IS NOT NULL)"


def test_nothing_of_others_is_touched(
    empty_neo4j: str, opened: Callable[[str], GraphStore], large: GraphTables, tmp_path: Path
) -> None:
    asked(empty_neo4j, THEIRS)
    theirs = everything(empty_neo4j, OTHERS)
    assert (len(theirs[0]), len(theirs[1])) == (10, 8)  # none of them left out below
    store = opened(empty_neo4j)
    asked(empty_neo4j, "CREATE (:Release {name: 'v2.1'})")
    theirs = everything(empty_neo4j, OTHERS)
    store.load_tables(large)
    title_ids = [f"tt{n:05}" for n in range(50)]
    steps = (
        lambda: store.set_embeddings("embedding", title_ids, np.ones((50, 2), np.float32), MADE),
        lambda: store.set_embeddings("embedding", title_ids[:9], np.ones((9, 2), np.float32), MADE),
        store.rollback,
        lambda: store.upsert_nodes("User", [{"id": "u1"}]),
        lambda: store.upsert_relationships("RATED", [{"head": "u1", "tail": "tt00001", "key": "like"}]),
        lambda: store.delete_nodes("User", ["u1"]),
        lambda: store.delete_nodes("Catalog", ["north"]),
        lambda: store.load_tables(tables_of(tmp_path, {"Title": [{"id": "tt00001", "title": "Left"}]})),
    )
    for step in steps:
        step()
        assert everything(empty_neo4j, OTHERS) == theirs
    assert {name: count for name, count in store.info().counts.items() if count} == {"Title": 1}


def test_nothing_of_others_is_answered(
    empty_neo4j: str, opened: Callable[[str], GraphStore], large: GraphTables, whole: dict[str, list[Any]]
) -> None:
    asked(empty_neo4j, THEIRS)
    store = opened(empty_neo4j)
    store.load_tables(large)
    asked(empty_neo4j, "MATCH (t:Title {tconst: 'tt00001'}), (x:Customer), (k:Person {name: 'Keanu Reeves'}) "
                       "CREATE (x)-[:OFFERS]->(t), (k)-[:ACTED_IN]->(t), (t)-[:IN_GENRE]->(x)")  # fmt: skip
    assert contents(store) == whole
    assert {name: count for name, count in store.info().counts.items() if count} == {
        name: len(rows) for name, rows in whole.items()
    }
    for text in ("Chief Executive", "Keanu Reeves", "The Matrix", "Old"):
        assert [hit for hit in store.search_text(text, 20) if hit.text == text] == []
    people = [row["head"] for row in whole["ACTED_IN"] if row["tail"] == "tt00001"]
    assert sorted(store.neighbours(["tt00001"], ["ACTED_IN"], "in").column("neighbour").to_pylist()) == sorted(people)
    assert store.offered(Scope(adult=True)).num_rows == 200
    assert store.offered(Scope(WHOLE_GRAPH, adult=True)).num_rows == TITLES


@pytest.mark.parametrize(
    ("theirs", "label"),
    [
        ("CREATE (:Title {tconst: 'tt1', of: 'others'}), (:Title {tconst: 'tt1'})", "Title"),
        ("CREATE (:Genre {name: 'Jazz', of: 'others'})", "Genre"),
        ("CREATE (:Release {name: 'graph', tag: 'v2.0'})", "Release"),
    ],
    ids=["the same id twice", "an id of a label that loads replace", "a release called graph"],
)
def test_others_that_stand_in_the_way_are_named_and_stay(
    empty_neo4j: str, opened: Callable[[str], GraphStore], tmp_path: Path, theirs: str, label: str
) -> None:
    for name in asked(empty_neo4j, "SHOW CONSTRAINTS YIELD name"):
        asked(empty_neo4j, f"DROP CONSTRAINT {name[0]}")  # of other tests
    asked(empty_neo4j, theirs)
    before = everything(empty_neo4j)
    with pytest.raises(StoreError, match=f"somebody else with the label {label} .*use another database"):
        opened(empty_neo4j).load_tables(tables_of(tmp_path, {"Title": [{"id": "tt5"}], "Genre": [{"id": "Drama"}]}))
    assert everything(empty_neo4j) == before
