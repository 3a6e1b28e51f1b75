"""Around every request: an id, a line in the log, and an answer to what nobody expected."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import problem_response

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})
_access = logging.getLogger("reelgraph.access")
_errors = logging.getLogger("reelgraph.errors")


class Requests:
    """ASGI middleware, the outermost: gives each request an id (its own where it is sane), logs and counts it.

    The line has the route's template, never the query: what people search for stays out of the logs.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status, begun = 0, time.perf_counter()

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            with self._metrics.running():
                await self._app(scope, receive, sent)
        except Exception:
            _errors.exception("unexpected error", extra={"fields": {"request_id": request_id, "route": route(scope)}})
            if status:  # half an answer is out: the connection has to break
                raise
            failed = problem_response(500, "Something went wrong here; the log knows more by this id.", request_id)
            await failed(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - begun
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.answered(method, route(scope), status, seconds)
            quiet = status < 400 and route(scope) in _PROBES
            level = logging.DEBUG if quiet else logging.INFO
            _access.log(level, "request", extra={"fields": _fields(scope, status, seconds)})


def route(scope: Scope) -> str:
    """The template of the route that answers, such as /titles/{id}; `other` where none does."""
    found = getattr(scope.get("route"), "path", None)
    return str(found) if found else "other"


def _fields(scope: Scope, status: int, seconds: float) -> dict[str, Any]:
    return {
        "method": scope["method"],
        "route": route(scope),
        "status": status,
        "ms": round(seconds * 1000, 1),
        "request_id": scope["state"]["request_id"],
        "key": scope["state"].get("key_id"),
    }
