"""Substitute vectors: one for each title, so that the product of two says how well one stands in for the other.

A title's vector is its likeness to some landmarks (`graph.content.kernel`) times a weight vector for each of them:
kernel ridge regression where `gnn.substitutes` learned the weights from viewers' feedback, factors of the kernel
itself (Nyström; Williams and Seeger 2001) where there is no feedback. Both are published as node properties, the
weights on the landmarks alone, so a title that comes later gets its vector here, in milliseconds, without training.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from graph.content import Content, ContentReader, kernel
from graph.store import GraphStore, Progress, Provenance, Vectors
from graph.vectors import top

Floats = npt.NDArray[np.float32]

VECTORS, WEIGHTS = "substitute_vector", "substitute_weights"
CONTENT, CONTENT_WEIGHTS = "content", "content_weights"
"""The model of vectors that no feedback has shaped: `Provenance.model`. A run publishes such under this name, too."""
DIMENSION = 128
FAME = 0.6
"""Without feedback the length of a vector has to say how much a title is wanted: votes to this power."""
DAMPING = 0.2
"""Learned vectors are divided by their length to this power, which says how popular a title is.

On validation draws that costs nothing, and a fifth more of the catalog is answered (docs/out-of-catalog.md).
"""

_LANDMARKS = 512
_BATCH = 32_768


@dataclasses.dataclass(frozen=True)
class FoldIn:
    """What makes a title into a vector. weights: (landmarks, d); fame: the power of its votes, 0 where learned.

    run: that its weights were published with, if they were. name: of the vectors that it makes.
    """

    reader: ContentReader
    weights: Floats
    fame: float
    run: str | None = None
    name: str = VECTORS

    @property
    def damping(self) -> float:
        """The power of its length by which a vector is divided: 0 where its length does not come from feedback."""
        return 0.0 if self.fame else DAMPING

    @classmethod
    def published(cls, store: GraphStore, name: str = VECTORS, weighted: str = WEIGHTS) -> FoldIn | None:
        """What the store's substitute vectors were made with; None where it has none, or not of the same run.

        name, weighted: under which the vectors and the weights are published.
        """
        found = store.info().embeddings
        vectors, weights = found.get(name), found.get(weighted)
        if vectors is None or weights is None or vectors.run != weights.run:
            return None
        ids, rows = store.get_embeddings(weighted)
        return cls(ContentReader(store, ids), rows, FAME if vectors.model == CONTENT else 0.0, vectors.run, name)

    def of(self, content: Content) -> Floats:
        """Vectors of titles, linear in their likeness to the landmarks, so not damped: (n, d) float32."""
        made = kernel(content, self.reader.landmarks) @ self.weights
        return cast(Floats, made * loudness(content, self.fame)[:, None])

    def vectors(self, ids: Sequence[str], progress: Progress | None = None) -> Floats:
        """Vectors of titles of the graph as they are published, batch by batch: (n, d) float32."""
        made = np.empty((len(ids), self.weights.shape[1]), np.float32)
        for start in range(0, len(ids), _BATCH):
            if progress is not None:
                progress("substitute vectors", start / len(ids))
            made[start : start + _BATCH] = damped(self.of(self.reader.read(ids[start : start + _BATCH])), self.damping)
        return made


def damped(vectors: Floats, power: float = DAMPING) -> Floats:
    """Vectors divided by their length to a power: (n, d) float32."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return cast(Floats, vectors / np.maximum(lengths, 1e-9) ** np.float32(power))


def loudness(content: Content, fame: float) -> Floats:
    """How much longer a title's vector is for being known: (n,), 1 for a million votes."""
    if not fame:
        return np.ones(len(content), np.float32)
    return cast(Floats, np.power(10, fame * (np.nan_to_num(content.votes) - 6)).astype(np.float32))


def from_content(store: GraphStore, landmarks: int = _LANDMARKS, dimension: int = DIMENSION) -> FoldIn:
    """The kernel's own factors, from the best-known titles: what there is without any feedback."""
    ids: list[str] = []
    votes: list[npt.NDArray[np.int64]] = []
    for batch in store.scan_nodes("Title", ["num_votes"]):
        ids += batch.column("id").to_pylist()
        votes.append(batch.column("num_votes").fill_null(0).to_numpy())
    chosen = np.sort(top(np.concatenate(votes), landmarks)).tolist() if ids else []
    reader = ContentReader(store, [ids[row] for row in chosen])
    return FoldIn(reader, factors(kernel(reader.landmarks, reader.landmarks), dimension), FAME)


def factors(between: Floats, dimension: int) -> Floats:
    """Weights w so that k(a, L)·w·wᵀ·k(L, b) is nearly k(a, b): (m, m) kernel of the landmarks → (m, d)."""
    m = len(between)
    first = max(m - dimension, 0)
    values, vectors = eigh(between.astype(np.float64), subset_by_index=(first, m - 1)) if m else (np.empty(0), between)
    values, vectors = values[::-1], vectors[:, ::-1]
    made = np.zeros((m, dimension), np.float32)
    made[:, : len(values)] = vectors / np.sqrt(np.maximum(values, 1e-6 * max(values.max(initial=0), 1e-9)))
    return made


def vectors_of(store: GraphStore, progress: Progress | None = None) -> Sequence[Vectors]:
    """The substitute vectors that a newly loaded graph needs: `GraphStore.load_tables` asks for them.

    Vectors that feedback has shaped stay as they are, and titles without one are folded in; those made of content are
    made anew. None where nothing is missing.
    """
    info = store.info()
    held = info.embeddings.get(VECTORS)
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    if held is not None and held.model != CONTENT:
        return folded_in(store, ids, progress)
    if not ids:
        return ()
    folded = from_content(store)
    run = f"{CONTENT}-{info.graph_hash}"
    provenance = Provenance(run, CONTENT, folded.weights.shape[1], info.graph_hash, _now())
    return (
        Vectors(WEIGHTS, folded.reader.landmarks.ids, folded.weights, provenance),
        Vectors(VECTORS, ids, folded.vectors(ids, progress), provenance),
    )


def folded_in(store: GraphStore, ids: Sequence[str], progress: Progress | None = None) -> Sequence[Vectors]:
    """All substitute vectors with those of titles that have none yet; none where no title lacks one."""
    known, rows = store.get_embeddings(VECTORS, ids)
    lacking = sorted(set(ids) - set(known))
    folded = FoldIn.published(store) if lacking else None
    if folded is None:
        return ()
    made = np.concatenate([rows, folded.vectors(lacking, progress)])
    provenance = dataclasses.replace(store.info().embeddings[VECTORS], made=_now())
    return (Vectors(VECTORS, [*known, *lacking], made, provenance),)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
