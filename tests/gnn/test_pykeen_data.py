"""PyKEEN's own tools on our triples: pipeline, search for hyper-parameters, evaluator."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pykeen.evaluation import RankBasedEvaluator
from pykeen.hpo import hpo_pipeline
from pykeen.pipeline import pipeline
from pykeen.triples import TriplesFactory

from gnn.config import parse_config
from gnn.pykeen_data import dataset
from gnn.train import load_scorer, train
from gnn.triples import Split, Vocabulary, read_folder
from graph.store import open_store
from loaders.load import load_sample

ROOT = Path(__file__).parents[2]
NATIONS = Path(os.environ.get("REELGRAPH_DATA", ROOT / "../shared/data")) / "link-prediction" / "nations"
QUIET: dict[str, Any] = {
    "device": "cpu",
    "training_kwargs": {"batch_size": 512, "use_tqdm": False},
    "evaluation_kwargs": {"batch_size": 64, "use_tqdm": False},
}
nations = pytest.mark.skipif(not NATIONS.is_dir(), reason=f"no {NATIONS}: set REELGRAPH_DATA")
# What PyKEEN says to itself: its loop sets what its data loader deprecates, and its search for a batch pins memory.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Training instances are always shuffled:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*pin_memory:UserWarning"),
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_names_and_numbers_are_ours() -> None:
    vocabulary = Vocabulary(("Title:tt1", "Title:tt2", "Person:nm1", "Genre:Drama"), ("ACTED_IN", "IN_GENRE"))
    parts = [np.array(rows) for rows in ([(2, 0, 0)], [(2, 0, 1)], [(1, 1, 3)])]
    data = dataset(Split(vocabulary, *parts), reciprocal=True)
    assert data.entity_to_id == vocabulary.entity_numbers
    assert data.relation_to_id == vocabulary.relation_numbers
    for factory, rows in zip((data.training, data.validation, data.testing), parts, strict=True):
        assert factory is not None
        assert factory.mapped_triples.tolist() == rows.tolist()
        assert (factory.num_entities, factory.real_num_relations) == (4, 2)
    assert data.training.create_inverse_triples
    assert not data.testing.create_inverse_triples


@pytest.mark.realdata
@nations
def test_a_folder_is_what_pykeen_reads_from_it() -> None:
    data = dataset(read_folder(NATIONS))
    for part, factory in (("train", data.training), ("valid", data.validation), ("test", data.testing)):
        theirs = TriplesFactory.from_path(NATIONS / f"{part}.txt")
        assert isinstance(factory, TriplesFactory)
        assert sorted(factory.triples.tolist()) == sorted(theirs.triples.tolist())


@pytest.mark.realdata
@nations
def test_pykeen_searches_hyper_parameters_and_trains_on_our_triples() -> None:
    data = dataset(read_folder(NATIONS))
    found = hpo_pipeline(
        training=data.training, validation=data.validation, testing=data.testing, model="DistMult", n_trials=2,
        epochs=2, model_kwargs={"embedding_dim": 8}, training_loop="lcwa", sampler="random",
        sampler_kwargs={"seed": 0}, metric="mrr", **QUIET,
    )  # fmt: skip
    values = [trial.value for trial in found.study.trials]
    assert len(values) == 2
    assert all(value is not None and 0 < value < 1 for value in values)
    assert found.study.best_value == max(value for value in values if value)
    trained = pipeline(
        dataset=data, model="DistMult", epochs=8, model_kwargs={"embedding_dim": 16}, training_loop="lcwa",
        optimizer_kwargs={"lr": 0.05}, random_seed=0, **QUIET,
    )  # fmt: skip
    assert "optimizer.lr" in found.study.best_params
    assert trained.get_metric("mrr") > 0.4


@pytest.mark.realdata
@nations
@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("model", ["DistMult", "RotatE"])
def test_pykeens_evaluator_gives_a_runs_figures(model: str, reciprocal: bool, tmp_path: Path) -> None:
    training = {"epochs": 6, "batch": 256, "every": 3, "reciprocal": reciprocal}
    config = {"graph": {"folder": str(NATIONS)}, "model": {"name": model, "dimension": 16}, "training": training}
    run = train(parse_config(config), runs=tmp_path)
    data = dataset(read_folder(NATIONS))
    scorer: Any = load_scorer(run)
    assert data.validation is not None
    figures = RankBasedEvaluator(filtered=True).evaluate(
        scorer.model, data.testing.mapped_triples, batch_size=64, use_tqdm=False,
        additional_filter_triples=[data.training.mapped_triples, data.validation.mapped_triples],
    )  # fmt: skip
    ours = run.metrics()["test"]["model"]
    assert ours["mrr"] == pytest.approx(figures.get_metric("both.realistic.inverse_harmonic_mean_rank"), abs=1e-5)
    assert ours["hits@10"] == pytest.approx(figures.get_metric("both.realistic.hits_at_10"), abs=1e-5)


def test_the_script_of_the_docs_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("embedded:./graph-store", create=True)
    load_sample(store)
    small = {"model": {"name": "DistMult", "dimension": 16}, "training": {"epochs": 3}}
    run = train(parse_config({"name": "distmult", **small}), store)
    store.close()
    section = (ROOT / "docs" / "training.md").read_text("utf-8").split("## With PyKEEN's own tools")[1]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    script = found[1].replace("n_trials=20, epochs=50", "n_trials=2, epochs=1")
    assert script != found[1]
    exec(compile(script, "docs/training.md", "exec"), {})  # noqa: S102
    best, mrr = capsys.readouterr().out.splitlines()[-2:]
    assert "optimizer.lr" in best
    assert float(mrr) == pytest.approx(run.metrics()["test"]["model"]["mrr"], abs=1e-5)
