"""Reads that are written down: one exchange answers what the calls of their names answer one by one, on any engine."""

from __future__ import annotations

import numpy as np
import pytest

from graph import reads
from graph.store import WHOLE_GRAPH, NotInGraph, Provenance, Scope

NORTH = Scope("north", region="US")
MADE = Provenance("run-1", "DistMult", 2, "0123456789abcdef", "2026-03-01T00:00:00Z")


def plain(answer):
    """An answer as plain data."""
    if hasattr(answer, "to_pydict"):
        return answer.to_pydict()
    if isinstance(answer, tuple):
        return answer[0], answer[1].tolist()
    return answer.tolist() if isinstance(answer, np.ndarray) else answer


@pytest.fixture
def published(loaded):
    loaded.set_embeddings("embedding", ["tt01", "tt02", "tt05"], np.array([[1, 0], [2, 2], [5, 5]], np.float32), MADE)
    return loaded


def test_each_read_answers_what_its_call_answers(published):
    asked = np.array([1, 0], np.float32)
    found = published.gather([
        reads.State(),
        reads.Text("paper lanterns", 5),
        reads.Text("velvet", 5, prefix=True, adult=True),
        reads.Nearest("embedding", asked, 2, NORTH),
        reads.Neighbours(["tt01", "nobody", "tt04"], ["DIRECTED", "ACTED_IN"], "in", properties=["characters"]),
        reads.Nodes("Title", ["tt04", "tt99", "tt01"], ["title", "start_year"]),
        reads.Nodes("Catalog", ["south", "west"]),
        reads.Degrees(["nm1", "nm3", "nobody"], ["DIRECTED", "WROTE"], "out"),
        reads.Embeddings("embedding", ["tt02", "tt04", "tt01"]),
        reads.Offered(NORTH),
        reads.Offered(NORTH, ["tt99", "tt04", "tt06", "tt01"]),
    ])  # fmt: skip
    assert [plain(answer) for answer in found] == [
        published.state(),
        published.search_text("paper lanterns", 5),
        published.search_text("velvet", 5, prefix=True, adult=True),
        published.search_vector("embedding", asked, 2, within=NORTH),
        plain(published.neighbours(["tt01", "nobody", "tt04"], ["DIRECTED", "ACTED_IN"], "in",
                                   properties=["characters"])),
        {"id": ["tt04", "tt01"], "title": ["Night Ferry", "The Glass Harbour"], "start_year": [2010, 1995]},
        {"id": ["south"], "name": [None], "strategy": [None]},
        [5, 4, 0],
        (["tt02", "tt01"], [[2, 2], [1, 0]]),
        {"id": ["item:1", "tt01", "tt02", "tt04"], "item_id": ["1", "n1", "n2", "n4b"]},
        {"id": ["tt04", "tt01"], "item_id": ["n4b", "n1"]},
    ]  # fmt: skip
    assert len(published.gather([])) == 0


def test_a_read_takes_the_ids_that_another_one_finds(published):
    people = reads.Neighbours(["tt01", "tt04"], ["DIRECTED", "ACTED_IN"], "in")
    words = reads.Text("the", 20)
    near = reads.Nearest("embedding", np.array([1, 1], np.float32), 2)
    found = published.gather([
        reads.Neighbours(people, ["DIRECTED"], "out", within=Scope("north")),
        reads.Degrees(people, ["ACTED_IN"], "out"),
        reads.Nodes("Person", people, ["name"]),
        people,
        words,
        reads.Nodes("Title", words, ["title"]),
        reads.Offered(NORTH, words),
        reads.Embeddings("embedding", near),
        reads.Nodes("Title", near, []),
    ])  # fmt: skip
    titles, counts, names, own, hits, named, offered, vectors, nearest = (plain(answer) for answer in found)
    ids = reads.found(people, found[3])
    assert ids == ["nm1", "nm2", "nm4"]  # each once, ascending
    assert {(ids[source], title) for source, title in zip(titles["source"], titles["neighbour"], strict=True)} == {
        ("nm1", "tt01"), ("nm1", "tt04"),
    }  # fmt: skip
    assert counts == [0, 4, 3]
    assert names == {"id": ids, "name": ["Ada Brook", "Bo Lund", "Dana Voss"]}
    assert own == plain(published.neighbours(["tt01", "tt04"], ["DIRECTED", "ACTED_IN"], "in"))
    told = list(dict.fromkeys(hit.id for hit in hits if hit.label == "Title"))
    assert "tt01" in told
    assert named["id"] == told
    assert offered["id"] == [id_ for id_ in told if id_ in ("item:1", "tt01", "tt02", "tt04")]
    assert nearest["id"] == ["tt05", "tt02"]
    assert vectors == (["tt05", "tt02"], [[5, 5], [2, 2]])


def test_neighbours_are_told_once_each_and_ascending(small):
    for ids, types, direction in (
        (["tt04", "tt02", "tt01"], ["WROTE", "DIRECTED", "ACTED_IN"], "in"),
        (["u2", "u1"], ["RATED"], "out"),
        (["tt10", "tt02"], ["OFFERS", "DIRECTED"], "in"),
        (["tt10", "tt02", "tt01"], ["HAS_KEYWORD", "IN_GENRE"], "out"),
        (["south", "north"], ["OFFERS"], "out"),
    ):
        column = small.neighbours(ids, types, direction).column("neighbour").combine_chunks()
        told = column.dictionary.to_pylist()
        assert told == sorted(set(column.to_pylist()))
        assert len(told) > 1


def test_reads_that_find_nothing_give_nothing_on(published):
    nobody = reads.Neighbours(["tt99"], ["DIRECTED"], "in")
    nowhere = reads.Text("", 5)
    degrees, nodes, offered = published.gather(
        [reads.Degrees(nobody, ["DIRECTED"], "out"), reads.Nodes("Person", nobody), reads.Offered(NORTH, nowhere)]
    )
    assert (len(degrees), nodes.num_rows, offered.num_rows) == (0, 0, 0)


def test_titles_outside_a_scope_are_marked_and_stay(small, step):
    assert step(small, ["nm1", "nm2"], ["DIRECTED", "ACTED_IN"], "out", mark=Scope("north", region="GB")) == [
        (0, "DIRECTED", "tt01", True),
        (0, "DIRECTED", "tt04", False),
        (0, "DIRECTED", "tt05", False),
        (0, "DIRECTED", "tt09", False),
        (1, "ACTED_IN", "item:1", True),
        (1, "ACTED_IN", "tt01", True),
        (1, "ACTED_IN", "tt01", True),
        (1, "ACTED_IN", "tt05", False),
    ]
    marked = small.neighbours(["u1"], ["RATED"], "out", mark=Scope("north")).to_pydict()
    assert set(zip(marked["neighbour"], marked["inside"], strict=True)) == {("tt01", True), ("tt03", False)}
    whole = small.neighbours(["tt01"], ["ACTED_IN", "IN_GENRE"], "in", mark=Scope(WHOLE_GRAPH)).to_pydict()
    assert whole["inside"] == [True] * 3  # people are in every scope
    none = small.neighbours(["tt99"], ["DIRECTED"], "in", mark=Scope("north"))
    assert none.column_names == ["source", "type", "neighbour", "inside"]


def test_nodes_with_too_many_relationships_are_passed_over(small, step):
    every = step(small, ["nm1", "nm3", "nobody"], ["DIRECTED", "WROTE"], "out")
    assert step(small, ["nm1", "nm3", "nobody"], ["DIRECTED", "WROTE"], "out", most=5) == every
    # nm1 directed four and wrote one; nm3 directed two and wrote one of them twice
    assert step(small, ["nm1", "nm3", "nobody"], ["DIRECTED", "WROTE"], "out", most=4) == [
        row for row in every if row[0] == 1
    ]
    assert step(small, ["nm1", "nm3"], ["DIRECTED", "WROTE"], "out", most=3) == []
    assert step(small, ["u1", "u2"], ["RATED"], "out", most=2) == [(1, "RATED", "tt02")]


def test_a_title_stands_for_its_own_vector(published):
    for id_ in ("tt01", "tt02"):
        (vector,) = published.get_embeddings("embedding", [id_])[1]
        assert published.search_vector("embedding", id_, 3) == published.search_vector("embedding", vector, 3) != []
    assert published.search_vector("embedding", "tt04", 3) == published.search_vector("embedding", "tt99", 3) == []
    with pytest.raises(NotInGraph, match="no vectors named 'other'"):
        published.search_vector("other", "tt01", 3)


@pytest.mark.parametrize("scope", [Scope(), NORTH, Scope("north", adult=True), Scope(WHOLE_GRAPH), Scope("west")])
def test_the_offers_of_some_titles_are_those_of_all(small, scope):
    every = {row["id"]: row for row in small.offered(scope).to_pylist()}
    ids = ["tt05", "tt10", "tt01", "item:1", "tt99", "tt04", "tt02", "tt01"]
    assert small.offered(scope, ids).to_pylist() == [every[id_] for id_ in ids if id_ in every]
    assert small.offered(scope, []).column_names == ["id", "item_id"]


class Asked:
    """A store that counts its exchanges."""

    def __init__(self, store):
        self.store, self.exchanges = store, 0

    def gather(self, wanted):
        self.exchanges += 1
        return self.store.gather(wanted)


def test_askings_take_their_steps_together(small):
    def titles(person):
        (table,) = yield [reads.Neighbours([person], ["DIRECTED"], "out")]
        ids = sorted(table.column("neighbour").to_pylist())
        if not ids:
            return []
        (nodes,) = yield [reads.Nodes("Title", ids, ["title"])]
        return nodes.column("title").to_pylist()

    counting = Asked(small)
    alone = reads.ask(counting, titles("nm3"))
    assert (alone, counting.exchanges) == (["Paper Lanterns", "The Lost Boy"], 2)
    counting.exchanges = 0
    found = reads.ask(counting, reads.together(*(titles(person) for person in ("nm1", "nobody", "nm3"))))
    assert found == [["The Glass Harbour", "Night Ferry", "Velvet Rooms", "Gulls"], [], alone]
    assert counting.exchanges == 2
    assert reads.ask(counting, reads.together()) == []
    assert counting.exchanges == 2
