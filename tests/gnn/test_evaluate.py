"""Ranks: by hand, against a slow count, and against PyKEEN's evaluator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn import evaluate
from gnn.evaluate import EvaluationError, Ranks, compare, interval, metrics, rank
from gnn.triples import Ids, Split, Vocabulary

DATA = Path(os.environ.get("REELGRAPH_DATA", Path(__file__).parents[3] / "shared" / "data")) / "link-prediction"


class Table:
    """A scorer that has every score written down: (heads, relations, tails)."""

    dimension = 0

    def __init__(self, scores: npt.ArrayLike) -> None:
        self.scores = torch.tensor(scores, dtype=torch.float32)

    def tails(self, heads: torch.Tensor, relations: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
        return self.scores[heads, relations][:, slice(None) if among is None else among]

    def heads(self, relations: torch.Tensor, tails: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
        return self.scores[:, relations, tails].T[:, slice(None) if among is None else among]

    def triples(self, hrt: torch.Tensor) -> torch.Tensor:
        return self.scores[hrt[:, 0], hrt[:, 1], hrt[:, 2]]

    def entity_vectors(self) -> npt.NDArray[np.float32]:
        return np.zeros((len(self.scores), 0), np.float32)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        pass


def split_of(entities: int, relations: int, train: Any, valid: Any = (), test: Any = ()) -> Split:
    vocabulary = Vocabulary(
        tuple(f"e{number}" for number in range(entities)), tuple(f"r{number}" for number in range(relations))
    )
    return Split(vocabulary, *(np.array(list(part), np.int64).reshape(-1, 3) for part in (train, valid, test)))


def slow_ranks(scores: npt.NDArray[np.float32], queries: Ids, split: Split) -> list[tuple[float, int]]:
    known = {tuple(row) for row in split.everything.tolist()}
    found = []
    for side in ("tail", "head"):
        for head, relation, tail in queries.tolist():
            optimistic = pessimistic = candidates = 1
            for entity in range(len(scores)):
                other = (head, relation, entity) if side == "tail" else (entity, relation, tail)
                if other == (head, relation, tail) or other in known:
                    continue
                candidates += 1
                optimistic += int(scores[other] > scores[head, relation, tail])
                pessimistic += int(scores[other] >= scores[head, relation, tail])
            found.append(((optimistic + pessimistic) / 2, candidates))
    return found


def test_ranks_by_hand() -> None:
    scores = np.zeros((5, 1, 5))
    scores[0, 0] = [9, 5, 7, 5, 1]  # tails of e0
    scores[:, 0, 1] = [5, 0, 5, 8, 8]  # heads of e1
    split = split_of(5, 1, train=[(0, 0, 2), (3, 0, 1)], test=[(0, 0, 1)])
    ranks = rank(Table(scores), split.test, split)
    # Tails: e0 is better, e2 is known, e3 is as good. Heads: e3 is known, e4 is better, e2 as good.
    assert ranks.ranks.tolist() == [2.5, 2.5]
    assert ranks.candidates.tolist() == [4, 4]
    summed = metrics(ranks)
    assert summed.mrr == pytest.approx(1 / 2.5)
    assert summed.hits == {1: 0.0, 3: 1.0, 10: 1.0}
    assert summed.amri == pytest.approx(0.0)
    assert (summed.queries, summed.kind) == (2, "full")


def test_a_model_that_says_the_same_of_everything_is_no_better_than_chance() -> None:
    split = split_of(11, 1, train=[(0, 0, 1)], test=[(2, 0, 3), (4, 0, 5)])
    summed = metrics(rank(Table(np.ones((11, 1, 11))), split.test, split))
    assert summed.amri == pytest.approx(0)
    assert summed.mrr == pytest.approx(1 / 6)
    assert summed.hits[1] == 0


@st.composite
def worlds(draw: st.DrawFn) -> tuple[npt.NDArray[np.float32], Split, Ids]:
    entities, relations = draw(st.integers(2, 7)), draw(st.integers(1, 3))
    triple = st.tuples(st.integers(0, entities - 1), st.integers(0, relations - 1), st.integers(0, entities - 1))
    parts = [draw(st.lists(triple, max_size=25)) for _ in range(3)]
    queries = np.array(draw(st.lists(triple, min_size=1, max_size=40)), np.int64)
    seed, levels = draw(st.integers(0, 99)), draw(st.integers(1, 6))
    scores = np.random.default_rng(seed).integers(0, levels, (entities, relations, entities)).astype(np.float32)
    return scores, split_of(entities, relations, *parts), queries


@settings(max_examples=150, deadline=None)
@given(worlds(), st.integers(1, 50))
def test_ranks_are_those_of_a_slow_count(
    world: tuple[npt.NDArray[np.float32], Split, Ids], batch: int
) -> None:  # queries known and unknown, twice, in any order
    scores, split, queries = world
    ranks = rank(Table(scores), queries, split, batch=batch)
    assert list(zip(ranks.ranks, ranks.candidates, strict=True)) == slow_ranks(scores, queries, split)


class Pykeen(Table):
    """A PyKEEN model by its own scoring functions."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def tails(self, heads: torch.Tensor, relations: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
        return self.model.score_t(torch.stack([heads, relations], 1), tails=among)

    def heads(self, relations: torch.Tensor, tails: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
        return self.model.score_h(torch.stack([relations, tails], 1), heads=among)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["nations", "umls"])
@pytest.mark.skipif(not DATA.exists(), reason="no link-prediction data: set REELGRAPH_DATA")
def test_figures_are_pykeens(name: str) -> None:
    from pykeen.evaluation import RankBasedEvaluator
    from pykeen.models import DistMult
    from pykeen.triples import CoreTriplesFactory

    split = read(DATA / name)
    entities, relations = len(split.vocabulary.entities), len(split.vocabulary.relations)
    factory = CoreTriplesFactory(torch.from_numpy(split.train), entities, relations)
    model = DistMult(triples_factory=factory, embedding_dim=4, random_seed=0)
    with torch.no_grad():
        for parameter in model.parameters():  # whole numbers: exact, and full of ties
            parameter.copy_(torch.randint(-1, 2, parameter.shape, generator=torch.Generator().manual_seed(1)))
    theirs = RankBasedEvaluator(filtered=True, clear_on_finalize=False)
    result = theirs.evaluate(
        model,
        torch.from_numpy(split.test),
        batch_size=64,
        additional_filter_triples=[torch.from_numpy(split.train), torch.from_numpy(split.valid)],
        use_tqdm=False,
    )
    ranks = rank(Pykeen(model), split.test, split)
    ours = metrics(ranks)
    for side in ("tail", "head"):
        expected = np.concatenate(theirs.ranks[side, "realistic"])
        assert np.sort(ranks.where(ranks.side == evaluate.SIDES.index(side)).ranks) == pytest.approx(np.sort(expected))
    assert ours.mrr == pytest.approx(result.get_metric("both.realistic.inverse_harmonic_mean_rank"), abs=1e-6)
    for k, share in ours.hits.items():
        assert share == pytest.approx(result.get_metric(f"both.realistic.hits_at_{k}"), abs=1e-6)
    assert ours.amri == pytest.approx(result.get_metric("both.realistic.adjusted_arithmetic_mean_rank_index"), abs=1e-6)


def read(folder: Path) -> Split:
    parts = [[line.split("\t") for line in (folder / f"{part}.txt").read_text().splitlines()]
             for part in ("train", "valid", "test")]  # fmt: skip
    everything = [row for part in parts for row in part]
    entities = sorted({end for row in everything for end in (row[0], row[2])})
    vocabulary = Vocabulary(tuple(entities), tuple(sorted({row[1] for row in everything})))
    number, relation = vocabulary.entity_numbers, vocabulary.relation_numbers
    return Split(vocabulary, *(np.array([(number[h], relation[r], number[t]) for h, r, t in part]) for part in parts))


def random_world(entities: int = 300) -> tuple[Table, Split]:
    generator = np.random.default_rng(3)
    triples = np.unique(generator.integers(0, [entities, 2, entities], (900, 3)), axis=0)
    generator.shuffle(triples)
    scores = generator.normal(size=(entities, 2, entities)).astype(np.float32)
    for head, relation, tail in triples:
        scores[head, relation, tail] += 2
    return Table(scores), split_of(entities, 2, triples[:-200], triples[-200:-100], triples[-100:])


def test_a_sampled_figure_says_so_is_repeatable_and_is_never_compared_with_a_full_one() -> None:
    scorer, split = random_world()
    full, sampled = (metrics(rank(scorer, split.test, split, sampled=count)) for count in (0, 50))
    assert sampled.kind == "sampled of 50"
    assert sampled == metrics(rank(scorer, split.test, split, sampled=50))
    assert sampled != metrics(rank(scorer, split.test, split, sampled=50, seed=1))
    assert sampled.mrr > full.mrr, "fewer candidates make a better rank"
    assert sampled.amri == pytest.approx(full.amri, abs=0.05), "which AMRI corrects for"
    with pytest.raises(EvaluationError, match="sampled of 50 figure and a full one"):
        compare(sampled, full)
    assert compare(full, full) == 0
    assert metrics(rank(scorer, split.test, split, sampled=300)).kind == "full"


def test_a_sampled_rank_leaves_the_known_out_and_the_answer_in() -> None:
    scores = np.zeros((6, 1, 6))
    scores[0, 0] = [1, 2, 3, 4, 5, 6]
    split = split_of(6, 1, train=[(0, 0, tail) for tail in (3, 4, 5)], test=[(0, 0, 2)])
    for seed in range(20):
        ranks = rank(Table(scores), split.test, split, sampled=5, seed=seed)
        assert ranks.ranks[0] == 1
        assert 2 <= ranks.candidates[0] <= 3


def test_parts_add_up() -> None:
    scorer, split = random_world()
    split = replace(split, cold=split.test[:5, 0])
    ranks = rank(scorer, split.test, split)
    whole = metrics(ranks)
    for parts in (evaluate.by_relation(ranks, split), evaluate.by_side(ranks), evaluate.by_degree(ranks, split),
                  evaluate.by_cold(ranks, split)):  # fmt: skip
        assert sum(part.queries for part in parts.values()) == whole.queries == 200
        mean = sum(part.mrr * part.queries for part in parts.values()) / whole.queries
        assert mean == pytest.approx(whole.mrr)
    assert set(evaluate.by_relation(ranks, split)) == {"r0", "r1"}
    assert set(evaluate.by_side(ranks)) == {"tail", "head"}


def test_degree_is_of_the_entity_asked_for_in_training() -> None:
    split = split_of(4, 1, train=[(0, 0, 1), (0, 0, 2)], test=[(0, 0, 3)])
    parts = evaluate.by_degree(rank(Table(np.ones((4, 1, 4))), split.test, split), split)
    assert {name: part.queries for name, part in parts.items()} == {"0": 1, "1–2": 1}


def test_cold_entities_are_told_apart() -> None:
    split = replace(split_of(4, 1, train=[(0, 0, 1)], test=[(0, 0, 3), (1, 0, 2)]), cold=np.array([3]))
    parts = evaluate.by_cold(rank(Table(np.ones((4, 1, 4))), split.test, split), split)
    assert {name: part.queries for name, part in parts.items()} == {"cold given": 1, "cold asked for": 1, "warm": 2}


def test_the_interval_is_seeded_and_holds_the_mean_about_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(100):
        drawn = 1 / generator.uniform(0, 1, 400)  # reciprocal ranks of mean 1/2
        ranks = Ranks(np.zeros((200, 3), np.int64), drawn, np.full(400, 10), np.repeat(np.array([0, 1], np.int8), 200),
                      np.tile(np.arange(200), 2))  # fmt: skip
        low, high = interval(ranks, samples=200)
        held += low <= 0.5 <= high
    assert 85 <= held <= 100
    assert interval(ranks) == interval(ranks)
    bootstrap = interval(ranks)
    monkeypatch.setattr(evaluate, "_NORMAL_FROM", 100)
    assert interval(ranks) == pytest.approx(bootstrap, abs=0.005), "the normal law of many triples agrees"


def test_a_model_that_gives_nan_is_refused() -> None:
    split = split_of(3, 1, train=[(0, 0, 1)], test=[(0, 0, 2)])
    scores = np.zeros((3, 1, 3))
    scores[0, 0, 0] = np.nan
    with pytest.raises(EvaluationError, match=r"NaN; lower training\.learning_rate"):
        rank(Table(scores), split.test, split)


def test_nothing_to_rank_is_said() -> None:
    split = split_of(3, 1, train=[(0, 0, 1)])
    with pytest.raises(EvaluationError, match="larger share of valid or test"):
        rank(Table(np.zeros((3, 1, 3))), split.test, split)
