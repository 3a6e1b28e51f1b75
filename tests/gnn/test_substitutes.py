"""Substitute vectors learned from likes: what they know that content does not, in closed form, and from end to end."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from typer.testing import CliRunner

from gnn.compare import compare
from gnn.config import ConfigError, parse_config, read_config
from gnn.predict import default_run
from gnn.publish import GraphMoved, publish
from gnn.runs import Run, RunError, list_runs, open_run
from gnn.substitutes import (
    SHRINKAGE,
    FeedbackError,
    Fitted,
    Likes,
    Options,
    all_vectors,
    factors,
    fit,
    likes_of,
    options_of,
)
from gnn.substitutes_run import weights_of
from gnn.train import load_scorer, train
from graph.content import kernel
from graph.foldin import CONTENT, DAMPING, VECTORS, WEIGHTS, FoldIn, damped, vectors_of
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope, StoreBusy, open_store
from graph.tables import GraphTables
from reelgraph import app
from tests.gnn.conftest import CLUSTERS

ROOT = Path(__file__).parents[2]
EVERYTHING = Scope(WHOLE_GRAPH)
Tables = Callable[[Iterable[str]], GraphTables]
RAW: dict[str, Any] = {
    "name": "substitutes",
    "model": {"name": "Substitutes", "dimension": 16},
    "publish": {"name": VECTORS},
}


def partner(cluster: int) -> int:
    """Whose viewers also like a cluster's titles: nothing in their content says so."""
    return (cluster + CLUSTERS // 2) % CLUSTERS


def cluster_of(title: str) -> int:
    return int(title[2:5])


def rate(store: GraphStore, rows: Iterable[tuple[str, str, float | None]]) -> None:
    listed = list(rows)
    store.upsert_nodes("User", [{"id": user} for user in sorted({user for user, _, _ in listed})])
    kinds = ((value, "like" if value is None else "rating") for _, _, value in listed)
    store.upsert_relationships(
        "RATED",
        [{"head": user, "tail": title, "key": kind, "type": kind, "value": value}
         for (user, title, _), (value, kind) in zip(listed, kinds, strict=True)],
    )  # fmt: skip


def tastes(world: Any) -> list[tuple[str, str, float | None]]:
    """Of each pair of clusters some are fond; late titles nobody has seen. What they do not like they say, too."""
    chance = random.Random(1)
    early = [title for title in world.genre if title not in world.late]
    rows: list[tuple[str, str, float | None]] = []
    for number in range(600):
        liked = {number % CLUSTERS, partner(number % CLUSTERS)}
        fond = [title for title in early if cluster_of(title) in liked]
        other = [title for title in early if cluster_of(title) not in liked]
        rows += [(f"u{number:03}", title, chance.choice([4.0, 5.0, None])) for title in chance.sample(fond, 12)]
        rows += [(f"u{number:03}", title, 2.0) for title in chance.sample(other, 6)]
    return rows


@pytest.fixture
def empty(tmp_path: Path, tables_without: Tables) -> Iterator[GraphStore]:
    """The whole world without any feedback."""
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    store.load_tables(tables_without(()), None, vectors_of)
    yield store
    store.close()


@pytest.fixture(scope="module")
def liked(tmp_path_factory: pytest.TempPathFactory, tables_without: Tables, world: Any) -> Iterator[GraphStore]:
    """The whole world and its viewers, for tests that only read."""
    store = open_store(f"embedded:{tmp_path_factory.mktemp('liked') / 'store'}", create=True)
    store.load_tables(tables_without(()), None, vectors_of)
    rate(store, tastes(world))
    yield store
    store.close()


@pytest.fixture
def store(tmp_path: Path, liked: GraphStore) -> Iterator[GraphStore]:
    """A copy of that to write into."""
    shutil.copytree(liked.url.partition(":")[2], tmp_path / "liked")
    store = open_store(f"embedded:{tmp_path / 'liked'}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def likes(liked: GraphStore) -> Likes:
    return likes_of(liked, 4.0)


@pytest.fixture(scope="module")
def fitted(liked: GraphStore, likes: Likes) -> Fitted:
    return fit(liked, likes, 16, Options(ridge=3.0))


def titles(store: GraphStore) -> list[str]:
    return [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]


def stored(store: GraphStore, name: str = VECTORS) -> dict[str, bytes]:
    ids, rows = store.get_embeddings(name)
    return {id_: row.tobytes() for id_, row in zip(ids, rows, strict=True)}


def first(store: GraphStore, title: str, k: int = 10) -> list[int]:
    """The clusters of the best substitutes."""
    return [cluster_of(one.id) for one in Searcher(store).similar(title, EVERYTHING, k)]


# What is learned


def test_likes_are_what_is_liked_once_of_titles_in_the_graph(liked: GraphStore, likes: Likes, world: Any) -> None:
    expected = {(user, title) for user, title, value in tastes(world) if value is None or value >= 4}
    assert likes.matrix.nnz == len(expected)
    assert set(likes.matrix.data) == {1.0}
    assert dict(zip(likes.titles, likes.counts, strict=True)) == {
        title: sum(one == title for _, one in expected) for title in sorted({title for _, title in expected})
    }
    assert likes_of(liked, 1.0).matrix.nnz == len({(user, title) for user, title, _ in tastes(world)})


def test_factors_are_the_shrunk_cosines(likes: Likes) -> None:
    dense, counts = likes.matrix.toarray().astype(np.float64), likes.counts
    cosines = dense.T @ dense / np.sqrt((counts[:, None] + SHRINKAGE) * (counts + SHRINKAGE))
    whole = factors(likes, 400)  # more than there are titles or users
    assert whole.shape == (len(likes.titles), 400)
    assert whole @ whole.T == pytest.approx(cosines, abs=1e-5)
    part = factors(likes, 16)
    values = np.linalg.eigvalsh(cosines)
    assert np.square(part @ part.T - cosines).sum() == pytest.approx(np.square(values[:-16]).sum(), rel=1e-3)
    assert (part == factors(likes, 16)).all()
    few = Likes(likes.matrix[:, :9].tocsr(), likes.titles[:9])
    assert factors(few, 16) @ factors(few, 16).T == pytest.approx(cosines[:9, :9], abs=1e-5)


def test_titles_that_nobody_has_seen_find_what_their_viewers_would_like(
    liked: GraphStore, likes: Likes, fitted: Fitted, world: Any
) -> None:
    asked = fitted.foldin.vectors(world.late)
    near = np.argsort(-(asked @ fitted.vectors.T))[:, :10]
    found = [[cluster_of(fitted.ids[row]) for row in rows] for rows in near]
    own = [[one == cluster_of(title) for one in rows] for title, rows in zip(world.late, found, strict=True)]
    pair = [[one in (cluster_of(title), partner(cluster_of(title))) for one in rows]
            for title, rows in zip(world.late, found, strict=True)]  # fmt: skip
    assert np.mean(pair) > 0.95
    assert 0.3 < np.mean(own) < 0.95  # both clusters, one of which shares nothing with the title
    content = [one == partner(cluster_of(title)) for title in world.late for one in first(liked, title)]
    assert np.mean(content) < 0.1


def regression(fitted: Fitted, target: Any, ridge: float, kept: Any) -> tuple[Any, Any]:
    """Kernel ridge regression on some of the titles, straight from its formula: (kernel, weights)."""
    landmarks = fitted.foldin.reader.landmarks
    between = kernel(landmarks, landmarks).astype(np.float64)
    weights = np.linalg.solve(between[np.ix_(kept, kept)] + ridge * np.eye(len(kept)), target[kept].astype(np.float64))
    return between[:, kept], weights


def test_exact_is_kernel_ridge_regression_and_left_out_is_left_out(likes: Likes, fitted: Fitted) -> None:
    target, every = factors(likes.enough(3), 16), np.arange(len(fitted.ids))
    assert fitted.foldin.reader.landmarks.ids == fitted.ids == likes.enough(3).titles
    between, weights = regression(fitted, target, 3.0, every)
    assert between @ fitted.foldin.weights == pytest.approx(between @ weights, abs=2e-3)
    for row in every[::40]:
        rest, left = regression(fitted, target, 3.0, np.delete(every, row))
        assert fitted.predicted[row] == pytest.approx(rest[row] @ left, abs=2e-3)
        assert np.abs(fitted.predicted[row] - between[row] @ weights).max() > 0.02  # which seeing itself would give
    squares = np.square(target - fitted.predicted).sum() / np.square(target).sum()
    assert fitted.error == pytest.approx(squares, rel=1e-3)


def test_all_titles_as_landmarks_are_the_exact_form_and_few_are_near(
    liked: GraphStore, likes: Likes, fitted: Fitted, world: Any
) -> None:
    whole = fit(liked, likes, 16, Options(ridge=3.0, exact=1, landmarks=1000))
    assert whole.foldin.vectors(world.late) == pytest.approx(fitted.foldin.vectors(world.late), abs=1e-4)
    assert whole.vectors == pytest.approx(fitted.vectors, abs=1e-4)
    few = fit(liked, likes, 16, Options(ridge=3.0, exact=1, landmarks=60))
    counts = dict(zip(likes.titles, likes.counts, strict=True))
    chosen = few.foldin.reader.landmarks.ids
    assert len(chosen) == 60
    assert min(counts[one] for one in chosen) >= max(n for one, n in counts.items() if one not in chosen)
    found = few.foldin.vectors(world.late) @ few.vectors.T
    exact = fitted.foldin.vectors(world.late) @ fitted.vectors.T
    assert spearmanr(found.ravel(), exact.ravel()).statistic > 0.8


def test_own_likes_count_the_more_the_more_there_are(liked: GraphStore, likes: Likes, fitted: Fitted) -> None:
    learned = likes.enough(3)
    target = factors(learned, 16)
    share = (learned.counts / (learned.counts + 15))[:, None]
    assert fitted.vectors == pytest.approx(share * target + (1 - share) * fitted.predicted, abs=1e-5)
    assert fit(liked, likes, 16, Options(ridge=3.0, own=0)).vectors == pytest.approx(target)
    assert fit(liked, likes, 16, Options(ridge=3.0, own=1e9)).vectors == pytest.approx(fitted.predicted, abs=1e-5)
    made = all_vectors(fitted, titles(liked))
    row = {id_: place for place, id_ in enumerate(titles(liked))}
    own = made[[row[id_] for id_ in fitted.ids]]
    assert own == pytest.approx(damped(fitted.vectors))
    lengths = np.linalg.norm(fitted.vectors, axis=1)
    assert np.linalg.norm(own, axis=1) == pytest.approx(lengths ** (1 - DAMPING), rel=1e-4)


def test_the_ridge_is_the_one_that_predicts_left_out_titles_best(liked: GraphStore, likes: Likes) -> None:
    errors = {ridge: fit(liked, likes, 16, Options(ridge=ridge)).error for ridge in (3.0, 10.0, 30.0)}
    chosen = fit(liked, likes, 16, Options())
    assert chosen.ridge == min(errors, key=lambda ridge: errors[ridge])
    assert chosen.error == errors[chosen.ridge]


# Too little, too much, wrong


def test_no_feedback_is_said(empty: GraphStore) -> None:
    with pytest.raises(FeedbackError, match=r"no like to learn from \(0 feedback rows, .*; load feedback \(reelgraph"):
        likes_of(empty, 4.0)


def test_feedback_that_likes_nothing_is_said(empty: GraphStore) -> None:
    rate(empty, [("u1", title, 3.0) for title in titles(empty)[:7]])
    with pytest.raises(
        FeedbackError, match=r"7 feedback rows, none of at least 4\).* lower model\.options\.likes_from"
    ):
        likes_of(empty, 4.0)
    assert likes_of(empty, 3.0).matrix.nnz == 7
    dislike = {"head": "u1", "tail": titles(empty)[9], "key": "dislike", "type": "dislike", "value": None}
    empty.upsert_relationships("RATED", [dislike])
    assert likes_of(empty, 3.0).matrix.nnz == 7


def test_one_user_is_too_few_unless_one_like_is_enough(empty: GraphStore) -> None:
    rate(empty, [("u1", title, 5.0) for title in titles(empty)[:20]])
    likes = likes_of(empty, 4.0)
    with pytest.raises(FeedbackError, match=r"only 0 titles have 3 likes or more, and 3 are the least"):
        fit(empty, likes, 16, Options())
    found = fit(empty, likes, 16, Options(least_likes=1))
    made = all_vectors(found, titles(empty))
    scores = made @ made[0]
    near = [cluster_of(titles(empty)[row]) for row in np.argsort(-scores, kind="stable")[:10]]
    assert near == [cluster_of(titles(empty)[0])] * 10  # what is like that which the one user likes


def test_two_liked_titles_are_too_few(empty: GraphStore) -> None:
    rate(empty, [(f"u{number}", title, 5.0) for number in range(9) for title in titles(empty)[:2]])
    with pytest.raises(FeedbackError, match="only 2 titles have 3 likes"):
        fit(empty, likes_of(empty, 4.0), 16, Options())


def test_everyone_likes_everything(empty: GraphStore) -> None:
    every = titles(empty)
    rate(empty, [(f"u{number}", title, 5.0) for number in range(8) for title in every])
    found = fit(empty, likes_of(empty, 4.0), 16, Options())
    made = all_vectors(found, every)
    assert np.isfinite(made).all()
    products = made @ made.T
    assert products.min() > 0
    assert products.max() < 2 * products.min()


def test_feedback_on_titles_that_have_left_the_graph_does_not_count(
    store: GraphStore, world: Any, tables_without: Tables, likes: Likes
) -> None:
    gone = likes.titles[::2]
    store.load_tables(tables_without(gone), None, vectors_of)
    assert likes_of(store, 4.0).titles == likes.titles[1::2]
    store.load_tables(tables_without(likes.titles), None, vectors_of)
    with pytest.raises(FeedbackError, match=rf"all {likes.matrix.nnz:,} likes in .* are of titles that are not in"):
        likes_of(store, 4.0)


def test_a_title_without_anything_has_a_vector_and_substitutes(
    tmp_path: Path, world: Any, tables_without: Tables
) -> None:
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    store.load_tables(tables_without(()), None, vectors_of)
    store.upsert_nodes("Title", [{"id": "tt9990000"}, {"id": "tt9990001", "title": "Liked"}])
    rate(store, [*tastes(world), *((f"u{number:03}", "tt9990001", 5.0) for number in range(0, 60, 6))])
    publish(train(parse_config(RAW), store, runs=tmp_path / "runs"), store)
    found = Searcher(store).similar("tt9990000", EVERYTHING, 5)
    assert len(found) == 5
    assert np.isfinite([one.score for one in found]).all()
    assert set(first(store, "tt9990001")) == {0, partner(0)}  # by its viewers alone
    store.close()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rigde": 3}, r"model\.options: there is no key 'rigde'; did you mean ridge\?"),
        ({"zzz": 3}, r"there is no key 'zzz'; there are likes_from, least_likes, ridge, own, exact, landmarks"),
        ({"own": -1}, r"model\.options\.own: .*greater than or equal to 0"),
        ({"least_likes": "many"}, r"model\.options\.least_likes: .*integer"),
    ],
)
def test_options_that_cannot_be_are_named(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        options_of(options)


@pytest.mark.parametrize(
    ("changed", "resume", "says"),
    [
        ({"publish": {"name": "embedding"}}, False, r'publish\.name: .*"substitute_vector", not \'embedding\''),
        ({"model": {"name": "Substitutes", "options": {"owm": 1}}}, False, "did you mean own"),
        ({"graph": {"folder": "triples"}}, False, r"graph\.folder: substitute vectors are learned from a store"),
        ({}, True, "nothing to resume: substitute vectors are learned in one go"),
    ],
)
def test_what_cannot_be_trained_leaves_no_folder(
    liked: GraphStore, tmp_path: Path, changed: dict[str, Any], resume: bool, says: str
) -> None:
    with pytest.raises((ConfigError, RunError), match=says):
        train(parse_config(RAW | changed), liked, runs=tmp_path / "runs", resume=resume)
    assert list_runs(tmp_path / "runs") == []


def test_a_graph_that_changes_meanwhile_is_said(store: GraphStore, tmp_path: Path, tables_without: Tables) -> None:
    other = open_store(store.url)
    for when in (0.0, 0.49):
        due = [tables_without(titles(other)[:4])]

        def change(_: str, share: float, when: float = when, due: list[GraphTables] = due) -> None:
            if share > when and due:
                other.load_tables(due.pop(), None, vectors_of)

        with pytest.raises(StoreBusy, match="was changed while it was read"):
            train(parse_config(RAW), store, runs=tmp_path / "runs", progress=change)
        assert not due
    other.close()
    assert list_runs(tmp_path / "runs") == []


# From training to the answer


@pytest.fixture(scope="module")
def run(liked: GraphStore, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(parse_config(RAW), liked, runs=tmp_path_factory.mktemp("runs"))


def test_a_run_folder_like_any_other(run: Run, liked: GraphStore, likes: Likes) -> None:
    assert run.state == "finished"
    assert read_config(run.folder / "config.toml") == parse_config(RAW)
    assert [name.removeprefix("Title:") for name in run.vocabulary().entities] == titles(liked)
    assert run.vectors().shape == (len(titles(liked)), 16)
    record, found = run.record, run.metrics()["left_out"]
    assert (record["likes"], record["users"]) == (likes.matrix.nnz, 600)
    assert record["learned_from"] == record["landmarks"] == len(likes.enough(3).titles)
    assert found["model"]["ndcg@10"] > found["popularity"]["ndcg@10"] + 0.2
    card = (run.folder / "MODEL_CARD.md").read_text("utf-8")
    assert f"| model | {found['model']['ndcg@10']:.3f} |" in card
    assert f"{likes.matrix.nnz:,} likes" in card
    (row,) = compare([run]).rows
    assert (row["name"], row["model"], row["state"], row["mrr"]) == ("substitutes", "Substitutes", "finished", None)
    again = train(parse_config(RAW), liked, runs=run.folder.parent / "again")
    assert (np.asarray(again.vectors()) == np.asarray(run.vectors())).all()
    assert again.record["data_hash"] == run.record["data_hash"]


def test_without_titles_of_many_likes_quality_is_not_measured(empty: GraphStore, tmp_path: Path) -> None:
    rate(empty, [(f"u{number}", title, 5.0) for number in range(4) for title in titles(empty)[:9]])
    run = train(parse_config(RAW), empty, runs=tmp_path / "runs")
    assert run.metrics()["left_out"] == {}
    assert "| not measured | | |" in (run.folder / "MODEL_CARD.md").read_text("utf-8")


def test_published_vectors_answer_and_a_rollback_brings_those_of_content_back(
    run: Run, store: GraphStore, world: Any
) -> None:
    before, version, asked = stored(store), store.info().version, world.late[0]
    pair = {cluster_of(asked), partner(cluster_of(asked))}
    assert set(first(store, asked)) == {cluster_of(asked)}
    new = publish(run, store)
    assert new == store.info().version != version
    made = store.info().embeddings
    assert (made[VECTORS].run, made[VECTORS].model) == ("substitutes", "Substitutes")
    assert replace(made[VECTORS], facts={}) == made[WEIGHTS]  # the curve belongs to the vectors alone
    assert set(stored(store)) == set(titles(store))
    assert set(first(store, asked)) == pair
    reasons = [reason for one in Searcher(store).similar(asked, EVERYTHING, 10) for reason in one.evidence]
    viewers = [reason for reason in reasons if reason.kind == "viewers"]
    assert viewers
    assert all(cluster_of(reason.via[0]) in pair for reason in viewers)
    assert store.rollback() == version
    assert stored(store) == before
    assert store.info().embeddings[VECTORS].model == CONTENT
    assert set(first(store, asked)) == {cluster_of(asked)}


def test_publishing_on_a_graph_that_has_grown_and_shrunk(
    run: Run, tmp_path: Path, tables_without: Tables, world: Any
) -> None:
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    landmarks = weights_of(run)[0]
    store.load_tables(tables_without(landmarks[:3]), None, vectors_of)
    store.upsert_nodes("Title", [{"id": "tt0009999", "title": "New", "kind": "movie", "num_votes": 20}])
    store.upsert_relationships("DIRECTED", [{"head": "nm0000000", "tail": "tt0009999", "key": "1"}])
    store.upsert_relationships("IN_GENRE", [{"head": "tt0009999", "tail": "Genre 0"}])
    with pytest.warns(GraphMoved, match=r"3 of its titles are gone, 1 of the graph's titles have no vector$"):
        publish(run, store)
    told = CliRunner().invoke(app, ["info", "--store", store.url]).output
    assert re.search(r"substitute_vector: 16 numbers .*trained on an earlier graph", told.replace("\n", " "))
    assert set(stored(store)) == set(titles(store))
    assert set(stored(store, WEIGHTS)) == set(landmarks[3:])
    folded = FoldIn.published(store)
    assert folded is not None
    assert stored(store)["tt0009999"] == folded.vectors(["tt0009999"])[0].tobytes()
    assert set(first(store, "tt0009999")) <= {0, partner(0)}
    store.close()


def test_it_predicts_no_links(run: Run, liked: GraphStore, run_of: Callable[[str], Run], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds substitute vectors, which predict no links; name another run"):
        load_scorer(run)
    done = CliRunner().invoke(
        app, ["predict", "tt0000000", "--relation", "IN_GENRE", "--run", str(run.folder), "--store", liked.url]
    )
    assert isinstance(done.exception, RunError)
    runs = tmp_path / "runs"
    shutil.copytree(run.folder, runs / run.name)
    with pytest.raises(RunError, match="has no finished run that predicts links"):
        default_run(runs, liked)
    other = run_of("DistMult")
    shutil.copytree(other.folder, runs / other.name)
    open_run(runs / other.name).note(made="2000-01-01T00:00:00+00:00")
    assert default_run(runs, liked).name == other.name


def test_the_command_line_lists_and_compares_it(run: Run) -> None:
    runs = run.folder.parent
    done = CliRunner().invoke(app, ["runs", "--runs", str(runs)])
    assert (done.exit_code, "Substitutes 16" in done.output) == (0, True)
    shown = json.loads(CliRunner().invoke(app, ["runs", run.name, "--runs", str(runs), "--json"]).output)
    assert shown["runs"][0]["model"] == "Substitutes"


def test_without_any_training_library_it_trains_and_publishes(store: GraphStore, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    for path in Path(np.__file__).parents[1].iterdir():  # all that is installed, but for what the extra brings
        if not re.match(r"(torch|pykeen|dgl|matplotlib|sklearn|scikit)", path.name):
            (tmp_path / "site" / path.name).symlink_to(path)
    code = f"""
import sys
sys.path[:] = [{str(ROOT)!r}, *[p for p in sys.path if "site-packages" not in p], {str(tmp_path / "site")!r}]
import reelgraph
reelgraph.main()
"""

    def command(*arguments: str) -> Any:
        done = subprocess.run([sys.executable, "-S", "-c", code, *arguments, "--store", store.url, "--json"],
                              cwd=tmp_path, capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    trained = command("train", str(ROOT / "configs/substitutes.toml"))
    assert trained["metrics"]["left_out"]["model"]["ndcg@10"] > 0.5
    assert command("publish", "substitutes")["provenance"]["dimension"] == 128
    assert store.info().embeddings[VECTORS].run == "substitutes"
