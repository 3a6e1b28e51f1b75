"""What one request may take: bytes of its body, and seconds."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import RETRY_SECONDS, problem_response


class BodyLimit:
    """ASGI middleware: 413 for a body beyond `most` bytes, as soon as it says so or has sent more."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        detail = f"The body is larger than {self._most} bytes."
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said) > self._most:
            await problem_response(413, detail, scope["state"]["request_id"])(scope, receive, send)
            return
        held = 0

        async def counted() -> Message:
            nonlocal held
            message = await receive()
            held += len(message.get("body", b""))
            if held > self._most:
                raise HTTPException(413, detail)
            return message

        await self._app(scope, counted, send)


class TimeLimit:
    """ASGI middleware: 503 for a request that has no answer after `seconds`.

    A thread cannot be stopped: one that still works on it does so unheard, and counts among those that are busy, so
    there are never more than the settings say.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app, self._seconds = app, seconds
        self._unheard: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = late = False

        async def heard(message: Message) -> None:
            nonlocal begun
            if not late:
                begun = True
                await send(message)

        async def answer() -> None:
            await self._app(scope, receive, heard)

        task = asyncio.create_task(answer())
        try:
            await asyncio.wait({task}, timeout=self._seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if begun or task.done():
            await task
            return
        late = True
        self._unheard.add(task)
        task.add_done_callback(self._forget)
        detail = f"There was no answer within {self._seconds:g} seconds."
        headers = {"Retry-After": str(RETRY_SECONDS)}
        await problem_response(503, detail, scope["state"]["request_id"], headers=headers)(scope, receive, send)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._unheard.discard(task)
        if not task.cancelled():
            task.exception()  # nobody hears of it any more
