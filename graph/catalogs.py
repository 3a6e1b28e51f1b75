"""Catalogs as the graph holds them: which there are, and saying anew what one of them offers."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph.store import GraphStore, NotInGraph
from graph.tables import finish_tables, rows_to_table, write_table


@dataclass(frozen=True)
class Catalog:
    """A catalog: its slug, the name that people see, how many offers it has, and its own strategy where it has one."""

    id: str
    name: str | None
    titles: int
    strategy: str | None = None


@dataclass(frozen=True)
class Offer:
    """A title that a catalog may show, under its own id; no regions: everywhere; the last day is included."""

    title: str
    item_id: str
    regions: Sequence[str] = ()
    available_from: dt.date | None = None
    available_until: dt.date | None = None
    pinned: int | None = None
    boost: float | None = None


def catalogs(store: GraphStore) -> list[Catalog]:
    """All of them, by slug."""
    rows = [row for batch in store.scan_nodes("Catalog") for row in batch.to_pylist()]
    counts = store.degrees([row["id"] for row in rows], ["OFFERS"], "out").tolist()
    return [Catalog(row["id"], row["name"], count, row["strategy"]) for row, count in zip(rows, counts, strict=True)]


def change_catalog(store: GraphStore, slug: str, changes: Mapping[str, Any]) -> None:
    """Set properties of a catalog that is there, such as its strategy. Raises NotInGraph."""
    every = [row["id"] for batch in store.scan_nodes("Catalog", []) for row in batch.to_pylist()]
    if slug not in every:
        raise NotInGraph(f"there is no catalog {slug!r}; there are: {', '.join(every) or 'none'}")
    store.upsert_nodes("Catalog", [{"id": slug, **changes}])


def wrong_offers(store: GraphStore, offers: Sequence[Offer]) -> dict[int, str]:
    """Place of each offer that cannot be made → why: its title is not in the graph, it is there twice, it never holds.

    An offer is identified by title and item: a catalog may list a title twice under two ids.
    """
    ids = list(dict.fromkeys(offer.title for offer in offers))
    known = set(store.get_nodes("Title", ids, []).column("id").to_pylist())
    wrong: dict[int, str] = {}
    seen: dict[tuple[str, str], int] = {}
    for place, offer in enumerate(offers):
        first = seen.setdefault((offer.title, offer.item_id), place)
        if offer.title not in known:
            wrong[place] = f"there is no title {offer.title!r}"
        elif first != place:
            wrong[place] = f"{offer.title} with item {offer.item_id!r} is in row {first} already"
        elif offer.available_from and offer.available_until and offer.available_from > offer.available_until:
            wrong[place] = f"{offer.available_from} is after {offer.available_until}"
    return wrong


def replace_offers(store: GraphStore, slug: str, name: str | None, offers: Sequence[Offer]) -> None:
    """Let a catalog offer exactly this from now on, all or nothing; made where it is not there yet.

    name: as people call it; None: as before. What else is said of the catalog stays.
    Raises InvalidRows for a title that the graph lacks, StoreBusy while another process loads.
    """
    (held,) = store.get_nodes("Catalog", [slug]).to_pylist() or [{"name": slug}]
    said = {**held, "id": slug, "name": held["name"] if name is None else name}
    rows = [
        {
            "head": slug,
            "tail": offer.title,
            "key": offer.item_id,
            "item_id": offer.item_id,
            "regions": list(offer.regions) or None,
            "available_from": offer.available_from,
            "available_until": offer.available_until,
            "match": "id",
            "confidence": 1.0,
            "pinned": offer.pinned,
            "boost": offer.boost,
        }
        for offer in offers
    ]
    with tempfile.TemporaryDirectory(prefix="reelgraph-catalog-") as made:
        folder = Path(made)
        write_table(folder, "Catalog", [rows_to_table("Catalog", [said])])
        write_table(folder, "OFFERS", [rows_to_table("OFFERS", rows)])
        store.load_tables(finish_tables(folder, []))
