"""A search's exchanges with Neo4j: few different statements, whatever is asked, since a server plans each new one."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from graph.figures import figures
from graph.reads import Degrees, Embeddings, Neighbours, Nodes, State, Text
from graph.schema import NODES, RELATIONSHIPS
from graph.search import Searcher
from graph.store import Scope, open_store
from graph.stores import neo4j_writing
from graph.stores.neo4j_connection import Connection
from graph.stores.neo4j_exchange import Exchange
from loaders.load import load_sample

MOST_STATEMENTS = 12


def test_the_statement_is_the_same_however_many_reads_of_a_kind_there_are() -> None:
    one = Exchange.of([Nodes("Title", ["tt1"], ["title"]), State()])
    many = Exchange.of([State(), *(Nodes("Title", ["tt1"] * n, ["title"]) for n in range(20)), State()])
    assert one.statement == many.statement
    assert list(one.parameters) == ["p"]  # a parameter that is a list would be planned anew for other lengths


def test_a_read_that_several_take_ids_from_is_asked_once() -> None:
    text = Text("toy story", 5)
    made = Exchange.of([Nodes("Title", text, ["title"]), Embeddings("embedding", text), text])
    assert made.statement.count("reelgraph_names") == 1


def test_each_read_gets_its_own_value(empty_neo4j: str) -> None:
    with contextlib.closing(open_store(empty_neo4j, create=True)) as store:
        load_sample(store)
        ids = ["tt0114709", "tt0120623", "tt0133093"]
        cast = [Neighbours([id_], ["ACTED_IN"], "in") for id_ in ids]
        reads: list[Any] = [Nodes("Title", [id_], ["title"]) for id_ in ids]
        reads += [
            *cast,
            *(Nodes("Person", one, ["name"]) for one in reversed(cast)),
            *(Degrees([i], ["ACTED_IN"], "in") for i in ids),
        ]
        answers = store.gather(reads)
        assert [table.column("id").to_pylist() for table in answers[:3]] == [[id_] for id_ in ids]
        people = [sorted(set(table.column("neighbour").to_pylist())) for table in answers[3:6]]
        assert [sorted(table.column("id").to_pylist()) for table in answers[6:9]] == people[::-1]
        assert people[0] != people[1] != people[2]
        assert [int(degree[0]) for degree in answers[9:]] == [table.num_rows for table in answers[3:6]]


def test_searches_share_a_handful_of_statements(empty_neo4j: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(open_store(empty_neo4j, create=True)) as store:
        load_sample(store)
        statements = set[str]()
        plain = Exchange.of

        def noted(*given: Any) -> Exchange:
            made = plain(*given)
            statements.add(made.statement)
            return made

        monkeypatch.setattr(Exchange, "of", noted)
        searcher = Searcher(store)
        titles = [row for batch in store.scan_nodes("Title", ["title"]) for row in batch.column("title").to_pylist()]
        for text in [*titles[::6], *(title[: 2 + len(title) // 2] for title in titles[3::6])]:
            searcher.search(text, Scope("north"))
        assert len(titles) > 50
        assert len(statements) <= MOST_STATEMENTS


def test_what_is_known_of_a_graph_counts_only_what_is_asked_for(
    empty_neo4j: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(open_store(empty_neo4j, create=True)) as store:
        load_sample(store)
        counted, plain = list[str](), neo4j_writing.count

        def noted(connection: Connection, name: str) -> int:
            counted.append(name)
            return plain(connection, name)

        monkeypatch.setattr(neo4j_writing, "count", noted)
        info = store.info()
        assert (len(info.counts), "Title" in info.counts) == (len(NODES) + len(RELATIONSHIPS), True)
        assert "Film" not in info.counts
        assert counted == []
        assert info.counts["Title"] == info.counts["Title"] > 200
        assert counted == ["Title"]
        with pytest.raises(KeyError):
            info.counts["Film"]
        assert sorted(dict(info.counts)) == sorted(counted)
        held = figures(store)
    assert held.as_dict()["counts"]["Title"] == info.counts["Title"]  # shown when the store is closed
