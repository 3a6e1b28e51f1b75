"""The engine for data past one machine: a load's transforms as Spark runs them, on a cluster or on this machine.

What is staged and kept goes through Parquet files: were it cached instead, every plan would hold those before it, and
Spark's own printing of nested plans would take most of the time. Tables come sorted by what identifies their rows: the
same files give the same tables, however the work was divided.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import narwhals as nw
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as its documentation has it

from graph.schema import NODES
from graph.tables import table_path, write_table
from loaders.engines import LINE, EngineFailed, Frame
from loaders.parts import batches
from loaders.spark_places import Places
from loaders.tsv import LoadError, Tsv, column_names

_RAGGED, _INVALID = "other number of cells", "invalid UTF-8"
_CUT_SHORT = "Unexpected end of input stream"
_UNPACKING = "org.apache.hadoop.io.compress."  # stands in the trace of whatever goes wrong in there


class SparkEngine:
    """Spark, in a session that is the caller's.

    tables: a folder or URL that all workers write to; what is in its `work` is of no use afterwards. one_file: each
    table is then put together in one file, some rows at a time; else it stays a folder of parts. EngineFailed when
    workers of a cluster write to a folder that is not the one which is seen from here.
    """

    name = "spark"

    def __init__(self, session: SparkSession, tables: str, *, one_file: bool) -> None:
        self.session = session
        self.tables = tables.rstrip("/")
        self.work = f"{self.tables}/work"
        self.one_file = one_file
        self.places = Places(session)
        self.kept: dict[str, DataFrame] = {}
        if one_file and not str(session.sparkContext.master).startswith("local"):
            self._see_workers()

    def find(self, source: str, names: Sequence[str]) -> dict[str, str]:
        """See Engine; also `s3://` and whatever else Spark's connectors reach."""
        if not self.places.is_folder(source):
            raise LoadError(f"{source} is not a folder; give the one that holds title.basics.tsv.gz")
        files = {}
        for name in names:
            there = [f"{source.rstrip('/')}/{name}.tsv{packed}" for packed in ("", ".gz")]
            dated = [(self.places.source(where).modified, where) for where in there if self.places.is_file(where)]
            if dated:
                files[name] = max(dated)[1]
        return files

    def open(self, where: str, columns: Sequence[str]) -> Tsv:
        """See Engine. Spark tells a gzipped file by its name alone: LoadError where name and content differ."""
        packed = self.places.begins_with(where, b"\x1f\x8b")
        if packed != where.endswith(".gz"):
            is_, ending = ("", "with") if packed else ("not ", "without")
            raise LoadError(f"{where} is {is_}gzipped, and Spark goes by the name; rename it, {ending} .gz at the end")
        with _reading(where):
            first = self._lines(where).limit(1).collect()
        header = cast("str", first[0]["value"]).removeprefix("\ufeff") if first else None
        return Tsv(where, self.places.source(where), column_names(header, where, columns))

    def _lines(self, where: str) -> DataFrame:
        # As text, not as CSV: Spark's CSV reader swallows cells after an unbalanced quote, fills up rows that are cut
        # short and mends invalid UTF-8, all without a word.
        return self.session.read.text(self.places.pattern(where), lineSep="\n")

    def stage(
        self, name: str, tsv: Tsv, columns: Sequence[str], more: Sequence[nw.Expr], tick: Callable[[], None]
    ) -> None:
        """See Engine. One pass over the file; a gzipped one is unpacked by one worker, then spread over all."""
        raw = self._lines(tsv.where).select("value", F.monotonically_increasing_id().alias(LINE))
        raw = raw.filter(F.col(LINE) > 0)  # the header
        line = F.when(F.endswith("value", F.lit("\r")), F.substr("value", F.lit(1), F.length("value") - 1))
        text, invalid = _valid(F.coalesce(line, F.col("value")))
        cells = raw.select(LINE, F.split(text, "\t", -1).alias("cells"), invalid.alias(_INVALID))
        there = [_cell(tsv.names.index(column)).alias(column) for column in columns]
        rows = cells.select(LINE, *there, (F.size("cells") != len(tsv.names)).alias(_RAGGED), _INVALID)
        if tsv.where.endswith(".gz"):
            rows = rows.repartition(self.session.sparkContext.defaultParallelism * 4, LINE)
        with _reading(tsv.where):
            staged = self._kept(name, nw.from_native(rows).with_columns(*more).to_native())
            counts = staged.agg(
                F.count("*").alias("rows"),
                F.count_if(_RAGGED).alias("ragged"),
                F.count_if(F.col(_INVALID) & ~F.col(_RAGGED)).alias("invalid"),
            ).collect()[0]
        tsv.rows, tsv.ragged, tsv.invalid = counts["rows"], counts["ragged"], counts["invalid"]
        tsv.position = tsv.source.size
        self.kept[name] = staged.filter(~F.col(_RAGGED)).drop(_RAGGED, _INVALID)
        tick()

    def scan(self, name: str) -> Frame:
        """See Engine."""
        return nw.from_native(self.kept[name])

    def look_up(self, frame: Frame, other: Frame, on: Sequence[str]) -> Frame:
        """See Engine."""
        result: Frame = nw.from_native(frame.to_native().join(other.to_native(), on=list(on), how="left"))
        return result

    def keep(self, name: str, frame: Frame, by: str | None = None) -> None:  # noqa: ARG002 - one file for all serves
        """See Engine."""
        with _running():
            self.kept[name] = self._kept(name, frame.to_native())

    def _kept(self, name: str, rows: DataFrame) -> DataFrame:
        place = f"{self.work}/{name}"
        rows.write.parquet(self.places.url(place))
        return self.session.read.schema(rows.schema).parquet(self.places.pattern(place))

    def part(self, name: str, by: str, value: str) -> Frame:
        """See Engine."""
        return self.scan(name).filter(nw.col(by) == value)

    def write(self, name: str, frame: Frame) -> int:
        """See Engine."""
        rows: DataFrame = frame.to_native()
        rows = rows.sort("id") if name in NODES else rows.sort("head", "tail", "key")
        with _running():
            rows.write.parquet(self.places.url(self._place(name)), compression="zstd")
            if not self.one_file:
                return self.session.read.parquet(self.places.pattern(self._place(name))).count()
        place = Path(self._place(name))
        parts = place.rename(place.with_name(f"{name}-parts"))
        count = write_table(Path(self.tables), name, batches(parts))
        shutil.rmtree(parts)
        return count

    def _see_workers(self) -> None:
        """Have as many rows written as there could be workers; those that are not to be seen from here are missing."""
        probe, rows = Path(self.tables) / "probe", 8 * self.session.sparkContext.defaultParallelism
        with _running():
            self.session.range(0, rows, 1, rows).write.parquet(self.places.url(str(probe)))
        there = sum(batch.num_rows for batch in batches(probe))
        shutil.rmtree(probe, ignore_errors=True)
        if there != rows:
            raise EngineFailed(
                f"Spark's workers wrote {rows} rows, of which {there} are in {self.tables}: set TMPDIR to a folder "
                "that all of them share with this machine, or run loaders/spark_job.py (docs/spark.md)"
            )

    def _place(self, name: str) -> str:
        if self.one_file:
            return str(table_path(Path(self.tables), name))
        return f"{self.tables}/{table_path(Path(), name)}"

    def table(self, name: str) -> Frame:
        """See Engine."""
        return nw.from_native(self.session.read.parquet(self.places.pattern(self._place(name))))

    def rows(self, frame: Frame) -> list[dict[str, Any]]:
        """See Engine."""
        with _running():
            return [row.asDict() for row in frame.to_native().collect()]


def _cell(position: int) -> Column:
    cell = F.get(F.col("cells"), F.lit(position))
    return F.when((cell != "") & (cell != "\\N"), cell)


def _valid(text: Column) -> tuple[Column, Column]:
    """A text with U+FFFD for each wrong byte, and whether there was one."""
    if hasattr(F, "make_valid_utf8"):
        return F.make_valid_utf8(text), ~F.is_valid_utf8(text)
    # Before Spark 4, `decode` does that.
    valid = F.decode(text.cast("binary"), "UTF-8")
    return valid, F.encode(valid, "UTF-8") != text.cast("binary")


@contextlib.contextmanager
def _reading(where: str) -> Iterator[None]:
    """Around reading a file: LoadError for one that is damaged."""
    try:
        with _running():
            yield
    except EngineFailed as error:
        why = str(error.__cause__)
        if _CUT_SHORT in why:
            raise LoadError(f"{where} is cut short; download it again") from None
        if _UNPACKING in why:
            raise LoadError(f"{where} is damaged ({error}); download it again") from None
        raise


@contextlib.contextmanager
def _running() -> Iterator[None]:
    """Around what Spark does: EngineFailed with the first line of what it says."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        told = [line for line in str(error).splitlines() if line.strip()]
        reasons = re.findall(r"(?m)^Caused by: (.*)$", str(error))
        raise EngineFailed(f"Spark failed: {(reasons or told or ['it does not say why'])[-1][:500]}") from error
