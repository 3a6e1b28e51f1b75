"""Who may ask what: a role for each router, put on by `api.app`; and where the service may listen without keys."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer, SecurityScopes

from api.keys import ROLES, Holder
from api.problems import Problem

KEY_HEADER = "X-Api-Key"
_BEARER = HTTPBearer(scheme_name="bearer", description="a key of `reelgraph keys make`", auto_error=False)
_HEADER = APIKeyHeader(name=KEY_HEADER, scheme_name="header", description="the same key", auto_error=False)


async def holds(
    request: Request,
    roles: SecurityScopes,
    _bearer: Annotated[object, Depends(_BEARER)],
    _header: Annotated[object, Depends(_HEADER)],
) -> None:
    """Raise the problem of a request whose key, as `api.access` found it, has not the role that a route needs."""
    check(request, *roles.scopes)


async def declared(
    _bearer: Annotated[object, Depends(_BEARER)],
    _header: Annotated[object, Depends(_HEADER)],
) -> None:
    """Only say that a key may be needed; the route itself checks."""


def check(request: Request, *needed: str) -> None:
    """The same, for a route that needs a role only for some of what it answers."""
    holder: Holder | None = getattr(request.state, "holder", None)
    if holder is None:
        raise unauthorized()
    for role in needed:
        if ROLES.index(holder.role) < ROLES.index(role):
            raise Problem(403, f"This needs a key of the role {role}; this one may only {holder.role}.")


def unauthorized(detail: str = "Send a key of this service as Authorization: Bearer KEY.") -> Problem:
    """Nobody known."""
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


READER = Security(holds, scopes=["read"])
"""May read the graph."""
EDITOR = Security(holds, scopes=["write"])
"""May also change what a catalog offers."""
ADMIN = Security(holds, scopes=["admin"])
"""May also ask the engine itself."""


def refusal(host: str, *, has_keys: bool) -> str | None:
    """Why the service must not listen there; None where it may: beyond this machine it needs a key."""
    if has_keys or is_loopback(host):
        return None
    return (
        f"{host} can be reached from other machines; make a key first (reelgraph keys make NAME --role admin, or "
        "REELGRAPH_API_KEY), or listen on 127.0.0.1"
    )


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
