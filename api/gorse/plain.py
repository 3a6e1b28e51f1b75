"""Around all of /api/: errors as one line of plain text, and pages of other origins let in where keys are needed."""

from __future__ import annotations

import json

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import OPEN

PREFIX = "/api/"
_PROBLEM = "application/problem+json"


class Plain:
    """ASGI middleware: makes every problem under /api/ what Gorse's clients read, whoever answered it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        begun: Message | None = None
        held = b""

        async def sent(message: Message) -> None:
            nonlocal begun, held
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # Without keys this machine's own pages alone may read what is here (api.access).
                if scope.get("state", {}).get("holder") is not OPEN or "origin" not in Headers(scope=scope):
                    headers["Access-Control-Allow-Origin"] = "*"
                if headers.get("content-type", "").startswith(_PROBLEM):
                    begun = message
                    return
            elif begun is not None:
                held += message.get("body", b"")
                if not message.get("more_body"):
                    await _plain(begun, held, send)
                return
            await send(message)

        await self._app(scope, receive, sent)


async def _plain(begun: Message, held: bytes, send: Send) -> None:
    line = "unauthorized" if begun["status"] == 401 else str(json.loads(held)["detail"]).replace("\n", " ")
    body = line.encode()
    headers = MutableHeaders(scope=begun)
    headers["Content-Type"], headers["Content-Length"] = "text/plain; charset=utf-8", str(len(body))
    await send(begun)
    await send({"type": "http.response.body", "body": body})
