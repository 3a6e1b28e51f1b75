"""Taste vectors: their parts are what they are called, and together they find what was liked next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gnn.config import ConfigError, RunConfig, read_config
from gnn.histories import UNKNOWN, Histories, histories_in
from gnn.publish import publish
from gnn.recommend_evaluation import evaluate
from gnn.recommend_splits import by_chance, by_time, cold_titles, newcomers
from gnn.recommend_strategies import RECOMMENDERS, ease
from gnn.substitutes import FeedbackError
from gnn.tastes import Matter, Options, fit, parts_of, thinner
from gnn.tastes_run import train_tastes
from gnn.tastes_weights import learned
from graph.feedback_kinds import FeedbackKinds
from graph.for_users import ForUsers
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope, open_store
from graph.tables import finish_tables, rows_to_table, write_table
from loaders.load import load_sample

KINDS = FeedbackKinds.parse(["rating>=4", "watch"], ["rating<=2"])
SMALL = Options(long=24, recent=24, rank=64, landmarks=64, content=32)


def rated(events: list[tuple[str, str, str, float | None, int | None]]) -> pa.Table:
    names = ("head", "tail", "key", "value", "timestamp")
    return rows_to_table("RATED", [dict(zip(names, one, strict=True)) | {"type": one[2]} for one in events])


def tasteful(titles: list[str], users: int = 120, seed: int = 0) -> pa.Table:
    """Viewers of two tastes, each of one half of the titles, some of them shared."""
    chance, half = np.random.default_rng(seed), len(titles) // 2
    events: list[Any] = []
    for user in range(users):
        own = titles[:half] if user % 2 else titles[half:]
        for time, title in enumerate(chance.permutation(own)[: chance.integers(8, half)].tolist()):
            events.append((f"u{user:03}", title, "rating", float(chance.choice([3, 4, 5])), 1_000 + time))
    return rated(events)


def test_several_pieces_of_feedback_are_one_event() -> None:
    table = rated([
        ("b", "t2", "rating", 5.0, 30), ("a", "t1", "rating", 3.0, 10), ("a", "t1", "watch", None, 20),
        ("a", "t2", "rating", 1.0, 5), ("a", "t2", "watch", None, 50), ("a", "t3", "rating", 3.0, None),
    ])  # fmt: skip
    made = histories_in(None, KINDS, table)  # type: ignore[arg-type]
    listed = [(made.users[u], made.titles[t], s) for u, t, s in zip(made.user, made.title, made.says, strict=True)]
    assert listed == [("a", "t3", 0), ("a", "t1", 1), ("a", "t2", -1), ("b", "t2", 1)]
    assert made.time.tolist() == [UNKNOWN, 20, 50, 30]
    with pytest.raises(FeedbackError, match="liked"):
        histories_in(None, KINDS, rated([("a", "t", "rating", 1.0, 1)]))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def histories() -> Histories:
    return histories_in(None, KINDS, tasteful([f"t{n:02}" for n in range(40)]))  # type: ignore[arg-type]


def test_splits_part_what_is_known_from_what_was_liked(histories: Histories) -> None:
    time = by_time(histories)
    for user in time.users.tolist():
        own = slice(histories.starts[user], histories.starts[user + 1])
        likes = histories.title[own][histories.says[own] > 0]
        hidden = int(0.2 * len(likes))
        assert time.liked[user].tolist() == likes[-hidden:].tolist()
        known = time.known.title[time.known.starts[user] : time.known.starts[user + 1]]
        assert known[-1] == likes[-hidden - 1]
        assert not set(known) & set(likes[-hidden:])
    for split in (by_chance(histories, 1), newcomers(histories, 1), cold_titles(histories, 1)):
        there = {(u, t) for u, t in zip(split.known.user.tolist(), split.known.title.tolist(), strict=True)}
        assert len(split.users)
        assert not any((user, title) in there for user in split.users.tolist() for title in split.liked[user].tolist())
    few = newcomers(histories, 1)
    assert not set(few.learned.user.tolist()) & set(few.users.tolist())
    assert max(np.bincount(few.known.user)[few.users]) == 5
    cold = cold_titles(histories, 1)
    assert cold.among is not None
    assert not cold.among[cold.learned.title].any()


def test_ease_in_two_thin_parts_is_ease(histories: Histories) -> None:
    nothing = Matter(np.zeros((40, 4), np.float32), np.full(40, np.nan, np.float32))
    left, right = parts_of(histories, nothing, Options(rank=200, ridge=30.0)).thin["ease"]
    whole = ease(histories.matrix(liked=True), 30.0)
    off = ~np.eye(40, dtype=bool)
    np.testing.assert_allclose((left @ right.T)[off], whole[off], atol=2e-4)


def test_thinner_keeps_what_is_asked_for() -> None:
    chance = np.random.default_rng(0)
    left, right = (chance.normal(size=(30, 12)).astype(np.float32) for _ in range(2))
    asked = (chance.normal(size=(200, 3)) @ chance.normal(size=(3, 30))).astype(np.float32) @ left
    one, other = thinner(left, right, 5, asked)
    turned, *_ = np.linalg.lstsq(left, one, rcond=None)
    whole = asked @ right.T
    assert np.linalg.norm(asked @ turned @ other.T - whole) < 0.1 * np.linalg.norm(whole)
    one, other = thinner(left, right, 20, asked)
    assert one.shape == (30, 20)
    np.testing.assert_allclose(one @ other.T, left @ right.T, atol=1e-3)


def test_weights_follow_the_score_that_ranks() -> None:
    chance = np.random.default_rng(0)
    telling, noise = chance.normal(size=(2, 60, 50)).astype(np.float32)
    truth = [np.argsort(-row)[:4] for row in telling]
    found = learned(np.stack([telling, noise]), truth, [np.array([], np.int64)] * 60)
    assert found[0] > 1
    assert abs(found[1]) < 0.2 * found[0]


def test_weights_rank_no_worse_at_the_head_than_one_score_alone() -> None:
    chance = np.random.default_rng(1)
    users, titles = 80, 300
    truth = [chance.choice(titles, 30, replace=False) for _ in range(users)]
    sharp, broad = np.zeros((2, users, titles), np.float32)
    for user, own in enumerate(truth):
        sharp[user] = chance.normal(size=titles) * 0.05
        sharp[user, own[:12]] += 0.4  # knows twelve for sure, and nothing of the rest
        broad[user] = chance.normal(size=titles)
        broad[user, own] += 1.2  # knows a little of all of them
    features = np.stack([sharp, broad])
    nothing = [np.array([], np.int64)] * users

    def at_the_head(weights: Any) -> float:
        best = np.argsort(-np.tensordot(np.asarray(weights, np.float32), features, 1), axis=1)[:, :20]
        return float(np.mean([np.isin(row, own).mean() for row, own in zip(best, truth, strict=True)]))

    found = learned(features, truth, nothing)
    assert at_the_head(found) > max(at_the_head([1, 0]), at_the_head([0, 1]))
    again = learned(features * np.float32(10), truth, nothing)
    np.testing.assert_allclose(again * 10, found, rtol=0.15)  # as large as the likelihood wants it, whatever the unit


def test_hold_out_by_chance_weighs_old_and_new_alike(histories: Histories) -> None:
    z = np.eye(40, 4, dtype=np.float32)
    matter = Matter(z, np.full(40, np.nan, np.float32))
    assert fit(histories, matter, SMALL).weighting.half_life == SMALL.half_life
    chance = fit(histories, matter, SMALL.model_copy(update={"held_out": "random"}))
    assert chance.weighting.half_life == 0
    assert set(chance.weights) >= {"long ease", "recent seen", "popularity"}


@pytest.fixture
def viewed(tmp_path: Path) -> Iterator[GraphStore]:
    """The sample graph with viewers of two tastes."""
    folder, sample = tmp_path / "tables", open_store(f"embedded:{tmp_path / 'store'}", create=True)
    load_sample(sample)
    titles = [id_ for batch in sample.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()][:60]
    table = tasteful(titles)
    write_table(
        folder, "User", [rows_to_table("User", [{"id": one} for one in sorted(set(table["head"].to_pylist()))])]
    )
    write_table(folder, "RATED", [table])
    sample.load_tables(finish_tables(folder, []))
    yield sample
    sample.close()


def test_trained_published_and_served(viewed: GraphStore, tmp_path: Path) -> None:
    config = read_config(Path(__file__).parents[2] / "configs" / "tastes.toml")
    small = config.model.model_copy(update={"options": SMALL.model_dump()})
    run = train_tastes(config.model_copy(update={"model": small}), viewed, tmp_path / "runs")
    assert run.state == "finished"
    assert "weight" in (run.folder / "MODEL_CARD.md").read_text()
    publish(run, viewed)
    names = [name.removeprefix("Title:") for name in run.vocabulary().entities]
    histories = histories_in(viewed, KINDS, titles=names)
    user = 1
    passed = set(histories.title[histories.starts[user] : histories.starts[user + 1]].tolist())
    liked_half = {t for u in range(1, len(histories.users), 2)
                  for t in histories.title[histories.starts[u] : histories.starts[u + 1]].tolist()}  # fmt: skip
    found = ForUsers(viewed, Searcher(viewed), KINDS).recommend(histories.users[user], Scope(WHOLE_GRAPH), 5)
    places = [histories.titles.index(item.id) for item in found.items]
    assert not set(places) & passed
    assert len(set(places) & liked_half) >= 4, "what viewers of the same taste watch"
    assert any(reason.kind == "watched" for item in found.items for reason in item.evidence)


def test_too_little_feedback_is_said(tmp_path: Path) -> None:
    config = RunConfig.model_validate({"model": {"name": "Tastes"}, "publish": {"name": "offered_vector"}})
    with contextlib.closing(open_store(f"embedded:{tmp_path / 'store'}", create=True)) as sample:
        load_sample(sample)
        with pytest.raises(FeedbackError, match="no feedback"):
            train_tastes(config, sample, tmp_path / "runs")
        titles = next(iter(sample.scan_nodes("Title", []))).column("id").to_pylist()[:4]
        sample.upsert_nodes("User", [{"id": "ada"}])
        likes = [{"head": "ada", "tail": id_, "key": "like", "type": "like"} for id_ in titles]
        sample.upsert_relationships("RATED", likes)
        with pytest.raises(FeedbackError, match="nobody likes five titles"):
            train_tastes(config, sample, tmp_path / "runs")


def test_options_are_checked() -> None:
    config = RunConfig.model_validate({"model": {"name": "Tastes", "options": {"lomg": 3}}})
    with pytest.raises(ConfigError, match="did you mean long"):
        train_tastes(config, None, Path("nowhere"))  # type: ignore[arg-type]


@pytest.mark.parametrize("split", ["time", "random", "newcomers", "cold"])
def test_every_recommender_is_judged(viewed: GraphStore, split: str) -> None:
    histories = histories_in(viewed, KINDS)
    found = evaluate(viewed, histories, split, 0, SMALL)
    figures = {one["strategy"]: one["ndcg"]["mean"] for one in found["strategies"]}
    assert set(figures) == set(RECOMMENDERS)
    assert all(0 <= value <= 1 for value in figures.values())
    costs = {one["strategy"]: one["cost"] for one in found["strategies"]}
    assert costs["hybrid"]["train_seconds"] > costs["popularity"]["train_seconds"]
    assert costs["ease"]["bytes"] == 4 * len(histories.titles) ** 2
    for one in found["strategies"]:
        assert ("ndcg_difference" in one) == (one["strategy"] != found["compared_with"] == "hybrid")
        assert set(one["slices"]) == set(found["by"])
        parts = one["slices"]["popularity"]
        assert sum(part["questions"] for part in parts.values()) >= found["users"]
        if one["strategy"] == "popularity" and split in ("time", "random"):
            assert parts["most liked"]["recall"]["mean"] > parts["least liked"]["recall"]["mean"] == 0
    if split in ("time", "random"):
        assert figures["hybrid"] > figures["random"] + 0.05
        assert figures["ease"] > figures["random"] + 0.05
    with pytest.raises(ConfigError, match="no strategy"):
        evaluate(viewed, histories, split, 0, SMALL, names=["magic"])
