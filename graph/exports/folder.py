"""What the exports of a graph share: which labels and types they have, and a folder that is whole or not there."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from graph.schema import NODES, RELATIONSHIPS
from graph.store import GraphStore, Progress, StoreBusy
from graph.tables import TablesError

MARKER = "export.json"
"""Says which kind of export a folder is, and which files are its own."""


def exported_counts(store: GraphStore) -> dict[str, int]:
    """How many there are of each label and type that an export has, in the schema's order: none of them private."""
    counts = store.info().counts
    names = [label for label, node in NODES.items() if not node.private]
    names += [type_ for type_, kind in RELATIONSHIPS.items() if not kind.private]
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


@dataclass(frozen=True)
class Filled:
    """A folder that is being filled: where it lies meanwhile, and how many there are of each label and type."""

    made: Path
    counts: Mapping[str, int]

    def parts(self, progress: Progress | None) -> Iterator[tuple[str, Callable[[int], None]]]:
        """Each label and type, and what to tell of the rows of each batch.

        Relationships first: what comes in meanwhile may be a node without any, and no relationship without its nodes.
        """
        names = [
            *(name for name in self.counts if name in RELATIONSHIPS),
            *(name for name in self.counts if name in NODES),
        ]
        done, whole = 0, sum(self.counts.values()) + 1

        def teller(name: str) -> Callable[[int], None]:
            def tell(rows: int) -> None:
                nonlocal done
                done += rows
                if progress:
                    progress(name, min(done / whole, 1.0))

            return tell

        for name in names:
            yield name, teller(name)


@contextlib.contextmanager
def whole_export(store: GraphStore, folder: Path, kind: str) -> Iterator[Filled]:
    """Fill a folder with all of a graph; `folder` is new, or an export of this kind already, which goes in the end.

    Raises TablesError where it holds anything else, StoreBusy where a load comes in between.
    """
    if not _is_own(folder, kind):
        raise TablesError(f"{folder} holds something else than an export for {kind}; export into a new folder")
    counts, version = exported_counts(store), store.info().version
    with made_aside(folder) as made:
        yield Filled(made, counts)
        if store.info().version != version:
            raise StoreBusy(f"{store.url} got a new version meanwhile; export again")
        marker = {"kind": kind, "counts": counts, "files": sorted(_files(made))}
        (made / MARKER).write_text(json.dumps(marker, indent=1) + "\n", "utf-8")


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def _is_own(folder: Path, kind: str) -> bool:
    """Whether the folder may be written, or written anew."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return True
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        marker = json.loads((folder / MARKER).read_text("utf-8"))
        return bool(marker["kind"] == kind and _files(folder) == {MARKER, *marker["files"]})
    return False
