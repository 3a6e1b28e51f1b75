"""Gorse's contract line by line, as plain HTTP: rules of every route, shapes, semantics, what other clients call."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from api.keys import make
from graph.store import GraphStore, open_store

UNSET = "0001-01-01T00:00:00Z"
KINDS = {"liked_feedback": ["star", "read>=3"], "disliked_feedback": ["hate"]}
Client = httpx.Client


@pytest.fixture
def store(tmp_path: Any) -> Iterator[GraphStore]:
    with contextlib.closing(open_store(f"embedded:{tmp_path}/store", create=True)) as made:
        yield made


@pytest.fixture
def client(store: GraphStore, service: Any) -> Iterator[Client]:
    with service(store, **KINDS) as made:
        yield made


def items(client: Client, *told: dict[str, Any]) -> None:
    assert client.post("/api/items", json=list(told)).json() == {"RowAffected": len(told)}


def say(client: Client, *told: tuple[Any, ...], method: str = "POST") -> Any:
    """Feedback as (type, user, item, value, time, comment), shorter ones allowed."""
    names = ("FeedbackType", "UserId", "ItemId", "Value", "Timestamp", "Comment")
    rows = [dict(zip(names, one, strict=False)) for one in told]
    got = client.request(method, "/api/feedback", json=rows)
    assert got.status_code == 200, got.text
    return got.json()


def listed(client: Client, path: str, **query: Any) -> list[str]:
    got = client.get(f"/api{path}", params=query)
    assert got.status_code == 200, got.text
    return [one if isinstance(one, str) else one["Id"] for one in got.json()]


def when(seconds: float) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()


# 1. Rules for every route


def test_success_is_200_with_json_and_errors_are_one_plain_line(client: Client) -> None:
    for method, path, body in (("POST", "/user", {"UserId": "u"}), ("PATCH", "/user/u", {}), ("PUT", "/feedback", []),
                               ("DELETE", "/user/u", None), ("GET", "/users", None)):  # fmt: skip
        got = client.request(method, f"/api{path}", json=body)
        assert (got.status_code, got.headers["content-type"]) == (200, "application/json")
    for method, path, status in (("GET", "/user/u", 404), ("GET", "/nowhere", 404), ("GET", "/", 404),
                                 ("DELETE", "/users", 405), ("GET", "/users?n=x", 400), ("GET", "/users?n=-1", 400),
                                 ("GET", "/recommend/u?offset=1.5", 400), ("GET", "/latest?n=1_0", 400),
                                 ("GET", "/items?cursor=no", 400), ("GET", "/popular", 404),
                                 ("GET", "/measurements/x", 404)):  # fmt: skip
        got = client.request(method, f"/api{path}")
        assert (got.status_code, got.headers["content-type"]) == (status, "text/plain; charset=utf-8"), path
        assert got.text
        assert "\n" not in got.text
        assert got.headers["x-request-id"]
        assert got.headers["access-control-allow-origin"] == "*"
    assert client.get("/api/user/u").text == "u: user not found"


def test_the_trailing_slash_is_accepted(client: Client) -> None:
    items(client, {"ItemId": "a"})
    for path in ("/recommend/u/", "/item/a/", "/users/", "/user/u/neighbors/"):
        assert client.get(f"/api{path}").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_415_without_json_even_without_a_body(client: Client, method: str) -> None:
    path = {"POST": "/user", "PUT": "/feedback", "PATCH": "/user/u"}[method]
    assert client.request(method, f"/api{path}").status_code == 415
    assert client.request(method, f"/api{path}", content="{}", headers={"Content-Type": "text/csv"}).status_code == 415
    with_charset = {"Content-Type": "application/json; charset=utf-8"}
    body = "[]" if method == "PUT" else "{}"
    assert client.request(method, f"/api{path}", content=body, headers=with_charset).status_code == 200


def test_406_where_json_is_not_accepted(client: Client) -> None:
    assert client.get("/api/users", headers={"Accept": "text/html"}).status_code == 406
    for accept in ("*/*", "application/json", "text/html, application/json;q=0.5"):
        assert client.get("/api/users", headers={"Accept": accept}).status_code == 200


def test_a_key_where_there_are_keys(store: GraphStore, client: Client) -> None:
    assert client.get("/api/users").status_code == 200  # an open server
    keys = {role: make(store, role, role)[1] for role in ("read", "write")}  # type: ignore[arg-type]
    time.sleep(5.2)  # until the service looks for keys again
    for headers in ({}, {"X-API-Key": "wrong"}):
        for method, path in (("GET", "/users"), ("POST", "/user"), ("GET", "/latest")):
            got = client.request(method, f"/api{path}", headers=headers)
            assert (got.status_code, got.text) == (401, "unauthorized")
    assert client.get("/api/health/live").status_code == client.get("/api/health/ready").status_code == 200
    ask = {role: {"X-API-Key": key} for role, key in keys.items()}
    assert client.get("/api/users", headers=ask["write"]).status_code == 200
    assert client.get("/api/latest", headers=ask["read"]).status_code == 200
    for method, path in (("GET", "/users"), ("POST", "/user"), ("GET", "/recommend/u?write-back-type=x")):
        body = {} if method == "POST" else None
        assert client.request(method, f"/api{path}", headers=ask["read"], json=body).status_code == 401


def test_pages_of_other_origins_may_ask_only_where_a_key_is_needed(store: GraphStore, client: Client) -> None:
    elsewhere = {"Origin": "https://films.example"}
    assert "access-control-allow-origin" not in client.get("/api/users", headers=elsewhere).headers
    key = make(store, "k", "write")[1]
    time.sleep(5.2)
    got = client.get("/api/users", headers=elsewhere | {"X-API-Key": key})
    assert (got.status_code, got.headers["access-control-allow-origin"]) == (200, "*")


def test_keys_match_in_any_case_and_others_are_passed_over(client: Client) -> None:
    client.post("/api/user", json={"userid": "u", "COMMENT": "c", "Colour": "red"})
    assert client.get("/api/user/u").json() == {"UserId": "u", "Labels": None, "Comment": "c"}


def test_rows_are_counted_as_sent(client: Client) -> None:
    assert client.post("/api/users", json=[{"UserId": "u"}] * 3).json() == {"RowAffected": 3}
    assert say(client, *[("star", "u", "i")] * 4) == {"RowAffected": 4}
    for method, path in (("PATCH", "/user/x"), ("PATCH", "/item/x"), ("DELETE", "/user/x"), ("DELETE", "/item/x")):
        body = {} if method == "PATCH" else None
        assert client.request(method, f"/api{path}", json=body).json() == {"RowAffected": 1}
    assert client.get("/api/user/x").status_code == client.get("/api/item/x").status_code == 404


def test_ids_are_texts_of_any_kind(client: Client) -> None:
    for id_ in ("a/b", "", "ü ñ", "a?b", "item:x", "'; DROP TABLE", "x" * 300):
        client.post("/api/user", json={"UserId": id_})
        client.post("/api/item", json={"ItemId": id_})
        assert say(client, ("star", id_, id_)) == {"RowAffected": 1}
    users = [one["UserId"] for one in client.get("/api/users?n=20").json()["Users"]]
    assert set(users) == {"a/b", "", "ü ñ", "a?b", "item:x", "'; DROP TABLE", "x" * 300}
    assert {one["ItemId"] for one in client.get("/api/items?n=20").json()["Items"]} == set(users)
    pairs = {(one["UserId"], one["ItemId"]) for one in client.get("/api/feedback?n=20").json()["Feedback"]}
    assert pairs == {(id_, id_) for id_ in users}
    assert client.get("/api/user/a/b").status_code == client.get("/api/user/a%2Fb").status_code == 404
    assert client.get("/api/user/ü ñ").json()["UserId"] == "ü ñ"
    for told in (5, None, ["u"]):
        got = client.post("/api/user", json={"UserId": told})
        assert got.status_code == (200 if told is None else 400)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("2020-02-02T20:20:20Z", "2020-02-02T20:20:20Z"),
        ("2020-02-02T20:20:20.123456789+02:00", "2020-02-02T18:20:20.123456789Z"),
        ("2020-02-02", "2020-02-02T00:00:00Z"),
        ("2020-02-02 20:20:20", "2020-02-02T20:20:20Z"),
        ("2021/03/04 05:06:07", "2021-03-04T05:06:07Z"),
        ("Feb 3 2021", "2021-02-03T00:00:00Z"),
        ("February 3, 2021", "2021-02-03T00:00:00Z"),
        ("Mon, 02 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05Z"),
        ("Mon, 02 Jan 2006 15:04:05 -0700", "2006-01-02T22:04:05Z"),
        ("1600000000", "2020-09-13T12:26:40Z"),
        ("1600000000123", "2020-09-13T12:26:40.123Z"),
        ("20200202", "2020-02-02T00:00:00Z"),
        ("1960-01-01", "1960-01-01T00:00:00Z"),
        ("", UNSET),
        (None, UNSET),
        (UNSET, UNSET),
    ],
)
def test_times_in_almost_any_form(client: Client, sent: str | None, answered: str) -> None:
    client.post("/api/item", json={"ItemId": "i", "Timestamp": sent})
    assert client.get("/api/item/i").json()["Timestamp"] == answered
    say(client, ("star", "u", "i", 1, sent))
    assert [one["Timestamp"] for one in client.get("/api/user/u/feedback").json()] == [answered]


@pytest.mark.parametrize("wrong", [1600000000, "yesterday", "2020-13-01", "2020-02-30T00:00:00Z", True, ["2020"], "12"])
def test_a_number_or_garbage_is_no_time(client: Client, wrong: Any) -> None:
    assert client.post("/api/item", json={"ItemId": "i", "Timestamp": wrong}).status_code == 400
    assert client.post("/api/feedback", json=[{"Timestamp": wrong}]).status_code == 400


def test_the_time_of_a_patch_is_strict(client: Client) -> None:
    items(client, {"ItemId": "i"})
    for wrong in ("2020-02-02", "1600000000", "2020-02-02 20:20:20", 5):
        assert client.patch("/api/item/i", json={"Timestamp": wrong}).status_code == 400
    client.patch("/api/item/i", json={"Timestamp": "2020-02-02T20:20:20+01:00"})
    assert client.get("/api/item/i").json()["Timestamp"] == "2020-02-02T19:20:20Z"


# 2. Shapes


@pytest.mark.parametrize(
    "labels", [None, "a", 5, 2.5, [], ["a", "b"], [1, 2.5], {}, {"a": ["x"], "b": {"c": [1]}, "d": None, "e": "f"}]
)
def test_labels_come_back_as_given(client: Client, labels: Any) -> None:
    client.post("/api/user", json={"UserId": "u", "Labels": labels})
    client.post("/api/item", json={"ItemId": "i", "Labels": labels})
    assert client.get("/api/user/u").json()["Labels"] == labels
    assert client.get("/api/item/i").json()["Labels"] == labels


@pytest.mark.parametrize("labels", [True, ["a", 1], [True], {"a": False}, [["a"]], [None], {"a": [1, "b"]}])
def test_labels_of_other_forms_are_refused(client: Client, labels: Any) -> None:
    assert client.post("/api/user", json={"UserId": "u", "Labels": labels}).status_code == 400
    assert client.post("/api/item", json={"ItemId": "i", "Labels": labels}).status_code == 400
    assert client.patch("/api/user/u", json={"Labels": labels}).status_code == 400


def test_every_field_of_an_item_and_of_feedback(client: Client) -> None:
    items(client, {"ItemId": "i"})
    assert client.get("/api/item/i").json() == {
        "ItemId": "i", "IsHidden": False, "Categories": None, "Timestamp": UNSET, "Labels": None, "Comment": ""
    }  # fmt: skip
    say(client, ("star", "u", "i"))
    assert client.get("/api/user/u/feedback").json() == [
        {"FeedbackType": "star", "UserId": "u", "ItemId": "i", "Value": 0.0, "Timestamp": UNSET, "Updated": UNSET,
         "Comment": ""}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [("/user", "[]"), ("/user", "{"), ("/users", "{}"), ("/users", "[1]"), ("/item", '{"ItemId":"i","IsHidden":"x"}'),
     ("/item", '{"ItemId":"i","Categories":"x"}'), ("/item", '{"ItemId":"i","Categories":[1]}'),
     ("/item", '{"Comment":5}'), ("/feedback", "{}"), ("/feedback", '[{"Value":"5"}]'),
     ("/feedback", '[{"Value":NaN}]'), ("/feedback", '[{"UserId":"\\ud800"}]'),
     ("/user", '{"UserId":"\\u0000"}'),
     ("/session/recommend", "{}"), ("/session/recommend", "5")],
)  # fmt: skip
def test_bodies_that_are_not_so(client: Client, path: str, body: str) -> None:
    got = client.post(f"/api{path}", content=body, headers={"Content-Type": "application/json"})
    assert (got.status_code, got.headers["content-type"]) == (400, "text/plain; charset=utf-8")


# 4. Semantics


def test_post_replaces_and_patch_changes_what_it_names(client: Client) -> None:
    full = {
        "ItemId": "i",
        "IsHidden": True,
        "Categories": ["a"],
        "Timestamp": "2020-01-01",
        "Labels": [1],
        "Comment": "c",
    }
    items(client, full)
    client.patch("/api/item/i", json={"Comment": "d", "Labels": None, "IsHidden": None, "Categories": None})
    got = client.get("/api/item/i").json()
    assert (got["Comment"], got["Labels"], got["IsHidden"], got["Categories"]) == ("d", [1], True, ["a"])
    client.patch("/api/item/i", json={"Categories": [], "IsHidden": False, "Labels": []})
    got = client.get("/api/item/i").json()
    assert (got["Categories"], got["IsHidden"], got["Labels"]) == ([], False, [])
    items(client, {"ItemId": "i"})
    assert client.get("/api/item/i").json() == full | {
        "IsHidden": False, "Categories": None, "Timestamp": UNSET, "Labels": None, "Comment": ""
    }  # fmt: skip
    client.post("/api/user", json={"UserId": "u", "Labels": ["a"], "Comment": "c"})
    client.patch("/api/user/u", json={"Comment": "d"})
    assert client.get("/api/user/u").json() == {"UserId": "u", "Labels": ["a"], "Comment": "d"}
    client.post("/api/user", json={"UserId": "u"})
    assert client.get("/api/user/u").json() == {"UserId": "u", "Labels": None, "Comment": ""}


def told(client: Client) -> tuple[Any, ...]:
    (one,) = client.get("/api/user/u/feedback").json()
    return one["Value"], one["Timestamp"][:10], one["Updated"][:10], one["Comment"]


def test_post_accumulates_and_put_overwrites(client: Client) -> None:
    say(client, ("star", "u", "i", 2, "2020-01-05", "a"))
    assert told(client) == (2, "2020-01-05", "2020-01-05", "a")
    say(client, ("star", "u", "i", 3, "2020-01-03"))
    assert told(client) == (5, "2020-01-03", "2020-01-05", "")
    say(client, ("star", "u", "i", 1, "2020-01-09", "b"))
    assert told(client) == (6, "2020-01-03", "2020-01-09", "b")
    say(client, ("star", "u", "i", 1, "2020-01-04", "c"), method="PUT")
    assert told(client) == (1, "2020-01-04", "2020-01-04", "c")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_first_of_the_same_key_in_one_request_wins(client: Client, method: str) -> None:
    assert say(client, ("star", "u", "i", 2), ("star", "u", "i", 5), method=method) == {"RowAffected": 2}
    assert told(client)[0] == 2


def test_unknown_users_and_items_are_made_bare(client: Client) -> None:
    say(client, ("star", "u", "i"))
    assert client.get("/api/user/u").json() == {"UserId": "u", "Labels": None, "Comment": ""}
    assert client.get("/api/item/i").json()["Timestamp"] == UNSET


def test_rows_of_unknown_ids_are_dropped_where_they_are_not_to_be_made(store: GraphStore, service: Any) -> None:
    with service(store, gorse_auto_insert_user=False, gorse_auto_insert_item=False) as client:
        items(client, {"ItemId": "i"})
        client.post("/api/user", json={"UserId": "u"})
        assert say(client, ("star", "u", "i"), ("star", "x", "i"), ("star", "u", "x")) == {"RowAffected": 3}
        assert [(one["UserId"], one["ItemId"]) for one in client.get("/api/feedback").json()["Feedback"]] == [
            ("u", "i")
        ]
        assert client.get("/api/user/x").status_code == client.get("/api/item/x").status_code == 404


def test_future_feedback_is_not_there_yet(client: Client) -> None:
    items(client, {"ItemId": "i"}, {"ItemId": "j"})
    say(client, ("star", "u", "i", 1, when(60)), ("star", "u", "j", 1, when(3)))
    for path in ("/user/u/feedback", "/user/u/feedback/star", "/item/i/feedback"):
        assert [one["ItemId"] for one in client.get(f"/api{path}").json()] == (["j"] if path[1] == "u" else [])
    for path in ("/feedback", "/feedback/star"):
        assert [one["ItemId"] for one in client.get(f"/api{path}").json()["Feedback"]] == ["j"]
    assert [one["ItemId"] for one in client.get("/api/feedback/u/i").json()] == ["i"]
    assert listed(client, "/recommend/u") == ["i"]


def test_conditions_on_the_value(client: Client) -> None:
    say(client, *[("read", "u", f"i{n}", n) for n in range(5)], ("star", "u", "i1", 9))
    for text, found in (("read>=3", "34"), ("read>3", "4"), ("read<=1", "01"), ("read<1", "0"), ("star", "1"),
                        ("READ", "")):  # fmt: skip
        got = client.get(f"/api/user/u/feedback/{text}").json()
        assert "".join(one["ItemId"][1] for one in got) == found, text


def test_conditions_say_what_is_liked(client: Client) -> None:
    items(client, *({"ItemId": f"i{n}"} for n in range(4)))
    say(client, *[("read", f"v{v}", f"i{n}", 3) for v in range(4) for n in range(3)], ("read", "v9", "i3", 2))
    assert [one["Id"] for one in client.get("/api/non-personalized/popular").json()] == ["i0", "i1", "i2"]


def test_pages_and_their_order(client: Client) -> None:
    ids = ["b", "a", "B", "ä", "10", "9"]
    client.post("/api/users", json=[{"UserId": id_} for id_ in ids])
    items(client, *({"ItemId": id_} for id_ in ids))
    say(client, *[(type_, user, "b") for type_ in ("x", "a") for user in ids])
    for path, name, key in (("/users", "Users", "UserId"), ("/items", "Items", "ItemId"),
                            ("/feedback/x", "Feedback", "UserId")):  # fmt: skip
        found, cursor = [], ""
        while True:
            got = client.get(f"/api{path}", params={"n": 4, "cursor": cursor}).json()
            assert list(got) == ["Cursor", name]
            found += [one[key] for one in got[name]]
            cursor = got["Cursor"]
            if not cursor:
                break
        assert found == sorted(ids)
    every = client.get("/api/feedback", params={"n": 100}).json()["Feedback"]
    assert [one["FeedbackType"] for one in every] == ["a"] * 6 + ["x"] * 6
    for path in ("/users", "/items", "/feedback"):
        assert client.get(f"/api{path}", params={"cursor": "!!"}).status_code == 400
        assert client.get(f"/api{path}").json().keys() >= {"Cursor"}


def crowd(client: Client) -> None:
    """Ten items; many like i0 to i4 together, and i5 and i6."""
    of = [["x", "y"], ["x"]]
    items(client, *({"ItemId": f"i{n}", "Categories": of[n % 2], "Timestamp": f"2021-01-{n + 1:02d}"}
                    for n in range(10)))  # fmt: skip
    say(client, *[("star", f"v{v}", f"i{n}", 1, "2022-01-01") for v in range(6) for n in range(5)],
        *[("star", f"w{v}", f"i{n}", 1, "2022-01-01") for v in range(2) for n in (5, 6)])  # fmt: skip


def test_recommend(client: Client) -> None:
    crowd(client)
    say(client, ("star", "u", "i0"))
    got = listed(client, "/recommend/u")
    assert set(got[:4]) == {"i1", "i2", "i3", "i4"}
    assert len(got) == len(set(got)) == 9
    assert listed(client, "/recommend/u", n=3, offset=2) == got[2:5]
    assert listed(client, "/recommend/u", n=0) == got
    assert listed(client, "/recommend/u", offset=9) == []
    scored = client.get("/api/recommend/u", headers={"X-API-Version": "2"}).json()
    assert [one["Id"] for one in scored] == got
    assert all(isinstance(one["Score"], float) for one in scored)
    for type_ in ("star", "shown", "hate"):  # of any type
        say(client, (type_, "u", "i1"))
        assert "i1" not in listed(client, "/recommend/u")
        client.delete("/api/feedback/u/i1")
        assert "i1" in listed(client, "/recommend/u")
    strangers = listed(client, "/recommend/nobody")
    assert (set(strangers[:5]), len(strangers)) == ({f"i{n}" for n in range(5)}, 10)


def test_recommend_within_categories(client: Client) -> None:
    crowd(client)
    assert set(listed(client, "/recommend/u/y")) == {"i0", "i2", "i4", "i6", "i8"}
    assert set(listed(client, "/recommend/u", category=["x", "y"])) == {"i0", "i2", "i4", "i6", "i8"}
    assert listed(client, "/recommend/u/nothing") == listed(client, "/recommend/u", category=["x", "z"]) == []


def test_hidden_items_are_in_no_list(client: Client) -> None:
    crowd(client)
    client.patch("/api/item/i1", json={"IsHidden": True})
    body = [{"FeedbackType": "star", "ItemId": "i0"}]
    for path in ("/recommend/u", "/latest", "/non-personalized/popular", "/item/i0/neighbors"):
        assert "i1" not in listed(client, path)
    assert "i1" not in client.post("/api/session/recommend", json=body).text
    client.patch("/api/item/i1", json={"IsHidden": False})
    for path in ("/recommend/u", "/latest", "/non-personalized/popular", "/item/i0/neighbors"):
        assert "i1" in listed(client, path)


def test_write_back(client: Client) -> None:
    crowd(client)
    client.post("/api/user", json={"UserId": "u"})
    first = listed(client, "/recommend/u", n=3, **{"write-back-type": "shown"})
    assert {one["ItemId"] for one in client.get("/api/user/u/feedback/shown").json()} == set(first)
    later = {"write-back-type": "shown", "write-back-delay": "1h30m"}
    second = listed(client, "/recommend/u", n=3, **later)
    assert not set(first) & set(second)
    assert listed(client, "/recommend/u", n=3) == second
    assert len(client.get("/api/user/u/feedback/shown").json()) == 3
    listed(client, "/recommend/nobody", n=3, **{"write-back-type": "shown"})
    assert client.get("/api/user/nobody").status_code == 404
    for wrong in ("soon", "10", "5 m", "1d"):
        got = client.get("/api/recommend/u", params={"write-back-type": "x", "write-back-delay": wrong})
        assert got.status_code == 400


def test_seen_items_come_back_where_they_may(store: GraphStore, service: Any) -> None:
    with service(store, gorse_replacement=True, **KINDS) as client:
        crowd(client)
        say(client, ("star", "u", "i0"), ("shown", "u", "i1"), ("hate", "u", "i2"))
        got = listed(client, "/recommend/u")
        assert "i2" not in got
        assert {"i0", "i1"} <= set(got)
        assert set(got[:2]) == {"i3", "i4"}


def session(client: Client, *told: dict[str, Any], path: str = "", **query: Any) -> list[str]:
    got = client.post(f"/api/session/recommend{path}", json=list(told), params=query)
    assert got.status_code == 200, got.text
    scores = [one["Score"] for one in got.json()]
    assert scores == sorted(scores, reverse=True)
    return [one["Id"] for one in got.json()]


def test_session(client: Client) -> None:
    crowd(client)
    star = {"FeedbackType": "star", "ItemId": "i0"}
    assert set(session(client, star)) == {"i1", "i2", "i3", "i4"}
    assert set(session(client, star, {"FeedbackType": "shown", "ItemId": "i1"})) == {"i2", "i3", "i4"}
    assert session(client, {"FeedbackType": "shown", "ItemId": "i0"}) == session(client) == []
    assert set(session(client, star, path="/y")) == {"i2", "i4"}
    assert session(client, star, n=2, offset=1) == session(client, star)[1:3]
    assert session(client, {"FeedbackType": "star", "ItemId": "nothing"}) == []
    assert client.post("/api/session/recommend", content="null", headers={"Content-Type": "application/json"}
                       ).status_code == 400  # fmt: skip
    assert client.get("/api/user/u").status_code == 404  # nothing was stored


def test_neighbours(store: GraphStore, service: Any) -> None:
    with service(store, gorse_cache_size=3, **KINDS) as client:
        crowd(client)
        got = client.get("/api/item/i5/neighbors")
        assert [one["Id"] for one in got.json()] == ["i6"]
        assert abs(parsedate_to_datetime(got.headers["last-modified"]).timestamp() - time.time()) < 60
        near = client.get("/api/item/i0/neighbors").json()
        assert len(near) == 3  # as many as the cache holds
        assert [one["Score"] for one in near] == sorted((one["Score"] for one in near), reverse=True)
        assert "i0" not in str(near)
        assert set(listed(client, "/item/i0/neighbors", category=["x", "y"])) == {"i2", "i4"}
        say(client, ("shown", "u", near[0]["Id"]))
        assert near[0]["Id"] not in listed(client, "/item/i0/neighbors", **{"user-id": "u"})
        assert listed(client, "/item/i0/neighbors", n=1, offset=1) == [near[1]["Id"]]
        assert listed(client, "/item/nothing/neighbors") == []


# 5. Routes that other clients call


def test_latest_is_live(client: Client) -> None:
    crowd(client)
    got = client.get("/api/latest?n=2").json()
    assert got == [{"Id": "i9", "Score": 1610236800.0}, {"Id": "i8", "Score": 1610150400.0}]
    items(client, {"ItemId": "new", "Timestamp": "2023-01-01", "Categories": ["y"]}, {"ItemId": "timeless"})
    assert listed(client, "/latest")[0] == "new"
    assert "timeless" not in listed(client, "/latest", n=0)
    assert listed(client, "/latest/y", n=2, offset=1) == ["i8", "i6"]
    assert listed(client, "/latest", category=["x", "y"], n=1) == ["i8"]
    say(client, ("shown", "u", "new"))
    assert listed(client, "/latest", n=1, **{"user-id": "u"}) == ["i9"]


def test_leaderboards(client: Client) -> None:
    crowd(client)
    assert client.get("/api/non-personalized/popular?n=1").json()[0]["Score"] == 6.0
    assert listed(client, "/non-personalized/popular", category="y", n=1, offset=1) == ["i2"]
    assert listed(client, "/non-personalized/nothing") == []


def test_other_lists(client: Client) -> None:
    crowd(client)
    say(client, ("star", "u", "i0"))
    assert listed(client, "/item-to-item/neighbors/i5") == ["i6"]
    assert listed(client, "/item-to-item/nothing/i5") == []
    assert set(listed(client, "/user/u/neighbors/")) == {f"v{v}" for v in range(6)}
    assert listed(client, "/user-to-user/neighbors/u", n=1) == ["v0"]
    assert set(listed(client, "/collaborative-filtering/u")) == {"i1", "i2", "i3", "i4"}
    assert set(listed(client, "/collaborative-filtering/u/y")) == {"i2", "i4"}


def test_feedback_one_by_one(client: Client) -> None:
    say(client, ("a", "u", "i"), ("b", "u", "i"), ("a", "u", "j"), ("a", "v", "i"))
    assert [one["FeedbackType"] for one in client.get("/api/feedback/u/i").json()] == ["a", "b"]
    assert [one["UserId"] for one in client.get("/api/item/i/feedback/a").json()] == ["u", "v"]
    assert len(client.get("/api/item/i/feedback").json()) == 3
    assert client.get("/api/feedback/a/u/i").json()["FeedbackType"] == "a"
    assert client.get("/api/feedback/c/u/i").status_code == 404
    assert client.delete("/api/feedback/b/u/i").json() == {"RowAffected": 1}
    assert client.delete("/api/feedback/b/u/i").json() == {"RowAffected": 0}
    say(client, ("b", "u", "i"))
    assert client.delete("/api/feedback/u/i").json() == {"RowAffected": 2}
    assert client.get("/api/user/nobody/feedback").json() == client.get("/api/user/nobody/feedback/a").json() == []


def test_categories_one_by_one(client: Client) -> None:
    items(client, {"ItemId": "i", "Categories": ["a"]})
    json_ = {"Content-Type": "application/json"}
    for _ in range(2):
        assert client.put("/api/item/i/category/b", headers=json_).json() == {"RowAffected": 1}
    assert client.get("/api/item/i").json()["Categories"] == ["a", "b"]
    assert client.delete("/api/item/i/category/a").json() == {"RowAffected": 1}
    assert client.get("/api/item/i").json()["Categories"] == ["b"]
    assert client.put("/api/item/x/category/b", headers=json_).status_code == 404


def test_health(client: Client) -> None:
    well = {"Ready": True, "DataStoreError": None, "CacheStoreError": None, "DataStoreConnected": True,
            "CacheStoreConnected": True}  # fmt: skip
    assert client.get("/api/health/live").json() == client.get("/api/health/ready").json() == well


def test_what_is_beside_the_contract(client: Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/apidocs", follow_redirects=True).status_code == 200
    assert client.get("/apidocs.json", follow_redirects=True).json()["openapi"]
    assert "route" in client.get("/metrics").text
    client.get("/api/user/secret-id")
    assert re.search(r'route="/api/user/\{user-id\}"', client.get("/metrics").text)
    assert "secret-id" not in client.get("/metrics").text


def test_more_than_a_body_may_have_is_a_plain_line_too(store: GraphStore, service: Any) -> None:
    with service(store, body_bytes=100) as client:
        got = client.post("/api/users", json=[{"UserId": "u" * 200}])
        assert (got.status_code, got.headers["content-type"]) == (413, "text/plain; charset=utf-8")


# The graph behind it


def test_an_item_is_a_title_of_imdb_where_it_says_so(own_store: GraphStore, service: Any) -> None:
    with service(own_store, items_catalog="shop", **KINDS) as client:
        items(client, {"ItemId": "tt0114709"}, {"ItemId": "7", "Labels": {"imdb": "tt0120623"}}, {"ItemId": "own"})
        say(client, ("star", "u", "tt0114709"))
        assert listed(client, "/recommend/u") == ["7", "own"]  # like it by content, then the rest
        said = client.get("/users/u/feedback").json()["feedback"]
        assert [(one["title"], one["name"]) for one in said] == [("tt0114709", "Toy Story")]
        got = client.get("/catalogs/shop/items").json()["items"]
        assert [(one["id"], one["title"]) for one in got] == [
            ("7", "tt0120623"), ("own", "item:own"), ("tt0114709", "tt0114709")
        ]  # fmt: skip
        assert json.loads(json.dumps(listed(client, "/item/7/neighbors"))) == ["tt0114709"]


def test_the_only_catalog_stands_behind_it(client: Client, store: GraphStore) -> None:
    items(client, {"ItemId": "a"})
    assert [row["id"] for batch in store.scan_nodes("Catalog") for row in batch.to_pylist()] == ["gorse"]
