"""A Neo4j and an embedded store that hold the same graph, vectors and catalogs, for benchmarks of both.

The rows come in by `export neo4j-admin` and an import: a load by the driver takes longer, of 300,000 titles by minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks import dataset
from graph.exports.neo4j_admin import export_neo4j_admin
from graph.store import GraphStore, open_store
from tests.servers.neo4j_server import NEWEST, PASSWORD, Neo4jServer, neo4j_server


@contextlib.contextmanager
def filled(
    options: argparse.Namespace, shares: Mapping[str, float], version: str = NEWEST
) -> Iterator[tuple[GraphStore, GraphStore]]:
    """Both stores, the embedded one first. shares: catalogs by slug, and the share of the titles that each offers.

    Which titles those are is drawn by chance (seed 2).
    """
    os.environ["REELGRAPH_NEO4J_PASSWORD"] = PASSWORD
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(dataset.store_folder(options))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgraph-bench-")))
        server = stack.enter_context(neo4j_server(version))
        here = stack.enter_context(contextlib.closing(open_store(f"embedded:{folder}")))
        chance = np.random.default_rng(2)
        for slug, share in shares.items():
            ids = chance.permutation(dataset.title_ids(here))
            here.load_tables(dataset.write_catalog(scratch / slug, slug, ids[: round(share * len(ids))].tolist()))
        print("filling Neo4j …", file=sys.stderr, flush=True)
        imported(server, here, scratch)
        there = stack.enter_context(contextlib.closing(open_store(server.url)))
        yield here, there


def imported(server: Neo4jServer, store: GraphStore, scratch: Path) -> None:
    """Put all that a store holds into the empty database of a server, which is started again."""
    export = export_neo4j_admin(store, scratch / "csv")
    server.stop()
    with contextlib.chdir(scratch):  # where the import leaves its report
        done = server.admin(*export.command[1:], memory="1g")
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
    server.start()
