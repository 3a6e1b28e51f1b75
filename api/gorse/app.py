"""The application under /api/: finds the route, checks what every route of Gorse's checks, and answers as it does."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import anyio.to_thread
from starlette._utils import get_route_path
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.gorse.asked import Asked, Refused
from api.keys import ROLES, Holder, Role
from graph.feedback_kinds import FeedbackKinds
from graph.feedback_writer import FeedbackWriter
from graph.gorse import BadValue
from graph.items import CatalogItems, ServedItems
from graph.lists import Lists
from graph.store import GraphStore, InvalidRows, StoreError

Handler = Callable[[Asked], Any] | Callable[[Asked], Awaitable[Any]]
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True)
class Options:
    """How the contract behaves, as Gorse's configuration has it."""

    default_n: int = 10
    cache_size: int = 100
    auto_insert_user: bool = True
    auto_insert_item: bool = True
    replacement: bool = False


class Backing:
    """What every request works with."""

    def __init__(
        self, store: GraphStore, served: ServedItems, writer: FeedbackWriter, kinds: FeedbackKinds, options: Options
    ) -> None:
        self.store, self.served, self.writer, self.kinds, self.options = store, served, writer, kinds, options
        self.default_n = options.default_n
        self._local = store.url.startswith("embedded:")
        self._lists: dict[str, Lists] = {}

    @property
    def quick(self) -> bool:
        """Whether a read needs no thread of its own: on this machine, and what lists are made of has been counted."""
        return self._local and self.lists.counted > 0

    @property
    def items(self) -> CatalogItems:
        """The items behind /api/."""
        return self.served.of()

    @property
    def lists(self) -> Lists:
        """Lists of these."""
        items = self.items
        held = self._lists.get(items.catalog)
        if held is None or held.items is not items:
            held = self._lists[items.catalog] = Lists(self.store, items, self.kinds)
        return held


@dataclass(frozen=True)
class Route:
    """How one method of an address is answered. role: what a key must allow; quick: it only reads a little."""

    path: str
    handler: Handler
    role: Role = "read"
    quick: bool = False


class Gorse:
    """An ASGI application. routes: (method, address) → how it is answered; {name} stands for one segment."""

    def __init__(self, backing: Backing, routes: Mapping[tuple[str, str], Route]) -> None:
        self._backing = backing
        self._tree: dict[str, Any] = {}
        for (method, path), route in routes.items():
            at = self._tree
            for part in path.strip("/").split("/"):
                at = at.setdefault("{}" if part.startswith("{") else part, {})
            at.setdefault("", {})[method] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            value, status, headers = await self._answer(request)
            content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
            response = Response(content, status, headers, "application/json")
        except Refused as error:
            response = Response(error.line, error.status, media_type="text/plain")
        except (BadValue, InvalidRows) as error:
            response = Response(str(error).replace("\n", " "), 400, media_type="text/plain")
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> tuple[Any, int, dict[str, str]]:
        route, names = self._found(request)
        request.scope["route"] = SimpleNamespace(path=f"/api{route.path}")
        _check_role(request, route)
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
        if request.method in _WITH_BODY and not told.get("content-type", "").startswith("application/json"):
            raise Refused(415, "send Content-Type: application/json")
        accept = told.get("accept", "*/*")
        if not any(form in accept for form in ("application/json", "*/*", "application/*")):
            raise Refused(406, "this answers application/json alone")
        body = await request.body() if request.method in _WITH_BODY else b""
        asked = Asked(self._backing, names, request.scope["query_string"].decode("latin-1"), told, body)
        try:
            if inspect.iscoroutinefunction(route.handler):
                value = await route.handler(asked)
            elif route.quick and self._backing.quick:
                value = route.handler(asked)
            else:
                value = await anyio.to_thread.run_sync(route.handler, asked)
        except InvalidRows:
            raise
        except StoreError as error:
            raise Refused(500, type(error).__name__) from error
        return value, asked.status, asked.answer_headers

    def _found(self, request: Request) -> tuple[Route, list[str]]:
        path = get_route_path(request.scope)
        parts = path.strip("/").split("/") if not path.endswith("//") else ["", ""]
        for at, names in _leaves(self._tree, parts, []):
            methods = at.get("")
            if methods:
                route = methods.get("GET" if request.method == "HEAD" else request.method)
                if route is None:
                    raise Refused(405, "405: Method Not Allowed")
                return route, names
        raise Refused(404, "404: Page Not Found")


def _leaves(at: dict[str, Any], parts: list[str], names: list[str]) -> list[tuple[dict[str, Any], list[str]]]:
    """Where an address may lead in the tree, what is written out before what is named."""
    if not parts:
        return [(at, names)]
    first, rest = parts[0], parts[1:]
    found = []
    if first and first in at:
        found += _leaves(at[first], rest, names)
    if first and "{}" in at:
        found += _leaves(at["{}"], rest, [*names, first])
    return [one for one in found if "" in one[0]]


def _check_role(request: Request, route: Route) -> None:
    if route.path.startswith("/health/"):
        return
    holder: Holder | None = getattr(request.state, "holder", None)
    if holder is None:
        raise Refused(401, "unauthorized")
    needed: Role = "write" if "write-back-type" in request.query_params else route.role
    if ROLES.index(holder.role) < ROLES.index(needed):
        raise Refused(401, "unauthorized")
