"""Graph tables: written, vouched for, checked, read back."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.schema import RELATIONSHIPS, SCHEMA_VERSION, arrow_schema
from graph.tables import (
    MANIFEST,
    GraphTables,
    Source,
    TablesError,
    conform,
    finish_tables,
    rows_to_table,
    table_path,
    write_table,
)

PEOPLE = [{"id": "nm1", "name": "Ada", "birth_year": 1950, "professions": ["writer", "director"]}, {"id": "nm2"}]
OFFERS = [{"head": "north", "tail": "tt1", "key": "7", "item_id": "7", "available_from": dt.date(2026, 3, 1)}]


@pytest.fixture
def make(tmp_path):
    """Write tables of these rows into a folder of that name."""

    def tables(name="tables", **rows):
        for table, members in rows.items():
            write_table(tmp_path / name, table, [rows_to_table(table, members)])
        return finish_tables(tmp_path / name, [])

    return tables


@pytest.fixture
def folder(make):
    return make(Person=PEOPLE, OFFERS=OFFERS).folder


def test_what_was_written_is_read(folder):
    tables = GraphTables.open(folder)
    tables.verify()
    assert tables.names == ["Person", "OFFERS"]
    assert tables.manifest.counts == {"Person": 2, "OFFERS": 1}
    assert tables.read("Person").to_pylist() == [
        {"id": "nm1", "name": "Ada", "birth_year": 1950, "death_year": None, "professions": ["writer", "director"]},
        {"id": "nm2", "name": None, "birth_year": None, "death_year": None, "professions": None},
    ]
    blank = dict.fromkeys(arrow_schema("OFFERS").names)
    assert tables.read("OFFERS").to_pylist() == [blank | OFFERS[0]]
    assert [row for batch in tables.batches("Person") for row in batch.to_pylist()] == tables.read("Person").to_pylist()


def test_a_table_that_is_not_there_is_empty(folder):
    assert GraphTables.open(folder).read("Title").equals(arrow_schema("Title").empty_table())
    assert GraphTables.open(folder).read("Title").num_rows == 0


def test_a_table_without_rows_is_there(make):
    tables = GraphTables.open(make(Genre=[]).folder)
    assert (tables.names, tables.manifest.counts) == (["Genre"], {"Genre": 0})


def test_a_table_is_written_in_batches_of_fewer_columns(tmp_path):
    ids = [pa.table({"id": [f"nm{n}"]}) for n in range(3)]
    assert write_table(tmp_path, "Person", [ids[0], *ids[1].to_batches(), ids[2]]) == 3
    assert finish_tables(tmp_path, []).read("Person").column("id").to_pylist() == ["nm0", "nm1", "nm2"]


def test_tables_lie_where_the_schema_says(tmp_path):
    assert table_path(tmp_path, "Title") == tmp_path / "nodes" / "Title.parquet"
    assert table_path(tmp_path, "RATED") == tmp_path / "relationships" / "RATED.parquet"
    with pytest.raises(KeyError):
        table_path(tmp_path, "../Title")


def test_a_changed_file_is_detected(folder):
    path = table_path(folder, "Person")
    write_table(folder, "Person", [rows_to_table("Person", [{"id": "nm3"}])])
    with pytest.raises(TablesError, match=str(path)):
        GraphTables.open(folder).verify()


def test_a_single_changed_byte_is_detected(folder):
    path = table_path(folder, "OFFERS")
    content = bytearray(path.read_bytes())
    content[8] ^= 1
    path.write_bytes(content)
    with pytest.raises(TablesError, match=str(path)):
        GraphTables.open(folder).verify()


def test_a_folder_without_tables(tmp_path):
    for nothing in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(TablesError, match=MANIFEST):
            GraphTables.open(nothing)


def test_a_file_that_is_gone_or_broken_is_named(folder):
    path = table_path(folder, "Person")
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(TablesError, match=str(path)):
        GraphTables.open(folder)
    path.unlink()
    with pytest.raises(TablesError, match=str(path)):
        GraphTables.open(folder)


@pytest.mark.parametrize(
    ("table", "word"),
    [
        (pa.table({"id": ["nm1"]}), "columns"),
        (arrow_schema("Person").empty_table().append_column("age", pa.array([], pa.int64())), "age"),
        (arrow_schema("Person").empty_table().drop(["id"]), "columns"),
        (arrow_schema("Person").empty_table().set_column(2, "birth_year", pa.array([], pa.string())), "birth_year is"),
    ],
    ids=["too few", "one more", "no id", "wrong type"],
)
def test_a_file_of_other_columns_is_named(folder, table, word):
    path = table_path(folder, "Person")
    pq.write_table(table, path)
    for check in (GraphTables.open, lambda where: finish_tables(where, [])):
        with pytest.raises(TablesError, match=word) as caught:
            check(folder)
        assert str(path) in str(caught.value)


def test_large_strings_are_as_good_as_strings(folder):
    fields = {"id": pa.large_string(), "name": pa.large_string(), "professions": pa.large_list(pa.large_string())}
    schema = pa.schema([pa.field(f.name, fields.get(f.name, f.type)) for f in arrow_schema("Person")])
    pq.write_table(pa.Table.from_pylist(PEOPLE, schema), table_path(folder, "Person"))
    tables = finish_tables(folder, [])
    assert tables.read("Person").schema == arrow_schema("Person")
    assert tables.read("Person").column("professions").to_pylist() == [["writer", "director"], None]


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, SCHEMA_VERSION - 1])
def test_tables_of_another_schema_version(folder, version):
    raw = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(raw | {"schema_version": version, "written_by": "someone"}))
    with pytest.raises(TablesError, match=f"version {version}.*reads {SCHEMA_VERSION}"):
        GraphTables.open(folder)


@pytest.mark.parametrize("text", ["", "{", "\x00"])
def test_a_manifest_that_is_not_json(folder, text):
    (folder / MANIFEST).write_text(text)
    with pytest.raises(TablesError, match=MANIFEST):
        GraphTables.open(folder)


@pytest.mark.parametrize("text", ["{}", "[]", "null", f'{{"schema_version": {SCHEMA_VERSION}}}'])
def test_a_manifest_that_lacks_what_it_should_say(folder, text):
    (folder / MANIFEST).write_text(text)
    with pytest.raises(TablesError, match=MANIFEST):
        GraphTables.open(folder)


# Rows and columns that do not fit


@pytest.mark.parametrize(
    ("name", "row", "word"),
    [
        ("Person", {"id": "nm3", "age": 7}, "age"),
        ("Person", {"id": "nm3", "key": ""}, "key"),
        ("Person", {"name": "Nobody"}, "'id'"),
        ("Person", {"id": None}, "'id'"),
        ("Person", {"id": 3}, "Person.id"),
        ("Person", {"id": "nm3", "birth_year": "1950"}, "Person.birth_year"),
        ("Person", {"id": "nm3", "birth_year": True}, "Person.birth_year"),
        ("Person", {"id": "nm3", "birth_year": 2**70}, "Person.birth_year"),
        ("Person", {"id": "nm3", "professions": ["writer", 7]}, "Person.professions"),
        ("Title", {"id": "tt3", "is_adult": 1}, "Title.is_adult"),
        ("Title", {"id": "tt3", "average_rating": "7.5"}, "Title.average_rating"),
        ("OFFERS", {"head": "north"}, "'tail'"),
        ("OFFERS", {"tail": "tt1"}, "'head'"),
        ("OFFERS", {"head": "north", "tail": "tt1", "key": None}, "'key'"),
        ("OFFERS", {"head": "north", "tail": "tt1", "available_from": "2026-03-01"}, "OFFERS.available_from"),
    ],
)
def test_rows_that_do_not_fit(name, row, word):
    with pytest.raises(TablesError, match=word) as caught:
        rows_to_table(name, [row])
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("Person", {"id": "nm3", "birth_year": 1999.5}),
        ("OFFERS", {"head": "north", "tail": "tt1", "regions": "US"}),
        ("Person", {"id": "nm\ud800"}),
    ],
)
def test_rows_that_arrow_would_bend_or_break(name, row):
    with pytest.raises(TablesError):
        rows_to_table(name, [row])


def test_rows_get_every_column_and_an_empty_key():
    assert rows_to_table("KNOWN_FOR", [{"tail": "tt1", "head": "nm1"}]).to_pylist() == [
        {"head": "nm1", "tail": "tt1", "key": ""}
    ]
    assert rows_to_table("Person", []).schema == arrow_schema("Person")


def test_conform_fills_absent_columns_and_puts_all_in_order():
    table = conform(pa.table({"tail": ["tt1"], "ordering": pa.array([3], pa.int8()), "head": ["nm1"]}), "DIRECTED")
    assert table.schema == RELATIONSHIPS["DIRECTED"].arrow_schema()
    assert table.to_pylist() == [{"head": "nm1", "tail": "tt1", "key": "", "ordering": 3, "job": None}]


@pytest.mark.parametrize(
    ("name", "columns", "word"),
    [
        ("Person", {"id": ["nm1"], "age": [7]}, "age"),
        ("Person", {"name": ["Ada"]}, "'id'"),
        ("Person", {"id": ["nm1", None]}, "1 rows of Person have no 'id'"),
        ("Person", {"id": ["nm1"], "birth_year": ["soon"]}, "Person.birth_year"),
        ("Person", {"id": ["nm1"], "birth_year": [1950.5]}, "Person.birth_year"),
        ("Person", {"id": ["nm1"], "professions": [7]}, "Person.professions"),
        ("OFFERS", {"head": ["north"]}, "'tail'"),
        ("OFFERS", {"head": ["north"], "tail": ["tt1"], "key": pa.array([None], pa.string())}, "'key'"),
    ],
)
def test_columns_that_do_not_fit(name, columns, word):
    with pytest.raises(TablesError, match=word) as caught:
        conform(pa.table(columns), name)
    assert name in str(caught.value)


# What the manifest says


def test_the_manifest_vouches_for_each_file(folder):
    raw = json.loads((folder / MANIFEST).read_text())
    assert raw["schema_version"] == SCHEMA_VERSION
    for name in ("Person", "OFFERS"):
        assert raw["checksums"][name] == hashlib.sha256(table_path(folder, name).read_bytes()).hexdigest()
    assert dt.datetime.fromisoformat(raw["made"]).tzinfo is not None


def test_sources_are_kept(tmp_path):
    file = tmp_path / "title.basics.tsv.gz"
    file.write_bytes(b"1234567")
    sources = [Source.of(file)]
    assert (sources[0].file, sources[0].size) == ("title.basics.tsv.gz", 7)
    finish_tables(tmp_path, sources)
    assert GraphTables.open(tmp_path).manifest.sources == sources


def test_the_graph_hash_changes_when_the_content_does_and_only_then(make):
    first = make("first", Person=PEOPLE, OFFERS=OFFERS).manifest.graph_hash
    assert len(first) == 16
    assert int(first, 16) >= 0
    assert make("same", OFFERS=OFFERS, Person=PEOPLE).manifest.graph_hash == first
    others = [
        make("value", Person=[PEOPLE[0], {"id": "nm2", "name": "Bo"}], OFFERS=OFFERS),
        make("row", Person=PEOPLE[:1], OFFERS=OFFERS),
        make("table", Person=PEOPLE),
        make("empty", Person=PEOPLE, OFFERS=OFFERS, Genre=[]),
    ]
    assert len({first, *(tables.manifest.graph_hash for tables in others)}) == 5


def test_where_tables_come_from_and_when_does_not_change_the_graph_hash(folder):
    before = GraphTables.open(folder).manifest
    after = finish_tables(folder, [Source("title.basics.tsv.gz", 7, "2026-03-01T00:00:00+00:00")]).manifest
    assert after.sources != before.sources
    assert after.graph_hash == before.graph_hash


def test_no_manifest_vouches_for_tables_that_do_not_fit(tmp_path):
    write_table(tmp_path, "Person", [rows_to_table("Person", PEOPLE)])
    path = table_path(tmp_path, "RATED")
    path.parent.mkdir()
    pq.write_table(pa.table({"head": ["u1"]}), path)
    with pytest.raises(TablesError, match="RATED"):
        finish_tables(tmp_path, [])
    assert not (tmp_path / MANIFEST).exists()


def test_a_manifest_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    write_table(tmp_path, "Person", [rows_to_table("Person", PEOPLE)])

    def crash(*_):
        raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(OSError, match="power cut"):
            finish_tables(tmp_path, [])
    with pytest.raises(TablesError, match=MANIFEST):
        GraphTables.open(tmp_path)
    assert finish_tables(tmp_path, []).names == GraphTables.open(tmp_path).names == ["Person"]


def test_a_write_that_fails_leaves_tables_that_nothing_vouches_for(folder):
    def batches():
        yield pa.table({"id": ["nm9"]})
        raise OSError("power cut")

    with pytest.raises(OSError, match="power cut"):
        write_table(folder, "Person", batches())
    with pytest.raises(TablesError, match="Person"):
        GraphTables.open(folder).verify()
