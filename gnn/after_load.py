"""After a load: titles that are new get the vectors that the others carry, from the runs that those came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnn.config import ConfigError
from gnn.prepare import needs, now
from gnn.publish import title_vectors
from gnn.runs import Run, RunError, open_run
from gnn.scorer import TrainingError
from gnn.title_models import TITLE_MODELS
from gnn.triples import TriplesError
from graph.foldin import CONTENT_WEIGHTS, VECTORS, WEIGHTS
from graph.store import GraphStore, Progress, Provenance, StoreBusy, StoreError
from graph.strategies import is_beside
from graph.tastes import LIKED, OFFERED
from graph.tower_vectors import PARTS
from graph.vectors import unit

Vectors = npt.NDArray[np.float32]

_BATCH = 50_000
# What keeps new titles from their vectors and is no mistake of ours: the load stands all the same.
_REASONS = (RunError, ConfigError, TriplesError, TrainingError, StoreError, OSError, MemoryError)

_OTHERS = (VECTORS, WEIGHTS, CONTENT_WEIGHTS, LIKED, OFFERED, *PARTS)
"""Substitute and taste vectors are folded in by the load itself, which needs no run; the rest go with others."""


@dataclass(frozen=True)
class FoldedIn:
    """What became of the titles without a vector of one published name.

    titles: how many got one; without: how many still have none. version: of the graph with them; None where nothing
    was written. problem: why none could be made.
    """

    name: str
    run: str
    titles: int
    without: int
    version: str | None = None
    problem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        if self.problem is not None:
            return f"{self.without:,} titles have no `{self.name}`: {self.problem}"
        text = f"{self.titles:,} titles got `{self.name}`, folded in from {self.run}"
        if self.version is not None:
            text = f"Version {self.version}: {text}"
        return text + (f"; {self.without:,} have none: nothing joins them to what it knows" if self.without else "")


def fold_in_new(
    store: GraphStore, runs: Path, progress: Progress | None = None, *, amend: bool = False
) -> list[FoldedIn]:
    """Give titles that lack a published vector one from the run that the others come from; those keep theirs exactly.

    One entry for each published name of which any title lacks a vector, and one new version for each that could be
    given; amend: none, but as a part of the version that is current, such as the load's. The run is sought in `runs` by
    the name that the provenance has, and must be the very one: its model, graph and vectors are compared. What cannot
    be done is said in `problem`, never raised.
    """
    held = store.info().embeddings
    published = {name: one for name, one in held.items() if name not in _OTHERS and not is_beside(name, held)}
    if not published:
        return []
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    found = [_fold_in(store, runs, name, provenance, ids, progress, amend) for name, provenance in published.items()]
    return [one for one in found if one is not None]


def _fold_in(
    store: GraphStore, runs: Path, name: str, provenance: Provenance, ids: Sequence[str], progress: Progress | None,
    amend: bool,
) -> FoldedIn | None:  # fmt: skip
    version = store.info().version
    held, vectors = store.get_embeddings(name, ids)
    carrying = set(held)
    lacking = [id_ for id_ in ids if id_ not in carrying]
    if not lacking:
        return None
    nothing = FoldedIn(name, provenance.run, 0, len(lacking))
    try:
        run = _run_of(runs, provenance)
        more, made = _vectors(run, store, lacking, held, vectors, progress)
        if not more:
            return nothing
        if store.info().version != version:
            raise StoreBusy(f"{store.url} was changed meanwhile; load again")
        version = store.set_embeddings(
            name, [*held, *more], np.concatenate([vectors, made]), dataclasses.replace(provenance, made=now()),
            amend=amend,
        )  # fmt: skip
    except _REASONS as error:
        return dataclasses.replace(nothing, problem=str(error) or type(error).__name__)
    return FoldedIn(name, provenance.run, len(more), len(lacking) - len(more), version)


def _run_of(runs: Path, provenance: Provenance) -> Run:
    """The run that a provenance names. Raises RunError where it is not there or is another one of that name."""
    folder = runs / provenance.run
    if not (folder / "run.json").exists():
        raise RunError(f"there is no run {folder}; say where the runs are: --runs DIR")
    run = open_run(folder)
    said = (provenance.model, provenance.graph_hash, provenance.dimension)
    if (run.config.model.name, run.record.get("graph_hash"), run.vectors().shape[1]) != said:
        raise _another(run)
    return run


def _another(run: Run) -> RunError:
    return RunError(
        f"{run.folder} is another run than the one that they come from; say where that is: --runs DIR, "
        f"or publish this one: reelgraph publish {run.folder} --fold-in"
    )


def _vectors(
    run: Run, store: GraphStore, lacking: Sequence[str], held: Sequence[str], vectors: Vectors,
    progress: Progress | None,
) -> tuple[list[str], Vectors]:  # fmt: skip
    """Vectors of titles that lack one: the run's own for those that it knows, folded in for the rest."""
    known, own = title_vectors(run)
    rows = {id_: row for row, id_ in enumerate(known)}
    for start in range(0, len(held), _BATCH):
        both = [(row, rows[id_]) for row, id_ in enumerate(held[start : start + _BATCH], start) if id_ in rows]
        if both and not np.array_equal(vectors[[one for one, _ in both]], own[[other for _, other in both]]):
            raise _another(run)
    back = [id_ for id_ in lacking if id_ in rows]
    ids, made = back, own[[rows[id_] for id_ in back]]
    strange = [id_ for id_ in lacking if id_ not in rows]
    if strange and run.config.model.name in TITLE_MODELS:
        raise RunError(
            f"{run.config.model.name} gives new titles a vector when it is trained again: reelgraph train "
            f"{run.folder / 'config.toml'}, then publish"
        )
    if strange:
        needs("torch", "pykeen")
        from gnn.foldin import fold_in

        if progress is not None:
            progress(f"reading the graph for {len(strange):,} titles", 0.0)
        more, placed = fold_in(run, store, strange, most=len(held), progress=progress)
        ids, made = [*back, *more], np.concatenate([made, unit(placed)])
    return ids, made
