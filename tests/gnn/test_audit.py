"""The audit: by hand on small splits, against a slow count on random ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.audit import Overlap, audit
from gnn.triples import Split, Vocabulary


def split_of(train: Any, valid: Any = (), test: Any = (), entities: int = 12, relations: int = 3) -> Split:
    vocabulary = Vocabulary(
        tuple(f"e{number}" for number in range(entities)), tuple(f"r{number}" for number in range(relations))
    )
    return Split(vocabulary, *(np.array(list(part), np.int64).reshape(-1, 3) for part in (train, valid, test)))


def test_an_inverse_relation_is_found_with_the_test_triples_that_it_gives_away() -> None:
    pairs = [(0, 5), (1, 6), (2, 7), (8, 3), (9, 4)]
    forwards, backwards = [(h, 0, t) for h, t in pairs], [(t, 1, h) for h, t in pairs]
    found = audit(split_of([*forwards[:4], *backwards], test=[forwards[4], (0, 2, 5), (10, 2, 11)]))
    assert found.overlaps == (Overlap("r0", "r1", True, 5, 1.0, 1.0),)
    assert (found.leaked, found.linked, found.symmetric) == (1, 2, {})
    assert str(found.overlaps[0]) == "r0 and r1: turned around, 100% and 100% of their pairs are the same"
    assert "1 of 3 test triples are given away by these; 2 join two ends" in str(found)
    assert not found.clean


def test_a_relation_that_says_less_than_another_gives_the_other_away_and_not_itself() -> None:
    wide = [(head, 0, head + 1) for head in range(10)]
    narrow = [(0, 1, 1), (1, 1, 2)]
    found = audit(split_of([*wide, narrow[0]], test=[narrow[1]]))
    assert found.overlaps == (Overlap("r0", "r1", False, 2, 0.2, 1.0),)
    assert found.leaked == 0
    found = audit(split_of([*wide[1:], *narrow], test=[wide[0]]))
    assert found.leaked == 1


def test_a_symmetric_relation_is_found_and_an_asymmetric_one_is_not() -> None:
    both = [(0, 0, 1), (1, 0, 0), (2, 0, 3), (3, 0, 2), (4, 0, 5)]
    found = audit(split_of([*both, (0, 1, 1)], test=[(5, 0, 4)]))
    assert found.symmetric == {"r0": 1.0}
    assert found.leaked == 1
    assert audit(split_of([(0, 0, 1), (1, 0, 2), (2, 0, 0)])).symmetric == {}


def test_what_training_never_sees_is_counted_and_named() -> None:
    found = audit(split_of([(0, 0, 1), (3, 0, 3)], valid=[(0, 0, 2)], test=[(0, 1, 4), (0, 0, 1)]))
    assert (found.unseen, found.unseen_names, found.unseen_test_triples) == (2, ("e2", "e4"), 1)
    assert found.empty == ("r1", "r2")
    assert (found.repeated, found.loops) == (1, 1)
    said = str(found)
    assert "2 entities are only in valid or test; 1 test triples name them, and count: e2, e4" in said
    assert "without a training triple: r1, r2" in said
    assert "1 valid or test triples stand in another part" in said


def test_a_clean_split_says_so() -> None:
    found = audit(split_of([(0, 0, 1), (1, 1, 2), (2, 0, 3)], test=[(1, 0, 3)], relations=2))
    assert found.clean
    assert "no two relations share 80% of their pairs" in str(found)


_TRIPLES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 5)), max_size=40)


@settings(max_examples=150, deadline=None)
@given(_TRIPLES, _TRIPLES, st.sampled_from([0.3, 0.5, 0.8]))
def test_it_agrees_with_a_slow_count(train: list[Any], test: list[Any], threshold: float) -> None:
    found = audit(split_of(train, test=test, entities=6), threshold)
    pairs = {relation: {(h, t) for h, r, t in [*train, *test] if r == relation and h != t} for relation in range(3)}
    turned = {relation: {(t, h) for h, t in pairs[relation]} for relation in range(3)}

    def share(one: int, other: int, inverse: bool) -> float:
        return len(pairs[one] & (turned if inverse else pairs)[other]) / max(1, len(pairs[one]))

    expected = {
        (f"r{a}", f"r{b}", inverse)
        for a in range(3)
        for b in range(a + 1, 3)
        for inverse in (False, True)
        if max(share(a, b, inverse), share(b, a, inverse)) >= threshold
    }
    assert {(overlap.one, overlap.other, overlap.inverse) for overlap in found.overlaps} == expected
    assert set(found.symmetric) == {f"r{a}" for a in range(3) if share(a, a, True) >= threshold}
    leaked = sum(
        any(
            (other != relation or inverse) and {(h, t), (t, h)} and share(other, relation, inverse) >= threshold
            and ((t, other, h) if inverse else (h, other, t)) in train
            for other in range(3) for inverse in (False, True)
        )
        for h, relation, t in set(test) if h != t
    )  # fmt: skip
    assert found.leaked == leaked
