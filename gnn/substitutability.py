"""The curve of `graph.substitutability`, learned: which best substitutes turn out to be liked most, on left-out titles.

Viewers are halved by a coin. A throw-away model learns from one half; each asked title is left out of its own
prediction, and the other half says whether the best one of a catalog is a good one. Catalogs are drawn for each asked
title from nearly all known titles down to a few, random ones and such as have nothing but one genre, the least or the
most liked, so that poor bests are among what is learned from. A quarter of the asked titles only measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from scipy.optimize import minimize

from gnn.substitutes import SHRINKAGE, Fitted, Likes, Options, fit
from graph.foldin import damped
from graph.store import GraphStore, Progress
from graph.substitutability import FACTS, LIKED_MOST, Curve, features
from graph.vectors import top

Floats = npt.NDArray[np.float32]
Figures = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

BINS = 10
_ASKED, _ENOUGH, _FEW = 1_000, 10, 40  # titles asked at most; likes of each at least; so few titles teach nothing
_LANDMARKS = 2_048  # of the throw-away model, which only has to err about as much as the real one
_SMALLEST, _BLOCK = 3, 128
_RIDGE = 1e-6
_TRAINING: tuple[int | None, ...] = (None, None, None)


@dataclass(frozen=True)
class Known:
    """The titles that viewers know, in one order, and what two halves of the viewers say of them.

    vectors: (n, d), by one half. popularity: likes in it, (n,). judges: (users, n), the likes of the other half.
    genres: the rows of each genre. references: the rows of the curve's references.
    """

    ids: Sequence[str]
    vectors: Floats
    popularity: Rows
    judges: sp.csc_matrix
    genres: Sequence[Rows]
    references: Rows


@dataclass(frozen=True)
class Questions:
    """Titles asked in catalogs. asked: (a, d) vectors; products: (a, c), of the best of each catalog; good: (a, c).

    names: (c,), what the catalogs of a column have in common.
    """

    asked: Floats
    products: Floats
    good: npt.NDArray[np.bool_]
    names: Sequence[str]


@dataclass(frozen=True)
class Reliability:
    """How far to believe probabilities. bins: of equal mass, each (mean probability, share of good ones, questions).

    error: expected calibration error, the mean distance of the two. chance: what it would be for the same probabilities
    if they were right. brier: mean square error; base_brier: that of always saying the share of good ones, `base`.
    """

    questions: int
    error: float
    chance: float
    brier: float
    base_brier: float
    base: float
    bins: Sequence[tuple[float, float, int]]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return vars(self) | {"bins": [list(one) for one in self.bins]}


@dataclass(frozen=True)
class Learned:
    """The coefficients of a curve, and how reliable it is on `titles` that it was not fitted on."""

    coefficients: tuple[float, ...]
    reliability: Reliability
    titles: int


def learn(
    store: GraphStore, likes: Likes, fitted: Fitted, options: Options, progress: Progress | None = None
) -> Learned | None:
    """The curve that belongs to what was learned from these likes; None where too few titles can be asked about."""
    chance = np.random.default_rng(0)
    column = {id_: place for place, id_ in enumerate(likes.titles)}
    matrix = likes.matrix[:, [column[id_] for id_ in fitted.ids]].tocsr()
    counts = np.asarray(matrix.sum(axis=0)).ravel()
    asked = np.sort(chance.permutation(np.flatnonzero(counts >= _ENOUGH))[:_ASKED])
    if len(asked) < _FEW:
        return None
    learns = chance.random(matrix.shape[0]) < 0.5
    seen = Likes(matrix[learns], fitted.ids)
    if len(seen.enough(options.least_likes).titles) < _FEW:
        return None
    fewer = {name: min(getattr(options, name), _LANDMARKS) for name in ("exact", "landmarks")}
    thrown = fit(
        store, seen, fitted.vectors.shape[1], options.model_copy(update={"ridge": fitted.ridge, **fewer}), progress
    )
    known, left_out = _known(store, fitted, thrown, seen, matrix[~learns].tocsc())
    found, kept = ask(known, asked, left_out[asked], np.arange(len(fitted.ids)), chance, _TRAINING)
    if len(kept) < _FEW:
        return None
    tells = chance.permutation(len(kept)) < len(kept) // 4
    curve = Curve(curve_of(known.vectors[known.references], _some(found, ~tells)), known.vectors[known.references])
    test = _some(found, tells)
    return Learned(curve.coefficients, reliability(curve.of(test.asked, test.products), test.good), int(tells.sum()))


def _known(
    store: GraphStore, fitted: Fitted, thrown: Fitted, seen: Likes, judges: sp.csc_matrix
) -> tuple[Known, Floats]:
    """What the throw-away model says of all known titles, as published, and the same of each without its own likes."""
    place = {id_: row for row, id_ in enumerate(fitted.ids)}
    own = [place[id_] for id_ in thrown.ids]
    rest = np.setdiff1d(np.arange(len(fitted.ids)), own)
    vectors = np.empty_like(fitted.vectors)
    vectors[own], vectors[rest] = damped(thrown.vectors), thrown.foldin.vectors([fitted.ids[row] for row in rest])
    left_out = vectors.copy()
    left_out[own] = damped(thrown.predicted)
    references = np.array([place[id_] for id_ in fitted.foldin.reader.landmarks.ids], np.int64)
    return Known(fitted.ids, vectors, seen.counts, judges, genres_of(store, fitted.ids), references), left_out


def genres_of(store: GraphStore, ids: Sequence[str]) -> list[Rows]:
    """The rows of each genre's titles, of the genres that have enough for a catalog."""
    steps: pa.Table = store.neighbours(ids, ["IN_GENRE"], "out")
    rows, names = steps.column("source").to_numpy(), np.array(steps.column("neighbour").to_pylist(), object)
    found = (rows[names == name].astype(np.int64) for name in sorted(set(names)))
    return [one for one in found if len(one) > _SMALLEST]


def ask(
    known: Known, asked: Rows, vectors: Floats, inside: Rows, chance: np.random.Generator, sizes: Sequence[int | None]
) -> tuple[Questions, Rows]:
    """Ask for titles, by their vectors (a, d), in catalogs drawn from the rows `inside`: one of each size and cut.

    Also which of `asked` viewers of the other half like with anything; the others are no question.
    """
    products: list[list[float]] = []
    good: list[list[bool]] = []
    kept: list[int] = []
    names: Sequence[str] = ()
    order = inside[np.argsort(known.popularity[inside], kind="stable")]
    genres = [own for own in (np.intersect1d(one, inside) for one in known.genres) if len(own) > _SMALLEST]
    for start in range(0, len(asked), _BLOCK):
        block = asked[start : start + _BLOCK]
        truth, reached = liked_most(known.judges, block), vectors[start : start + _BLOCK] @ known.vectors.T
        reached[np.arange(len(block)), block] = -np.inf
        for row in np.flatnonzero(truth.any(1)):
            catalogs = _catalogs(order, genres, chance, sizes)
            best = [rows[np.argmax(reached[row, rows])] for _, rows in catalogs]
            products.append([float(reached[row, one]) for one in best])
            good.append([bool(truth[row, one]) and one != block[row] for one in best])
            kept.append(start + int(row))
            names = [name for name, _ in catalogs]
    which = np.array(kept, np.int64)
    shape = len(kept), len(names)
    return Questions(
        vectors[which], np.array(products, np.float32).reshape(shape), np.array(good, bool).reshape(shape), names
    ), which


def _catalogs(
    order: Rows, genres: Sequence[Rows], chance: np.random.Generator, sizes: Sequence[int | None]
) -> list[tuple[str, Rows]]:
    """Rows of catalogs, by name. order: what may be in them, the least liked first; a size of None: any, by chance."""
    whole = len(order)

    def some() -> int:
        return min(int(np.exp(chance.uniform(np.log(_SMALLEST), np.log(whole + 1)))), whole)

    def drawn(size: int) -> Rows:
        return order[chance.choice(whole, min(size, whole), replace=False)]

    made = [("all", order), *((f"{size or 'any size'}", drawn(size or some())) for size in sizes)]
    made += [("least liked", order[: some()]), ("most liked", order[whole - some() :])]
    return [*made, ("one genre", genres[int(chance.integers(len(genres)))] if genres else order)]


def liked_most(judges: sp.csc_matrix, asked: Rows) -> npt.NDArray[np.bool_]:
    """Which titles viewers of each asked one like most, by shrunk cosine; never itself: (asked, n)."""
    counts = np.asarray(judges.sum(axis=0)).ravel()
    both = (judges[:, asked].T @ judges).toarray()
    both[np.arange(len(asked)), asked] = 0
    made = np.zeros(both.shape, np.bool_)
    for row, cosines in enumerate(both / np.sqrt(counts + SHRINKAGE)):
        made[row, top(cosines, LIKED_MOST)] = True
    return cast("npt.NDArray[np.bool_]", made & (both > 0))


def curve_of(references: Floats, questions: Questions) -> tuple[float, ...]:
    """Coefficients of the logistic regression; those of the product are kept from falling below 0."""
    inputs = features(references, questions.asked, questions.products).reshape(-1, len(FACTS))
    good = questions.good.ravel().astype(np.float64)

    def loss(at: Figures) -> tuple[float, Figures]:
        logits = inputs @ at
        slope = inputs.T @ (1 / (1 + np.exp(-np.clip(logits, -60, 60))) - good) / len(good) + 2 * _RIDGE * at
        return float((np.logaddexp(0, logits) - good * logits).mean() + _RIDGE * at @ at), slope

    bounds = [(0, None) if name in ("below_bar", "above_bar") else (None, None) for name in FACTS]
    found = minimize(loss, np.zeros(len(FACTS)), jac=True, bounds=bounds, method="L-BFGS-B")
    return tuple(float(one) for one in found.x)


def reliability(probabilities: npt.NDArray[Any], good: npt.NDArray[np.bool_], seed: int = 0) -> Reliability:
    """How probabilities and what was good agree; any shape, both the same."""
    said, true = probabilities.ravel().astype(np.float64), good.ravel()
    parts = np.array_split(np.argsort(said, kind="stable"), min(BINS, len(said)))
    bins = [(float(said[part].mean()), float(true[part].mean()), len(part)) for part in parts]

    def error(answers: npt.NDArray[np.bool_]) -> float:
        return float(sum(abs(said[part].sum() - answers[part].sum()) for part in parts)) / len(said)

    chance = np.random.default_rng(seed)
    by_chance = float(np.mean([error(chance.random(len(said)) < said) for _ in range(50)]))
    base = float(true.mean())
    brier = float(np.square(said - true).mean())
    return Reliability(len(said), error(true), by_chance, brier, base * (1 - base), base, bins)


def _some(questions: Questions, rows: npt.NDArray[np.bool_]) -> Questions:
    return Questions(questions.asked[rows], questions.products[rows], questions.good[rows], questions.names)
