"""Feedback as events, and own titles that come while the service runs."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from graph.events import KEPT_EVENTS, Event
from graph.schema import RELATIONSHIPS
from graph.store import WHOLE_GRAPH, InvalidRows, Provenance, Scope

MADE = Provenance("run-1", "m", 3, "0123456789abcdef", "2026-03-01T00:00:00Z")
NAMES = [p.name for p in RELATIONSHIPS["RATED"].properties if p.name != "type"]


def rated(store, user, *names):
    """(title, type, *properties) of a user's feedback."""
    table = store.neighbours([user], ["RATED"], "out", properties=names or NAMES)
    rows = table.select(["neighbour", "key", *(names or NAMES)]).to_pylist()
    return sorted(tuple(row.values()) for row in rows)


def test_the_first_event_makes_the_user_and_is_kept_as_it_is(loaded):
    event = Event("u9", "tt02", "rating", 4.0, 1_800_000_000, 5, "fine", "e1")
    assert loaded.merge_feedback([event, Event("u9", "tt03", "watch")]) == 2
    assert loaded.get_nodes("User", ["u9"], []).num_rows == 1
    assert rated(loaded, "u9") == [
        ("tt02", "rating", 4.0, 1_800_000_000, 5, None, None, "fine", None),
        ("tt03", "watch", None, None, None, None, None, None, None),
    ]
    (row,) = (row for b in loaded.scan_relationships("RATED") for row in b.to_pylist() if row["key"] == "rating"
              and row["head"] == "u9")  # fmt: skip
    assert row["type"] == "rating"


def test_the_later_one_wins_in_whatever_order_they_come(loaded):
    late, early = Event("u1", "tt06", "rating", 5.0, 200, 1), Event("u1", "tt06", "rating", 1.0, 200)
    assert loaded.merge_feedback([late, early, Event("u1", "tt06", "rating", 2.0)]) == 1
    assert loaded.merge_feedback([early]) == 0
    assert rated(loaded, "u1", "value", "timestamp")[-1] == ("tt06", "rating", 5.0, 200)
    assert loaded.merge_feedback([late._replace(value=4.0)]) == 1
    assert rated(loaded, "u1", "value", "timestamp")[-1] == ("tt06", "rating", 4.0, 200)
    assert loaded.merge_feedback([Event("u1", "tt01", "rating", 1.0)]) == 1  # neither has a time: the last one
    assert ("tt01", "rating", 1.0) in rated(loaded, "u1", "value")


def test_values_that_add_up_count_an_event_once(loaded):
    one, two = (Event("u9", "tt02", "minutes", m, t, how="count") for m, t in ((10.0, 300), (5.0, 200)))
    assert loaded.merge_feedback([one, two, one]) == 2
    assert loaded.merge_feedback([two]) == 0
    assert rated(loaded, "u9", "value", "timestamp") == [("tt02", "minutes", 15.0, 300)]
    named = Event("u9", "tt02", "minutes", 1.0, 300, id="a", how="count")
    assert [loaded.merge_feedback([named]) for _ in range(2)] == [1, 0]
    nameless = Event("u9", "tt02", "minutes", 1.0, how="count")
    assert [loaded.merge_feedback([nameless]) for _ in range(2)] == [1, 1]
    assert rated(loaded, "u9", "value") == [("tt02", "minutes", 18.0)]


def test_only_the_last_events_are_remembered(loaded):
    events = [Event("u9", "tt02", "plays", 1.0, number, how="count") for number in range(KEPT_EVENTS + 1)]
    assert loaded.merge_feedback(events) == KEPT_EVENTS + 1
    assert loaded.merge_feedback([events[1], events[-1]]) == 0
    (row,) = rated(loaded, "u9", "value", "events")
    assert (row[2], len(row[3])) == (KEPT_EVENTS + 1, KEPT_EVENTS)


def test_adding_keeps_the_earlier_time_and_says_when_it_was_last(loaded):
    first = Event("u9", "tt02", "read", 1.0, 500, 7, "old", how="add")
    loaded.merge_feedback([first])
    loaded.merge_feedback([first._replace(value=2.5, timestamp=400, nanos=None, comment=None)])
    assert rated(loaded, "u9") == [("tt02", "read", 3.5, 400, None, 500, 7, None, None)]
    loaded.merge_feedback([first._replace(timestamp=600, nanos=None, comment="new")])
    assert rated(loaded, "u9") == [("tt02", "read", 4.5, 400, None, 600, None, "new", None)]
    loaded.merge_feedback([first._replace(value=9.0, how="replace")])
    assert rated(loaded, "u9") == [("tt02", "read", 9.0, 500, 7, None, None, "old", None)]


def test_all_or_nothing(loaded, contents):
    before = contents(loaded)
    for wrong in (Event("u9", "tt99", "like"), Event("", "tt01", "like"), Event("u9", "tt01", ""),
                  Event("u9", "tt01", "like", float("nan")), Event("u9", "tt01", "like", timestamp="now")):  # fmt: skip
        with pytest.raises(InvalidRows):
            loaded.merge_feedback([Event("u8", "tt01", "like"), wrong])
    assert contents(loaded) == before
    assert loaded.merge_feedback([]) == 0


def test_writers_at_the_same_time_lose_nothing(loaded):
    def work(number):
        for turn in range(5):
            loaded.merge_feedback([Event("u9", "tt02", "plays", 1.0, 10 * number + turn, how="count")])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rated(loaded, "u9", "value") == [("tt02", "plays", 20.0)]


# Own titles


OFFER = {"head": "south", "tail": "item:9", "key": "9", "item_id": "9"}


def test_an_own_title_is_offered_rated_and_read_at_once(loaded, step):
    version = loaded.info().version
    assert loaded.add_titles([{"id": "item:9", "title": "Nine", "kind": "movie"}, {"id": "item:1", "title": "x"}]) == 1
    assert loaded.info().version == version
    assert loaded.offered(Scope("south")).column("id").to_pylist() == ["tt02", "tt06", "tt10"]
    loaded.upsert_relationships("OFFERS", [OFFER])
    assert loaded.offered(Scope("south")).to_pylist()[0] == {"id": "item:9", "item_id": "9"}
    assert loaded.offered(Scope("south"), ["tt06", "item:9", "item:8"]).column("item_id").to_pylist() == ["s6", "9"]
    loaded.merge_feedback([Event("u2", "item:9", "like")])
    assert step(loaded, ["u2"], ["RATED"], "out", within=Scope("south")) == [
        (0, "RATED", "item:9"), (0, "RATED", "tt02")
    ]  # fmt: skip
    assert step(loaded, ["u2"], ["RATED"], "out", mark=Scope("north")) == [
        (0, "RATED", "item:9", False), (0, "RATED", "tt02", True)
    ]  # fmt: skip
    assert step(loaded, ["u2"], ["RATED"], "out", within=Scope(WHOLE_GRAPH))[0] == (0, "RATED", "item:9")
    rows = loaded.get_nodes("Title", ["tt02", "item:9", "item:8", "item:1"], ["title"]).to_pylist()
    assert [(row["id"], row["title"]) for row in rows] == [
        ("tt02", "Paper Lanterns"), ("item:9", "Nine"), ("item:1", "Our House")
    ]  # fmt: skip
    ids = [id_ for batch in loaded.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    assert ids == ["item:1", "item:9", *(f"tt{n:02d}" for n in range(1, 12))]
    assert loaded.info().counts["Title"] == len(ids)
    assert loaded.degrees(["item:9"], ["RATED", "OFFERS"], "in").tolist() == [2]


def test_an_own_title_goes_with_offers_and_feedback(loaded, contents):
    before = contents(loaded)
    loaded.add_titles([{"id": "item:9"}])
    loaded.upsert_relationships("OFFERS", [OFFER])
    loaded.merge_feedback([Event("u2", "item:9", "like")])
    assert loaded.delete_nodes("Title", ["item:9", "item:8"]) == 1
    assert loaded.offered(Scope("south")).column("id").to_pylist() == ["tt02", "tt06", "tt10"]
    assert contents(loaded) == before


def test_vectors_can_be_published_where_own_titles_have_come(loaded):
    loaded.add_titles([{"id": "item:9"}])
    given = np.eye(3, dtype=np.float32)
    loaded.set_embeddings("embedding", ["tt02", "item:9", "tt01"], given, MADE)
    ids, vectors = loaded.get_embeddings("embedding", ["tt01", "tt02"])
    assert dict(zip(ids, vectors.tolist(), strict=True)) == {"tt02": [1, 0, 0], "tt01": [0, 0, 1]}
    with pytest.raises(InvalidRows, match="'tt99'"):
        loaded.set_embeddings("embedding", ["item:9", "tt99", "tt01"], given, MADE)


def test_no_other_title_comes_or_goes_that_way(loaded, contents):
    before = contents(loaded)
    for wrong in ([{"id": "tt12"}], [{"id": "item:9", "colour": 1}], [{"id": ""}]):
        with pytest.raises(InvalidRows):
            loaded.add_titles(wrong)
    with pytest.raises(InvalidRows, match="Title is bulk data"):
        loaded.delete_nodes("Title", ["item:1", "tt01"])
    assert contents(loaded) == before


def test_a_load_takes_own_titles_in_where_its_tables_have_them(loaded, rows, make_tables, contents):
    loaded.add_titles([{"id": "item:9", "title": "Nine"}])
    loaded.upsert_relationships("OFFERS", [OFFER])
    rows["Title"].append({"id": "item:9", "title": "Nine"})
    rows["OFFERS"].append(OFFER)
    loaded.load_tables(make_tables(rows))
    assert loaded.get_nodes("Title", ["item:9"], ["title"]).to_pylist() == [{"id": "item:9", "title": "Nine"}]
    assert [row["id"] for row in contents(loaded)["Title"]].count("item:9") == 1
    assert loaded.offered(Scope("south")).to_pylist()[0] == {"id": "item:9", "item_id": "9"}


def test_a_hidden_item_is_offered_nowhere_until_it_is_shown_again(loaded):
    offer = {"head": "south", "tail": "tt06", "key": "s6"}
    for hidden, ids in ((True, ["tt02", "tt10"]), (False, ["tt02", "tt06", "tt10"]), (None, ["tt02", "tt06", "tt10"])):
        loaded.upsert_relationships("OFFERS", [offer | {"hidden": hidden}])
        assert loaded.offered(Scope("south")).column("id").to_pylist() == ids
        assert loaded.offered(Scope("south"), ["tt06"]).num_rows == ids.count("tt06")


def test_what_an_offer_says_of_its_item_comes_back(loaded):
    told = {"categories": ["a", "b"], "labels": '{"x": 1}', "comment": "c", "timestamp": 5, "nanos": 6, "hidden": True}
    loaded.upsert_relationships("OFFERS", [{"head": "south", "tail": "tt06", "key": "s6", **told}])
    table = loaded.neighbours(["tt06"], ["OFFERS"], "in", properties=list(told))
    assert {name: table.column(name)[0].as_py() for name in told} == told
