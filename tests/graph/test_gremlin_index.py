"""The index on this machine: follows the graph, is made once for all processes, and holds what a scan would give."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graph.settings import GraphSettings
from graph.store import Provenance, StoreDamaged, StoreTooNew, open_store
from graph.stores.encoded import decoded, encoded
from graph.tables import finish_tables, rows_to_table, write_table
from tests.servers.gremlin_proxy import gremlin_proxy
from tests.servers.gremlin_server import wiped

ROOT = Path(__file__).parents[2]
MADE = Provenance("run", "m", 2, "0", "2026-03-01T00:00:00Z")
ROWS = {
    "Title": [
        {"id": "tt1", "kind": "movie", "title": "Paper Lanterns", "num_votes": 900, "start_year": 2001},
        {"id": "tt2", "kind": "movie", "title": "Velvet Rooms", "is_adult": True},
    ],
    "Person": [{"id": "nm1", "name": "Ada Brook"}],
    "AlternateTitle": [{"id": "tt1:1", "title": "Faroles de papel", "region": "ES"}],
    "ALSO_KNOWN_AS": [{"head": "tt1", "tail": "tt1:1"}],
    "DIRECTED": [{"head": "nm1", "tail": "tt1", "key": "1"}],
}
ASK = """
import sys
from graph.store import open_store
store = open_store(sys.argv[1])
hits = [(hit.id, hit.text, hit.votes) for query in ("paper lanterns", "faroles", "brook")
        for hit in store.search_text(query, 3)]
print(hits, store.search_vector("embedding", "tt1", 5))
store.close()
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the test's own."""
    monkeypatch.setenv("REELGRAPH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def filled(gremlin_url, tmp_path, monkeypatch):
    """The URL of a store with ROWS and vectors, loaded from another machine: the cache there is another one."""
    monkeypatch.setenv("REELGRAPH_CACHE", str(tmp_path / "elsewhere"))
    for name, rows in ROWS.items():
        write_table(tmp_path / "tables", name, [rows_to_table(name, rows)])
    store = open_store(wiped(gremlin_url), create=True)
    store.load_tables(finish_tables(tmp_path / "tables", []))
    store.set_embeddings("embedding", ["tt2", "tt1"], np.array([[1, 0], [2, 2]], np.float32), MADE)
    store.close()
    return gremlin_url


def told(url):
    done = subprocess.run([sys.executable, "-c", ASK, url], cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


EXPECTED = (
    "[('tt1', 'Paper Lanterns', 900), ('tt1', 'Faroles de papel', 900), ('nm1', 'Ada Brook', 90)] "
    "[('tt1', 8.0), ('tt2', 2.0)]\n"
)


def folders(cache):
    return sorted(folder for folder in cache.glob("gremlin/*/*") if folder.is_dir())


def test_processes_share_what_the_first_of_them_has_scanned(filled, cache):
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, filled], cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    assert [one.communicate(timeout=120)[0] for one in running] == [EXPECTED, EXPECTED]
    (folder,) = folders(cache)
    made = (folder / "text" / "names.arrow").stat()
    assert told(filled) == EXPECTED
    assert folders(cache) == [folder]
    assert (folder / "text" / "names.arrow").stat().st_mtime_ns == made.st_mtime_ns


def test_what_a_load_leaves_is_what_a_scan_finds(filled, cache, tmp_path, monkeypatch):
    """The process that loads makes its index from the tables; another machine makes the same from the graph."""
    scanned = told(filled)
    monkeypatch.setenv("REELGRAPH_CACHE", str(tmp_path / "elsewhere"))
    assert len(folders(tmp_path / "elsewhere")) == 2  # one of the load, one of the publish
    assert told(filled) == scanned == EXPECTED
    assert len(folders(tmp_path / "elsewhere")) == 2


def test_a_publish_reads_vectors_and_no_names(filled, cache):
    with gremlin_proxy(filled) as proxy:
        reader = open_store(f"gremlin://127.0.0.1:{proxy.port}")
        assert [hit.id for hit in reader.search_text("paper lanterns", 1)] == ["tt1"]
        scanned = proxy.requests
        (folder,) = folders(cache)
        writer = open_store(filled)
        writer.set_embeddings("embedding", ["tt1"], np.array([[0, 3]], np.float32), MADE)
        writer.close()
        assert reader.search_vector("embedding", np.array([0, 1], np.float32), 5) == [("tt1", 3.0)]
        assert proxy.requests - scanned <= 4  # the state, the Release, the vectors, and again
        reader.close()
    of_reader = [one for one in folders(cache) if one.parent == folder.parent]
    assert len({(one / "text" / "names.arrow").stat().st_ino for one in of_reader}) == 1


def test_only_a_few_folders_are_kept(filled, cache):
    store = open_store(filled)
    for number in range(5):
        store.set_embeddings("embedding", ["tt1"], np.full((1, 2), number, np.float32), MADE)
        assert store.get_embeddings("embedding", ["tt1"])[1].tolist() == [[number, number]]
    store.close()
    assert len(folders(cache)) == 3
    assert GraphSettings().cache == cache


@pytest.mark.parametrize("vector", [[], [1.5], [0.0, -1e30, 3.25], list(range(64))])
def test_a_vector_as_text_comes_back_to_the_last_bit(vector):
    made = np.array(vector, np.float32)
    text = encoded(made)
    assert text.startswith(f"f32:{len(vector)}:")
    assert decoded(text).tobytes() == made.tobytes()
    assert decoded(text).dtype == np.float32


def test_the_format_is_what_the_documentation_says():
    assert encoded(np.array([1, -2], np.float32)) == "f32:2:AACAPwAAAMA="


@pytest.mark.parametrize(
    ("text", "kind"),
    [("f64:1:AAAAAAAA8D8=", StoreTooNew), ("f32:3:AACAPwAAAMA=", StoreDamaged), ("f32:2:AAC", StoreDamaged),
     ("f32:x:AACAPw==", StoreDamaged), ("", StoreTooNew)],
)  # fmt: skip
def test_a_text_that_is_no_vector_is_refused(text, kind):
    with pytest.raises(kind):
        decoded(text)
