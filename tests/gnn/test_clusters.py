from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gnn.cluster_strategies import VERSIONS
from gnn.clusters import SHARE, Clustered, Options, clustered, on_sphere, vectors_of
from gnn.config import ConfigError, model_options, parse_config, read_config
from gnn.hidden import Hiding, draw
from gnn.prepare import NotInstalled, check_model
from gnn.publish import publish, title_vectors
from gnn.runs import RunError, list_runs
from gnn.strategies import STRATEGIES
from gnn.strategy import Learning
from gnn.substitutes import Likes, likes_of
from gnn.substitutes_evaluation import evaluate
from gnn.title_numbers import LONGEST, title_columns
from gnn.train import load_scorer, train
from graph.store import GraphStore, Scope, open_store
from graph.tables import finish_tables, rows_to_table, write_table

CONFIGS = Path(__file__).parents[2] / "configs"


def grouped(n: int = 60, clusters: int = 4) -> Clustered:
    """Titles by chance in clusters by chance, so that no cluster is where its titles are."""
    chance = np.random.default_rng(0)
    places = chance.normal(size=(n, 3)).astype(np.float32)
    return Clustered([f"tt{row}" for row in range(n)], chance.integers(0, clusters, n), places, clusters, n)


def test_a_cluster_comes_before_all_others_and_the_nearest_first_in_each_part() -> None:
    found = grouped()
    vectors = vectors_of(found, "nearest", 0)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    distance = np.linalg.norm(found.places[:, None] - found.places, axis=2)
    agreeing = []
    for row, products in enumerate(vectors @ vectors.T):
        same = found.cluster == found.cluster[row]
        assert products[same].min() > products[~same].max()
        for part in (same, ~same):
            by_distance, by_product = np.argsort(distance[row][part]), np.argsort(-products[part])
            agreeing.append(np.isin(by_distance[:5], by_product[:5]).mean())
    assert np.mean(agreeing) > 0.9


def test_products_on_the_sphere_fall_with_the_distance() -> None:
    line = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    products = on_sphere(line) @ on_sphere(line).T
    assert (np.diff(products[0]) < 0).all()
    assert (np.diff(products[-1]) > 0).all()


def test_the_random_pick_is_of_the_cluster_differs_by_seed_and_not_by_place() -> None:
    found = grouped(400)
    first, again, other = (vectors_of(found, "random", seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    picks = []
    for vectors in (first, other):
        products = vectors @ vectors.T
        np.fill_diagonal(products, -2)
        best = products.argsort(1)[:, ::-1][:, :10]
        assert (found.cluster[best] == found.cluster[:, None]).all()
        picks.append(best)
        # Places say nothing: what is picked is as far away as any title of the cluster.
        far = np.linalg.norm(found.places[:, None] - found.places, axis=2)
        mean = np.mean([far[row][found.cluster == found.cluster[row]].mean() for row in range(400)])
        assert np.take_along_axis(far, best, 1).mean() == pytest.approx(mean, rel=0.05)
    assert np.mean([len(set(a) & set(b)) for a, b in zip(*picks, strict=True)]) < 3


def test_the_share_of_the_cluster_outweighs_the_rest() -> None:
    assert SHARE > 2 * (1 - SHARE)  # chance's products go down to -1, and another cluster's up to 1


@pytest.fixture
def spoken(tmp_path: Path) -> GraphStore:
    """Three titles: two of which an alternate title tells the language, or the region; one without numbers."""
    rows: dict[str, list[dict[str, Any]]] = {
        "Title": [
            {"id": "tt1", "kind": "movie", "title": "Amélie", "original_title": "Le destin d'Amélie", "num_votes": 99,
             "runtime_minutes": 122, "start_year": 2001, "average_rating": 8.0},
            {"id": "tt2", "kind": "movie", "title": "Tampopo", "original_title": "Tampopo", "num_votes": 999,
             "runtime_minutes": 9_000, "start_year": 1985, "average_rating": 6.0},
            {"id": "tt3", "kind": "tvSeries", "title": "Untold"},
        ],
        "Genre": [{"id": "Comedy"}, {"id": "Drama"}],
        "IN_GENRE": [{"head": id_, "tail": "Drama" if id_ == "tt3" else "Comedy"} for id_ in ("tt1", "tt2", "tt3")],
        "AlternateTitle": [
            {"id": "tt1:1", "title": "Le Destin d'Amelie", "language": "fr", "region": "CA"},
            {"id": "tt1:2", "title": "Amelie", "language": "en", "region": "GB"},
            {"id": "tt2:1", "title": "Tampopo", "region": "JP"},
        ],
        "ALSO_KNOWN_AS": [{"head": id_[:3], "tail": id_} for id_ in ("tt1:1", "tt1:2", "tt2:1")],
    }  # fmt: skip
    folder = tmp_path / "tables"
    for name, listed in rows.items():
        write_table(folder, name, [rows_to_table(name, listed)])
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    store.load_tables(finish_tables(folder, []))
    return store


def test_columns_are_ones_and_scaled_numbers(spoken: GraphStore) -> None:
    found = title_columns(spoken, 1.0)
    assert found.ids == ["tt1", "tt2", "tt3"]
    value = {name: found.values[:, column].tolist() for column, name in enumerate(found.names)}
    assert value["genre Comedy"] == [1, 1, 0]
    assert value["kind tvSeries"] == [0, 0, 1]
    assert value["language fr"] == [1, 0, 0]
    assert value["language JP"] == [0, 1, 0]
    assert "language en" not in value  # the name in another language than the original one
    assert value["year"] == pytest.approx([1, -1, 0])
    assert value["votes"] == pytest.approx([-1, 1, 0])
    assert value["runtime"] == pytest.approx([-1, 1, 0])
    assert title_columns(spoken, 0.5).values[:, -1].tolist() == pytest.approx([0.5, -0.5, 0])
    assert LONGEST < 9_000


def test_a_cluster_is_of_one_genre_where_nothing_else_tells_titles_apart(viewed: GraphStore) -> None:
    found = clustered(viewed, Options(clusters=6, numbers=0.0), 8, 0)
    genres = np.array([id_[2:5] for id_ in found.ids])
    missing = np.array([int(id_[5:]) < 3 for id_ in found.ids])  # whose genre is lacking, or wrong
    for cluster in range(6):
        assert len(set(genres[(found.cluster == cluster) & ~missing])) <= 1


def test_clusters_of_likes_know_nothing_of_a_hidden_title_but_its_columns(viewed: GraphStore) -> None:
    options, likes = Options(of="likes", clusters=6), likes_of(viewed, 0.0)
    trial = draw(viewed, likes, Hiding(titles=20), 0)
    found = clustered(viewed, options, 8, 0, trial.learned)
    place = {id_: row for row, id_ in enumerate(found.ids)}
    # Likes put titles into clusters of their viewers, and the genre says into which of them a hidden one goes.
    of = {}
    for cluster in range(6):
        names = [id_[2:5] for id_ in trial.learned.enough(3).titles if found.cluster[place[id_]] == cluster]
        of[cluster] = max(set(names), key=names.count)
    asked = [id_ for id_ in trial.asked if int(id_[5:]) > 2]
    assert np.mean([of[int(found.cluster[place[id_]])] == id_[2:5] for id_ in asked]) > 0.8
    # Two hidden titles of the same columns are in one place, however differently they are liked.
    columns = title_columns(viewed, options.numbers)
    hidden = [row for id_, row in place.items() if id_ not in set(trial.learned.enough(3).titles)]
    for one in hidden:
        for other in hidden:
            if np.array_equal(columns.values[one], columns.values[other]):
                assert np.array_equal(found.places[one], found.places[other])


def test_too_few_likes_are_said(viewed: GraphStore) -> None:
    likes = likes_of(viewed, 0.0)
    few = Likes(likes.matrix[:, :10], likes.titles[:10])
    with pytest.raises(ConfigError, match="too few for 40 clusters; load more feedback"):
        clustered(viewed, Options(of="likes"), 8, 0, few)


@pytest.mark.parametrize("name", VERSIONS)
def test_what_is_judged_is_what_its_configuration_trains(name: str) -> None:
    config = read_config(CONFIGS / f"{name}.toml")
    assert (config.name, config.publish.name, config.model.name) == (name, name.replace("-", "_"), "Clusters")
    assert (model_options(config.model.options, Options), config.model.dimension) == VERSIONS[name]


@pytest.mark.parametrize("name", VERSIONS)
def test_a_run_publishes_what_was_judged(name: str, viewed: GraphStore, tmp_path: Path) -> None:
    run = train(CONFIGS / f"{name}.toml", viewed, runs=tmp_path)
    ids, vectors = title_vectors(run)
    assert (run.name, run.state, len(ids)) == (name, "finished", viewed.info().counts["Title"])
    given = Learning(viewed, likes_of(viewed, 4.0))
    asked, among = ids[3:50:7], ids[::2]
    row = {id_: place for place, id_ in enumerate(ids)}
    scores = STRATEGIES[name].fit(given).score(asked, among)
    own = vectors[[row[id_] for id_ in asked]] @ vectors[[row[id_] for id_ in among]].T
    assert np.allclose(scores, own, atol=1e-5)
    assert sum(run.metrics()["sizes"]) == len(ids)
    assert "k-means on" in (run.folder / "MODEL_CARD.md").read_text("utf-8")


def test_a_store_finds_the_cluster_by_its_nearest_vectors(viewed: GraphStore, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(viewed.url.removeprefix("embedded:"), tmp_path / "store")
    store = open_store(f"embedded:{tmp_path / 'store'}")
    run = train(parse_config({"name": "c", "model": {"name": "Clusters", "dimension": 4, "options": {"clusters": 12}},
                              "publish": {"name": "clusters"}}), store, runs=tmp_path / "runs")  # fmt: skip
    publish(run, store)
    cluster = dict(zip(title_vectors(run)[0], run.parameters()["cluster"].tolist(), strict=True))
    store.upsert_nodes("Catalog", [{"id": "north", "name": "North"}])
    offered = sorted(cluster)[::2]
    store.upsert_relationships("OFFERS", [{"head": "north", "tail": id_, "item_id": id_} for id_ in offered])
    for asked in sorted(cluster)[1:40:6]:
        mates = [id_ for id_ in offered if cluster[id_] == cluster[asked]]
        found = [id_ for id_, _ in store.search_vector("clusters", asked, len(mates) + 3, within=Scope("north"))]
        assert len(found) == len(mates) + 3  # other clusters where this one is not enough
        assert set(found[: len(mates)]) == set(mates)
    with pytest.raises(RunError, match="holds vectors of clusters, which predict no links"):
        load_scorer(run)
    store.close()


def test_a_graph_without_plots_is_said_by_the_run_and_by_the_table(early: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"clustering plots needs a plot or keywords of 50 titles or more, and 0 of"):
        train(CONFIGS / "clusters-plots.toml", early, runs=tmp_path)
    assert list_runs(tmp_path) == []
    lacks = STRATEGIES["clusters-plots"].lacks(early)
    assert lacks is not None
    assert lacks.startswith("needs a plot or keywords")
    assert STRATEGIES["clusters"].lacks(early) is None


def test_without_scikit_learn_it_is_said(viewed: GraphStore, monkeypatch: pytest.MonkeyPatch) -> None:
    import gnn.prepare

    real = gnn.prepare.importlib.util.find_spec
    monkeypatch.setattr(gnn.prepare.importlib.util, "find_spec", lambda name: None if name == "sklearn" else real(name))
    assert STRATEGIES["clusters"].lacks(viewed) == "needs sklearn: pip install 'reelgraph[train]'"
    with pytest.raises(NotInstalled, match="sklearn must be installed"):
        check_model(read_config(CONFIGS / "clusters.toml"))
    given: Any = (viewed, likes_of(viewed, 0.0), Hiding(titles=5), [0])
    with pytest.raises(NotInstalled, match="sklearn must be installed"):
        evaluate(*given, Options(), names=["clusters"])


def test_an_option_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match="there is no key 'cluster'; did you mean clusters"):
        model_options({"cluster": 3}, Options)
    with pytest.raises(ConfigError, match=r"model\.options\.of: .*'columns', 'likes' or 'plots'"):
        model_options({"of": "genres"}, Options)


def test_the_run_is_told_as_json(viewed: GraphStore, tmp_path: Path) -> None:
    run = train(CONFIGS / "clusters.toml", viewed, runs=tmp_path)
    record = json.loads((run.folder / "run.json").read_text("utf-8"))
    assert (record["clusters"], record["of"], record["graph_hash"]) == (40, "columns", viewed.info().graph_hash)
    assert record["seconds"]["train"] >= 0
