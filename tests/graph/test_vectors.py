"""Vector search: exact, by an index, and filtered, beside products worked out the slow way."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph import vectors
from graph.store import Provenance
from graph.stores.build import write_embeddings
from graph.stores.snapshot import Snapshot
from graph.vectors import EXACT_ROWS, VectorSearch, build_index, inner_products, top

COUNT, DIMENSION, EXACT = 20_000, 16, 2000
rng = np.random.default_rng(0)
CENTRES = rng.normal(size=(200, DIMENSION))
# Titles lie in clouds, some of them longer than others; their numbers in the store have gaps.
VECTORS = (CENTRES[rng.integers(0, 200, COUNT)] + 0.4 * rng.normal(size=(COUNT, DIMENSION))).astype(np.float32)
POSITIONS = np.sort(rng.permutation(3 * COUNT)[:COUNT]).astype(np.int32)
ASKED = VECTORS[rng.permutation(COUNT)[:100]]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "embedding.ivf"
    assert build_index(path, VECTORS)
    return path


def slowly(vector: np.ndarray, k: int, mask: np.ndarray | None) -> list[int]:
    rows = np.arange(COUNT) if mask is None else np.flatnonzero(mask[POSITIONS])
    order = np.argsort(-(VECTORS[rows] @ vector), kind="stable")
    return rows[order[:k]].tolist()


def mask_of(share: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(3 * COUNT) < share


@pytest.mark.parametrize("mask", [None, mask_of(0.5), mask_of(0.001), np.zeros(3 * COUNT, bool)])
def test_exact_search_is_what_sorting_gives(mask: np.ndarray | None) -> None:
    search = VectorSearch(VECTORS, POSITIONS)
    for vector in ASKED[:20]:
        rows, products = search.best(vector, 10, mask)
        assert rows.tolist() == slowly(vector, 10, mask)
        np.testing.assert_allclose(products, VECTORS[rows] @ vector, rtol=1e-4)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.15])
def test_the_index_finds_nearly_all_of_the_ten_nearest(index: Path, share: float) -> None:
    search = VectorSearch(VECTORS, POSITIONS, index, EXACT)
    mask = None if share == 1 else mask_of(share)
    found = 0
    for vector in ASKED:
        rows, products = search.best(vector, 10, mask)
        assert (np.diff(products) <= 0).all()
        assert mask is None or mask[POSITIONS[rows]].all()
        found += len(set(rows.tolist()) & set(slowly(vector, 10, mask)))
    assert found >= 0.95 * 10 * len(ASKED)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.11, 0.0005])
@pytest.mark.parametrize("k", [0, 1, 700, 2 * COUNT])
def test_k_come_back_whenever_k_exist(index: Path, share: float, k: int) -> None:
    search = VectorSearch(VECTORS, POSITIONS, index, EXACT)
    mask = mask_of(share)
    rows, products = search.best(ASKED[0], k, mask)
    assert len(rows) == len(products) == len(set(rows.tolist())) == min(k, int(mask[POSITIONS].sum()))


def test_a_scope_far_from_the_query_is_answered_too(index: Path) -> None:
    search = VectorSearch(VECTORS, POSITIONS, index, EXACT)
    near = VECTORS @ ASKED[0]
    mask = np.zeros(3 * COUNT, bool)
    mask[POSITIONS[np.argsort(near)[:5000]]] = True  # the index probes lists of which none is in scope
    rows, _ = search.best(ASKED[0], 10, mask)
    assert len(rows) == 10
    assert mask[POSITIONS[rows]].all()


def test_another_scope_after_many_is_not_mixed_up() -> None:
    search = VectorSearch(VECTORS, POSITIONS)
    for seed in range(40):  # masks come and go, also to the same place in memory
        mask = mask_of(0.01, seed)
        assert search.best(ASKED[0], 5, mask)[0].tolist() == slowly(ASKED[0], 5, mask)


@pytest.mark.parametrize("broken", [b"", b"no index", None])
def test_without_an_index_that_can_be_read_the_search_is_exact(tmp_path: Path, broken: bytes | None) -> None:
    path = tmp_path / "embedding.ivf"
    if broken is not None:
        path.write_bytes(broken)
    search = VectorSearch(VECTORS, POSITIONS, path, EXACT)
    assert search.best(ASKED[0], 10)[0].tolist() == slowly(ASKED[0], 10, None)


def test_threads_that_ask_in_a_new_scope_at_once_make_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, both = list[int](), threading.Barrier(4)

    class Slow(vectors._Scope):
        def __init__(self, *about: Any) -> None:
            made.append(1)
            time.sleep(0.1)
            super().__init__(*about)

    monkeypatch.setattr(vectors, "_Scope", Slow)
    search, mask = VectorSearch(VECTORS, POSITIONS), mask_of(0.5, 1)

    def ask() -> list[int]:
        both.wait()
        return search.best(ASKED[0], 5, mask)[0].tolist()

    with ThreadPoolExecutor(4) as threads:
        found = [one.result() for one in [threads.submit(ask) for _ in range(4)]]
    assert found == [slowly(ASKED[0], 5, mask)] * 4
    assert len(made) == 1


def test_many_threads_ask_at_once(index: Path) -> None:
    search = VectorSearch(VECTORS, POSITIONS, index, EXACT)
    masks = [None, mask_of(0.5), mask_of(0.05)]
    expected = [search.best(ASKED[1], 10, mask)[0].tolist() for mask in masks]
    fresh, wrong = VectorSearch(VECTORS, POSITIONS, index, EXACT), []

    def ask(number: int) -> None:
        for step in range(30):
            which = (number + step) % len(masks)
            if fresh.best(ASKED[1], 10, masks[which])[0].tolist() != expected[which]:
                wrong.append(which)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_version_with_many_vectors_gets_an_index_and_loses_it_with_few(tmp_path: Path) -> None:
    made = Provenance("run", "DistMult", 4, "0" * 16, "2026-03-01T00:00:00Z")
    many = np.random.default_rng(0).normal(size=(EXACT_ROWS + 1, 4)).astype(np.float32)
    write_embeddings(tmp_path, "embedding", np.arange(len(many), dtype=np.int32), many, made)
    held = Snapshot.of_folder(tmp_path).embeddings["embedding"]
    assert held.index is not None
    assert held.index.exists()
    rows, products = held.search.best(many[7], 10)
    assert len(set(top(many @ many[7], 10).tolist()) & set(rows.tolist())) >= 9
    np.testing.assert_allclose(products, inner_products(many, rows, many[7]), rtol=1e-5)
    write_embeddings(tmp_path, "embedding", np.arange(5, dtype=np.int32), many[:5], made)
    assert not held.index.exists()
    assert len(Snapshot.of_folder(tmp_path).embeddings["embedding"].search.best(many[7], 10)[0]) == 5
