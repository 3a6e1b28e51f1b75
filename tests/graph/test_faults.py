"""Faults of the embedded store, each one real: a full disk, a second writer, damage, a folder nobody may write to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from graph.store import Scope, StoreBusy, StoreDamaged, StoreError, StoreTooNew, open_store
from graph.tables import finish_tables, rows_to_table, write_table

ROOT = Path(__file__).parents[2]
PRELUDE = """
import json, os, resource, sys
from pathlib import Path
from graph.store import *
from graph.tables import GraphTables

def titles(store):
    return [row["title"] for batch in store.scan_nodes("Title") for row in batch.to_pylist()]

def items(store):
    return sorted(row["key"] for batch in store.scan_relationships("OFFERS") for row in batch.to_pylist())

def left(folder):
    return sorted(p.name for p in [*folder.glob("*"), *folder.glob("versions/*")] if not p.name.startswith("live."))
"""


def write_tables(folder, name, titles=3, offers=2):
    """Tables of a graph whose titles are all called `name`, and a catalog that offers the first ones."""
    rows = {
        "Title": [{"id": f"tt{n}", "title": name, "kind": "movie"} for n in range(titles)],
        "Catalog": [{"id": "c", "name": name}],
        "OFFERS": [{"head": "c", "tail": f"tt{n}", "key": f"{name}{n}", "item_id": f"{n}"} for n in range(offers)],
    }
    for table, members in rows.items():
        write_table(folder, table, [rows_to_table(table, members)])
    return finish_tables(folder, [])


@pytest.fixture
def folder():
    """Where another user can get to, as in pytest's own folders nobody can."""
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        yield Path(parent) / "store"


@pytest.fixture
def store(folder, tmp_path):
    """A store with two versions, the titles of one called First, of the other Second."""
    opened = open_store(f"embedded:{folder}", create=True)
    for name in ("First", "Second"):
        opened.load_tables(write_tables(tmp_path / name, name))
    yield opened
    opened.close()


def names(store):
    return {row["title"] for batch in store.scan_nodes("Title") for row in batch.to_pylist()}


def run(code, *arguments, prefix=()):
    """What another process, running this code, printed as JSON."""
    command = [*prefix, sys.executable, "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Child(AbstractContextManager):
    """Another process that is asked one thing after another."""

    def __init__(self, code, *arguments, prefix=()):
        command = [*prefix, sys.executable, "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, stderr=-1, text=True)

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def tell(self, line):
        print(line, file=self.process.stdin, flush=True)

    def ask(self, question):
        self.tell(question)
        return self.hear()

    def hear(self):
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)


@pytest.fixture(scope="session")
def namespace():
    """A command's beginning that runs `sh -c SCRIPT` with mounts that nobody else sees."""
    for prefix in (["unshare", "-m"], ["unshare", "-rm"]):
        try:
            tried = subprocess.run([*prefix, "sh", "-c", "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False)
        except FileNotFoundError:
            break
        if tried.returncode == 0:
            return [*prefix, "sh", "-ec"]
    return pytest.skip(reason="this machine allows no private mounts (unshare -m)")


# A full disk

FILL = """
def fill(folder, free):
    "Leave so many bytes free."
    with (folder / "ballast").open("wb") as ballast:
        space = os.statvfs(folder)
        ballast.write(bytes(max(space.f_bavail * space.f_frsize - free, 0)))

disk, small, large = map(Path, sys.argv[1:4])
store = open_store(f"embedded:{disk}/store", create=True)
store.load_tables(GraphTables.open(small))
before = titles(store), items(store), left(disk / "store")
"""


@pytest.fixture
def small_disk(namespace, tmp_path):
    """Run code with a disk of 4 MB; it finds the disk and two folders of tables in `disk`, `small` and `large`."""
    write_tables(tmp_path / "small", "Small")
    write_tables(tmp_path / "large", "Large", titles=4000, offers=1500)
    (disk := tmp_path / "disk").mkdir()
    prefix = [*namespace, 'mount -t tmpfs -o size=4m tmpfs "$0"; exec "$@"', str(disk)]
    return lambda code: run(FILL + textwrap.dedent(code), disk, tmp_path / "small", tmp_path / "large", prefix=prefix)


def test_a_load_onto_a_full_disk_leaves_the_last_good_version(small_disk):
    outcomes, title, offers = small_disk("""
    outcomes = []
    for free in range(0, 3_000_000, 16 * 1024):
        fill(disk, free)
        try:
            store.load_tables(GraphTables.open(large))
            outcomes.append("loaded")
            break
        except StoreError as error:
            fine = (titles(store), items(store), left(disk / "store")) == before
            outcomes.append(f"{type(error).__name__} {'as it was' if fine else left(disk / 'store')}: {error}")
        (disk / "ballast").unlink()
    (disk / "ballast").unlink()
    again = open_store(store.url)
    print(json.dumps([outcomes, titles(again)[:1], len(items(again))]))
    """)
    assert outcomes.pop() == "loaded"
    assert len(outcomes) > 10
    assert [one for one in outcomes if not one.startswith("StoreFull as it was: the disk that holds")] == []
    assert (title, offers) == (["Large"], 1500)


def test_a_live_write_onto_a_full_disk_is_refused_and_reads_go_on(small_disk):
    found = small_disk("""
    rows = [{"id": f"u{n}", "labels": ["x" * 1000]} for n in range(2000)]
    outcomes = []
    for free in (0, 4096, 65536):
        fill(disk, free)
        try:
            store.upsert_nodes("User", rows)
        except StoreError as error:
            outcomes.append(type(error).__name__)
        reader = open_store(store.url)
        outcomes.append([store.info().counts["User"], reader.info().counts["User"], titles(reader) == before[0]])
        reader.close()
        (disk / "ballast").unlink()
    store.upsert_nodes("User", rows[:3])
    print(json.dumps([outcomes, store.info().counts["User"]]))
    """)
    assert found == [["StoreFull", [0, 0, True]] * 3, 3]


def test_a_full_disk_can_be_opened_and_read(small_disk):
    """SQLite makes files of its own, even to read."""
    found = small_disk("""
    store.close()
    fill(disk, 0)
    reader = open_store(store.url)
    print(json.dumps([titles(reader) == before[0], items(reader) == before[1]]))
    """)
    assert found == [True, True]


@pytest.mark.parametrize(
    "file_format",
    ["parquet", "graphml", "neo4j-admin"],
)
def test_an_export_onto_a_full_disk_leaves_nothing(small_disk, file_format):
    code, out, err, there = small_disk(f"""
    import subprocess
    store.load_tables(GraphTables.open(large))
    fill(disk, 20_000)
    command = [sys.executable, "-m", "reelgraph", "export", "{file_format}", str(disk / "out")]
    done = subprocess.run([*command, "--store", store.url], capture_output=True, text=True)
    print(json.dumps([done.returncode, done.stdout, done.stderr, left(disk)]))
    """)
    assert (code, out) == (1, "")
    assert re.fullmatch(r"(Exporting: .*\n)*reelgraph: the disk for .*out is full; nothing was exported\n", err), err
    assert there == ["ballast", "store"]


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path, folder, store):
    """As quotas and containers set it; no root is needed to try it."""
    write_tables(tmp_path / "large", "Large", titles=4000)
    before = sorted(path.name for path in folder.glob("versions/*"))
    code = """
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
    store = open_store(sys.argv[1])
    try:
        store.load_tables(GraphTables.open(Path(sys.argv[2])))
    except StoreError as error:
        print(json.dumps([type(error).__name__, titles(store)]))
    """
    assert run(code, store.url, tmp_path / "large") == ["StoreFull", ["Second"] * 3]
    assert sorted(path.name for path in folder.glob("versions/*")) == before


# Several writers


def test_a_second_load_is_refused_at_once_and_the_first_finishes(tmp_path, store):
    write_tables(tmp_path / "slow", "Slow")
    code = """
    store = open_store(sys.argv[1])
    def wait(what, share):
        if not share:
            print(json.dumps("started"), flush=True)
            sys.stdin.readline()
    print(json.dumps(store.load_tables(GraphTables.open(Path(sys.argv[2])), wait)), flush=True)
    """
    with Child(code, store.url, tmp_path / "slow") as child:
        assert child.hear() == "started"
        begun = time.monotonic()
        for second in (lambda: store.load_tables(write_tables(tmp_path / "mine", "Mine")), store.rollback):
            with pytest.raises(StoreBusy, match=f"process {child.process.pid}.* wait"):
                second()
        assert time.monotonic() - begun < 5
        assert names(store) == {"Second"}
        store.upsert_nodes("User", [{"id": "u1"}])  # live writes go on
        version = child.ask("go on")
    assert store.info().version == version
    assert names(store) == {"Slow"}
    store.load_tables(write_tables(tmp_path / "next", "Next"))
    assert names(store) == {"Next"}


def test_live_writes_of_several_processes_queue(folder, store):
    code = """
    store = open_store(sys.argv[1])
    print(json.dumps("ready"), flush=True)
    sys.stdin.readline()
    for n in range(50):
        store.upsert_nodes("User", [{"id": f"{sys.argv[2]}-{n}"}])
        store.upsert_relationships("RATED", [{"head": f"{sys.argv[2]}-{n}", "tail": "tt0", "key": "like"}])
    print(json.dumps("done"), flush=True)
    """
    with ExitStack() as running:
        children = [running.enter_context(Child(code, store.url, number)) for number in range(4)]
        assert [child.hear() for child in children] == ["ready"] * 4
        for child in children:
            child.tell("go")
        assert [child.hear() for child in children] == ["done"] * 4
    assert store.info().counts["User"] == store.info().counts["RATED"] == 200


def test_threads_share_a_store(store):
    def work(number):
        for n in range(25):
            store.upsert_nodes("User", [{"id": f"{number}-{n}"}])
            assert (store.get_nodes("User", [f"{number}-{n}"]).num_rows, store.offered(Scope("c")).num_rows) == (1, 2)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert store.info().counts["User"] == 100


def test_threads_that_end_let_go_of_their_files(store):
    """A server's threads come and go; each one's connection must go with it."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("open files are counted in /proc")
    for thread in (threading.Thread(target=store.state) for _ in range(60)):
        thread.start()
        thread.join()
    mine = os.path.realpath(store.root / "live.sqlite")
    kept = [path for path in Path("/proc/self/fd").iterdir() if os.path.realpath(path) == mine]
    assert len(kept) < 10


# Readers

READER = """
store = open_store(sys.argv[1])
held = store.neighbours(["c"], ["OFFERS"], "out"), store.get_nodes("Title", ["tt0", "tt1"])
scan = store.scan_nodes("Title", ["title"])
rows = next(scan)
for question in sys.stdin:
    if question == "now\\n":
        print(json.dumps([store.info().version, sorted({*titles(store)}), [h.text for h in store.search_text(
            "second", 1)], store.offered(Scope("c")).num_rows]), flush=True)
    else:
        print(json.dumps([held[0].num_rows, held[1].column("title").to_pylist(), rows.to_pylist(),
            [len(batch) for batch in scan]]), flush=True)
"""


def test_a_reader_moves_to_each_new_version_and_keeps_what_it_holds(tmp_path, store):
    with Child(READER, store.url) as reader:
        assert reader.ask("now") == ["000002", ["Second"], ["Second"], 2]
        for number, offers in ((3, 1), (4, 3)):
            version = store.load_tables(write_tables(tmp_path / f"{number}", f"Edition {number}", 3, offers))
            assert reader.ask("now") == [version, [f"Edition {number}"], [], offers]
        for number in range(5, 10):  # all versions that the reader has seen go
            version = store.load_tables(write_tables(tmp_path / f"{number}", f"Edition {number}"))
        assert "000002" not in store.info().versions
        assert reader.ask("held") == [2, ["Second"] * 2, [{"id": f"tt{n}", "title": "Second"} for n in range(3)], []]
        assert reader.ask("now") == [version, ["Edition 9"], [], 2]
        store.rollback()
        assert reader.ask("now") == ["000008", ["Edition 8"], [], 2]


# Damage


def test_a_store_of_a_newer_version_is_left_alone(folder, store):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": manifest["format"] + 1, "more": 1}))
    before = sorted(folder.rglob("*"))
    for action in (lambda: open_store(store.url), lambda: open_store(store.url, create=True), store.ping,
                   lambda: store.load_tables(write_tables(folder.parent / "x", "X")), store.rollback):  # fmt: skip
        with pytest.raises(StoreTooNew, match=r"newer version.*update the software, or load into another folder"):
            action()
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"current": "000002"}', b'{"format": "1"}',
     b'{"format": 1, "current": "000009", "versions": ["000002"], "made": ""}',
     b'{"format": 1, "current": "000002", "versions": null, "made": ""}'],
)  # fmt: skip
def test_a_damaged_manifest_is_named_and_the_way_out_works(folder, tmp_path, store, content):
    store.upsert_nodes("User", [{"id": "u1"}])
    store.close()
    (folder / "manifest.json").write_bytes(content)
    for create in (False, True):
        with pytest.raises(StoreDamaged, match=r"manifest\.json cannot be read .*; delete it and load"):
            open_store(store.url, create=create)
    (folder / "manifest.json").unlink()
    again = open_store(store.url)
    again.load_tables(write_tables(tmp_path / "again", "Again"))
    assert names(again) == {"Again"}
    assert again.info().counts["User"] == 1
    assert sorted(path.name for path in folder.glob("versions/*")) == [again.info().version]
    again.close()


@pytest.mark.parametrize("harm", ["gone", "cut", "emptied"])
@pytest.mark.parametrize(
    "file", ["version.json", "nodes/Title.arrow", "nodes/Title.keys.npy", "text/names.arrow", "text/index/meta.json"]
)
def test_a_version_with_a_missing_or_cut_file_is_damaged_and_a_rollback_helps(folder, store, file, harm):
    store.close()
    damaged = folder / "versions" / "000002" / file
    content = damaged.read_bytes()
    damaged.unlink()
    if harm != "gone":
        damaged.write_bytes(content[: len(content) // 2] if harm == "cut" else b"")
    again = open_store(store.url)
    for action in (again.ping, again.info, lambda: names(again), lambda: again.search_text("second", 1)):
        with pytest.raises(StoreDamaged, match=rf"000002 .*{Path(file).name}.*reelgraph rollback"):
            action()
    assert again.rollback() == "000001"
    assert names(again) == {"First"}
    with pytest.raises(StoreDamaged):
        again.rollback("000002")
    assert names(again) == {"First"}
    again.close()


def test_a_version_folder_that_is_gone_is_damage(folder, store):
    shutil.rmtree(folder / "versions")
    for action in (open_store(store.url).ping, store.rollback):
        with pytest.raises(StoreDamaged):
            action()


@pytest.mark.parametrize("content", [b"not a database, but long enough to be looked at" * 100, b""])
def test_damaged_live_data_is_a_store_error(folder, store, content):
    store.close()
    for path in folder.glob("live.sqlite*"):
        path.unlink()
    (folder / "live.sqlite").write_bytes(content)
    for action in (
        lambda opened: opened.info(),
        lambda opened: opened.offered(Scope()),
        lambda opened: list(opened.scan_nodes("User")),
        lambda opened: opened.upsert_nodes("User", [{"id": "u"}]),
    ):
        with pytest.raises(StoreDamaged, match=r"live\.sqlite"):
            action(open_store(store.url))


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("text")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="is no folder; name one"):
            open_store(f"embedded:{path}", create=True)


# A folder that cannot be written

READ = """
store = open_store(sys.argv[1])
seen = [titles(store), items(store), [hit.id for hit in store.search_text("second", 1)],
        store.neighbours(["u1"], ["RATED"], "out").num_rows, store.offered(Scope("c", region="US")).num_rows]
refused = []
for write in (
    lambda: store.upsert_nodes("User", [{"id": "u2"}]),
    lambda: store.upsert_nodes("Genre", [{"id": "Drama"}]),
    lambda: store.delete_nodes("User", ["u1"]),
    lambda: store.load_tables(GraphTables.open(Path(sys.argv[2]))),
    lambda: store.rollback(),
):
    try:
        refused.append(write())
    except StoreReadOnly as error:
        refused.append("cannot be written" in str(error))
"""
SEEN = [["Second"] * 3, ["Second0", "Second1"], ["tt0"], 1, 2]


@pytest.fixture(params=["open elsewhere", "closed"])
def to_read(request, folder, tmp_path, store):
    """A store with live data, which another process may have open, so that the last writes are in its log alone."""
    store.upsert_nodes("User", [{"id": "u1"}])
    store.upsert_relationships("RATED", [{"head": "u1", "tail": "tt1", "key": "like"}])
    if request.param == "closed":
        store.close()
    return store


def test_on_a_read_only_disk_all_can_be_read_and_nothing_written(namespace, folder, tmp_path, to_read):
    prefix = [*namespace, 'mount --bind "$0" "$0"; mount -o remount,ro,bind "$0"; exec "$@"', str(folder)]
    found = run(READ + "print(json.dumps([seen, refused]))", to_read.url, tmp_path / "First", prefix=prefix)
    assert found == [SEEN, [True] * 5]


def test_without_permission_all_can_be_read_and_nothing_written(folder, to_read):
    become = "pass"
    if os.geteuid() == 0:  # whom permissions do not stop
        become = "os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    write_tables(folder.parent / "tables", "Third")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    # What is imported late may lie where only the owner can read.
    early = "import mmap, pyarrow.parquet, tantivy, graph.stores.build, graph.stores.embedded"
    code = f"{early}\n{become}\n{READ}print(json.dumps([seen, refused]))"
    try:
        assert run(code, to_read.url, folder.parent / "tables") == [SEEN, [True] * 5]
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_reader_on_a_read_only_disk_sees_what_others_write(namespace, folder, tmp_path, to_read):
    """A replica: its disk is read-only, another process writes to the same files."""
    code = """
    store = open_store(sys.argv[1])
    for question in sys.stdin:
        print(json.dumps([store.info().counts["User"], sorted({*titles(store)}), items(store)]), flush=True)
    """
    (view := folder.with_name("view")).mkdir()
    mounts = f'mount --bind "$0" {view}; mount -o remount,ro,bind {view}; exec "$@"'
    with Child(code, f"embedded:{view}", prefix=[*namespace, mounts, str(folder)]) as reader:
        assert reader.ask("now") == [1, ["Second"], ["Second0", "Second1"]]
        writer = open_store(f"embedded:{folder}")
        writer.upsert_nodes("User", [{"id": "u2"}])
        assert reader.ask("now")[0] == 2
        writer.load_tables(write_tables(tmp_path / "third", "Third", offers=1))
        assert reader.ask("now") == [2, ["Third"], ["Third0"]]
        writer.close()
        to_read.close()
        assert reader.ask("now") == [2, ["Third"], ["Third0"]]
