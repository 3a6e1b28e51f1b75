"""How titles spread over years, ratings and votes, for a page to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.store import GraphStore

_STEP = 0.5


@dataclass(frozen=True)
class RatedTitles:
    """How many titles have a mean rating in [rating, rating + 0.5) and a number of votes in [votes, 10 · votes)."""

    rating: float
    votes: int
    titles: int


@dataclass(frozen=True)
class Distributions:
    """titles_by_year: year → titles, by year. ratings: only combinations that some title has."""

    titles_by_year: Mapping[int, int]
    titles_by_kind: Mapping[str, int]
    ratings: Sequence[RatedTitles]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self)


def distributions(store: GraphStore) -> Distributions:
    """Count the titles of a store, adult ones too: one scan."""
    years: npt.NDArray[np.int64] = np.zeros(3000, np.int64)
    kinds: dict[str, int] = {}
    rated: dict[tuple[float, int], int] = {}
    for batch in store.scan_nodes("Title", ["start_year", "kind", "average_rating", "num_votes"]):
        table = {name: batch.column(name) for name in batch.schema.names}
        year = table["start_year"].drop_null().to_numpy()
        years += np.bincount(np.clip(year, 0, 2999), minlength=3000)
        for count in table["kind"].drop_null().value_counts().to_pylist():
            kinds[count["values"]] = kinds.get(count["values"], 0) + count["counts"]
        rating = table["average_rating"].to_numpy(zero_copy_only=False).astype(float)
        votes = np.nan_to_num(table["num_votes"].to_numpy(zero_copy_only=False).astype(float))
        known = ~np.isnan(rating) & (votes > 0)
        low = np.floor((np.clip(rating[known], 1, 10) - 1) / _STEP) * _STEP + 1
        decade = np.floor(np.log10(votes[known])).astype(int)
        pairs, counts = np.unique(np.stack([low, decade], axis=1), axis=0, return_counts=True)
        for (one, power), count in zip(pairs.tolist(), counts.tolist(), strict=True):
            rated[one, int(power)] = rated.get((one, int(power)), 0) + count
    return Distributions(
        {int(year): int(years[year]) for year in np.flatnonzero(years)},
        dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
        [RatedTitles(rating, 10**power, count) for (rating, power), count in sorted(rated.items())],
    )
