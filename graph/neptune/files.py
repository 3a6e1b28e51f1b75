"""The CSV that Neptune's bulk loader reads, in both of its dialects: compressed, and split to a size.

Text is always quoted, a quote within is doubled, all else stands as it is; a blank field is no property, `""` an empty
text. Every property has a single value, so a `;` splits nothing: lists are JSON texts, as in the store.
https://docs.aws.amazon.com/neptune/latest/userguide/bulk-load-tutorial-format.html
"""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from graph.neptune.rows import Part
from graph.schema import PropertyType

SPLIT = 256 << 20
"""Bytes of a file before compression: the loader reads as many files at once as the instance has cores."""
_OPTIONS = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
_LEVEL = 4  # of gzip: half the time of 6, a few per cent larger


@dataclass(frozen=True)
class Dialect:
    """What the headers say. vertex, edge: the columns that each file begins with; single: what follows each type."""

    name: str
    vertex: Sequence[str]
    edge: Sequence[str]
    types: Mapping[PropertyType, str]
    single: str

    def header(self, part: Part) -> list[str]:
        """The first line of a file."""
        named = [f"{name}:{self.types[type_]}{self.single}" for name, type_ in part.properties]
        return [*(self.edge if part.edges else self.vertex), *named]


_TYPES: dict[PropertyType, str] = {
    "string": "String",
    "integer": "Long",
    "float": "Double",
    "boolean": "Bool",
    "strings": "String",
}
# Dates are ISO 8601 texts in the store: what openCypher's `Date` is kept as, while Gremlin's becomes a time.
DIALECTS = {
    one.name: one
    for one in (
        Dialect(
            "gremlin", ["~id", "~label"], ["~id", "~from", "~to", "~label"], _TYPES | {"date": "String"}, "(single)"
        ),
        Dialect(
            "opencypher", [":ID", ":LABEL"], [":ID", ":START_ID", ":END_ID", ":TYPE"], _TYPES | {"date": "Date"}, ""
        ),
    )
}


class Files:
    """Files in a folder, written one after another. records: how many labels and properties they hold."""

    def __init__(self, folder: Path, dialect: Dialect, most: int = SPLIT) -> None:
        self.folder, self._dialect, self._most = folder, dialect, most
        self.names: list[str] = []
        self.records = 0

    def write(self, part: Part, tell: Callable[[int], None], folder: str = "") -> None:
        """Write `nodes/NAME-0001.csv.gz` and so on, or under `folder`. tell: given the rows of each batch."""
        place = folder or ("relationships" if part.edges else "nodes")
        with contextlib.ExitStack() as opened:
            file = _Split(self.folder, f"{place}/{part.name}", self._dialect.header(part), self._most, opened)
            for batch in part.batches:
                file.add(batch)
                told = batch.columns[3 if part.edges else 1 :]
                self.records += sum(len(column) - column.null_count for column in told)
                tell(batch.num_rows)
        self.names += file.names


class _Split:
    """One table as several files, each with the header and at most so many bytes before compression.

    opened: closes the one that is open.
    """

    def __init__(self, folder: Path, name: str, header: Sequence[str], most: int, opened: contextlib.ExitStack) -> None:
        self._folder, self._name, self._most, self._opened = folder, name, most, opened
        self._header = (",".join(header) + "\n").encode()
        self.names: list[str] = []
        self._file: gzip.GzipFile | None = None
        self._size = 0
        (folder / name).parent.mkdir(parents=True, exist_ok=True)

    def add(self, batch: pa.Table) -> None:
        """Write rows: into the file that is open where there is room, else into the next one."""
        if not batch.num_rows:
            return
        made = BytesIO()
        pa.csv.write_csv(batch, made, _OPTIONS)
        rows = made.getbuffer()
        if batch.num_rows > 1 and len(self._header) + len(rows) > self._most:
            half = batch.num_rows // 2
            self.add(batch.slice(0, half))
            self.add(batch.slice(half))
            return
        if self._file is None or self._size + len(rows) > self._most:
            self._file = self._next()
        self._file.write(rows)
        self._size += len(rows)

    def _next(self) -> gzip.GzipFile:
        self._opened.close()
        name = f"{self._name}-{len(self.names) + 1:04}.csv.gz"
        raw = self._opened.enter_context((self._folder / name).open("wb"))
        # Without a name and a time in it, the same rows are the same bytes.
        file = self._opened.enter_context(gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0))
        file.write(self._header)
        self._size = len(self._header)
        self.names.append(name)
        return file
