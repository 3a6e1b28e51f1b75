"""Substitute vectors of every title: made with the load, kept or made anew by the next, folded in for what is new."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest

from graph.content import ContentReader, kernel
from graph.foldin import (
    CONTENT,
    DIMENSION,
    FAME,
    VECTORS,
    WEIGHTS,
    FoldIn,
    factors,
    folded_in,
    from_content,
    loudness,
    vectors_of,
)
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Provenance, Scope, open_store
from loaders.catalog import CatalogFile
from loaders.imdb import KINDS, Choices
from loaders.load import load

TOY_STORY = "tt0114709"
ALL = Choices(kinds=frozenset(KINDS))


def titles(store: GraphStore) -> list[str]:
    return [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]


def vectors(store: GraphStore, name: str = VECTORS) -> dict[str, bytes]:
    ids, rows = store.get_embeddings(name)
    return {id_: row.tobytes() for id_, row in zip(ids, rows, strict=True)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """IMDb's files of the sample: whole, and without every tenth title (Toy Story is among those left out)."""
    folder = tmp_path_factory.mktemp("folders")
    with as_file(files("loaders") / "sample") as sample:
        shutil.copytree(sample, folder / "whole")
    shutil.copytree(folder / "whole", folder / "part")
    basics = folder / "part" / "title.basics.tsv"
    lines = basics.read_text("utf-8").splitlines(keepends=True)
    kept = (line for number, line in enumerate(lines) if number % 10 != 5 and not line.startswith(TOY_STORY))
    basics.write_text("".join(kept), "utf-8")
    return {"whole": folder / "whole", "part": folder / "part"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GraphStore]:
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    yield store
    store.close()


def learned(store: GraphStore, run: str = "learned") -> FoldIn:
    """Publish vectors as a trained run would: weights that nobody could make of content, and some likes blended in."""
    ids = titles(store)
    reader = ContentReader(store, ids[::2])
    weights = np.random.default_rng(0).normal(size=(len(reader.landmarks), 8)).astype(np.float32)
    folded = FoldIn(reader, weights, 0.0)
    rows = folded.vectors(ids)
    rows[::5] += 1
    made = Provenance(run, "Substitutes", 8, store.info().graph_hash, "2026-01-01T00:00:00+00:00")
    store.set_embeddings(WEIGHTS, reader.landmarks.ids, weights, made)
    store.set_embeddings(VECTORS, ids, rows, made, amend=True)
    return folded


# Factors


@pytest.mark.parametrize("dimension", [60, 80])
def test_with_as_many_numbers_as_landmarks_products_are_the_kernel(random_graph: GraphStore, dimension: int) -> None:
    reader = ContentReader(random_graph, titles(random_graph))
    between = kernel(reader.landmarks, reader.landmarks)
    made = between @ factors(between, dimension)
    assert made.shape == (60, dimension)
    assert made @ made.T == pytest.approx(between, abs=1e-3)


def test_fewer_numbers_keep_the_most_of_it(random_graph: GraphStore) -> None:
    reader = ContentReader(random_graph, titles(random_graph))
    between = kernel(reader.landmarks, reader.landmarks)

    def lost(dimension: int) -> float:
        made = between @ factors(between, dimension)
        return float(np.square(made @ made.T - between).sum())

    best = np.square(np.linalg.eigvalsh(between.astype(np.float64))[:-10]).sum()
    assert lost(10) == pytest.approx(best, rel=1e-3)
    assert lost(40) < lost(20) < lost(10)
    assert factors(np.zeros((0, 0), np.float32), 5).shape == (0, 5)
    assert np.isfinite(factors(np.ones((4, 4), np.float32), 4)).all()  # four titles that are alike in all


def test_known_titles_are_louder(sample: GraphStore) -> None:
    content = from_content(sample).reader.read([TOY_STORY])
    votes = sample.get_nodes("Title", [TOY_STORY], ["num_votes"]).column("num_votes")[0].as_py()
    assert loudness(content, 0.6) == pytest.approx(((1 + votes) / 1e6) ** 0.6, rel=1e-4)
    assert loudness(content, 0.0) == 1


# With a load


def test_after_a_load_every_title_has_a_vector_in_the_graphs_own_version(
    store: GraphStore, folders: dict[str, Path]
) -> None:
    versions = []
    for name in ("part", "whole"):
        versions.append(load(store, imdb=folders[name], choices=ALL).version)
        assert set(vectors(store)) == set(titles(store))
        assert store.info().version == versions[-1]
    assert list(store.info().versions) == versions == ["000001", "000002"]
    for made in store.info().embeddings.values():
        assert (made.model, made.run) == (CONTENT, f"content-{store.info().graph_hash}")
        assert (made.graph_hash, made.dimension) == (store.info().graph_hash, DIMENSION)
    folded = FoldIn.published(store)
    assert folded is not None
    assert folded.fame == FAME
    ids, rows = store.get_embeddings(VECTORS)
    assert folded.vectors(ids) == pytest.approx(rows, rel=1e-3, abs=1e-5)
    assert Searcher(store).similar(TOY_STORY, Scope(WHOLE_GRAPH), 5)


def test_a_rollback_goes_to_before_the_load(store: GraphStore, folders: dict[str, Path]) -> None:
    load(store, imdb=folders["part"], choices=ALL)
    before, there = vectors(store), titles(store)
    load(store, imdb=folders["whole"], choices=ALL)
    assert vectors(store) != before
    assert len(titles(store)) > len(there)
    assert store.rollback() == "000001"
    assert (vectors(store), titles(store)) == (before, there)


def test_a_catalog_alone_leaves_vectors_and_version(
    store: GraphStore, folders: dict[str, Path], tmp_path: Path
) -> None:
    load(store, imdb=folders["whole"], choices=ALL)
    before, made = (vectors(store), vectors(store, WEIGHTS)), store.info().embeddings
    (tmp_path / "north.csv").write_text(f"item_id,tconst,title\n1,{TOY_STORY},Toy Story\n", "utf-8")
    version = load(store, catalogs=[CatalogFile(tmp_path / "north.csv", "north", "North")]).version
    assert version == "000001"
    assert (vectors(store), vectors(store, WEIGHTS)) == before
    assert store.info().embeddings == made


def test_a_catalogs_own_title_gets_a_vector(store: GraphStore, folders: dict[str, Path], tmp_path: Path) -> None:
    load(store, imdb=folders["whole"], choices=ALL)
    (tmp_path / "north.csv").write_text("item_id,title,year,genres\n1,Never Heard Of It,2024,Drama\n", "utf-8")
    load(store, catalogs=[CatalogFile(tmp_path / "north.csv", "north", "North")])
    assert "item:1" in vectors(store)
    assert set(vectors(store)) == set(titles(store))
    assert Searcher(store).similar("item:1", Scope(WHOLE_GRAPH), 3)


def test_learned_vectors_survive_a_load_and_new_titles_are_folded_in(
    store: GraphStore, folders: dict[str, Path]
) -> None:
    load(store, imdb=folders["part"], choices=ALL)
    learned(store)
    before, weights, made = vectors(store), vectors(store, WEIGHTS), store.info().embeddings[VECTORS]
    version = load(store, imdb=folders["whole"], choices=ALL).version
    after = vectors(store)
    assert store.info().version == version
    assert {id_: after[id_] for id_ in before} == before
    assert vectors(store, WEIGHTS) == weights
    assert set(after) == set(titles(store)) != set(before)
    now = store.info().embeddings[VECTORS]
    assert replace(now, made=made.made) == made
    folded = FoldIn.published(store)
    assert folded is not None
    assert folded.fame == 0
    new = sorted(after.keys() - before.keys())
    assert TOY_STORY in new
    assert folded.vectors(new) == pytest.approx(store.get_embeddings(VECTORS, new)[1], rel=1e-3, abs=1e-4)
    assert folded_in(store, titles(store)) == ()


def test_landmarks_that_leave_the_graph_take_their_weights_along(store: GraphStore, folders: dict[str, Path]) -> None:
    load(store, imdb=folders["whole"], choices=ALL)
    learned(store)
    before, weights = vectors(store), vectors(store, WEIGHTS)
    load(store, imdb=folders["part"], choices=ALL)
    gone = before.keys() - set(titles(store))
    assert gone & weights.keys()
    assert vectors(store) == {id_: row for id_, row in before.items() if id_ not in gone}
    assert vectors(store, WEIGHTS) == {id_: row for id_, row in weights.items() if id_ not in gone}
    assert FoldIn.published(store) is not None
    load(store, imdb=folders["whole"], choices=ALL)
    assert set(vectors(store)) == set(titles(store))


def test_an_empty_graph_has_none(store: GraphStore, stored: Callable[..., GraphStore]) -> None:
    assert vectors_of(store) == ()
    assert FoldIn.published(store) is None
    assert from_content(store).weights.shape == (0, DIMENSION)
    only_people = stored({"Person": [{"id": "nm1", "name": "Somebody"}]}, None, lambda one, _: vectors_of(one))
    assert only_people.info().embeddings == {}


@pytest.mark.parametrize("count", [1, 2])
def test_one_title_is_enough(stored: Callable[..., GraphStore], count: int) -> None:
    rows = [{"id": f"tt{number}", "title": "Alone"} for number in range(count)]
    store = stored({"Title": rows}, None, vectors_of)
    ids, found = store.get_embeddings(VECTORS)
    assert len(ids) == count
    assert np.isfinite(found).all()
    others = Searcher(store).similar("tt0", Scope(WHOLE_GRAPH), 5)
    assert [one.id for one in others] == ids[1:]


def test_vectors_and_weights_of_different_runs_do_not_serve(store: GraphStore, folders: dict[str, Path]) -> None:
    load(store, imdb=folders["part"], choices=ALL)
    learned(store)
    assert FoldIn.published(store) is not None
    ids, rows = store.get_embeddings(VECTORS)
    made = replace(store.info().embeddings[VECTORS], run="another")
    store.set_embeddings(VECTORS, ids, np.array(rows), made)
    assert FoldIn.published(store) is None
    # Without weights that fit nothing can be folded in, and the load stands all the same.
    load(store, imdb=folders["whole"], choices=ALL)
    assert set(vectors(store)) == set(ids)
    assert Searcher(store).similar(TOY_STORY, Scope(WHOLE_GRAPH), 5)


def test_progress_rises_to_the_end_of_the_load(store: GraphStore, folders: dict[str, Path]) -> None:
    told: list[tuple[str, float]] = []
    load(store, imdb=folders["whole"], choices=ALL, progress=lambda what, share: told.append((what, share)))
    shares = [share for _, share in told]
    assert "substitute vectors" in dict(told)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_batches_are_as_at_once(random_graph: GraphStore) -> None:
    folded, ids = from_content(random_graph, landmarks=20, dimension=5), titles(random_graph)
    random.Random(0).shuffle(ids)
    at_once = folded.of(folded.reader.read(ids))
    assert at_once.shape == (60, 5)
    assert folded.vectors(ids) == pytest.approx(at_once, rel=1e-4)
