"""Points that users will give: parts say what they are called, learn nothing from what is judged, and beat the mean."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gnn.config import ConfigError
from gnn.histories import UNKNOWN, histories_in
from gnn.prepare import NotInstalled
from gnn.rating_blend import blend, features
from gnn.rating_evaluation import RATERS, rate
from gnn.rating_factors import bayesian
from gnn.rating_models import Known, item_knn, svd
from gnn.ratings import Asked, Biases, Ratings, ratings_in
from gnn.recommend_evaluation import evaluate
from gnn.resampled import Resampled, interval
from gnn.substitutes import FeedbackError
from gnn.tastes import Options
from graph.feedback_kinds import FeedbackKinds
from graph.store import GraphStore
from graph.tables import rows_to_table


def rated(events: list[tuple[str, str, str, float | None, int | None]]) -> pa.Table:
    names = ("head", "tail", "key", "value", "timestamp")
    return rows_to_table("RATED", [dict(zip(names, one, strict=True)) | {"type": one[2]} for one in events])


def invented(users: int = 80, titles: int = 60, seed: int = 0) -> tuple[Ratings, np.ndarray]:
    """Points of two tastes and biases, with noise; and what is behind them, (users, titles)."""
    chance = np.random.default_rng(seed)
    taste = np.outer(np.where(np.arange(users) % 2, 1.0, -1.0), np.where(np.arange(titles) % 3, 0.5, -1.0))
    true = 3 + taste + chance.normal(0, 0.4, (users, 1)) + chance.normal(0, 0.4, titles)
    user, title = np.nonzero(chance.random((users, titles)) < 0.5)
    value = np.clip(true[user, title] + chance.normal(0, 0.3, len(user)), 1, 5)
    names = [f"u{n}" for n in range(users)], [f"t{n}" for n in range(titles)]
    return Ratings(*names, user, title, value, np.full(len(user), UNKNOWN)), true


def error(rater: Any, ratings: Ratings, true: np.ndarray) -> float:
    said = rater.rate(Asked.of(ratings))
    return float(np.sqrt(np.mean((said - true[ratings.user, ratings.title]) ** 2)))


def test_each_part_finds_what_is_behind_the_points() -> None:
    ratings, true = invented()
    known, hidden = ratings.parted(1, 0.2)
    given = Known(known, np.zeros((60, 1), np.float32))
    plain = error(Biases.learned(known), hidden, true)
    assert error(svd(given), hidden, true) < 0.8 * plain
    for fit in (item_knn, bayesian, lambda one: blend(one, timed=False)):
        assert error(fit(given), hidden, true) < 0.45 * plain


def test_parts_do_not_overlap_and_are_drawn_by_seed() -> None:
    ratings, _ = invented()
    known, hidden = ratings.parted(3, 0.2)
    pairs = [set(zip(one.user.tolist(), one.title.tolist(), strict=True)) for one in (known, hidden)]
    assert not pairs[0] & pairs[1]
    assert len(hidden) == int(0.2 * len(ratings))
    assert ratings.parted(3, 0.2)[1].title.tolist() == hidden.title.tolist()
    assert ratings.parted(4, 0.2)[1].title.tolist() != hidden.title.tolist()


def test_a_blend_is_the_same_by_seed() -> None:
    ratings, _ = invented()
    known, hidden = ratings.parted(1, 0.2)
    asked = Asked.of(hidden)
    first, again, other = (
        blend(Known(known, np.zeros((60, 1), np.float32), seed), timed=True).rate(asked) for seed in (0, 0, 7)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_is_said_in_a_sitting_counts_where_times_are_known() -> None:
    """Moods: each sitting of a user is all above or all below what they give otherwise."""
    chance = np.random.default_rng(0)
    ratings, _ = invented(users=60, titles=60)
    sitting = chance.integers(0, 4, len(ratings))
    mood = np.where(chance.random((60, 4)) < 0.5, -0.8, 0.8)
    value = np.clip(ratings.value + mood[ratings.user, sitting], 0.5, 5.5)
    moody = Ratings(ratings.users, ratings.titles, ratings.user, ratings.title, value, sitting * 90_000)
    known, hidden = moody.parted(1, 0.2)
    given = Known(known, np.zeros((60, 1), np.float32))
    rmse = {timed: np.sqrt(np.mean((blend(given, timed=timed).rate(Asked.of(hidden)) - hidden.value) ** 2))
            for timed in (True, False)}  # fmt: skip
    assert rmse[True] < 0.85 * rmse[False]


def test_content_carries_points_to_titles_that_nobody_rated() -> None:
    chance = np.random.default_rng(0)
    kind = np.arange(60) % 2
    z = np.eye(2, dtype=np.float32)[kind]
    user, title = np.nonzero(chance.random((80, 60)) < 0.5)
    value = 3 + np.where((user % 2) == kind[title], 1.0, -1.0) + chance.normal(0, 0.1, len(user))
    seen = title < 50  # the others have no rating at all among those known
    whole = Ratings([f"u{n}" for n in range(80)], [f"t{n}" for n in range(60)], user, title, value, np.zeros(len(user)))
    known, hidden = whole.where(seen), whole.where(~seen)
    said = features(Known(known, z), Asked.of(hidden), timed=False)[:, 3]
    assert np.corrcoef(said, hidden.value)[0, 1] > 0.9


def test_ratings_are_of_one_scale() -> None:
    events: Any = [(f"u{n % 9}", f"t{n}", "rating", float(1 + n % 5), None) for n in range(60)]
    ratings, kind = ratings_in(None, rated([*events, ("u1", "t1", "progress", 0.3, 5), ("u1", "t2", "watch", None, 5)]))  # type: ignore[arg-type]
    assert (len(ratings), kind) == (60, "rating")
    assert (ratings.time == UNKNOWN).all()
    with pytest.raises(FeedbackError, match="fewer than 50"):
        ratings_in(None, rated(events[:10]))  # type: ignore[arg-type]
    shares: Any = [(f"u{n % 9}", f"t{n}", "progress", n / 200, None) for n in range(150)]
    with pytest.raises(FeedbackError, match="'progress' are no points"):
        ratings_in(None, rated(shares))  # type: ignore[arg-type]


def test_intervals_hold_the_mean_of_all_events() -> None:
    chance = np.random.default_rng(0)
    counts = chance.integers(1, 30, 300).astype(float)
    sums = counts * chance.normal(2, 1, 300)
    made = Resampled(counts)
    found = interval(made.means(sums))
    assert found["low"] < made.mean(sums) < found["high"]
    assert made.mean(sums) == pytest.approx(sums.sum() / counts.sum())
    assert found["high"] - found["low"] == pytest.approx(4 * 1 / np.sqrt(300), rel=0.35)


def test_the_evaluation_judges_all_on_the_same(viewed: GraphStore) -> None:
    titles = [id_ for batch in viewed.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()][:40]
    ratings, _ = invented(users=50, titles=40)
    table = rated([
        (ratings.users[u], titles[t], "rating", float(v), None)
        for u, t, v in zip(ratings.user, ratings.title, ratings.value.round(), strict=True)
    ])  # fmt: skip
    found = rate(viewed, table, [0, 1])
    rmse = {one["strategy"]: one["rmse"] for one in found["strategies"]}
    assert list(rmse) == [name for name in RATERS if name not in found["left_out"]]
    assert rmse["blend"]["mean"] < rmse["svd"]["mean"] < rmse["biases"]["mean"] < rmse["mean"]["mean"]
    for one in found["strategies"]:
        assert one["rmse"]["low"] < one["rmse"]["mean"] < one["rmse"]["high"]
        assert np.mean(np.square(one["rmse_by_seed"])) ** 0.5 == pytest.approx(one["rmse"]["mean"], abs=1e-3)
    with pytest.raises(ConfigError, match="no way 'stars'"):
        rate(viewed, table, [0], ["stars"])


def test_what_is_not_installed_is_left_out_unless_it_is_named(
    viewed: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else there(name))
    ratings, _ = invented(users=50, titles=40)
    titles = [id_ for batch in viewed.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()][:40]
    table = rated([
        (ratings.users[u], titles[t], "rating", float(v), None)
        for u, t, v in zip(ratings.user, ratings.title, ratings.value.round(), strict=True)
    ])  # fmt: skip
    found = rate(viewed, table, [0])
    assert list(found["left_out"]) == ["ranker"]
    assert "pip install" in found["left_out"]["ranker"]
    assert {one["strategy"] for one in found["strategies"]} == {*RATERS} - {"ranker"}
    with pytest.raises(NotInstalled, match="torch"):
        rate(viewed, table, [0], ["ranker"])
    histories = histories_in(viewed, FeedbackKinds.parse(["rating>=4"], ["rating<=2"]), table)
    small = Options(long=8, recent=8, rank=16, landmarks=32, content=8)
    recommended = evaluate(viewed, histories, "random", 0, small)
    assert set(recommended["left_out"]) == {"bpr", "lightgcn", "towers", "towers-ranked", "towers-points"}
