"""Gorse's contract line by line: what writing means, future feedback, conditions, pages, and what is recommended."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from graph.store import GraphStore
from tests.api.gorse_client import KINDS, UNSET, Client, crowd, items, listed, say, when

# 4. Semantics


def test_post_replaces_and_patch_changes_what_it_names(gorse: Client) -> None:
    full = {
        "ItemId": "i",
        "IsHidden": True,
        "Categories": ["a"],
        "Timestamp": "2020-01-01",
        "Labels": [1],
        "Comment": "c",
    }
    items(gorse, full)
    gorse.patch("/api/item/i", json={"Comment": "d", "Labels": None, "IsHidden": None, "Categories": None})
    got = gorse.get("/api/item/i").json()
    assert (got["Comment"], got["Labels"], got["IsHidden"], got["Categories"]) == ("d", [1], True, ["a"])
    gorse.patch("/api/item/i", json={"Categories": [], "IsHidden": False, "Labels": []})
    got = gorse.get("/api/item/i").json()
    assert (got["Categories"], got["IsHidden"], got["Labels"]) == ([], False, [])
    items(gorse, {"ItemId": "i"})
    assert gorse.get("/api/item/i").json() == full | {
        "IsHidden": False, "Categories": None, "Timestamp": UNSET, "Labels": None, "Comment": ""
    }  # fmt: skip
    gorse.post("/api/user", json={"UserId": "u", "Labels": ["a"], "Comment": "c"})
    gorse.patch("/api/user/u", json={"Comment": "d"})
    assert gorse.get("/api/user/u").json() == {"UserId": "u", "Labels": ["a"], "Comment": "d"}
    gorse.post("/api/user", json={"UserId": "u"})
    assert gorse.get("/api/user/u").json() == {"UserId": "u", "Labels": None, "Comment": ""}


def told(gorse: Client) -> tuple[Any, ...]:
    (one,) = gorse.get("/api/user/u/feedback").json()
    return one["Value"], one["Timestamp"][:10], one["Updated"][:10], one["Comment"]


def test_post_accumulates_and_put_overwrites(gorse: Client) -> None:
    say(gorse, ("star", "u", "i", 2, "2020-01-05", "a"))
    assert told(gorse) == (2, "2020-01-05", "2020-01-05", "a")
    say(gorse, ("star", "u", "i", 3, "2020-01-03"))
    assert told(gorse) == (5, "2020-01-03", "2020-01-05", "")
    say(gorse, ("star", "u", "i", 1, "2020-01-09", "b"))
    assert told(gorse) == (6, "2020-01-03", "2020-01-09", "b")
    say(gorse, ("star", "u", "i", 1, "2020-01-04", "c"), method="PUT")
    assert told(gorse) == (1, "2020-01-04", "2020-01-04", "c")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_first_of_the_same_key_in_one_request_wins(gorse: Client, method: str) -> None:
    assert say(gorse, ("star", "u", "i", 2), ("star", "u", "i", 5), method=method) == {"RowAffected": 2}
    assert told(gorse)[0] == 2


def test_unknown_users_and_items_are_made_bare(gorse: Client) -> None:
    say(gorse, ("star", "u", "i"))
    assert gorse.get("/api/user/u").json() == {"UserId": "u", "Labels": None, "Comment": ""}
    assert gorse.get("/api/item/i").json()["Timestamp"] == UNSET


def test_rows_of_unknown_ids_are_dropped_where_they_are_not_to_be_made(gorse_store: GraphStore, service: Any) -> None:
    with service(gorse_store, gorse_auto_insert_user=False, gorse_auto_insert_item=False) as gorse:
        items(gorse, {"ItemId": "i"})
        gorse.post("/api/user", json={"UserId": "u"})
        assert say(gorse, ("star", "u", "i"), ("star", "x", "i"), ("star", "u", "x")) == {"RowAffected": 3}
        assert [(one["UserId"], one["ItemId"]) for one in gorse.get("/api/feedback").json()["Feedback"]] == [("u", "i")]
        assert gorse.get("/api/user/x").status_code == gorse.get("/api/item/x").status_code == 404


def test_future_feedback_is_not_there_yet(gorse: Client) -> None:
    items(gorse, {"ItemId": "i"}, {"ItemId": "j"})
    say(gorse, ("star", "u", "i", 1, when(60)), ("star", "u", "j", 1, when(3)))
    for path in ("/user/u/feedback", "/user/u/feedback/star", "/item/i/feedback"):
        assert [one["ItemId"] for one in gorse.get(f"/api{path}").json()] == (["j"] if path[1] == "u" else [])
    for path in ("/feedback", "/feedback/star"):
        assert [one["ItemId"] for one in gorse.get(f"/api{path}").json()["Feedback"]] == ["j"]
    assert [one["ItemId"] for one in gorse.get("/api/feedback/u/i").json()] == ["i"]
    assert listed(gorse, "/recommend/u") == ["i"]


def test_conditions_on_the_value(gorse: Client) -> None:
    say(gorse, *[("read", "u", f"i{n}", n) for n in range(5)], ("star", "u", "i1", 9))
    for text, found in (("read>=3", "34"), ("read>3", "4"), ("read<=1", "01"), ("read<1", "0"), ("star", "1"),
                        ("READ", "")):  # fmt: skip
        got = gorse.get(f"/api/user/u/feedback/{text}").json()
        assert "".join(one["ItemId"][1] for one in got) == found, text


def test_conditions_say_what_is_liked(gorse: Client) -> None:
    items(gorse, *({"ItemId": f"i{n}"} for n in range(4)))
    say(gorse, *[("read", f"v{v}", f"i{n}", 3) for v in range(4) for n in range(3)], ("read", "v9", "i3", 2))
    assert [one["Id"] for one in gorse.get("/api/non-personalized/popular").json()] == ["i0", "i1", "i2"]


def test_pages_and_their_order(gorse: Client) -> None:
    ids = ["b", "a", "B", "ä", "10", "9"]
    gorse.post("/api/users", json=[{"UserId": id_} for id_ in ids])
    items(gorse, *({"ItemId": id_} for id_ in ids))
    say(gorse, *[(type_, user, "b") for type_ in ("x", "a") for user in ids])
    for path, name, key in (("/users", "Users", "UserId"), ("/items", "Items", "ItemId"),
                            ("/feedback/x", "Feedback", "UserId")):  # fmt: skip
        found, cursor = [], ""
        while True:
            got = gorse.get(f"/api{path}", params={"n": 4, "cursor": cursor}).json()
            assert list(got) == ["Cursor", name]
            found += [one[key] for one in got[name]]
            cursor = got["Cursor"]
            if not cursor:
                break
        assert found == sorted(ids)
    every = gorse.get("/api/feedback", params={"n": 100}).json()["Feedback"]
    assert [one["FeedbackType"] for one in every] == ["a"] * 6 + ["x"] * 6
    for path in ("/users", "/items", "/feedback"):
        assert gorse.get(f"/api{path}", params={"cursor": "!!"}).status_code == 400
        assert gorse.get(f"/api{path}").json().keys() >= {"Cursor"}


def test_recommend(gorse: Client) -> None:
    crowd(gorse)
    say(gorse, ("star", "u", "i0"))
    got = listed(gorse, "/recommend/u")
    assert set(got[:4]) == {"i1", "i2", "i3", "i4"}
    assert len(got) == len(set(got)) == 9
    assert listed(gorse, "/recommend/u", n=3, offset=2) == got[2:5]
    assert listed(gorse, "/recommend/u", n=0) == got
    assert listed(gorse, "/recommend/u", offset=9) == []
    scored = gorse.get("/api/recommend/u", headers={"X-API-Version": "2"}).json()
    assert [one["Id"] for one in scored] == got
    assert all(isinstance(one["Score"], float) for one in scored)
    for type_ in ("star", "shown", "hate"):  # of any type
        say(gorse, (type_, "u", "i1"))
        assert "i1" not in listed(gorse, "/recommend/u")
        gorse.delete("/api/feedback/u/i1")
        assert "i1" in listed(gorse, "/recommend/u")
    strangers = listed(gorse, "/recommend/nobody")
    assert (set(strangers[:5]), len(strangers)) == ({f"i{n}" for n in range(5)}, 10)


def test_recommend_within_categories(gorse: Client) -> None:
    crowd(gorse)
    assert set(listed(gorse, "/recommend/u/y")) == {"i0", "i2", "i4", "i6", "i8"}
    assert set(listed(gorse, "/recommend/u", category=["x", "y"])) == {"i0", "i2", "i4", "i6", "i8"}
    assert listed(gorse, "/recommend/u/nothing") == listed(gorse, "/recommend/u", category=["x", "z"]) == []


def test_hidden_items_are_in_no_list(gorse: Client) -> None:
    crowd(gorse)
    gorse.patch("/api/item/i1", json={"IsHidden": True})
    body = [{"FeedbackType": "star", "ItemId": "i0"}]
    for path in ("/recommend/u", "/latest", "/non-personalized/popular", "/item/i0/neighbors"):
        assert "i1" not in listed(gorse, path)
    assert "i1" not in gorse.post("/api/session/recommend", json=body).text
    gorse.patch("/api/item/i1", json={"IsHidden": False})
    for path in ("/recommend/u", "/latest", "/non-personalized/popular", "/item/i0/neighbors"):
        assert "i1" in listed(gorse, path)


def test_write_back(gorse: Client) -> None:
    crowd(gorse)
    gorse.post("/api/user", json={"UserId": "u"})
    first = listed(gorse, "/recommend/u", n=3, **{"write-back-type": "shown"})
    assert {one["ItemId"] for one in gorse.get("/api/user/u/feedback/shown").json()} == set(first)
    later = {"write-back-type": "shown", "write-back-delay": "1h30m"}
    second = listed(gorse, "/recommend/u", n=3, **later)
    assert not set(first) & set(second)
    assert listed(gorse, "/recommend/u", n=3) == second
    assert len(gorse.get("/api/user/u/feedback/shown").json()) == 3
    listed(gorse, "/recommend/nobody", n=3, **{"write-back-type": "shown"})
    assert gorse.get("/api/user/nobody").status_code == 404
    for wrong in ("soon", "10", "5 m", "1d"):
        got = gorse.get("/api/recommend/u", params={"write-back-type": "x", "write-back-delay": wrong})
        assert got.status_code == 400


def test_seen_items_come_back_where_they_may(gorse_store: GraphStore, service: Any) -> None:
    with service(gorse_store, gorse_replacement=True, **KINDS) as gorse:
        crowd(gorse)
        say(gorse, ("star", "u", "i0"), ("shown", "u", "i1"), ("hate", "u", "i2"))
        got = listed(gorse, "/recommend/u")
        assert "i2" not in got
        assert {"i0", "i1"} <= set(got)
        assert set(got[:2]) == {"i3", "i4"}


def session(gorse: Client, *told: dict[str, Any], path: str = "", **query: Any) -> list[str]:
    got = gorse.post(f"/api/session/recommend{path}", json=list(told), params=query)
    assert got.status_code == 200, got.text
    scores = [one["Score"] for one in got.json()]
    assert scores == sorted(scores, reverse=True)
    return [one["Id"] for one in got.json()]


def test_session(gorse: Client) -> None:
    crowd(gorse)
    star = {"FeedbackType": "star", "ItemId": "i0"}
    assert set(session(gorse, star)) == {"i1", "i2", "i3", "i4"}
    assert set(session(gorse, star, {"FeedbackType": "shown", "ItemId": "i1"})) == {"i2", "i3", "i4"}
    assert session(gorse, {"FeedbackType": "shown", "ItemId": "i0"}) == session(gorse) == []
    assert set(session(gorse, star, path="/y")) == {"i2", "i4"}
    assert session(gorse, star, n=2, offset=1) == session(gorse, star)[1:3]
    assert session(gorse, {"FeedbackType": "star", "ItemId": "nothing"}) == []
    assert gorse.post("/api/session/recommend", content="null", headers={"Content-Type": "application/json"}
                       ).status_code == 400  # fmt: skip
    assert gorse.get("/api/user/u").status_code == 404  # nothing was stored


def test_neighbours(gorse_store: GraphStore, service: Any) -> None:
    with service(gorse_store, gorse_cache_size=3, **KINDS) as gorse:
        crowd(gorse)
        got = gorse.get("/api/item/i5/neighbors")
        assert [one["Id"] for one in got.json()] == ["i6"]
        assert abs(parsedate_to_datetime(got.headers["last-modified"]).timestamp() - time.time()) < 60
        near = gorse.get("/api/item/i0/neighbors").json()
        assert len(near) == 3  # as many as the cache holds
        assert [one["Score"] for one in near] == sorted((one["Score"] for one in near), reverse=True)
        assert "i0" not in str(near)
        assert set(listed(gorse, "/item/i0/neighbors", category=["x", "y"])) == {"i2", "i4"}
        say(gorse, ("shown", "u", near[0]["Id"]))
        assert near[0]["Id"] not in listed(gorse, "/item/i0/neighbors", **{"user-id": "u"})
        assert listed(gorse, "/item/i0/neighbors", n=1, offset=1) == [near[1]["Id"]]
        assert listed(gorse, "/item/nothing/neighbors") == []
