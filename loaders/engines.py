"""What differs from one engine to the next when a load's transforms run.

The transforms themselves are written once, in narwhals, over lazy frames. An engine finds and opens TSV files (`find`,
`open`), takes them in (`stage`), keeps what is worked out of them under names (`keep`, `scan`, `part`), joins
(`look_up`), writes graph tables (`write`, `table`) and hands small answers back (`rows`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw

from graph.tables import table_path
from loaders.tsv import LoadError, Tsv, open_tsv

Frame = nw.LazyFrame[Any]

LINE = "line"
"""The column that staging adds: whole numbers that rise with the rows of a file, so that "the first one" is told."""


class EngineFailed(Exception):
    """An engine that cannot start, or broke down while it ran: which, why, and the way out."""


class Engine(Protocol):
    """What runs a load. Frames are lazy; nothing that grows with the data comes back to the caller."""

    name: str

    def find(self, source: str, names: Sequence[str]) -> dict[str, str]:
        """Where a folder has `NAME.tsv` or `NAME.tsv.gz`, the newer of the two; LoadError when it is no folder."""

    def open(self, where: str, columns: Sequence[str]) -> Tsv:
        """Look at a file's header, as `open_tsv` does."""

    def stage(
        self, name: str, tsv: Tsv, columns: Sequence[str], more: Sequence[nw.Expr], tick: Callable[[], None]
    ) -> None:
        """Take in a TSV file's columns under a name: strings, null for `\\N` and '', and `line`; count into `tsv`.

        more: columns to compute of those. tick: called after each batch. Raises LoadError as `Tsv.batches` does.
        """

    def scan(self, name: str) -> Frame:
        """What was staged or kept under a name."""

    def look_up(self, frame: Frame, other: Frame, on: Sequence[str]) -> Frame:
        """A left join; `other` has no key twice."""

    def keep(self, name: str, frame: Frame, by: str | None = None) -> None:
        """Work out an intermediate result once; by a column, whose single values `part` then has at hand."""

    def part(self, name: str, by: str, value: str) -> Frame:
        """What an intermediate result that was kept by a column has of one of its values."""

    def write(self, name: str, frame: Frame) -> int:
        """Write the graph table of a label or relationship type, zstd Parquet; returns its rows."""

    def table(self, name: str) -> Frame:
        """A graph table that was written."""

    def rows(self, frame: Frame) -> list[dict[str, Any]]:
        """A small frame as rows."""


@contextlib.contextmanager
def open_engine(name: str, folder: Path, master: str | None = None) -> Iterator[Engine]:
    """The engine of that name, which works in a folder and writes tables to its `tables`, one file each.

    master: of Spark alone, where it runs. LoadError for a name that there is not; EngineFailed when it cannot start.
    """
    if name == "polars":
        yield PolarsEngine(folder)
    elif name == "spark":
        from loaders.spark_engine import SparkEngine
        from loaders.spark_session import LOCAL, spark_session

        with spark_session(master or LOCAL, folder) as session:
            yield SparkEngine(session, str(folder / "tables"), one_file=True)
    else:
        raise LoadError(f"there is no engine {name!r}; use polars or spark")


class PolarsEngine:
    """One machine. Runs on polars' streaming engine: memory depends on ids that joins look up, not on the files."""

    name = "polars"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, source: str, names: Sequence[str]) -> dict[str, str]:
        """See Engine."""
        if "://" in source:
            raise LoadError(f"polars reads folders of this machine, not {source}; add --engine spark, or download it")
        folder = Path(source)
        if not folder.is_dir():
            raise LoadError(f"{source} is not a folder; give the one that holds title.basics.tsv.gz")
        files = {}
        for name in names:
            there = [path for path in (folder / f"{name}.tsv", folder / f"{name}.tsv.gz") if path.is_file()]
            if there:
                # With both there, the newer one is the one that was meant.
                files[name] = str(max(there, key=lambda path: path.stat().st_mtime))
        return files

    def open(self, where: str, columns: Sequence[str]) -> Tsv:
        """See Engine."""
        return open_tsv(Path(where), columns)

    def stage(
        self, name: str, tsv: Tsv, columns: Sequence[str], more: Sequence[nw.Expr], tick: Callable[[], None]
    ) -> None:
        """See Engine. The next batch is unpacked while this one is parsed: zlib and polars both let go of the GIL."""
        import polars as pl

        folder = self.folder / name
        folder.mkdir(parents=True)
        schema = {f"column_{number}": pl.String() for number in range(1, len(tsv.names) + 1)}
        rename = {f"column_{tsv.names.index(column) + 1}": column for column in columns}
        empty = pl.DataFrame(schema={LINE: pl.Int64(), **{column: pl.String() for column in columns}})
        nw.from_native(empty).with_columns(*more).write_parquet(folder / "00000.parquet")
        batches = tsv.batches()
        line = 0
        with ThreadPoolExecutor(1) as unpack:
            ahead = unpack.submit(next, batches, None)
            part = 1
            while (batch := ahead.result()) is not None:
                ahead = unpack.submit(next, batches, None)
                if batch:
                    frame = pl.read_csv(
                        batch,
                        has_header=False,
                        schema=schema,
                        columns=list(rename),
                        separator="\t",
                        quote_char=None,
                        null_values="\\N",
                    )
                    frame = frame.rename(rename).select(pl.int_range(line, line + pl.len()).alias(LINE), *columns)
                    frame = nw.from_native(frame).with_columns(*more).to_native()
                    frame.write_parquet(folder / f"{part:05}.parquet", compression="uncompressed", statistics=False)
                    line += frame.height
                    part += 1
                tick()
        if line != tsv.rows - tsv.ragged:
            raise LoadError(f"{tsv.where}: {tsv.rows - tsv.ragged} rows were read, {line} were understood")

    def scan(self, name: str) -> Frame:
        """See Engine."""
        return self._scan(self.folder / name / "**/*.parquet")

    def _scan(self, path: Path) -> Frame:
        import polars as pl

        return nw.from_native(pl.scan_parquet(path, hive_partitioning=False))

    def look_up(self, frame: Frame, other: Frame, on: Sequence[str]) -> Frame:
        """See Engine. The order of `frame` stays, so that the same input gives the same file, byte by byte.

        narwhals has no word for the order of a join's rows, and without it polars gives any.
        """
        joined = frame.to_native().join(other.to_native(), on=list(on), how="left", maintain_order="left")
        result: Frame = nw.from_native(joined)
        return result

    def keep(self, name: str, frame: Frame, by: str | None = None) -> None:
        """See Engine. Into files; by a column: into a folder `COLUMN=VALUE` for each value."""
        import polars as pl

        folder = self.folder / name
        folder.mkdir(parents=True)
        rows: pl.LazyFrame = frame.to_native()
        # An empty file gives the folder its columns, also when there is no row and hence no value to part it by.
        pl.DataFrame(schema=rows.collect_schema()).write_parquet(folder / "0.parquet")
        place = (
            folder / "1.parquet"
            if by is None
            else pl.PartitionBy(folder, key=by, include_key=True, approximate_bytes_per_file=None)
        )
        rows.sink_parquet(place, compression="uncompressed", statistics=False, mkdir=True, engine="streaming")

    def part(self, name: str, by: str, value: str) -> Frame:
        """See Engine."""
        kept = f"{name}/{by}={value}"
        return self.scan(kept) if (self.folder / kept).exists() else self.scan(name).filter(nw.col(by) == value)

    def write(self, name: str, frame: Frame) -> int:
        """See Engine. One table at a time: writing several at once, polars holds in memory what the slowest awaits."""
        import pyarrow.parquet as pq

        path = table_path(self.folder / "tables", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_native().sink_parquet(
            path, compression="zstd", compression_level=1, statistics=False, engine="streaming"
        )
        return int(pq.read_metadata(path).num_rows)

    def table(self, name: str) -> Frame:
        """See Engine."""
        return self._scan(table_path(self.folder / "tables", name))

    def rows(self, frame: Frame) -> list[dict[str, Any]]:
        """See Engine."""
        rows: list[dict[str, Any]] = frame.to_native().collect(engine="streaming").to_dicts()
        return rows
