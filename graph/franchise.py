"""Which series of works a title's name speaks of: "Toy Story 3" and "Toy Story" speak of "toy story".

IMDb's files have no relation between a film and its sequels; names are the only trace of it.
"""

from __future__ import annotations

import re

from graph.names import normalise

_SUBTITLE = r"\s*(?::|\s[-–—]\s|,? (?i:part|vol\.?|volume|chapter|episode) ).*$"
_NUMERALS = "ii|iii|iv|v|vi|vii|viii|ix|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen"
_NUMBER = rf"(?:\s(?:[0-9]{{1,2}}|{_NUMERALS}))+$"
_ARTICLE = r"^(?:the|a|an) "


def series_name(title: str) -> str:
    """The name without subtitle, number and article, normalised; '' for an empty one."""
    return _NO_ARTICLE.sub("", _NO_NUMBER.sub("", normalise(_NO_SUBTITLE.sub("", title))))


def series_label(title: str) -> str:
    """The name without subtitle and number as people write it: "Toy Story" of "Toy Story 3"."""
    return _NO_FINAL_NUMBER.sub("", _NO_SUBTITLE.sub("", title)) or title


def series_parts(title: str) -> list[str]:
    """The series that each part of a name speaks of: "lost world" and "jurassic park"."""
    return [series_name(part) for part in _PARTS.split(title)]


def same_series(a: str, b: str) -> bool:
    """Whether two names speak of one series, or one goes on where the other ends ("The Matrix Reloaded")."""
    return any(continues(one, other) for one in series_parts(a) for other in series_parts(b))


def continues(a: str, b: str) -> bool:
    """Whether of two series names, neither empty, one is the beginning of the other, in whole words."""
    return bool(a and b) and (f"{a} ".startswith(f"{b} ") or f"{b} ".startswith(f"{a} "))


_NO_SUBTITLE, _NO_NUMBER, _NO_ARTICLE = (re.compile(pattern) for pattern in (_SUBTITLE, _NUMBER, _ARTICLE))
_PARTS = re.compile(r":\s|\s[-–—]\s")
_NO_FINAL_NUMBER = re.compile(_NUMBER, re.IGNORECASE)
