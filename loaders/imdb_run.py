"""One run over IMDb's files: what its steps share, from staging the TSVs to counting what became of every row.

A step judges rows: it adds a column `reason`, null for a row that is kept, and columns of faults (`loaders.cells`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial, reduce
from typing import Any

import narwhals as nw

from graph.schema import arrow_schema
from graph.store import Progress
from loaders.cells import no_string, number
from loaders.engines import LINE, Engine, Frame
from loaders.imdb_files import FILES, IDS, Choices, FileReport
from loaders.tsv import Tsv

# A look for repeats takes so many rows at a time: a group-by holds all of its keys in memory.
_ROWS_AT_ONCE = 8_000_000
NO_ID = "no id as IMDb writes them"


class Run:
    """An engine at work on IMDb's files; the reports so far, and the rows of each table that was written."""

    def __init__(self, engine: Engine, choices: Choices, files: Mapping[str, Tsv], progress: Progress) -> None:
        self.engine = engine
        self.choices = choices
        self.files = files
        self.progress = progress
        self.reports: list[FileReport] = []
        self.counts: dict[str, int] = {}
        self.tallies: dict[str, list[dict[str, Any]]] = {}
        self.repeated: dict[str, Frame] = {}

    def stage(self, share: float) -> None:
        """Put every file into Parquet; `share` is the part of the whole progress that this is."""
        total = sum(tsv.source.size for tsv in self.files.values())
        before = 0

        def tick(tsv: Tsv) -> None:
            self.progress(f"reading {tsv.source.file}", share * min(1.0, (before + tsv.position) / total))

        for name, tsv in self.files.items():
            numbers = [number(column, IDS[column]).alias(f"{column}_number") for column in FILES[name] if column in IDS]
            tick(tsv)
            self.engine.stage(name, tsv, FILES[name], numbers, partial(tick, tsv))
            before += tsv.source.size

    def scan(self, name: str) -> Frame:
        """A staged file by IMDb's name for it, or an intermediate one."""
        return self.engine.scan(name)

    def table(self, name: str) -> Frame:
        """A graph table that this run has made."""
        return self.engine.table(name)

    def look_up(self, rows: Frame, other: Frame, *on: str) -> Frame:
        """`Engine.look_up`; `other` must not have a key twice."""
        return self.engine.look_up(rows, other, on)

    def known_titles(self, number_name: str, kept: str = "kept") -> Frame:
        """The number of every title that title.basics has, and whether it is kept."""
        return self.scan("titles").rename({"number": number_name, "kept": kept})

    def parts(self, number_name: str, rows: int) -> Iterator[nw.Expr]:
        """Conditions that cut so many rows into parts of bounded size, by the number of an id; null is in none."""
        count = 1 + rows // _ROWS_AT_ONCE
        for part in range(count):
            yield nw.col(number_name) % count == part if count > 1 else ~nw.col(number_name).is_null()

    def firsts(self, name: str, rows: Frame, keys: Sequence[str], apart: Sequence[str] = ()) -> Frame:
        """A file's rows without those that repeat the keys of an earlier row; rows with a null key all stay.

        apart: some of the keys that alone tell nearly all rows apart, so that only the others are looked at closely.
        """
        apart = apart or keys
        there = reduce(lambda one, other: one & other, [~nw.col(key).is_null() for key in keys])
        if name not in self.repeated:
            self.repeated[name] = nw.concat(list(self._repeats(name, rows, apart)))
        repeated = self.repeated[name]
        if self.engine.rows(repeated.select(nw.len().alias("rows")))[0]["rows"] == 0:
            return rows
        suspects = self.look_up(rows, repeated.with_columns(again=nw.lit(True)), *apart)
        suspects = suspects.filter(there & ~nw.col("again").is_null())
        rows = self.look_up(rows, suspects.group_by(*keys).agg(nw.col(LINE).min().alias("first")), *keys)
        return rows.filter(nw.col("first").is_null() | (nw.col("first") == nw.col(LINE))).drop("first")

    def _repeats(self, name: str, rows: Frame, apart: Sequence[str]) -> Iterator[Frame]:
        for turn, part in enumerate(self.parts(apart[0], self.files[name].rows)):
            groups = rows.filter(part).group_by(*apart).agg(nw.len().alias("times"))
            yield self.keep(f"{name}-repeats-{turn}", groups.filter(nw.col("times") > 1).select(*apart))

    def write(self, name: str, rows: Frame) -> None:
        """Write a graph table, of the columns that the schema says."""
        self.counts[name] = self.engine.write(name, rows.select(arrow_schema(name).names))

    def keep(self, name: str, rows: Frame, by: str | None = None) -> Frame:
        """Work out an intermediate result once, so that the tables and counts made of it need not."""
        self.engine.keep(name, rows, by)
        return self.scan(name)

    def part(self, name: str, by: str, value: str) -> Frame:
        """What an intermediate result, kept by a column, has of one of its values."""
        return self.engine.part(name, by, value)

    def judged(self, name: str, rows: Frame, by: str | None = None) -> Frame:
        """Work out judged rows once, as `NAME-judged`, and count them for `counted` and `report`."""
        rows = self.keep(f"{name}-judged", rows, by)
        self.tally(name, rows)
        return rows

    def tally(self, name: str, rows: Frame) -> None:
        """Count judged rows for each reason, and the sums of their faults."""
        faults = [column for column in rows.collect_schema().names() if column.endswith(", made null")]
        sums = [nw.col(column).sum() for column in faults]
        self.tallies[name] = self.engine.rows(
            rows.group_by("reason").agg(nw.len().cast(nw.Int64()).alias("rows"), *sums)
        )

    def counted(self, name: str) -> dict[str, int]:
        """The judged rows that were dropped, by reason."""
        return {row["reason"]: row["rows"] for row in self.tallies[name] if row["reason"] is not None}

    def report(self, name: str, repaired: Mapping[str, int] | None = None) -> None:
        """Make a file's report of the judged rows. What they do not count was a repeat."""
        tsv = self.files[name]
        rows = self.tallies[name]
        kept = next((row for row in rows if row["reason"] is None), {"rows": 0})
        repeats = tsv.rows - tsv.ragged - sum(row["rows"] for row in rows)
        dropped = self.counted(name)
        dropped |= {"other number of cells than the header": tsv.ragged, "repeats an earlier row": repeats}
        mended = {reason: count for reason, count in kept.items() if reason not in ("reason", "rows")}
        mended |= {"invalid UTF-8, replaced": tsv.invalid, **(repaired or {})}
        self.reports.append(
            FileReport(
                tsv.source.file,
                tsv.rows,
                kept["rows"],
                {reason: count for reason, count in sorted(dropped.items()) if count},
                {reason: count for reason, count in mended.items() if count},
            )
        )


def kept(rows: Frame) -> Frame:
    """The judged rows that nothing speaks against."""
    return rows.filter(nw.col("reason").is_null())


def pairs(rows: Frame, head: str, listed: str, tail: str, *also: str) -> Frame:
    """A row for each different word in a comma-separated column of kept rows: columns `head`, `tail` and others."""
    rows = kept(rows).filter(~nw.col(listed).is_null())
    rows = rows.select(head, *also, nw.col(listed).str.split(",").list.unique().alias(tail))
    return rows.explode(tail).filter(nw.col(tail) != "")


def why_not(number_name: str, prefix: str = "", kept: str = "kept") -> list[tuple[nw.Expr, str]]:
    """Why a row is dropped that names a title which `Run.known_titles` was looked up for."""
    return [
        (nw.col(number_name).is_null(), f"{prefix}{NO_ID}"),
        (nw.col(kept).is_null(), f"{prefix}unknown title"),
        (~nw.col(kept), f"{prefix}title left out"),
    ]


def plain(head: str, tail: str) -> list[nw.Expr]:
    """The columns of a relationship that has no key."""
    return [nw.col(head).alias("head"), nw.col(tail).alias("tail"), nw.lit("").alias("key")]


def no_credit() -> list[nw.Expr]:
    """The properties of a credit that IMDb says nothing more about."""
    return [nw.lit(None, nw.Int64()).alias("ordering"), no_string().alias("job")]
