"""A request of Gorse's contract: what it names in its address, its query and its body; and errors as one line."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from graph.history import CLOCKS_APART
from graph.schema import fits
from graph.store import GraphStore

if TYPE_CHECKING:
    from api.gorse.app import Backing

_MOST = 2**31


class Refused(Exception):
    """An error as its status and one line of plain text."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status, self.line = status, line


@dataclass
class Asked:
    """One request. names: what stands in the address where the route has a name."""

    backing: Backing
    names: list[str]
    query_string: str
    headers: dict[str, str]
    body: bytes = b""
    status: int = 200
    answer_headers: dict[str, str] = field(default_factory=dict)
    _query: dict[str, list[str]] | None = None

    @property
    def store(self) -> GraphStore:
        """The store."""
        return self.backing.store

    def all(self, name: str) -> list[str]:
        """All values of a query parameter that are not empty."""
        if self._query is None:
            self._query = parse_qs(self.query_string, keep_blank_values=False)
        return self._query.get(name, [])

    def one(self, name: str) -> str:
        """The first value; '' where there is none."""
        return next(iter(self.all(name)), "")

    def number(self, name: str, default: int) -> int:
        """A count. Raises Refused for what is none."""
        text = self.one(name)
        if not text:
            return default
        try:
            value = int(text) if text.isascii() and "_" not in text else -1
        except ValueError:
            value = -1
        if not 0 <= value < _MOST:
            raise Refused(400, f"{name} must be a whole number, 0 or more, not {text[:40]!r}")
        return value

    def page(self) -> tuple[int, int]:
        """n and offset. n is _MOST where all are meant."""
        return self.number("n", self.backing.default_n) or _MOST, self.number("offset", 0)

    def json(self) -> Any:
        """The body. Raises Refused."""
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"the body is no JSON: {str(error).splitlines()[0]}") from None

    def objects(self) -> list[dict[str, Any]]:
        """The body as a list of objects, keys in lower case. Raises Refused."""
        told = self.json()
        if told is None:
            return []
        if not isinstance(told, list):
            raise Refused(400, "the body must be a list")
        return [lowered(one) for one in told]

    def object(self) -> dict[str, Any]:
        """The body as an object, keys in lower case. Raises Refused."""
        return lowered(self.json())


def lowered(told: Any) -> dict[str, Any]:
    """An object with its keys in lower case; null is an empty one. Raises Refused."""
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise Refused(400, "the body must hold objects")
    return {name.lower(): value for name, value in told.items()}


def text(told: dict[str, Any], name: str, default: str = "") -> str:
    """A field that is a text; null and absent are the default. Raises Refused."""
    value = told.get(name.lower())
    if value is None:
        return default
    if not isinstance(value, str):
        raise Refused(400, f"{name} must be a text")
    if "\0" in value or not fits(value, "string"):
        raise Refused(400, f"{name} is no valid text")
    return value


def here(timestamp: int | None) -> bool:
    """Whether feedback of that time is there by now."""
    return timestamp is None or timestamp <= time.time() + CLOCKS_APART


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
