"""A load through Neptune's loader: the graph is the one that a load by requests gives, the first time and the next."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip

import numpy as np
import pytest

from graph.neptune.load import Bulk
from graph.store import Interrupted, InvalidRows, Provenance, StoreError, Vectors, open_store
from tests.conformance.conftest import SMALL_GRAPH
from tests.graph.conftest import tables_of
from tests.graph.test_neptune_export import ROWS, lasting
from tests.servers.gremlin_server import wiped
from tests.servers.neptune_cluster import ROLE
from tests.servers.neptune_csv import Graphs

# Less of it: titles that are gone (tt3 is rated), properties that are null, offers that are not made any more.
LESS = {
    "Title": [
        {"id": "tt0", "title": "a;b"}, {"id": "tt1", "start_year": 1991}, {"id": "tt2"}, {"id": "item:a|b%;c"},
        {"id": "tt9", "title": "new"},
    ],
    "Person": [{"id": "nm1"}, {"id": "nm2", "professions": ["actor"]}],
    "Genre": [{"id": "a;b"}],
    "AlternateTitle": [{"id": "tt1:1", "region": "DE"}],
    "Catalog": [{"id": "north"}],
    "User": [{"id": "u|1"}],
    "IN_GENRE": [{"head": "tt1", "tail": "a;b", "key": ""}],
    "DIRECTED": [{"head": "nm1", "tail": "tt1", "key": "1", "ordering": 2}],
    "ALSO_KNOWN_AS": [{"head": "tt1", "tail": "tt1:1", "key": ""}],
    "OFFERS": [{"head": "north", "tail": "tt2", "key": "", "available_from": dt.date(2026, 3, 1)}],
    "RATED": [{"head": "u|1", "tail": "tt1", "key": "like", "value": 1.0}],
}  # fmt: skip
FEEDBACK = {
    "User": [{"id": "u|1", "labels": None}, {"id": "u3", "labels": ["x"]}],
    "RATED": [
        {"head": "u|1", "tail": "tt3", "key": "like", "type": "like"},
        {"head": "u3", "tail": "tt1", "key": "like", "timestamp": 5},
    ],
}


def vectors_of(tables, seed):
    ids = tables.read("Title").column("id").to_pylist()[seed // 2 :]  # the third time one lacks a vector that it had
    rows = np.random.default_rng(seed).normal(size=(len(ids), 3)).astype(np.float32)
    return [Vectors("embedding", ids, rows, Provenance("run", "m", 3, "h", "2026-03-01T00:00:00Z"))]


def loads(store, folder, every, put=None):
    """Load one set of rows after the other; vectors are made anew by each that has titles."""
    for number, rows in enumerate(every):
        tables = tables_of(folder / str(number), rows)
        made = vectors_of(tables, number) if "Title" in rows else []
        store.load_tables(tables, None, lambda *_, made=made: made, **({"put": put} if put else {}))


@pytest.mark.parametrize(
    "every",
    [[ROWS], [SMALL_GRAPH], [ROWS, LESS], [ROWS, LESS, ROWS], [SMALL_GRAPH, ROWS], [ROWS, FEEDBACK]],
    ids=["quirks", "small graph", "then less", "then more again", "then another", "then feedback alone"],
)
def test_the_graph_is_the_one_that_a_load_by_requests_gives(cluster, tmp_path, every):
    graph = Graphs(cluster.gremlin)
    with contextlib.closing(open_store(cluster.gremlin, create=True)) as store:
        loads(store, tmp_path / "requests", every)
        wanted, asked = graph.everything(), store.info()
    wiped(cluster.gremlin)
    with contextlib.closing(open_store(cluster.url, create=True)) as store:
        bulk = Bulk(cluster.url, "s3://films/new/", ROLE, most=1_000)
        loads(store, tmp_path / "bulk", every, bulk)
        made, info = graph.everything(), store.info()
        for kind, wants in zip(made, wanted, strict=True):
            assert kind.keys() == wants.keys()
            assert [one for id_, one in kind.items() if lasting(id_, one) != lasting(id_, wants[id_])] == []
        assert (info.version, dict(info.counts)) == (asked.version, dict(asked.counts))
        assert info.embeddings == asked.embeddings
        # Names and vectors are found on this machine at once.
        assert sorted(store.get_embeddings("embedding")[0]) == sorted(vectors_of(
            tables_of(tmp_path / "last", [one for one in every if "Title" in one][-1]),
            len([one for one in every if "Title" in one]) - 1)[0].ids)  # fmt: skip
    graph.close()
    assert len(cluster.jobs) == len(every)
    assert bulk.done.job == [*cluster.jobs][-1]
    assert bulk.done.files == sum(method == "PUT" and "/reelgraph-" in key for method, key in cluster.s3.seen) - sum(
        len(job.files) for job in [*cluster.jobs.values()][:-1]
    )
    assert bulk.done.records == [*cluster.jobs.values()][-1].records > 10
    assert cluster.s3.objects == {}


def test_what_the_job_is_asked_and_how_far_it_is(cluster, tmp_path):
    told = []
    tables = tables_of(tmp_path, SMALL_GRAPH)
    with contextlib.closing(open_store(cluster.url, create=True)) as store:
        store.load_tables(
            tables, lambda *what: told.append(what), put=Bulk(cluster.url, "s3://films", ROLE, parallelism="LOW")
        )
    (job,) = cluster.jobs.values()
    assert job.given == {
        "source": job.given["source"], "format": "csv", "iamRoleArn": ROLE, "region": "eu-west-1", "mode": "NEW",
        "failOnError": True, "parallelism": "LOW", "queueRequest": True, "updateSingleCardinalityProperties": True,
        "parserConfiguration": {"allowEmptyStrings": "true"},
    }  # fmt: skip
    assert job.given["source"].startswith("s3://films/reelgraph-")
    assert all("/eu-west-1/neptune-db/aws4_request" in headers["authorization"] for _, _, headers in cluster.asked)
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert told[-1] == ("done", 1.0)
    said = [what for what, _ in told]
    assert "files of Title" in said
    assert any(what.startswith("uploading, ") for what in said)
    assert f"Neptune loads: LOAD_IN_QUEUE, 0 of {len(job.files)} files, 0 records" in said


def test_a_row_that_cannot_be_loaded_is_named_by_file_and_row(cluster, tmp_path):
    tables = tables_of(tmp_path, SMALL_GRAPH)
    with contextlib.closing(open_store(cluster.url, create=True)) as store:
        store.load_tables(tables)
        rows = [row["id"] for row in tables.read("Title").to_pylist()]
        bad = rows.index("tt04") + 1

        def spoil(key, data):
            if "Title-0001" not in key:
                return data
            lines = gzip.decompress(data).decode().splitlines(keepends=True)
            lines[bad] = lines[bad].replace("2010", "MMX")
            return gzip.compress("".join(lines).encode())

        cluster.s3.tamper = spoil
        with pytest.raises(StoreError) as caught:
            store.load_tables(tables, put=Bulk(cluster.url, "s3://films/x", ROLE))
        (id_,) = cluster.jobs
        source = cluster.jobs[id_].given["source"]
        assert str(caught.value).splitlines() == [
            f"Neptune's loader job {id_} did not load the graph: LOAD_FAILED, 1 errors",
            "  nodes/Title-0001.csv.gz: LOAD_FAILED",
            f"  nodes/Title-0001.csv.gz row {bad}: PARSING_ERROR, 'MMX' does not fit start_year:Long(single)",
            f"The files are kept in {source}. Rows that were loaded stay until a load is complete.",
        ]
        assert f"{source.removeprefix('s3://films/')}nodes/Title-0001.csv.gz" in cluster.s3.objects
        assert store.info().version == "000001"
        cluster.s3.tamper = lambda _key, data: data
        assert store.load_tables(tables, put=Bulk(cluster.url, "s3://films/x", ROLE)) == "000002"


def test_where_there_is_nothing_to_load_there_is_no_job(cluster, tmp_path):
    bulk = Bulk(cluster.url, "s3://films", ROLE)
    with contextlib.closing(open_store(cluster.url, create=True)) as store:
        assert store.load_tables(tables_of(tmp_path, {"Title": []}), put=bulk) == "000001"
    assert (bulk.done, cluster.jobs) == (None, {})


def test_what_does_not_hold_together_is_found_before_anything_is_sent(cluster, tmp_path):
    with contextlib.closing(open_store(cluster.url, create=True)) as store:
        rows = {"Title": [{"id": "tt1"}], "User": [{"id": "u"}], "RATED": [{"head": "u", "tail": "tt2", "key": "like"}]}
        with pytest.raises(InvalidRows, match="'tt2', which is neither in the tables"):
            store.load_tables(tables_of(tmp_path, rows), put=Bulk(cluster.url, "s3://films/x", ROLE))
    assert cluster.jobs == {}
    assert {method for method, _ in cluster.s3.seen} == {"HEAD"}


def test_ctrl_c_cancels_the_job_and_removes_the_files(cluster, tmp_path):
    cluster.hold = True

    def interrupted(what, _share):
        if what.startswith("Neptune loads: LOAD_IN_PROGRESS"):
            raise KeyboardInterrupt

    with contextlib.closing(open_store(cluster.url, create=True)) as store:
        with pytest.raises(Interrupted, match=r"interrupted; Neptune's loader job .* was cancelled; rows that"):
            store.load_tables(tables_of(tmp_path, SMALL_GRAPH), interrupted, put=Bulk(cluster.url, "s3://films", ROLE))
        assert [job.status for job in cluster.jobs.values()] == ["LOAD_CANCELLED_BY_USER"]
        assert cluster.s3.objects == {}
        assert store.info().version == ""
        cluster.hold = False
        again = tables_of(tmp_path / "again", SMALL_GRAPH)
        assert store.load_tables(again, put=Bulk(cluster.url, "s3://films", ROLE)) == "000001"
