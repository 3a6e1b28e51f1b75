"""Published vectors after the graph has changed: folded in, trained anew, or left as they were."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gnn.changes import FILE
from gnn.config import ConfigError
from gnn.publish import publish
from gnn.refresh import KEPT_RUNS, Renewed, Retraining
from gnn.runs import Run, list_runs, open_run
from gnn.train import train
from graph.foldin import VECTORS
from graph.store import GraphStore, open_store
from graph.tastes import LIKED, OFFERED
from tests.gnn.conftest import VIEWERS, clusters, tables, watched

SMALL = """
[model]
name = "DistMult"
dimension = 8
[training]
epochs = 3
batch = 128
negatives = 16
every = 1
"""
LIKES = """
[model]
name = "Substitutes"
dimension = 8
[publish]
name = "substitute_vector"
"""


TASTES = """
[model]
name = "Tastes"
[model.options]
long = 8
recent = 8
rank = 16
landmarks = 32
content = 16
[publish]
name = "offered_vector"
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Job:
    """Vectors of one store, kept up to date."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, folder / "runs"
        self.store: GraphStore = open_store(f"embedded:{folder / 'store'}", create=True)
        self.steps: list[str] = []
        self.configs: list[Path] = []

    def config(self, name: str, text: str) -> None:
        path = self.folder / f"{name}.toml"
        path.write_text(text, "utf-8")
        self.configs = [*(one for one in self.configs if one != path), path]

    def retraining(self, **options: float) -> Retraining:
        return Retraining(self.runs, self.configs, **options)

    def __call__(self, **options: float) -> list[Renewed]:
        self.steps.clear()
        return self.retraining(**options).renew(self.store, self.steps.append, lambda _what, _share: None)

    def names(self) -> list[str]:
        return sorted(run.name for run in list_runs(self.runs))

    def published(self, name: str = "embedding") -> str:
        return self.store.info().embeddings[name].run


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    job = Job(tmp_path)
    job.config("small", SMALL)
    yield job
    job.store.close()


@pytest.fixture
def grow(tables_without: Callable[..., Any], world: Any, job: Job) -> Callable[[int], None]:
    """Load the world with so many of its late titles."""
    return lambda late: job.store.load_tables(tables_without(world.late[late:])) and None


def test_trained_first_then_folded_in_then_trained_again(job: Job, grow: Callable[[int], None]) -> None:
    grow(0)
    (one,) = job()
    assert (one.action, one.run, one.version, one.problem) == ("published", "small", "000002", None)
    assert one.why == "no run of small as it is configured is published"
    assert job.steps == ["fold in", "train small", "publish small"]
    grow(6)
    loaded = job.store.info().version
    folded, kept = job()
    assert (str(folded), folded.run) == ("Version 000004: `embedding` folded in: 6 new titles, from small", "small")
    assert (kept.action, kept.why) == (
        "kept", "since small, 2.4% of 246 titles (6 new, 0 changed) changed; trained anew above 10.0%",
    )  # fmt: skip
    assert job.steps == ["fold in", "compare small"]
    # A load and its fold-in are gone back from as one.
    assert loaded not in job.store.info().versions
    assert job.store.info().versions[-2:] == ["000002", "000004"]
    (one,) = job(above=0.02, worse=1.0)
    assert (one.action, one.run, job.published()) == ("published", "small-2", "small-2")
    assert job.steps == ["fold in", "compare small", "train small", "publish small"]
    assert job.store.rollback() == "000004"
    assert job.published() == "small"


def test_what_is_worse_is_not_published_and_not_trained_again_for_the_same(
    job: Job, grow: Callable[[int], None]
) -> None:
    grow(0)
    job()
    open_run(job.runs / "small").note(best_validation_mrr=0.99)
    grow(9)
    *_, one = job(above=0.03)
    assert (one.action, one.refused, job.published()) == ("left out", True, "small")
    assert str(one.problem).startswith("small-2 validates at 0.")
    assert "small at 0.990, so that stays; look at it, then: reelgraph publish" in str(one.problem)
    *_, again = job(above=0.03)
    assert (again.action, job.names()) == ("kept", ["small", "small-2"])
    grow(18)
    *_, third = job(above=0.03, worse=1.0)
    assert (third.action, job.published()) == ("published", "small-3")


@pytest.mark.parametrize("state", ["trained", "begun"])
def test_a_run_that_was_broken_off_is_gone_on_with(job: Job, grow: Callable[[int], None], state: str) -> None:
    grow(0)

    class Killed(BaseException):
        pass

    def kill(what: str, _share: float) -> None:
        if what.startswith("epoch 2/3"):
            raise Killed

    with pytest.raises(Killed) if state == "begun" else contextlib.nullcontext():
        train(job.configs[0], job.store, runs=job.runs, progress=kill if state == "begun" else None)
    (one,) = job()
    assert (one.action, one.run, job.names()) == ("published", "small", ["small"])
    assert (job.runs / "small" / FILE).exists()
    assert job()[0].action == "kept"


def test_another_configuration_is_trained_though_nothing_has_changed(job: Job, grow: Callable[[int], None]) -> None:
    grow(0)
    job()
    before = job.retraining().settled()
    assert job.retraining().settled() == before
    assert job.retraining(above=0.2).settled() != before
    job.config("small", SMALL.replace("dimension = 8", "dimension = 10"))
    assert job.retraining().settled() != before
    (one,) = job()
    assert (one.action, one.run) == ("published", "small-2")


def test_without_configurations_new_titles_are_folded_in_from_what_is_there(
    job: Job, grow: Callable[[int], None]
) -> None:
    grow(0)
    publish(train(job.configs.pop(), job.store, runs=job.runs), job.store)
    assert job() == []
    grow(6)
    (one,) = job()
    assert (one.action, one.problem) == ("folded in", None)
    grow(18)
    job.runs.rename(job.runs.with_name("elsewhere"))
    (one,) = job()
    assert (one.action, one.refused) == ("not done", False)
    assert "there is no run" in str(one.problem)
    assert json.dumps(one.as_dict())


def test_what_could_not_be_folded_in_matters_no_more_once_it_is_trained_anew(
    job: Job, grow: Callable[[int], None]
) -> None:
    grow(0)
    job()
    grow(18)
    job.runs.rename(job.runs.with_name("elsewhere"))
    (one,) = job()
    assert (one.action, one.problem) == ("published", None)


def test_old_runs_of_its_own_go_and_those_of_people_stay(job: Job, grow: Callable[[int], None]) -> None:
    grow(0)
    publish(train(job.configs[0], job.store, runs=job.runs), job.store)
    for year in range(KEPT_RUNS + 2):
        rows = clusters()[1]
        for row in rows["Title"]:
            row["start_year"] = 1900 + year
        job.store.load_tables(tables(job.folder / f"tables-{year}", rows, set()))
        job(above=0.01, worse=1.0)
    assert job.published() == f"small-{KEPT_RUNS + 3}"
    assert job.names() == ["small", *(f"small-{number}" for number in range(4, KEPT_RUNS + 4))]


@pytest.fixture
def viewed_job(job: Job, tmp_path: Path) -> Job:
    job.store.load_tables(tables(tmp_path / "watched", watched(), set()))
    job.config("likes", LIKES)
    return job


def test_two_configurations_are_one_way_back_and_feedback_is_a_reason_too(viewed_job: Job) -> None:
    job = viewed_job
    loaded = job.store.info().version
    assert [(one.name, one.action) for one in job()] == [("embedding", "published"), (VECTORS, "published")]
    versions = job.store.info().versions
    assert (len(versions), versions[0], job.published(VECTORS)) == (2, loaded, "likes")
    retraining = job.retraining()
    assert not retraining.due(job.store)
    rated = job.store.info().counts["RATED"]
    some = [str(row["id"]) for row in watched()["Title"]][: 1 + rated // 10 // VIEWERS + 30]
    more = [{"head": str(user), "tail": id_, "key": "like", "type": "like"} for user in range(VIEWERS) for id_ in some]
    job.store.upsert_relationships("RATED", more)
    assert retraining.due(job.store)
    done = job()
    assert [(one.name, one.action) for one in done] == [("embedding", "kept"), (VECTORS, "published")]
    assert "of feedback" in done[1].why
    assert not retraining.due(job.store)


def test_taste_vectors_are_part_of_the_same_way_back(viewed_job: Job) -> None:
    job = viewed_job
    job.config("tastes", TASTES)
    loaded = job.store.info().version
    assert [(one.name, one.action) for one in job()][-1] == (OFFERED, "published")
    versions = job.store.info().versions
    assert (len(versions), versions[0], job.published(LIKED), job.published(OFFERED)) == (2, loaded, "tastes", "tastes")
    assert [one.action for one in job()] == ["kept"] * 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[graph]\nfolder = 'triples'\n", "trains on the store"), ("", r"'embedding' is that of another one"),
     ("[model]\nnam = 'x'\n", "there is no key")],
)  # fmt: skip
def test_a_configuration_that_cannot_be_used_is_said_before_anything_is_done(job: Job, text: str, problem: str) -> None:
    job.config("other", text)
    with pytest.raises(ConfigError, match=problem):
        job.retraining()


def test_a_run_says_who_trained_it(job: Job, grow: Callable[[int], None]) -> None:
    grow(0)
    job()
    run: Run = open_run(job.runs / "small")
    assert (run.record["refresh"], run.record["rated"]) == (True, 0)
