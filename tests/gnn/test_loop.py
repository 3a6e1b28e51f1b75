"""Our loop and PyKEEN's: they learn, stop, resume, and say what went wrong."""

from __future__ import annotations

import copy
import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gnn.adagrad import RowAdagrad, RowAdam
from gnn.config import ConfigError, RunConfig, parse_config, read_config
from gnn.evaluate import metrics, rank
from gnn.gradients import RowGradients, draw, own_answers
from gnn.kge import build
from gnn.loop import Loop, train_shared
from gnn.losses import objective
from gnn.pykeen_loop import train_pykeen
from gnn.scorer import Arrays, Epoch, Scorer, Trained, TrainingError
from gnn.triples import Split, Vocabulary, read_folder

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("REELGRAPH_DATA", ROOT.parent / "shared" / "data")) / "link-prediction"
realdata = pytest.mark.realdata


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def rings() -> Split:
    """Two relations whose right answers are known: the next of 60 on a ring, and the one across."""
    places = np.arange(60)
    triples = np.concatenate([np.stack([places, places * 0 + r, (places + (1, 30)[r]) % 60], 1) for r in (0, 1)])
    order = np.random.default_rng(0).permutation(len(triples))
    held, rest = triples[order[:6]], triples[order[6:]]
    return Split(Vocabulary(tuple(map(str, places)), ("next", "across")), rest, held, held)


def configured(**training: Any) -> RunConfig:
    model = training.pop("model", "ComplEx")
    raw = {"epochs": 6, "batch": 16, "negatives": 32, "every": 2, "learning_rate": 0.1} | training
    return parse_config({"model": {"name": model, "dimension": 16}, "training": raw})


def mrr(split: Split, part: str = "train") -> Any:
    return lambda scorer: metrics(rank(scorer, getattr(split, part), split, batch=256)).mrr


def silent(_: Epoch) -> None:
    pass


class Kept:
    """A checkpoint in memory that ends the run after some epochs, as a kill would."""

    def __init__(self, kill_after: int | None = None) -> None:
        self.kill_after, self.kept = kill_after, None

    def save(self, epoch: int, state: Arrays, meta: dict[str, Any]) -> None:
        self.kept = copy.deepcopy((epoch, state, meta))
        if epoch == self.kill_after:
            raise KeyboardInterrupt

    def load(self) -> tuple[int, Arrays, dict[str, Any]] | None:
        return self.kept


@pytest.mark.parametrize("loss", ["crossentropy", "nssa", "bce", "margin"])
@pytest.mark.parametrize("negatives", [0, 32])
def test_every_loss_learns(rings: Split, loss: str, negatives: int) -> None:
    config = configured(loss=loss, negatives=negatives, epochs=25, every=25, margin=2.0, learning_rate=0.3)
    before = mrr(rings)(build(config, rings.vocabulary))
    assert train_shared(rings, config, mrr(rings), checkpoint=None, report=silent).best_mrr > before + 0.3


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "DistMult", "optimizer": "adam", "learning_rate": 0.02},
        {"model": "TransE", "reciprocal": True, "learning_rate": 0.3},
        {"model": "RotatE", "loss": "nssa", "temperature": 1.0, "margin": 3.0, "learning_rate": 0.3},
        {"model": "TuckER", "optimizer": "adam", "learning_rate": 0.01, "reciprocal": True},
        {"model": "SimplE", "learning_rate": 0.3},
        {"regulariser": "n3", "regularisation": 0.001, "dropout": 0.1, "label_smoothing": 0.1},
        {"regulariser": "l2", "regularisation": 0.001, "schedule": "cosine", "reciprocal": True},
        {"precision": "bfloat16", "schedule": "plateau"},
    ],
)
def test_models_and_settings_learn(rings: Split, settings: dict[str, Any]) -> None:
    config = configured(epochs=40, every=40, **settings)
    before = mrr(rings)(build(config, rings.vocabulary))
    assert train_shared(rings, config, mrr(rings), checkpoint=None, report=silent).best_mrr > before + 0.1


@pytest.mark.parametrize("train", [train_shared, train_pykeen])
@pytest.mark.parametrize("optimizer", ["adagrad", "adam"])
def test_a_killed_run_ends_as_an_unbroken_one(rings: Split, train: Any, optimizer: str) -> None:
    config = configured(optimizer=optimizer, regulariser="n3", regularisation=0.01, negatives=8)
    whole = train(rings, config, mrr(rings), checkpoint=Kept(), report=silent)
    kept, epochs = Kept(kill_after=2), []
    with pytest.raises(KeyboardInterrupt):
        train(rings, config, mrr(rings), checkpoint=kept, report=silent)
    kept.kill_after = None
    resumed: Trained = train(
        rings, config, mrr(rings), checkpoint=kept, report=lambda epoch: epochs.append(epoch.number)
    )
    assert epochs == [3, 4, 5, 6]
    assert (resumed.best_epoch, resumed.best_mrr, resumed.stopped) == (whole.best_epoch, whole.best_mrr, whole.stopped)
    assert all(np.array_equal(array, resumed.scorer.state()[name]) for name, array in whole.scorer.state().items())


@pytest.mark.parametrize("train", [train_shared, train_pykeen])
def test_it_stops_early_with_the_best_parameters(rings: Split, train: Any) -> None:
    falling = iter([0.5, 0.4, 0.3, 0.2])
    states: list[Arrays] = []

    def evaluator(scorer: Scorer) -> float:
        states.append({name: array.copy() for name, array in scorer.state().items()})
        return next(falling)

    config = configured(patience=2, every=1, epochs=50, negatives=4)
    trained = train(rings, config, evaluator, checkpoint=None, report=silent)
    assert (trained.epochs, trained.best_epoch, trained.best_mrr) == (3, 1, 0.5)
    assert "no better validation MRR in 2 evaluations since epoch 1" in trained.stopped
    assert all(np.array_equal(array, states[0][name]) for name, array in trained.scorer.state().items())


def test_a_loss_that_is_no_number_stops_and_keeps_the_checkpoint(rings: Split) -> None:
    kept = Kept()

    def poison(epoch: Epoch) -> None:
        if epoch.number == 3:
            loop_weights.copy_(torch.full_like(loop_weights, torch.nan))

    def evaluator(scorer: Any) -> float:
        nonlocal loop_weights
        loop_weights = scorer.entities.data
        return 0.1

    loop_weights = torch.zeros(0)
    with pytest.raises(TrainingError, match=r"the loss is nan in epoch 4, batch 1: .* lower training.learning_rate"):
        train_shared(rings, configured(), evaluator, checkpoint=kept, report=poison)
    assert kept.kept is not None
    assert kept.kept[0] == 2
    assert all(np.isfinite(array).all() for array in kept.kept[1].values())


def test_too_little_memory_names_the_setting(rings: Split) -> None:
    loop = Loop(rings, configured(negatives=0))
    error = loop._failure(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …"), 1, 7)
    assert isinstance(error, TrainingError)
    assert "out of memory in epoch 1, batch 7" in str(error)
    assert "lower training.batch (16), or draw training.negatives (0 is all 60 entities)" in str(error)
    other = RuntimeError("shapes do not fit")
    assert loop._failure(other, 1, 7) is other


def test_only_the_rows_of_a_batch_change(rings: Split) -> None:
    loop = Loop(rings, configured(negatives=4))
    before = loop.kge.entities.detach().clone()
    loop._step(torch.tensor([[1, 0, 2]]), torch.Generator().manual_seed(0))
    changed = (loop.kge.entities != before).any(1).nonzero()[:, 0]
    assert {1, 2} <= set(changed.tolist())
    assert len(changed) <= 2 + 2 * 4


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("name", ["DistMult", "ComplEx", "TransE", "RotatE"])
def test_a_pool_of_everything_is_the_loss_over_everything(rings: Split, name: str, reciprocal: bool) -> None:
    config = configured(model=name, reciprocal=reciprocal, regulariser="n3", regularisation=0.1)
    gradients = RowGradients(build(config, rings.vocabulary), config.training)
    batch, generator = torch.from_numpy(rings.train[:16]), torch.Generator()
    every = torch.arange(60)
    pools = type(draw(60, 4, generator, every.device))(every, every)
    pooled = gradients.loss(batch, pools, generator)
    torch.autograd.backward(pooled)
    sparse = next(iter(gradients.changes()))
    exact = gradients.loss(batch, draw(60, 0, generator, every.device), generator)
    torch.autograd.backward(exact)
    dense = next(iter(gradients.changes()))
    torch.testing.assert_close(pooled, exact)
    assert sparse.ids is not None
    torch.testing.assert_close(sparse.gradient, dense.gradient[sparse.ids], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["crossentropy", "nssa", "bce", "margin"])
def test_an_answer_in_the_pool_is_no_negative(name: str) -> None:
    hits = own_answers(torch.tensor([2, 5, 9]), torch.tensor([5, 1, 9]))
    assert torch.stack(hits, 1).tolist() == [[0, 1], [2, 2]]
    measured = objective(parse_config({"training": {"loss": name, "margin": 1.0}}).training)
    chance = torch.Generator().manual_seed(0)
    inputs = torch.randn(3, generator=chance), torch.randn(3, 3, generator=chance)
    positive, pool = (one.double().requires_grad_() for one in inputs)
    found = measured(positive, pool, hits)
    found.backward()
    assert pool.grad is not None
    assert pool.grad[0, 1] == pool.grad[2, 2] == 0
    masked = pool.detach().masked_fill(torch.tensor([[0, 1, 0], [0, 0, 0], [0, 0, 1]]) > 0, -torch.inf)
    torch.testing.assert_close(found, measured(positive.detach(), masked))


def test_cross_entropy_and_its_gradient_are_torchs() -> None:
    measured = objective(parse_config({}).training)
    chance = torch.Generator().manual_seed(0)
    positive = torch.randn(5, dtype=torch.float64, generator=chance).requires_grad_()
    pool = (50 * torch.randn(5, 7, dtype=torch.float64, generator=chance)).requires_grad_()
    ours = measured(positive, pool)
    theirs = torch.nn.functional.cross_entropy(
        torch.cat([positive[:, None], pool], 1), torch.zeros(5, dtype=torch.int64)
    )
    torch.testing.assert_close(ours, theirs)
    for mine, torchs in zip(
        torch.autograd.grad(3 * ours, (positive, pool)), torch.autograd.grad(3 * theirs, (positive, pool)), strict=True
    ):
        torch.testing.assert_close(mine, torchs)


def test_adagrad_is_torchs_where_a_row_is_one_number() -> None:
    ours, theirs = torch.ones(4, 1), torch.nn.Parameter(torch.ones(4, 1))
    row, torchs = RowAdagrad({"x": ours}, 0.5), torch.optim.Adagrad([theirs], 0.5)
    for step in range(3):
        gradient = torch.arange(4.0)[:, None] + step
        theirs.grad = gradient.clone()
        torchs.step()
        row.step("x", None if step == 1 else torch.arange(4), gradient)
    torch.testing.assert_close(ours, theirs.data)


def test_adam_is_torchs() -> None:
    ours, theirs = torch.ones(4, 3), torch.nn.Parameter(torch.ones(4, 3))
    row, torchs = RowAdam({"x": ours}, 0.5), torch.optim.Adam([theirs], 0.5)
    for step in range(4):
        gradient = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
        theirs.grad = gradient.clone()
        torchs.step()
        row.step("x", None if step == 1 else torch.arange(4), gradient)
    torch.testing.assert_close(ours, theirs.data)


def test_what_is_configured_wrongly_is_said(rings: Split) -> None:
    with pytest.raises(ConfigError, match=r"no loss 'crosentropy'; did you mean crossentropy\?"):
        Loop(rings, configured(loss="crosentropy"))
    with pytest.raises(ConfigError, match=r"PyKEEN cannot make 'nsssa'.*did you mean nssa"):
        train_pykeen(rings, configured(loss="nsssa"), mrr(rings), checkpoint=None, report=silent)
    config = configured(options={"negative_samplr": "basic"})
    with pytest.raises(ConfigError, match=r"no 'negative_samplr'; did you mean negative_sampler"):
        train_pykeen(rings, config, mrr(rings), checkpoint=None, report=silent)
    with pytest.raises(ConfigError, match="dropout: only our own loop has it"):
        train_pykeen(rings, configured(dropout=0.5), mrr(rings), checkpoint=None, report=silent)


@pytest.mark.parametrize(
    "settings",
    [
        {"negatives": 4, "loss": "nssa"},
        {"negatives": 0, "reciprocal": True},
        {"negatives": 4, "loss": "softplus", "options": {"negative_sampler": "bernoulli"}},
    ],
)
def test_pykeens_loop_learns(rings: Split, settings: dict[str, Any]) -> None:
    config = configured(epochs=10, every=10, learning_rate=0.1, optimizer="adam", **settings)
    config = config.model_copy(update={"training": config.training.model_copy(update={"loop": "pykeen"})})
    before = mrr(rings)(build(config, rings.vocabulary))
    trained = train_pykeen(rings, config, mrr(rings), checkpoint=None, report=silent)
    assert trained.best_mrr > before + 0.1


@pytest.mark.parametrize("model", ["DistMult", "ComplEx", "TransE", "RotatE"])
def test_a_trained_model_scores_by_pykeens_functions_as_by_ours(rings: Split, model: str) -> None:
    scorer: Any = train_shared(rings, configured(model=model), mrr(rings), checkpoint=None, report=silent).scorer
    triples = torch.from_numpy(rings.train)
    torch.testing.assert_close(scorer.model.predict_hrt(triples)[:, 0], scorer.triples(triples), rtol=1e-4, atol=1e-4)


def tracked(rings: Split, **options: Any) -> Trained:
    config = configured(negatives=4, loop="pykeen", options=options)
    return train_pykeen(rings, config, mrr(rings), checkpoint=None, report=silent)


def test_pykeens_trackers_write_the_course_of_training(rings: Split, tmp_path: Path) -> None:
    best = tracked(rings, result_tracker="csv", result_tracker_kwargs={"path": str(tmp_path / "x.csv")}).best_mrr
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["key"]: row["value"] for row in rows if row["type"] == "parameter"}["model.name"] == "ComplEx"
    losses = [float(row["value"]) for row in rows if row["key"] == "loss"]
    assert len(losses) == 6
    assert losses[-1] < losses[0]
    chosen = {row["step"]: float(row["value"]) for row in rows if row["key"] == "validation.mrr"}
    assert list(chosen) == ["2", "4", "6"]
    assert max(chosen.values()) == best
    tracked(rings, result_tracker="json", result_tracker_kwargs={"path": str(tmp_path / "x.jsonl")})
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text("utf-8").splitlines()]
    assert lines[0]["params"]["training"]["loop"] == "pykeen"
    assert [line["step"] for line in lines[1:] if line["prefix"] is None] == [1, 2, 3, 4, 5, 6]


def test_a_tracker_that_pykeen_lacks_is_said(rings: Split) -> None:
    with pytest.raises(ConfigError, match=r"training\.options: PyKEEN cannot make its loop with .*'csvv'"):
        tracked(rings, result_tracker="csvv")


@realdata
@pytest.mark.skipif(not DATA.exists(), reason=f"no {DATA}: set REELGRAPH_DATA")
@pytest.mark.parametrize(("name", "floor"), [("nations", 0.75), ("umls", 0.85)])
def test_accuracy_has_a_floor(name: str, floor: float) -> None:
    config = read_config(ROOT / "configs" / f"{name}.toml")
    split = read_folder(DATA / name)
    trained = train_shared(split, config, mrr(split, "valid"), checkpoint=None, report=silent)
    assert mrr(split, "test")(trained.scorer) >= floor
