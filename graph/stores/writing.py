"""Writing the columns of a version of the embedded store; `graph.stores.columns` reads them."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from graph.schema import RELATIONSHIPS, arrow_schema
from graph.store import InvalidRows
from graph.stores.columns import KEY_BYTES, Positions, stored_properties
from graph.tables import GraphTables


def write_nodes(folder: Path, tables: GraphTables, label: str) -> pl.DataFrame:
    """Write one label's columns that hold anything, sorted by id; returns `id` and `position` for relationships."""
    frame = pl.read_parquet(tables.path(label))
    frame = frame.select(name for name in frame.columns if name == "id" or frame[name].null_count() < len(frame))
    frame = frame.sort("id")
    if frame["id"].is_duplicated().any():
        first = frame.filter(pl.col("id").is_duplicated())["id"][0]
        raise InvalidRows(f"the {label} table has {first!r} more than once; ids must be unique")
    _write_arrow(folder / f"{label}.arrow", frame.to_arrow(compat_level=pl.CompatLevel.oldest()), label)
    keys = frame["id"].cast(pl.Binary).bin.slice(0, KEY_BYTES).to_numpy().astype(f"S{KEY_BYTES}")
    np.save(folder / f"{label}.keys.npy", keys)
    return frame.select("id", position=pl.int_range(pl.len(), dtype=pl.Int32))


def write_relationships(
    folder: Path, tables: GraphTables, type_: str, heads: pl.DataFrame, tails: pl.DataFrame
) -> None:
    """Write one type's columns; `heads` and `tails` are what `write_nodes` returned for its two labels."""
    kind = RELATIONSHIPS[type_]
    folder.mkdir(parents=True)
    frame = pl.read_parquet(tables.path(type_))
    head = _resolve(frame, "head", heads, type_, kind.head)
    tail = _resolve(frame, "tail", tails, type_, kind.tail)
    order = None if bool((np.diff(tail) >= 0).all()) else _stable_order(tail)
    if order is not None:
        head, tail = head[order], tail[order]
    np.save(folder / "in_start.npy", _starts(tail, tails.height))
    np.save(folder / "in_node.npy", head)
    by_head = _stable_order(head)
    np.save(folder / "out_start.npy", _starts(head, heads.height))
    np.save(folder / "out_node.npy", tail[by_head])
    np.save(folder / "out_edge.npy", by_head)
    names = stored_properties(type_)
    if names:
        properties = frame.select(names)
        properties = properties if order is None else properties[order]
        _write_arrow(folder / "properties.arrow", properties.to_arrow(compat_level=pl.CompatLevel.oldest()), type_)


def _resolve(frame: pl.DataFrame, end: str, nodes: pl.DataFrame, type_: str, label: str) -> Positions:
    found = frame.lazy().select(pl.col(end).alias("id")).join(nodes.lazy(), on="id", how="left", maintain_order="left")
    position = found.collect()["position"]
    if position.null_count():
        missing = frame[end].filter(position.is_null())[0]
        raise InvalidRows(f"a {type_} row names the {label} {missing!r}, which is not among the nodes")
    return cast(Positions, position.to_numpy())


def _stable_order(values: Positions) -> Positions:
    frame = pl.DataFrame({"value": values}).with_columns(row=pl.int_range(pl.len(), dtype=pl.Int32))
    return cast(Positions, frame.sort("value", maintain_order=True)["row"].to_numpy())


def _starts(values: Positions, nodes: int) -> npt.NDArray[np.int64]:
    starts = np.zeros(nodes + 1, np.int64)
    np.cumsum(np.bincount(values, minlength=nodes), out=starts[1:])
    return starts


def _write_arrow(path: Path, table: pa.Table, name: str) -> None:
    # One record batch, so that rows can be taken without looking for their chunk.
    wanted = arrow_schema(name)
    fields = [pa.field(c, pa.large_string() if wanted.field(c).type == pa.string() else wanted.field(c).type)
              for c in table.column_names]  # fmt: skip
    table = table.cast(pa.schema(fields)).combine_chunks()
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=max(table.num_rows, 1))
