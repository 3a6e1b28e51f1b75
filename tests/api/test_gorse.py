"""Gorse's contract line by line, as plain HTTP: the rules of every route, and the shapes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from api.keys import make
from graph.store import GraphStore
from tests.api.gorse_client import UNSET, Client, items, say

# 1. Rules for every route


def test_success_is_200_with_json_and_errors_are_one_plain_line(gorse: Client) -> None:
    for method, path, body in (("POST", "/user", {"UserId": "u"}), ("PATCH", "/user/u", {}), ("PUT", "/feedback", []),
                               ("DELETE", "/user/u", None), ("GET", "/users", None)):  # fmt: skip
        got = gorse.request(method, f"/api{path}", json=body)
        assert (got.status_code, got.headers["content-type"]) == (200, "application/json")
    for method, path, status in (("GET", "/user/u", 404), ("GET", "/nowhere", 404), ("GET", "/", 404),
                                 ("DELETE", "/users", 405), ("GET", "/users?n=x", 400), ("GET", "/users?n=-1", 400),
                                 ("GET", "/recommend/u?offset=1.5", 400), ("GET", "/latest?n=1_0", 400),
                                 ("GET", "/items?cursor=no", 400), ("GET", "/popular", 404),
                                 ("GET", "/measurements/x", 404)):  # fmt: skip
        got = gorse.request(method, f"/api{path}")
        assert (got.status_code, got.headers["content-type"]) == (status, "text/plain; charset=utf-8"), path
        assert got.text
        assert "\n" not in got.text
        assert got.headers["x-request-id"]
        assert got.headers["access-control-allow-origin"] == "*"
    assert gorse.get("/api/user/u").text == "u: user not found"


def test_the_trailing_slash_is_accepted(gorse: Client) -> None:
    items(gorse, {"ItemId": "a"})
    for path in ("/recommend/u/", "/item/a/", "/users/", "/user/u/neighbors/"):
        assert gorse.get(f"/api{path}").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_415_without_json_even_without_a_body(gorse: Client, method: str) -> None:
    path = {"POST": "/user", "PUT": "/feedback", "PATCH": "/user/u"}[method]
    assert gorse.request(method, f"/api{path}").status_code == 415
    assert gorse.request(method, f"/api{path}", content="{}", headers={"Content-Type": "text/csv"}).status_code == 415
    with_charset = {"Content-Type": "application/json; charset=utf-8"}
    body = "[]" if method == "PUT" else "{}"
    assert gorse.request(method, f"/api{path}", content=body, headers=with_charset).status_code == 200


def test_406_where_json_is_not_accepted(gorse: Client) -> None:
    assert gorse.get("/api/users", headers={"Accept": "text/html"}).status_code == 406
    for accept in ("*/*", "application/json", "text/html, application/json;q=0.5"):
        assert gorse.get("/api/users", headers={"Accept": accept}).status_code == 200


def test_a_key_where_there_are_keys(gorse_store: GraphStore, gorse: Client) -> None:
    assert gorse.get("/api/users").status_code == 200  # an open server
    keys = {role: make(gorse_store, role, role)[1] for role in ("read", "write")}  # type: ignore[arg-type]
    time.sleep(5.2)  # until the service looks for keys again
    for headers in ({}, {"X-API-Key": "wrong"}):
        for method, path in (("GET", "/users"), ("POST", "/user"), ("GET", "/latest")):
            got = gorse.request(method, f"/api{path}", headers=headers)
            assert (got.status_code, got.text) == (401, "unauthorized")
    assert gorse.get("/api/health/live").status_code == gorse.get("/api/health/ready").status_code == 200
    ask = {role: {"X-API-Key": key} for role, key in keys.items()}
    assert gorse.get("/api/users", headers=ask["write"]).status_code == 200
    assert gorse.get("/api/latest", headers=ask["read"]).status_code == 200
    back = [("GET", f"/recommend/u?{name}=x") for name in ("write-back-type", "write%2Dback%2dtype")]
    for method, path in (("GET", "/users"), ("POST", "/user"), *back):
        body = {} if method == "POST" else None
        assert gorse.request(method, f"/api{path}", headers=ask["read"], json=body).status_code == 401


def test_pages_of_other_origins_may_ask_only_where_a_key_is_needed(gorse_store: GraphStore, gorse: Client) -> None:
    elsewhere = {"Origin": "https://films.example"}
    assert "access-control-allow-origin" not in gorse.get("/api/users", headers=elsewhere).headers
    key = make(gorse_store, "k", "write")[1]
    time.sleep(5.2)
    got = gorse.get("/api/users", headers=elsewhere | {"X-API-Key": key})
    assert (got.status_code, got.headers["access-control-allow-origin"]) == (200, "*")


def test_keys_match_in_any_case_and_others_are_passed_over(gorse: Client) -> None:
    gorse.post("/api/user", json={"userid": "u", "COMMENT": "c", "Colour": "red"})
    assert gorse.get("/api/user/u").json() == {"UserId": "u", "Labels": None, "Comment": "c"}


def test_rows_are_counted_as_sent(gorse: Client) -> None:
    assert gorse.post("/api/users", json=[{"UserId": "u"}] * 3).json() == {"RowAffected": 3}
    assert say(gorse, *[("star", "u", "i")] * 4) == {"RowAffected": 4}
    for method, path in (("PATCH", "/user/x"), ("PATCH", "/item/x"), ("DELETE", "/user/x"), ("DELETE", "/item/x")):
        body = {} if method == "PATCH" else None
        assert gorse.request(method, f"/api{path}", json=body).json() == {"RowAffected": 1}
    assert gorse.get("/api/user/x").status_code == gorse.get("/api/item/x").status_code == 404


def test_ids_are_texts_of_any_kind(gorse: Client) -> None:
    for id_ in ("a/b", "", "ü ñ", "a?b", "item:x", "'; DROP TABLE", "x" * 300):
        gorse.post("/api/user", json={"UserId": id_})
        gorse.post("/api/item", json={"ItemId": id_})
        assert say(gorse, ("star", id_, id_)) == {"RowAffected": 1}
    users = [one["UserId"] for one in gorse.get("/api/users?n=20").json()["Users"]]
    assert set(users) == {"a/b", "", "ü ñ", "a?b", "item:x", "'; DROP TABLE", "x" * 300}
    assert {one["ItemId"] for one in gorse.get("/api/items?n=20").json()["Items"]} == set(users)
    pairs = {(one["UserId"], one["ItemId"]) for one in gorse.get("/api/feedback?n=20").json()["Feedback"]}
    assert pairs == {(id_, id_) for id_ in users}
    assert gorse.get("/api/user/a/b").status_code == gorse.get("/api/user/a%2Fb").status_code == 404
    assert gorse.get("/api/user/ü ñ").json()["UserId"] == "ü ñ"
    for told in (5, None, ["u"]):
        got = gorse.post("/api/user", json={"UserId": told})
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
def test_times_in_almost_any_form(gorse: Client, sent: str | None, answered: str) -> None:
    gorse.post("/api/item", json={"ItemId": "i", "Timestamp": sent})
    assert gorse.get("/api/item/i").json()["Timestamp"] == answered
    say(gorse, ("star", "u", "i", 1, sent))
    assert [one["Timestamp"] for one in gorse.get("/api/user/u/feedback").json()] == [answered]


@pytest.mark.parametrize("wrong", [1600000000, "yesterday", "2020-13-01", "2020-02-30T00:00:00Z", True, ["2020"], "12"])
def test_a_number_or_garbage_is_no_time(gorse: Client, wrong: Any) -> None:
    assert gorse.post("/api/item", json={"ItemId": "i", "Timestamp": wrong}).status_code == 400
    assert gorse.post("/api/feedback", json=[{"Timestamp": wrong}]).status_code == 400


def test_the_time_of_a_patch_is_strict(gorse: Client) -> None:
    items(gorse, {"ItemId": "i"})
    for wrong in ("2020-02-02", "1600000000", "2020-02-02 20:20:20", 5):
        assert gorse.patch("/api/item/i", json={"Timestamp": wrong}).status_code == 400
    gorse.patch("/api/item/i", json={"Timestamp": "2020-02-02T20:20:20+01:00"})
    assert gorse.get("/api/item/i").json()["Timestamp"] == "2020-02-02T19:20:20Z"


# 2. Shapes


@pytest.mark.parametrize(
    "labels", [None, "a", 5, 2.5, [], ["a", "b"], [1, 2.5], {}, {"a": ["x"], "b": {"c": [1]}, "d": None, "e": "f"}]
)
def test_labels_come_back_as_given(gorse: Client, labels: Any) -> None:
    gorse.post("/api/user", json={"UserId": "u", "Labels": labels})
    gorse.post("/api/item", json={"ItemId": "i", "Labels": labels})
    assert gorse.get("/api/user/u").json()["Labels"] == labels
    assert gorse.get("/api/item/i").json()["Labels"] == labels


@pytest.mark.parametrize("labels", [True, ["a", 1], [True], {"a": False}, [["a"]], [None], {"a": [1, "b"]}])
def test_labels_of_other_forms_are_refused(gorse: Client, labels: Any) -> None:
    assert gorse.post("/api/user", json={"UserId": "u", "Labels": labels}).status_code == 400
    assert gorse.post("/api/item", json={"ItemId": "i", "Labels": labels}).status_code == 400
    assert gorse.patch("/api/user/u", json={"Labels": labels}).status_code == 400


def test_every_field_of_an_item_and_of_feedback(gorse: Client) -> None:
    items(gorse, {"ItemId": "i"})
    assert gorse.get("/api/item/i").json() == {
        "ItemId": "i", "IsHidden": False, "Categories": None, "Timestamp": UNSET, "Labels": None, "Comment": ""
    }  # fmt: skip
    say(gorse, ("star", "u", "i"))
    assert gorse.get("/api/user/u/feedback").json() == [
        {"FeedbackType": "star", "UserId": "u", "ItemId": "i", "Value": 0.0, "Timestamp": UNSET, "Updated": UNSET,
         "Comment": ""}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body"),
    [("/user", "[]"), ("/user", "{"), ("/users", "{}"), ("/users", "[1]"), ("/item", '{"ItemId":"i","IsHidden":"x"}'),
     ("/item", '{"ItemId":"i","Categories":"x"}'), ("/item", '{"ItemId":"i","Categories":[1]}'),
     ("/item", '{"Comment":5}'), ("/feedback", "{}"), ("/feedback", '[{"Value":"5"}]'),
     ("/feedback", '[{"Value":NaN}]'), ("/feedback", '[{"Value":1' + 400 * "0" + "}]"),
     ("/feedback", '[{"UserId":"\\ud800"}]'),
     ("/user", '{"UserId":"\\u0000"}'),
     ("/session/recommend", "{}"), ("/session/recommend", "5")],
)  # fmt: skip
def test_bodies_that_are_not_so(gorse: Client, path: str, body: str) -> None:
    got = gorse.post(f"/api{path}", content=body, headers={"Content-Type": "application/json"})
    assert (got.status_code, got.headers["content-type"]) == (400, "text/plain; charset=utf-8")
