from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import reelgraph
from gnn.config import ConfigError
from gnn.hidden import Hiding, draw, franchises
from gnn.judge import Bootstrap, lists, ndcg, overlap
from gnn.substitutes import FeedbackError, Options, likes_of
from gnn.substitutes_evaluation import evaluate
from graph.store import GraphStore

HIDING = Hiding(titles=20)


def test_hides_the_titles_of_the_documented_draw(viewed: GraphStore) -> None:
    likes = likes_of(viewed, 0.0)
    pool = [id_ for id_, count in zip(likes.titles, likes.counts, strict=True) if count >= 20]
    assert pool == sorted(pool)
    for seed in (0, 1):
        trial = draw(viewed, likes, HIDING, seed)
        assert set(trial.asked) == set(np.random.default_rng(seed).permutation(pool)[:20].tolist())
        assert not set(trial.asked) & {*trial.catalog, *trial.learned.titles}
        assert set(trial.asked) < set(trial.warm.titles)


def test_validation_titles_are_never_test_titles(viewed: GraphStore) -> None:
    likes = likes_of(viewed, 0.0)
    few = Hiding(titles=5)
    tested = {id_ for seed in (0, 1, 2) for id_ in draw(viewed, likes, few, seed).asked}
    for seed in range(4):
        assert not tested & set(draw(viewed, likes, Hiding(titles=5, validation=True), seed).asked)


def test_users_learn_or_judge(viewed: GraphStore) -> None:
    likes = likes_of(viewed, 0.0)
    trial = draw(viewed, likes, HIDING, 0)
    learning = trial.warm.counts.sum()
    assert 0.35 < learning / likes.counts.sum() < 0.65
    assert trial.truth["co-like"].shape == trial.truth["lift"].shape == (20, len(trial.catalog))


def test_a_series_is_hidden_as_a_whole(viewed: GraphStore) -> None:
    likes = likes_of(viewed, 0.0)
    series = franchises(viewed, likes.titles)
    assert series["tt0000030"] == {"tt0000031"}
    trial = draw(viewed, likes, Hiding("series", 2), 0)
    assert set(trial.asked) <= set(series)
    assert not trial.siblings
    assert not {other for id_ in trial.asked for other in series[id_]} & {*trial.catalog, *trial.learned.titles}


def test_hides_everything_after_a_year(viewed: GraphStore) -> None:
    likes = likes_of(viewed, 0.0)
    trial = draw(viewed, likes, Hiding("after-2010", 300), 0)
    nodes = viewed.get_nodes("Title", [*trial.catalog, *trial.learned.titles], ["start_year"])
    assert max(nodes.column("start_year").to_pylist()) == 2010
    assert min(viewed.get_nodes("Title", trial.asked, ["start_year"]).column("start_year").to_pylist()) == 2011


@pytest.mark.parametrize("what", ["after", "after-", "after-soon", "everything"])
def test_says_what_can_be_hidden(what: str, viewed: GraphStore) -> None:
    with pytest.raises(ConfigError, match="sample, series and after-YEAR"):
        draw(viewed, likes_of(viewed, 0.0), Hiding(what), 0)


def test_too_little_feedback_is_said(viewed: GraphStore) -> None:
    with pytest.raises(FeedbackError, match="0 titles with 500 likes"):
        draw(viewed, likes_of(viewed, 0.0), Hiding(asked_from=500), 0)


def test_figures_are_those_of_a_calculation_by_hand() -> None:
    truth = np.array([[0.0, 4, 2, 1] + [0.0] * 60], np.float32)
    perfect = np.array([[1, 2, 3, 0, 4, 5, 6, 7, 8, 9]])
    assert ndcg(truth, perfect)[0] == pytest.approx(1)
    ideal = 4 + 2 / np.log2(3) + 1 / 2
    assert ndcg(truth, np.array([[0, 1, -1, -1, -1, -1, -1, -1, -1, -1]]))[0] == pytest.approx(4 / np.log2(3) / ideal)
    assert overlap(truth, perfect)[0] == pytest.approx(1)
    assert overlap(truth, np.array([[1, 2, 60, 61, 62, 63, -1, -1, -1, -1]]))[0] == pytest.approx(0.2)


def test_what_is_not_offered_is_no_answer() -> None:
    scores = np.array([[1.0, -np.inf, 3.0]], np.float32)
    assert lists(scores)[0].tolist() == [2, 0, *[-1] * 8]


def test_intervals_are_of_titles_not_of_questions() -> None:
    chance = np.random.default_rng(0)
    figures = np.repeat(chance.random(60), 3)
    names = [str(number) for number in range(60)]
    together = Bootstrap([name for name in names for _ in range(3)]).interval(figures)
    apart = Bootstrap([str(number) for number in range(180)]).interval(figures)
    assert together[0] < figures.mean() < together[1]
    assert together[1] - together[0] > 1.4 * (apart[1] - apart[0])


def test_a_world_of_clusters_is_understood(viewed: GraphStore) -> None:
    found = evaluate(viewed, likes_of(viewed, 0.0), HIDING, [0, 1], Options(likes_from=0)).as_dict()
    rows = {row["strategy"]: row for row in json.loads(json.dumps(found))["strategies"]}
    assert set(found["left_out"]) == {"embedding-cut", "embedding", "embedding-popularity"}
    served = rows[found["compared_with"]]
    for name in ("random", "popularity", "genres"):
        assert rows[name]["ndcg_difference"]["high"] < 0, name
        assert rows[name]["ndcg"]["mean"] < served["ndcg"]["mean"], name
    assert all(row["purity"] == row["k=10"] == 1 for row in rows.values())
    assert rows["random"]["coverage"] > rows["popularity"]["coverage"]
    slices = served["slices"]
    assert all(sum(part["questions"] for part in parts.values()) == found["questions"] for parts in slices.values())
    assert set(found["by"]) <= set(slices)
    costs = {name: row["cost"] for name, row in rows.items()}
    assert costs["random"]["bytes"] == costs["genres"]["bytes"] == 0
    assert costs["warm"]["bytes"] > 0
    shared = costs["fold-in"]["train_seconds"], costs["fold-in-series"]["train_seconds"]
    assert min(shared) > 10 * costs["popularity"]["train_seconds"], "both need the fit, which is done once"


def test_an_unknown_strategy_is_named_with_those_there_are(viewed: GraphStore) -> None:
    with pytest.raises(ConfigError, match=r"no strategy 'magic'; there are random, popularity"):
        evaluate(viewed, likes_of(viewed, 0.0), HIDING, [0], Options(), names=["magic"])


COMMAND = ["evaluate", "--task", "substitutes", "--hidden", "20", "--seed", "0"]


def test_command_prints_a_table_or_json(viewed: GraphStore, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    chosen = ["--store", viewed.url, "--strategy", "fold-in", "--strategy", "genres"]
    picture = tmp_path / "figures.png"
    shown = CliRunner().invoke(reelgraph.app, [*COMMAND, *chosen, "--plot", str(picture)])
    assert shown.exit_code == 0, shown.output
    assert "NDCG@10" in shown.stdout
    assert "fold-in by what was asked for" in shown.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    plain = json.loads(CliRunner().invoke(reelgraph.app, [*COMMAND, *chosen, "--json"]).stdout)
    assert [row["strategy"] for row in plain["strategies"]] == ["genres", "fold-in"]


def test_command_judges_by_feedback_that_is_not_in_the_store(viewed: GraphStore, tmp_path: Path) -> None:
    rows = [row for batch in viewed.scan_relationships("RATED", ["value"]) for row in batch.to_pylist()]
    lines = [f"{row['head']},{row['tail']},{row['value']}" for row in rows]
    (tmp_path / "feedback.csv").write_text("\n".join(["user,tconst,rating", *lines, "9999,tt9999999,5"]), "utf-8")
    chosen = ["--strategy", "popularity", "--json", "--store", viewed.url]
    here, there = (
        json.loads(CliRunner().invoke(reelgraph.app, [*COMMAND, *chosen, *more], catch_exceptions=False).stdout)
        for more in ([], ["--data", str(tmp_path / "feedback.csv")])
    )
    assert here["likes"] == there["likes"]
    for one in (*here["strategies"], *there["strategies"]):
        assert one.pop("cost")["query_ms"] > 0
    assert here["strategies"] == there["strategies"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--task", "everything"], "there is: substitutes"),
        (["--task", "substitutes", "--data", "nowhere"], "there is no nowhere"),
        (["--task", "substitutes", "--plot", "nowhere/figures.png"], "there is no folder"),
    ],
)
def test_command_refuses_with_what_there_is(options: list[str], said: str, viewed: GraphStore) -> None:
    refused = CliRunner().invoke(reelgraph.app, ["evaluate", *options, "--store", viewed.url])
    assert refused.exit_code == 2
    assert said in " ".join(refused.output.split())
