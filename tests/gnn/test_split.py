"""Splits: parts that share nothing and lose nothing, names that training keeps, titles that are held out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.config import SplitConfig
from gnn.split import split
from gnn.triples import Ids, Split, TriplesError, Vocabulary, unique_rows

TITLES, PEOPLE = 8, 6


def vocabulary(relations: int = 3) -> Vocabulary:
    titles = [f"Title:tt{number}" for number in range(TITLES)]
    people = [f"Person:nm{number}" for number in range(PEOPLE)]
    return Vocabulary((*titles, *people), tuple(f"r{number}" for number in range(relations)))


def rows(part: Ids) -> set[Any]:
    return set(map(tuple, part.tolist()))


def many(count: int = 400, entities: int = 60) -> tuple[Vocabulary, Ids]:
    triples = np.random.default_rng(5).integers(0, [entities, 3, entities], (count, 3))
    names = Vocabulary(tuple(f"Title:{number}" for number in range(entities)), ("a", "b", "c"))
    return names, unique_rows(triples)


_NUMBER = st.integers(0, TITLES + PEOPLE - 1)
_TRIPLES = st.sets(st.tuples(_NUMBER, st.integers(0, 2), _NUMBER), min_size=1, max_size=60).map(
    lambda found: np.array(sorted(found), np.int64)
)
_SHARE = st.sampled_from([0.0, 0.1, 0.3, 0.6])


@settings(max_examples=200, deadline=None)
@given(_TRIPLES, st.sampled_from(["random", "year", "cold"]), _SHARE, _SHARE, _SHARE, st.integers(0, 9))
def test_parts_share_nothing_and_lose_nothing(
    triples: Ids, kind: Any, valid: float, test: float, shown: float, seed: int
) -> None:
    config = SplitConfig(kind=kind, valid=valid, test=test, shown=shown, seed=seed, year=2005)
    years = np.append(2000 + np.arange(TITLES), np.zeros(PEOPLE, np.int64))
    problem = ""
    try:
        made = split(vocabulary(), triples, config, years)
    except TriplesError as error:
        problem = str(error)
    if problem:
        assert "leaves no" in problem  # too few triples for that share
        return
    assert len(made.train) + len(made.valid) + len(made.test) == len(triples)
    assert rows(made.everything) == rows(triples)
    again = split(vocabulary(), triples, config, years)
    assert again.data_hash == made.data_hash
    assert again.cold.tolist() == made.cold.tolist()
    if kind == "random":
        for column in ([0, 2], [1]):
            assert set(made.everything[:, column].flat) == set(made.train[:, column].flat)


def test_a_random_split_holds_out_the_shares_asked_for() -> None:
    names, triples = many()
    made = split(names, triples, SplitConfig(valid=0.1, test=0.2))
    assert len(made.test) == round(0.2 * len(triples))
    assert len(made.valid) == round(0.1 * len(triples))
    assert made.kind == "random: 0.2 test, 0.1 valid, seed 0"
    assert set(made.test[:30, 1].tolist()) == {0, 1, 2}, "a part's first triples are a sample of it"
    other = split(names, triples, SplitConfig(valid=0.1, test=0.2, seed=1))
    assert rows(other.test) != rows(made.test)


def test_an_only_triple_stays_in_training() -> None:
    triples = np.array([(0, 0, 8), (0, 0, 9), (1, 1, 8), (1, 0, 8), (1, 0, 9)])
    for seed in range(20):
        made = split(vocabulary(2), triples, SplitConfig(valid=0, test=0.2, seed=seed))
        assert (1, 1, 8) in rows(made.train), "the only one with r1"
        assert len(made.test) == 1


def test_a_split_by_year_tests_titles_from_that_year_on() -> None:
    years = np.append(2000 + np.arange(TITLES), np.zeros(PEOPLE, np.int64))
    triples = np.array([(8, 0, title) for title in range(TITLES)] + [(9, 1, title) for title in range(TITLES)])
    made = split(vocabulary(2), triples, SplitConfig(kind="year", year=2006, valid=0.1), years)
    assert rows(made.test) == {(8, 0, 6), (8, 0, 7), (9, 1, 6), (9, 1, 7)}
    assert made.cold.tolist() == [6, 7]
    assert len(made.valid) == 1


def test_cold_titles_keep_the_share_of_their_triples_that_is_to_be_shown() -> None:
    triples = np.array([(person, 0, title) for person in range(8, 14) for title in range(TITLES)])
    for shown, kept in ((0.0, 0), (0.5, 3), (0.4, 3)):
        made = split(vocabulary(1), triples, SplitConfig(kind="cold", valid=0.25, test=0.25, shown=shown))
        assert len(made.cold) == 4
        for title in made.cold.tolist():
            assert (made.train[:, 2] == title).sum() == kept
        assert len(set(made.test[:, 2])) == len(set(made.valid[:, 2])) == 2
        assert not set(made.test[:, 2]) & set(made.valid[:, 2])


def test_a_triple_between_two_cold_titles_is_in_one_part() -> None:
    triples = np.array([(one, 0, other) for one in range(TITLES) for other in range(TITLES) if one != other])
    made = split(vocabulary(1), triples, SplitConfig(kind="cold", valid=0.25, test=0.25))
    cold_in_test, cold_in_valid = (
        set(part[:, [0, 2]].flat) & set(made.cold.tolist()) for part in (made.test, made.valid)
    )
    assert cold_in_test == set(made.cold.tolist())
    assert len(cold_in_valid) == 2
    assert not np.isin(made.train[:, [0, 2]], made.cold).any()


def test_what_cannot_be_split_is_said() -> None:
    names, triples = many()
    with pytest.raises(TriplesError, match="a split by year needs the titles' years"):
        split(names, triples, SplitConfig(kind="year"))
    plain = Vocabulary(tuple(f"e{number}" for number in range(60)), names.relations)
    with pytest.raises(TriplesError, match="needs entities named Title"):
        split(plain, triples, SplitConfig(kind="cold"))
    with pytest.raises(TriplesError, match=r"leaves no test triple of 3; change \[split\]"):
        split(names, triples[:3], SplitConfig(test=0.05, valid=0))
    with pytest.raises(TriplesError, match="leaves no train triple"):
        split(names, triples, SplitConfig(kind="year", year=1900, valid=0), np.full(60, 1950))


def test_the_same_split_has_the_same_hash_and_another_has_not() -> None:
    names, triples = many()
    one, same, other = (split(names, triples, SplitConfig(seed=seed)) for seed in (0, 0, 1))
    assert one.data_hash == same.data_hash != other.data_hash
    assert isinstance(one, Split)
