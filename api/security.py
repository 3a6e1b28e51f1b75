"""Who may ask what: one dependency for each role, put on whole routers by `api.app`."""

from __future__ import annotations

import hmac
import ipaddress

from fastapi import Request

from api.problems import Problem
from api.settings import Settings

KEY_HEADER = "X-Api-Key"


async def reader(request: Request) -> None:
    """May read the graph. Where a key is set, each request must carry it."""
    await _holds_key(request)


async def editor(request: Request) -> None:
    """May change what a catalog offers."""
    await _holds_key(request)


async def _holds_key(request: Request) -> None:
    settings: Settings = request.app.state.service.settings
    if settings.api_key is None:
        return
    given = request.headers.get(KEY_HEADER, "").encode()
    if not hmac.compare_digest(given, settings.api_key.get_secret_value().encode()):
        raise Problem(401, f"Send the key of this service as {KEY_HEADER}.", headers={"WWW-Authenticate": "ApiKey"})


def refusal(host: str, settings: Settings) -> str | None:
    """Why the service must not listen there; None where it may: beyond this machine it needs a key."""
    if settings.api_key is not None or _is_loopback(host):
        return None
    return f"{host} can be reached from other machines; set REELGRAPH_API_KEY first, or listen on 127.0.0.1"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
