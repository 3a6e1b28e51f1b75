from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gnn.config import ConfigError, model_options, parse_config, read_config
from gnn.document_strategies import VERSIONS
from gnn.documents import Options, documents, marked, predicted_genres
from gnn.encoders import DOC2VEC, SENTENCE, WIDTH, encode
from gnn.publish import publish, title_vectors
from gnn.runs import list_runs
from gnn.strategies import STRATEGIES
from gnn.strategy import Learning
from gnn.substitutes import likes_of
from gnn.title_texts import Texts, title_texts
from gnn.train import train
from graph.store import GraphStore, open_store

CONFIGS = Path(__file__).parents[2] / "configs"
TEXTS = ["A dog barks at night", "The hound is loud in the dark", "Quarterly tax report", ""]


def test_texts_are_names_with_or_without_genres(early: GraphStore) -> None:
    found = title_texts(early)
    row = found.ids.index("tt0000005")
    assert found.written(genres=False)[row] == "Title 00005"
    assert found.written(genres=True)[row] == "Title 00005. Genre 0"
    bare = found.ids.index("tt0000000")  # whose genre the graph lacks
    assert found.written(genres=True)[bare] == found.titles[bare]


def test_a_sentence_embedding_puts_like_meanings_together_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    made = encode(SENTENCE, TEXTS, WIDTH, 0, 0)
    assert made.shape == (4, WIDTH)
    assert np.linalg.norm(made, axis=1) == pytest.approx([1, 1, 1, 0], abs=1e-5)
    assert made[0] @ made[1] > made[0] @ made[2] + 0.2


def test_doc2vec_is_the_same_each_time_and_differs_by_seed() -> None:
    texts = [f"{'red fox' if row % 2 else 'blue whale'} {row // 10}" for row in range(1_000)] + [""]
    first, again, other = (encode(DOC2VEC, texts, 16, 40, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not first[-1].any()  # a text without a word
    products = first[:-1] @ first[:-1].T
    np.fill_diagonal(products, -1)
    assert np.mean(products.argmax(1) % 2 == np.arange(1_000) % 2) > 0.7


def test_sets_of_genres_are_unit_vectors_and_none_is_one() -> None:
    made = marked(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]], bool))
    assert np.allclose(np.linalg.norm(made, axis=1), 1)
    assert made[0] @ made[1] == pytest.approx(np.sqrt(0.5))
    assert made[2] @ made[1] == 0


def test_predicted_genres_know_nothing_of_a_titles_own(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(300, 6)).astype(np.float32)
    has = vectors[:, :2] > 0
    texts = Texts([f"tt{row}" for row in range(300)], ["x"] * 300, ["A", "B"], has)
    first = predicted_genres(texts, vectors, 0, lambda *_: None)
    assert (first == has).mean() > 0.75
    # Every genre of one fold is turned about: what is said of that fold stays, for its networks never saw it.
    part = np.random.default_rng(0).integers(0, 5, 300)
    has |= ~has.any(1, keepdims=True)  # each title has a genre, before and after
    turned = np.where((part == 2)[:, None], ~has | has.all(1, keepdims=True), has)
    one, two = (
        predicted_genres(Texts(texts.ids, texts.titles, texts.genres, own), vectors, 0, lambda *_: None)
        for own in (has, turned)
    )
    assert (has[part == 2] != turned[part == 2]).any()
    assert np.array_equal(one[part == 2], two[part == 2])
    assert not np.array_equal(one, two)


def test_a_filter_puts_like_genres_first(viewed: GraphStore) -> None:
    plain, filtered = (documents(viewed, DOC2VEC, Options(filter=f, epochs=5), 16, 0) for f in (0.0, 0.7))
    assert plain.f1 is None
    assert filtered.f1 is not None
    assert filtered.vectors.shape[1] == 16 + 6 + 1
    genres = filtered.vectors[:, 16:] > 0
    products = filtered.vectors @ filtered.vectors.T
    for row in range(0, len(products), 17):
        same = (genres == genres[row]).all(1)
        differ = ~(genres & genres[row]).any(1)
        if differ.any():
            assert products[row][same].min() > products[row][differ].max()


@pytest.mark.parametrize("name", VERSIONS)
def test_what_is_judged_is_what_its_configuration_trains(name: str) -> None:
    config = read_config(CONFIGS / f"{name}.toml")
    assert (config.name, config.publish.name) == (name, name.replace("-", "_"))
    options = model_options(config.model.options, Options)
    assert (config.model.name, options, config.model.dimension) == VERSIONS[name]


@pytest.mark.parametrize("name", ["doc2vec", "sentence-genres"])
def test_a_run_publishes_what_was_judged(name: str, viewed: GraphStore, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(viewed.url.removeprefix("embedded:"), tmp_path / "store")
    store = open_store(f"embedded:{tmp_path / 'store'}")
    run = train(CONFIGS / f"{name}.toml", store, runs=tmp_path / "runs")
    ids, vectors = title_vectors(run)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    asked = ids[7]
    scores = STRATEGIES[name].fit(Learning(store, likes_of(store, 4.0))).score([asked], ids)[0]
    publish(run, store)
    served = store.search_vector(run.config.publish.name, asked, 5)
    assert [product for _, product in served] == pytest.approx(np.sort(scores)[::-1][:5], abs=1e-4)
    card = (run.folder / "MODEL_CARD.md").read_text("utf-8")
    assert ("micro F1" in card) == ("genres_f1" in run.metrics()) == (name == "sentence-genres")
    store.close()


def test_a_dimension_that_cannot_be_is_said(early: GraphStore, tmp_path: Path) -> None:
    raw = {"model": {"name": "Sentence", "dimension": 64}, "publish": {"name": "sentence"}}
    with pytest.raises(ConfigError, match=r"model\.dimension: a sentence embedding has 384 numbers, not 64"):
        train(parse_config(raw), early, runs=tmp_path)
    assert list_runs(tmp_path) == []
