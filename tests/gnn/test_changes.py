"""How much of a graph has changed: counted by hand on a small one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gnn.changes import Changed, changed, fingerprints, keep_titles, rated_since, text_numbers
from gnn.runs import Run, open_run
from graph.store import GraphStore, open_store
from graph.tables import finish_tables, rows_to_table, write_table
from tests.gnn.conftest import clusters

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Callable[[Rows], GraphStore]]:
    """Load rows in place of what the store held."""
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    made = iter(range(100))

    def load(rows: Rows) -> GraphStore:
        folder = tmp_path / f"tables-{next(made)}"
        for name, listed in rows.items():
            write_table(folder, name, [rows_to_table(name, listed)])
        store.load_tables(finish_tables(folder, []))
        return store

    yield load
    store.close()


@pytest.fixture
def run(run_of: Callable[[str], Run], tmp_path: Path) -> Run:
    return open_run(Path(shutil.copytree(run_of("DistMult").folder, tmp_path / "runs" / "distmult")))


def test_nothing_has_changed_whatever_the_order_votes_and_names(load: Callable[[Rows], GraphStore], run: Run) -> None:
    rows = clusters()[1]
    keep_titles(run, load(rows))
    for row in rows["Title"]:
        row |= {"num_votes": 77, "average_rating": 5.0, "title": "Other"}
    store = load({name: listed[::-1] for name, listed in rows.items()})
    assert changed(run, store) == Changed(258, 0, 0, known=True)


def test_new_titles_and_those_of_other_content_are_counted_each_once(
    load: Callable[[Rows], GraphStore], run: Run
) -> None:
    rows = clusters()[1]
    keep_titles(run, load(rows))
    rows["Title"][0]["start_year"] = 1999
    rows["Title"][1]["kind"] = "short"
    rows["ACTED_IN"] = [row for row in rows["ACTED_IN"] if row["tail"] != "tt0000005"]
    rows["IN_GENRE"].append({"head": "tt0000005", "tail": "Genre 1"})
    was = next(row for row in rows["DIRECTED"] if row["tail"] == "tt0000009")
    was["head"] = "nm0010003"
    rows["Title"] += [{"id": f"item:{one}", "kind": "movie"} for one in "abc"]
    rows["Title"] = [row for row in rows["Title"] if row["id"] != "tt0000007"]
    for name in ("ACTED_IN", "DIRECTED", "IN_GENRE"):
        rows[name] = [row for row in rows[name] if "tt0000007" not in row.values()]
    found = changed(run, load(rows))
    assert found == Changed(260, 3, 4, known=True)
    assert (found.share, str(found)) == (7 / 260, "2.7% of 260 titles (3 new, 4 changed)")


def test_a_person_who_directs_is_not_one_who_acts(load: Callable[[Rows], GraphStore], run: Run) -> None:
    rows = clusters()[1]
    keep_titles(run, load(rows))
    moved = next(row for row in rows["ACTED_IN"] if row["tail"] == "tt0000009")
    rows["ACTED_IN"].remove(moved)
    rows["DIRECTED"].append(moved)
    assert changed(run, load(rows)).other == 1


def test_of_a_run_that_no_refresh_trained_new_titles_are_known(grown: GraphStore, run: Run, world: Any) -> None:
    found = changed(run, grown)
    assert found == Changed(len(world.genre), len(world.late), 0, known=False)
    assert "changes unknown" in str(found)


def test_feedback_is_compared_by_count(load: Callable[[Rows], GraphStore], run: Run) -> None:
    rows = clusters()[1] | {"User": [{"id": "u"}]}
    rows["RATED"] = [{"head": "u", "tail": f"tt{one:07}", "key": "like", "type": "like"} for one in range(10)]
    store = load(rows)
    assert rated_since(run, store) == 0.0
    kept = keep_titles(run, store)
    store.upsert_relationships("RATED", [{"head": "u", "tail": "tt0000020", "key": "like", "type": "like"}])
    assert rated_since(kept, store) == pytest.approx(0.1)
    assert rated_since(keep_titles(run, store), store) == 0.0


def test_an_empty_graph(tmp_path: Path) -> None:
    store = open_store(f"embedded:{tmp_path / 'none'}", create=True)
    assert fingerprints(store).shape == (0, 2)
    store.close()


def test_numbers_of_texts_depend_on_the_text_alone() -> None:
    texts = ["tt0000001", "tt0000002", "", None, "a" * 300, "千と千尋", "tt0000001", "tt000000", "t", "\0", "\0\0"]
    array = pa.array(texts)
    found = text_numbers(array)
    assert found[0] == found[6]
    assert len(set(found.tolist())) == len(texts) - 1
    assert found[3] == 0
    assert np.array_equal(text_numbers(array.slice(2, 5)), found[2:7])
    assert np.array_equal(text_numbers(array.dictionary_encode()), found)
    assert np.array_equal(text_numbers(pa.array([None, None], pa.string())), [0, 0])
    many = text_numbers(pa.array([f"nm{one:07}" for one in range(200_000)]))
    assert len(np.unique(many)) == 200_000
