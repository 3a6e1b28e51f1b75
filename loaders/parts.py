"""Graph tables as a cluster leaves them, and one file of each again.

FOLDER/load.json                                the report of the load, written last
FOLDER/nodes/Title.parquet/part-00000-….parquet …   a folder a table, its parts in the order of their names
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from graph.store import Progress
from graph.tables import Source, table_path, write_table
from loaders.imdb_files import FileReport, LoadReport
from loaders.tsv import LoadError

REPORT = "load.json"


def batches(folder: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a table in parts, some at a time."""
    for part in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(part) as file:
            yield from file.iter_batches()


def is_made(source: Path | str) -> bool:
    """Whether a folder of this machine holds such tables, all of them."""
    return (Path(source) / REPORT).is_file()


def as_text(report: LoadReport) -> str:
    """What stands in `load.json`."""
    return json.dumps(asdict(report), indent=1) + "\n"


def put_together(made: Path, target: Path, progress: Progress) -> LoadReport:
    """One file of each table, in a new folder. Raises LoadError when rows are missing."""
    told = json.loads((made / REPORT).read_text("utf-8"))
    report = LoadReport(
        tuple(FileReport(**file) for file in told["files"]),
        tuple(told["missing"]),
        tuple(told["unused"]),
        told["counts"],
        [Source(**source) for source in told["sources"]],
    )
    whole, done = sum(report.counts.values()) + 1, 0
    for name, count in report.counts.items():
        progress(name, done / whole)
        there = write_table(target, name, batches(table_path(made, name)))
        if there != count:
            raise LoadError(
                f"{table_path(made, name)} has {there:,} rows, {REPORT} says {count:,}; copy the folder again"
            )
        done += count
    progress("done", 1.0)
    return report
