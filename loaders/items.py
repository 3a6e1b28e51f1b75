"""A catalog file → checked items: CSV (`,` `;` or tab), JSON lines or Parquet.

Only `item_id` and one of `title` and `tconst` must be there; the other columns are those of
`loaders.matching.ITEM_SCHEMA`. `HEADERS` lists the other spellings that are understood.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from graph.featured import MOST_BOOST, MOST_FEATURED
from loaders.matching import ITEM_SCHEMA, KIND_GROUPS, CatalogError, split_title
from loaders.table_files import SUFFIXES, columns_of, imdb_id

HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "item_id": ("id", "movieid", "showid", "contentid", "assetid", "sku"),
    "tconst": ("imdb", "imdbid", "imdbtitleid"),
    "title": ("name", "movietitle", "primarytitle"),
    "year": ("releaseyear", "startyear", "productionyear"),
    "kind": ("type", "titletype"),
    "genres": ("genre",),
    "people": ("credits",),
    "regions": ("region", "territories", "territory"),
    "available_from": ("startdate", "validfrom", "licensestart"),
    "available_until": ("availableto", "enddate", "validuntil", "licenseend"),
    "poster_url": ("poster", "posterurl", "image", "imageurl"),
    "pinned": ("pin", "pinorder"),
    "boost": ("boostfactor",),
}
"""Other spellings of each column's name, compared as `columns_of` says."""

KINDS: Final[Mapping[str, str]] = {
    **{kind.lower(): kind for kind in KIND_GROUPS},
    **dict.fromkeys(("film", "feature", "featurefilm"), "movie"),
    **dict.fromkeys(("series", "show", "tvshow", "tv"), "tvSeries"),
    **dict.fromkeys(("miniseries", "limitedseries"), "tvMiniSeries"),
    "episode": "tvEpisode",
    "special": "tvSpecial",
}

ROLES: Final[Mapping[str, tuple[str, str | None]]] = {
    **{role: ("ACTED_IN", role) for role in ("actor", "actress", "self")},
    **dict.fromkeys(("cast", "star", "voice"), ("ACTED_IN", "actor")),
    **dict.fromkeys(("host", "presenter", "narrator"), ("ACTED_IN", "self")),
    "director": ("DIRECTED", None),
    **dict.fromkeys(("writer", "author", "creator"), ("WROTE", None)),
    **dict.fromkeys(("producer", "executive_producer"), ("PRODUCED", None)),
    "composer": ("COMPOSED", None),
    "cinematographer": ("SHOT", None),
    "editor": ("EDITED", None),
    "production_designer": ("DESIGNED", None),
    "casting_director": ("CAST", None),
}
"""What a role in `role:Name` becomes: relationship type and, on screen, category. A name alone is the cast's."""


def read_catalog(path: Path) -> pl.DataFrame:
    """Read and check a catalog: one row an item, the columns of `ITEM_SCHEMA`. CatalogError names the row at fault.

    `Matrix, The (1999)` becomes the title `The Matrix` and, where no column says it, the year 1999.
    """
    return read_items(path)[0]


def read_items(path: Path) -> tuple[pl.DataFrame, int]:
    """The items of a file, and how many identical rows were dropped."""
    seen: dict[str, dict[str, Any]] = {}
    conflicts: list[str] = []
    dropped = 0
    for number, raw in _rows(path):
        try:
            item = _item(raw)
        except ValueError as error:
            raise CatalogError(f"{path}, row {number}: {error}") from None
        first = seen.setdefault(item["item_id"], item)
        if first is not item:
            dropped += first == item
            if first != item:
                differ = ", ".join(name for name in item if first[name] != item[name])
                conflicts.append(f"{item['item_id']!r} (row {number}, other {differ})")
    if conflicts:
        more = f" and {len(conflicts) - 5} more" if len(conflicts) > 5 else ""
        raise CatalogError(
            f"{path}: the item ids {', '.join(conflicts[:5])}{more} stand for several different rows; "
            "keep one row an item (all its regions in one cell, one period)"
        )
    if not seen:
        raise CatalogError(f"{path} is empty; a catalog has a header and at least one item")
    return pl.DataFrame(list(seen.values()), schema=ITEM_SCHEMA), dropped


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row's number (as a spreadsheet counts, or the line) and its cells by our column names."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CatalogError(f"{path} is no catalog: its name must end with {', '.join(SUFFIXES)}")
    try:
        if suffix == ".parquet":
            frame = pl.read_parquet(path)
            columns = _columns(path, frame.columns)
            for number, cells in enumerate(frame.select(columns.values()).iter_rows(), 1):
                yield number, dict(zip(columns, cells, strict=True))
            return
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        raise CatalogError(
            f"{path}, row {row}: byte {error.object[error.start]:#x} is no UTF-8; save it as UTF-8"
        ) from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CatalogError(f"{path} cannot be read: {error}") from None
    yield from (_csv_rows if suffix == ".csv" else _json_rows)(path, text)


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count), strict=True)
    try:
        names = next(reader, [])
        columns = _columns(path, names)
        places = {column: names.index(name) for column, name in columns.items()}
        for cells in reader:
            if any(cells[len(names) :]):
                raise CatalogError(
                    f"{path}, row {reader.line_num}: {len(cells)} cells under {len(names)} columns; "
                    'put a cell that holds the delimiter into "quotes"'
                )
            if any(cells):
                yield reader.line_num, {c: cells[at] for c, at in places.items() if at < len(cells)}
    except csv.Error as error:
        raise CatalogError(f"{path}, row {reader.line_num}: {error}; double every quote inside a quoted cell") from None


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = []
    names: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise CatalogError(f"{path}, row {number}: {error}; each line is one JSON object") from None
            if not isinstance(row, dict):
                raise CatalogError(f"{path}, row {number} is no JSON object")
            names |= dict.fromkeys(row)
            rows.append((number, row))
    columns = _columns(path, names)
    for number, row in rows:
        yield number, {column: row.get(name) for column, name in columns.items()}


def _columns(path: Path, names: Iterable[str]) -> dict[str, str]:
    """Our column → the file's name for it."""
    found = list(names)
    if not found:
        raise CatalogError(f"{path} is empty; a catalog has a header and at least one item")
    columns = columns_of(found, HEADERS)
    if "item_id" not in columns or not {"title", "tconst"} & set(columns):
        raise CatalogError(
            f"{path} has the columns {', '.join(found)}; it needs item_id, and title or tconst (IMDb's id)"
        )
    return columns


def _item(raw: Mapping[str, Any]) -> dict[str, Any]:
    """One row as `ITEM_SCHEMA` has it. ValueError says which cell is at fault and what it should be."""
    cell = {column: _cell(raw.get(column)) for column in HEADERS}
    if cell["item_id"] is None:
        raise ValueError("it has no item_id; give each item the id that your service knows it by")
    title, year, others = split_title(cell["title"] or "")
    tconst = imdb_id(cell["tconst"]) if cell["tconst"] else None
    if cell["tconst"] and tconst is None:
        raise ValueError(f"tconst {cell['tconst']!r} is no IMDb id; write it like tt0114709, or leave it empty")
    if not title and tconst is None:
        raise ValueError("it has neither title nor tconst")
    starts, ends = _day("available_from", raw), _day("available_until", raw)
    if starts and ends and ends < starts:
        raise ValueError(f"available_until {ends} is before available_from {starts}")
    poster = cell["poster_url"]
    if poster and not re.match(r"https?://|/(?!/)", poster):
        raise ValueError(f"poster_url {poster!r} must start with https://, http:// or /")
    return {
        "item_id": cell["item_id"],
        "tconst": tconst,
        "title": " ".join([title, *(f"({other})" for other in others)]) or None,
        "year": _year(cell["year"]) or year,
        "kind": _kind(cell["kind"]),
        "genres": [genre for genre in _list(raw.get("genres")) if genre != "(no genres listed)"],
        "people": [_person(person) for person in _list(raw.get("people"))],
        "regions": sorted({_region(region) for region in _list(raw.get("regions"))}),
        "available_from": starts,
        "available_until": ends,
        "poster_url": poster,
        "pinned": _pinned(cell["pinned"]),
        "boost": _boost(cell["boost"]),
    }


def _cell(value: object) -> str | None:
    if isinstance(value, float):
        if math.isnan(value):  # pandas' null
            return None
        value = int(value) if value.is_integer() else value
    text = "" if value is None else str(value).strip()
    return None if text in {"", "\\N"} else text


def _list(value: object) -> list[str]:
    parts = value if isinstance(value, list) else (_cell(value) or "").split("|")
    return list(dict.fromkeys(text for part in parts if (text := _cell(part))))


def _day(column: str, raw: Mapping[str, Any]) -> dt.date | None:
    value = raw.get(column)
    if isinstance(value, dt.date):
        return value.date() if isinstance(value, dt.datetime) else value
    text = _cell(value)
    try:
        return dt.datetime.fromisoformat(text).date() if text else None
    except ValueError:
        raise ValueError(f"{column} {text!r} is no date; write it like 2026-11-21") from None


def _year(text: str | None) -> int | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{4})(?:-\d\d(?:-\d\d)?)?", text)
    if not found:
        raise ValueError(f"year {text!r} is no year; write it like 1995, or leave it empty")
    return int(found[1])


def _pinned(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MOST_FEATURED:
        raise ValueError(f"pinned {text!r} is no place; write a number from 1, or leave it empty")
    return int(text)


def _boost(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= MOST_BOOST:
        raise ValueError(f"boost {text!r} is no factor; write a number from 0 to {MOST_BOOST:g}, or leave it empty")
    return factor


def _kind(text: str | None) -> str | None:
    if text is None:
        return None
    kind = KINDS.get(re.sub(r"[\s_-]", "", text).lower())
    if kind is None:
        raise ValueError(f"kind {text!r} is unknown; use one of IMDb's: {', '.join(KIND_GROUPS)}")
    return kind


def _person(text: str) -> str:
    role, colon, name = (part.strip() for part in text.partition(":"))
    if not colon:
        return text
    role = re.sub(r"[\s-]", "_", role.lower())
    if role not in ROLES or not name:
        raise ValueError(f"people {text!r}: write role:Name or a name alone; the roles are {', '.join(ROLES)}")
    return f"{role}:{name}"


def _region(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}", text):
        raise ValueError(
            f"region {text!r} is no country code; write it like US, several as US|CA, or none for everywhere"
        )
    return text.upper()


# Writing
