"""A Spark session for one load: Java is found, its log goes to a file, and at the end no process of it is left."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import subprocess
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loaders.engines import EngineFailed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = "local[*]"
"""All cores of this machine."""
OLDEST_JAVA = 17
_SECONDS_TO_STOP = 20.0


@contextlib.contextmanager
def spark_session(master: str, folder: Path) -> Iterator[SparkSession]:
    """The session that is there already, or one that is started for now and keeps its files in `folder`.

    Further settings come from PYSPARK_SUBMIT_ARGS and from spark-defaults.conf in SPARK_CONF_DIR. Raises EngineFailed
    when PySpark, Java or the master is not to be had.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise EngineFailed(
            "PySpark is not installed; install the extra `spark`: pip install 'reelgraph[spark]'"
        ) from None
    there = SparkSession.getActiveSession()
    if there is not None:
        yield there
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (
        _java_home(),
        _py4j_silent(),
        (folder / "spark.log").open("wb") as log,
        _started(master, folder, log) as session,
    ):
        yield session


def settings(master: str, folder: Path) -> dict[str, str]:
    """What a session is started with. A local master listens on the loopback alone, and works in `folder`."""
    made = {
        "spark.app.name": "reelgraph load",
        "spark.master": master,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    if master.startswith("local"):
        made |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "2g",
            "spark.local.dir": str(folder / "spark"),
            "spark.sql.shuffle.partitions": "16",
        }
    return made


@contextlib.contextmanager
def _started(master: str, folder: Path, log: Any) -> Iterator[SparkSession]:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    with warnings.catch_warnings():
        # PySpark looks for pandas by this module when it meets its first literal; that warns about a new pandas.
        warnings.simplefilter("ignore")
        import pyspark.testing.utils  # noqa: F401
    conf = SparkConf(loadDefaults=False).setAll(list(settings(master, folder).items()))
    session: SparkSession | None = None
    gateway: Any = None
    try:
        try:
            # The JVM writes to the log from its first line on: no logging configuration comes early enough.
            gateway = launch_gateway(conf, {"stdout": log, "stderr": log})  # type: ignore[no-untyped-call]
            with _same_signals(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # interrupted, it warns that Java had to be stopped
                session = SparkSession(SparkContext(conf=conf, gateway=gateway))
        except (PySparkException, Py4JError) as error:
            raise EngineFailed(f"Spark cannot start with the master {master}: {_last_words(folder, error)}") from error
        yield session
    except Exception:
        raise
    except BaseException:
        # Interrupted amid a call to Java, the connection may hold half an answer: no goodbye over it.
        if gateway is not None:
            gateway.proc.kill()
            gateway.proc.wait()
        raise
    finally:
        if gateway is not None:
            _stop(session, gateway)


def _stop(session: SparkSession | None, gateway: Any) -> None:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    process: subprocess.Popen[bytes] = gateway.proc
    if process.poll() is None:
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            if session is not None:
                session.stop()
            gateway.shutdown()
    if process.stdin:
        process.stdin.close()  # at whose end the JVM leaves
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # PySpark keeps these for the next session in this process, which must start a JVM of its own.
    for owner, name in (
        (SparkContext, "_active_spark_context"),
        (SparkContext, "_gateway"),
        (SparkContext, "_jvm"),
        (SparkSession, "_instantiatedSession"),
        (SparkSession, "_activeSession"),
    ):
        setattr(owner, name, None)


@contextlib.contextmanager
def _same_signals() -> Iterator[None]:
    """PySpark sets a handler of its own for Ctrl-C; whoever calls a load has one already."""
    before = signal.getsignal(signal.SIGINT)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _py4j_silent() -> Iterator[None]:
    """py4j logs an interrupted call with its trace, by the root logger; the exception itself tells it."""

    def other(record: logging.LogRecord) -> bool:
        return "py4j" not in Path(record.pathname).parts

    logging.root.addFilter(other)
    try:
        yield
    finally:
        logging.root.removeFilter(other)


def _last_words(folder: Path, error: Exception) -> str:
    told = (folder / "spark.log").read_text("utf-8", "replace")
    found = re.findall(r"(?m)^(?:Caused by: |Exception in thread .*?: |Error: |.*ERROR \S+ )(.*)$", told)
    return (found[-1] if found else str(error).partition("\n")[0])[:500]


@contextlib.contextmanager
def _java_home() -> Iterator[None]:
    """JAVA_HOME names a Java that is new enough, as long as this lasts."""
    before = os.environ.get("JAVA_HOME")
    os.environ["JAVA_HOME"] = str(find_java())
    try:
        yield
    finally:
        if before is None:
            del os.environ["JAVA_HOME"]
        else:
            os.environ["JAVA_HOME"] = before


def find_java() -> Path:
    """The home of a Java that Spark runs on: by JAVA_HOME, the path, or where Linux has it. EngineFailed if none."""
    named = os.environ.get("JAVA_HOME")
    found = shutil.which("java")
    homes = [Path(named)] if named else []
    homes += [Path(found).resolve().parent.parent] if found else []
    homes += sorted(Path("/usr/lib/jvm").glob("*"))
    had = {}
    for home in homes:
        had[str(home)] = _version(home / "bin" / "java")
        if had[str(home)] >= OLDEST_JAVA:
            return home
    too_old = ", ".join(f"{version} in {home}" for home, version in had.items() if version)
    raise EngineFailed(
        f"Spark needs Java {OLDEST_JAVA} or newer (found: {too_old or 'none'}). Install it (Debian: apt-get install "
        "openjdk-17-jre-headless) or set JAVA_HOME to where it is"
    )


def _version(java: Path) -> int:
    """The first number of its version; 0 when it does not run."""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=True).stderr  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else 0
