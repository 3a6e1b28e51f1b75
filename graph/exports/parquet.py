"""A store's graph as graph tables, which every store can load."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from graph.exports.folder import exported_counts, made_aside
from graph.schema import NODES
from graph.store import GraphStore, Progress
from graph.tables import GraphTables, TablesError, finish_tables, write_table


def export_parquet(
    store: GraphStore, folder: Path, progress: Progress | None = None, names: Iterable[str] | None = None
) -> GraphTables:
    """Write a store's nodes and relationships as graph tables (all that it has but private labels, or those named).

    Raises TablesError when the folder holds something already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise TablesError(f"{folder} is not empty; export into a new folder")
    counts = exported_counts(store)
    wanted = [name for name in (names or counts) if counts.get(name)]
    whole, done = sum(counts[name] for name in wanted) + 1, 0
    with made_aside(folder) as made:
        for name in wanted:
            if progress:
                progress(name, done / whole)
            write_table(made, name, store.scan_nodes(name) if name in NODES else store.scan_relationships(name))
            done += counts[name]
        tables = finish_tables(made, [])
    return GraphTables(folder, tables.manifest)
