"""A service's own list of what it may show: read and checked, matched to IMDb, and put into graph tables.

A catalog is CSV (`,` `;` or tab), JSON lines or Parquet. Only `item_id` and one of `title` and `tconst` must be there;
the other columns are those of `loaders.matching.ITEM_SCHEMA`. `HEADERS` lists the other spellings that are understood.
Nothing of a catalog is lost: an item that IMDb lacks, or whose match nobody has reviewed yet, is a Title of its own.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from graph.names import normalised
from graph.schema import NODES
from graph.tables import rows_to_table, table_path, write_table
from loaders.matching import (
    ITEM_SCHEMA,
    KIND_GROUPS,
    CatalogError,
    decisions_about,
    imdb_id,
    match_items,
    people_named,
    split_title,
    write_review,
)

__all__ = ["CatalogError", "CatalogFile", "CatalogReport", "add_catalogs", "read_catalog"]

SUFFIXES: Final = (".csv", ".jsonl", ".ndjson", ".parquet")

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
}
"""Other spellings of each column's name, compared in lower case and without `_`, `-` and spaces."""

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

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True)
class CatalogFile:
    """A catalog to load: its file, its slug, the name that people see, and its review file (None: beside it)."""

    path: Path
    slug: str
    name: str
    review: Path | None = None

    def __post_init__(self) -> None:
        """Raises CatalogError when the slug cannot stand in an address."""
        if not _SLUG.fullmatch(self.slug):
            raise CatalogError(f"{self.path}: {self.slug!r} is no slug; give one as FILE:SLUG, of a-z, 0-9 and -")

    @classmethod
    def of(cls, text: str) -> CatalogFile:
        """From `FILE` or `FILE:SLUG`; without a slug the file's name makes one."""
        path, slug = Path(text), ""
        if path.suffix.lower() not in SUFFIXES and ":" in text:
            file, _, slug = text.rpartition(":")
            return cls(Path(file), slug, Path(file).stem)
        slug = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")
        return cls(path, slug, path.stem)

    @property
    def review_path(self) -> Path:
        """Where doubtful matches are listed, and decisions about them read."""
        return self.review or self.path.with_name(f"{self.path.stem}.review.csv")


@dataclass(frozen=True)
class CatalogReport:
    """What became of a catalog's items. `matched` counts the sure ones by how they were matched.

    unknown_tconsts: ids that the graph lacks. stale_decisions: about an item or a title that is not there any more.
    """

    slug: str
    items: int
    matched: Mapping[str, int] = field(default_factory=dict)
    unsure: int = 0
    own: int = 0
    skipped: int = 0
    duplicates_dropped: int = 0
    unknown_tconsts: int = 0
    stale_decisions: int = 0
    review: Path | None = None


def read_catalog(path: Path) -> pl.DataFrame:
    """Read and check a catalog: one row an item, the columns of `ITEM_SCHEMA`. CatalogError names the row at fault.

    `Matrix, The (1999)` becomes the title `The Matrix` and, where no column says it, the year 1999.
    """
    return _read(path)[0]


def add_catalogs(
    folder: Path, catalogs: Sequence[CatalogFile], taken: Mapping[str, tuple[str, int | None]] | None = None
) -> list[CatalogReport]:
    """Match catalogs to the titles in a folder of graph tables and write them into it, before its manifest is made.

    Adds Catalog and OFFERS (what the folder had of the same catalogs goes), own titles with their genres and people,
    and posters. All catalogs are checked before anything is written; doubtful matches go to each review file.
    taken: own titles (id → title and year) that other catalogs offer already.
    """
    for slug, count in Counter(catalog.slug for catalog in catalogs).items():
        if count > 1:
            raise CatalogError(f"{count} catalogs have the slug {slug!r}; give each one of its own as FILE:SLUG")
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    reports, own = [], _OwnTitles(taken or {})
    posters: dict[str, str] = {}
    for catalog in catalogs:
        items, dropped = _read(catalog.path)
        decisions, gone = decisions_about(items, catalog.review_path)
        matched = match_items(items, folder, decisions)
        rows["Catalog"].append({"id": catalog.slug, "name": catalog.name})
        for item in matched.filter(pl.col("status") != "skip").iter_rows(named=True):
            sure = item["status"] == "sure"
            title_id = item["title_id"] if sure else own.add(item, catalog)
            rows["OFFERS"].append(_offer(catalog.slug, title_id, item))
            if sure and item["poster_url"]:
                posters.setdefault(title_id, item["poster_url"])
        if matched["status"].eq("unsure").any() or catalog.review_path.exists():
            write_review(catalog.review_path, matched, decisions | gone)
        reports.append(_report(catalog, matched, dropped, decisions, len(gone)))
    own.into(rows, folder)
    _upsert(folder, rows, posters, [catalog.slug for catalog in catalogs])
    return reports


# Reading


def _read(path: Path) -> tuple[pl.DataFrame, int]:
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
    """Our column → the file's name for it; its own spelling goes before the others, in the order of `HEADERS`."""
    found = {re.sub(r"[\s_-]", "", name).lower(): name for name in reversed(list(names))}
    columns = {}
    for column, others in HEADERS.items():
        for spelling in (column.replace("_", ""), *others):
            if spelling in found:
                columns[column] = found[spelling]
                break
    if not found:
        raise CatalogError(f"{path} is empty; a catalog has a header and at least one item")
    if "item_id" not in columns or not {"title", "tconst"} & set(columns):
        raise CatalogError(
            f"{path} has the columns {', '.join(found.values())}; it needs item_id, and title or tconst (IMDb's id)"
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


def _offer(slug: str, title_id: str, item: Mapping[str, Any]) -> dict[str, Any]:
    how, confidence = item["match"], item["confidence"]
    if item["status"] != "sure":
        how, confidence = ("unsure", round(1 - confidence, 4)) if item["status"] == "unsure" else ("own", 1.0)
    kept = {name: item[name] or None for name in ("item_id", "regions", "available_from", "available_until")}
    return {"head": slug, "tail": title_id, "key": item["item_id"], **kept, "match": how, "confidence": confidence}


def _report(
    catalog: CatalogFile, matched: pl.DataFrame, dropped: int, decisions: Mapping[str, str], stale: int
) -> CatalogReport:
    status = Counter(matched["status"])
    sure = matched.filter(pl.col("status") == "sure")
    astray = pl.col("tconst").is_not_null() & ~pl.col("match").is_in(["tconst", "review"]).fill_null(False)
    heeded = set(matched.filter(pl.col("match") == "review")["item_id"])
    return CatalogReport(
        slug=catalog.slug,
        items=matched.height,
        matched=dict(Counter(sure["match"]).most_common()),
        unsure=status["unsure"],
        own=status["none"] + status["own"],
        skipped=status["skip"],
        duplicates_dropped=dropped,
        unknown_tconsts=matched.filter(astray).height,
        stale_decisions=stale + len(decisions.keys() - heeded),
        review=catalog.review_path if catalog.review_path.exists() else None,
    )


class _OwnTitles:
    """Items without a title in IMDb, as titles with the id `item:ID`."""

    def __init__(self, taken: Mapping[str, tuple[str, int | None]]) -> None:
        self.items: dict[str, Mapping[str, Any]] = {}
        self._works: dict[str, tuple[str | None, int | None]] = dict(taken)

    def add(self, item: Mapping[str, Any], catalog: CatalogFile) -> str:
        """The item's id as a title. Two catalogs may use one item id for different works: then the slug parts them."""
        for title_id in (f"item:{item['item_id']}", f"item:{catalog.slug}:{item['item_id']}"):
            work = (item["title"] or item["tconst"], item["year"])
            if self._works.setdefault(title_id, work) == work:
                self.items.setdefault(title_id, item)
                return title_id
        raise CatalogError(f"{catalog.path}: item {item['item_id']!r} has the id of another catalog's; rename one")

    def into(self, rows: dict[str, list[dict[str, Any]]], folder: Path) -> None:
        """Add the titles, their genres and people as rows of graph tables."""
        path = table_path(folder, "Genre")
        names = pl.read_parquet(path, columns=["id"])["id"].to_list() if path.exists() else []
        genres = {name.casefold(): name for name in names}
        people = []
        for title_id, item in self.items.items():
            name = item["title"] or item["tconst"]
            title = {"kind": item["kind"] or "movie", "title": name, "original_title": name, "start_year": item["year"]}
            rows["Title"].append({"id": title_id, **title, "poster_url": item["poster_url"]})
            for genre in {genre.casefold(): genre for genre in item["genres"]}.values():
                if genre.casefold() not in genres:
                    rows["Genre"].append({"id": genre})
                known = genres.setdefault(genre.casefold(), genre)
                rows["IN_GENRE"].append({"head": title_id, "tail": known})
            for ordering, person in enumerate(item["people"], 1):
                role, _, person_name = person.rpartition(":")
                people.append((title_id, ordering, role or "actor", person_name))
        _add_people(people, rows, folder)


def _add_people(people: list[tuple[str, int, str, str]], rows: dict[str, list[dict[str, Any]]], folder: Path) -> None:
    """Credits (title id, ordering, role, name) of own titles: to the person meant, or to a new one of that name."""
    credited = pl.DataFrame(
        people, schema={"title": pl.String, "ordering": pl.Int64, "role": pl.String, "name": pl.String}, orient="row"
    )
    if credited.is_empty():
        return
    credited = credited.with_columns(key=normalised(pl.col("name")))
    known = people_named(credited["key"], folder)
    for title_id, ordering, role, name, key in credited.iter_rows():
        person = known.get(key)
        if person is None:
            person = known[key] = f"person:{key}"
            rows["Person"].append({"id": person, "name": name})
        type_, category = ROLES[role]
        credit = {"head": person, "tail": title_id, "key": str(ordering), "ordering": ordering}
        rows[type_].append({**credit, "category": category} if type_ == "ACTED_IN" else credit)


def _upsert(
    folder: Path, rows: Mapping[str, list[dict[str, Any]]], posters: Mapping[str, str], slugs: Sequence[str]
) -> None:
    """Write new rows into the tables, over old ones of the same identity; files change only once all are written."""
    partial = folder / ".catalogs"
    shutil.rmtree(partial, ignore_errors=True)
    changed = [name for name, new in rows.items() if new] + (["Title"] if posters and not rows.get("Title") else [])
    for name in changed:
        write_table(partial, name, _merged(folder, name, rows.get(name, []), posters, slugs))
    for name in changed:
        table_path(folder, name).parent.mkdir(parents=True, exist_ok=True)
        table_path(partial, name).replace(table_path(folder, name))
    shutil.rmtree(partial, ignore_errors=True)


def _merged(
    folder: Path, name: str, rows: list[dict[str, Any]], posters: Mapping[str, str], slugs: Sequence[str]
) -> Iterator[pa.Table]:
    """A table batch by batch: its old rows with posters, without what is replaced, then the new ones."""
    new = rows_to_table(name, rows)
    identity = ["id"] if name in NODES else ["head", "tail", "key"]
    replaced = pl.DataFrame(pl.from_arrow(new.select(identity)))
    pictures = pl.DataFrame(list(posters.items()), schema={"id": pl.String, "picture": pl.String}, orient="row")
    path = table_path(folder, name)
    if path.exists():
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1 << 18):
                old = pl.DataFrame(pl.from_arrow(batch)).join(replaced, on=identity, how="anti")
                if name == "OFFERS":
                    old = old.filter(pl.col("head").is_in(slugs).not_())
                if name == "Title":
                    old = old.join(pictures, on="id", how="left", maintain_order="left")
                    old = old.with_columns(poster_url=pl.coalesce("picture", "poster_url")).drop("picture")
                yield old.to_arrow()
    yield new
