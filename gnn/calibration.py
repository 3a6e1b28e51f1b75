"""From scores to probabilities: Platt scaling, fitted on held-out triples and measured on others.

A question is a relation with one end given; its candidates are the entities that training saw at the other end. Their
scores become shares by a softmax over those not known yet, and log shares become probabilities by a logistic curve for
each relation and side (Platt 1999). What a probability means: where edges of a question were held out, as the
validation triples were, so often a candidate of that share was one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from gnn.known import Ids, Known
from gnn.scorer import Scorer
from gnn.triples import Split
from graph.vectors import top

Floats = npt.NDArray[np.float64]
Side = Literal["head", "tail"]
SIDES: tuple[Side, Side] = ("head", "tail")
"""Which end is asked for."""

_QUESTIONS, _FEW, _SHOWN, _DRAWN = 300, 30, 50, 50
_BINS = (0.0, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0)
_RIDGE = 1e-3


@dataclass(frozen=True)
class Bin:
    """Predictions of about the same probability: their mean, and the share of them that was true."""

    probability: float
    observed: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """Slope and intercept for each relation and side ("IN_GENRE tail"), and for all together ("").

    reliability: of the ten best answers to each test question. error: mean distance of probability and observed share,
    each bin as heavy as it is large.
    """

    curves: Mapping[str, tuple[float, float]]
    reliability: Sequence[Bin] = field(default_factory=tuple)
    error: float = 0.0

    def probability(self, relation: str, side: Side, log_share: Floats) -> Floats:
        """Probabilities of candidates by the logarithms of their shares: any shape → the same."""
        slope, intercept = self.curves.get(f"{relation} {side}", self.curves[""])
        return 1 / (1 + np.exp(-np.clip(slope * log_share + intercept, -60, 60)))

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {"curves": {name: list(curve) for name, curve in self.curves.items()}, "error": self.error,
                "reliability": [asdict(one) for one in self.reliability]}  # fmt: skip

    @classmethod
    def of_dict(cls, plain: Mapping[str, Any]) -> Calibration:
        """What `as_dict` gave."""
        curves = {name: (float(slope), float(intercept)) for name, (slope, intercept) in plain["curves"].items()}
        return cls(curves, tuple(Bin(**one) for one in plain["reliability"]), float(plain["error"]))


def calibrate(scorer: Scorer, split: Split, seed: int = 0) -> Calibration:
    """Fit on the validation triples, measure on the test triples; some 300 questions a relation and side of each."""
    chance = np.random.default_rng(seed)
    samples = {
        f"{split.vocabulary.relations[relation]} {side}": _sample(scorer, split, split.valid, relation, side, chance)
        for relation in range(len(split.vocabulary.relations))
        for side in SIDES
    }
    curves = {"": _fit(*(np.concatenate(part) for part in zip(*samples.values(), strict=True)))}
    curves |= {name: _fit(*one) for name, one in samples.items() if one[1].sum() >= _FEW}
    fitted = Calibration(curves)
    bins, error = reliability(scorer, split, fitted, split.test, chance)
    return Calibration(curves, bins, error)


def reliability(
    scorer: Scorer, split: Split, calibration: Calibration, triples: Ids, chance: np.random.Generator, best: int = 10
) -> tuple[tuple[Bin, ...], float]:
    """How often the `best` answers to each question of these triples were true, by probability; and the mean error."""
    said, true = [np.empty(0)], [np.empty(0)]
    for relation, name in enumerate(split.vocabulary.relations):
        for side in SIDES:
            for shares, answers in _answered(scorer, split, triples, relation, side, chance):
                shown = top(shares, best)
                said.append(calibration.probability(name, side, shares[shown]))
                true.append(answers[shown].astype(np.float64))
    probability, observed = np.concatenate(said), np.concatenate(true)
    place = np.clip(np.searchsorted(_BINS, probability, "right") - 1, 0, len(_BINS) - 2)
    bins = tuple(
        Bin(float(probability[place == bin_].mean()), float(observed[place == bin_].mean()), int((place == bin_).sum()))
        for bin_ in np.unique(place)
    )
    error = sum(abs(one.probability - one.observed) * one.count for one in bins) / max(len(probability), 1)
    return bins, float(error)


def ask(scorer: Scorer, given: Ids, relation: int, side: Side, candidates: Ids) -> npt.NDArray[np.float32]:
    """Scores of the candidates for each given entity: (b,), (n,) → (b, n)."""
    ends, pool = torch.from_numpy(np.ascontiguousarray(given)), torch.from_numpy(np.ascontiguousarray(candidates))
    relations = torch.full_like(ends, relation)
    with torch.no_grad():
        scores = scorer.tails(ends, relations, pool) if side == "tail" else scorer.heads(relations, ends, pool)
    found: npt.NDArray[np.float32] = scores.float().cpu().numpy()
    return found


def log_shares(scores: npt.NDArray[np.floating[Any]]) -> Floats:
    """Logarithms of the softmax over one question's candidates: (n,) → (n,)."""
    wide = scores.astype(np.float64)
    highest = wide.max(initial=-np.inf)
    shares: Floats = wide - highest - np.log(np.exp(wide - highest).sum())
    return shares


def _answered(
    scorer: Scorer, split: Split, triples: Ids, relation: int, side: Side, chance: np.random.Generator
) -> list[tuple[Floats, npt.NDArray[np.bool_]]]:
    """For some questions of these triples: log shares of the candidates, and which of them are answers."""
    column = 2 if side == "tail" else 0
    mine = triples[triples[:, 1] == relation]
    candidates = np.unique(split.train[split.train[:, 1] == relation][:, column])
    questions = np.unique(mine[:, 2 - column])
    if not len(candidates) or not len(questions):
        return []
    questions = chance.permutation(questions)[:_QUESTIONS]
    scores = ask(scorer, questions, relation, side, candidates)
    starts, known = known_ends(split.known, questions, relation, side)
    wanted = {int(one): mine[mine[:, 2 - column] == one][:, column] for one in questions}
    found = []
    for row, question in enumerate(questions):
        answers = among(candidates, wanted[int(question)])
        open_ = ~among(candidates, known[starts[row] : starts[row + 1]]) | answers
        found.append((log_shares(scores[row][open_]), answers[open_]))
    return found


def among(candidates: Ids, wanted: Ids) -> npt.NDArray[np.bool_]:
    """Which of the candidates, sorted numbers, are wanted: (n,)."""
    found = np.zeros(len(candidates), np.bool_)
    places = np.searchsorted(candidates, wanted)
    there = places < len(candidates)
    there[there] = candidates[places[there]] == wanted[there]
    found[places[there]] = True
    return found


def known_ends(known: Known, given: Ids, relation: int, side: Side) -> tuple[Ids, Ids]:
    """The known answers of each question, one after another, and where each question's begin: (b + 1,), (n,)."""
    relations = np.full(len(given), relation, np.int64)
    return known.tails(given, relations) if side == "tail" else known.heads(relations, given)


def _sample(
    scorer: Scorer, split: Split, triples: Ids, relation: int, side: Side, chance: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Log shares, truth and weights: all answers, each question's best others, and some of the rest for all of it."""
    shares, truth, weight = [np.empty(0)], [np.empty(0)], [np.empty(0)]
    for one, answers in _answered(scorer, split, triples, relation, side, chance):
        best = top(np.where(answers, -np.inf, one), min(_SHOWN, int((~answers).sum())))
        others = ~answers
        others[best] = False
        rest = np.flatnonzero(others)
        drawn = chance.choice(rest, min(_DRAWN, len(rest)), replace=False)
        chosen = np.concatenate([np.flatnonzero(answers), best, drawn])
        shares.append(one[chosen])
        truth.append(answers[chosen].astype(np.float64))
        heavy = len(rest) / max(len(drawn), 1)
        weight.append(np.repeat([1.0, heavy], [len(chosen) - len(drawn), len(drawn)]))
    return np.concatenate(shares), np.concatenate(truth), np.concatenate(weight)


def _fit(shares: Floats, truth: Floats, weight: Floats) -> tuple[float, float]:
    """Slope and intercept of a weighted logistic regression, by Newton's method with halved steps."""
    if not truth.sum():
        return 1.0, 0.0
    inputs = np.stack([shares, np.ones(len(shares))], 1)
    prior = np.array([1.0, 0.0])  # a softmax share is a probability of its own
    curve = prior.copy()

    def loss(at: Floats) -> float:
        logits = inputs @ at
        return float(weight @ (np.logaddexp(0, logits) - truth * logits)) + _RIDGE * float(((at - prior) ** 2).sum())

    for _ in range(50):
        probability = 1 / (1 + np.exp(-np.clip(inputs @ curve, -60, 60)))
        slope = inputs.T @ (weight * (probability - truth)) + 2 * _RIDGE * (curve - prior)
        bend = (inputs * (weight * probability * (1 - probability))[:, None]).T @ inputs + 2 * _RIDGE * np.eye(2)
        step = np.linalg.solve(bend, slope)
        size = 1.0
        while size > 1e-6 and loss(curve - size * step) > loss(curve):
            size /= 2
        curve = curve - size * step
        if np.abs(size * step).max() < 1e-9:
            break
    # A curve that falls would turn the model's order around.
    return max(float(curve[0]), 1e-3), float(curve[1])
