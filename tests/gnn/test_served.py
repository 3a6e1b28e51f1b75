"""A strategy is the same where it is compared and where it is served, by the same name."""

from __future__ import annotations

import numpy as np
import pytest

from gnn.hidden import Hiding, draw
from gnn.judge import lists
from gnn.strategies import DEFAULT, STRATEGIES
from gnn.strategy import Learning
from gnn.substitutes import Options, likes_of
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope
from graph.strategies import FOLD_IN_SERIES
from graph.strategies import STRATEGIES as SERVED


def test_the_usual_one_is_the_one_that_others_are_compared_with() -> None:
    assert DEFAULT == FOLD_IN_SERIES
    only_served = {"hybrid"}  # for users: gnn.recommend_strategies has it
    assert SERVED.keys() - only_served <= STRATEGIES.keys()


@pytest.mark.parametrize("name", ["genres", "people", "hand-weights"])
def test_the_same_titles_come_first(name: str, viewed: GraphStore) -> None:
    trial = draw(viewed, likes_of(viewed, 0.0), Hiding(titles=20), 0)
    strategy = STRATEGIES[name].fit(Learning(viewed, trial.learned, Options(likes_from=0)))
    ids = sorted(id_ for batch in viewed.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist())
    asked = trial.asked[:8]
    scores = strategy.score(asked, ids)
    for row, id_ in enumerate(asked):
        scores[row, ids.index(id_)] = -np.inf
    searcher, scope = Searcher(viewed), Scope(WHOLE_GRAPH, adult=True)
    for own, id_, chosen in zip(scores, asked, lists(scores), strict=True):
        found = searcher.similar(id_, scope, len(chosen), strategy=name)
        served = [ids.index(one.id) for one in found]
        # Of equal scores sums in another order may put another first.
        assert np.allclose(own[served], own[chosen], rtol=1e-4, atol=1e-5), (name, id_)
