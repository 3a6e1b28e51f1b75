"""Making a version of the embedded store: columns, title index and embeddings, in a folder of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.indexing import index_names, person_names, title_names
from graph.schema import NODES, RELATIONSHIPS, SCHEMA_VERSION, is_live
from graph.store import Progress, Provenance
from graph.stores.columns import Positions
from graph.stores.snapshot import Snapshot
from graph.stores.versions import now
from graph.stores.writing import write_nodes, write_relationships
from graph.tables import GraphTables
from graph.vectors import EXACT_ROWS, build_index

_NO_NODES = pl.DataFrame(schema={"id": pl.String, "position": pl.Int32})


def build_columns(folder: Path, tables: GraphTables, progress: Progress | None = None) -> None:
    """Write all bulk labels and types of the tables into `folder`, and where they come from."""
    report: Progress = progress or (lambda _what, _share: None)
    names = [name for name in tables.names if not is_live(name)]
    counts = tables.manifest.counts
    whole = 1 + sum(counts[name] for name in names)
    nodes: dict[str, pl.DataFrame] = {}
    done = 0
    for name in names:
        report(f"columns: {name}", done / whole)
        if name in NODES:
            nodes[name] = write_nodes(folder / "nodes", tables, name)
        else:
            heads, tails = (
                nodes.get(label, _NO_NODES) for label in (RELATIONSHIPS[name].head, RELATIONSHIPS[name].tail)
            )
            write_relationships(folder / "relationships" / name, tables, name, heads, tails)
        done += counts[name]
    details = {
        "made": now(),
        "graph_hash": tables.manifest.graph_hash,
        "schema_version": SCHEMA_VERSION,
        "tables_made": tables.manifest.made,
        "sources": [asdict(source) for source in tables.manifest.sources],
    }
    (folder / "version.json").write_text(json.dumps(details, indent=1) + "\n", "utf-8")


@contextlib.contextmanager
def names_indexed(folder: Path, tables: GraphTables, waiting: Callable[[], None]) -> Iterator[None]:
    """Index the names of titles and people while the block runs, and wait for it at its end; an error ends both.

    What makes vectors meanwhile leaves the interpreter to the index most of the time, and the other way round.
    """
    stopped = threading.Event()

    def tell(_what: str, _share: float) -> None:
        if stopped.is_set():
            raise InterruptedError

    with ThreadPoolExecutor(1, thread_name_prefix="names") as pool:
        names = itertools.chain(title_names(tables), person_names(tables))
        index = pool.submit(index_names, folder / "text", names, tell)
        try:
            yield
            waiting()
            index.result()
        except BaseException:
            stopped.set()
            raise


def link_version(old: Path, new: Path) -> None:
    """Give `new` the files of `old` without copying them (hard links; copies where the disk has none)."""
    shutil.copytree(old, new, dirs_exist_ok=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def write_embeddings(
    folder: Path, name: str, positions: Positions, vectors: npt.NDArray[np.float32], provenance: Provenance
) -> None:
    """Write one named set of title vectors: positions (n,) ascending, vectors (n, d) float32, and where from."""
    target = folder / "embeddings"
    target.mkdir(exist_ok=True)
    order = np.argsort(positions, kind="stable")
    ordered = vectors[order].astype(np.float32)
    for suffix, values in (("positions", positions[order]), ("vectors", ordered)):
        path = target / f"{name}.{suffix}.npy"
        path.unlink(missing_ok=True)  # it may be a hard link into an older version
        np.save(path, values)
    path = target / f"{name}.ivf"
    path.unlink(missing_ok=True)
    if len(ordered) > EXACT_ROWS:
        build_index(path, ordered)
    path = target / f"{name}.json"
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(asdict(provenance)) + "\n", "utf-8")


def carry_embeddings(old: Snapshot, folder: Path) -> None:
    """Take the published vectors along to a new graph, for the titles that are still there."""
    if not old.embeddings:
        return
    new = Snapshot.of_folder(folder)
    for name, held in old.embeddings.items():
        ids = old.columns.nodes("Title").ids(held.positions).to_pylist()
        positions = new.columns.nodes("Title").positions(ids)
        there = positions >= 0
        write_embeddings(folder, name, positions[there], held.vectors[there], held.provenance)
