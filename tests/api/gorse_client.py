"""Gorse's routes as plain HTTP, as its tests ask them: items and feedback in, lists out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx

UNSET = "0001-01-01T00:00:00Z"
KINDS = {"liked_feedback": ["star", "read>=3"], "disliked_feedback": ["hate"]}
Client = httpx.Client


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


def crowd(client: Client) -> None:
    """Ten items; many like i0 to i4 together, and i5 and i6."""
    of = [["x", "y"], ["x"]]
    items(client, *({"ItemId": f"i{n}", "Categories": of[n % 2], "Timestamp": f"2021-01-{n + 1:02d}"}
                    for n in range(10)))  # fmt: skip
    say(client, *[("star", f"v{v}", f"i{n}", 1, "2022-01-01") for v in range(6) for n in range(5)],
        *[("star", f"w{v}", f"i{n}", 1, "2022-01-01") for v in range(2) for n in (5, 6)])  # fmt: skip
