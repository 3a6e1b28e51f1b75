"""Filling Neo4j: by the driver, by a bare loop of UNWIND, and by neo4j-admin. Rows a second, of the same graph.

    python -m benchmarks.neo4j_load --data ../shared/data/imdb-24k      real data
    python -m benchmarks.neo4j_load --titles 300000                     invented, some 3M relationships
    python -m benchmarks.neo4j_load … --only driver|bare|admin          one of them

A row is a node or a relationship. Each starts with an empty database of a server of its own, with constraints but no
vectors; `admin` is also measured with the vectors that a load makes. The bare loop is what the driver's load is held
against: the same rows, already in memory, 10,000 a transaction, with nothing checked and nothing removed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import neo4j

from benchmarks import dataset
from benchmarks.figure import Figure, parser, run
from graph.exports.neo4j_admin import export_neo4j_admin
from graph.exports.parquet import export_parquet
from graph.schema import NODES, RELATIONSHIPS
from graph.store import GraphStore, open_store
from graph.tables import GraphTables
from tests.servers.neo4j_server import PASSWORD, Neo4jServer, neo4j_server

WAYS = ("driver", "bare", "admin")
BATCH = 10_000
LIMIT = 1.5
_EXPORT = """
import sys
from pathlib import Path
from graph.exports.neo4j_admin import export_neo4j_admin
from graph.store import open_store
export_neo4j_admin(open_store(sys.argv[1]), Path(sys.argv[2]))
"""


def measure(options: argparse.Namespace) -> list[Figure]:
    os.environ["REELGRAPH_NEO4J_PASSWORD"] = PASSWORD
    figures: list[Figure] = []
    with dataset.store_folder(options) as folder, tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as aside:
        store = open_store(f"embedded:{folder}")
        tables = export_parquet(store, Path(aside) / "tables")
        rows = sum(tables.manifest.counts.values())
        figures.append(Figure("rows: nodes and relationships", rows))
        seconds = {}
        if "admin" in options.only:
            figures += _admin(store, Path(aside), rows)
        for way, load in (("bare", _bare), ("driver", _driver)):
            if way in options.only:
                with neo4j_server() as server:
                    seconds[way] = load(server, tables)
                figures.append(Figure(f"{way}: rows a second", rows / seconds[way]))
                figures.append(Figure("  seconds", seconds[way], "s"))
        if len(seconds) == 2:
            ratio = seconds["driver"] / seconds["bare"]
            figures.append(Figure("the driver's load beside the bare loop", ratio, "×", LIMIT))
        store.close()
    return figures


def _admin(store: GraphStore, aside: Path, rows: int) -> list[Figure]:
    """Export, import, and the first opening, which makes constraints and indexes."""
    with _timed() as exporting:
        subprocess.run([sys.executable, "-c", _EXPORT, store.url, str(aside / "counted")], check=True)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    export = export_neo4j_admin(store, aside / "csv")
    size = sum(path.stat().st_size for path in export.folder.rglob("*.csv")) / 1e6
    with neo4j_server() as server:
        server.stop()
        with contextlib.chdir(aside), _timed() as importing:  # where the import leaves its report
            done = server.admin(*export.command[1:], memory="1g")
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
        server.start()
        with _timed() as opening:
            open_store(server.url).close()
    whole = exporting[0] + importing[0] + opening[0]
    return [
        Figure("admin: rows a second, from export to a store that answers", rows / whole),
        Figure("  export: rows a second, with vectors", rows / exporting[0]),
        Figure("  import: rows a second, with vectors", rows / importing[0]),
        Figure("  export, import, first opening: seconds of it", whole, "s",
               floor=f"{exporting[0]:.1f} + {importing[0]:.1f} + {opening[0]:.1f}"),
        Figure("  peak memory of the export", memory, "MB", floor=f"the files are {size:,.0f} MB"),
    ]  # fmt: skip


def _driver(server: Neo4jServer, tables: GraphTables) -> float:
    with contextlib.closing(open_store(server.url, create=True)) as store, _timed() as loading:
        store.load_tables(tables)
    return loading[0]


def _bare(server: Neo4jServer, tables: GraphTables) -> float:
    with neo4j.GraphDatabase.driver(server.url, auth=("neo4j", PASSWORD)) as driver:
        for label, node in NODES.items():
            driver.execute_query(f"CREATE CONSTRAINT FOR (n:{label}) REQUIRE n.{node.id_name} IS UNIQUE")
        spent = 0.0
        for name in tables.names:
            if name in NODES:
                statement = f"UNWIND $rows AS r MERGE (n:{name} {{{NODES[name].id_name}: r.id}}) SET n += r.p"
            else:
                kind = RELATIONSHIPS[name]
                key = " {key: r.key}" if kind.key_from else ""
                statement = (
                    f"UNWIND $rows AS r MATCH (a:{kind.head} {{{NODES[kind.head].id_name}: r.head}}) "
                    f"MATCH (b:{kind.tail} {{{NODES[kind.tail].id_name}: r.tail}}) "
                    f"MERGE (a)-[e:{name}{key}]->(b) SET e += r.p"
                )
            for batch in tables.batches(name):
                rows = [_row(row) for row in batch.to_pylist()]
                with driver.session() as session, _timed() as writing:
                    for start in range(0, len(rows), BATCH):
                        part = rows[start : start + BATCH]
                        session.execute_write(lambda tx, s=statement, r=part: tx.run(s, rows=r).consume())
                spent += writing[0]
    return spent


def _row(row: dict) -> dict:
    ends = {name: row.pop(name) for name in ("id", "head", "tail", "key") if name in row}
    return ends | {"p": row}


@contextlib.contextmanager
def _timed() -> Iterator[list[float]]:
    spent, started = [0.0], time.perf_counter()
    yield spent
    spent[0] = time.perf_counter() - started


if __name__ == "__main__":
    made = parser(__doc__)
    made.add_argument("--only", action="append", choices=WAYS, help="one of the ways; repeatable")
    given = made.parse_args()
    given.only = given.only or WAYS
    sys.exit(run(given, measure))
