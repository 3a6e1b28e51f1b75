from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from gnn.config import ConfigError, parse_config
from gnn.hidden import Hiding, Trial, draw
from gnn.judge import judge, lists
from gnn.publish import TITLE
from gnn.runs import Run, new_run
from gnn.strategies import EMBEDDING, STRATEGIES
from gnn.strategy import Learning
from gnn.substitutes import Options, all_vectors, likes_of
from gnn.triples import Vocabulary
from graph.foldin import VECTORS, WEIGHTS, FoldIn
from graph.hand_weights import Candidates
from graph.store import WHOLE_GRAPH, GraphStore, Provenance, Scope, open_store
from graph.substitutes import Ranking

HIDING = Hiding(titles=20)
CHANCE = ("random", "popularity")
NEEDS_MORE = ("doc2vec", "doc2vec-genres")  # words of 240 names teach it nothing; tests/gnn/test_documents.py has more


@pytest.fixture(scope="module")
def trial(viewed: GraphStore) -> Trial:
    return draw(viewed, likes_of(viewed, 0.0), HIDING, 0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, viewed: GraphStore) -> Run:
    """A run whose vectors put the titles of a cluster together; one title has none."""
    ids = [id_ for batch in viewed.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()][1:]
    made = new_run(tmp_path_factory.mktemp("runs"), parse_config({}), {"relations": [], "graph_hash": ""})
    chance = np.random.default_rng(0)
    vectors = np.eye(6, dtype=np.float32)[[int(id_[2:5]) for id_ in ids]]
    vectors = vectors + 0.1 * chance.random(vectors.shape, np.float32)
    made.keep(Vocabulary(tuple(TITLE + id_ for id_ in ids), ()), {}, vectors)
    return made.note(state="finished")


def learning(store: GraphStore, trial: Trial, name: str, run: Run | None = None) -> Learning:
    return Learning(store, trial.warm if STRATEGIES[name].ceiling else trial.learned, Options(likes_from=0), run)


@pytest.mark.parametrize("name", STRATEGIES)
def test_scores_a_row_for_each_question_and_the_same_each_time(
    name: str, viewed: GraphStore, trial: Trial, run: Run
) -> None:
    first, again = (
        STRATEGIES[name].fit(learning(viewed, trial, name, run)).score(trial.asked, trial.catalog) for _ in range(2)
    )
    assert first.shape == (len(trial.asked), len(trial.catalog))
    assert first.dtype == np.float32
    assert not np.isnan(first).any()
    assert np.array_equal(first, again)


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name not in CHANCE + NEEDS_MORE])
def test_finds_titles_that_belong_together(name: str, viewed: GraphStore, trial: Trial, run: Run) -> None:
    scores = STRATEGIES[name].fit(learning(viewed, trial, name, run)).score(trial.asked, trial.catalog)
    found = [
        trial.catalog[place][:5] == id_[:5]
        for id_, row in zip(trial.asked, lists(scores), strict=True) for place in row if place >= 0
    ]  # fmt: skip
    assert np.mean(found) > 0.5
    assert judge(name, trial, scores).pure == 1


def test_candidates_may_come_in_any_order(viewed: GraphStore, trial: Trial, run: Run) -> None:
    for name in set(STRATEGIES) - {"random"}:
        fitted = STRATEGIES[name].fit(learning(viewed, trial, name, run))
        one = fitted.score(trial.asked[:3], trial.catalog)
        other = fitted.score(trial.asked[:3], trial.catalog[::-1])
        assert np.allclose(one, other[:, ::-1], rtol=1e-3, atol=1e-4), name


def test_no_answer_knows_a_like_of_what_was_hidden(viewed: GraphStore, trial: Trial, tmp_path: Path, run: Run) -> None:
    shutil.copytree(viewed.url.removeprefix("embedded:"), tmp_path / "store")
    store = open_store(f"embedded:{tmp_path / 'store'}")
    hidden = set(trial.asked)
    rows = [row for batch in store.scan_relationships("RATED", []) for row in batch.to_pylist()]
    gone = [{"head": row["head"], "tail": row["tail"], "key": row["key"]} for row in rows if row["tail"] in hidden]
    assert store.delete_relationships("RATED", gone) == len(gone) > 100
    left = likes_of(store, 0.0)
    assert not hidden & set(left.titles)
    # The same viewers learn; those of them who liked nothing but hidden titles would be missed.
    assert left.matrix.shape[0] == likes_of(viewed, 0.0).matrix.shape[0]
    place = {id_: column for column, id_ in enumerate(left.titles)}
    chance = np.random.default_rng(trial.seed)
    chance.permutation(np.empty(len([n for n in likes_of(viewed, 0.0).counts if n >= HIDING.asked_from])))
    learns = chance.random(left.matrix.shape[0]) < 0.5
    learned = left.matrix[learns][:, [place[id_] for id_ in trial.learned.titles]]
    assert (learned != trial.learned.matrix).nnz == 0

    for name, entry in STRATEGIES.items():
        before = entry.fit(learning(viewed, trial, name, run)).score(trial.asked, trial.catalog)
        kept = Learning(store, trial.learned, Options(likes_from=0), run)
        after = entry.fit(kept).score(trial.asked, trial.catalog)
        assert np.array_equal(before, after) != entry.ceiling, name
    store.close()


def test_hand_weights_are_those_that_are_served(viewed: GraphStore, trial: Trial) -> None:
    scope = Scope(WHOLE_GRAPH, adult=True)
    scores = STRATEGIES["hand-weights"].fit(learning(viewed, trial, "hand-weights")).score(trial.asked, trial.catalog)
    served = Candidates(viewed, scope, only=trial.catalog)
    for id_, row in zip(trial.asked, lists(scores), strict=True):
        assert [trial.catalog[place] for place in row] == [one.id for one in served.rank(viewed, id_, 10)]


def test_what_is_judged_is_what_is_served(viewed: GraphStore, trial: Trial, tmp_path: Path) -> None:
    shutil.copytree(viewed.url.removeprefix("embedded:"), tmp_path / "store")
    store = open_store(f"embedded:{tmp_path / 'store'}")
    store.upsert_nodes("Catalog", [{"id": "north", "name": "North"}])
    store.upsert_relationships("OFFERS", [{"head": "north", "tail": id_, "item_id": id_} for id_ in trial.catalog])
    given = learning(store, trial, "fold-in-series")
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    fitted = given.fitted
    provenance = Provenance("one", "Substitutes", 128, store.info().graph_hash, "2026-01-01T00:00:00+00:00")
    store.set_embeddings(WEIGHTS, fitted.foldin.reader.landmarks.ids, fitted.foldin.weights, provenance)
    store.set_embeddings(VECTORS, ids, all_vectors(fitted, ids), provenance)
    folded = FoldIn.published(store)
    assert folded is not None
    scores = STRATEGIES["fold-in-series"].fit(given).score(trial.asked, trial.catalog)
    for id_, row in zip(trial.asked, lists(scores), strict=True):
        served = Ranking(store, folded).rank(id_, Scope("north"), 10)
        assert served is not None
        assert {one.id for one in served} == {trial.catalog[place] for place in row}
    store.close()


def test_a_part_of_the_series_comes_up(viewed: GraphStore, trial: Trial) -> None:
    catalog = [*(id_ for id_ in trial.catalog if id_ != "tt0000031"), "tt0000031"]
    place = catalog.index("tt0000031")
    ranks = [
        int((scores > scores[place]).sum())
        for name in ("fold-in", "fold-in-series")
        for scores in [STRATEGIES[name].fit(learning(viewed, trial, name)).score(["tt0000030"], catalog)[0]]
    ]
    assert ranks[1] < 3
    assert ranks[1] <= ranks[0]


@pytest.mark.parametrize("name", EMBEDDING)
def test_embedding_neighbours_need_a_run(name: str, viewed: GraphStore, trial: Trial) -> None:
    with pytest.raises(ConfigError, match="--embedding RUN"):
        STRATEGIES[name].fit(learning(viewed, trial, name))


def test_cut_to_the_catalog_a_list_stays_short(viewed: GraphStore, trial: Trial, run: Run) -> None:
    fitted = STRATEGIES["embedding-cut"].fit(learning(viewed, trial, "embedding-cut", run))
    far = [id_ for id_ in trial.catalog if id_[:5] not in {own[:5] for own in trial.asked[:1]}][:12]
    near = [id_ for id_ in trial.catalog if id_[:5] == trial.asked[0][:5]][:4]
    assert (lists(fitted.score(trial.asked[:1], [*far, *near])) >= 0).sum() < 16
    # The title without a vector has no neighbours.
    assert (fitted.score(["tt0000000"], trial.catalog) == -np.inf).all()
