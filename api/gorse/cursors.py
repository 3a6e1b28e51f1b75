"""Cursors: where a page ended, as a text that clients send back as it is."""

from __future__ import annotations

import base64
import json

from api.gorse.asked import Refused


def made(*key: str) -> str:
    """A cursor after that key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def read(cursor: str, length: int) -> list[str]:
    """The key that a cursor was made of; empty for the beginning. Raises Refused."""
    if not cursor:
        return []
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or len(key) != length or not all(isinstance(one, str) for one in key):
        raise Refused(400, f"{cursor[:60]!r} is no cursor of this service")
    return key
