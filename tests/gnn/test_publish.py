"""Write-back: all titles at once, with where the vectors come from, and never those of another graph."""

from __future__ import annotations

import json
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from gnn.config import parse_config
from gnn.publish import GraphMoved, publish
from gnn.runs import Run, RunError, new_run
from gnn.triples import Vocabulary
from graph.foldin import VECTORS, WEIGHTS
from graph.store import InvalidRows, StoreBusy, open_store
from graph.tables import finish_tables, rows_to_table, write_table
from loaders.load import load_sample


@pytest.fixture
def store(tmp_path):
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    load_sample(store)
    yield store
    store.close()


def titles(store) -> list[str]:
    return [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]


def trained(folder: Path, store, ids, *, vectors=None, name="embedding", **facts) -> Run:
    """A finished run over these titles and a genre."""
    entities = ("Genre:Drama", *(f"Title:{id_}" for id_ in ids))
    config = parse_config({"name": "complex", "model": {"dimension": 4}, "publish": {"name": name}})
    run = new_run(folder, config, {"graph_hash": store.info().graph_hash, "relations": ["IN_GENRE"], **facts})
    if vectors is None:
        vectors = np.random.default_rng(0).normal(size=(len(entities), 4)).astype(np.float32)
    run.keep(Vocabulary(entities, ("IN_GENRE",)), {"entities": vectors}, vectors)
    (run.folder / "metrics.json").write_text(json.dumps({}))
    return run.note(state="finished")


def towards(number: int, ids) -> np.ndarray:
    """Vectors that all have one direction."""
    return np.eye(4, dtype=np.float32)[[number] * (len(ids) + 1)]


def load_titles(store, ids) -> str:
    """Make the graph one of these titles alone."""
    folder = store.root.parent / f"tables-{len(ids)}"
    write_table(folder, "Title", [rows_to_table("Title", [{"id": id_, "title": id_} for id_ in ids])])
    return store.load_tables(finish_tables(folder, []))


def test_every_title_gets_its_vector_and_says_where_it_is_from(store, tmp_path):
    ids = titles(store)
    run = trained(tmp_path / "runs", store, ids)
    before = store.info().version
    version = publish(run.folder, store)
    assert store.info().version == version != before
    held, vectors = store.get_embeddings("embedding", ids)
    assert held == ids
    own = run.vectors()[1:]
    assert not np.allclose(np.linalg.norm(own, axis=1), 1)
    np.testing.assert_allclose(vectors, own / np.linalg.norm(own, axis=1, keepdims=True), rtol=1e-6)
    found = store.info().embeddings["embedding"]
    said = found.run, found.model, found.dimension, found.graph_hash
    assert said == ("complex", "ComplEx", 4, store.info().graph_hash)
    assert found.made.endswith("+00:00")


def test_publishing_leaves_the_graph_what_it_was(store, tmp_path):
    before = store.info().graph_hash
    run = trained(tmp_path / "runs", store, titles(store))
    for _ in range(2):  # no warning: pytest makes one an error
        publish(run, store)
        assert store.info().graph_hash == before
    store.upsert_nodes("User", [{"id": "u1"}])
    store.upsert_relationships("RATED", [{"head": "u1", "tail": titles(store)[0], "key": "like", "type": "like"}])
    assert store.info().graph_hash == before


def test_a_second_run_replaces_the_first_and_rollback_brings_it_back(store, tmp_path):
    ids = titles(store)
    runs = [trained(tmp_path / "runs", store, ids, vectors=towards(number, ids)) for number in (1, 2)]
    for number, run in enumerate(runs, 1):
        publish(run, store)
        assert (store.get_embeddings("embedding", ids)[1] == towards(number, ids)[1:]).all()
    store.rollback()
    assert (store.get_embeddings("embedding", ids)[1] == towards(1, ids)[1:]).all()
    assert store.info().embeddings["embedding"].run == "complex"


def test_other_names_stay(store, tmp_path):
    ids = titles(store)
    publish(trained(tmp_path / "runs", store, ids), store)
    publish(trained(tmp_path / "runs", store, ids, name="by_genre"), store)
    assert set(store.info().embeddings) == {"embedding", "by_genre", VECTORS, WEIGHTS}


def test_a_reader_sees_all_of_the_old_or_all_of_the_new(store, tmp_path):
    ids = titles(store)
    runs = [trained(tmp_path / "runs", store, ids, vectors=towards(number, ids)) for number in range(4)]
    publish(runs[0], store)
    seen, mixed, over = set(), [], threading.Event()

    def read() -> None:
        reader = open_store(store.url)
        while not over.is_set():
            held, vectors = reader.get_embeddings("embedding", ids)
            if len(held) != len(ids) or len(np.unique(vectors, axis=0)) != 1:
                mixed.append(vectors)
            seen.add(int(vectors[0].argmax()))
        reader.close()

    thread = threading.Thread(target=read)
    thread.start()
    for run in runs[1:] * 3:
        publish(run, store)
    over.set()
    thread.join()
    assert not mixed
    assert seen <= {0, 1, 2, 3}


# What does not fit


def test_a_title_that_the_same_graph_lacks_is_named(store, tmp_path):
    run = trained(tmp_path / "runs", store, [*titles(store), "tt9999999", "tt9999998"])
    before = store.info()
    with pytest.raises(RunError, match=r"no title 'tt9999999', which .*complex was trained on"):
        publish(run, store)
    assert store.info().version == before.version


def test_a_graph_that_moved_on_gets_what_is_still_there(store, tmp_path):
    ids = titles(store)
    run = trained(tmp_path / "runs", store, ids)
    load_titles(store, [*ids[:-2], "tt9999999"])
    words = (
        "changed since complex was trained: 2 of its titles are gone, 1 of the graph's titles have no vector; --fold-in"
    )
    with pytest.warns(GraphMoved, match=words):
        publish(run, store)
    assert store.get_embeddings("embedding", [*ids, "tt9999999"])[0] == ids[:-2]
    assert store.info().embeddings["embedding"].graph_hash == run.record["graph_hash"] != store.info().graph_hash


def test_another_graph_is_refused_unless_forced(store, tmp_path):
    ids = titles(store)
    run = trained(tmp_path / "runs", store, ids)
    load_titles(store, [ids[3], "tt9999999"])
    with pytest.raises(RunError, match=rf"another graph: {len(ids) - 1} of its {len(ids)} titles, the first of them"):
        publish(run, store)
    with pytest.warns(GraphMoved):
        publish(run, store, force=True)
    assert store.get_embeddings("embedding", ids)[0] == [ids[3]]
    load_titles(store, ["tt9999999"])
    with pytest.raises(RunError, match="none of the titles"):
        publish(run, store, force=True)


def test_runs_that_cannot_be_published(store, tmp_path):
    ids = titles(store)
    run = trained(tmp_path / "runs", store, ids).note(state="training")
    with pytest.raises(RunError, match="is unfinished; only a finished run"):
        publish(run, store)
    broken = np.full((len(ids) + 1, 4), np.nan, np.float32)
    with pytest.raises(RunError, match="not finite"):
        publish(trained(tmp_path / "runs", store, ids, vectors=broken), store)
    with pytest.raises(RunError, match="not trained on a graph's titles but on 'Genre:Drama'"):
        publish(trained(tmp_path / "runs", store, []), store)
    short = trained(tmp_path / "runs", store, ids)
    np.save(short.folder / "vectors.npy", np.ones((2, 4), np.float32))
    with pytest.raises(RunError, match="names, but 2 vectors"):
        publish(short, store)
    twice = trained(tmp_path / "runs", store, [ids[0], ids[0]])
    with pytest.raises(InvalidRows, match="more than one vector"):
        publish(twice, store)
    assert set(store.info().embeddings) == {VECTORS, WEIGHTS}


def test_a_store_that_is_being_loaded_is_busy(store, tmp_path):
    run = trained(tmp_path / "runs", store, titles(store))
    other = open_store(store.url)
    with store._versions.writing(), pytest.raises(StoreBusy):  # what a load holds from its beginning to its end
        publish(run, other)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        publish(run, other)
    other.close()
