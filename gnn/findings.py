"""What a run's evaluation found, as metrics.json has it: the model's figures, the popularity baseline beside each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gnn.baseline import popularity
from gnn.classify import classify
from gnn.config import RunConfig
from gnn.evaluate import FULL, HITS, Metrics, Ranks, by_cold, by_degree, by_relation, by_side, interval, metrics, rank
from gnn.scorer import Scorer
from gnn.triples import Ids, Split

_CHOOSING = 2_000


@dataclass(frozen=True)
class Choosing:
    """Which epoch is the best: the MRR on validation triples, at most 2,000 of them, the same each time."""

    split: Split
    config: RunConfig

    def __call__(self, scorer: Scorer) -> float:
        """Full ranks unless the configuration samples."""
        return metrics(_ranks(scorer, self._triples(), self.split, self.config)).mrr

    def _triples(self) -> Ids:
        valid = self.split.valid
        if len(valid) <= _CHOOSING:
            return valid
        drawn = np.random.default_rng(self.config.seed).choice(len(valid), _CHOOSING, replace=False)
        return valid[np.sort(drawn)]


def findings(scorer: Scorer, split: Split, config: RunConfig) -> dict[str, Any]:
    """Rank the test triples by the model and by popularity; everything that the run folder says about quality."""
    if not len(split.test):
        nothing = dict.fromkeys(("mrr", *(f"hits@{k}" for k in HITS), "amri"), 0.0) | {"queries": 0, "kind": FULL}
        return {"protocol": "no triple was held out", "test": {"model": nothing, "popularity": nothing}}
    own = _ranks(scorer, split.test, split, config)
    base = _ranks(popularity(split), split.test, split, config)
    low, high = interval(own)
    found: dict[str, Any] = {
        "protocol": _protocol(own),
        "test": {"model": as_dict(metrics(own)) | {"mrr_95": [low, high]}, "popularity": as_dict(metrics(base))},
        "sides": {f"{name}s asked for": as_dict(part) for name, part in by_side(own).items()},
        "by_relation": _beside(by_relation(own, split), by_relation(base, split)),
        "by_degree": _beside(by_degree(own, split), by_degree(base, split)),
    }
    if len(split.cold):
        found["cold"] = _beside(by_cold(own, split), by_cold(base, split))
    if len(split.valid_negatives) and len(split.test_negatives):
        told = classify(scorer, split)
        found["classification"] = {"accuracy": told.accuracy, "f1": told.f1, "triples": told.triples}
    return found


def as_dict(found: Metrics) -> dict[str, Any]:
    """Metrics as JSON has them: mrr, hits@1, hits@3, hits@10, amri, queries, kind."""
    hits = {f"hits@{k}": share for k, share in found.hits.items()}
    return {"mrr": found.mrr, **hits, "amri": found.amri, "queries": found.queries, "kind": found.kind}


def _ranks(scorer: Scorer, triples: Ids, split: Split, config: RunConfig) -> Ranks:
    how = config.evaluation
    return rank(scorer, triples, split, batch=how.batch, sampled=how.sampled, seed=config.seed)


def _beside(own: Mapping[str, Metrics], base: Mapping[str, Metrics]) -> dict[str, Any]:
    return {name: {"model": as_dict(own[name]), "popularity": as_dict(base[name])} for name in own}


def _protocol(ranks: Ranks) -> str:
    among = "every entity a candidate" if ranks.kind == FULL else f"an estimate, {ranks.kind} candidates"
    return f"filtered, realistic ranks (ties in the middle), heads and tails asked for, {among}"
