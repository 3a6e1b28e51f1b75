"""What nodes say of themselves, on the sample graph: columns, missing numbers, and no answer given away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from gnn.config import GraphConfig
from gnn.features import COLUMNS, GENRES, LEAKS, TEXT, features_of, node_features, text_features
from gnn.triples import graph_triples
from graph.store import GraphStore, open_store
from loaders.load import load_sample

ALIEN = [0, 56, 73, 82, 103, 111]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    opened = open_store(f"embedded:{tmp_path_factory.mktemp('features') / 'store'}", create=True)
    load_sample(opened)
    yield opened
    opened.close()


def column(features: np.ndarray, name: str) -> np.ndarray:
    return features[:, COLUMNS.index(name)]


def test_every_entity_has_a_row_with_its_label(store: GraphStore) -> None:
    vocabulary, _ = graph_triples(store, GraphConfig(relations=("ACTED_IN", "DIRECTED")))
    features = node_features(store, vocabulary)
    assert features.shape == (len(vocabulary.entities), len(COLUMNS))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    for name, row in zip(vocabulary.entities, features, strict=True):
        assert row[COLUMNS.index(name.partition(":")[0])] == 1
        assert row[:8].sum() == 1


def test_a_title_is_described_as_the_store_describes_it(store: GraphStore) -> None:
    vocabulary, _ = graph_triples(store, GraphConfig(relations=("ACTED_IN", "DIRECTED")))
    features = node_features(store, vocabulary)
    titles = [name.removeprefix("Title:") for name in vocabulary.entities if name.startswith("Title:")]
    rows = {row["id"]: row for row in store.get_nodes("Title", titles).to_pylist()}
    genres = store.neighbours(titles, ["IN_GENRE"], "out")
    of = {(titles[row["source"]], row["neighbour"]) for row in genres.to_pylist()}
    for title in titles:
        number = vocabulary.entity_numbers[f"Title:{title}"]
        assert features[number, COLUMNS.index(rows[title]["kind"])] == 1
        assert {genre for genre in GENRES if features[number, COLUMNS.index(genre)]} == {
            genre for one, genre in of if one == title and genre in GENRES
        }
        year = rows[title]["start_year"]
        assert column(features, "no start_year")[number] == (year is None)
        assert column(features, "start_year")[number] == pytest.approx(0 if year is None else (year - 1980) / 40)
    assert (features_of(store, titles[:3], vocabulary.relations) == features[
        [vocabulary.entity_numbers[f"Title:{title}"] for title in titles[:3]]
    ]).all()  # fmt: skip


@pytest.mark.parametrize(("relation", "names"), LEAKS.items())
def test_what_is_to_be_predicted_is_no_feature(store: GraphStore, relation: str, names: tuple[str, ...]) -> None:
    graph = GraphConfig(relations=("DIRECTED", "IN_GENRE"), years=10, ratings=1, votes=True)
    vocabulary, _ = graph_triples(store, graph)
    assert relation in vocabulary.relations
    features = node_features(store, vocabulary)
    assert not any(column(features, name).any() for name in names)


def test_text_features_tell_texts_apart_and_know_kin() -> None:
    rows = text_features(["The Lion King", "the LION king!", "The Lion King II", "Alien", "", "?!"])
    assert rows.shape == (6, TEXT)
    assert (rows[0] == rows[1]).all()
    assert rows[0] @ rows[2] > 0.7
    assert abs(rows[0] @ rows[3]) < 0.3
    assert not rows[4:].any()
    assert np.linalg.norm(rows[:4], axis=1) == pytest.approx(1, abs=1e-5)
    # Fixed for good: published models rely on these buckets.
    assert np.flatnonzero(text_features(["Alien"])[0]).tolist() == ALIEN


def test_an_unknown_title_is_a_row_with_its_label_alone(store: GraphStore) -> None:
    row = features_of(store, ["tt9999999"], ())
    assert row[0, COLUMNS.index("Title")] == 1
    assert row.sum() == 1
