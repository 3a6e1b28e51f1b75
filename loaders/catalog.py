"""A service's own list of what it may show: read and checked, matched to IMDb, and put into graph tables.

`loaders.items` reads the file, `loaders.matching` finds the titles.
Nothing of a catalog is lost: an item that IMDb lacks, or whose match nobody has reviewed yet, is a Title of its own.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from graph.names import normalised
from graph.schema import NODES
from graph.tables import rows_to_table, table_path, write_table
from loaders.items import ROLES, read_catalog, read_items
from loaders.matching import (
    CatalogError,
    decisions_about,
    match_items,
    people_named,
    write_review,
)
from loaders.table_files import SUFFIXES

__all__ = ["CatalogError", "CatalogFile", "CatalogReport", "add_catalogs", "read_catalog"]
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


def add_catalogs(
    folder: Path, catalogs: Sequence[CatalogFile], taken: Mapping[str, tuple[str, int | None]] | None = None,
    held: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[CatalogReport]:  # fmt: skip
    """Match catalogs to the titles in a folder of graph tables and write them into it, before its manifest is made.

    Adds Catalog and OFFERS (what the folder had of the same catalogs goes), own titles with their genres and people,
    and posters. All catalogs are checked before anything is written; doubtful matches go to each review file.
    taken: own titles (id → title and year) that other catalogs offer already. held: what is said of these catalogs
    already, by slug: all but their names stays.
    """
    for slug, count in Counter(catalog.slug for catalog in catalogs).items():
        if count > 1:
            raise CatalogError(f"{count} catalogs have the slug {slug!r}; give each one of its own as FILE:SLUG")
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    reports, own = [], _OwnTitles(taken or {})
    posters: dict[str, str] = {}
    for catalog in catalogs:
        items, dropped = read_items(catalog.path)
        decisions, gone = decisions_about(items, catalog.review_path)
        matched = match_items(items, folder, decisions)
        rows["Catalog"].append({**(held or {}).get(catalog.slug, {}), "id": catalog.slug, "name": catalog.name})
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


def _offer(slug: str, title_id: str, item: Mapping[str, Any]) -> dict[str, Any]:
    how, confidence = item["match"], item["confidence"]
    if item["status"] != "sure":
        how, confidence = ("unsure", round(1 - confidence, 4)) if item["status"] == "unsure" else ("own", 1.0)
    kept = {name: item[name] or None for name in ("item_id", "regions", "available_from", "available_until")}
    kept |= {name: item[name] for name in ("pinned", "boost")}
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
        texts = _texts_of(list(self.items), folder)
        for title_id, item in self.items.items():
            name = item["title"] or item["tconst"]
            title = {"kind": item["kind"] or "movie", "title": name, "original_title": name, "start_year": item["year"]}
            given = {"poster_url": item["poster_url"], "text": texts.get(title_id)}
            rows["Title"].append({"id": title_id, **title, **given})
            for genre in {genre.casefold(): genre for genre in item["genres"]}.values():
                if genre.casefold() not in genres:
                    rows["Genre"].append({"id": genre})
                known = genres.setdefault(genre.casefold(), genre)
                rows["IN_GENRE"].append({"head": title_id, "tail": known})
            for ordering, person in enumerate(item["people"], 1):
                role, _, person_name = person.rpartition(":")
                people.append((title_id, ordering, role or "actor", person_name))
        _add_people(people, rows, folder)


def _texts_of(ids: Sequence[str], folder: Path) -> dict[str, str]:
    """The texts that own titles have already: they are no catalog's, and stay."""
    path = table_path(folder, "Title")
    if not ids or not path.exists():
        return {}
    titles = pl.scan_parquet(path).filter(pl.col("id").is_in(ids) & pl.col("text").is_not_null())
    return dict(titles.select("id", "text").collect(engine="streaming").iter_rows())


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
