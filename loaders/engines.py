"""Reading IMDb-style TSV files and running a load's transforms: all that differs from one engine to the next.

The transforms themselves are written once, in narwhals, over lazy frames. An engine puts a TSV file into Parquet
(`stage`), opens and writes Parquet (`scan`, `write`), joins (`look_up`) and hands small answers back (`rows`).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import narwhals as nw

Frame = nw.LazyFrame[Any]

LINE = "line"
"""The column that staging adds: the row's position in its file, from 0, so that "the first one" has a meaning."""

_BATCH_BYTES = 1 << 24
_HEADER_BYTES = 1 << 20
_LINE_BYTES = 1 << 27
_ALL_BUT_TABS_AND_NEWLINES = bytes(byte for byte in range(256) if byte not in b"\t\n")
_DELIMITERS = {",": "commas", ";": "semicolons", "|": "bars"}


class LoadError(Exception):
    """Input that cannot be loaded: the file, what is wrong with it and the way out."""


@dataclass
class Tsv:
    """An opened TSV file: where it is, its columns, and what was found so far while reading it.

    rows counts the lines after the header, ragged ones included; ragged: lines with more or fewer cells than the
    header, left out; invalid: lines that are not UTF-8, kept, with U+FFFD for each wrong byte; position: bytes read
    of the file as it lies on the disk.
    """

    path: Path
    names: list[str]
    rows: int = 0
    ragged: int = 0
    invalid: int = 0
    position: int = 0

    def batches(self) -> Iterator[bytes]:
        """The lines after the header, about 16 MB at a time: whole, ending in newlines, not ragged, valid UTF-8.

        Raises LoadError when the file is cut short, damaged, or no text at all.
        """
        with self.path.open("rb") as file:
            chunks = _chunks(file, self.path)
            rest = b""
            while b"\n" not in rest and (chunk := next(chunks, b"")):
                rest += chunk
            rest = rest.partition(b"\n")[2]
            for chunk in chunks:
                self.position = file.tell()
                lines, newline, tail = chunk.rpartition(b"\n")
                if newline:
                    yield self._clean(rest + lines + newline)
                    rest = tail
                else:
                    rest += tail
                    if len(rest) > _LINE_BYTES:
                        raise LoadError(
                            f"{self.path} has a line of more than {_LINE_BYTES >> 20} MB; it is no TSV file"
                        )
            if rest:
                yield self._clean(rest if rest.endswith(b"\n") else rest + b"\n")

    def _clean(self, block: bytes) -> bytes:
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        # Comparing the tabs and newlines with those of a regular block costs a fraction of splitting its lines.
        shape = block.translate(None, _ALL_BUT_TABS_AND_NEWLINES)
        rows = shape.count(b"\n")
        self.rows += rows
        tabs = len(self.names) - 1
        if shape != (b"\t" * tabs + b"\n") * rows:
            regular = [line for line in _lines(block) if line.count(b"\t") == tabs]
            self.ragged += rows - len(regular)
            block = b"".join(regular)
        try:
            block.decode()
        except UnicodeDecodeError:
            lines = [line.decode("utf-8", "replace").encode() for line in _lines(block)]
            self.invalid += sum(line != other for line, other in zip(lines, _lines(block), strict=True))
            block = b"".join(lines)
        return block


def open_tsv(path: Path, columns: Sequence[str]) -> Tsv:
    """Look at a TSV file's header; plain or gzipped is told from its first bytes, not from its name.

    columns: those that must be there, in any order. Raises LoadError for an empty file, a missing column or another
    delimiter than the tab.
    """
    with path.open("rb") as file:
        start = b""
        for chunk in _chunks(file, path):
            start += chunk
            if b"\n" in start or len(start) > _HEADER_BYTES:
                break
    if not start:
        raise LoadError(f"{path} is empty; download it again")
    line = start[:_HEADER_BYTES].partition(b"\n")[0].decode("utf-8-sig", "replace").rstrip("\r")
    names = line.split("\t")
    missing = [column for column in columns if column not in names]
    if not missing:
        return Tsv(path, names)
    for delimiter, word in _DELIMITERS.items():
        if set(columns) <= {name.strip('" ') for name in line.split(delimiter)}:
            raise LoadError(f"{path} is separated by {word}, IMDb's files by tabs; write it again with tabs")
    found = ", ".join(names)
    raise LoadError(
        f"{path} lacks {', '.join(missing)}; its columns are {found[:300]}. "
        "Use IMDb's own file, from https://datasets.imdbws.com, or name the columns as there"
    )


def _lines(block: bytes) -> list[bytes]:
    # Not splitlines: that would also cut at a lone carriage return inside a cell.
    return [line + b"\n" for line in block.split(b"\n")[:-1]]


def _chunks(file: IO[bytes], path: Path) -> Iterator[bytes]:
    magic = file.read(2)
    file.seek(0)
    stream: IO[bytes] = gzip.GzipFile(fileobj=file) if magic == b"\x1f\x8b" else file  # type: ignore[assignment]
    try:
        while chunk := stream.read(_BATCH_BYTES):
            yield chunk
    except EOFError:
        raise LoadError(f"{path} is cut short; download it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise LoadError(f"{path} is damaged ({error}); download it again") from None


class Engine(Protocol):
    """What runs a load. Frames are lazy; nothing that grows with the data comes back to the caller."""

    name: str

    def stage(self, tsv: Tsv, columns: Sequence[str], folder: Path, tick: Callable[[], None]) -> None:
        """Put a TSV file's columns into Parquet in a new folder: strings, null for `\\N` and '', and `line`.

        tick: called after each batch. Raises LoadError as `Tsv.batches` does.
        """

    def scan(self, path: Path) -> Frame:
        """Open a Parquet file, or all those of a folder in the order of their names."""

    def look_up(self, frame: Frame, other: Frame, on: Sequence[str]) -> Frame:
        """A left join that keeps the order of `frame`, so that the same input gives the same file, byte by byte."""

    def write(self, frames: Mapping[Path, Frame]) -> None:
        """Write several Parquet files (zstd) at once, computing what the frames have in common only once."""

    def rows(self, frame: Frame) -> list[dict[str, Any]]:
        """A small frame as rows."""


class PolarsEngine:
    """One machine. Runs on polars' streaming engine: memory depends on ids that joins look up, not on the files."""

    name = "polars"

    def stage(self, tsv: Tsv, columns: Sequence[str], folder: Path, tick: Callable[[], None]) -> None:
        """See Engine. The next batch is unpacked while this one is parsed: zlib and polars both let go of the GIL."""
        import polars as pl

        folder.mkdir(parents=True)
        schema = {f"column_{number}": pl.String() for number in range(1, len(tsv.names) + 1)}
        rename = {f"column_{tsv.names.index(column) + 1}": column for column in columns}
        empty = pl.DataFrame(schema={LINE: pl.Int64(), **{column: pl.String() for column in columns}})
        empty.write_parquet(folder / "00000.parquet")
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
                    frame.write_parquet(folder / f"{part:05}.parquet", compression="lz4", statistics=False)
                    line += frame.height
                    part += 1
                tick()
        if line != tsv.rows - tsv.ragged:
            raise LoadError(f"{tsv.path}: {tsv.rows - tsv.ragged} rows were read, {line} were understood")

    def scan(self, path: Path) -> Frame:
        """See Engine."""
        import polars as pl

        return nw.from_native(pl.scan_parquet(path / "*.parquet" if path.is_dir() else path))

    def look_up(self, frame: Frame, other: Frame, on: Sequence[str]) -> Frame:
        """See Engine. narwhals has no word for the order of a join's rows, and without it polars gives any."""
        joined = frame.to_native().join(other.to_native(), on=list(on), how="left", maintain_order="left")
        result: Frame = nw.from_native(joined)
        return result

    def write(self, frames: Mapping[Path, Frame]) -> None:
        """See Engine."""
        import polars as pl

        sinks = []
        for path, frame in frames.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            sinks.append(frame.to_native().sink_parquet(path, compression="zstd", lazy=True))
        pl.collect_all(sinks, engine="streaming")

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
