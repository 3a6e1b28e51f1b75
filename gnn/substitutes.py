"""Substitute vectors learned from what viewers like: kernel ridge regression from content to co-likes. No torch.

Viewers' likes of the titles that have some are factored, so that the product of two titles' factors is about their
shrunk cosine: how often the two are liked together. From a title's likeness to these (`graph.content.kernel`) its
factors are predicted; the weights of that regression make a vector for any title, one that nobody has liked yet too. A
title's own factors count the more, the more likes it has (docs/out-of-catalog.md has the measurements).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field
from scipy.linalg import cho_solve, cholesky, eigh
from scipy.linalg.blas import strmm
from scipy.linalg.lapack import dtrtri
from scipy.sparse.linalg import svds

from gnn.config import ConfigError, model_options
from graph.content import Content, ContentReader, kernel
from graph.foldin import FoldIn, damped
from graph.store import GraphStore, Progress
from graph.vectors import top

Floats = npt.NDArray[np.float32]
Blocks = Sequence[tuple[Content, slice]]
"""The titles learned from, some at a time, and which rows they are."""

SHRINKAGE = 20
"""Likes at which a cosine counts half: of few likes little can be said."""
_BLOCK, _ASKED = 2_048, 50_000
_CHOSEN_ON = 20_000  # titles, about, on which the ridge is chosen
_FEW_TITLES = 3


class FeedbackError(ConfigError):
    """Feedback from which nothing can be learned: what there is, and what is needed."""


class Options(BaseModel):
    """`model.options` of Substitutes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    likes_from: float = Field(4.0, description="the least value that counts as a like; feedback without a value does")
    least_likes: int = Field(3, ge=1, description="titles with fewer are not learned from")
    ridge: float = Field(0.0, ge=0, description="of the regression; 0: chosen on left-out titles")
    own: float = Field(15.0, ge=0, description="likes at which a title's own count as much as what is predicted")
    exact: int = Field(8_000, ge=1, description="up to so many liked titles all are landmarks")
    landmarks: int = Field(4_096, ge=1, description="beyond that: so many, the most liked ones (Nyström)")


RIDGES = (3.0, 10.0, 30.0)


@dataclass(frozen=True)
class Likes:
    """Who liked what: (users, titles) of ones, and the titles' ids; both in the order of their ids."""

    matrix: sp.csr_matrix
    titles: list[str]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Likes of each title: (titles,)."""
        return np.asarray(self.matrix.sum(axis=0)).ravel().astype(np.int64)

    def enough(self, least: int) -> Likes:
        """Without the titles that have fewer likes."""
        kept = np.flatnonzero(self.counts >= least)
        return Likes(self.matrix[:, kept].tocsr(), [self.titles[column] for column in kept])


@dataclass(frozen=True)
class Fitted:
    """What was learned. foldin: for any title; ids, vectors: of the titles learned from, their own likes counted in.

    vectors are not damped yet (`graph.foldin.damped`). predicted: the same without own likes, each title left out of
    its own prediction. ridge: as configured, or chosen. error: mean square of what is left of the factors of left-out
    titles, as a share.
    """

    foldin: FoldIn
    ids: list[str]
    vectors: Floats
    predicted: Floats
    ridge: float
    error: float


def options_of(raw: dict[str, Any]) -> Options:
    """Check `model.options`. Raises ConfigError naming the key."""
    return model_options(raw, Options)


def likes_of(store: GraphStore, likes_from: float, rated: pa.Table | None = None) -> Likes:
    """The likes of titles of the graph, in its store or in a table RATED that is not in it.

    Raises FeedbackError where there are none.
    """
    users: list[pa.Array] = []
    titles: list[pa.Array] = []
    seen = 0
    batches = store.scan_relationships("RATED", ["type", "value"]) if rated is None else rated.to_batches()
    for batch in batches:
        seen += batch.num_rows
        value = batch.column("value")
        liked = pc.if_else(pc.is_null(value), pc.not_equal(batch.column("type"), "dislike"),
                           pc.greater_equal(value, likes_from))  # fmt: skip
        kept = batch.filter(liked)
        users.append(kept.column("head"))
        titles.append(kept.column("tail"))
    rows, columns = (pa.chunked_array(parts, pa.string()).dictionary_encode().combine_chunks()
                     for parts in (users, titles))  # fmt: skip
    where = store.url if rated is None else "the data"
    if not len(rows):
        raise FeedbackError(
            f"{where} has no like to learn from ({seen:,} feedback rows, none of at least {likes_from:g}); load "
            "feedback (reelgraph load --feedback FILE), or lower model.options.likes_from"
        )
    ones = np.ones(len(rows), np.float32)
    shape = len(rows.dictionary), len(columns.dictionary)
    made = sp.csr_matrix((ones, (rows.indices.to_numpy(), columns.indices.to_numpy())), shape, np.float32)
    made.data[:] = 1  # a title that somebody liked in two ways is liked once
    ids = columns.dictionary.to_pylist()
    there: set[str] = set()  # feedback outlives titles that a later load has not
    for start in range(0, len(ids), _ASKED):
        there.update(store.get_nodes("Title", ids[start : start + _ASKED], []).column("id").to_pylist())
    if not there:
        raise FeedbackError(f"all {len(rows):,} likes in {where} are of titles that are not in the graph")
    # Sorted, so that what is drawn by chance does not hang on the order in which a store gives its rows.
    people = np.argsort(np.array(rows.dictionary.to_pylist(), object))
    order = sorted((place for place, id_ in enumerate(ids) if id_ in there), key=lambda place: str(ids[place]))
    return Likes(made[people][:, order].tocsr(), [ids[place] for place in order])


def factors(likes: Likes, dimension: int) -> Floats:
    """(titles, d): products are the cosines of their likes, shrunk by SHRINKAGE. Truncated SVD, the same each time.

    All of them where users or titles are no more than the dimension.
    """
    scaled = likes.matrix @ sp.diags((1 / np.sqrt(likes.counts + SHRINKAGE)).astype(np.float32))
    made = np.zeros((len(likes.titles), dimension), np.float32)
    scaled = scaled.astype(np.float64)
    rank = min(dimension, *scaled.shape)
    if rank < min(scaled.shape):
        _, values, right = svds(scaled, k=rank, v0=np.random.default_rng(0).normal(size=min(scaled.shape)))
        made[:, :rank] = (right.T * values)[:, ::-1]
    elif len(likes.titles) > rank:
        made[:, :rank] = (scaled.T @ eigh((scaled @ scaled.T).toarray())[1])[:, ::-1]
    else:
        values, vectors = eigh((scaled.T @ scaled).toarray())
        made[:, :rank] = (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1]
    return made


def fit(store: GraphStore, likes: Likes, dimension: int, options: Options, progress: Progress | None = None) -> Fitted:
    """Learn weights and vectors from likes. Raises FeedbackError where too few titles have enough of them."""
    report: Progress = progress or (lambda _what, _share: None)
    learned = likes.enough(options.least_likes)
    if len(learned.titles) < _FEW_TITLES:
        raise FeedbackError(
            f"only {len(learned.titles)} titles have {options.least_likes} likes or more, and {_FEW_TITLES} are the "
            "least to learn from; load more feedback, or lower model.options.least_likes"
        )
    report("factors of the likes", 0.0)
    target = factors(learned, dimension)
    exact = len(learned.titles) <= options.exact
    chosen = np.arange(len(target)) if exact else np.sort(top(learned.counts.astype(np.float64), options.landmarks))
    reader = ContentReader(store, [learned.titles[row] for row in chosen])
    starts = range(0, len(learned.titles), _BLOCK)
    blocks = [(reader.read(learned.titles[start : start + _BLOCK]), slice(start, start + _BLOCK)) for start in starts]
    gram, moment = _normal(reader.landmarks, blocks, target, report)
    between = kernel(reader.landmarks, reader.landmarks)
    ridge = options.ridge
    if not ridge:
        step = max(len(learned.titles) // _CHOSEN_ON, 1)
        errors = {}
        for place, one in enumerate(RIDGES):
            report(f"regression, ridge {one:g}", 0.6 + 0.05 * place)
            errors[one] = _left_out(reader, blocks[::step], target, *_solve(gram, moment, between, one))[1]
        ridge = min(errors, key=errors.__getitem__)
    report(f"regression, ridge {ridge:g}", 0.75)
    weights, root = _solve(gram, moment, between, ridge)
    predicted, error = _left_out(reader, blocks, target, weights, root)
    own = options.own
    share = (learned.counts / (learned.counts + own))[:, None].astype(np.float32) if own else np.float32(1)
    vectors = (share * target + (1 - share) * predicted).astype(np.float32)
    return Fitted(FoldIn(reader, weights, 0.0), learned.titles, vectors, predicted, ridge, error)


def _normal(
    landmarks: Content, blocks: Blocks, target: Floats, report: Progress
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Kᵀ·K and Kᵀ·target of all titles against the landmarks, block by block."""
    m = len(landmarks)
    gram, moment = np.zeros((m, m)), np.zeros((m, target.shape[1]))
    for block, part in blocks:
        report("likeness of titles", 0.1 + 0.6 * part.start / len(target))
        rows = kernel(block, landmarks)
        gram += rows.T @ rows
        moment += rows.T @ target[part]
    return gram, moment


def _solve(
    gram: npt.NDArray[np.float64], moment: npt.NDArray[np.float64], between: Floats, ridge: float
) -> tuple[Floats, Floats]:
    """Weights (m, d), and the inverse of the Cholesky factor (m, m) of what they solve.

    (KᵀK + ridge·K_LL) w = Kᵀy, which is (K + ridge) w = y where every title is a landmark.
    """
    m = len(between)
    normal = gram + ridge * between
    normal[np.diag_indices(m)] += 1e-6 * np.trace(gram) / m
    factor = cholesky(normal, lower=True, overwrite_a=True, check_finite=False)
    weights = cho_solve((factor, True), moment, check_finite=False).astype(np.float32)
    inverse, _ = dtrtri(factor, lower=1)
    return weights, np.asfortranarray(inverse, np.float32)


def _left_out(
    reader: ContentReader, blocks: Blocks, target: Floats, weights: Floats, root: Floats
) -> tuple[Floats, float]:
    """What titles would get without their own likes, in closed form: (titles, d), zeros outside of the blocks.

    y − (y − ŷ)/(1 − h), h the title's leverage (Cook and Weisberg 1982), which is |root·k|². Beside it, the mean square
    of what is left, as a share.
    """
    predicted, left, whole = np.zeros_like(target), 0.0, 0.0
    for block, part in blocks:
        rows = kernel(block, reader.landmarks)
        fitted = rows @ weights
        leverage = np.square(strmm(1.0, root, rows.T, lower=1, overwrite_b=1)).sum(0)
        residual = (target[part] - fitted) / np.maximum(1 - leverage, 1e-3)[:, None]
        predicted[part] = target[part] - residual
        left += float(np.square(residual).sum())
        whole += float(np.square(target[part]).sum())
    return predicted, left / max(whole, 1e-12)


def all_vectors(fitted: Fitted, ids: Sequence[str], progress: Progress | None = None) -> Floats:
    """One vector for each title of a graph: folded in, or blended with its own likes where it has enough."""
    row = {id_: place for place, id_ in enumerate(fitted.ids)}
    known = np.array([row.get(id_, -1) for id_ in ids], np.int64)
    made = np.empty((len(ids), fitted.vectors.shape[1]), np.float32)
    made[known >= 0] = damped(fitted.vectors)[known[known >= 0]]
    others = np.flatnonzero(known < 0)
    made[others] = fitted.foldin.vectors([ids[place] for place in others.tolist()], progress)
    return made
