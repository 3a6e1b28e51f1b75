"""Counts of titles by year, kind, rating and votes, against a count by hand."""

from __future__ import annotations

import math
from collections import Counter

from graph.distributions import distributions
from graph.store import GraphStore


def test_counts_are_those_of_the_rows(random_graph: GraphStore) -> None:
    rows = [row for batch in random_graph.scan_nodes("Title") for row in batch.to_pylist()]
    counted = distributions(random_graph)
    assert dict(counted.titles_by_year) == Counter(row["start_year"] for row in rows if row["start_year"] is not None)
    assert list(counted.titles_by_year) == sorted(counted.titles_by_year)
    assert dict(counted.titles_by_kind) == Counter(row["kind"] for row in rows)
    expected = Counter(
        (1 + 0.5 * math.floor((row["average_rating"] - 1) / 0.5), 10 ** (len(str(row["num_votes"])) - 1))
        for row in rows
        if row["average_rating"] is not None and row["num_votes"]
    )
    assert {(one.rating, one.votes): one.titles for one in counted.ratings} == expected


def test_the_ends_of_the_scales(stored) -> None:  # type: ignore[no-untyped-def]
    titles = [
        {"id": "tt0000001", "average_rating": 10.0, "num_votes": 9},
        {"id": "tt0000002", "average_rating": 1.0, "num_votes": 10},
        {"id": "tt0000003", "average_rating": 9.9, "num_votes": 999},
        {"id": "tt0000004", "num_votes": 7},
        {"id": "tt0000005", "average_rating": 5.0},
    ]
    counted = distributions(stored({"Title": titles}))
    assert [(one.rating, one.votes, one.titles) for one in counted.ratings] == [
        (1.0, 10, 1),
        (9.5, 100, 1),
        (10.0, 1, 1),
    ]
    assert (counted.titles_by_year, counted.titles_by_kind) == ({}, {})
