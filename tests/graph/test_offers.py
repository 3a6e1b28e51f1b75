"""Offers that change one by one: what is read anew, what stays as it was, and that both come to the same."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.store import WHOLE_GRAPH, GraphStore, Scope, open_store
from graph.stores.embedded import EmbeddedStore
from graph.tables import finish_tables, rows_to_table, write_table

TITLES = [f"tt{number:07}" for number in range(40)]
SCOPES = [
    Scope(), Scope("a"), Scope("b", adult=True), Scope("a", "US"), Scope("b", "DE", dt.date(2026, 6, 1)),
    Scope(None, None, dt.date(2026, 1, 1)), Scope(WHOLE_GRAPH),
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """Forty titles, every tenth of them adult, and two catalogs that offer ten each, with two in common."""
    rows = [{"id": id_, "title": id_, "is_adult": place % 10 == 9} for place, id_ in enumerate(TITLES)]
    write_table(tmp_path / "tables", "Title", [rows_to_table("Title", rows)])
    store = EmbeddedStore(tmp_path / "store", create=True)
    store.load_tables(finish_tables(tmp_path / "tables", []))
    store.upsert_nodes("Catalog", [{"id": "a"}, {"id": "b"}])
    store.upsert_relationships("OFFERS", [offer("a", id_) for id_ in TITLES[:10]])
    store.upsert_relationships("OFFERS", [offer("b", id_) for id_ in TITLES[8:18]])
    yield store
    store.close()


def offer(catalog: str, title: str, key: str = "", **more: object) -> dict[str, object]:
    return {"head": catalog, "tail": title, "key": key, "item_id": f"{catalog}-{title[-2:]}{key}"} | more


def answers(store: GraphStore) -> list[object]:
    """What each scope has, by its items and by its mask."""
    found: list[object] = []
    for scope in SCOPES:
        of = store.neighbours(["a", "b"], ["OFFERS"], "out", within=scope)
        found.append((store.offered(scope).to_pylist(), sorted(set(of.column("neighbour").to_pylist()))))
    return found


def test_offers_amended_one_by_one_are_those_of_a_store_that_reads_them_all(store: EmbeddedStore) -> None:
    chance = random.Random(0)
    answers(store)
    for turn in range(60):
        catalog, title, key = chance.choice("ab"), chance.choice(TITLES), chance.choice(["", "2"])
        if turn % 3 == 2:
            store.delete_relationships("OFFERS", [{"head": catalog, "tail": title, "key": key}])
        else:
            regions = chance.choice([None, ["US"], ["DE", "FR"]])
            until = chance.choice([None, dt.date(2026, 3, 1)])
            row = offer(catalog, title, key, regions=regions, available_until=until)
            store.upsert_relationships("OFFERS", [row, offer("b", chance.choice(TITLES))][: 1 + turn % 2])
        if turn % 4:  # some changes are met several at a time
            continue
        fresh = open_store(store.url)
        assert answers(store) == answers(fresh), turn
        fresh.close()


def test_only_changed_titles_are_read_again(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(store)
    asked: list[object] = []
    plain = store._live.offers
    monkeypatch.setattr(store._live, "offers", lambda titles=None: asked.append(titles) or plain(titles))

    store.upsert_relationships("OFFERS", [offer("b", TITLES[30])])
    store.delete_relationships("OFFERS", [{"head": "a", "tail": TITLES[0], "key": ""}])
    answers(store)
    assert asked == [[TITLES[0], TITLES[30]]]

    store.delete_nodes("Catalog", ["b"])  # all that it offered
    answers(store)
    assert asked == [[TITLES[0], TITLES[30]], None]
    assert len(store.offered(Scope())) == 8  # ten, one deleted, one adult


def test_an_own_title_that_goes_is_all_that_is_read_again(
    store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_titles([{"id": "item:1"}])
    store.upsert_relationships("OFFERS", [offer("a", "item:1")])
    assert "item:1" in store.offered(Scope("a")).column("id").to_pylist()
    asked: list[object] = []
    plain = store._live.offers
    monkeypatch.setattr(store._live, "offers", lambda titles=None: asked.append(titles) or plain(titles))

    store.delete_nodes("Title", ["item:1"])
    assert "item:1" not in store.offered(Scope("a")).column("id").to_pylist()
    store.upsert_relationships("OFFERS", [])
    store.offered(Scope("a"))
    assert asked == [["item:1"]]


def test_too_many_changes_to_note_are_read_all(store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.stores.live._NOTED", 5)
    answers(store)
    for number in range(7):
        store.upsert_relationships("OFFERS", [offer("a", TITLES[20 + number])])
    fresh = open_store(store.url)
    assert store._live.changed_offers(store._live.generation() - 6, store._live.generation()) is None
    assert len(store.offered(Scope("a"))) == 17 - 1  # one is adult
    assert answers(store) == answers(fresh)
    fresh.close()


def test_a_file_of_before_changes_were_noted_goes_on(store: EmbeddedStore) -> None:
    answers(store)
    with store._live.transaction() as connection:
        connection.execute("DROP TABLE offer_changes")
    assert store._live.changed_offers(0, 1) is None
    store.upsert_relationships("OFFERS", [offer("a", TITLES[30])])
    assert TITLES[30] in store.offered(Scope("a")).column("id").to_pylist()


def test_a_scope_in_which_nothing_changed_keeps_what_was_made_of_it(store: EmbeddedStore) -> None:
    here = Scope("a")
    mask, table = store._offers().mask(here), store.offered(here)
    assert store.offered(here, [TITLES[3]]).to_pylist() == [{"id": TITLES[3], "item_id": "a-03"}]

    store.upsert_relationships("OFFERS", [offer("b", TITLES[3])])  # a title that the other catalog offers too
    assert store._offers().mask(here) is mask
    assert store.offered(here) is table
    assert store.offered(here, [TITLES[3]]).to_pylist() == [{"id": TITLES[3], "item_id": "a-03"}]

    store.upsert_relationships("OFFERS", [offer("a", TITLES[3]) | {"item_id": "new"}])
    assert store._offers().mask(here) is mask
    assert store.offered(here, [TITLES[3]]).to_pylist() == [{"id": TITLES[3], "item_id": "new"}]
