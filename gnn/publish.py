"""Write-back: a run's vectors become properties of the titles, with where they come from, all at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gnn.runs import Run, RunError, open_run
from gnn.title_models import SUBSTITUTES, TASTES, TITLE_MODELS, TOWERS
from graph.foldin import CONTENT, CONTENT_WEIGHTS, VECTORS, WEIGHTS, folded_in
from graph.nearest import LIKED_BESIDE, beside
from graph.store import GraphStore, Provenance
from graph.tastes import LIKED, OFFERED
from graph.tastes_foldin import tastes_folded_in
from graph.tower_vectors import RANKER, TOWER_OFFERED, TOWER_SAYS, Ranking, ranker_facts, ranker_rows, tower_facts
from graph.vectors import unit

TITLE = "Title:"
PUBLISHED = "published"
"""Where a run's record keeps facts that its vectors are published with."""
_ANOTHER = 0.5
_BATCH = 50_000


class GraphMoved(UserWarning):
    """The graph is not the one of the training any more; what was done about it."""


def publish(
    run: Path | Run, store: GraphStore, *, fold_in: bool = False, force: bool = False, amend: bool = False
) -> str:
    """Give the store's titles the vectors of a run; returns the version that this makes.

    A reader has all of the old vectors or all of the new ones, and `store.rollback()` brings the old ones back.
    fold_in: titles that came after the training get a vector from their neighbours, without training.
    Titles that have left the graph since the training are left out, and a GraphMoved warning says how many. force:
    also where more than half of them are gone, which otherwise is taken for another graph. amend: as a part of the
    version that is current, so that a rollback takes both back.
    Raises RunError (the run does not fit the graph) or StoreError (InvalidRows, StoreBusy …).
    """
    run = open_run(run) if isinstance(run, Path) else run
    ids, vectors = title_vectors(run)
    now, then = store.info().graph_hash, str(run.record["graph_hash"])
    there = _held(store, ids)
    if not there.all():
        _check_fit(run, store, ids, there, moved=now != then, force=force)
        ids, vectors = [id_ for id_, held in zip(ids, there, strict=True) if held], vectors[there]
    if now != then:
        text = f"the graph has changed since {run.name} was trained: {int((~there).sum()):,} of its titles are gone"
        fresh = store.info().counts["Title"] - len(ids)
        more = "" if fold_in or not fresh or run.config.model.name in TITLE_MODELS else "; --fold-in gives them one"
        warnings.warn(GraphMoved(f"{text}, {fresh:,} of the graph's titles have no vector{more}"), stacklevel=2)
    if fold_in and run.config.model.name not in TITLE_MODELS:
        ids, vectors = _folded_in(run, store, ids, vectors)
    provenance = Provenance(
        run=run.name,
        model=run.config.model.name,
        dimension=int(vectors.shape[1]),
        graph_hash=then,
        made=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        facts=run.record.get(PUBLISHED, {}),
    )
    if run.config.model.name == TASTES:
        return _tastes(run, store, ids, vectors, provenance, amend)
    if run.config.model.name == TOWERS:
        return _towers(run, store, ids, vectors, provenance, amend)
    if run.config.model.name == CONTENT:
        _weights(run, store, CONTENT_WEIGHTS, provenance, amend)
        amend = True
    if LIKED_BESIDE in provenance.facts:
        liked = _liked(run, ids)
        store.set_embeddings(beside(run.config.publish.name), ids, liked, provenance, amend=amend)
        amend = True
    if run.config.model.name != SUBSTITUTES:
        return store.set_embeddings(run.config.publish.name, ids, vectors, provenance, amend=amend)
    return _substitutes(run, store, ids, vectors, provenance, amend)


def _liked(run: Run, ids: list[str]) -> npt.NDArray[np.float32]:
    """What each of these titles says of those who like it."""
    from gnn.tastes_run import liked_of

    row = {name.removeprefix(TITLE): place for place, name in enumerate(run.vocabulary().entities)}
    return liked_of(run)[[row[id_] for id_ in ids]]


def _weights(run: Run, store: GraphStore, name: str, provenance: Provenance, amend: bool) -> None:
    """Publish the weights of those landmarks that are still there."""
    from gnn.substitutes_run import weights_of

    landmarks, weights = weights_of(run)
    there = _held(store, landmarks)
    kept = [id_ for id_, held in zip(landmarks, there, strict=True) if held]
    store.set_embeddings(name, kept, weights[there], provenance, amend=amend)


def _substitutes(
    run: Run, store: GraphStore, ids: list[str], vectors: npt.NDArray[np.float32], provenance: Provenance, amend: bool
) -> str:
    """Publish the landmarks' weights with the vectors, as one version; titles that came later are folded in."""
    from gnn.substitutes_run import curve_facts

    _weights(run, store, WEIGHTS, provenance, amend)
    own = dataclasses.replace(provenance, facts=curve_facts(run))
    store.set_embeddings(VECTORS, ids, vectors, own, amend=True)
    every = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    for one in folded_in(store, every):
        store.set_embeddings(one.name, one.ids, one.rows, one.provenance, amend=True)
    return store.info().version


def _tastes(
    run: Run, store: GraphStore, ids: list[str], vectors: npt.NDArray[np.float32], provenance: Provenance, amend: bool
) -> str:
    """Publish both vectors of each title as one version, with how histories are weighed; later titles are folded in."""
    from gnn.tastes_run import weighting_facts

    liked = _liked(run, ids)
    own = dataclasses.replace(provenance, dimension=int(liked.shape[1]), facts=weighting_facts(run))
    store.set_embeddings(LIKED, ids, liked, own, amend=amend)
    own = dataclasses.replace(provenance, facts=weighting_facts(run))
    store.set_embeddings(OFFERED, ids, vectors, own, amend=True)
    for one in tastes_folded_in(store):
        store.set_embeddings(one.name, one.ids, one.rows, one.provenance, amend=True)
    return store.info().version


def _towers(
    run: Run, store: GraphStore, ids: list[str], vectors: npt.NDArray[np.float32], provenance: Provenance, amend: bool
) -> str:
    """Publish what answers users, and the networks as its facts, then the title tower, as one version."""
    from gnn.config import model_options
    from gnn.tower_arrays import networks_of
    from gnn.tower_options import TowerOptions

    towers, pairs = networks_of(run)
    options = model_options(run.config.model.options, TowerOptions)
    row = {name.removeprefix(TITLE): place for place, name in enumerate(run.vocabulary().entities)}
    kept = [row[id_] for id_ in ids]
    liked = float(run.record.get("liked_points", pairs.mean))
    ranking = Ranking(str(run.record["points"]), liked, options.shortlist, options.weight)
    for name, rows, facts in (
        (TOWER_OFFERED, towers.offered, {}),
        (TOWER_SAYS, towers.says, tower_facts(towers)),
        (RANKER, ranker_rows(pairs), ranker_facts(pairs, ranking)),
        (run.config.publish.name, vectors, {}),
    ):
        own = dataclasses.replace(provenance, dimension=int(rows.shape[1]), facts=facts)
        store.set_embeddings(name, ids, vectors if rows is vectors else rows[kept], own, amend=amend)
        amend = True
    return store.info().version


def title_vectors(run: Run) -> tuple[list[str], npt.NDArray[np.float32]]:
    """A run's titles and their vectors: ids as the graph has them, (n, d) float32. Raises RunError where none are.

    Those of a model of the graph have unit length, so that what is near is so by cosine, as `evaluate` has it.
    """
    if run.state != "finished":
        raise RunError(f"{run.folder} is {run.state}; only a finished run can be published")
    entities, vectors = run.vocabulary().entities, run.vectors()
    if len(entities) != len(vectors):
        raise RunError(f"{run.folder}: {len(entities):,} names, but {len(vectors):,} vectors; train again")
    rows = [row for row, name in enumerate(entities) if name.startswith(TITLE)]
    if not rows:
        raise RunError(f"{run.folder} was not trained on a graph's titles but on {entities[0]!r} and the like")
    chosen = np.asarray(vectors[rows], np.float32)
    if not np.isfinite(chosen).all():
        raise RunError(f"{run.folder}/vectors.npy holds values that are not finite; look at plots/loss.png")
    if run.config.model.name not in TITLE_MODELS:
        chosen = unit(chosen)
    return [entities[row].removeprefix(TITLE) for row in rows], chosen


def _held(store: GraphStore, ids: list[str]) -> npt.NDArray[np.bool_]:
    """Which of these titles the store has: (n,) bool."""
    found: set[str] = set()
    for start in range(0, len(ids), _BATCH):
        found.update(store.get_nodes("Title", ids[start : start + _BATCH], []).column("id").to_pylist())
    return np.fromiter((id_ in found for id_ in ids), bool, len(ids))


def _check_fit(
    run: Run, store: GraphStore, ids: list[str], there: npt.NDArray[np.bool_], *, moved: bool, force: bool
) -> None:
    first = ids[int(np.argmin(there))]
    if not moved:
        raise RunError(f"{store.url} has no title {first!r}, which {run.folder} was trained on; the run is damaged")
    if there.mean() < _ANOTHER and not force:
        raise RunError(
            f"{run.folder} was trained on another graph: {int((~there).sum()):,} of its {len(ids):,} titles, the first "
            f"of them {first!r}, are not in {store.url}; train on this graph (--force publishes the rest)"
        )
    if not there.any():
        raise RunError(f"none of the titles of {run.folder} is in {store.url}; train on this graph")


def _folded_in(
    run: Run, store: GraphStore, ids: list[str], vectors: npt.NDArray[np.float32]
) -> tuple[list[str], npt.NDArray[np.float32]]:
    from gnn.foldin import fold_in

    known = set(ids)
    more, made = fold_in(run, store)
    fresh = [row for row, id_ in enumerate(more) if id_ not in known]
    return [*ids, *(more[row] for row in fresh)], np.concatenate([vectors, unit(np.asarray(made, np.float32)[fresh])])
