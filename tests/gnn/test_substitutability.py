"""The curve of substitutability, learned: from questions with known answers, on hidden titles, into a run and out."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import gnn.substitutability as learning
from gnn.config import parse_config
from gnn.hidden import Hiding, draw
from gnn.publish import publish
from gnn.runs import Run, open_run
from gnn.substitutability import Known, Questions, ask, curve_of, learn, liked_most, reliability, together
from gnn.substitutes import SHRINKAGE, Fitted, Likes, Options, fit, likes_of
from gnn.substitutes_run import CURVE
from gnn.train import train
from graph.foldin import VECTORS, WEIGHTS
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope, open_store
from graph.substitutability import FACTS, Curve, features, probabilities

OPTIONS = Options(likes_from=4.0, ridge=3.0)
CONFIG: dict[str, Any] = {
    "name": "substitutes",
    "model": {"name": "Substitutes", "dimension": 16, "options": {"ridge": 3.0}},
    "publish": {"name": VECTORS},
}


@pytest.fixture(scope="module")
def likes(viewed: GraphStore) -> Likes:
    return likes_of(viewed, OPTIONS.likes_from)


@pytest.fixture(scope="module")
def fitted(viewed: GraphStore, likes: Likes) -> Fitted:
    return fit(viewed, likes, 16, OPTIONS)


@pytest.fixture(scope="module")
def run(viewed: GraphStore, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(parse_config(CONFIG), viewed, runs=tmp_path_factory.mktemp("runs"))


@pytest.fixture
def store(viewed: GraphStore, tmp_path: Path) -> Iterator[GraphStore]:
    """A copy to write into."""
    shutil.copytree(viewed.url.partition(":")[2], tmp_path / "store")
    made = open_store(f"embedded:{tmp_path / 'store'}")
    yield made
    made.close()


def invented(coefficients: tuple[float, ...], titles: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    """Features of random questions, and what comes true by a curve."""
    chance = np.random.default_rng(3)
    references, asked = np.abs(chance.normal(size=(90, 6))), np.abs(chance.normal(size=(titles, 6)))
    products = np.exp(chance.normal(0.5, 1, size=(titles, 5)))
    inputs = features(references.astype(np.float32), asked.astype(np.float32), products.astype(np.float32))
    return inputs, chance.random(products.shape) < probabilities(coefficients, inputs)


def test_a_known_curve_comes_back() -> None:
    true = (-0.5, 3.0, 1.0, 0.7)
    assert curve_of(*invented(true)) == pytest.approx(true, abs=0.25)


def test_a_product_never_counts_against_a_title() -> None:
    _, below, above, _ = curve_of(*invented((0.5, -2.0, -1.0, 0.7)))
    assert (below, above) == (0, 0)


def test_the_liked_most_are_those_of_the_largest_shrunk_cosine() -> None:
    chance = np.random.default_rng(0)
    matrix = sp.csc_matrix((chance.random((60, 150)) < chance.random(150) * 0.4).astype(np.float32))
    dense, counts = matrix.toarray(), matrix.toarray().sum(0)
    asked = np.array([0, 7, 149])
    found = liked_most(matrix, asked)
    for row, title in enumerate(asked):
        cosines = dense[:, title] @ dense / np.sqrt((counts[title] + SHRINKAGE) * (counts + SHRINKAGE))
        cosines[title] = 0
        order = np.argsort(-cosines, kind="stable")[:50]
        assert np.flatnonzero(found[row]).tolist() == sorted(one for one in order if cosines[one] > 0)
        assert not found[row, title]


def test_what_viewers_share_nothing_with_is_not_liked() -> None:
    matrix = sp.csc_matrix(np.array([[1, 1, 0, 0], [0, 0, 1, 0]], np.float32))
    assert liked_most(matrix, np.array([0, 2, 3])).tolist() == [
        [False, True, False, False], [False] * 4, [False] * 4
    ]  # fmt: skip


def test_each_title_is_asked_in_a_catalog_of_each_size_and_cut() -> None:
    chance = np.random.default_rng(1)
    vectors = chance.random((40, 3)).astype(np.float32)
    judges = np.zeros((6, 40), np.float32)
    judges[:, :20] = chance.random((6, 20)) < 0.6  # nobody likes the rest
    known = Known(vectors, np.arange(40), sp.csc_matrix(judges), 20.0, [np.arange(10, 16)], vectors)
    asked, inside = np.array([2, 3, 35]), np.arange(1, 30)
    found = ask(known, asked, inside, np.random.default_rng(2), (1_000, 3))
    assert found.names == ["all", "1000", "3", "least liked", "most liked", "one genre"]
    assert found.inputs.shape == (2, 6, len(FACTS))  # the third shares no viewer with anything
    truth = liked_most(known.judges, asked)
    for row, title in enumerate(asked[:2]):
        for place, catalog in ((0, inside), (1, inside), (5, np.arange(10, 16))):
            others = catalog[catalog != title]
            best = others[np.argmax(vectors[others] @ vectors[title])]
            product = np.array([vectors[best] @ vectors[title]])
            expected = features(vectors, vectors[[title]], product)[0]
            assert found.inputs[row, place] == pytest.approx(expected, rel=1e-5)
            assert found.good[row, place] == truth[row, best]
    assert (found.inputs[:, 2, 1:3].sum(1) <= found.inputs[:, 0, 1:3].sum(1) + 1e-6).all()  # three have no better one


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """What `learn` hands on: the likes that throw-away models learn from, who is asked, what the curve is fitted on."""
    found: dict[str, list[Any]] = {"likes": [], "thrown": [], "known": [], "asked": [], "inputs": [], "questions": []}

    def watched_fit(store: GraphStore, likes: Likes, *rest: Any) -> Fitted:
        found["likes"].append(likes)
        found["thrown"].append(fit(store, likes, *rest))
        return found["thrown"][-1]

    def watched_ask(known: Known, asked: Any, *rest: Any) -> Questions:
        found["known"].append(known)
        found["asked"].append(asked)
        found["questions"].append(ask(known, asked, *rest))
        return found["questions"][-1]

    def watched_curve(inputs: Any, good: Any) -> tuple[float, ...]:
        found["inputs"].append(inputs)
        return curve_of(inputs, good)

    for name, one in (("fit", watched_fit), ("ask", watched_ask), ("curve_of", watched_curve)):
        monkeypatch.setattr(learning, name, one)
    return found


def test_hidden_titles_are_hidden_and_judges_do_not_learn(
    viewed: GraphStore, likes: Likes, fitted: Fitted, seen: dict[str, list[Any]]
) -> None:
    assert learn(viewed, likes, fitted, OPTIONS) is not None
    assert len(seen["asked"]) == 2
    all_asked = [fitted.ids[row] for asked in seen["asked"] for row in asked]
    assert len(set(all_asked)) == len(all_asked) >= 60
    counts = dict(zip(likes.titles, likes.counts.tolist(), strict=True))
    for known, asked, learned, thrown in zip(
        *(seen[name] for name in ("known", "asked", "likes", "thrown")), strict=True
    ):
        hidden = [fitted.ids[row] for row in asked]
        assert not set(hidden) & {*learned.titles, *thrown.ids}
        assert known.vectors[asked] == pytest.approx(thrown.foldin.vectors(hidden), abs=1e-6)
        assert known.judges.shape[0] + learned.matrix.shape[0] == likes.matrix.shape[0]
        own = dict(zip(learned.titles, learned.counts.tolist(), strict=True))
        judged = np.asarray(known.judges.sum(0)).ravel()
        for row, id_ in enumerate(fitted.ids):
            if id_ not in hidden:
                assert own[id_] + judged[row] == counts[id_]


def test_what_measures_is_not_fitted_on(
    viewed: GraphStore, likes: Likes, fitted: Fitted, seen: dict[str, list[Any]]
) -> None:
    learned = learn(viewed, likes, fitted, OPTIONS)
    assert learned is not None
    every, used = together(seen["questions"]).inputs, seen["inputs"][0]
    assert len(every) - len(used) == learned.titles == len(every) // 4
    assert learned.reliability.questions == learned.titles * every.shape[1]
    rest = {row.tobytes() for row in every} - {row.tobytes() for row in used}
    assert len(rest) == learned.titles


def test_titles_that_judge_a_draw_are_no_part_of_its_curve(store: GraphStore, likes: Likes) -> None:
    trial = draw(store, likes, Hiding(titles=40, asked_from=20), 0)
    assert not set(trial.asked) & set(trial.learned.titles)
    before = learn(store, trial.learned, fit(store, trial.learned, 16, OPTIONS), OPTIONS)
    rated = [row for batch in store.scan_relationships("RATED") for row in batch.to_pylist()]
    store.delete_relationships("RATED", [row for row in rated if row["tail"] in trial.asked])
    after = learn(store, trial.learned, fit(store, trial.learned, 16, OPTIONS), OPTIONS)
    leaky = learn(store, trial.warm, fit(store, trial.warm, 16, OPTIONS), OPTIONS)
    assert before is not None
    assert after is not None
    assert leaky is not None
    assert before.coefficients == after.coefficients
    assert before.coefficients != leaky.coefficients


def test_the_curve_is_calibrated_and_says_more_than_the_base_rate(
    viewed: GraphStore, likes: Likes, fitted: Fitted
) -> None:
    learned = learn(viewed, likes, fitted, OPTIONS)
    assert learned is not None
    found = learned.reliability
    assert max(learned.coefficients[1:3]) > 0
    assert found.brier < 0.8 * found.base_brier
    assert sum(count for _, _, count in found.bins) == found.questions


def test_too_few_likes_teach_no_curve(viewed: GraphStore, likes: Likes) -> None:
    few = Likes(likes.matrix[:12].tocsr(), likes.titles)
    assert learn(viewed, few, fit(viewed, few, 16, OPTIONS), OPTIONS) is None


def test_reliability_by_hand() -> None:
    said, good = np.repeat([0.2, 0.8], 10), np.tile([False, True], 10)  # each bin has one of each
    found = reliability(said, good)
    assert (found.questions, found.base, found.base_brier) == (20, 0.5, 0.25)
    assert found.brier == pytest.approx((0.04 + 0.64) / 2)
    assert found.bins == [(pytest.approx(one), 0.5, 2) for one in [0.2] * 5 + [0.8] * 5]
    assert found.error == pytest.approx(0.3)


def test_right_probabilities_have_no_more_error_than_chance() -> None:
    chance = np.random.default_rng(5)
    said = chance.random(20_000)
    found = reliability(said, chance.random(20_000) < said)
    assert found.error < 0.015
    assert found.chance == pytest.approx(found.error, abs=0.006)
    assert reliability(said, chance.random(20_000) < said**2).error > 0.1


def test_a_run_carries_its_curve_to_the_store(run: Run, store: GraphStore) -> None:
    coefficients = run.parameters()[CURVE].tolist()
    found = run.metrics()["substitutability"]
    assert found["questions"] == found["titles"] * 7
    assert f"expected calibration error {found['error']:.3f}" in (run.folder / "MODEL_CARD.md").read_text("utf-8")
    if importlib.util.find_spec("matplotlib") is not None:
        assert (run.folder / "plots" / "substitutability.png").stat().st_size > 10_000
    publish(run, store)
    curve = Curve.published(store)
    assert curve is not None
    assert list(curve.coefficients) == coefficients
    assert store.info().embeddings[WEIGHTS].facts == {}
    hit = Searcher(store).search("tt0000030", Scope(WHOLE_GRAPH)).hits[0]
    assert hit.substitutability is not None
    assert 0 < hit.substitutability < 1


def test_a_run_of_before_there_were_curves_is_published_without(run: Run, store: GraphStore, tmp_path: Path) -> None:
    from gnn.checkpoint import read_arrays, write_arrays

    shutil.copytree(run.folder, tmp_path / "old")
    path = tmp_path / "old" / "model.safetensors"
    arrays = {name: one for name, one in read_arrays(path)[0].items() if name != CURVE}
    write_arrays(path, arrays)
    publish(open_run(tmp_path / "old"), store)
    assert store.info().embeddings[VECTORS].facts == {}
    assert Curve.published(store) is None
    hit = Searcher(store).search("tt0000030", Scope(WHOLE_GRAPH)).hits[0]
    assert hit.substitutes
    assert hit.substitutability is None


def test_a_run_with_little_feedback_says_that_it_has_no_curve(store: GraphStore, tmp_path: Path) -> None:
    users = [f"{number}" for number in range(12, 300)]
    store.delete_nodes("User", users)
    made = train(parse_config(CONFIG), store, runs=tmp_path / "runs")
    assert made.metrics()["substitutability"] is None
    assert CURVE not in made.parameters()
    assert "answers do not say it" in (made.folder / "MODEL_CARD.md").read_text("utf-8")
    assert not (made.folder / "plots" / "substitutability.png").exists()
