"""Catalogs over HTTP: which there are, and saying anew what one offers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.problems import SHOWN_ERRORS
from graph.store import GraphStore, Scope

ROWS = [
    {"id": "tt0114709", "item_id": "W1", "regions": ["us"], "available_from": "2026-01-01"},
    {"id": "tt0120623", "item_id": "W2"},
    {"id": "tt0120623", "item_id": "W3", "available_until": "2027-01-31"},
]


def test_all_catalogs(client: httpx.Client) -> None:
    assert client.get("/catalogs").json() == {
        "catalogs": [
            {"id": "north", "name": "North", "titles": 102, "strategy": None},
            {"id": "south", "name": "South", "titles": 86, "strategy": None},
        ]
    }


def test_a_new_catalog_counts_at_once(own_store: GraphStore, served: Any) -> None:
    client = served(own_store)
    asked = {"q": "toy story", "catalog": "west", "region": "US", "on": "2026-11-21"}
    assert client.get("/search", params=asked).status_code == 404
    put = client.put("/catalogs/west/titles", json={"name": "West", "titles": ROWS})
    assert (put.status_code, put.json()) == (200, {"id": "west", "name": "West", "titles": 3, "strategy": None})
    answer = client.get("/search", params=asked).json()
    assert (answer["status"], answer["versions"]["graph"]) == ("in_catalog", "000001")
    assert [one["id"] for one in answer["hits"][0]["substitutes"]] == ["tt0120623"]
    offer = client.get("/titles/tt0114709").json()["offers"][-1]
    assert offer == {
        "catalog": "west", "item_id": "W1", "regions": ["US"], "available_from": "2026-01-01", "available_until": None,
    }  # fmt: skip
    assert client.get("/search", params=asked | {"on": "2025-12-31"}).json()["status"] == "out_of_catalog"


def test_what_is_in_no_row_is_offered_no_more(own_store: GraphStore, served: Any) -> None:
    client = served(own_store)
    before = client.get("/catalogs").json()["catalogs"]
    put = client.put("/catalogs/north/titles", json={"titles": ROWS[:1]})
    assert put.json() == {"id": "north", "name": "North", "titles": 1, "strategy": None}
    assert own_store.offered(Scope("north", adult=True)).to_pylist() == [{"id": "tt0114709", "item_id": "W1"}]
    assert client.get("/catalogs").json()["catalogs"][1] == before[1]
    assert client.put("/catalogs/north/titles", json={"titles": []}).json()["titles"] == 0
    assert client.get("/search", params={"q": "toy story", "catalog": "north"}).json()["status"] == "out_of_catalog"


def test_wrong_rows_are_named_and_nothing_is_written(own_store: GraphStore, served: Any) -> None:
    client = served(own_store)
    state = own_store.state()
    wrong = [
        {"id": "tt0000009", "item_id": "W4"},
        ROWS[0],
        {"id": "tt0120623", "item_id": "W5", "available_from": "2026-02-01", "available_until": "2026-01-01"},
    ]
    put = client.put("/catalogs/north/titles", json={"titles": ROWS + wrong})
    assert put.status_code == 422
    assert put.json()["detail"] == "3 of 6 rows are wrong; nothing was changed"
    assert put.json()["errors"] == [
        {"where": "body.titles.3", "why": "there is no title 'tt0000009'"},
        {"where": "body.titles.4", "why": "tt0114709 with item 'W1' is in row 0 already"},
        {"where": "body.titles.5", "why": "2026-02-01 is after 2026-01-01"},
    ]
    assert own_store.state() == state


def test_of_many_wrong_rows_the_first_are_named(own_store: GraphStore, served: Any) -> None:
    rows = [{"id": f"tt{number:07}", "item_id": str(number)} for number in range(1, 301)]
    problem = served(own_store).put("/catalogs/north/titles", json={"titles": rows}).json()
    assert problem["detail"] == "300 of 300 rows are wrong; nothing was changed"
    assert len(problem["errors"]) == SHOWN_ERRORS
    without = {"titles": [{"id": "tt0114709"}] * 300}
    assert len(served(own_store).put("/catalogs/north/titles", json=without).json()["errors"]) == SHOWN_ERRORS


@pytest.mark.parametrize(
    ("slug", "body", "where"),
    [
        ("North", {"titles": []}, "path.slug"),
        ("north", {}, "body.titles"),
        ("north", {"titles": [{"id": "tt0114709"}]}, "body.titles.0.item_id"),
        ("north", {"titles": [{"id": "tt0114709", "item_id": ""}]}, "body.titles.0.item_id"),
        ("north", {"titles": [ROWS[0] | {"regions": ["U1"]}]}, "body.titles.0.regions.0"),
        ("north", {"titles": [ROWS[0] | {"available_from": "soon"}]}, "body.titles.0.available_from"),
        ("north", {"titles": [ROWS[0] | {"price": 1}]}, "body.titles.0.price"),
        ("north", "no object", "body"),
    ],
)
def test_a_body_that_is_not_as_it_should_be(client: httpx.Client, slug: str, body: Any, where: str) -> None:
    put = client.put(f"/catalogs/{slug}/titles", json=body)
    assert (put.status_code, [error["where"] for error in put.json()["errors"]]) == (422, [where])


def test_while_another_process_loads(own_store: Any, served: Any) -> None:
    client = served(own_store)
    with own_store._versions.writing():
        put = client.put("/catalogs/north/titles", json={"titles": ROWS})
    assert (put.status_code, put.headers["retry-after"]) == (503, "5")
    assert put.json()["detail"] == "The graph is being written by another process; try again shortly."
    assert client.put("/catalogs/north/titles", json={"titles": ROWS}).status_code == 200
