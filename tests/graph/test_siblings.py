from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.siblings import Sibling, siblings
from graph.store import WHOLE_GRAPH, GraphStore, Scope, open_store
from graph.substitutes import FIRST, raised
from graph.tables import finish_tables, rows_to_table, write_table

TITLES = {
    "tt1": "Harbour Law", "tt2": "Harbour Law with a Grudge", "tt3": "The Last Ferry", "tt4": "Night Shift",
    "tt5": "Harbour", "tt6": "Salt and Rope", "tt7": "Unconnected",
}  # fmt: skip
CAST = [  # title, person, parts
    ("tt1", "nm1", ["Jo 'Hook' Lund"]), ("tt1", "nm2", ["Ada Brandt"]), ("tt1", "nm3", []), ("tt1", "nm4", []),
    ("tt2", "nm1", ["Old man"]), ("tt2", "nm9", ["Sailor"]),
    ("tt3", "nm1", ["Hook"]), ("tt3", "nm8", ["Mate"]),
    ("tt4", "nm2", ["Nurse"]), ("tt4", "nm7", []), ("tt4", "nm5", ["The man"]),
    ("tt5", "nm6", ["Ada Brandt"]),
    ("tt6", "nm2", ["Cook"]), ("tt6", "nm3", []), ("tt6", "nm4", []),
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder: Path = tmp_path_factory.mktemp("tables")
    rows = {
        "Title": [{"id": id_, "kind": "movie", "title": title} for id_, title in TITLES.items()],
        "Person": [{"id": id_, "name": f"Person {id_}"} for id_ in sorted({person for _, person, _ in CAST})],
        "ACTED_IN": [
            {"head": person, "tail": title, "key": str(key), "ordering": key, "characters": parts}
            for key, (title, person, parts) in enumerate(CAST)
        ],
    }
    for name, listed in rows.items():
        write_table(folder, name, [rows_to_table(name, listed)])
    made = open_store(f"embedded:{tmp_path_factory.mktemp('store')}", create=True)
    made.load_tables(finish_tables(folder, []))
    yield made
    made.close()


def found(store: GraphStore, id_: str, inside: set[str] | None = None) -> dict[str, Sibling]:
    return siblings(store, id_, Scope(WHOLE_GRAPH, adult=True), inside)


def test_found_by_name_part_and_people_and_by_nothing_less(store: GraphStore) -> None:
    belonging = found(store, "tt1")
    # tt2 goes on with the name, tt3 with Hook, tt6 has most of the people; tt4 shares one person, tt5 only words.
    assert set(belonging) == {"tt2", "tt3", "tt6"}
    assert {id_ for id_, one in belonging.items() if one.named} == {"tt2"}
    assert belonging["tt6"].people > 0.4 > belonging["tt3"].people > 0


def test_a_longer_name_finds_the_shorter_one(store: GraphStore) -> None:
    assert found(store, "tt2")["tt1"].named


def test_only_in_scope(store: GraphStore) -> None:
    assert set(found(store, "tt1", {"tt3", "tt4"})) == {"tt3"}
    assert found(store, "tt7") == {}


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_siblings_come_among_the_first_and_not_above_more_than_they_need(count: int) -> None:
    products = {f"other{place}": 10.0 - place for place in range(8)} | {f"part{place}": 0.5 for place in range(count)}
    alike = {f"part{place}": Sibling(0.1 * place, named=True) for place in range(count)}
    scores = raised(products, set(), alike)
    order = sorted(scores, key=lambda other: (-scores[other], other))
    shown = min(count, FIRST)
    assert {one[:4] for one in order[FIRST - shown : FIRST]} == {"part"}
    assert order[: FIRST - shown] == [f"other{place}" for place in range(FIRST - shown)]
    assert order[FIRST - shown] == f"part{count - 1}"


def test_nothing_else_to_offer() -> None:
    assert raised({"a": 0.0, "b": 2.0}, set(), {"a": Sibling(0.5, named=True), "b": Sibling(0.1, named=True)})
    assert raised({}, set(), {}) == {}
    scores = raised({"episode": 0.1, "b": 2.0}, {"episode"}, {})
    assert scores["episode"] > scores["b"]
