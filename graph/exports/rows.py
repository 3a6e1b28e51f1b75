"""Rows of a store on their way into files: some at a time, and what they lead to that is not in the graph."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from graph.schema import RELATIONSHIPS
from graph.store import GraphStore

ROWS = 8_192


def slices(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches of at most ROWS rows."""
    for batch in batches:
        for start in range(0, batch.num_rows, ROWS):
            yield pa.table(batch.slice(start, ROWS))


class Removed:
    """Titles that left the graph and are rated or offered still. catalogs: by title, those that offer it."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self.catalogs: dict[str, set[str]] = {}

    def note(self, type_: str, batch: pa.Table) -> None:
        """Remember the titles of live relationships that are not in the graph."""
        if not RELATIONSHIPS[type_].live:
            return
        there = self._store.get_nodes("Title", pc.unique(batch.column("tail")).to_pylist(), []).column("id")
        gone = batch.filter(pc.invert(pc.is_in(batch.column("tail"), there)))
        for near, tail in zip(*(gone.column(end).to_pylist() for end in ("head", "tail")), strict=True):
            self.catalogs.setdefault(tail, set()).update({near} if type_ == "OFFERS" else ())
