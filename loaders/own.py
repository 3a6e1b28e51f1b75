"""What the graph holds and no file of IMDb's has: titles and people of catalogs' own, posters, texts and keywords.

A load of IMDb's files makes the graph anew; these are taken along. An own title that no catalog offers any more
goes, so that an item that was reviewed and turned out to be an IMDb title does not stay beside it.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from graph.schema import RELATIONSHIPS, arrow_schema, is_live
from graph.store import GraphStore
from graph.tables import table_path, write_table

TITLE, PERSON = "item:", "person:"
_GIVEN = ("poster_url", "text")  # properties of any title that other files than IMDb's give
_TYPES = [type_ for type_, kind in RELATIONSHIPS.items() if not is_live(type_) and "Title" in (kind.head, kind.tail)]


def keep_own(store: GraphStore, folder: Path) -> None:
    """Take own titles and people, their relationships, posters, texts and keywords along into new graph tables."""
    is_own = pl.col("id").str.starts_with(TITLE)
    given = pl.any_horizontal(pl.col(name).is_not_null() for name in _GIVEN)
    titles = _scan(store, "Title", is_own | given)
    own = titles.filter(is_own)
    if not own.is_empty():
        credited = _scan(store, "Person", pl.col("id").str.starts_with(PERSON))
        genres = _scan(store, "IN_GENRE", pl.col("head").str.starts_with(TITLE)).select(id="tail").unique()
        _append(folder, "Genre", genres.filter(~pl.col("id").is_in(_ids(folder, "Genre").implode())).sort("id"))
        _append(folder, "Title", own)
        _append(folder, "Person", credited)
        for type_ in (type_ for type_ in _TYPES if type_ != "HAS_KEYWORD"):
            kind = RELATIONSHIPS[type_]
            rows = _scan(store, type_, pl.any_horizontal(pl.col("head", "tail").str.starts_with(TITLE)))
            for end, label in (("head", kind.head), ("tail", kind.tail)):
                if label in ("Title", "Person", "Genre"):
                    rows = rows.filter(pl.col(end).is_in(_ids(folder, label).implode()))
            _append(folder, type_, rows)
    kept = titles.filter(given).select("id", *_GIVEN)
    if not kept.is_empty() and table_path(folder, "Title").exists():
        joined = _read(folder, "Title").join(kept, on="id", how="left", maintain_order="left", suffix=" kept")
        whole = joined.with_columns(pl.coalesce(name, f"{name} kept") for name in _GIVEN)
        _write(folder, "Title", whole.drop(f"{name} kept" for name in _GIVEN))
    keywords = _scan(store, "HAS_KEYWORD")
    keywords = keywords.filter(pl.col("head").is_in(_ids(folder, "Title").implode()))
    _append(folder, "HAS_KEYWORD", keywords)
    _append(folder, "Keyword", keywords.select(id=pl.col("tail").unique().sort()))


def taken(store: GraphStore, replaced: Collection[str]) -> dict[str, tuple[str, int | None]]:
    """Own titles that catalogs of the store offer, those to be replaced aside: id → title and year."""
    offers = _scan(store, "OFFERS").filter(~pl.col("head").is_in(list(replaced)))["tail"]
    ids = offers.filter(offers.str.starts_with(TITLE)).unique().to_list()
    rows = store.get_nodes("Title", ids, ["title", "start_year"]).to_pylist()
    return {row["id"]: (row["title"], row["start_year"]) for row in rows}


def drop_unoffered(store: GraphStore, folder: Path, replaced: Collection[str]) -> None:
    """Remove own titles that neither the tables offer nor a catalog of the store (those replaced aside); people too."""
    own = _ids(folder, "Title").filter(_ids(folder, "Title").str.starts_with(TITLE))
    if own.is_empty():
        return
    offers = _scan(store, "OFFERS").filter(~pl.col("head").is_in(list(replaced)))["tail"]
    if table_path(folder, "OFFERS").exists():
        offers = pl.concat([offers, _read(folder, "OFFERS")["tail"]])
    gone = own.filter(~own.is_in(offers.implode()))
    if gone.is_empty():
        return
    left = []
    for type_ in filter(lambda type_: table_path(folder, type_).exists(), _TYPES):
        rows = _read(folder, type_)
        kept = rows.filter(~pl.col("head").is_in(gone.implode()) & ~pl.col("tail").is_in(gone.implode()))
        if len(kept) < len(rows):
            _write(folder, type_, kept)
        if RELATIONSHIPS[type_].head == "Person":
            left.append(kept["head"])
    _write(folder, "Title", _read(folder, "Title").filter(~pl.col("id").is_in(gone.implode())))
    if table_path(folder, "Person").exists():
        credited = pl.concat(left) if left else pl.Series(dtype=pl.String)
        people = _read(folder, "Person")
        needed = ~pl.col("id").str.starts_with(PERSON) | pl.col("id").is_in(credited.implode())
        _write(folder, "Person", people.filter(needed))


def own_content(folder: Path) -> dict[str, tuple[int, pl.DataFrame]]:
    """What catalogs made of the bulk tables, to compare: by name how many rows there are, and which are theirs."""
    content = {}
    for name in ("Title", "Person", "Genre", *_TYPES):
        if table_path(folder, name).exists():
            rows = pl.scan_parquet(table_path(folder, name))
            ids = ["id"] if name in ("Title", "Person", "Genre") else ["head", "tail", "key"]
            theirs = pl.any_horizontal(pl.col(id_).str.contains(f"^(?:{TITLE}|{PERSON})") for id_ in ids)
            if name == "Title":
                theirs |= pl.col("poster_url").is_not_null()
            count = rows.select(pl.len()).collect().item()
            content[name] = count, rows.filter(theirs).collect().sort(ids)
    return content


def _scan(store: GraphStore, name: str, wanted: pl.Expr | None = None) -> pl.DataFrame:
    """The store's rows of a label or type, those wanted alone."""
    batches = store.scan_relationships(name) if name in RELATIONSHIPS else store.scan_nodes(name)
    frames = [pl.DataFrame(pl.from_arrow(arrow_schema(name).empty_table()))]
    for batch in batches:
        rows = pl.DataFrame(pl.from_arrow(batch))
        frames.append(rows if wanted is None else rows.filter(wanted))
    return pl.concat(frames)


def _read(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(table_path(folder, name))


def _ids(folder: Path, label: str) -> pl.Series:
    path = table_path(folder, label)
    return pl.read_parquet(path, columns=["id"])["id"] if path.exists() else pl.Series(dtype=pl.String)


def _append(folder: Path, name: str, rows: pl.DataFrame) -> None:
    if not rows.is_empty():
        there = table_path(folder, name).exists()
        _write(folder, name, pl.concat([_read(folder, name), rows], how="vertical_relaxed") if there else rows)


def _write(folder: Path, name: str, rows: pl.DataFrame) -> None:
    aside = folder / ".own"
    write_table(aside, name, [rows.to_arrow(compat_level=pl.CompatLevel.oldest())])
    table_path(folder, name).parent.mkdir(parents=True, exist_ok=True)
    table_path(aside, name).replace(table_path(folder, name))
