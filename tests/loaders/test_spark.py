"""The load on Spark: the same tables as by polars, its faults in words, and nothing of it left behind."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from graph.schema import NODES, RELATIONSHIPS
from graph.store import open_store
from graph.tables import GraphTables, finish_tables, table_path
from loaders import spark_session as sessions
from loaders.engines import EngineFailed
from loaders.imdb import FILES, KINDS, Choices, LoadError, LoadReport, imdb_tables

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")

FOLDER = Path(os.environ.get("REELGRAPH_DATA", Path(__file__).parents[3] / "shared/data"))
EVERY_KIND = Choices(kinds=frozenset(KINDS))
ROOT = Path(__file__).parents[2]

QUIRKS = {
    "title.basics": [
        'tt1\tmovie\t"One\tOne"\t0\t1999\t\\N\t90\tDrama,Comedy,Drama,',  # unbalanced quotes, a genre twice
        "tt2\tmovie\tTw\u2028o\tTw\u0085o\x0b\x0c\u2029\t1\t2000\u2028\t\\N\t19٩\t\\N",  # Unicode's line separators
        "tt1\tmovie\tAgain\tAgain\t0\t1999\t\\N\t90\tDrama",  # an id twice
        "tt3\ttvSeries\tThree",  # too few cells
        "",
        "tt4\ttvSeries\t  Four  \t\t\\N\t1799\t2201\tlong\t\\n\ttoo\tmany",  # too many
        "tt5\ttvSeries\t  Five  \t\t\\N\t1799\t2201\tlong\t\\n\r",  # spaces, an empty cell, bad values, \r\n
        "tt01\ttvEpisode\tNULL\tnull\t2\t2001\t0\t007\tNA",  # another id than tt1; words that are no nulls
        "\\N\tmovie\tNo id\tNo id\t0\t1999\t\\N\t90\tDrama",
        "tt6\tmovie\tSix\rseven\\\tSi\\tx#\t0\t1999\t\\N\t90\t#Drama,D'rama",  # a lone \r, backslashes, a comment sign
        "tt7\tmovie\tOn\udce9 \udcf0\udc9f\udc98!\t日本\udcff\t0\t1800\t\\N\t90\tDrama",  # bytes that are no UTF-8
    ],
    "title.ratings": ["tt1\t7.5\t1000", "tt1\t6.0\t20", "tt2\t77\t-3", "tt5\t10.0\t\\N", "tt6\t1e1\t1", "tt99\t5.0\t5"],
    "name.basics": [
        "nm1\tAnn \"Annie\tBo\t\\N\tactress,director\ttt1,tt2,tt99,tt1",
        "nm2\tWill\t1564\t1616\t\\N\t\\N",
        "nm2\tBill\t1564\t1616\twriter\ttt1",
        "nm3\tNobody\t\\N\t\\N\t\\N\ttt1",
        "nm4\tDee\t\\N\t\\N\teditor,\tttx,tt01,tt5",
    ],
    "title.principals": [
        'tt1\t1\tnm1\tactress\t\\N\t["Ann (young)", "The \\"Boss\\""]',
        'tt1\t2\tnm1\tactress\t\\N\t"[""A"",""The \\""B\\""""]"',
        'tt1\t2\tnm1\tself\t\\N\t["A"]',
        'tt1\t3\tnm2\twriter\t"play\t{"a":"b"}',
        'tt2\t1\tnm4\tarchive_footage\t\\N\t["Den (\\Den\\)","[Voice]","x\u2028","Back\\\\slash"]',
        "tt2\t10\tnm4\teditor\t\\N\t[]",
        "tt2\t2\tnm9\teditor\t\\N\t\\N",
        "tt5\tfirst\tnm1\tdirector\t\\N\t\\N",
        "tt5\t1\tnm1\tjuggler\t\\N\t\\N",
        "tt5\t2\tnm2\t\\N\t\\N\tBoss",
        'tt6\t1\tnm1\tactor\t\\N\t["unclosed',
    ],
    "title.crew": ["tt1\tnm1,nm2,nm1\tnm2", "tt2\tnm4,nm9\t\\N", "tt2\tnm1\t\\N", "tt99\tnm1\t\\N", "tt5\t\\N\tnm1,"],
    "title.akas": [
        "tt1\t1\tUn\tFR\tfr\tdvd\x02festival",
        "tt1\t1\tUne\tFR\tfr\t\\N",
        "tt1\t10\t\"Dix\tFR\tfr\timdbDisplay,working",
        "tt1\t2\t\\N\tFR\tfr\t\\N",
        "tt9\t1\tNeuf\tFR\tfr\t\\N",
    ],
    "title.episode": ["tt01\ttt5\t1\t2", "tt01\ttt5\t1\t3", "tt6\ttt99\t\\N\t1", "tt7\ttt5\t01\t\\N"],
}  # fmt: skip


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One session for all tests here; `imdb_tables` runs in it."""
    # For so few rows, compiling each plan and dividing it into tasks would take most of the time.
    options = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    patch = pytest.MonkeyPatch()
    patch.setenv("PYSPARK_SUBMIT_ARGS", f'--driver-java-options "{options}" pyspark-shell')
    try:
        with sessions.spark_session("local[2]", tmp_path_factory.mktemp("spark")) as session:
            patch.undo()
            session.conf.set("spark.sql.shuffle.partitions", 2)
            session.conf.set("spark.sql.adaptive.enabled", "false")
            session.conf.set("spark.sql.codegen.wholeStage", "false")
            session.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            yield session
    except EngineFailed as error:
        (pytest.fail if os.environ.get("REELGRAPH_REQUIRE_ALL") else pytest.skip)(str(error))


@pytest.fixture(scope="module")
def quirks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with all that is odd in them, in a folder whose name Spark would take for a pattern."""
    folder = tmp_path_factory.mktemp("files") / "imdb [a] {b}*"
    folder.mkdir()
    for name, lines in QUIRKS.items():
        text = "\n".join(["\t".join(FILES[name]), *lines]) + ("\n" if name != "title.crew" else "")
        raw = text.encode("utf-8", "surrogateescape")
        if name == "title.akas":
            raw = b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n")
        if name in ("title.basics", "title.ratings"):
            # Two members, as tools that pack in parallel write it.
            raw = gzip.compress(raw[:40]) + gzip.compress(raw[40:])
            (folder / f"{name}.tsv.gz").write_bytes(raw)
        else:
            (folder / f"{name}.tsv").write_bytes(raw)
    return folder


def same(one: Path, other: Path, first: LoadReport, second: LoadReport) -> None:
    """The reports are equal, and the tables row for row, each in the order of what identifies a row.

    That order is Spark's; polars has the files'. It means nothing: a store sorts what it loads.
    """
    assert first == second
    for name in first.counts:
        keys = ["id"] if name in NODES else ["head", "tail", "key"]
        left, right = (pq.read_table(table_path(folder, name), partitioning=None) for folder in (one, other))
        order = [(key, "ascending") for key in keys]
        assert left.sort_by(order).to_pylist() == right.to_pylist(), name
        if left.num_rows:
            assert left.group_by(keys).aggregate([]).num_rows == left.num_rows, f"{name} has a row twice"


def stored(tables: GraphTables, url: str) -> dict[str, list[Any]]:
    """Every row of a store that these tables are loaded into, in its order."""
    with contextlib.closing(open_store(url, create=True)) as store:
        store.load_tables(tables)
        scanned = {name: store.scan_nodes(name) for name in NODES if not NODES[name].private}
        scanned |= {name: store.scan_relationships(name) for name in RELATIONSHIPS}
        return {name: [row for batch in rows for row in batch.to_pylist()] for name, rows in scanned.items()}


def test_every_quirk_gives_the_tables_and_the_store_that_polars_gives(spark, quirks, tmp_path):
    one, other = tmp_path / "polars", tmp_path / "spark"
    first = imdb_tables(quirks, one, EVERY_KIND)
    second = imdb_tables(quirks, other, EVERY_KIND, engine="spark")
    same(one, other, first, second)
    # That the quirks are there: what polars says of them.
    basics = second.file("title.basics")
    assert basics.dropped == {
        "no id as IMDb writes them": 1, "other number of cells than the header": 3, "repeats an earlier row": 1,
    }  # fmt: skip
    assert basics.repaired["invalid UTF-8, replaced"] == 1
    titles = {row["id"]: row for row in pq.read_table(table_path(other, "Title")).to_pylist()}
    assert (titles["tt1"]["title"], titles["tt1"]["original_title"]) == ('"One', 'One"')
    assert (titles["tt2"]["title"], titles["tt2"]["start_year"]) == ("Tw\u2028o", None)
    assert titles["tt7"]["title"] == "On\ufffd \ufffd!"
    loaded = [stored(finish_tables(folder, first.sources), f"embedded:{folder}-store") for folder in (one, other)]
    assert loaded[0] == loaded[1]
    assert len(loaded[0]["ACTED_IN"]) == 3


def test_a_job_leaves_parts_that_a_load_takes_over(spark, quirks, tmp_path):
    from loaders import spark_job

    made = tmp_path / "made"
    arguments = ["--source", str(quirks), "--target", str(made), "--kinds", ",".join(KINDS), "--JOB_NAME", "glue's own"]
    spark_job.main(arguments)
    assert (made / "nodes" / "Title.parquet").is_dir()
    assert sorted(path.name for path in made.iterdir() if path.suffix != ".crc") == [
        "load.json",
        "nodes",
        "relationships",
    ]
    report = imdb_tables(made, tmp_path / "together")
    same(tmp_path / "polars", tmp_path / "together", imdb_tables(quirks, tmp_path / "polars", EVERY_KIND), report)
    with pytest.raises(LoadError, match="made is there already; name a new one"):
        spark_job.main(arguments)
    next((made / "nodes" / "Title.parquet").glob("*.parquet")).unlink()
    with pytest.raises(LoadError, match=r"Title\.parquet has \d+ rows, load\.json says 6; copy the folder again"):
        imdb_tables(made, tmp_path / "together")
    assert pq.read_metadata(table_path(tmp_path / "together", "Title")).num_rows == 6, "the tables before stay"


def test_the_first_of_repeated_rows_in_a_file_that_many_tasks_read(spark, tmp_path):
    source = tmp_path / "imdb"
    source.mkdir()
    lines = [f"tt{n % 400}\tmovie\t{n}\t{n}\t0\t1999\t\\N\t90\tDrama" for n in range(2_000)]
    (source / "title.basics.tsv").write_text("\n".join(["\t".join(FILES["title.basics"]), *lines]) + "\n", "utf-8")
    spark.conf.set("spark.sql.files.maxPartitionBytes", 5_000)
    try:
        imdb_tables(source, tmp_path / "out", engine="spark")
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")
    titles = pq.read_table(table_path(tmp_path / "out", "Title")).to_pylist()
    assert {row["id"]: row["title"] for row in titles} == {f"tt{n}": str(n) for n in range(400)}


def test_files_that_cannot_be_read_are_named(spark, tmp_path):
    header = "\t".join(FILES["title.basics"])
    lines = [f"tt{n}\tmovie\t{n * 7919}\t{n}\t0\t1999\t\\N\t90\tDrama" for n in range(20_000)]
    packed = gzip.compress("\n".join([header, *lines]).encode())
    where = tmp_path / "title.basics.tsv.gz"

    def load() -> None:
        imdb_tables(tmp_path, tmp_path / "out", engine="spark")

    where.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(LoadError, match=r"title\.basics\.tsv\.gz is cut short; download it again"):
        load()
    broken = bytearray(packed)
    broken[len(packed) // 2 : len(packed) // 2 + 50] = bytes(50)
    where.write_bytes(broken)
    with pytest.raises(LoadError, match=r"title\.basics\.tsv\.gz is damaged.*download it again"):
        load()
    where.rename(tmp_path / "title.basics.tsv")
    with pytest.raises(LoadError, match=r"basics\.tsv is gzipped, and Spark goes by the name; rename it, with \.gz"):
        load()
    (tmp_path / "title.basics.tsv").write_bytes(b"")
    with pytest.raises(LoadError, match=r"title\.basics\.tsv is empty"):
        load()
    with pytest.raises(LoadError, match="nowhere is not a folder"):
        imdb_tables(tmp_path / "nowhere", tmp_path / "out", engine="spark")
    with pytest.raises(LoadError, match=r"s3://films/imdb needs Spark's connector for S3: set PYSPARK_SUBMIT_ARGS"):
        imdb_tables("s3://films/imdb", tmp_path / "out", engine="spark")
    assert [path.name for path in tmp_path.iterdir()] == ["title.basics.tsv"], "nothing half-made"


@pytest.mark.realdata
def test_real_first_lines_give_the_tables_that_polars_gives(spark, tmp_path):
    real = FOLDER / "imdb-raw-first50k"
    if not real.is_dir():
        pytest.skip(f"{real} is not there; set REELGRAPH_DATA to the folder of real data")
    source = tmp_path / "imdb"
    source.mkdir()
    for path in real.iterdir():
        (source / path.name).symlink_to(path)
    # The first 50,000 names are not those of the first 50,000 credits, so everyone gets a name.
    with gzip.open(source / "title.principals.tsv.gz", "rt", encoding="utf-8", newline="\n") as file:
        credited = {line.split("\t")[2] for line in file}
    with gzip.open(source / "name.basics.tsv.gz", "rt", encoding="utf-8", newline="\n") as file:
        names = file.read()
    known = {line.partition("\t")[0] for line in names.splitlines()}
    (source / "name.basics.tsv.gz").unlink()
    more = [f"{one}\tName {one}\t\\N\t\\N\t\\N\t\\N\n" for one in sorted(credited - known)]
    (source / "name.basics.tsv").write_text(names + "".join(more), "utf-8")
    first = imdb_tables(source, tmp_path / "one", EVERY_KIND)
    second = imdb_tables(source, tmp_path / "two", EVERY_KIND, engine="spark")
    assert second.counts["Title"] > 49_000
    assert second.counts["ACTED_IN"] > 20_000
    same(tmp_path / "one", tmp_path / "two", first, second)


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(status.parent.name))
    return found


def listening(process: int) -> set[str]:
    """The addresses that a process listens on, as the kernel writes them."""
    sockets = {
        str(file.readlink()) for file in Path(f"/proc/{process}/fd").iterdir() if file.exists() or file.is_symlink()
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == "0A" and f"socket:[{cells[9]}]" in sockets:
                found.add(cells[1].partition(":")[0])
    return found


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="looks at processes as Linux shows them")
def test_the_command_line_is_quiet_listens_on_the_loopback_and_leaves_nothing(spark, tmp_path):
    header = "\t".join(FILES["title.basics"])
    lines = (f"tt{n}\tmovie\t{n}\t{n}\t0\t1999\t\\N\t90\tDrama" for n in range(100_000))
    imdb = tmp_path / "imdb"
    imdb.mkdir()
    (imdb / "title.basics.tsv").write_text("\n".join([header, *lines]) + "\n", "utf-8")
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "reelgraph", "load", "--imdb", str(imdb), "--store", f"embedded:{tmp_path / 's'}"]
    command += ["--engine", "spark", "--master", "local[1]"]
    places = {"TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, env=os.environ | places, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    java: list[int] = []
    until = time.monotonic() + 120
    # Its own folder is there when the session is: then it has opened what it listens on.
    while (
        not list((tmp_path / "tmp").glob("*/.tables-*/spark/*")) and time.monotonic() < until and process.poll() is None
    ):
        time.sleep(0.1)
    java = children(process.pid)
    assert len(java) == 1
    time.sleep(1)
    found = listening(java[0])
    assert found
    assert found <= LOOPBACK
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert told.strip() == "reelgraph: interrupted; what was there before is unchanged"
    assert not Path(f"/proc/{java[0]}").exists(), "Java is still there"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_java_is_found_or_asked_for(spark, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    old = tmp_path / "bin" / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n", "utf-8")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    found = sessions.find_java()
    assert found != tmp_path, "too old"
    monkeypatch.setenv("JAVA_HOME", str(found))
    assert sessions.find_java() == found
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setattr(sessions, "OLDEST_JAVA", 1_000)
    with pytest.raises(
        EngineFailed, match=rf"Java 1000 or newer \(found: 11 in {tmp_path}.*apt-get install.*JAVA_HOME"
    ):
        sessions.find_java()
