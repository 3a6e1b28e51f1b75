"""A trained graph neural network at rest: scores by its vectors, and embeds entities that training never saw.

Needs neither DGL nor the training graph: what each entity sent in each layer is kept with the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnn.config import RunConfig
from gnn.layers import Block, Network, index_sum
from gnn.scorer import Arrays

Neighbours = Sequence[tuple[int, Literal["out", "in"], Sequence[int]]]
"""What one new entity is linked to: relation, direction seen from the new entity (out: it is the head), the others."""


class GraphScorer:
    """Vectors that a graph neural network computed, scored by DistMult (Yang et al. 2015): sum of head·relation·tail.

    rows: what goes into each layer, (entities, d) each, and after them the vectors themselves.
    """

    def __init__(self, network: Network, rows: Sequence[Tensor]) -> None:
        self.network = network.eval().requires_grad_(False)
        self.rows = list(rows)
        self.dimension = int(network.diagonal.shape[1])

    @property
    def vectors(self) -> Tensor:
        """(entities, d) float32."""
        return self.rows[-1]

    def tails(self, heads: Tensor, relations: Tensor, among: Tensor | None = None) -> Tensor:
        """Scores as tails: (b, entities) or (b, among) float32."""
        return self._scores(heads, relations, among)

    def heads(self, relations: Tensor, tails: Tensor, among: Tensor | None = None) -> Tensor:
        """Scores as heads: (b, entities) or (b, among) float32. DistMult is symmetric."""
        return self._scores(tails, relations, among)

    def _scores(self, known: Tensor, relations: Tensor, among: Tensor | None) -> Tensor:
        others = self.vectors if among is None else self.vectors[among]
        return (self.vectors[known] * self.network.diagonal[relations]) @ others.T

    def triples(self, hrt: Tensor) -> Tensor:
        """Scores of given triples: (b, 3) → (b,)."""
        heads, relations, tails = hrt.unbind(1)
        return (self.vectors[heads] * self.network.diagonal[relations] * self.vectors[tails]).sum(1)

    def entity_vectors(self) -> npt.NDArray[np.float32]:
        """(entities, d) float32."""
        return self.vectors.numpy()

    def state(self) -> Arrays:
        """Weights, and what each entity sends in each layer: enough to score and to embed new entities."""
        state = {name: value.numpy().copy() for name, value in self.network.state_dict().items()}
        return state | {f"rows.{layer}": rows.numpy().copy() for layer, rows in enumerate(self.rows)}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Put back what `state` gave. Raises ValueError naming what is missing or of another shape."""
        for name, value in self.state().items():
            if name not in state:
                raise ValueError(f"the state has no {name}")
            if state[name].shape != value.shape:
                raise ValueError(f"{name} has the shape {state[name].shape}, not {value.shape}: another model or graph")
        for name, parameter in self.network.state_dict().items():
            parameter.copy_(torch.from_numpy(state[name].copy()))
        self.rows = [torch.from_numpy(state[f"rows.{layer}"].copy()) for layer in range(len(self.rows))]

    def embed_new(
        self, features: npt.NDArray[np.float32] | None, neighbours: Sequence[Neighbours]
    ) -> npt.NDArray[np.float32]:
        """Vectors of m entities that training never saw, by their features and neighbours: (m, d) float32.

        features: (m, f), the columns of training, or None where it had none. neighbours: one list for each of the m;
        empty is allowed. Exact as of the training graph: the neighbours are not changed by the newcomers.
        Raises ValueError where features are of another width.
        """
        m = len(neighbours)
        width = 0 if self.network.features is None else self.network.features.in_features
        given = 0 if features is None else features.shape[1]
        if given != width:
            raise ValueError(f"features have {given} columns, the model was trained with {width}")
        zero = torch.zeros(m, self.dimension)
        rows = self.network.first(zero, None if features is None else torch.from_numpy(features))
        others, block = _block(neighbours, len(self.network.diagonal))
        with torch.no_grad():
            for layer in range(len(self.rows) - 1):
                rows = self.network.step(layer, block, torch.cat([rows, self.rows[layer][others]]), index_sum)
        return rows.numpy()


def scorer_from(config: RunConfig, state: Mapping[str, npt.NDArray[Any]]) -> GraphScorer:
    """A scorer rebuilt from what `GraphScorer.state` gave and its run's configuration. Raises ValueError."""
    if "rows.0" not in state or "diagonal" not in state:
        raise ValueError("this is not the state of a graph neural network: it has no rows.0 or no diagonal")
    layers = sum(name.startswith("rows.") for name in state) - 1
    features = state["features.weight"].shape[1] if "features.weight" in state else 0
    bases = state["layers.0.bases"].shape[0] if "layers.0.bases" in state else 0
    relations, dimension = state["diagonal"].shape
    network = Network(config.model.name, dimension, relations, features, layers, bases)
    scorer = GraphScorer(network, [torch.zeros(state[f"rows.{layer}"].shape) for layer in range(layers + 1)])
    scorer.load_state(state)
    return scorer


def _block(neighbours: Sequence[Neighbours], relations: int) -> tuple[Tensor, Block]:
    """The neighbours' numbers, each once, and the edges from them (rows after the m new ones) to the new ones."""
    sources: list[int] = []
    targets: list[int] = []
    kinds: list[int] = []
    for target, links in enumerate(neighbours):
        for relation, direction, entities in links:
            # A message runs from head to tail as the relation, from tail to head as its inverse.
            kind = relation + relations if direction == "out" else relation
            sources.extend(entities)
            targets.extend([target] * len(entities))
            kinds.extend([kind] * len(entities))
    others, positions = torch.unique(torch.tensor(sources, dtype=torch.int64), return_inverse=True)
    reached = torch.tensor(targets, dtype=torch.int64)
    return others, Block(positions + len(neighbours), reached, torch.tensor(kinds, dtype=torch.int64), len(neighbours))
