"""The CSV that `neo4j-admin database import` reads: headers with types, rows, and the command that names the files.

Text is always quoted, so that '' and null differ; a quote within is doubled, a backslash is nothing special, and what
spans lines is announced in the command. The items of a list stand in one cell, split by a character that none of them
holds. An empty list cannot be written: it comes in as absent. https://neo4j.com/docs/operations-manual/current/import/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from graph.schema import Property, PropertyType

HEADS: dict[PropertyType, str] = {
    "string": "",
    "integer": ":long",
    "float": ":double",
    "boolean": ":boolean",
    "date": ":date",
    "strings": ":string[]",
}
DELIMITERS = (";", "|", "~", "^", *"\x1f\x1e\x1d\x1c", *"\ue000\ue001\ue002")
_OPTIONS = pa.csv.WriteOptions(include_header=False, quoting_style="needed")


def head(of: Property) -> str:
    """A property's name and type, as a header has them."""
    return of.name + HEADS[of.type]


def delimiter(lists: Iterable[pa.Array]) -> str:
    """The first of DELIMITERS that no item of these lists of strings holds. Raises ValueError where all are taken."""
    free: list[str] = list(DELIMITERS)
    for values in lists:
        items = values.flatten()
        free = [one for one in free if not pc.any(pc.match_substring(items, one)).as_py()]
    if not free:
        raise ValueError("every character that could split a list's items stands in one of them")
    return free[0]


class CsvFiles:
    """Files in a folder, written one after another. empty_lists: how many could not be said."""

    def __init__(self, folder: Path, split: str) -> None:
        self.folder, self.split = folder, split
        self.empty_lists = 0
        self.names: list[str] = []
        self._spans_lines = False

    def write(self, name: str, header: Sequence[str], batches: Iterable[pa.Table], tell: Callable[[int], None]) -> None:
        """Write `FOLDER/NAME`: a header, and the columns of the batches in its order. tell: given the rows of each."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write((",".join(header) + "\n").encode())
            for batch in batches:
                rows = pa.table([self._cells(column.combine_chunks()) for column in batch.columns], header)
                pa.csv.write_csv(rows, file, _OPTIONS)
                tell(batch.num_rows)
        self.names.append(name)

    def _cells(self, values: pa.Array) -> pa.Array:
        """A column as one that CSV can hold: lists as text, split by the delimiter; null where they are empty."""
        if pa.types.is_list(values.type):
            if not pa.types.is_string(values.type.value_type):
                values = values.cast(pa.list_(pa.string()))
            values = pc.binary_join(values, self.split)
            bare = pc.equal(values, "")
            self.empty_lists += pc.sum(bare).as_py() or 0
            values = pc.if_else(bare, None, values)
        if pa.types.is_string(values.type) and not self._spans_lines:
            self._spans_lines = bool(pc.any(pc.match_substring_regex(values, "[\r\n]")).as_py())
        return values

    def command(self, folder: Path) -> list[str]:
        """The import of these files once they lie in `folder`, as words for a shell."""
        split = self.split if self.split.isascii() and self.split.isprintable() else f"U+{ord(self.split):04X}"
        words = ["neo4j-admin", "database", "import", "full", "neo4j", "--overwrite-destination=true"]
        words += [f"--array-delimiter={split}"] + ["--multiline-fields=true"] * self._spans_lines
        for name in sorted(self.names):
            kind, _, file = name.partition("/")
            type_ = f"{Path(file).stem}=" if kind == "relationships" else ""
            words.append(f"--{kind}={type_}{folder / name}")
        return words
