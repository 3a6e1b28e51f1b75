"""RecBole's split and figures (benchmarks/recbole_split.py), by what PyTorch draws and by numbers made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks.recbole_split import drawn, figures, parted, ratings_in, sizes
from gnn.histories import Histories


def test_rows_are_drawn_as_pytorch_draws_them() -> None:
    torch = pytest.importorskip("torch")
    for count, seed in ((1, 0), (10, 2020), (1_000, 7)):
        made = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        assert drawn(count, seed).tolist() == made.tolist()


def test_parts_are_rounded_down_and_of_few_one_is_left_to_learn_from() -> None:
    assert [sizes(count) for count in (1, 2, 3, 9, 10, 19, 20, 737)] == [
        (1, 0, 0), (1, 0, 1), (1, 1, 1), (7, 1, 1), (8, 1, 1), (17, 1, 1), (16, 2, 2), (591, 73, 73),
    ]  # fmt: skip


def test_each_users_ratings_are_parted_apart() -> None:
    user = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [30, 12, 3]))
    parts = parted(user, 5)
    assert sorted(np.concatenate(parts).tolist()) == list(range(45))
    assert [np.bincount(user[part], minlength=3).tolist() for part in parts] == [[24, 10, 1], [3, 1, 1], [3, 1, 1]]
    assert [part.tolist() for part in parted(user, 5)] == [part.tolist() for part in parts]
    assert set(parts[2].tolist()) != set(parted(user, 6)[2].tolist())


def test_figures_by_hand() -> None:
    scores = np.tile(np.arange(12, 0, -1, dtype=np.float32), (3, 1))
    passed, wanted = np.zeros((3, 12)), np.zeros((3, 12))
    passed[0, 0] = 1
    wanted[0, [1, 3, 11]] = 1  # first and third of what is left, and the eleventh
    wanted[1, 11] = 1  # twelfth: missed
    made = figures(scores, sp.csr_matrix(passed), sp.csr_matrix(wanted))  # nothing to find for the third
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    assert made == pytest.approx({
        "ndcg": (1 + 1 / 2) / ideal / 2, "recall": 2 / 3 / 2, "mrr": 1 / 2, "hit": 1 / 2, "precision": 2 / 10 / 2
    })  # fmt: skip


def test_whatever_was_rated_is_liked_and_the_file_s_order_is_kept(tmp_path: Path) -> None:
    rows = "".join(f"{user}\t{item}\t{1 + item % 5}\t{100 - item}\n" for item in range(10) for user in (30, 4))
    (tmp_path / "ml-100k.inter").write_text(
        f"user_id:token\titem_id:token\trating:float\ttimestamp:float\n{rows}", "utf-8"
    )
    ratings = ratings_in(tmp_path)
    assert (ratings.users, ratings.user[:3].tolist()) == (["30", "4"], [0, 1, 0])
    parts: tuple[Histories, ...] = ratings.parts(0)
    assert [len(part) for part in parts] == [16, 2, 2]
    assert all((part.says == 1).all() for part in parts)
    assert (np.diff(parts[0].time)[np.diff(parts[0].user) == 0] > 0).all()
