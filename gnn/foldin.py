"""Fold-in: vectors for titles that came after the training, from their edges to what the model knows.

For a knowledge-graph embedding the newcomers' rows alone are trained, with the run's own loss, optimizer and shared
negatives; all other rows and the relations stand still, as in the folding-in of latent semantic analysis (Deerwester et
al. 1990). A graph neural network computes them from neighbours and features, without training (Hamilton et al. 2017).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from gnn.config import RunConfig
from gnn.inductive import GraphScorer, Neighbours
from gnn.kge import Kge, build
from gnn.loop import Loop
from gnn.prepare import GRAPH_NETWORKS
from gnn.runs import Run, RunError, open_run
from gnn.scorer import Scorer
from gnn.train import load_scorer
from gnn.triples import Ids, Split, Vocabulary, graph_triples
from graph.store import GraphStore, Progress

_LEAST_BATCH = 64
_MOST_EPOCHS = 50
_GRAPH_WALKERS = ("CompGCN", "NodePiece", "RGCN", "InductiveNodePiece", "InductiveNodePieceGNN")


@dataclass(frozen=True)
class Newcomers:
    """Entities that training never saw, numbered from the known ones on, and their edges to known ones, (n, 3).

    Of two newcomers that are joined neither helps to place the other, so such edges are left out.
    """

    names: tuple[str, ...]
    triples: Ids


def fold_in(
    run: Path | Run,
    store: GraphStore,
    titles: Collection[str] | None = None,
    *,
    most: int | None = None,
    progress: Progress | None = None,
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Ids and vectors, (n, d) float32, of the store's titles that the run has not seen, or of those in `titles`.

    A title without any edge to what the run knows gets none, unless the model has features to go by. Raises RunError
    where the model cannot embed what it has not seen, and where more than `most` titles are new.
    """
    run = open_run(run) if isinstance(run, Path) else run
    if _walks(run.config):
        raise _cannot(run.config)
    fresh = newcomers(run.vocabulary(), store, run.config, titles)
    if not fresh.names:
        return [], np.empty((0, run.vectors().shape[1]), np.float32)
    if most is not None and len(fresh.names) > most:
        raise RunError(
            f"{len(fresh.names):,} are new to {run.name}, more than the {most:,} that carry its vectors; train on this "
            f"graph, or all the same: reelgraph publish {run.folder} --fold-in"
        )
    scorer = load_scorer(run)
    ids = [name.removeprefix("Title:") for name in fresh.names]
    features = None
    if isinstance(scorer, GraphScorer) and scorer.network.features is not None:
        from gnn.features import features_of

        features = features_of(store, ids, run.vocabulary().relations)
    known = len(run.vocabulary().entities)
    epochs = int(run.record.get("best_epoch") or run.config.training.epochs)
    extended = extend(scorer, run.config, run.vocabulary(), fresh, features, epochs=epochs, progress=progress)
    placed = np.arange(len(ids)) if features is not None else np.unique(_own(fresh.triples, known)) - known
    return [ids[row] for row in placed], extended.entity_vectors()[known:][placed]


def newcomers(
    vocabulary: Vocabulary, store: GraphStore, config: RunConfig, titles: Collection[str] | None = None
) -> Newcomers:
    """The store's titles that a vocabulary lacks (of `titles` alone), with their edges in the relations that it has."""
    now, triples = graph_triples(store, config.graph)
    numbers, relations = vocabulary.entity_numbers, vocabulary.relation_numbers
    asked = None if titles is None else {f"Title:{id_}" for id_ in titles}
    fresh = [name for name in now.entities
             if name.startswith("Title:") and name not in numbers and (asked is None or name in asked)]  # fmt: skip
    place = {name: len(numbers) + row for row, name in enumerate(fresh)}
    known = np.array([numbers.get(name, -1) for name in now.entities], np.int64)
    mapped = np.array([place.get(name, numbers.get(name, -1)) for name in now.entities], np.int64)
    relation = np.array([relations.get(name, -1) for name in now.relations], np.int64)
    there = (mapped[triples[:, [0, 2]]] >= 0).all(1) & (relation[triples[:, 1]] >= 0)
    one_known = (known[triples[:, [0, 2]]] >= 0).sum(1) == 1
    chosen = triples[there & one_known]
    made = np.stack([mapped[chosen[:, 0]], relation[chosen[:, 1]], mapped[chosen[:, 2]]], 1)
    return Newcomers(tuple(fresh), made)


def extend(
    scorer: Scorer, config: RunConfig, vocabulary: Vocabulary, fresh: Newcomers,
    features: npt.NDArray[np.float32] | None = None, *, epochs: int, progress: Progress | None = None,
) -> Scorer:  # fmt: skip
    """A scorer that knows the newcomers too, behind the entities of `vocabulary`, which keep their vectors.

    features: (newcomers, f), for a graph network that was trained with some. epochs: of the newcomers' own triples.
    """
    if isinstance(scorer, GraphScorer):
        return _computed(scorer, vocabulary, fresh, features)
    if not isinstance(scorer, Kge) or _walks(config):
        raise _cannot(config)
    return _learned(scorer, config, vocabulary, fresh, min(epochs, _MOST_EPOCHS), progress)


def _walks(config: RunConfig) -> bool:
    """Whether it is one of PyKEEN's models that compute a vector from the graph of the training."""
    return config.model.name in _GRAPH_WALKERS and config.model.name not in GRAPH_NETWORKS


def _cannot(config: RunConfig) -> RunError:
    return RunError(f"{config.model.name} cannot embed what it has not seen; train again, or use another model")


def _learned(
    scorer: Kge, config: RunConfig, vocabulary: Vocabulary, fresh: Newcomers, epochs: int, progress: Progress | None
) -> Kge:
    """Train the newcomers' rows alone."""
    known = len(vocabulary.entities)
    grown = Vocabulary((*vocabulary.entities, *fresh.names), vocabulary.relations)
    larger = build(config, grown)
    entity_parameters = _copy(scorer, larger, known)
    if not len(fresh.triples):
        return larger
    # About one triple of each newcomer a batch: as in training, each of its edges moves it a step of its own.
    batch = max(_LEAST_BATCH, len(fresh.names))
    training = config.training.model_copy(update={"batch": min(batch, config.training.batch)})
    empty = np.empty((0, 3), np.int64)
    loop = Loop(Split(grown, fresh.triples, empty, empty), config.model_copy(update={"training": training}), larger)
    loop.optimizer = _NewRows(loop.optimizer, entity_parameters, known)  # type: ignore[assignment]
    for number in range(1, epochs + 1):
        loop.epoch(number)
        if progress is not None:
            progress(f"placing {len(fresh.names):,} titles", number / epochs)
    return larger


def _copy(scorer: Kge, larger: Kge, known: int) -> set[str]:
    """Put a model's parameters into one with more entities; returns the names of those with a row an entity."""
    own, state = scorer.state(), larger.state()
    grown = {name for name, array in state.items() if own[name].shape != array.shape}
    for name in grown:
        state[name] = np.concatenate([own[name], state[name][known:]])
    larger.load_state({name: state[name] if name in grown else own[name] for name in state})
    return grown


class _NewRows:
    """An optimizer that moves the rows of newcomers and nothing else."""

    def __init__(self, optimizer: Any, names: set[str], first: int) -> None:
        self._optimizer, self._names, self._first = optimizer, names, first
        self.learning_rate: float = optimizer.learning_rate

    def step(self, name: str, ids: torch.Tensor | None, gradient: torch.Tensor) -> None:
        """See gnn.adagrad."""
        if name not in self._names:
            return
        rows = torch.arange(len(gradient), device=gradient.device) if ids is None else ids
        new = rows >= self._first
        if bool(new.any()):
            self._optimizer.step(name, rows[new], gradient[new])


def _computed(
    scorer: GraphScorer, vocabulary: Vocabulary, fresh: Newcomers, features: npt.NDArray[np.float32] | None
) -> GraphScorer:
    """Compute the newcomers' vectors from their neighbours."""
    vectors = scorer.embed_new(features, neighbour_lists(fresh, len(vocabulary.entities)))
    grown = GraphScorer(scorer.network, scorer.rows)
    # Only the last rows are scored; what newcomers would send in earlier layers nobody asks for.
    grown.rows = [*scorer.rows[:-1], torch.cat([scorer.vectors, torch.from_numpy(vectors)])]
    return grown


def neighbour_lists(fresh: Newcomers, known: int) -> list[Neighbours]:
    """What each newcomer is linked to, as graph networks take it."""
    found: list[dict[tuple[int, Literal["out", "in"]], list[int]]] = [{} for _ in fresh.names]
    for head, relation, tail in fresh.triples.tolist():
        own, other, direction = (head, tail, "out") if head >= known else (tail, head, "in")
        found[own - known].setdefault((relation, direction), []).append(other)
    return [[(relation, direction, ids) for (relation, direction), ids in one.items()] for one in found]


def _own(triples: Ids, known: int) -> Ids:
    """The newcomer of each triple."""
    return np.where(triples[:, 0] >= known, triples[:, 0], triples[:, 2])
