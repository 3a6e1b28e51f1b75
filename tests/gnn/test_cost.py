"""What strategies cost: shared work counts for each that uses it, and arrays once each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from gnn.cost import Cost, Meter, held_bytes, together
from graph.store import GraphStore, open_store


def burn(seconds: float) -> str:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return "made"


def test_shared_work_is_done_once_and_counts_for_each_that_uses_it() -> None:
    meter, made = Meter(), []

    def shared() -> str:
        made.append(1)
        return burn(0.1)

    def fit() -> str:
        return burn(0.02) + meter.shared("vectors", shared)

    first, second = meter.fit(fit), meter.fit(fit)
    alone = meter.fit(lambda: burn(0.02))
    assert made == [1]
    assert first[0] == second[0] == "mademade"
    assert 0.12 <= first[1] < 0.2
    assert 0.12 <= second[1] < 0.2
    assert 0.02 <= alone[1] < 0.08, "what another used is not counted"


def test_what_another_process_learned_counts_too() -> None:
    meter = Meter()
    assert meter.fit(lambda: meter.elsewhere("run", 40.0))[1] >= 40
    assert meter.fit(lambda: None)[1] < 1


@dataclass
class Held:
    one: Any
    other: Any = None


class Slotted:
    __slots__ = ("rows",)

    def __init__(self, rows: Any) -> None:
        self.rows = rows


def test_arrays_are_counted_once_wherever_they_hang(tmp_path: Any) -> None:
    rows = np.zeros((10, 10), np.float32)
    assert held_bytes(rows) == 400
    assert held_bytes(rows[:2]) == 400, "a view keeps the whole of it"
    assert held_bytes(Held(rows, {"again": [rows, rows.T]})) == 400
    assert held_bytes(Slotted((rows, rows.copy()))) == 800
    sparse = sp.csr_matrix(np.eye(4, dtype=np.float32))
    assert held_bytes(Held(sparse)) == sparse.data.nbytes + sparse.indices.nbytes + sparse.indptr.nbytes
    assert held_bytes(Held("text", 3)) == 0


def test_the_graph_is_not_counted(tmp_path: Any) -> None:
    store: GraphStore = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    store.extra = np.zeros(1000)  # type: ignore[attr-defined]
    assert held_bytes(Held(store, np.zeros(2, np.float32))) == 8
    store.close()


def test_parameters_of_a_network_are_counted() -> None:
    torch = pytest.importorskip("torch")
    assert held_bytes(Held(torch.nn.Linear(4, 2))) == (8 + 2) * 4


def test_draws_are_one_by_their_means() -> None:
    assert together([Cost(1, 2, 10), Cost(3, 4, 20)]).as_dict() == {"train_seconds": 2, "query_ms": 3, "bytes": 15}
