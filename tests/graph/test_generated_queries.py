"""The generator of queries in benchmarks/, and the matcher on what it makes of the sample."""

from __future__ import annotations

import random

import pytest

from benchmarks import slips
from benchmarks.matching import TARGETS, calibration_error, judge
from benchmarks.queries import Library, plain, queries
from graph.store import GraphStore


@pytest.fixture(scope="module")
def library(sample: GraphStore) -> Library:
    return Library(sample)


def test_a_seed_makes_the_same_queries_again_and_another_others(library: Library) -> None:
    first, again, other = (list(queries(library, seed, 30)) for seed in (1, 1, 2))
    assert first == again != other


def test_what_is_typed_wrongly_is_nobody_s_name(library: Library) -> None:
    asked = list(queries(library, 1, 200))
    wrong = [one for one in asked if one.slice not in ("exact", "alternate", "namesakes")]
    assert len(wrong) > 300
    slipped = [plain(one.text) for one in wrong if one.slice in ("one typo", "two typos", "invented", "half-typed")]
    assert sum(text in library.bearers for text in slipped) <= 0.02 * len(slipped)  # punctuation left out may make one
    assert all(one.meant is None for one in asked if one.slice == "invented")


@pytest.mark.parametrize(
    ("change", "name", "typed"),
    [
        (slips.no_article, "The Matrix", {"Matrix"}),
        (slips.no_subtitle, "Dune: Part One", {"Dune"}),
        (slips.numerals, "Rocky II", {"Rocky 2", "Rocky two"}),
        (slips.word_order, "Toy Story", {"Story Toy"}),
        (slips.transliterated, "Брат", {"brat"}),
        (slips.no_article, "Matrix", {None}),
        (slips.no_subtitle, "Spider-Man", {None}),
        (slips.transliterated, "Dune", {None}),
    ],
)
def test_slips(change, name, typed) -> None:  # type: ignore[no-untyped-def]
    assert {change(name, random.Random(seed)) for seed in range(40)} == typed


def test_the_calibration_error_by_hand() -> None:
    import numpy as np

    confidence, true = np.array([0.9, 0.9, 0.1, 1.0]), np.array([True, False, False, True])
    assert calibration_error(confidence, true) == pytest.approx((abs(1.8 + 1.0 - 2) + 0.1) / 4)


def test_the_matcher_holds_its_targets_on_the_sample(sample: GraphStore, library: Library) -> None:
    judged = [judge(sample, library, query) for query in queries(library, 5, 300)]
    for slice_, target in TARGETS.items():
        mine = [one.right for one in judged if one.query.slice == slice_]
        assert len(mine) > 5
        assert sum(mine) / len(mine) >= target - 0.03, slice_
