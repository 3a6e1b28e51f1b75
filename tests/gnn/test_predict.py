"""Predictions on a world whose missing and wrong edges are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from gnn.doubts import audit_edges
from gnn.predict import Predictor, default_run, predict
from gnn.runs import Run, RunError
from graph.store import GraphStore, NotInGraph
from reelgraph import app


@pytest.fixture(scope="module")
def predictor(run_of: Callable[[str], Run], early: GraphStore) -> Predictor:
    return Predictor(run_of("DistMult"), early)


def test_the_missing_genre_of_a_title_comes_first(predictor: Predictor, world: Any) -> None:
    right = [predictor.predict(title, "IN_GENRE", 3)[0].id == world.genre[title] for title in world.missing]
    assert sum(right) >= 0.9 * len(right)


def test_what_is_known_is_left_out_and_k_come_back(predictor: Predictor, early: GraphStore, world: Any) -> None:
    title = next(iter(world.wrong))
    known = set(early.neighbours([title], ["IN_GENRE"], "out").column("neighbour").to_pylist())
    found = predictor.predict(title, "IN_GENRE", 100)
    assert {one.id for one in found} | known == set(world.genre.values())
    assert not {one.id for one in found} & known
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
    assert all(0 < one.probability < 1 for one in found)
    people = predictor.predict(title, "ACTED_IN", 5)
    cast = set(early.neighbours([title], ["ACTED_IN"], "in").column("neighbour").to_pylist())
    assert len(people) == 5
    assert not {one.id for one in people} & cast
    assert sum(one.id[:5] == f"nm{title[2:5]}" for one in people) >= 3  # their own cluster's
    assert people[0].name.startswith("Person ")


def test_a_person_is_answered_with_titles(predictor: Predictor) -> None:
    found = predictor.predict("nm0020005", "ACTED_IN", 5)
    assert sum(one.id.startswith("tt002") for one in found) >= 4
    assert found[0].name.startswith("Title ")


def test_probabilities_are_near_what_happens(predictor: Predictor) -> None:
    assert predictor.calibration.error < 0.1
    assert sum(one.count for one in predictor.calibration.reliability) > 100


def test_wrong_edges_are_doubted_and_missing_ones_suspected(predictor: Predictor, world: Any) -> None:
    found = audit_edges(predictor, 12, relations=["IN_GENRE"], titles=0)
    assert found.titles == len(world.genre) - len(world.late)
    # Some wrong edges are learned by heart; by chance, 0.3 of the six would be among twelve of 234.
    doubted = {(one.head, one.tail) for one in found.edges}
    assert len(doubted & set(world.wrong.items())) >= 0.5 * len(world.wrong)
    assert not {(one.head, one.tail) for one in found.absences} & set(world.wrong.items())
    everywhere = audit_edges(predictor, 5, titles=50)
    assert {one.relation for one in everywhere.edges} <= {"IN_GENRE", "DIRECTED", "ACTED_IN"}
    assert everywhere.titles == 50


@pytest.mark.parametrize(
    ("id_", "relation", "said"),
    [
        ("tt0000002", "IN_GENR", r"no relation 'IN_GENR'; did you mean IN_GENRE"),
        ("tt9999999", "IN_GENRE", "no title or person 'tt9999999'"),
        ("nm0000001", "IN_GENRE", "not a relation of a Person"),
    ],
)
def test_what_cannot_be_asked_is_named(predictor: Predictor, id_: str, relation: str, said: str) -> None:
    with pytest.raises(NotInGraph, match=said):
        predictor.predict(id_, relation)


def test_a_title_that_came_later_is_told_so(run_of: Callable[[str], Run], grown: GraphStore, world: Any) -> None:
    with pytest.raises(NotInGraph, match="came later"):
        predict(run_of("DistMult").folder, grown, world.late[0], "IN_GENRE")


def test_the_default_run_is_the_newest_finished_one(run_of: Callable[[str], Run], early: GraphStore) -> None:
    run = run_of("DistMult")
    assert default_run(run.folder.parent, early).name == run.name
    with pytest.raises(RunError, match="train one"):
        default_run(run.folder, early)


def test_the_command(run_of: Callable[[str], Run], early: GraphStore, world: Any) -> None:
    run, title = run_of("DistMult"), world.missing[0]
    common = ["--store", early.url, "--runs", str(run.folder.parent), "--json"]
    said = CliRunner().invoke(app, ["predict", title, "--relation", "IN_GENRE", "--limit", "2", *common])
    assert said.exit_code == 0, said.output
    answer = json.loads(said.stdout)
    assert (answer["id"], answer["run"], len(answer["predictions"])) == (title, run.name, 2)
    assert answer["predictions"][0].keys() == {"id", "name", "probability", "score"}
    said = CliRunner().invoke(app, ["predict", "--audit", "--limit", "3", "--titles", "20", *common])
    assert said.exit_code == 0, said.output
    assert len(json.loads(said.stdout)["edges"]) == 3
    assert CliRunner().invoke(app, ["predict", title, *common]).exit_code == 2
    assert CliRunner().invoke(app, ["predict", title, "--audit", *common]).exit_code == 2
