"""The graph as files for the bulk loader of an Amazon Neptune that holds nothing yet.

    FOLDER/nodes/Title-0001.csv.gz …             vertices: to be loaded first
    FOLDER/relationships/DIRECTED-0001.csv.gz …  edges
    FOLDER/release/Release-0001.csv.gz …         says that there is a graph, and of which version: to be loaded last
    FOLDER/export.json                           says that the folder is one of these, and which files are its own

What comes in lies as the Gremlin store would have written it. Rows pass through in batches: memory depends neither on
the graph nor on its vectors.
"""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from graph.exports.folder import whole_export
from graph.exports.rows import Removed, slices
from graph.neptune import rows
from graph.neptune.files import DIALECTS, SPLIT, Files
from graph.schema import NODES, SCHEMA_VERSION
from graph.store import GraphStore, Progress, StoreInfo
from graph.stores.gremlin_releases import Release, Slot
from graph.stores.gremlin_traversals import LEASE

KIND = "neptune"
PARTS = ("nodes", "relationships", "release")
"""The folders, in the order in which they must be loaded."""


@dataclass(frozen=True)
class NeptuneExport:
    """What was written. bytes: of all files, compressed."""

    folder: Path
    dialect: str
    counts: Mapping[str, int]
    files: Sequence[str]
    bytes: int

    @property
    def commands(self) -> list[str]:
        """How the files are loaded, for a shell; what is in capitals is the user's."""
        options = {
            "gremlin": (
                "--format csv --parser-configuration allowEmptyStrings=true --update-single-cardinality-properties"
            ),
            "opencypher": "--format opencypher --user-provided-edge-ids --parallelism MEDIUM",
        }[self.dialect]
        copied = " ".join(f"--include '{part}/*'" for part in PARTS)
        return [
            f"aws s3 cp {shlex.quote(str(self.folder))} s3://BUCKET/PREFIX --recursive --exclude '*' {copied}",
            f"for part in {' '.join(PARTS)}; do",
            "  aws neptunedata start-loader-job --endpoint-url https://WRITER:8182 --queue-request --mode NEW \\",
            f"    {options} \\",
            "    --source s3://BUCKET/PREFIX/$part/ --s3-bucket-region REGION --iam-role-arn ROLE",
            "done",
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "path": str(self.folder),
            "format": self.dialect,
            "counts": dict(self.counts),
            "files": list(self.files),
            "bytes": self.bytes,
            "commands": self.commands,
        }


def export_neptune(
    store: GraphStore, folder: Path, dialect: str = "gremlin", most: int = SPLIT, progress: Progress | None = None
) -> NeptuneExport:
    """Write a store's graph (all but private labels); `folder` is new or such a one already.

    dialect: `gremlin` or `opencypher`. most: bytes of a file before compression. Raises TablesError where the folder
    holds anything else, StoreBusy where a load comes in between.
    """
    with whole_export(store, folder, KIND) as filled:
        info, removed = store.info(), Removed(store)
        slots = {f"{name}_a": partial(store.get_embeddings, name) for name in info.embeddings}
        files = Files(filled.made, DIALECTS[dialect], most)
        for name, tell in filled.parts(progress):
            if name in NODES:
                part = rows.vertices(name, slices(store.scan_nodes(name)), slots if name == "Title" else None)
            else:
                part = rows.edges(name, map(partial(_noted, removed, name), slices(store.scan_relationships(name))))
            files.write(part, tell)
        if removed.catalogs:
            files.write(rows.removed(sorted(removed.catalogs)), lambda _rows: None)
        for part in _of_the_store(info):
            files.write(part, lambda _rows: None, "release")
    names = sorted(files.names)
    return NeptuneExport(folder, dialect, filled.counts, names, sum((folder / one).stat().st_size for one in names))


def _noted(removed: Removed, type_: str, batch: Any) -> Any:
    removed.note(type_, batch)
    return batch


def _of_the_store(info: StoreInfo) -> list[rows.Part]:
    """The Release vertices of the first version, and the one that lets one process load at a time."""
    details = {"made": info.made, "graph_hash": info.graph_hash, "schema_version": SCHEMA_VERSION}
    vectors = {name: Slot(f"{name}_a", provenance) for name, provenance in info.embeddings.items()}
    release = Release("000001", 1, details, vectors, content=uuid.uuid4().hex)
    graph, slots = release.as_properties()
    told = [graph | {"name": "graph", "content": release.content, "offers": uuid.uuid4().hex}, *slots]
    return [
        rows.of_the_store("Release", {f"Release/{one['name']}": one for one in told}),
        rows.of_the_store("Lease", {LEASE: {"holder": "", "until": 0}}),
    ]
