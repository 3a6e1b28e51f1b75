"""The files for Neptune's bulk loader: read back row for row, and loaded into a Gremlin graph as the store has it."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from graph.exports.neptune import export_neptune
from graph.neptune.rows import edge_ids, vertex_ids
from graph.schema import NODES, RELATIONSHIPS
from graph.store import Provenance, StoreBusy, Vectors, open_store
from graph.stores.gremlin_values import edge_id, vertex_id
from graph.stores.gremlin_writing import rows_of
from graph.tables import TablesError
from tests.conformance.conftest import SMALL_GRAPH
from tests.graph.conftest import tables_of
from tests.servers.gremlin_server import wiped
from tests.servers.neptune_csv import Graphs, folder_elements

QUIRKS = [
    "a;b",
    'say "no"',
    "two\nlines",
    "a\r\nreturn",
    "comma, comma",
    " spaced ",
    "",
    "\\;",
    "日本語 🎬",
    '"',
    "\t",
    "~|%",
]
ROWS: dict[str, list[dict[str, Any]]] = {
    "Title": [
        *({"id": f"tt{n}", "title": one, "text": one, "start_year": 1990 + n} for n, one in enumerate(QUIRKS)),
        {"id": "tt100", "average_rating": 1e-7, "num_votes": 2**40, "is_adult": True},
        {"id": "item:a|b%;c", "is_adult": False, "average_rating": 8.0},
        {"id": "odd/id", "title": None},
    ],
    "Person": [
        {"id": "nm1", "name": "Ada", "professions": QUIRKS},
        {"id": "nm2", "professions": []},
        {"id": "x", "professions": None},
    ],
    "Genre": [{"id": one} for one in QUIRKS if one],
    "AlternateTitle": [{"id": "tt1:1", "types": ["a;b", "c"]}, {"id": "other"}],
    "Catalog": [{"id": "north", "name": ""}],
    "User": [{"id": "u|1", "labels": ["a"]}, {"id": "u2"}],
    "IN_GENRE": [{"head": "tt1", "tail": one, "key": ""} for one in QUIRKS if one],
    "DIRECTED": [
        {"head": "nm1", "tail": "tt1", "key": "1", "ordering": 1, "job": "a;b"},
        {"head": "nm1", "tail": "tt1", "key": "", "ordering": None},
    ],
    "ALSO_KNOWN_AS": [{"head": "tt1", "tail": "tt1:1", "key": ""}],
    "OFFERS": [
        {
            "head": "north", "tail": "item:a|b%;c", "key": "a|b%;", "item_id": "a|b%;", "regions": [],
            "available_from": dt.date(2026, 3, 1), "available_until": dt.date(999, 1, 1), "confidence": 0.1,
        },
        {"head": "north", "tail": "tt2", "key": "", "regions": ["US", "GB"]},
    ],
    "RATED": [{"head": "u|1", "tail": "tt3", "key": "like", "type": "like", "value": -0.5, "timestamp": 2**33}],
}  # fmt: skip
MADE = Provenance("run", "model", 3, "hash", "2026-03-01T00:00:00Z", {"landmarks": 4})
FORMATS = {"gremlin": "csv", "opencypher": "opencypher"}


@pytest.fixture
def stored(tmp_path):
    """Rows → an embedded store that holds them, and their tables."""
    with contextlib.ExitStack() as opened:

        def store(rows, name="store"):
            tables = tables_of(tmp_path / f"{name}-tables", rows)
            made = opened.enter_context(contextlib.closing(open_store(f"embedded:{tmp_path / name}", create=True)))
            made.load_tables(tables)
            return made, tables

        yield store


def vectors_of(tables):
    ids = tables.read("Title").column("id").to_pylist()[1:]
    return ids, np.random.default_rng(1).normal(size=(len(ids), 3)).astype(np.float32)


def lasting(id_, element):
    """A vertex or edge without what differs from one load to the next: when it was, who did it, and tokens."""
    fleeting = {"Release/graph": {"details", "made", "graph_hash", "content", "offers"}, "Lease/writing": {"holder"}}
    gone = fleeting.get(id_, {"stamp"} if id_.startswith("Release/") else set())
    return element | {"p": {name: value for name, value in element["p"].items() if name not in gone}}


@pytest.mark.parametrize("dialect", FORMATS)
@pytest.mark.parametrize("rows", [ROWS, SMALL_GRAPH], ids=["quirks", "small graph"])
@pytest.mark.parametrize("most", [1, 300, 1 << 20])
def test_every_row_of_the_tables_is_read_back(stored, tmp_path, dialect, rows, most):
    store, tables = stored(rows)
    export = export_neptune(store, tmp_path / "export", dialect, most)
    for name in tables.names:
        kind = "nodes" if name in NODES else "relationships"
        files = [file for file in export.files if file.startswith(f"{kind}/{name}-")]
        read = {one.id: one for one in folder_elements(export.folder, FORMATS[dialect], files)}
        wanted = {row[0]: row for row in rows_of(tables, name)}
        assert read.keys() == wanted.keys()
        for id_, row in wanted.items():
            assert read[id_].properties == dict(row[-2])
            assert {type(one) for one in read[id_].properties.values()} <= {str, bool, int, float, type(read_long())}
            assert (read[id_].label, read[id_].out, read[id_].into) == (
                row[1], *(row[2:4] if name in RELATIONSHIPS else (None, None))
            )  # fmt: skip
        assert sum(1 for one in folder_elements(export.folder, FORMATS[dialect], files)) == len(wanted)
        if most == 1:
            assert len(files) == len(wanted)
    assert {**export.counts} == {name: tables.manifest.counts[name] for name in tables.names}


def read_long():
    from gremlin_python.statics import long

    return long(1)


def test_what_the_files_say(stored, tmp_path):
    store, _ = stored({
        "Title": [{"id": "tt1", "title": 'Say "no"; or', "start_year": 1995, "is_adult": False, "average_rating": 7.5}],
        "Person": [{"id": "nm1", "name": "", "professions": ["a;b", "c"]}],
        "Catalog": [{"id": "south"}],
        "OFFERS": [{"head": "south", "tail": "tt1", "key": "7|", "available_from": dt.date(2026, 3, 1)}],
    })  # fmt: skip
    store.set_embeddings("embedding", ["tt1"], np.array([[1, -2]], np.float32), Provenance("r", "m", 2, "h", "t"))
    export_neptune(store, tmp_path / "g", "gremlin")
    export_neptune(store, tmp_path / "o", "opencypher")

    def lines(name):
        return gzip.decompress((tmp_path / f"{name}-0001.csv.gz").read_bytes()).decode().splitlines()

    header, row = lines("g/nodes/Title")
    assert header == (
        "~id,~label,tconst:String(single),kind:String(single),title:String(single),original_title:String(single),"
        "start_year:Long(single),end_year:Long(single),runtime_minutes:Long(single),is_adult:Bool(single),"
        "average_rating:Double(single),num_votes:Long(single),poster_url:String(single),text:String(single),"
        "embedding_a:String(single)"
    )
    assert row == '"tt1","Title","tt1",,"Say ""no""; or",,1995,,,false,7.5,,,,"f32:2:AACAPwAAAMA="'
    assert lines("g/nodes/Person")[1] == '"nm1","Person","nm1","",,,"[""a;b"", ""c""]"'
    header, row = lines("g/relationships/OFFERS")
    assert header.startswith(
        "~id,~from,~to,~label,key:String(single),item_id:String(single),regions:String(single),"
        "available_from:String(single),available_until:String(single),match:String(single),confidence:Double(single)"
    )
    assert row.startswith('"Catalog/south|OFFERS|tt1|7%7C","Catalog/south","tt1","OFFERS","7|",,,"2026-03-01",,,')
    assert lines("o/nodes/Person")[0] == (
        ":ID,:LABEL,nconst:String,name:String,birth_year:Long,death_year:Long,professions:String"
    )
    header, row = lines("o/relationships/OFFERS")
    assert header.startswith(
        ":ID,:START_ID,:END_ID,:TYPE,key:String,item_id:String,regions:String,"
        "available_from:Date,available_until:Date,match:String,confidence:Double"
    )
    assert row.startswith('"Catalog/south|OFFERS|tt1|7%7C","Catalog/south","tt1","OFFERS","7|",,,"2026-03-01",,,')


@pytest.mark.parametrize("dialect", FORMATS)
@pytest.mark.parametrize("rows", [ROWS, SMALL_GRAPH], ids=["quirks", "small graph"])
def test_the_graph_is_the_one_that_the_store_writes(gremlin_url, stored, tmp_path, dialect, rows):
    embedded, tables = stored(rows)
    ids, vectors = vectors_of(tables)
    graph = Graphs(gremlin_url)
    with contextlib.closing(open_store(wiped(gremlin_url), create=True)) as store:
        store.load_tables(tables, None, lambda *_: [Vectors("embedding", ids, vectors, MADE)])
        wanted = graph.everything()
        asked = store.info()

    embedded.set_embeddings("embedding", ids, vectors, MADE)
    export = export_neptune(embedded, tmp_path / "export", dialect, 2_000)
    wiped(gremlin_url)
    for folder in ("nodes", "relationships", "release"):
        files = [name for name in export.files if name.startswith(folder)]
        graph.insert(folder_elements(export.folder, FORMATS[dialect], files))
    made = graph.everything()
    graph.close()
    own = {id_: {**one["p"]} for id_, one in made[0].items() if id_.startswith("Release/")}
    for kind, wants in zip(made, wanted, strict=True):
        assert kind.keys() == wants.keys()
        assert {
            id_: (one, wants[id_]) for id_, one in kind.items() if lasting(id_, one) != lasting(id_, wants[id_])
        } == {}
    assert own["Release/graph"]["content"] != [""]
    with contextlib.closing(open_store(gremlin_url)) as store:
        info = store.info()
        assert (dict(info.counts), info.embeddings, info.version) == (dict(asked.counts), asked.embeddings, "000001")
        assert info.graph_hash == embedded.info().graph_hash
        found, read = store.get_embeddings("embedding")
        assert dict(zip(found, read.tolist(), strict=True)) == dict(zip(ids, vectors.tolist(), strict=True))
        for name in tables.names:
            made, had = (
                sorted_rows((one.scan_nodes if name in NODES else one.scan_relationships)(name))
                for one in (store, embedded)
            )
            assert made == had
        # What comes next finds its way: a publish goes into the other slot, a load replaces.
        store.set_embeddings("embedding", ids, vectors, MADE)
        assert store.load_tables(tables) == "000003"


def sorted_rows(batches):
    found = [row for batch in batches for row in batch.to_pylist()]
    return sorted(found, key=lambda row: [row.get(end, "") for end in ("id", "head", "tail", "key")])


@pytest.mark.parametrize("label", NODES)
def test_ids_are_those_of_the_store(label):
    ids = [
        "tt1",
        "tt1:1",
        "tt",
        "tt/1",
        "tt|1",
        "tt%",
        "item:",
        "item:a\nb",
        "nm1",
        "nm\n",
        "tt1\n",
        "tt:\n",
        "x",
        "",
        "Ttt1",
    ]
    assert vertex_ids(label, pa.array(ids)).to_pylist() == [vertex_id(label, one) for one in ids]


def test_edge_ids_are_those_of_the_store():
    parts = ["a", "a|b", "%7C", "%", "||", "é\n", ""]
    for type_ in ("OFFERS", "ALSO_KNOWN_AS"):
        kind = RELATIONSHIPS[type_]
        heads, tails, keys = (pa.array([parts[(n * k) % 7] for n in range(49)]) for k in (1, 3, 5))
        made = edge_ids(type_, vertex_ids(kind.head, heads), vertex_ids(kind.tail, tails), keys)
        assert made.to_pylist() == [
            edge_id(type_, *one) for one in zip(*(part.to_pylist() for part in (heads, tails, keys)), strict=True)
        ]


def test_what_leads_to_a_title_that_left_leads_to_something(stored, tmp_path):
    store, _ = stored({"Title": [{"id": "tt1"}, {"id": "tt2"}], "User": [{"id": "u"}],
                       "RATED": [{"head": "u", "tail": "tt2", "key": "like"}]})  # fmt: skip
    store.load_tables(tables_of(tmp_path / "less", {"Title": [{"id": "tt1"}]}))
    export = export_neptune(store, tmp_path / "export")
    read = folder_elements(export.folder, "csv", ["nodes/Removed-0001.csv.gz", "relationships/RATED-0001.csv.gz"])
    assert [(one.id, one.label, one.properties) for one in read[:1]] == [("tt2", "Title", {"removed": True})]
    assert read[1].into == "tt2"


def test_the_same_graph_gives_the_same_bytes_and_only_a_folder_of_its_own_is_written_again(stored, tmp_path):
    store, _ = stored(ROWS)
    export = export_neptune(store, tmp_path / "export")
    before = {name: (export.folder / name).read_bytes() for name in export.files}
    export = export_neptune(store, tmp_path / "export")
    after = {name: (export.folder / name).read_bytes() for name in export.files}
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == {"release/Release-0001.csv.gz"}
    assert json.loads((export.folder / "export.json").read_text())["kind"] == "neptune"
    assert export.bytes == sum(map(len, after.values()))
    (export.folder / "notes.txt").write_text("mine")
    with pytest.raises(TablesError, match="something else than an export for neptune; export into a new folder"):
        export_neptune(store, tmp_path / "export")


def test_a_file_has_no_more_bytes_than_it_may(stored, tmp_path):
    store, _ = stored({"Title": [{"id": f"tt{n}", "title": "x" * (n % 40)} for n in range(20_000)]})
    export = export_neptune(store, tmp_path / "export", most=200_000)
    sizes = [len(gzip.decompress((export.folder / name).read_bytes())) for name in export.files if "Title" in name]
    assert max(sizes) <= 200_000
    assert min(sizes[:-1]) > 100_000
    assert len(sizes) == len([name for name in export.files if "Title" in name]) > 5


@pytest.mark.parametrize("broken", [KeyboardInterrupt, OSError])
def test_an_export_that_breaks_off_leaves_nothing(stored, tmp_path, broken):
    store, _ = stored({"Title": [{"id": "tt1"}], "Genre": [{"id": "Drama"}]})

    def breaks(what, _share):
        if what == "Genre":
            raise broken

    with pytest.raises(broken):
        export_neptune(store, tmp_path / "export", progress=breaks)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "store-tables"]


def test_a_load_meanwhile_is_an_error(stored, tmp_path):
    store, tables = stored({"Title": [{"id": "tt1"}]})
    with pytest.raises(StoreBusy, match="got a new version meanwhile; export again"):
        export_neptune(store, tmp_path / "export", progress=lambda *_: store.load_tables(tables) and None)
    assert not (tmp_path / "export").exists()
