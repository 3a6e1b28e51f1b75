"""The best-known part of a graph as GraphML, for Gephi or networkx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graph.schema import CREDITS
from graph.store import GraphStore


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
