"""Before every request is answered: whose key it carries, and whether there were too many of them.

Without any key the service is open, to this machine alone: the client's address is loopback, no proxy has passed the
request on, and it was sent to a name of this machine (a page elsewhere can point a name of its own at 127.0.0.1, but
the browser then sends that name) by a page of this service or by no page. In every other case it is closed.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.keys import Holder, Keys
from api.problems import Problem, response_of
from api.rates import Rates
from api.security import KEY_HEADER, is_loopback, unauthorized
from api.settings import Settings
from graph.store import GraphStore, StoreError

OPEN = Holder("open", "admin")
"""Anybody on this machine, while there are no keys."""
_PROBES = ("/health/", "/api/health/")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class Access:
    """ASGI middleware: puts the Holder into the request's state, or answers 401, 403 or 429 itself. Not for /health."""

    def __init__(self, app: ASGIApp, keys: Keys, rates: Rates, settings: Settings, store: GraphStore) -> None:
        self._app, self._keys, self._rates, self._settings, self._store = app, keys, rates, settings, store
        self._one = anyio.CapacityLimiter(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] == "http" and not scope["path"].startswith(_PROBES):
            request = Request(scope)
            try:
                holder = await self._holder(request)
            except (Problem, StoreError) as error:
                await response_of(request, error, self._store)(scope, receive, send)
                return
            scope["state"]["holder"] = holder
            scope["state"]["key_id"] = holder.id if holder and holder is not OPEN else None
        await self._app(scope, receive, send)

    async def _holder(self, request: Request) -> Holder | None:
        """Who asks; None: nobody that is known, who may see what is open to all. Raises Problem, or StoreError."""
        if self._keys.stale:
            await anyio.to_thread.run_sync(self._keys.refresh, limiter=self._one)
        address = _address(request)
        needs_key = self._settings.require_keys or self._keys.any()
        holder = await self._known(request, address) if needs_key else self._anybody(request)
        who = holder.id if holder and holder is not OPEN else f"address {address}"
        wait = await self._rates.request(who, needs_key=needs_key)
        if wait is not None:
            raise too_many(wait)
        if holder is None and request.method not in _READS:
            raise unauthorized()  # before a body is read from somebody unknown
        return holder

    async def _known(self, request: Request, address: str) -> Holder | None:
        key = _key(request.headers)
        if key is None:
            return None
        if holder := self._keys.made(key):
            return holder
        if await self._rates.may_guess(address) and (holder := self._keys.given(key)):
            return holder
        wait = await self._rates.wrong_key(address)
        raise unauthorized("That key is not, or no longer, one of this service.") if wait is None else too_many(wait)

    def _anybody(self, request: Request) -> Holder:
        client = request.client.host if request.client else ""
        if not is_loopback(client) or any(name in request.headers for name in _PASSED_ON):
            raise unauthorized("This service has no keys, so it answers its own machine alone: reelgraph keys make.")
        host = request.headers.get("host", "")
        if not is_loopback(_name(host)):
            raise Problem(403, "Without keys this service answers only as localhost, 127.0.0.1 or [::1].")
        origin = request.headers.get("origin")
        own = (f"{request.url.scheme}://{host}", *self._settings.cors_origins)
        if origin and origin not in own and request.method not in _READS:
            raise Problem(403, "Without keys only this service's own pages may send something.")
        return OPEN


def too_many(seconds: int) -> Problem:
    """More than the rate allows."""
    return Problem(429, f"Too many requests; try again in {seconds} s.", headers={"Retry-After": str(seconds)})


def _key(headers: Headers) -> str | None:
    """The key that a request carries; never one in an address, which stands in logs."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return (given.strip() if scheme.lower() == "bearer" else "") or headers.get(KEY_HEADER) or None


def _name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _address(request: Request) -> str:
    """The client's address; of IPv6 the network, which one client has to itself."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((host, 64), strict=False)) if address.version == 6 else host
