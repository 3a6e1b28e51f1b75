"""Reading a TSV file in clean batches: unpacked on the way, every row of the header's shape, valid UTF-8.

Memory stays the same for a file of any size. What is left out or mended is counted, never passed over in silence.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from graph.tables import Source

_BATCH_BYTES = 1 << 24
_HEADER_BYTES = 1 << 20
_LINE_BYTES = 1 << 27
_ALL_BUT_TABS_AND_NEWLINES = bytes(byte for byte in range(256) if byte not in b"\t\n")
_DELIMITERS = {",": "commas", ";": "semicolons", "|": "bars"}


class LoadError(Exception):
    """Input that cannot be loaded: the file, what is wrong with it and the way out."""


@dataclass
class Tsv:
    """An opened TSV file: where it is (a path or a URL), its columns, and what was found so far while reading it.

    rows counts the lines after the header, ragged ones included; ragged: lines with more or fewer cells than the
    header, left out; invalid: lines that are not UTF-8, kept, with U+FFFD for each wrong byte; position: bytes read
    of the file as it lies on the disk.
    """

    where: str
    source: Source
    names: list[str]
    rows: int = 0
    ragged: int = 0
    invalid: int = 0
    position: int = 0

    def batches(self) -> Iterator[bytes]:
        """The lines after the header, about 16 MB at a time: whole, ending in newlines, not ragged, valid UTF-8.

        Raises LoadError when the file is cut short, damaged, or no text at all.
        """
        with Path(self.where).open("rb") as file:
            chunks = _chunks(file, self.where)
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
                            f"{self.where} has a line of more than {_LINE_BYTES >> 20} MB; it is no TSV file"
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
        for chunk in _chunks(file, str(path)):
            start += chunk
            if b"\n" in start or len(start) > _HEADER_BYTES:
                break
    line = start[:_HEADER_BYTES].partition(b"\n")[0].decode("utf-8-sig", "replace")
    return Tsv(str(path), Source.of(path), column_names(line if start else None, str(path), columns))


def column_names(header: str | None, where: str, columns: Sequence[str]) -> list[str]:
    """The names in a file's first line, None where it has none. Raises LoadError as `open_tsv` does."""
    if header is None:
        raise LoadError(f"{where} is empty; download it again")
    line = header.removesuffix("\r")
    names = line.split("\t")
    missing = [column for column in columns if column not in names]
    if not missing:
        return names
    for delimiter, word in _DELIMITERS.items():
        if set(columns) <= {name.strip('" ') for name in line.split(delimiter)}:
            raise LoadError(f"{where} is separated by {word}, IMDb's files by tabs; write it again with tabs")
    found = ", ".join(names)
    raise LoadError(
        f"{where} lacks {', '.join(missing)}; its columns are {found[:300]}. "
        "Use IMDb's own file, from https://datasets.imdbws.com, or name the columns as there"
    )


def _lines(block: bytes) -> list[bytes]:
    # Not splitlines: that would also cut at a lone carriage return inside a cell.
    return [line + b"\n" for line in block.split(b"\n")[:-1]]


def _chunks(file: IO[bytes], where: str) -> Iterator[bytes]:
    magic = file.read(2)
    file.seek(0)
    stream: IO[bytes] = gzip.GzipFile(fileobj=file) if magic == b"\x1f\x8b" else file  # type: ignore[assignment]
    try:
        while chunk := stream.read(_BATCH_BYTES):
            yield chunk
    except EOFError:
        raise LoadError(f"{where} is cut short; download it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise LoadError(f"{where} is damaged ({error}); download it again") from None
