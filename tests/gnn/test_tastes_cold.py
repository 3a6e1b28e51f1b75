"""Titles without feedback: ranked among each other by weights of their own, and put where their odds put them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from gnn.histories import Floats, Histories
from gnn.recommend_splits import cold_titles
from gnn.tastes import COLD, OFFSET, Matter, Options, Tastes, fit, scores
from gnn.tastes_cold import among_cold, placed
from graph.tastes import Weighting

SMALL = Options(long=24, recent=24, rank=64, landmarks=64, content=32)
PLAIN = Weighting(24, 24, 5.0, 0.5)
USERS, WATCHED, NEVER = 120, 40, 200


def viewers(titles: int) -> Histories:
    """Viewers of two tastes, each of one half of the first WATCHED titles for the most part."""
    chance = np.random.default_rng(0)
    user, title = [], []
    for one in range(USERS):
        half = np.arange(WATCHED) // (WATCHED // 2) == one % 2
        taste = np.where(half, 0.9, 0.1) / (WATCHED // 2)
        own = chance.choice(WATCHED, chance.integers(8, 15), replace=False, p=taste)
        user += [one] * len(own)
        title += own.tolist()
    names = [f"u{n:03}" for n in range(USERS)], [f"t{n:03}" for n in range(titles)]
    time = 1_000 + np.arange(len(user))
    return Histories(*names, np.array(user), np.array(title), np.ones(len(user), np.int8), time)


def content(titles: int, noise: float) -> Matter:
    """Which half a title is of, and noise in two more numbers."""
    chance = np.random.default_rng(0)
    first = (np.arange(titles) % WATCHED < WATCHED // 2)[:, None]
    z = np.hstack([first, ~first, noise * chance.normal(size=(titles, 2))]).astype(np.float32)
    return Matter(z / np.linalg.norm(z, axis=1, keepdims=True), np.full(titles, np.nan, np.float32))


def first_half(histories: Histories) -> npt.NDArray[np.bool_]:
    """Which users like the first half of the titles."""
    first = np.bincount(histories.user, histories.title < WATCHED // 2, minlength=USERS)
    return first > np.bincount(histories.user, minlength=USERS) / 2


def test_what_tells_them_apart_has_the_weight() -> None:
    histories = viewers(WATCHED)
    found = among_cold(histories, content(WATCHED, 0.3), SMALL, PLAIN, 1_000)
    assert found.keys() >= {"long ease", "recent content", "popularity", "liking"}
    assert found["newness"] == found["unreleased"] == 0  # what the year says is said of all titles already
    split = cold_titles(histories, 1)
    tastes = fit(split.learned, content(WATCHED, 0.3), SMALL)
    made = scores(tastes, split.known, split.users)
    assert split.among is not None
    made[:, ~split.among] = -np.inf
    assert ((made.argmax(1) < WATCHED // 2) == first_half(histories)[split.users]).mean() > 0.9


def test_titles_that_nobody_watches_do_not_come_first_and_are_in_the_order_of_ones_taste() -> None:
    histories, matter = viewers(WATCHED + NEVER), content(WATCHED + NEVER, 1.0)
    tastes = fit(histories, matter, SMALL)
    assert tastes.weights[OFFSET] < -1

    def listed(tastes: Tastes) -> Floats:
        made = scores(tastes, histories, np.arange(USERS))
        made[histories.user, histories.title] = -np.inf
        return made

    def in_order(made: Floats) -> float:
        """Of how many users the first of them is of their taste."""
        first = np.argmax(made[:, WATCHED:], axis=1) % WATCHED < WATCHED // 2
        return float((first == first_half(histories)).mean())

    assert (np.argsort(-listed(tastes), axis=1)[:, :5] < WATCHED).all()
    common = {name: weight for name, weight in tastes.weights.items() if not name.startswith(COLD) and name != OFFSET}
    assert in_order(listed(tastes)) > 0.95 > in_order(listed(fit(histories, matter, SMALL, weights=common))) + 0.1


@pytest.mark.parametrize("more", [0.0, -1.5, -3.0])
def test_they_stand_where_their_odds_put_them(more: float) -> None:
    """Likes drawn by the softmax of a score to which each title without feedback adds as much."""
    chance = np.random.default_rng(0)
    cold = np.arange(20) >= 10
    features: Floats = chance.normal(size=(2, 3_000, 20)).astype(np.float32)
    size = features[0] + more * cold
    truth = [np.array([int(np.argmax(row))]) for row in size + chance.gumbel(size=size.shape)]
    nothing = [np.empty(0, np.int64)] * len(truth)
    found = placed({"taste": 1.0, "newness": 9.0}, {"taste": 1.0, "newness": 0.0}, features, cold, truth, nothing)
    assert found.pop(OFFSET) == pytest.approx(more, abs=0.3)
    assert found == {COLD + "taste": 1.0, COLD + "newness": 9.0}


def test_without_weights_of_their_own_they_count_as_all_do() -> None:
    assert placed({}, {"taste": 1.0}, np.zeros((1, 2, 3), np.float32), np.zeros(3, bool), [], []) == {}
    few = viewers(WATCHED).where(viewers(WATCHED).user < 40)
    assert not any(name.startswith(COLD) for name in fit(few, content(WATCHED, 0.3), SMALL).weights)
