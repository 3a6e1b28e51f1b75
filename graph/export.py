"""The graph written out: graph tables as Parquet from any store, or its best-known part as GraphML."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from graph.schema import CREDITS, NODES, RELATIONSHIPS
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


def exported_counts(store: GraphStore) -> dict[str, int]:
    """How many there are of each label and type that an export has, in the schema's order: none of them private."""
    counts = store.info().counts
    names = [name for name in (*NODES, *RELATIONSHIPS) if name not in NODES or not NODES[name].private]
    return {name: counts[name] for name in names if counts.get(name)}


@contextlib.contextmanager
def made_aside(folder: Path) -> Iterator[Path]:
    """A new folder to fill, which in the end takes the place of `folder`; an export that breaks off leaves nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder.parent) as aside:
        made, old = Path(aside) / "made", Path(aside) / "old"
        made.mkdir()
        yield made
        if folder.exists():
            folder.rename(old)
        made.rename(folder)


def export_graphml(store: GraphStore, path: Path, titles: int) -> dict[str, int]:
    """Write the `titles` best-known titles with their people and genres as GraphML; returns counts.

    GraphML knows no lists: they are joined with "|"; a null property is left out.
    """
    import networkx as nx

    ids: list[tuple[int, str]] = []
    for batch in store.scan_nodes("Title", ["num_votes", "is_adult"]):
        columns = (batch.column(name).to_pylist() for name in ("id", "num_votes", "is_adult"))
        ids += [(-(votes or 0), id_) for id_, votes, adult in zip(*columns, strict=True) if not adult]
        ids = sorted(ids)[:titles]
    chosen = [id_ for _, id_ in ids]
    drawn = nx.MultiDiGraph()
    for row in store.get_nodes("Title", chosen).to_pylist():
        _add_node(drawn, "Title", row)
    for direction, types in (("in", CREDITS), ("out", ("IN_GENRE",))):
        properties = ("job", "category", "characters") if direction == "in" else ()
        for row in store.neighbours(chosen, types, direction, properties=properties).to_pylist():  # type: ignore[arg-type]
            near, far = chosen[row["source"]], row["neighbour"]
            head, tail = (far, near) if direction == "in" else (near, far)
            drawn.add_edge(head, tail, type=row["type"], **_plain({name: row[name] for name in properties}))
    for label in ("Person", "Genre"):
        nodes = [node for node in drawn.nodes if "label" not in drawn.nodes[node]]
        for row in store.get_nodes(label, nodes).to_pylist():
            _add_node(drawn, label, row)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    try:
        nx.write_graphml(drawn, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return {"nodes": drawn.number_of_nodes(), "relationships": drawn.number_of_edges()}


def _add_node(drawn: Any, label: str, row: dict[str, Any]) -> None:
    properties = _plain({name: value for name, value in row.items() if name != "id"})
    drawn.add_node(row["id"], label=label, **properties)


def _plain(properties: dict[str, Any]) -> dict[str, Any]:
    plain = {name: "|".join(v) if isinstance(v, list) else v for name, v in properties.items()}
    return {name: value for name, value in plain.items() if value is not None}
