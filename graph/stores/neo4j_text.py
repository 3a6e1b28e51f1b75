"""Search by name through Neo4j's full-text indexes: the query that Lucene is asked, and its rows as hits.

Lucene finds candidates, among equal ones the best known first; `graph.match` ranks them as it does for any store. The
text never reaches Lucene's syntax: each word is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graph.names import UNSPACED_WORD, normalise
from graph.schema import CREDITS
from graph.store import TextHit
from graph.stores.statements import text
from graph.text import PEOPLE, QUERY_LENGTH, QUERY_WORDS

FAME = 0.1
"""A person is as well known as a title with a tenth of the votes of all that they made (`graph.indexing`)."""
_FETCH, _FUZZY_FROM = 120, 4
_SYNTAX = re.compile(r'([+\-&|!(){}\[\]^"~*?:\\/<>=\s])')


NAMES: Mapping[str, tuple[str, ...]] = {
    "Title": ("title", "original_title"), "AlternateTitle": ("title",), "Person": ("name",)
}  # fmt: skip
"""The properties that are names; beside each there is one of the store's own, NAME_words, which is indexed."""


def words_of(name: str | None) -> str | None:
    """A name as it is indexed: its words as they are compared, then all of them as one."""
    words = normalise(name).split() if name else []
    if not words:
        return None
    return " ".join([*words, "".join(words)] if len(words) > 1 else words)


def with_words(label: str, properties: dict[str, Any]) -> dict[str, Any]:
    """A node's properties, with the words of those names that are among them."""
    words = {f"{name}_words": words_of(properties[name]) for name in NAMES.get(label, ()) if name in properties}
    return properties | words if words else properties


def text_parameters(query: str, limit: int, *, prefix: bool, adult: bool) -> tuple[str, dict[str, Any]]:
    """The statement of a search by name, and its parameters; without a word to look for they ask for nothing."""
    words = [word for word in normalise(query[:QUERY_LENGTH]).split()[:QUERY_WORDS] if word.isprintable()]
    asked = bool(words) and limit > 0
    of_people = asked and (not prefix or len(words) > 1)
    cypher = text("queries/text").replace("<CREDITS>", "|".join(CREDITS)).replace("<FAME>", str(FAME))
    return cypher, {
        "query": _names(words, prefix) if asked else None,
        "people": _people(words, prefix) if of_people else None,
        "fetch": limit * 2 + _FETCH,
        "limit": max(limit, 0),
        "few": PEOPLE // 2,
        "adult": adult,
    }


def text_hits(value: list[Any]) -> list[TextHit]:
    """The rows of a search by name as hits, titles first."""
    titles, people = value
    hits = [
        TextHit("Title", id_, name, type_, votes or 0, year, kind, region, language)
        for id_, name, type_, region, language, votes, year, kind in titles
    ]
    return hits + [TextHit("Person", id_, name, "primary", votes, None, "person") for id_, name, votes in people]


def _names(words: list[str], prefix: bool) -> str:
    """Names with any of the words, each with a typo at most: all of them, in this order, count for more.

    prefix: names that the last word begins a word of, as it is typed; the words before it may have a typo.
    """
    parts = [_any(word) for word in (words[:-1] if prefix else words)]
    if prefix:
        last = words[-1]
        parts.append(f"({_exact(last)}^3 {_escaped(last)}*^2)")
    if len(words) > 1:
        whole, joined = " ".join(_escaped(word) for word in words), "".join(words)
        parts += [f'"{whole}"^4', f"{_escaped(joined)}*^2" if prefix else _any(joined, most=1)]
    return " ".join(parts)


def _people(words: list[str], prefix: bool) -> str:
    """Names with all of the words."""
    parts = [f"+{_any(word)}" for word in words]
    if prefix:
        parts[-1] = f"+{_escaped(words[-1])}*"
    return " ".join(parts)


def _any(word: str, most: int = 2) -> str:
    """A word with typos; most: of a long one. Of all words as one a second typo would take as long as all the rest."""
    if len(word) < _FUZZY_FROM or UNSPACED_WORD.search(word):
        return _exact(word)
    return f"({_escaped(word)}^3 {_escaped(word)}~{most if len(word) > 7 else 1})"


def _exact(word: str) -> str:
    return f'"{_escaped(word)}"' if UNSPACED_WORD.search(word) else _escaped(word)


def _escaped(word: str) -> str:
    # Upper-case words of the syntax (AND, OR, NOT, TO) do not come here: normalised text is lower case.
    return _SYNTAX.sub(r"\\\1", word)
