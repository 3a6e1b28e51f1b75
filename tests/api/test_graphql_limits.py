"""What is too much to ask: found before a query runs, and said with the measure and the limit."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from graphql import get_introspection_query, parse, validate

from api.graphql.batches import Sources
from api.graphql.limits import Limits, measure
from api.graphql.router import GraphQLQuery, execute, told
from api.graphql.schema import make_schema
from api.problems import Problem
from graph.search import Searcher
from graph.store import GraphStore, open_store

Ask = Callable[..., list[str]]


@pytest.fixture(scope="module")
def ask(sample_folder: Any) -> Any:
    """A query, variables and limits by name → the messages of its errors."""
    store: GraphStore = open_store(f"embedded:{sample_folder}")
    sources = Sources.over(store, Searcher(store))

    def asked(query: str, variables: dict[str, Any] | None = None, **limits: Any) -> list[str]:
        found = execute(make_schema(Limits(**limits)), sources, GraphQLQuery(query=query, variables=variables))
        return [told(error, store, "").message for error in found.errors or ()]

    yield asked
    store.close()


def nested(levels: int) -> str:
    """A query of so many levels of nodes, title and person by turns, one node each."""
    inner = "id"
    for _ in range(levels - 1):
        inner = "id credits(first: 1) { edges { node { " + inner + " } } }"
    return '{ title(id: "tt0114709") { ' + inner + " } }"


def test_depth_counts_levels_of_nodes(ask: Ask) -> None:
    assert ask(nested(8)) == []
    assert ask(nested(9)) == ["the query is more than 8 levels deep"]
    assert ask(nested(3), depth=2) == ["the query is more than 2 levels deep"]
    assert "the query is more than 8 levels deep" in ask(nested(60))


def test_aliases_and_fields_count_those_of_fragments_too(ask: Ask) -> None:
    aliases = " ".join(f'a{i}: title(id: "tt0114709") {{ id }}' for i in range(16))
    assert ask("{ " + aliases + " }") == ["the query has 16 aliases; the limit is 15"]
    assert ask("{ " + aliases + " }", aliases=16) == []
    fields = 'fragment F on Title { a: id b: id c: id } { t: title(id: "tt0114709") { ...F series { node { ...F } } } }'
    assert ask(fields, aliases=6) == ["the query has 7 aliases; the limit is 6"]
    assert ask(fields, fields=8) == ["the query has 9 fields; the limit is 8"]
    assert ask(fields, fields=9) == []


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ titles(first: 10) { totalCount } }", 50 + 10),
        ("{ titles { edges { node { id } } } }", 50 + 20),
        ("{ titles(first: 10) { edges { node { credits(first: 5) { edges { node { id } } } } } } }", 50 + 10 * (1 + 5)),
        ("{ titles(first: 10) { edges { node { genres { name } } } } }", 50 + 10 * (1 + 10)),
        ("{ titles(first: 10) { edges { node { series { node { id } } } } } }", 50 + 10 * (1 + 1)),
        ("{ genres { titles(first: 2) { totalCount } } }", 30 * (1 + 50 + 2)),
        ('{ title(id: "tt0114709") { similar(first: 5) { title { id } } } }', 1 + 100 + 5 * (1 + 1)),
        ('{ search(text: "x", first: 1) { hits { substitutes(first: 3) { score } } } }', 100 + 5 * (1 + 100 + 3)),
        ('{ path(from: "a", to: "b") { steps { node { __typename } } } }', 500 + 1 + 10 * (1 + 1)),
        ("{ titles(first: 10) { edges { ...E } } } fragment E on TitleEdge { node { genres { name } } }", 50 + 10 * 11),
        ("{ ... on Query { titles(first: 7) { totalCount } } }", 50 + 7),
    ],
)
def test_cost_is_how_many_nodes_could_be_answered(query: str, cost: int) -> None:
    schema = make_schema(Limits())._schema
    assert validate(schema, parse(query)) == []
    assert measure(schema, parse(query), Limits(), {}).cost == cost


def test_the_refusal_says_the_cost_and_the_limit(ask: Ask) -> None:
    query = "query Q($n: Int! = 100) { titles(first: $n) { edges { node { credits(first: 100) { totalCount } } } } }"
    too_much = "the query could cost 10,150 nodes; the limit is 10,000: ask for fewer with `first`"
    assert ask(query) == [too_much]
    assert ask(query, {"n": 100}) == [too_much]
    assert ask(query, {"n": 50}) == []
    assert ask(query, cost=10_150) == []


def test_one_operation_at_a_time(ask: Ask) -> None:
    assert ask("query A { genres { name } } query B { genres { name } }") == [
        "the document has 2 operations; send one at a time"
    ]


def test_a_long_document_is_not_read_to_its_end(ask: Ask) -> None:
    (message,) = ask("{ genres { " + "name " * 2_000 + "} }")
    assert "more than 2000 tokens" in message


def test_fragments_that_spread_each_other_twice_cost_no_time(ask: Ask) -> None:
    """Forty fragments make 2 to the 40th fields; expanding them would never end."""
    last = "fragment F40 on Title { id }"
    doubling = " ".join(f"fragment F{i} on Title {{ ...F{i + 1} ...F{i + 1} }}" for i in range(40))
    begun = time.perf_counter()
    messages = ask('{ title(id: "tt0114709") { ...F0 } } ' + doubling + " " + last)
    assert messages == [f"the query has {2**40 + 1:,} fields; the limit is 200"]
    assert time.perf_counter() - begun < 30
    circle = "fragment A on Title { ...B } fragment B on Title { ...A }"
    assert any("Cannot spread fragment" in text for text in ask('{ title(id: "tt0114709") { ...A } } ' + circle))


def test_a_deeply_nested_document_is_an_error_and_no_more(ask: Ask) -> None:
    deep = "{" + "a {" * 600 + "b" + "}" * 600 + "}"
    assert ask(deep) == ["Syntax Error: Document is nested too deeply. Parsing aborted."]
    for length, messages in ((50, []), (200, ["Validation aborted."])):
        chain = " ".join(f"fragment F{i} on Title {{ ...F{i + 1} }}" for i in range(length))
        assert ask(f'{{ title(id: "tt0114709") {{ ...F0 }} }} {chain} fragment F{length} on Title {{ id }}') == messages


def test_what_does_not_fit_the_schema_is_told_as_usual(ask: Ask) -> None:
    assert ask("{ titels { totalCount } }") == [
        "Cannot query field 'titels' on type 'Query'. Did you mean 'titles' or 'title'?"
    ]
    assert "Syntax Error" in ask("{ titles(")[0]


def test_introspection_may_be_switched_off(ask: Ask) -> None:
    query = get_introspection_query()
    assert ask(query) == []
    assert all("introspection" in message for message in ask(query, introspection=False))
    assert ask("{ titels { totalCount } }", introspection=False) == ["Cannot query field 'titels' on type 'Query'."]
    assert ask("{ __typename genres { __typename } }", introspection=False) == []


def test_a_query_that_takes_too_long_ends_before_its_next_batch(sample_folder: Any) -> None:
    with contextlib.closing(open_store(f"embedded:{sample_folder}")) as store:
        batches = list[str]()

        class Slow:
            """A store that needs a fifth of a second for each batch."""

            def __getattr__(self, name: str) -> Any:
                if name in ("get_nodes", "neighbours"):
                    batches.append(name)
                    time.sleep(0.2)
                return getattr(store, name)

        sources = Sources.over(Slow(), Searcher(store))  # type: ignore[arg-type]
        schema, asked = make_schema(Limits()), GraphQLQuery(query=nested(8))
        assert not execute(schema, sources, asked).errors
        whole = len(batches)
        batches.clear()
        with pytest.raises(Problem, match=r"no answer within 0\.3 seconds") as caught:
            execute(schema, sources, asked, 0.3)
    assert caught.value.status == 503
    assert 1 <= len(batches) <= 3 < whole
