"""Communities of a genre: two groups that work apart, what does not join people, and where they are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from typer.testing import CliRunner

import reelgraph
from graph.communities import find, keep
from graph.store import GraphStore, NotInGraph, open_store
from tests.graph.conftest import Rows, Stored, tables_of
from tests.servers.neo4j_database import asked
from tests.servers.neo4j_server import PASSWORD

NORTHERN, SOUTHERN, PAIR = [f"nm1{n}" for n in range(5)], [f"nm2{n}" for n in range(4)], ["nm30", "nm31"]


def _rows() -> Rows:
    """Each two of a group made a drama; adult titles, and one of another genre, have people of both groups."""
    joined = [pair for group in (NORTHERN, SOUTHERN, PAIR) for pair in combinations(group, 2)]
    casts: dict[str, list[str]] = {f"tt{n}": list(pair) for n, pair in enumerate(joined)}
    casts |= {f"ttx{n}": [NORTHERN[n], SOUTHERN[n]] for n in range(4)} | {"ttcrime": [*NORTHERN, *SOUTHERN]}
    return {
        "Title": [{"id": id_, "is_adult": id_.startswith("ttx")} for id_ in casts],
        "Person": [{"id": id_, "name": id_.upper()} for id_ in (*NORTHERN, *SOUTHERN, *PAIR)],
        "Genre": [{"id": "Drama"}, {"id": "Crime"}, {"id": "Western"}],
        "IN_GENRE": [
            {"head": id_, "tail": "Crime" if id_ == "ttcrime" else "Drama", "key": ""} for id_ in casts
        ],
        "ACTED_IN": [
            {"head": id_, "tail": title, "key": str(n), "ordering": n}
            for title, people in casts.items() for n, id_ in enumerate(people)
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def store(stored: Stored) -> GraphStore:
    return stored(_rows())


def test_people_who_work_together_are_one_community_and_the_largest_comes_first(store: GraphStore) -> None:
    told: list[tuple[str, float]] = []
    found = find(store, "Drama", lambda what, share: told.append((what, share)))
    assert found.groups == [NORTHERN, SOUTHERN]  # a pair is no group
    assert (found.genre, found.titles, found.people) == ("Drama", 10 + 6 + 1, 11)
    # Pairs inside the groups: 10, 6 and 1 of 17; degrees 20, 12 and 2 of 34.
    assert found.modularity == pytest.approx(1 - (20**2 + 12**2 + 2**2) / 34**2)
    assert told[-1] == ("grouped", 1.0)
    assert find(store, "Drama", lambda *_: None) == found


def test_a_genre_without_titles_has_none_and_one_that_is_not_there_is_an_error(store: GraphStore) -> None:
    empty = find(store, "Western", lambda *_: None)
    assert (empty.titles, empty.people, empty.modularity, empty.groups) == (0, 0, 0.0, [])
    with pytest.raises(NotInGraph, match="no genre 'Drame'; reelgraph stats"):
        find(store, "Drame", lambda *_: None)


def test_the_command_tells_them_and_says_that_this_store_keeps_none(store: GraphStore) -> None:
    url = store.info().url
    done = CliRunner().invoke(reelgraph.app, ["communities", "Drama", "--store", url, "--json"])
    assert json.loads(done.stdout) == {
        "genre": "Drama", "titles": 17, "people": 11, "modularity": pytest.approx(0.5260, abs=1e-4),
        "groups": [5, 4], "kept": False,
    }  # fmt: skip
    shown = CliRunner().invoke(reelgraph.app, ["communities", "Drama", "--store", url]).stdout
    assert "Drama: 2 communities of 9 people in 17 titles, modularity 0.53" in shown
    assert "NM10, NM11, NM12" in shown
    assert "Not kept" in shown


@pytest.fixture
def in_neo4j(empty_neo4j: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphStore]:
    monkeypatch.setenv("REELGRAPH_NEO4J_PASSWORD", PASSWORD)
    opened = open_store(empty_neo4j, create=True)
    opened.load_tables(tables_of(tmp_path, _rows()))
    yield opened
    opened.close()


def test_neo4j_keeps_them_with_the_people_for_each_genre_and_asking_again_replaces_them(in_neo4j: GraphStore) -> None:
    url = in_neo4j.info().url

    def kept() -> dict[str, list[str]]:
        return {id_: held for id_, held in asked(url, "MATCH (p:Person) RETURN p.nconst, p.communities") if held}

    for genre in ("Drama", "Crime", "Drama"):
        assert keep(in_neo4j, find(in_neo4j, genre, lambda *_: None))
    assert kept() == {id_: ["Crime:1", "Drama:1"] for id_ in NORTHERN} | {
        id_: ["Crime:1", "Drama:2"] for id_ in SOUTHERN
    }
    asked(url, "MATCH (t:Title)-[r:IN_GENRE]->(:Genre {name: 'Crime'}) DELETE r")
    done = CliRunner().invoke(reelgraph.app, ["communities", "Crime", "--store", url])
    assert "Kept with the people" in done.stdout
    assert kept() == {id_: ["Drama:1"] for id_ in NORTHERN} | {id_: ["Drama:2"] for id_ in SOUTHERN}
