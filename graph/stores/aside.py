"""Graph tables as an embedded store aside, before they go into another engine.

That finds what does not hold together before anything is written, and vectors of the new graph are made there, for they
read all of it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from graph.schema import is_live
from graph.store import Vectors
from graph.stores.embedded import EmbeddedStore
from graph.tables import GraphTables


@contextlib.contextmanager
def aside(tables: GraphTables, carried: Iterable[Vectors]) -> Iterator[EmbeddedStore]:
    """The bulk part of graph tables as an embedded store of its own, which is gone afterwards.

    carried: vectors that are there already; those of titles that the tables have go along. Raises what it raises.
    """
    counts = {name: count for name, count in tables.manifest.counts.items() if not is_live(name)}
    bulk = GraphTables(tables.folder, replace(tables.manifest, counts=counts))
    with tempfile.TemporaryDirectory(prefix="reelgraph-load-") as folder:
        store = EmbeddedStore(Path(folder), create=True)
        try:
            store.load_tables(bulk)
            for one in carried:
                there = set(store.get_nodes("Title", one.ids, []).column("id").to_pylist())
                kept = [place for place, id_ in enumerate(one.ids) if id_ in there]
                store.set_embeddings(one.name, [one.ids[place] for place in kept], one.rows[kept], one.provenance)
            yield store
        finally:
            store.close()
