"""Files where Spark sees them: this machine's folders, `s3://`, and whatever else its Hadoop connectors reach."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from graph.tables import Source
from loaders.tsv import LoadError


class Places:
    """Asks Hadoop's file systems, with the rights and settings that the session has. Raises LoadError."""

    def __init__(self, session: SparkSession) -> None:
        self._java: Any = session._jvm
        self._settings: Any = session._jsc.hadoopConfiguration()

    def url(self, where: str) -> str:
        """A path or URL as Spark takes it: `s3://` is `s3a://` where nothing else serves it (EMR and Glue do)."""
        if "://" not in where:
            return f"file://{Path(where).absolute()}"
        if where.startswith("s3://") and not self._settings.get("fs.s3.impl"):
            return where.replace("s3://", "s3a://", 1)
        return where

    def pattern(self, where: str) -> str:
        """The same, where Spark would read `*` or `[` in it as a pattern."""
        return re.sub(r"([\\*?\[\]{}])", r"\\\1", self.url(where))

    def is_folder(self, where: str) -> bool:
        """Whether there is a folder of that name."""
        with _asking(where):
            files, path = self._at(where)
            return bool(files.exists(path) and files.getFileStatus(path).isDirectory())

    def is_file(self, where: str) -> bool:
        """Whether there is a file of that name."""
        with _asking(where):
            files, path = self._at(where)
            return bool(files.exists(path) and files.getFileStatus(path).isFile())

    def source(self, where: str) -> Source:
        """Describe a file, for a manifest."""
        with _asking(where):
            files, path = self._at(where)
            status = files.getFileStatus(path)
            changed = dt.datetime.fromtimestamp(status.getModificationTime() // 1000, dt.UTC)
            return Source(str(path.getName()), int(status.getLen()), changed.isoformat(timespec="seconds"))

    def begins_with(self, where: str, magic: bytes) -> bool:
        """Whether a file's first bytes are these."""
        with _asking(where):
            files, path = self._at(where)
            with contextlib.closing(files.open(path)) as stream:
                return all(stream.read() == byte for byte in magic)

    def write(self, where: str, text: str) -> None:
        """Write a small new file, UTF-8."""
        with _asking(where):
            files, path = self._at(where)
            with contextlib.closing(files.create(path, False)) as stream:
                stream.write(bytearray(text, "utf-8"))

    def remove(self, where: str) -> None:
        """Remove a folder and all that is in it."""
        with _asking(where):
            files, path = self._at(where)
            files.delete(path, True)

    def _at(self, where: str) -> tuple[Any, Any]:
        path = self._java.org.apache.hadoop.fs.Path(self.url(where))
        return path.getFileSystem(self._settings), path


@contextlib.contextmanager
def _asking(where: str) -> Iterator[None]:
    try:
        yield
    except Py4JJavaError as error:
        why = str(error.java_exception)
        if "S3AFileSystem" in why:
            raise LoadError(
                f"{where} needs Spark's connector for S3: set PYSPARK_SUBMIT_ARGS to "
                "'--packages org.apache.hadoop:hadoop-aws:VERSION pyspark-shell' (docs/spark.md says which version)"
            ) from None
        raise LoadError(f"{where} cannot be reached: {why.partition(chr(10))[0][:500]}") from None
