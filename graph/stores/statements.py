"""The Cypher statements of the Neo4j store: files in `cypher/`, read by name.

Where a statement needs a label, a relationship type, an id's name or an index, its file has a name in angle brackets.
What is put there comes from `graph.schema` or is checked here: never from a request. Values are always parameters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "cypher"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_|]{0,400}")
_PLACE = re.compile(r"<([A-Z_]+)>")
_COMMENT = re.compile(r"^\s*//.*\n?", re.M)


@lru_cache
def text(name: str) -> str:
    """The statement of `cypher/NAME.cypher`, without its comments."""
    return _COMMENT.sub("", (FOLDER / f"{name}.cypher").read_text("utf-8")).strip()


def filled(statement: str, **names: str) -> str:
    """A statement with names in its places, each checked to be nothing but a name (or several, split by `|`)."""

    def name(found: re.Match[str]) -> str:
        given = names.get(found[1].lower())
        if given is None:
            return found[0]
        if not _NAME.fullmatch(given):
            raise ValueError(f"{given!r} is no name")
        return given

    return _PLACE.sub(name, statement)
