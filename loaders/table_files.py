"""Tables that a service hands in: CSV (`,` `;` or tab), JSON lines or Parquet, their columns under several headers.

`scan_table` opens one of any size as a lazy frame of texts; what a cell may hold is for its reader to judge.
"""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from loaders.tsv import LoadError

SUFFIXES: Final = (".csv", ".jsonl", ".ndjson", ".parquet")
ROW: Final = "row"
"""The column that scanning adds: a row's position in its file, from 0."""

_IMDB_ID: Final = r"(?i)^(?:https?://\S*/title/)?(?:tt)?(\d{1,10})(?:/\S*)?$"


def imdb_id(text: str) -> str | None:
    """`tt0114709`, `0114709`, `114709` or IMDb's address of it → `tt0114709`; None for anything else."""
    found = re.fullmatch(_IMDB_ID, text.strip())
    return f"tt{found[1].zfill(7)}" if found else None


def imdb_ids(texts: pl.Expr) -> pl.Expr:
    """The same for a column; null for anything else."""
    return pl.lit("tt") + texts.str.extract(_IMDB_ID).str.zfill(7)


def graph_ids(texts: pl.Expr) -> pl.Expr:
    """Ids of titles as the graph has them, `tt0114709` or `item:ID`. A number alone could be of any service: null."""
    imdb = pl.when(texts.str.contains("(?i)^tt")).then(imdb_ids(texts))
    return imdb.when(texts.str.starts_with("item:")).then(texts)


def columns_of(names: Iterable[str], headers: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Our column → the file's name for it; its own spelling goes before the others, in the order of `headers`.

    Names are compared in lower case and without `_`, `-` and spaces.
    """
    found = {re.sub(r"[\s_-]", "", name).lower(): name for name in reversed(list(names))}
    columns = {}
    for column, others in headers.items():
        for spelling in (column.replace("_", ""), *others):
            if spelling in found:
                columns[column] = found[spelling]
                break
    return columns


def scan_table(path: Path, headers: Mapping[str, Sequence[str]], needed: Sequence[Sequence[str]]) -> pl.LazyFrame:
    """Open a table: `row` and the columns of `headers` as texts without spaces around them, null where there is none.

    needed: groups of columns of which one each must be there. A list becomes a text with `|` between; a blank row is
    left out. Collect the frame in `reading`. Raises LoadError for a file that is not there or of another format, and
    for missing columns.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise LoadError(f"{path} is no table that can be read: its name must end with {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise LoadError(f"{path} is not a file that is there; check its name")
    if not path.stat().st_size:
        raise LoadError(f"{path} is empty; it needs a header and at least one row")
    with reading(path):
        frame = _scan(path)
        schema = frame.collect_schema()
    columns = columns_of([name for name in schema.names() if name != _INDEX], headers)
    if not all(set(group) & set(columns) for group in needed):
        wanted = ", and ".join(" or ".join(group) for group in needed)
        found = ", ".join(name for name in schema.names() if name != _INDEX)
        raise LoadError(f"{path} has the columns {found[:300]}; it needs {wanted}")
    there = [_text(name, schema[name]).alias(column) for column, name in columns.items()]
    absent = [pl.lit(None, pl.String).alias(column) for column in headers if column not in columns]
    rows = frame.select(pl.col(_INDEX).cast(pl.Int64).alias(ROW), *there)
    rows = rows.filter(~pl.all_horizontal(pl.col(*columns).is_null()))
    return rows.with_columns(absent).select(ROW, *headers)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Around collecting a table's frame: LoadError with the row at fault for a file that is not what it seems."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        if "os error" in str(error):
            raise
        why = _fault(path) or str(error).partition("\n")[0]
        raise LoadError(f"{path} cannot be read: {why}") from None


_INDEX = "row number in the file"


def _scan(path: Path) -> pl.LazyFrame:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return pl.scan_parquet(path, row_index_name=_INDEX, hive_partitioning=False)
    if suffix == ".csv":
        return pl.scan_csv(path, separator=_separator(path), infer_schema=False, row_index_name=_INDEX)
    found = pl.scan_ndjson(path, infer_schema_length=None).collect_schema()
    lists = {name: pl.List(pl.String()) for name, type_ in found.items() if isinstance(type_, pl.List)}
    return pl.scan_ndjson(path, schema={name: lists.get(name, pl.String()) for name in found}, row_index_name=_INDEX)


def _separator(path: Path) -> str:
    with path.open("rb") as file:
        header = file.readline(1 << 16)
    return max(",;\t", key=lambda sign: header.count(sign.encode()))


def _text(name: str, type_: pl.DataType) -> pl.Expr:
    cell = pl.col(name)
    if type_.is_float():
        # pandas makes 7.0 of an id 7 where another id is missing.
        whole = pl.when(cell.is_finite() & (cell == cell.floor()) & (cell.abs() < 2**53)).then(cell)
        text = pl.coalesce(whole.cast(pl.Int64).cast(pl.String), cell.fill_nan(None).cast(pl.String))
    elif isinstance(type_, pl.List):
        text = cell.cast(pl.List(pl.String)).list.join("|", ignore_nulls=True)
    elif isinstance(type_, pl.Datetime) and type_.time_zone:
        text = cell.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.String)
    else:
        text = cell.cast(pl.String)
    text = text.str.strip_chars()
    return pl.when(~text.is_in(["", "\\N"])).then(text)


def _fault(path: Path) -> str | None:
    """The row at fault and the way out, from a slow look at the file; None when none is found."""
    if path.suffix.lower() == ".parquet":
        return None
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        look = _csv_fault if path.suffix.lower() == ".csv" else _json_fault
        return look(file, _separator(path))


def _csv_fault(file: Any, separator: str) -> str | None:
    reader = csv.reader(file, delimiter=separator, strict=True)
    try:
        width = len(next(reader, []))
        for cells in reader:
            if not _is_text("".join(cells)):
                return f"row {reader.line_num} is no UTF-8; save it as UTF-8"
            if len(cells) > width:
                return (
                    f"row {reader.line_num} has {len(cells)} cells under {width} columns; "
                    'put a cell that holds the delimiter into "quotes"'
                )
    except csv.Error as error:
        return f"row {reader.line_num}: {error}; double every quote inside a quoted cell"
    return None


def _json_fault(file: Any, _separator: str) -> str | None:
    for number, line in enumerate(file, 1):
        if not _is_text(line):
            return f"row {number} is no UTF-8; save it as UTF-8"
        try:
            if line.strip() and not isinstance(json.loads(line), dict):
                return f"row {number} is no JSON object"
        except ValueError as error:
            return f"row {number}: {error}; each line is one JSON object"
    return None


def _is_text(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
