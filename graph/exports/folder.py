"""What each export of a graph shares: which labels and types it has, and a folder that is whole or not there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from graph.schema import NODES, RELATIONSHIPS
from graph.store import GraphStore


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
