"""Whether new files lack what the graph has: a file that was cut short upstream is whole to every other check."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from graph.refreshed import RefreshRefused
from graph.schema import CREDITS
from graph.store import GraphStore
from graph.tables import table_path

_COUNTED = ("Person", "AlternateTitle", "IN_GENRE", "EPISODE_OF", "KNOWN_FOR", *CREDITS)
_FEW = 1_000  # rows of a table below which its number says little


def check_lost(store: GraphStore, tables: Path, most: float) -> None:
    """Raise RefreshRefused where new tables lack more than a share of the store's titles, or rows of another table.

    most: that share, 0 to 1. Titles are compared by id, so that others that came do not make up for them; all else by
    count. A store that holds no titles has nothing to lose.
    """
    lost = [*_titles(store, tables, most), *_rows(store, tables, most)]
    if lost:
        raise RefreshRefused(
            f"the new files lack {', '.join(lost)}; more than {most:.1%} is refused and the graph is as it was. Where "
            "that is right, go on with: reelgraph refresh --force, or set --lose-at-most"
        )


def _titles(store: GraphStore, tables: Path, most: float) -> list[str]:
    held = [pl.Series("id", batch.column("id"), pl.String) for batch in store.scan_nodes("Title", [])]
    if not held:
        return []
    known = pl.concat(held)
    new = pl.read_parquet(table_path(tables, "Title"), columns=["id"])
    gone = known.to_frame().join(new, on="id", how="anti")
    if len(gone) <= most * len(known):
        return []
    return [f"{len(gone):,} of its {len(known):,} titles, such as {gone['id'][0]}"]


def _rows(store: GraphStore, tables: Path, most: float) -> list[str]:
    counts, lost = store.info().counts, []
    for name in _COUNTED:
        path, before = table_path(tables, name), counts.get(name, 0)
        after = pq.read_metadata(path).num_rows if path.exists() else 0
        if before >= _FEW and before - after > most * before:
            lost.append(f"{before - after:,} of its {before:,} {name}")
    return lost
