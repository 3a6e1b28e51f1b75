"""Feedback, written live: acknowledged when it is durable, counted by the next request."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.feedback_body import EXAMPLE, SCHEMA, parsed, refuse, resolved
from api.problems import responses
from api.service import ServiceDep
from graph.events import Event
from graph.store import GraphStore, InvalidRows

router = APIRouter(tags=["feedback"])
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"anyOf": [{"type": "array", "items": SCHEMA}, SCHEMA]},
            "example": EXAMPLE,
        }
    },
}


class Written(BaseModel):
    """What became of the events."""

    written: int = Field(description="how many events are durable now", examples=[1])


@router.post(
    "/feedback", response_model=Written, responses=responses(422, 503, 507), openapi_extra={"requestBody": _BODY}
)
async def post_feedback(service: ServiceDep, request: Request) -> Any:
    """Write what viewers watch, rate, like or dismiss: one event or a list, all of it or, when one is wrong, none.

    A user has one piece of feedback of a type on a title: of two events the later one counts, or their values add up
    where the settings say so; the same event twice counts once.
    """
    settings = service.settings
    sent = parsed(await request.body(), settings.feedback_batch, service.accumulated)
    events = sent.events
    if sent.items:
        events = await anyio.to_thread.run_sync(resolved, sent, service.title_of_item)
    if events:
        try:
            await asyncio.wrap_future(service.feedback.put(events))
        except InvalidRows:
            await anyio.to_thread.run_sync(_name_unknown, service.store, events)
            raise
    return {"written": len(events)}


def _name_unknown(store: GraphStore, events: list[Event]) -> None:
    """Raise the problem of events on titles that are not in the graph."""
    titles = list(dict.fromkeys(event.title for event in events))
    there = set(store.get_nodes("Title", titles, []).column("id").to_pylist())
    wrong = {place: f"there is no title {e.title!r}" for place, e in enumerate(events) if e.title not in there}
    if wrong:
        refuse(wrong, len(events))
