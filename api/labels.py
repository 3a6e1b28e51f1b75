"""Labels of users and items, of any form: what a stranger may send of them."""

from __future__ import annotations

from typing import Any

from graph.schema import fits

_DEPTH, _LABELS = 6, 1_000


def is_text(value: str | None) -> str | None:
    """A text that can be written down. Raises ValueError."""
    if value is not None and ("\0" in value or not fits(value, "string")):
        raise ValueError("is no valid text")
    return value


def are_labels(value: Any) -> Any:
    """Labels of any form that are not too many. Raises ValueError."""
    if _size(value, 0) > _LABELS:
        raise ValueError(f"labels may hold {_LABELS} values, {_DEPTH} deep")
    return value


def _size(value: Any, depth: int) -> int:
    if depth > _DEPTH:
        return _LABELS + 1
    match value:
        case dict():
            return sum(_size(one, depth + 1) + _size(name, depth) for name, one in value.items())
        case list():
            return sum(_size(one, depth + 1) for one in value)
        case str():
            return 1 if len(value) <= 2_000 and "\0" not in value and fits(value, "string") else _LABELS + 1
        case _:
            return 1
