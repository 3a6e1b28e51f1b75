"""What differs from one engine to the next when a load's transforms run.

The transforms themselves are written once, in narwhals, over lazy frames. An engine puts a TSV file into Parquet
(`stage`), opens and writes Parquet (`scan`, `write`, `keep`), joins (`look_up`) and hands small answers back (`rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import narwhals as nw

from loaders.tsv import LoadError, Tsv

Frame = nw.LazyFrame[Any]

LINE = "line"
"""The column that staging adds: the row's position in its file, from 0, so that "the first one" has a meaning."""


class Engine(Protocol):
    """What runs a load. Frames are lazy; nothing that grows with the data comes back to the caller."""

    name: str

    def stage(
        self, tsv: Tsv, columns: Sequence[str], more: Sequence[nw.Expr], folder: Path, tick: Callable[[], None]
    ) -> None:
        """Put a TSV file's columns into Parquet in a new folder: strings, null for `\\N` and '', and `line`.

        more: columns to compute of those. tick: called after each batch. Raises LoadError as `Tsv.batches` does.
        """

    def scan(self, path: Path) -> Frame:
        """Open a Parquet file, or all those in and below a folder, in the order of their names."""

    def look_up(self, frame: Frame, other: Frame, on: Sequence[str]) -> Frame:
        """A left join that keeps the order of `frame`, so that the same input gives the same file, byte by byte."""

    def write(self, path: Path, frame: Frame) -> None:
        """Write a graph table: one Parquet file, zstd."""

    def keep(self, folder: Path, frame: Frame, by: str | None = None) -> None:
        """Write an intermediate result into a new folder; by a column: into `COLUMN=VALUE` there for each value."""

    def rows(self, frame: Frame) -> list[dict[str, Any]]:
        """A small frame as rows."""


class PolarsEngine:
    """One machine. Runs on polars' streaming engine: memory depends on ids that joins look up, not on the files."""

    name = "polars"

    def stage(
        self, tsv: Tsv, columns: Sequence[str], more: Sequence[nw.Expr], folder: Path, tick: Callable[[], None]
    ) -> None:
        """See Engine. The next batch is unpacked while this one is parsed: zlib and polars both let go of the GIL."""
        import polars as pl

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
            raise LoadError(f"{tsv.path}: {tsv.rows - tsv.ragged} rows were read, {line} were understood")

    def scan(self, path: Path) -> Frame:
        """See Engine."""
        import polars as pl

        return nw.from_native(
            pl.scan_parquet(path / "**/*.parquet" if path.is_dir() else path, hive_partitioning=False)
        )

    def look_up(self, frame: Frame, other: Frame, on: Sequence[str]) -> Frame:
        """See Engine. narwhals has no word for the order of a join's rows, and without it polars gives any."""
        joined = frame.to_native().join(other.to_native(), on=list(on), how="left", maintain_order="left")
        result: Frame = nw.from_native(joined)
        return result

    def write(self, path: Path, frame: Frame) -> None:
        """See Engine. One table at a time: writing several at once, polars holds in memory what the slowest awaits."""
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_native().sink_parquet(
            path, compression="zstd", compression_level=1, statistics=False, engine="streaming"
        )

    def keep(self, folder: Path, frame: Frame, by: str | None = None) -> None:
        """See Engine."""
        import polars as pl

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

    def rows(self, frame: Frame) -> list[dict[str, Any]]:
        """See Engine."""
        rows: list[dict[str, Any]] = frame.to_native().collect(engine="streaming").to_dicts()
        return rows


_ENGINES: dict[str, Callable[[], Engine]] = {"polars": PolarsEngine}


def open_engine(name: str) -> Engine:
    """The engine of that name. LoadError naming those there are."""
    if name not in _ENGINES:
        raise LoadError(f"there is no engine {name!r}; use {' or '.join(_ENGINES)}")
    return _ENGINES[name]()
