"""Two towers and their ranker: NumPy says what torch says, they find tastes, and fold in users whom they never saw."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from typer.testing import CliRunner

import reelgraph
from api.schemas import Substitute as AnsweredTitle
from graph.feedback_kinds import FeedbackKinds
from graph.for_users import ForUsers
from graph.history import histories_of, history_read
from graph.reranked import reranked
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Scope, open_store
from graph.strategy import FREE, StrategyError
from graph.substitutes import Substitute
from graph.tower_scores import blended, forward, ranked
from graph.tower_vectors import OPINIONS, PARTS
from graph.vectors import top
from loaders.load import load_sample

torch = pytest.importorskip("torch")


from gnn.config import ConfigError, read_config  # noqa: E402
from gnn.histories import Histories, histories_in  # noqa: E402
from gnn.publish import publish  # noqa: E402
from gnn.recommend_strategies import Learning  # noqa: E402
from gnn.runs import Run, RunError  # noqa: E402
from gnn.tastes import Matter, Options  # noqa: E402
from gnn.tower_arrays import networks_of  # noqa: E402
from gnn.tower_options import TowerOptions  # noqa: E402
from gnn.tower_ranker import PairNetwork, _Rated, exported, train_ranker  # noqa: E402
from gnn.tower_strategies import ByRankedTowers, by_ranked_towers, by_towers, shortlists, words  # noqa: E402
from gnn.towers import TwoTowers, batches, train_towers  # noqa: E402
from gnn.towers import exported as exported_towers  # noqa: E402
from gnn.towers_run import points_of  # noqa: E402
from gnn.train import train  # noqa: E402

SMALL = TowerOptions(epochs=15, batch=128, negatives=20, ranker_epochs=15, dropout=0.2, width=16, ranker_width=8)


def tastes(users: int = 60, titles: int = 40) -> tuple[sp.csr_matrix, np.ndarray]:
    """Users of two tastes like titles of their half; some of these are known. And the whole truth."""
    chance = np.random.default_rng(0)
    truth = (np.arange(users) % 2)[:, None] == (np.arange(titles) >= titles // 2)[None]
    return sp.csr_matrix((truth & (chance.random(truth.shape) < 0.6)).astype(np.float32)), truth


def rated() -> sp.csr_matrix:
    """Points: 5 for one's own half of the titles, 2 for the other, half of all pairs."""
    _, truth = tastes()
    chance = np.random.default_rng(1)
    user, title = np.nonzero(chance.random(truth.shape) < 0.5)
    value = np.where(truth[user, title], 5.0, 2.0).astype(np.float32)
    made = sp.csr_matrix((value, (user, title)), truth.shape)
    made.sort_indices()
    return made


KINDS = FeedbackKinds.configured()
NOTHING = np.zeros((40, 2), np.float32)


def test_parts_cover_every_event_once_and_are_not_in_what_predicts_them() -> None:
    likes, _ = tastes()
    starts = likes.indptr.astype(np.int64)
    owner = np.repeat(np.arange(likes.shape[0]), np.diff(starts))
    seen: list[int] = []
    for batch in batches(starts, 100, np.random.default_rng(0)):
        seen += batch.wanted.tolist()
        ends = [*batch.starts[1:].tolist(), len(batch.left)]
        for row, user in enumerate(batch.users.tolist()):
            wanted = set(batch.wanted[batch.part == row].tolist())
            left = batch.left[batch.starts[row] : ends[row]].tolist()
            assert wanted
            assert not wanted & set(left)
            assert wanted | set(left) == set(np.flatnonzero(owner == user).tolist())
            assert (batch.left_part[batch.starts[row] : ends[row]] == row).all()
    assert sorted(seen) == list(range(likes.nnz))


def test_a_user_with_one_event_is_predicted_from_nothing() -> None:
    (batch,) = batches(np.array([0, 1]), 100, np.random.default_rng(0))
    assert batch.wanted.tolist() == [0]
    assert batch.left.tolist() == []


def test_numpy_says_what_torch_says_of_towers() -> None:
    likes, _ = tastes()
    torch.manual_seed(0)
    z = torch.randn(40, 5)
    model = TwoTowers(z, 16, 8)
    torch.nn.init.normal_(model.own.weight)
    starts = torch.from_numpy(likes.indptr[:-1].astype(np.int64))
    titles = torch.from_numpy(likes.indices.astype(np.int64))
    with torch.no_grad():
        users = model.users(titles, starts, torch.ones(len(titles)))
        told = (users @ model.titles(torch.arange(40)).T).numpy()
    made = exported_towers(model, np.arange(40), z.numpy()).scores(likes)
    np.testing.assert_allclose(made, told, rtol=1e-4, atol=1e-4)


def test_numpy_says_what_torch_says_of_pairs() -> None:
    given = rated()
    torch.manual_seed(0)
    z = torch.randn(40, 5)
    model = PairNetwork(z, SMALL).eval()
    torch.nn.init.normal_(model.out.weight)
    chance = np.random.default_rng(0)
    x, own = chance.normal(size=(6, 8)).astype(np.float32), chance.normal(size=6).astype(np.float32)
    titles = np.array([0, 3, 5, 7, 11, 39])
    pairs = exported(model, _Rated.of(given), np.arange(40), z.numpy())
    with torch.no_grad():
        offered = model.offered(torch.from_numpy(titles))
        told = model(torch.from_numpy(x), offered, torch.from_numpy(own), torch.from_numpy(pairs.of_title[titles]))
    made = forward(pairs.net, x, pairs.offered[titles], own, pairs.of_title[titles])
    np.testing.assert_allclose(made, told.numpy(), rtol=1e-4, atol=1e-4)


def test_towers_find_tastes_also_of_users_they_never_saw() -> None:
    likes, truth = tastes()
    towers = train_towers(likes[:40], NOTHING, SMALL, dimension=8)
    left = np.where(likes[40:].toarray() > 0, -np.inf, towers.scores(likes[40:]))
    best = np.argsort(-left, axis=1)[:, :5]
    assert np.take_along_axis(truth[40:], best, 1).mean() > 0.95
    again = train_towers(likes[:40], NOTHING, SMALL, dimension=8)
    np.testing.assert_allclose(again.offered, towers.offered, atol=1e-5)
    other = train_towers(likes[:40], NOTHING, SMALL, dimension=8, seed=1)
    assert not np.allclose(other.offered, towers.offered, atol=1e-2)


def test_popularity_is_taken_off_where_it_draws_the_negatives() -> None:
    """Scores tend to the log-probability of a like: popular titles stay above rare ones, as many times as liked."""
    chance = np.random.default_rng(0)
    share = np.repeat([0.8, 0.1], 10)
    likes = sp.csr_matrix((chance.random((300, 20)) < share).astype(np.float32))
    towers = train_towers(likes, np.zeros((20, 1), np.float32), SMALL, dimension=4)
    scores = towers.scores(likes).mean(0)
    assert scores[:10].mean() - scores[10:].mean() > 1.2  # log 8 is 2.08; without the correction it is 0


def test_content_speaks_for_titles_that_nobody_likes() -> None:
    likes, truth = tastes()
    kind = (np.arange(40) >= 20).astype(int)
    cold = np.arange(40) % 5 == 0
    known = likes.toarray()
    known[:, cold] = 0
    towers = train_towers(sp.csr_matrix(known), np.eye(2, dtype=np.float32)[kind], SMALL, dimension=8)
    scores = towers.scores(sp.csr_matrix(known))[:, cold]
    assert scores[truth[:, cold]].mean() > scores[~truth[:, cold]].mean() + 1


def test_titles_without_feedback_change_nothing_and_are_what_their_content_is() -> None:
    """None has vectors of its own, so that a step of training takes as long as the feedback, not as the graph."""
    given = rated()
    likes = sp.csr_matrix((given > 3).astype(np.float32))
    z = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    among = np.arange(60) % 3 != 0  # of whom 40 are known
    wide = np.zeros((60, 5), np.float32)
    wide[among], wide[~among] = z, z[:20]
    place = np.flatnonzero(among)
    wider, liked = (sp.csr_matrix((one.data, place[one.indices], one.indptr), (60, 60)) for one in (given, likes))
    alone, amid = train_towers(likes, z, SMALL, dimension=8), train_towers(liked, wide, SMALL, dimension=8)
    np.testing.assert_allclose(amid.offered[among], alone.offered, atol=1e-5)
    np.testing.assert_allclose(amid.says[among], alone.says, atol=1e-5)
    assert not amid.says[~among].any()
    first, second = train_ranker(given, z, SMALL), train_ranker(wider, wide, SMALL)
    np.testing.assert_allclose(second.offered[among], first.offered, atol=1e-5)
    assert not second.says[~among].any()
    assert not second.of_title[~among].any()
    same = np.zeros_like(wide)
    same[~among] = z[0]
    cold = train_towers(liked, same, SMALL, dimension=8).offered[~among]
    np.testing.assert_allclose(cold, np.repeat(cold[:1], 20, axis=0), atol=1e-6)


def test_the_ranker_says_points_of_pairs_it_never_saw() -> None:
    given, (_, truth) = rated(), tastes()
    pairs = train_ranker(given[:40], NOTHING, SMALL)
    user, title = np.nonzero(np.asarray(given[40:].toarray()) == 0)
    said = pairs.points(given[40:], user, title)
    wanted = np.where(truth[40:][user, title], 5.0, 2.0)
    assert np.sqrt(np.mean((said - wanted) ** 2)) < 0.6
    assert np.sqrt(np.mean((pairs.mean + pairs.of_title[title] - wanted) ** 2)) > 1.3


def test_a_shortlist_is_of_what_is_not_known_and_comes_first() -> None:
    scores = np.array([[5, 4, 3, 2, 1, 0]], np.float32)
    given = sp.csr_matrix((np.array([0.0, 1.0]), ([0, 0], [0, 5])), (1, 6))  # 0 points are known, too
    short = shortlists(scores, given, 3)
    assert short.tolist() == [[1, 2, 3]]
    made = ranked(scores, np.array([[1, 2, 3]], np.float32), short)
    assert np.argsort(-made[0]).tolist() == [3, 2, 1, 0, 4, 5]
    one, other = np.array([[3, 2, 1]], np.float32), np.array([[1, 2, 9]], np.float32)
    assert np.argsort(-blended(one, other, 0.0)[0]).tolist() == [0, 1, 2]
    assert np.argmax(blended(one, other, 1.0)[0]) == 2


def test_as_recommenders_they_score_every_title() -> None:
    likes, truth = tastes()
    user, title = likes.nonzero()
    says = np.ones(len(user), np.int8)
    names = [f"u{n}" for n in range(60)], [f"t{n:02}" for n in range(40)]
    known = Histories(*names, user.astype(np.int64), title.astype(np.int64), says, np.zeros(len(user), np.int64))
    given = Learning(known, lambda: Matter(NOTHING, np.full(40, np.nan, np.float32)), Options())
    everyone = np.arange(60)
    for fit in (by_towers, by_ranked_towers):
        made: Any = fit(given)
        scores = np.where(words(known).toarray() > 0, -np.inf, made.score(known, everyone))
        assert scores.shape == (60, 40)
        assert np.take_along_axis(truth, np.argsort(-scores, axis=1)[:, :5], 1).mean() > 0.9
    assert isinstance(made, ByRankedTowers)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    yield from made(tmp_path_factory.mktemp("towers"))


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[GraphStore]:
    """The same for one test alone, which publishes what others must not see."""
    yield from made(tmp_path)


def made(folder: Path) -> Iterator[GraphStore]:
    with contextlib.closing(open_store(f"embedded:{folder / 'store'}", create=True)) as graph:
        load_sample(graph)
        titles = [id_ for batch in graph.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()][:40]
        given = rated()
        events = [
            {"head": f"u{user:02}", "tail": titles[given.indices[place]], "key": "rating", "type": "rating",
             "value": float(given.data[place]), "timestamp": place}
            for user in range(60) for place in range(given.indptr[user], given.indptr[user + 1])
        ]  # fmt: skip
        graph.upsert_nodes("User", [{"id": f"u{user:02}"} for user in range(60)])
        graph.upsert_relationships("RATED", events)
        yield graph


@pytest.fixture(scope="module")
def run(store: GraphStore, tmp_path_factory: pytest.TempPathFactory) -> Run:
    config = tmp_path_factory.mktemp("config") / "towers.toml"
    small = "\n".join(f"{name} = {value}" for name, value in SMALL.model_dump(exclude_defaults=True).items())
    config.write_text(
        Path("configs/towers.toml").read_text("utf-8").partition("[model.options]")[0]
        + f'[model.options]\n{small}\nlandmarks = 50\ncontent = 8\n[publish]\nname = "tower_vector"\n', "utf-8",
    )  # fmt: skip
    return train(config, store, runs=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def published(store: GraphStore, run: Run) -> GraphStore:
    publish(run, store)
    return store


def test_the_published_vectors_are_of_unit_length(published: GraphStore) -> None:
    ids, vectors = published.get_embeddings("tower_vector")
    assert len(ids) == published.info().counts["Title"]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def served(store: GraphStore, user: str, name: str) -> list[Substitute]:
    users = ForUsers(store, Searcher(store))
    found = users.recommend(user, Scope(WHOLE_GRAPH, adult=True), 100, rules=FREE, strategy=name)
    assert found.strategy == name
    return list(found.items)


@pytest.mark.parametrize("kind", [OPINIONS, "rating"])
def test_what_is_served_is_in_the_order_that_is_evaluated(own_store: GraphStore, run: Run, kind: str) -> None:
    store = own_store
    publish(replace(run, record={**run.record, "points": kind}), store)
    ids = [name.removeprefix("Title:") for name in run.vocabulary().entities]
    histories = histories_in(store, FeedbackKinds.configured(), titles=ids)
    towers, pairs = networks_of(run)
    evaluated = ByRankedTowers(towers, pairs, SMALL)
    asked = np.array([0, 7, 31, 58])
    scores = towers.scores(histories.matrix(liked=True)[asked])
    given = words(histories)[asked]
    if kind == "rating":
        anew = evaluated.anew(scores, points_of(store, histories)[0][asked])
    else:
        anew = evaluated.score(histories, asked)
    for wanted, name in ((scores, "towers"), (anew, "towers-ranked")):
        for row, user in enumerate(asked.tolist()):
            own = np.where(given[row].toarray()[0] > 0, -np.inf, wanted[row])
            own[given[row].indices] = -np.inf
            items = served(store, histories.users[user], name)
            places = [ids.index(one.id) for one in items]
            # Of equal scores sums in another order may put another first.
            assert np.allclose(own[places], own[top(own, 100)], rtol=1e-4, atol=1e-5), (name, user)
            told = [reason.ranked for one in items for reason in one.evidence if reason.ranked]
            assert len(told) == (SMALL.shortlist if name == "towers-ranked" else 0)


def test_the_ranker_says_what_it_did(published: GraphStore, run: Run) -> None:
    before, after = (served(published, "u03", name) for name in ("towers", "towers-ranked"))
    place = {one.id: at for at, one in enumerate(before, 1)}
    assert [one.id for one in before[: SMALL.shortlist]] != [one.id for one in after[: SMALL.shortlist]]
    for at, one in enumerate(after[: SMALL.shortlist], 1):
        first, *others = one.evidence
        assert first.ranked is not None
        assert (first.ranked.was, first.ranked.place) == (place[one.id], at)
        said = first.as_dict()
        assert said.keys() == {"kind", "weight", "text", "was", "place", "points"}
        assert said["text"].endswith(f": would give it {first.ranked.points:.1f}")
        assert said["text"].startswith(f"{place[one.id]}")
        assert {reason.kind for reason in others} <= {"liked", "path"}
        answered = AnsweredTitle.model_validate(one.as_dict())
        assert answered.model_dump()["evidence"][0] == said
    assert any(reason.kind == "liked" for one in after for reason in one.evidence)


def test_a_title_is_there_because_of_one_without_which_its_score_is_lower(published: GraphStore, run: Run) -> None:
    towers, _ = networks_of(run)
    ids = [name.removeprefix("Title:") for name in run.vocabulary().entities]
    liked = [event.title for event in histories_of(published.gather([history_read("u05")])[0], 1, KINDS)[0].events
             if event.says == "liked"]  # fmt: skip
    (one, *_) = (item for item in served(published, "u05", "towers") if item.evidence)
    (carrier,) = one.evidence[0].via

    def score(without: str) -> float:
        rows = [ids.index(id_) for id_ in liked if id_ != without]
        likes = sp.csr_matrix((np.ones(len(rows)), (np.zeros(len(rows), int), rows)), (1, len(ids)))
        return float(towers.scores(likes)[0, ids.index(one.id)])

    assert carrier in liked
    assert score(carrier) == pytest.approx(min(map(score, liked)), abs=1e-4)
    assert score(carrier) < score("")


def test_versions_without_the_user_tower_and_of_two_runs_answer_by_the_title_tower(
    published: GraphStore, tmp_path: Path
) -> None:  # fmt: skip
    ids, vectors = published.get_embeddings("tower_vector")
    made = published.info().embeddings["tower_vector"]
    with contextlib.closing(open_store(f"embedded:{tmp_path / 'store'}", create=True)) as older:
        load_sample(older)
        older.set_embeddings("tower_vector", ids, vectors, made)
        listed = {one.name: one for one in Searcher(older).strategies.listed()}
        assert (listed["towers"].available, listed["towers-ranked"].available) == (True, False)
        assert "'ranker_vector', and none are published: reelgraph train" in (listed["towers-ranked"].missing or "")
        for name in PARTS:
            of_another = replace(published.info().embeddings[name], run="towers-2")
            older.set_embeddings(name, *published.get_embeddings(name), of_another)
        searcher = Searcher(older)
        found = searcher.recommend(ids[:3], Scope(WHOLE_GRAPH), 5, strategy="towers").items
        mean = vectors[:3].mean(0) @ vectors.T
        mean[:3] = -np.inf
        assert [ids.index(one.id) for one in found] == top(mean, 5).tolist()
        with pytest.raises(StrategyError, match="needs vectors 'ranker_vector'"):
            searcher.recommend(ids[:3], Scope(WHOLE_GRAPH), 5, strategy="towers-ranked")


def test_before_after_and_what_they_rated_without_torch(
    published: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "torch", None)
    found = reranked(published, "u01", Scope(WHOLE_GRAPH), 8)
    assert found["points"] == "rating"
    history = published.neighbours(["u01"], ["RATED"], "out").column("neighbour").to_pylist()
    before, after = ([one["id"] for one in found[name]] for name in ("before", "after"))
    assert len(before) == len(after) == 8
    assert not {*before, *after} & set(history)
    assert [one["gave"] for one in found["rated"]] == [5.0] * 8
    assert all(one["points"] > 3 for one in found["rated"])
    assert all(one["was"] == before.index(one["id"]) + 1 for one in found["after"] if one["id"] in before)
    with pytest.raises(NotInGraph, match="no feedback of user 'nobody'"):
        reranked(published, "nobody", Scope(WHOLE_GRAPH), 8)


def test_a_new_event_counts_at_once(published: GraphStore) -> None:
    asked = Scope(WHOLE_GRAPH)
    before = reranked(published, "u02", asked, 8)
    first = before["before"][0]["id"]
    event = {"head": "u02", "tail": first, "key": "rating", "type": "rating", "value": 1.0, "timestamp": 10_000}
    published.upsert_relationships("RATED", [event])
    after = reranked(published, "u02", asked, 8)
    assert first not in [one["id"] for one in after["before"]]
    assert after["known"] == before["known"] + 1


def test_the_command_prints_both_lists(published: GraphStore) -> None:
    where = ["--store", published.url]
    done = CliRunner().invoke(reelgraph.app, ["rerank", "u03", "--limit", "4", "--catalog", "north", "--json", *where])
    assert done.exit_code == 0, done.output
    assert set(json.loads(done.output)) == {"run", "user", "points", "known", "before", "after", "rated"}
    done = CliRunner().invoke(reelgraph.app, ["rerank", "u03", "--limit", "4", *where])
    assert done.exit_code == 0
    assert "before" in done.output
    assert "gave" in done.output


def test_an_unknown_option_is_refused_with_the_nearest(store: GraphStore, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "x"\n[model]\nname = "TwoTowers"\n[model.options]\nepoch = 3\n', "utf-8")
    with pytest.raises(ConfigError, match="did you mean epochs"):
        train(read_config(wrong), store, runs=tmp_path)


def test_arrays_of_another_model_are_refused(run: Run, tmp_path: Path) -> None:
    from gnn.checkpoint import write_arrays

    write_arrays(tmp_path / "model.safetensors", {"liked": np.zeros(3, np.float32)})
    with pytest.raises(RunError, match="holds no two towers"):
        networks_of(Run(tmp_path, run.config, {"state": "finished"}))
