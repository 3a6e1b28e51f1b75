"""The invented catalog that the benchmarks run on: IMDb's files, and a store loaded from them."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from graph.schema import CREDITS
from graph.store import GraphStore
from graph.tables import GraphTables, finish_tables, rows_to_table, write_table

_LOAD = """
import sys, pathlib
from graph.store import open_store
from loaders.load import load
load(open_store("embedded:" + sys.argv[2], create=True), imdb=pathlib.Path(sys.argv[1]))
"""


@contextlib.contextmanager
def files(options: argparse.Namespace) -> Iterator[Path]:
    """IMDb's files: those of --data, or invented ones in a temporary folder."""
    if options.data:
        yield options.data
        return
    from loaders.synthetic import write_synthetic

    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as folder:
        write_synthetic(Path(folder), titles=options.titles, seed=0)
        yield Path(folder)


@contextlib.contextmanager
def store_folder(options: argparse.Namespace) -> Iterator[Path]:
    """A store that a benchmark may write to; the graph of --store is shared by hard links and stays as it is."""
    with contextlib.ExitStack() as stack:
        base = options.store.parent if options.store else None
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgraph-bench-", dir=base)))
        kept = options.store or scratch / "kept"
        if not (kept / "manifest.json").exists():
            data = stack.enter_context(files(options))
            # In a process of its own, so that the memory of a load does not stay with the one that measures.
            subprocess.run([sys.executable, "-c", _LOAD, str(data), str(kept)], check=True)
        mine = scratch / "store"
        shutil.copytree(kept / "versions", mine / "versions", copy_function=os.link)
        for name in ("manifest.json", "live.sqlite"):
            shutil.copy2(kept / name, mine / name)
        yield mine


def title_ids(store: GraphStore) -> np.ndarray:
    """The ids of all titles: (n,) str objects, ordered."""
    return np.concatenate([batch.column("id").to_numpy(zero_copy_only=False) for batch in store.scan_nodes("Title")])


def credited_titles(store: GraphStore, count: int, seed: int = 0) -> list[str]:
    """`count` random titles that have at least one credit."""
    ids = title_ids(store)
    asked = np.random.default_rng(seed).permutation(ids)[: 4 * count].tolist()
    degrees = store.degrees(asked, CREDITS, "in")
    return [id_ for id_, degree in zip(asked, degrees, strict=True) if degree][:count]


def write_catalog(folder: Path, slug: str, ids: list[str]) -> GraphTables:
    """Graph tables of a catalog that offers these titles."""
    write_table(folder, "Catalog", [rows_to_table("Catalog", [{"id": slug, "name": slug.capitalize()}])])
    offers = [{"head": slug, "tail": id_, "key": str(n), "item_id": str(n)} for n, id_ in enumerate(ids)]
    write_table(folder, "OFFERS", [rows_to_table("OFFERS", offers)])
    return finish_tables(folder, [])
