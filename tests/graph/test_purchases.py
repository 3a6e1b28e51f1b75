from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.purchases import Bought, choose

SHARE = 1 - 1 / math.e
QUESTIONS = 4
values = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0])


@st.composite
def instances(draw):
    """Demand, worth now, worth of each candidate, costs: small ones."""
    count = draw(st.integers(1, 6))
    demand = np.array(draw(st.lists(st.integers(0, 9), min_size=QUESTIONS, max_size=QUESTIONS)), float)
    now = np.array(draw(st.lists(values, min_size=QUESTIONS, max_size=QUESTIONS)))
    worth = np.array(draw(st.lists(st.lists(values, min_size=count, max_size=count),
                                   min_size=QUESTIONS, max_size=QUESTIONS)))  # fmt: skip
    costs = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]), min_size=count, max_size=count)))
    return demand, now, worth, costs


def added(demand, now, worth, places):
    best = np.maximum(now, worth[:, list(places)].max(axis=1, initial=0)) if len(places) else now
    return float(demand @ (best - now))


def best_of(demand, now, worth, allowed):
    """What the best choice adds, by trying all."""
    every = range(worth.shape[1])
    subsets = (subset for size in range(len(every) + 1) for subset in itertools.combinations(every, size))
    return max(added(demand, now, worth, subset) for subset in subsets if allowed(subset))


def chosen(demand, now, worth, budget, costs=None):
    made = choose(demand, now, lambda places: worth[:, places], worth.shape[1], budget, costs)
    places = [one.place for one in made]
    assert len(set(places)) == len(places)
    for number, one in enumerate(made):
        before = added(demand, now, worth, places[:number])
        assert one.gain == pytest.approx(added(demand, now, worth, places[: number + 1]) - before)
        assert one.gain > 0
    return made


@given(instances(), st.integers(1, 6))
@settings(max_examples=300, deadline=None)
def test_a_number_of_titles_is_chosen_as_well_as_promised(instance, number):
    demand, now, worth, _ = instance
    made = chosen(demand, now, worth, number)
    assert len(made) <= number
    best = best_of(demand, now, worth, lambda subset: len(subset) <= number)
    assert sum(one.gain for one in made) >= SHARE * best - 1e-9


@given(instances(), st.integers(1, 6))
@settings(max_examples=300, deadline=None)
def test_looking_at_few_candidates_again_gives_what_looking_at_all_gives(instance, number):
    demand, now, worth, _ = instance
    made = [one.gain for one in chosen(demand, now, worth, number)]
    eager, best = [], now.copy()
    for _ in range(number):
        gains = demand @ np.maximum(worth - best[:, None], 0)
        place = int(gains.argmax())
        if gains[place] <= 0:
            break
        eager.append(gains[place])
        best = np.maximum(best, worth[:, place])
    assert made == pytest.approx(eager)


@given(instances(), st.sampled_from([0.4, 1.0, 2.5, 8.0]))
@settings(max_examples=300, deadline=None)
def test_money_is_spent_as_well_as_promised(instance, budget):
    demand, now, worth, costs = instance
    made = chosen(demand, now, worth, budget, costs)
    assert sum(costs[one.place] for one in made) <= budget + 1e-9
    best = best_of(demand, now, worth, lambda subset: sum(costs[list(subset)]) <= budget)
    assert sum(one.gain for one in made) >= SHARE / 2 * best - 1e-9


@given(st.lists(st.integers(0, 99), min_size=1, max_size=7), st.integers(1, 7))
@settings(deadline=None)
def test_where_no_two_serve_one_question_the_choice_is_the_best(demand, number):
    weights = np.array(demand, float)
    made = chosen(weights, np.zeros(len(demand)), np.eye(len(demand)), number)
    assert sum(one.gain for one in made) == sum(sorted(demand, reverse=True)[:number])


def test_the_second_that_mends_the_same_gap_is_not_bought():
    demand, now = np.array([10.0, 10.0, 3.0]), np.array([0.5, 0.0, 0.0])
    worth = np.array([[0.5, 0.5, 0.0], [1.0, 0.9, 0.0], [0.0, 0.0, 1.0]])
    assert chosen(demand, now, worth, 2) == [Bought(0, 10.0), Bought(2, 3.0)]
    assert chosen(demand, now, worth, 3) == [Bought(0, 10.0), Bought(2, 3.0)]


def test_cheap_ones_together_or_the_dear_one():
    demand, now, worth = np.array([6.0, 5.0, 5.0]), np.zeros(3), np.eye(3)
    costs = np.array([10.0, 5.0, 5.0])
    assert [one.place for one in chosen(demand, now, worth, 10, costs)] == [1, 2]
    assert [one.place for one in chosen(demand, now, worth, 9, costs)] == [1]
    # By gain for its cost the first takes the money that the second would need; by gain it does not.
    dear = chosen(np.array([2.0, 90.0]), now[:2], np.eye(2), 10, np.array([0.1, 10.0]))
    assert [one.place for one in dear] == [1]


def test_what_is_given_away_comes_first_for_its_cost():
    made = chosen(np.array([1.0, 5.0]), np.zeros(2), np.eye(2), 1, np.array([0.0, 1.0]))
    assert sorted(one.place for one in made) == [0, 1]


def test_nothing_to_choose_from_or_to_win():
    assert choose(np.ones(2), np.zeros(2), lambda places: np.empty((2, len(places))), 0, 5) == []
    assert chosen(np.ones(2), np.ones(2), np.eye(2), 5) == []
    assert chosen(np.zeros(2), np.zeros(2), np.eye(2), 5) == []


def test_more_candidates_than_a_block_holds():
    chance = np.random.default_rng(0)
    demand, now, worth = chance.random(30), 0.2 * chance.random(30), chance.random((30, 200))
    made = chosen(demand, now, worth, 10)
    assert len(made) == 10
    assert made[0].gain == pytest.approx((demand @ np.maximum(worth - now[:, None], 0)).max())
