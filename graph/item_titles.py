"""Which title a service's item is: one of the graph where its id or its labels say so, else a title of its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from graph.names import normalise
from graph.store import GraphStore

_TCONST = re.compile(r"(?:imdb[:/_-]?)?(tt\d{7,10})", re.IGNORECASE)
_ID_LABELS = ("tconst", "imdb", "imdb_id", "imdbid")
_NAME_LABELS, _YEAR_LABELS = ("title", "name"), ("year", "start_year", "release_year")
_LOOKED_AT = 20


@dataclass(frozen=True)
class Meant:
    """What is known of the work that an item is: IMDb's id, its name, its year."""

    tconst: str | None = None
    name: str | None = None
    year: int | None = None

    @classmethod
    def of_labels(cls, labels: Any) -> Meant:
        """From labels of any form: an object with `imdb`, `title` and `year`, or a list in which IMDb's id stands."""
        if isinstance(labels, list):
            ids = [found[1].lower() for one in labels if isinstance(one, str) and (found := _TCONST.fullmatch(one))]
            return cls(ids[0] if len(set(ids)) == 1 else None)
        if not isinstance(labels, dict):
            return cls()
        told = {str(name).casefold(): value for name, value in labels.items()}
        id_ = next((told[name] for name in _ID_LABELS if isinstance(told.get(name), str)), "")
        name = next((told[name] for name in _NAME_LABELS if isinstance(told.get(name), str)), None)
        year = next((told[name] for name in _YEAR_LABELS if told.get(name) is not None), None)
        found = _TCONST.fullmatch(id_.strip())
        return cls(found[1].lower() if found else None, name, _year(year))


@dataclass(frozen=True)
class Title:
    """The title that an item is. new: it has to be made, from `row`."""

    id: str
    new: bool = False
    row: Mapping[str, Any] = field(default_factory=dict)


def titles_of(store: GraphStore, asked: Mapping[str, Meant], taken: Collection[str]) -> dict[str, Title]:
    """The title of each new item, by item id. A title is that of one item: a second one gets a title of its own.

    taken: titles that have an item.
    """
    candidates = {
        id_: [one for one in (_tconst(id_), meant.tconst, f"item:{id_}") if one] for id_, meant in asked.items()
    }
    every = list(dict.fromkeys(one for some in candidates.values() for one in some))
    there = set(store.get_nodes("Title", every, []).column("id").to_pylist()) if every else set()
    used, found = set(taken), dict[str, Title]()
    for id_, meant in asked.items():
        known = next((one for one in candidates[id_] if one in there and one not in used), None)
        if known is None and meant.name and meant.year:
            known = _named(store, meant.name, meant.year, used)
        if known is None:
            own = f"item:{id_}" if f"item:{id_}" not in used else f"item::{id_}"
            name = meant.name or id_ or "item"
            row = {"id": own, "kind": "movie", "title": name, "original_title": name, "start_year": meant.year}
            found[id_] = Title(own, own not in there, row)
        else:
            found[id_] = Title(known)
        used.add(found[id_].id)
    return found


def _named(store: GraphStore, name: str, year: int, used: Collection[str]) -> str | None:
    """The one title of that name and year; None where there are several, or none."""
    wanted = normalise(name)
    hits = store.search_text(name, _LOOKED_AT)
    ids = {hit.id for hit in hits if hit.label == "Title" and hit.year == year and normalise(hit.text) == wanted}
    return ids.pop() if len(ids) == 1 and not ids & set(used) else None


def _tconst(id_: str) -> str | None:
    found = _TCONST.fullmatch(id_)
    return found[1].lower() if found else None


def _year(value: Any) -> int | None:
    try:
        year = int(value)
    except (TypeError, ValueError):
        return None
    return year if 1870 <= year <= 2100 else None
