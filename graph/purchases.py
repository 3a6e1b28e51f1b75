"""Which titles to buy for a budget: those that together lift the demand-weighted value of a catalog most.

Each question (a title that people want) is worth what the best title for it is worth, so two titles that mend the same
gap are hardly worth more than one. That is facility location: monotone and submodular, hard to solve exactly.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Columns = Callable[[npt.NDArray[np.int64]], Floats]
"""Places of candidates (c,) → what each of them would be worth to each question: (questions, c), 0 to 1."""

_BLOCK = 64


@dataclass(frozen=True)
class Bought:
    """A chosen candidate: its place, and what it adds to those before it, in demand."""

    place: int
    gain: float


def choose(
    demand: Floats, now: Floats, columns: Columns, count: int, budget: float, costs: Floats | None = None,
) -> list[Bought]:  # fmt: skip
    """Choose among `count` candidates, in the order in which to buy them; fewer where more would add nothing.

    demand: (questions,) weights, not negative. now: (questions,) what each is worth as it is, 0 to 1. costs: (count,),
    not negative; None: each costs one, and the budget is a number of titles.

    Greedy: always the candidate that adds most. With equal costs what is chosen adds at least 1 − 1/e = 63 % of what
    the best choice adds (Nemhauser, Wolsey and Fisher 1978), and all of it where no two candidates serve one question.
    With costs the better of two runs is taken, by what a candidate adds and by what it adds for its cost, which is at
    least half of that (Leskovec et al. 2007, CELF). Gains only fall as more is bought, so a candidate is looked at
    again only when it comes first by what it last added.
    """
    bounds = np.empty(count)
    for start in range(0, count, _BLOCK):
        places = np.arange(start, min(start + _BLOCK, count))
        bounds[places] = _gains(demand, now, columns(places))
    if costs is None:
        return _run(demand, now, columns, bounds, np.ones(count), budget, by_cost=False)
    runs = [_run(demand, now, columns, bounds, costs, budget, by_cost=by_cost) for by_cost in (False, True)]
    return max(runs, key=lambda chosen: sum(one.gain for one in chosen))


def _gains(demand: Floats, now: Floats, values: Floats) -> Floats:
    return demand @ np.maximum(values - now[:, None], 0.0)


def _run(
    demand: Floats, now: Floats, columns: Columns, bounds: Floats, costs: Floats, budget: float, *, by_cost: bool
) -> list[Bought]:
    """One greedy run from bounds on what each candidate adds: (count,)."""

    def rank(place: int, gain: float) -> float:
        if not by_cost or gain <= 0:
            return gain
        return gain / float(costs[place]) if costs[place] > 0 else float("inf")

    heap = [(-rank(place, float(gain)), place, 0) for place, gain in enumerate(bounds) if gain > 0]
    heapq.heapify(heap)
    chosen: list[Bought] = []
    while heap:
        _, place, seen = heapq.heappop(heap)
        if costs[place] > budget:
            continue
        column = columns(np.array([place]))
        gain = float(_gains(demand, now, column)[0])
        if gain <= 0:
            continue
        if seen == len(chosen):
            chosen.append(Bought(place, gain))
            now, budget = np.maximum(now, column[:, 0]), budget - float(costs[place])
        else:
            heapq.heappush(heap, (-rank(place, gain), place, len(chosen)))
    return chosen
