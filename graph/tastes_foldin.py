"""Taste vectors of titles that came after the training, by what they are made of: ridge regression on the others'.

A title that nobody has watched offers what titles of like content do, and so says having liked it. `gnn.tastes` does
the same at a training for titles without feedback, which have weights of their own: what it made of them is learned
from, where there are enough. Here nothing is needed but the published vectors and the graph, so a title is recommended
from the load on that brings it, and stands where the next training will put it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graph.content import ContentReader, kernel
from graph.foldin import factors, vectors_of
from graph.store import GraphStore, Progress, Vectors
from graph.tastes import LIKED, OFFERED, Weighting
from graph.vectors import top

Floats = npt.NDArray[np.float32]

_LANDMARKS, _DIMENSION, _KNOWN, _BATCH = 1_024, 256, 8_192, 8_192
_ENOUGH = 1_024
_RIDGES = 0.3, 3.0  # what is learned from titles without feedback is content itself; of others it is noise as well


def vectors_after_load(store: GraphStore, progress: Progress | None = None) -> Sequence[Vectors]:
    """The vectors that a newly loaded graph needs: `GraphStore.load_tables` asks for them."""
    return [*vectors_of(store, progress), *tastes_folded_in(store, progress)]


def tastes_folded_in(store: GraphStore, progress: Progress | None = None) -> Sequence[Vectors]:
    """Both taste vectors of all titles, with those of titles that have none yet; the others' stay as they are.

    None where no title lacks them, or no title has any.
    """
    if Weighting.published(store) is None:
        return ()
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    (known, liked), (offering, offered) = (store.get_embeddings(name, ids) for name in (LIKED, OFFERED))
    lacking = sorted(set(ids) - set(known))
    if not lacking or not known or known != offering:
        return ()
    if progress is not None:
        progress(f"taste vectors of {len(lacking):,} titles", 0.0)
    said = predicted(store, known, np.hstack([liked, offered]), lacking)
    info, width = store.info().embeddings, liked.shape[1]
    made = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return tuple(
        Vectors(name, [*known, *lacking], np.concatenate([own, more]), dataclasses.replace(info[name], made=made))
        for name, own, more in ((LIKED, liked, said[:, :width]), (OFFERED, offered, said[:, width:]))
    )


def predicted(store: GraphStore, known: Sequence[str], vectors: Floats, asked: Sequence[str]) -> Floats:
    """What content says of titles: (asked, d) float32.

    Learned on the known ones without feedback, where these are too few on those that most feedback is about, too.
    """
    about = store.degrees(known, ["RATED"], "in").astype(np.float64)
    landmarks = np.sort(top(about, _LANDMARKS))
    cold = np.flatnonzero(about == 0)
    if len(cold) > _KNOWN:
        cold = np.random.default_rng(0).choice(cold, _KNOWN, replace=False)
    enough = len(cold) >= _ENOUGH
    chosen = np.sort(cold) if enough else np.union1d(cold, top(about, _KNOWN))
    reader = ContentReader(store, [known[place] for place in landmarks.tolist()])
    weights = factors(kernel(reader.landmarks, reader.landmarks), _DIMENSION)

    def content(ids: Sequence[str], unwatched: npt.NDArray[np.bool_]) -> Floats:
        rows = [kernel(reader.read(ids[at : at + _BATCH]), reader.landmarks) @ weights
                for at in range(0, len(ids), _BATCH)]  # fmt: skip
        made = np.concatenate(rows)
        made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
        return np.hstack([made, np.ones((len(made), 1), np.float32), unwatched[:, None].astype(np.float32)])

    z = content([known[place] for place in chosen.tolist()], about[chosen] == 0).astype(np.float64)
    normal = z.T @ z + _RIDGES[not enough] * np.eye(z.shape[1])
    learned = np.linalg.solve(normal, z.T @ vectors[chosen])
    said: Floats = (content(asked, np.ones(len(asked), bool)) @ learned).astype(np.float32)
    return said
