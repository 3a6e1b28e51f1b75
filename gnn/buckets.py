"""Numbers of a title as nodes: its year, rating and votes in buckets, so that a model of triples can see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gnn.config import GraphConfig
from gnn.known import Ids

Values = npt.NDArray[np.float64]
Bucket = Callable[[Values], pa.DictionaryArray]


def buckets(config: GraphConfig) -> Iterator[tuple[str, str, Bucket]]:
    """(relation, the title's property, its values → their buckets' names, encoded) of each literal asked for."""
    width, powers = config.ratings, 10.0 ** np.arange(1, 19)
    if config.years:
        yield "RELEASED_IN", "start_year", lambda values: _named("year", _floor(values, config.years), config.years)
    if config.ratings:
        yield "RATED_ABOUT", "average_rating", lambda values: _named("rating", _floor(values, width), width)
    if config.votes:
        yield "VOTES_ABOUT", "num_votes", lambda values: _named("votes", np.searchsorted(powers, values, "right"), 1)


def _floor(values: Values, width: float) -> Ids:
    # A hair more than the quotient: 7.3 belongs to 7.3 where buckets are 0.1 wide.
    return np.floor(values / width + 1e-9).astype(np.int64)


def _named(name: str, numbers: Ids, width: float) -> pa.DictionaryArray:
    distinct, places = np.unique(numbers, return_inverse=True)
    names = [f"{name}:{round(number * width, 6):g}" for number in distinct.tolist()]
    return pa.DictionaryArray.from_arrays(pa.array(places), pa.array(names))
