"""Triples from a store through the protocol, and from a folder of text files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gnn.config import GraphConfig
from gnn.triples import Ids, TriplesError, Vocabulary, graph_triples, read_folder, release_years, unique_rows
from graph.store import GraphStore, open_store
from graph.tables import finish_tables, rows_to_table, write_table
from loaders.load import load_sample

DATA = Path(os.environ.get("REELGRAPH_DATA", Path(__file__).parents[3] / "shared" / "data")) / "link-prediction"

_TITLES = [
    ("tt1", 1994, 7.52, 999, False),
    ("tt2", 1999, 8.0, 1000, False),
    ("tt3", None, None, None, True),
    ("tt4", 2000, 7.49, 0, None),
]
_ROWS: dict[str, list[dict[str, Any]]] = {
    "Title": [
        dict(zip(("id", "start_year", "average_rating", "num_votes", "is_adult"), row, strict=True), title=row[0])
        for row in _TITLES
    ],
    "Person": [{"id": f"nm{number}", "name": f"P{number}"} for number in (2, 1, 3)],
    "Genre": [{"id": "Drama"}],
    "ACTED_IN": [
        {"head": head, "tail": tail, "key": key, "ordering": int(key), "category": category}
        for head, tail, key, category in [("nm1", "tt1", "1", "actor"), ("nm1", "tt1", "2", "self"),
                                          ("nm1", "tt1", "3", "actor"), ("nm2", "tt3", "1", "actress"),
                                          ("nm2", "tt2", "1", None)]
    ],
    "DIRECTED": [{"head": "nm3", "tail": "tt1", "key": "9", "ordering": 9}],
    "IN_GENRE": [{"head": "tt1", "tail": "Drama"}],
    "User": [{"id": "u1"}, {"id": "u2"}],
    "RATED": [
        {"head": head, "tail": tail, "key": type_, "type": type_, "value": value}
        for head, tail, type_, value in [("u1", "tt1", "rating", 4.0), ("u1", "tt2", "rating", 3.5),
                                         ("u2", "tt2", "like", None), ("u2", "tt3", "watch", None)]
    ],
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    made = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    for name, listed in _ROWS.items():
        write_table(tmp_path / "tables", name, [rows_to_table(name, listed)])
    made.load_tables(finish_tables(tmp_path / "tables", []))
    yield made
    made.close()


def named(vocabulary: Vocabulary, triples: Ids) -> list[tuple[str, str, str]]:
    return [
        (vocabulary.entities[head], vocabulary.relations[relation], vocabulary.entities[tail])
        for head, relation, tail in triples.tolist()
    ]


def test_triples_of_the_chosen_relations_each_once(store: GraphStore) -> None:
    vocabulary, triples = graph_triples(store, GraphConfig(relations=("ACTED_IN", "IN_GENRE")))
    assert vocabulary.relations == ("ACTED_IN", "IN_GENRE")
    # Label by label and by id; tt4, nm3 and the users are in no triple. The adult title is in.
    assert vocabulary.entities == ("Title:tt1", "Title:tt2", "Title:tt3", "Person:nm1", "Person:nm2", "Genre:Drama")
    assert named(vocabulary, triples) == [
        ("Title:tt1", "IN_GENRE", "Genre:Drama"),
        ("Person:nm1", "ACTED_IN", "Title:tt1"),
        ("Person:nm2", "ACTED_IN", "Title:tt2"),
        ("Person:nm2", "ACTED_IN", "Title:tt3"),
    ]
    assert triples.dtype == np.int64
    assert vocabulary.entity_numbers["Genre:Drama"] == 5


def test_roles_are_relations_on_request(store: GraphStore) -> None:
    vocabulary, triples = graph_triples(store, GraphConfig(relations=("ACTED_IN", "DIRECTED"), roles=True))
    assert vocabulary.relations == ("ACTED_IN", "ACTED_IN:actor", "ACTED_IN:actress", "ACTED_IN:self", "DIRECTED")
    assert ("Person:nm1", "ACTED_IN:self", "Title:tt1") in named(vocabulary, triples)
    assert ("Person:nm2", "ACTED_IN", "Title:tt2") in named(vocabulary, triples), "whose role nobody named"
    assert len(triples) == 5


def test_numbers_become_nodes_on_request(store: GraphStore) -> None:
    config = GraphConfig(relations=("DIRECTED",), years=5, ratings=0.5, votes=True)
    vocabulary, triples = graph_triples(store, config)
    assert {row for row in named(vocabulary, triples) if row[1] != "DIRECTED"} == {
        ("Title:tt1", "RELEASED_IN", "year:1990"), ("Title:tt2", "RELEASED_IN", "year:1995"),
        ("Title:tt4", "RELEASED_IN", "year:2000"),
        ("Title:tt1", "RATED_ABOUT", "rating:7.5"), ("Title:tt2", "RATED_ABOUT", "rating:8"),
        ("Title:tt4", "RATED_ABOUT", "rating:7"),
        ("Title:tt1", "VOTES_ABOUT", "votes:2"), ("Title:tt2", "VOTES_ABOUT", "votes:3"),
    }  # fmt: skip
    assert len(vocabulary.entities) == len(set(vocabulary.entities))


@pytest.mark.parametrize(("width", "rating"), [(0.1, "rating:7.3"), (0.2, "rating:7.2"), (0.25, "rating:7.25")])
def test_a_rating_is_in_the_bucket_that_it_begins(store: GraphStore, width: float, rating: str) -> None:
    store.load_tables(_one_title(Path(store.url.removeprefix("embedded:")).parent / "other", 7.3))
    vocabulary, _ = graph_triples(store, GraphConfig(ratings=width))
    assert rating in vocabulary.entities


def _one_title(folder: Path, rating: float) -> Any:
    rows = [{"id": "tt1", "title": "One", "average_rating": rating}]
    write_table(folder, "Title", [rows_to_table("Title", rows)])
    return finish_tables(folder, [])


def test_feedback_becomes_likes_on_request(store: GraphStore) -> None:
    vocabulary, triples = graph_triples(store, GraphConfig(relations=("DIRECTED",), feedback=True))
    likes = [row for row in named(vocabulary, triples) if row[1] == "LIKES"]
    assert likes == [("User:u1", "LIKES", "Title:tt1"), ("User:u2", "LIKES", "Title:tt2")]
    lower = GraphConfig(relations=("DIRECTED",), feedback=True, feedback_from=3)
    assert len(graph_triples(store, lower)[1]) == 4
    store.delete_relationships("RATED", [{"head": "u2", "tail": "tt2", "key": "like"}])
    with pytest.raises(TriplesError, match="no feedback of at least 5"):
        graph_triples(store, GraphConfig(feedback=True, feedback_from=5))


def test_an_empty_relation_is_an_error_where_it_was_asked_for(store: GraphStore) -> None:
    with pytest.raises(TriplesError, match=r"the graph has no PRODUCED relationships: take PRODUCED out of graph"):
        graph_triples(store, GraphConfig(relations=("ACTED_IN", "PRODUCED")))
    assert graph_triples(store, GraphConfig())[0].relations == ("ACTED_IN", "DIRECTED", "IN_GENRE")


@pytest.mark.parametrize(
    ("relation", "said"),
    [
        ("DIRECT", "knows no 'DIRECT'; did you mean DIRECTED"),
        ("acted_in", "did you mean ACTED_IN"),
        ("x", "there are ACTED_IN, "),
        ("RATED", "graph.feedback = true"),
    ],
)
def test_an_unknown_relation_is_named_with_the_nearest(store: GraphStore, relation: str, said: str) -> None:
    with pytest.raises(TriplesError, match=said):
        graph_triples(store, GraphConfig(relations=(relation,)))


def test_an_empty_store_says_that_it_is(tmp_path: Path) -> None:
    empty = open_store(f"embedded:{tmp_path}", create=True)
    with pytest.raises(TriplesError, match="none of the relations"):
        graph_triples(empty, GraphConfig())
    with pytest.raises(TriplesError, match="no title of the graph has a start_year"):
        graph_triples(empty, GraphConfig(years=10))
    assert release_years(empty, Vocabulary((), ())).tolist() == []


def test_release_years_are_by_entity(store: GraphStore) -> None:
    vocabulary, _ = graph_triples(store, GraphConfig(relations=("ACTED_IN",)))
    assert release_years(store, vocabulary).tolist() == [1994, 1999, 0, 0, 0]


def test_the_sample_graph_is_read_the_same_each_time(tmp_path: Path) -> None:
    sample = open_store(f"embedded:{tmp_path}", create=True)
    load_sample(sample)
    config = GraphConfig(roles=True, years=10, ratings=1, votes=True)
    vocabulary, triples = graph_triples(sample, config)
    assert graph_triples(sample, config)[0] == vocabulary
    assert (graph_triples(sample, config)[1] == triples).all()
    expected = {
        (f"Title:{row['head']}", "IN_GENRE", f"Genre:{row['tail']}")
        for batch in sample.scan_relationships("IN_GENRE")
        for row in batch.to_pylist()
    }
    assert {row for row in named(vocabulary, triples) if row[1] == "IN_GENRE"} == expected
    assert set(np.unique(triples[:, [0, 2]])) == set(range(len(vocabulary.entities))), "no entity without a triple"


def write(folder: Path, **parts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in parts.items():
        (folder / f"{name}.txt").write_text(text, "utf-8")
    return folder


def test_a_folder_is_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", train='b\tr2\ta\na\tr1\t"c\na\tr1\t"c\n', valid="a\tr1\tb\n", test="ü x\tr1\ta",
                   test_negatives="a\tr2\tb\n")  # fmt: skip
    made = read_folder(folder)
    assert made.vocabulary.entities == ('"c', "a", "b", "ü x"), "with those that only test has"
    assert made.vocabulary.relations == ("r1", "r2")
    assert made.train.tolist() == [[2, 1, 1], [1, 0, 0]], "each once, in the file's order"
    assert (made.valid.tolist(), made.test.tolist()) == ([[1, 0, 2]], [[3, 0, 1]])
    assert (len(made.valid_negatives), made.test_negatives.tolist()) == (0, [[1, 1, 2]])
    assert made.kind == "as given in mine"


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("a\tr\n", r"train\.txt cannot be read as head, relation and tail by tabs: .*Expected 3 columns, got 2"),
        ("a r b\n", "Expected 3 columns, got 1"),
        ("", r"train\.txt cannot be read"),
    ],
)
def test_a_folder_that_cannot_be_read_says_why(tmp_path: Path, train: str, said: str) -> None:
    folder = write(tmp_path, train=train, valid="a\tr\tb\n", test="a\tr\tb\n")
    with pytest.raises(TriplesError, match=said):
        read_folder(folder)


def test_a_missing_file_or_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TriplesError, match=r"there is no .*valid\.txt; a folder needs train\.txt"):
        read_folder(write(tmp_path, train="a\tr\tb\n"))
    with pytest.raises(TriplesError, match=r"there is no .*nowhere"):
        read_folder(tmp_path / "nowhere")


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.exists(), reason="no link-prediction data: set REELGRAPH_DATA")
def test_the_benchmarks_are_read_whole() -> None:
    made = read_folder(DATA / "codex-s")
    assert (len(made.train), len(made.valid), len(made.test)) == (32888, 1827, 1828)
    assert (len(made.valid_negatives), len(made.test_negatives)) == (1827, 1828)
    assert (len(made.vocabulary.entities), len(made.vocabulary.relations)) == (2034, 42)
    assert not made.known.contains(made.test_negatives).any()
    assert made.known.contains(made.everything).all()


def test_rows_are_made_unique_in_their_order() -> None:
    triples = np.array([(2, 0, 1), (0, 0, 1), (2, 0, 1), (0, 0, 0), (0, 0, 1)])
    assert unique_rows(triples).tolist() == [[2, 0, 1], [0, 0, 1], [0, 0, 0]]
    assert len(unique_rows(triples[:0])) == 0
