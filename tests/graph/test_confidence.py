from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.confidence import FIT_ALIKE, FIT_WEIGHTS, features, fit, shares


def test_a_name_typed_in_full_is_as_sure_as_can_be() -> None:
    assert fit("toy story", "toy story", 1.0) == FIT_ALIKE


def test_every_feature_has_a_weight() -> None:
    assert set(features("toy stroy", "toy story", 0.9)) == set(FIT_WEIGHTS)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (("toy stroy", "toy story", 0.9), ("toy stroy", "toy store", 0.8)),
        (("toy sto", "toy story", 0.8), ("oy stor", "toy story", 0.8)),  # a beginning
        (("shawshenk", "shawshank", 0.85), ("cas", "cass", 0.85)),  # more letters
        (("quiet place", "a quiet place", 0.8), ("quiet lantern", "a quiet place", 0.8)),  # a word that is not there
    ],
)
def test_what_makes_a_name_likelier(better: tuple[str, str, float], worse: tuple[str, str, float]) -> None:
    assert fit(*better) > fit(*worse)


@given(st.text(), st.text(), st.floats(0, 1))
def test_a_fit_is_a_probability(asked: str, name: str, similarity: float) -> None:
    assert 0 <= fit(asked, name, similarity) <= FIT_ALIKE


@given(st.dictionaries(st.text(), st.floats(0, 2), min_size=1))
def test_shares_sum_to_one_and_follow_the_scores(scores: dict[str, float]) -> None:
    found = shares(scores)
    assert sum(found.values()) == pytest.approx(1)
    assert max(found, key=found.__getitem__) in [
        name for name, score in scores.items() if score >= max(scores.values()) - 1e-9
    ]
