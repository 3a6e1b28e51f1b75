"""Graph neural networks: messages as dense matrices say, structure learned, newcomers beside their twins, resume."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gnn.config import ConfigError, RunConfig, parse_config
from gnn.evaluate import metrics, rank
from gnn.inductive import GraphScorer, scorer_from
from gnn.layers import Block, RelationalLayer, SageLayer, index_sum
from gnn.scorer import Arrays, Epoch, Trained, TrainingError
from gnn.triples import Split, Vocabulary

pytest.importorskip("dgl", reason="dgl is not installed (its wheels stop at Python 3.11)", exc_type=ImportError)

from gnn.graphnet import MessageGraph, copy_u_sum, train_graphnet

MODELS = ("GraphSAGE", "RGCN")
GROUPS, PEOPLE, TITLES = 6, 60, 90


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def toy(seed: int = 0) -> Split:
    """People act in and direct titles of their own group alone; a third of the pairs, some held out.

    The last title of each group is in no training triple: the newcomers.
    """
    chance = np.random.default_rng(seed)
    person, relation, title = np.indices((PEOPLE, 2, TITLES)).reshape(3, -1)
    triples = np.stack([person, relation, title + PEOPLE], 1)
    triples = triples[(person % GROUPS == title % GROUPS) & (chance.random(len(triples)) < 0.35)]
    triples = triples[triples[:, 2] < PEOPLE + TITLES - GROUPS]
    chance.shuffle(triples)
    names = tuple(f"Person:{n}" for n in range(PEOPLE)) + tuple(f"Title:{n}" for n in range(TITLES))
    cut = len(triples) // 8
    return Split(Vocabulary(names, ("ACTED_IN", "DIRECTED")), triples[2 * cut :], triples[:cut], triples[cut : 2 * cut])


def features() -> np.ndarray:
    """The label, a number that says nothing, and the group with noise for titles."""
    chance = np.random.default_rng(1)
    made = np.zeros((PEOPLE + TITLES, 3), np.float32)
    made[:PEOPLE, 0] = made[PEOPLE:, 1] = 1
    made[:, 2] = chance.normal(size=len(made))
    return made


def config(model: str, **training: Any) -> RunConfig:
    settings = {"epochs": 30, "batch": 64, "negatives": 64, "optimizer": "adam", "learning_rate": 0.02, "every": 10}
    model_settings = {"name": model, "dimension": 16, "options": {"fanout": [5, 5], "bases": 2}}
    return parse_config({"seed": 3, "model": model_settings, "training": settings | training})


def mrr(split: Split, part: str = "valid") -> Callable[[Any], float]:
    return lambda scorer: metrics(rank(scorer, getattr(split, part), split)).mrr


def train(model: str, checkpoint: Any = None, seen: list[Epoch] | None = None, **training: Any) -> Trained:
    split = toy()
    report = seen.append if seen is not None else list[Epoch]().append
    return train_graphnet(
        split, config(model, **training), features(), mrr(split), checkpoint=checkpoint, report=report
    )


class Memory:
    """A checkpoint that is kept in memory, and the epoch after which the process is to die."""

    def __init__(self, dies_at: int = 0) -> None:
        self.kept: tuple[int, Arrays, dict[str, Any]] | None = None
        self.dies_at = dies_at

    def save(self, epoch: int, state: Arrays, meta: dict[str, Any]) -> None:
        self.kept = copy.deepcopy((epoch, state, meta))
        if epoch == self.dies_at:
            raise KeyboardInterrupt

    def load(self) -> tuple[int, Arrays, dict[str, Any]] | None:
        return self.kept


def random_block(chance: torch.Generator, rows: int = 12, targets: int = 7, edges: int = 60, kinds: int = 4) -> Block:
    def numbers(most: int) -> torch.Tensor:
        return torch.randint(most, (edges,), generator=chance)

    return Block(numbers(rows), numbers(targets - 1), numbers(kinds), targets)  # the last target has no neighbour


@pytest.mark.parametrize("add", [copy_u_sum, index_sum])
def test_messages_are_what_dense_matrices_say(add: Any) -> None:
    chance = torch.Generator().manual_seed(0)
    block, rows = random_block(chance), torch.randn(12, 5, generator=chance)
    edges = list(zip(block.sources.tolist(), block.targets.tolist(), block.relations.tolist(), strict=True))
    x = rows.numpy().astype(np.float64)

    sage = SageLayer(5)
    dense = np.zeros((7, 12))
    for source, target, _ in edges:
        dense[target, source] += 1
    dense /= np.maximum(dense.sum(1, keepdims=True), 1)
    own, bias, near = (p.detach().numpy() for p in (sage.own.weight, sage.own.bias, sage.near.weight))
    assert sage(block, rows, add).detach().numpy() == pytest.approx(x[:7] @ own.T + bias + dense @ x @ near.T, abs=1e-5)

    layer = RelationalLayer(5, 4, 2)
    expected = x[:7] @ layer.own.weight.detach().numpy().T + layer.own.bias.detach().numpy()
    for kind in range(4):
        dense = np.zeros((7, 12))
        for source, target, relation in edges:
            dense[target, source] += relation == kind
        dense /= np.maximum(dense.sum(1, keepdims=True), 1)
        matrix = sum(layer.shares[kind, basis] * layer.bases[basis] for basis in range(2))
        expected += dense @ x @ matrix.detach().numpy()
    assert layer(block, rows, add).detach().numpy() == pytest.approx(expected, abs=1e-5)


def test_gradients_are_the_same_by_dgl_and_by_torch() -> None:
    chance = torch.Generator().manual_seed(1)
    block, layer = random_block(chance), RelationalLayer(5, 4, 2)
    gradients = []
    for add in (copy_u_sum, index_sum):
        rows = torch.randn(12, 5, generator=chance.manual_seed(2)).requires_grad_()
        layer.zero_grad()
        layer(block, rows, add).square().sum().backward()
        gradients.append([rows.grad, *(parameter.grad for parameter in layer.parameters())])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_a_sample_has_both_directions_and_not_what_is_predicted() -> None:
    triples = np.array([[0, 0, 1], [0, 1, 2], [3, 0, 1], [3, 1, 2]])
    graph = MessageGraph(5, 2, triples)
    inputs, (outer, inner) = graph.sample(torch.tensor([1, 4]), [-1, -1], without=torch.tensor([0]))
    assert inputs[:2].tolist() == [1, 4]
    assert _named(inner, inputs) == {(3, 0, 1)}
    assert _named(outer, inputs) == {(3, 0, 1), (1, 2, 3), (2, 3, 3)}
    inputs, block = graph.everything(torch.tensor([1, 2]))
    assert _named(block, inputs) == {(0, 0, 1), (3, 0, 1), (0, 1, 2), (3, 1, 2)}
    _, (narrow,) = graph.sample(torch.arange(5), [1], without=torch.empty(0, dtype=torch.int64))
    assert torch.bincount(narrow.targets).tolist() == [1, 1, 1, 1]


def _named(block: Block, inputs: torch.Tensor) -> set[tuple[int, int, int]]:
    ends = inputs[block.sources].tolist(), block.relations.tolist(), inputs[block.targets].tolist()
    return set(zip(*ends, strict=True))


@pytest.fixture(scope="module", params=MODELS)
def trained(request: pytest.FixtureRequest) -> tuple[str, Trained]:
    return request.param, train(request.param)


def test_structure_is_learned(trained: tuple[str, Trained]) -> None:
    split = toy()
    test = mrr(split, "test")
    # Knowing the group and nothing else gives about 0.32, guessing 0.04.
    assert test(trained[1].scorer) > 0.25
    assert trained[1].best_mrr == pytest.approx(mrr(split)(trained[1].scorer))


def test_a_newcomer_lies_beside_its_twins(trained: tuple[str, Trained]) -> None:
    scorer = trained[1].scorer
    assert isinstance(scorer, GraphScorer)
    newcomers = np.arange(PEOPLE + TITLES - GROUPS, PEOPLE + TITLES)
    links: list[list[tuple[int, Any, list[int]]]] = []
    for title in range(TITLES - GROUPS, TITLES):
        people = list(range(title % GROUPS, PEOPLE, GROUPS))
        links.append([(0, "in", people[:3]), (1, "in", people[3:6])])
    vectors = scorer.embed_new(features()[newcomers], links)
    others = scorer.entity_vectors()[PEOPLE : PEOPLE + TITLES - GROUPS]
    cosine = (vectors / np.linalg.norm(vectors, axis=1)[:, None]) @ (others / np.linalg.norm(others, axis=1)[:, None]).T
    nearest = np.argsort(-cosine, axis=1)[:, :5] % GROUPS
    assert (nearest == (np.arange(TITLES - GROUPS, TITLES) % GROUPS)[:, None]).mean() > 0.9


def test_an_entity_in_no_training_triple_has_the_vector_of_a_newcomer(trained: tuple[str, Trained]) -> None:
    scorer = trained[1].scorer
    assert isinstance(scorer, GraphScorer)
    last = PEOPLE + TITLES - 1
    assert scorer.embed_new(features()[[last]], [[]])[0] == pytest.approx(scorer.entity_vectors()[last], abs=1e-5)
    with pytest.raises(ValueError, match="features have 0 columns, the model was trained with 3"):
        scorer.embed_new(None, [[]])


def test_a_scorer_comes_back_from_its_state(trained: tuple[str, Trained]) -> None:
    model, done = trained
    state = done.scorer.state()
    again = scorer_from(config(model), state)
    hrt = torch.from_numpy(toy().test)
    torch.testing.assert_close(again.triples(hrt), done.scorer.triples(hrt))
    tails = again.tails(hrt[:, 0], hrt[:, 1])
    torch.testing.assert_close(tails[torch.arange(len(hrt)), hrt[:, 2]], again.triples(hrt))
    torch.testing.assert_close(again.heads(hrt[:, 1], hrt[:, 2], hrt[:3, 0])[0, 0], again.triples(hrt)[0])
    with pytest.raises(ValueError, match=r"rows\.1 has the shape"):
        again.load_state(state | {"rows.1": state["rows.1"][1:]})
    with pytest.raises(ValueError, match="not the state of a graph neural network"):
        scorer_from(config(model), {})


@pytest.mark.parametrize("model", MODELS)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(model: str) -> None:
    settings = {"epochs": 4, "every": 2, "schedule": "plateau"}
    whole = train(model, **settings)
    memory, seen = Memory(dies_at=2), list[Epoch]()
    with pytest.raises(KeyboardInterrupt):
        train(model, memory, **settings)
    resumed = train(model, memory, seen, **settings)
    assert [epoch.number for epoch in seen] == [3, 4]
    assert (resumed.best_epoch, resumed.best_mrr) == (whole.best_epoch, whole.best_mrr)
    assert (resumed.scorer.entity_vectors() == whole.scorer.entity_vectors()).all()


def test_a_loss_that_is_not_finite_stops_and_keeps_the_checkpoint() -> None:
    memory = Memory()
    train("GraphSAGE", memory, epochs=2, every=2)
    kept = copy.deepcopy(memory.kept)
    with pytest.raises(TrainingError, match=r"loss is (nan|inf) in epoch 3, batch \d+ of \d+"):
        train("GraphSAGE", memory, epochs=4, every=2, learning_rate=1e30)
    assert kept is not None
    assert memory.kept is not None
    assert kept[0] == memory.kept[0] == 2
    assert all((kept[1][name] == memory.kept[1][name]).all() for name in kept[1])


def test_patience_ends_it() -> None:
    done = train("GraphSAGE", epochs=50, every=1, patience=1, learning_rate=1e-9)
    assert done.epochs < 50
    assert done.stopped.startswith("no better validation MRR")


@pytest.mark.parametrize(("changed", "said"), [
    ({"training": {"device": "cuda"}}, r"training\.device: .*dgl 1\.1\.3.*built for CPU.*use cpu"),
    ({"training": {"loop": "pykeen"}}, r"training\.loop: graph neural networks know 'shared' alone"),
    ({"model": {"name": "RGCN", "options": {"fan": [1]}}}, r"model\.options\.fan: .*there are fanout"),
    ({"model": {"name": "RGCN", "options": {"bases": 0}}}, r"model\.options\.bases"),
    ({"training": {"loss": "hinge"}}, "hinge"),
])  # fmt: skip
def test_settings_that_do_not_apply_are_refused(changed: dict[str, Any], said: str) -> None:
    split = toy()
    wrong = parse_config({"model": {"name": "GraphSAGE"}} | changed)
    with pytest.raises(ConfigError, match=said):
        train_graphnet(split, wrong, None, mrr(split), checkpoint=None, report=list[Epoch]().append)


def test_without_dgl_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dgl", None)  # what an import finds where it is not installed
    with pytest.raises(TrainingError, match=r"pip install 'reelgraph\[train\]' on Python 3\.11"):
        train("RGCN")
