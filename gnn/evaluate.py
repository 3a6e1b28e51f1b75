"""How good a model is at link prediction: filtered, realistic ranks on both sides, and what is made of them.

A query is a triple with one end taken away; its rank is the place of that end among all entities by score. Filtered:
other entities that would make a known triple do not count (Bordes et al. 2013). Realistic: among equal scores the mean
of the best and the worst place, so that a model which answers the same for everything earns nothing (Berrendorf et al.
2020, "On the Ambiguity of Rank-Based Evaluation").
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from gnn.triples import Ids, Split

if TYPE_CHECKING:
    from gnn.scorer import Scorer

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SIDES = ("tail", "head")
HITS = (1, 3, 10)
FULL = "full"
_SCORES_AT_ONCE = 2**25
_SORT_FROM = 16
_NORMAL_FROM = 100_000


class EvaluationError(Exception):
    """Something that cannot be evaluated: what, why, and what to do."""


@dataclass(frozen=True)
class Ranks:
    """The rank of each query, and among how many candidates; `rank` gives 2n for n triples, first those for tails.

    queries (n, 3) int64; ranks (2n,) float64, 1 is best; candidates (2n,) int64, the answer included; side (2n,), a
    place in SIDES, says which end is asked for; row (2n,) int64 of which triple.
    kind: `full`, or `sampled of N` where only N random entities stood against each answer.
    """

    queries: Ids
    ranks: Floats
    candidates: Ids
    side: npt.NDArray[np.int8]
    row: Ids
    kind: str = FULL

    @property
    def relation(self) -> Ids:
        """The relation asked about: (2n,)."""
        return cast(Ids, self.queries[self.row, 1])

    @property
    def answer(self) -> Ids:
        """The entity asked for: (2n,)."""
        return self.queries[self.row, 2 - 2 * self.side]

    @property
    def given(self) -> Ids:
        """The entity that the query names: (2n,)."""
        return self.queries[self.row, 2 * self.side]

    def where(self, mask: Mask) -> Ranks:
        """Some of the queries: mask (2n,)."""
        return Ranks(self.queries, self.ranks[mask], self.candidates[mask], self.side[mask], self.row[mask], self.kind)


@dataclass(frozen=True)
class Metrics:
    """Figures over a set of queries. mrr and hits lie in 0 to 1; amri in -1 to 1, where 0 is chance.

    mrr: mean reciprocal rank; hits: share of ranks within k; amri: adjusted mean rank index (Berrendorf et al. 2020).
    """

    mrr: float
    hits: dict[int, float]
    amri: float
    queries: int
    kind: str = FULL


def rank(scorer: Scorer, queries: Ids, split: Split, *, batch: int = 256, sampled: int = 0, seed: int = 0) -> Ranks:
    """Rank the ends of (n, 3) triples, those known from any part of the split left out of the competition.

    sampled: how many random entities stand against each answer; 0 means all. Such ranks are an estimate of another
    quantity than the full ones and say so in `kind`. Raises EvaluationError where the model gives NaN.
    """
    entities = len(split.vocabulary.entities)
    if not len(queries):
        raise EvaluationError("there are no triples to rank; give the split a larger share of valid or test")
    generator = np.random.default_rng(seed) if 0 < sampled < entities else None
    size = max(1, min(batch, _SCORES_AT_ONCE // ((sampled if generator else entities) + batch)))
    ranks, candidates = np.empty(2 * len(queries)), np.empty(2 * len(queries), np.int64)
    for side in (0, 1):
        for rows in _batches(queries, side, size):
            pool = None if generator is None else np.sort(generator.choice(entities, sampled, replace=False))
            places = rows + side * len(queries)
            ranks[places], candidates[places] = _rank_batch(scorer, queries[rows], split, side, pool)
    sides = np.repeat(np.arange(2, dtype=np.int8), len(queries))
    kind = FULL if generator is None else f"sampled of {sampled}"
    return Ranks(queries, ranks, candidates, sides, np.tile(np.arange(len(queries)), 2), kind)


def _batches(queries: Ids, side: int, size: int) -> Iterator[Ids]:
    """Rows in batches, those with the same question together: it is scored once."""
    order = np.lexsort((queries[:, 2 * side], queries[:, 1]))
    for begin in range(0, len(order), size):
        yield order[begin : begin + size]


def _rank_batch(scorer: Scorer, queries: Ids, split: Split, side: int, pool: Ids | None) -> tuple[Floats, Ids]:
    """Ranks and candidates of queries in which equal questions stand together. pool: sorted, or None for all."""
    given, relation, answer = queries[:, 2 * side], queries[:, 1], queries[:, 2 - 2 * side]
    first = np.flatnonzero(np.append(True, (np.diff(given) != 0) | (np.diff(relation) != 0)))
    given, relation = given[first], relation[first]
    starts, known = split.known.heads(relation, given) if side else split.known.tails(given, relation)
    column, competes = answer, np.ones(len(answer), np.bool_)
    if pool is not None:
        # An answer that was not drawn gets a column of its own behind the pool, where no other query meets it.
        competes = _among(pool, answer)
        column = np.where(competes, np.searchsorted(pool, answer), len(pool) + np.arange(len(answer)))
    scores = _scores(scorer, given, relation, side, None if pool is None else np.concatenate([pool, answer]))
    width = len(split.vocabulary.entities) if pool is None else len(pool)
    # Among those it is compared with stands the answer itself: taken off with the known ones, or else here.
    itself = competes & ~split.known.contains(queries)
    ranks, candidates = np.empty(len(answer)), np.empty(len(answer), np.int64)
    for question, (begin, end) in enumerate(itertools.pairwise([*first, len(answer)])):
        mine, others = slice(begin, end), known[starts[question] : starts[question + 1]]
        if pool is not None:
            others = np.searchsorted(pool, others[_among(pool, others)])
        values = scores[question][column[mine]]
        better, equal = _count(scores[question][:width], values)
        known_better, known_equal = _count(scores[question][others], values)
        ranks[mine] = 1 + better - known_better + (equal - known_equal - itself[mine]) / 2
        candidates[mine] = 1 + width - len(others) - itself[mine]
    return ranks, candidates


def _among(pool: Ids, wanted: Ids) -> Mask:
    return cast(Mask, pool[np.minimum(np.searchsorted(pool, wanted), len(pool) - 1)] == wanted)


def _count(scores: npt.NDArray[np.float32], values: npt.NDArray[np.float32]) -> tuple[Ids, Ids]:
    """How many scores are above each value, and how many equal it: (n,), (m,) → (m,), (m,)."""
    if len(values) >= _SORT_FROM:
        ordered = np.sort(scores)
        upper = np.searchsorted(ordered, values, "right")
        return len(ordered) - upper, upper - np.searchsorted(ordered, values, "left")
    above = np.array([np.count_nonzero(scores > value) for value in values])
    return above, np.array([np.count_nonzero(scores >= value) for value in values]) - above


def _scores(scorer: Scorer, given: Ids, relation: Ids, side: int, among: Ids | None) -> npt.NDArray[np.float32]:
    import torch

    one, two = torch.from_numpy(given), torch.from_numpy(relation)
    columns = None if among is None else torch.from_numpy(among)
    with torch.no_grad():
        found = scorer.tails(one, two, columns) if side == 0 else scorer.heads(two, one, columns)
    # Row by row in numpy: a row stays in the processor's cache, five times faster than one torch reduction.
    scores = cast(npt.NDArray[np.float32], found.float().cpu().numpy())
    if np.isnan(scores.max(initial=-np.inf)):
        raise EvaluationError("the model scores triples as NaN; lower training.learning_rate and train it again")
    return scores


def metrics(ranks: Ranks) -> Metrics:
    """Sum up ranks. Raises EvaluationError when there are none."""
    if not len(ranks.ranks):
        raise EvaluationError("there are no ranks to sum up")
    chance = float((ranks.candidates - 1).sum()) / 2
    amri = 1 - float((ranks.ranks - 1).sum()) / chance if chance else 0.0
    hits = {k: float((ranks.ranks <= k).mean()) for k in HITS}
    return Metrics(float((1 / ranks.ranks).mean()), hits, amri, len(ranks.ranks), ranks.kind)


def interval(ranks: Ranks, *, level: float = 0.95, samples: int = 1000, seed: int = 0) -> tuple[float, float]:
    """The bootstrap interval of the MRR: triples drawn anew with both of their sides, percentiles of the means.

    Beyond 100,000 triples the normal law, to which the bootstrap of a mean converges, gives it at once.
    """
    total = np.bincount(ranks.row, 1 / ranks.ranks, len(ranks.queries))
    count = np.bincount(ranks.row, minlength=len(ranks.queries))
    total, count = total[count > 0], count[count > 0]
    tails = (1 - level) / 2
    if len(total) > _NORMAL_FROM:
        from statistics import NormalDist

        mean = total.sum() / count.sum()
        error = float(np.sqrt(np.square(total - mean * count).sum())) / count.sum()
        reach = NormalDist().inv_cdf(1 - tails) * error
        return float(mean - reach), float(mean + reach)
    generator = np.random.default_rng(seed)
    means = np.empty(samples)
    for sample in range(samples):
        drawn = generator.integers(0, len(total), len(total))
        means[sample] = total[drawn].sum() / count[drawn].sum()
    low, high = np.quantile(means, [tails, 1 - tails])
    return float(low), float(high)


def compare(one: Metrics, other: Metrics) -> float:
    """How much higher the first MRR is. Raises EvaluationError when one of them is a sampled estimate."""
    if one.kind != other.kind:
        raise EvaluationError(
            f"a {one.kind} figure and a {other.kind} one measure different things; evaluate both the same way "
            "(evaluation.sampled in the configuration)"
        )
    return one.mrr - other.mrr


def by_relation(ranks: Ranks, split: Split) -> dict[str, Metrics]:
    """Metrics of each relation that has queries, by its name."""
    return _parts(ranks, ranks.relation, split.vocabulary.relations)


def by_side(ranks: Ranks) -> dict[str, Metrics]:
    """Metrics of the queries that ask for tails, and of those for heads."""
    return _parts(ranks, ranks.side, SIDES)


_DEGREES = (1, 3, 10, 32, 100, 1000)


def by_degree(ranks: Ranks, split: Split) -> dict[str, Metrics]:
    """Metrics by how many training triples the entity asked for has: rare answers are the hard ones."""
    ends = np.concatenate([split.train[:, 0], split.train[:, 2]])
    degree = np.bincount(ends, minlength=len(split.vocabulary.entities))[ranks.answer]
    bounds = [0, *_DEGREES]
    names = [f"{low}" if low + 1 == high else f"{low}–{high - 1}" for low, high in zip(bounds, _DEGREES, strict=False)]
    return _parts(ranks, np.searchsorted(_DEGREES, degree, "right"), [*names, f"{_DEGREES[-1]}+"])


def by_cold(ranks: Ranks, split: Split) -> dict[str, Metrics]:
    """Metrics of queries that name a cold entity, of those whose answer is one, and of the others."""
    part = np.where(np.isin(ranks.given, split.cold), 0, np.where(np.isin(ranks.answer, split.cold), 1, 2))
    return _parts(ranks, part, ("cold given", "cold asked for", "warm"))


def _parts(ranks: Ranks, part: npt.NDArray[Any], names: Sequence[str]) -> dict[str, Metrics]:
    return {names[number]: metrics(ranks.where(part == number)) for number in np.unique(part)}
