"""Ways to find substitutes, all of one shape, so that they can be compared on the same questions and served alike.

A strategy is fitted on a store and on the likes that may be learned from, and scores asked titles against candidates:
ids in, (asked, candidates) float32 out, the larger the better, -inf for what it does not offer. Who may be offered, how
many and why are decided outside, once for all (`graph.substitutes` when serving, `gnn.judge` when evaluating).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gnn.config import ConfigError
from gnn.cost import Meter
from gnn.runs import Run
from gnn.substitutes import Fitted, Likes, Options, fit
from graph.foldin import DIMENSION
from graph.store import GraphStore, Progress

Floats = npt.NDArray[np.float32]


class Strategy(Protocol):
    """Scores titles of the graph as substitutes of others."""

    def score(self, asked: Sequence[str], among: Sequence[str]) -> Floats:
        """(asked, among) float32; -inf: not offered."""


@dataclass(frozen=True)
class Learning:
    """What a strategy may be fitted on. `embedding`: a run of a link-prediction model, for the strategies with one.

    What several strategies need is made once: hold on to it, and fit all of them on the same. meter: times them.
    """

    store: GraphStore
    likes: Likes
    options: Options = field(default_factory=Options)
    embedding: Run | None = None
    seed: int = 0
    progress: Progress | None = None
    meter: Meter = field(default_factory=Meter, compare=False)

    @property
    def fitted(self) -> Fitted:
        """Substitute vectors, learned."""
        return self.meter.shared("fitted", lambda: fit(self.store, self.likes, DIMENSION, self.options, self.progress))

    @property
    def run(self) -> Run:
        """The run of `embedding`. Raises ConfigError where there is none."""
        if self.embedding is None:
            raise ConfigError("no run of a link-prediction model was named; train one and name it with --embedding RUN")
        self.meter.elsewhere("run", self.embedding.record.get("seconds", {}).get("train", 0.0))
        return self.embedding


@dataclass(frozen=True)
class Entry:
    """A strategy by its name. ceiling: it is fitted on likes of the asked titles, too; what no real answer can be.

    lacks: why it cannot be fitted on a graph, or with what is installed; None where it can. Asked unless named.
    """

    fit: Callable[[Learning], Strategy]
    about: str
    ceiling: bool = False
    lacks: Callable[[GraphStore], str | None] = lambda _: None
