"""What is served of collaborative filtering is what is compared, though all that is published are vectors of titles."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from gnn.collaborative import COLLABORATIVE
from gnn.config import ConfigError, RunConfig, parse_config, read_config
from gnn.factorisation import IalsOptions, factorised
from gnn.histories import Histories, histories_in
from gnn.learned_strategies import Neighbours
from gnn.lightgcn import BPR, Flow, learned
from gnn.publish import publish
from gnn.recommend_strategies import RECOMMENDERS, cosines, ease
from gnn.runs import open_run
from gnn.strategies import STRATEGIES
from gnn.strategy import Learning
from gnn.substitutes import likes_of
from gnn.tastes import right_vectors
from gnn.train import train
from graph.feedback_kinds import FeedbackKinds
from graph.for_users import ForUsers
from graph.nearest import beside
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope, open_store
from graph.strategies import KNOWN
from graph.strategy import FREE, StrategyError

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = ("ease", "item-knn", "ials", "bpr", "lightgcn")
FULL, SMALL = 240, 16
KINDS = FeedbackKinds.parse(["rating>=4"], [])
WHOLE = Scope(WHOLE_GRAPH, adult=True)


def config(name: str) -> RunConfig:
    """That of configs/, at full rank where it has one, and a short training."""
    made = read_config(CONFIGS / f"{name}.toml").model_dump()
    made["model"] |= {"dimension": FULL if name in ("ease", "item-knn") else SMALL}
    if "epochs" in made["model"]["options"]:
        made["model"]["options"] |= {"epochs": 10, "learning_rate": 0.02}
    return parse_config(made)


@pytest.fixture(scope="module")
def served(viewed: GraphStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    """A copy of the viewers' store with vectors of all."""
    pytest.importorskip("implicit")
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("collaborative")
    shutil.copytree(viewed.url.removeprefix("embedded:"), folder / "store")
    store = open_store(f"embedded:{folder / 'store'}")
    for name in NAMES:
        publish(train(config(name), store, runs=folder / "runs"), store)
    publish(train(CONFIGS / "content.toml", store, runs=folder / "runs"), store)
    ids, rows = store.get_embeddings("ials")  # any vectors would do
    store.set_embeddings("embedding", ids, rows, replace(store.info().embeddings["ials"], facts={}))
    yield store
    store.close()


@pytest.fixture(scope="module")
def known(served: GraphStore) -> Histories:
    return histories_in(served, KINDS)


def exact(name: str, known: Histories, users: np.ndarray) -> np.ndarray:
    """What is compared under a name, fitted on the same likes; of BPR and LightGCN as to users not learned from."""
    likes, small = known.matrix(liked=True), SMALL
    if name == "ease":
        return likes[users] @ ease(likes, 200.0)
    if name == "item-knn":
        return likes[users] @ cosines(likes)
    if name == "ials":
        return factorised(likes, small, IalsOptions(), 0).score(known, users)
    flow = Flow() if name == "lightgcn" else BPR
    made = learned(likes, replace(flow, epochs=10, learning_rate=0.02, dimension=small))
    return replace(made, known=made.known[:0]).score(known, users)


def first(scores: np.ndarray, known: Histories, users: np.ndarray) -> np.ndarray:
    """The places of the ten best that are not known yet."""
    kept = np.where(known.matrix(liked=False)[users].toarray() > 0, -np.inf, scores)
    return np.argsort(-kept, axis=1, kind="stable")[:, :10]


@pytest.mark.parametrize("name", NAMES)
def test_users_are_answered_as_they_are_compared(name: str, served: GraphStore, known: Histories) -> None:
    users = np.arange(0, 300, 30)
    scores = exact(name, known, users)
    chosen, row = first(scores, known, users), {id_: place for place, id_ in enumerate(known.titles)}
    asked = ForUsers(served, Searcher(served), KINDS)
    for own, best, user in zip(scores, chosen, users.tolist(), strict=True):
        found = asked.recommend(known.users[user], WHOLE, 10, strategy=name, rules=FREE)
        assert found.strategy == name
        places = [row[one.id] for one in found.items]
        np.testing.assert_allclose(own[places], own[best], rtol=1e-3, atol=1e-5)


def test_content_and_popularity_beside_nearness_are_as_compared(served: GraphStore) -> None:
    likes = likes_of(served, 4.0)
    near = Neighbours(open_run(Path(served.url.removeprefix("embedded:")).parent / "runs" / "ials"), likes=likes)
    given, ids = (
        Learning(served, likes),
        sorted(id_ for batch in served.scan_nodes("Title", []) for id_ in batch[0].to_pylist()),
    )
    compared = {
        "embedding-popularity": near,
        **{name: STRATEGIES[name].fit(given) for name in ("content", "content-series")},
    }
    searcher = Searcher(served, kinds=KINDS)
    for name, strategy in compared.items():
        for asked in ids[5:200:37]:
            others = [id_ for id_ in ids if id_ != asked]
            (scores,) = strategy.score([asked], others)
            found = [others.index(one.id) for one in searcher.similar(asked, WHOLE, 10, strategy=name)]
            np.testing.assert_allclose(scores[found], np.sort(scores)[::-1][:10], rtol=1e-3, atol=1e-5, err_msg=name)


def test_one_title_is_answered_as_to_somebody_who_likes_that_alone(served: GraphStore, known: Histories) -> None:
    weights = ease(known.matrix(liked=True), 200.0)
    row = {id_: place for place, id_ in enumerate(known.titles)}
    for id_ in known.titles[::40]:
        own = weights[row[id_]].copy()
        own[row[id_]] = -np.inf
        found = [row[one.id] for one in Searcher(served).similar(id_, WHOLE, 10, strategy="ease")]
        np.testing.assert_allclose(own[found], np.sort(own)[::-1][:10], rtol=1e-3, atol=1e-6)


def test_a_title_counts_by_its_weight(served: GraphStore, known: Histories) -> None:
    weights, (one, other) = ease(known.matrix(liked=True), 200.0), known.titles[10:90:79]
    own = 5 * weights[known.titles.index(one)] + weights[known.titles.index(other)]
    own[[known.titles.index(id_) for id_ in (one, other)]] = -np.inf
    found = Searcher(served).recommend({one: 5.0, other: 1.0}, WHOLE, 10, strategy="ease").items
    np.testing.assert_allclose([hit.score for hit in found], np.sort(own)[::-1][:10], rtol=1e-3, atol=1e-6)


def test_what_a_title_says_is_no_strategy_and_half_a_pair_answers_nothing(served: GraphStore, tmp_path: Path) -> None:
    listed = {one.name: one for one in Searcher(served).strategies.listed()}
    assert all(listed[name].available for name in NAMES)
    assert not [name for name in listed if name.endswith("_liked")]
    shutil.copytree(served.url.removeprefix("embedded:"), tmp_path / "store")
    torn = open_store(f"embedded:{tmp_path / 'store'}")
    ids, rows = torn.get_embeddings("ease")
    torn.set_embeddings(beside("ease"), ids, rows, replace(torn.info().embeddings["ease"], run="another"))
    with pytest.raises(StrategyError, match="'ease' needs vectors 'ease'"):
        Searcher(torn).similar(ids[0], WHOLE, 5, strategy="ease")
    torn.close()


@pytest.mark.parametrize("shape", [(30, 80), (80, 30)])
def test_singular_vectors_whichever_side_is_smaller(shape: tuple[int, int]) -> None:
    matrix = sp.csr_matrix((np.random.default_rng(0).random(shape) < 0.2).astype(np.float32))
    s, v = right_vectors(matrix, 30)
    np.testing.assert_allclose((v * s**2) @ v.T, (matrix.T @ matrix).toarray(), atol=1e-3)


def test_each_has_a_configuration_and_a_wrong_option_is_named() -> None:
    assert {read_config(CONFIGS / f"{name}.toml").model.name for name in NAMES} == {*COLLABORATIVE}
    assert {*NAMES} <= {*KNOWN} & {*RECOMMENDERS}
    wrong = parse_config({"name": "ease", "model": {"name": "EASE", "options": {"rigde": 3}}})
    with pytest.raises(ConfigError, match=r"rigde.*did you mean ridge"):
        COLLABORATIVE["EASE"](sp.csr_matrix((2, 2), dtype=np.float32), wrong)
