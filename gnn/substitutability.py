"""The curve of `graph.substitutability`, learned: which best substitutes turn out to be liked most, on hidden titles.

Viewers are halved by a coin and some titles are hidden. A throw-away model learns from one half, without a single like
of what is hidden; the other half says whether the best one of a catalog is a good one. Catalogs are drawn for each
hidden title from all known titles down to a few, random ones and such as have nothing but one genre, the least or the
most liked, so that poor bests are among what is learned from. A quarter of the hidden titles only measures.
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

from gnn.substitutes import SHRINKAGE, FeedbackError, Fitted, Likes, Options, fit
from graph.foldin import damped
from graph.store import GraphStore, Progress
from graph.substitutability import FACTS, LIKED_MOST, features, probabilities
from graph.vectors import top

Floats = npt.NDArray[np.float32]
Figures = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

BINS = 10
_ASKED, _ENOUGH, _FEW = 1_000, 10, 40  # titles hidden at most; likes of each at least; so few titles teach nothing
_HIDDEN = 0.2  # share of the titles with likes enough that one throw-away model does without
_LANDMARKS = 2_048  # of a throw-away model, which only has to err about as much as the real one
_SMALLEST, _BLOCK = 3, 128
_RIDGE = 1e-6
_SIZES = (None, None, None)


@dataclass(frozen=True)
class Known:
    """The titles that viewers know, in one order, and what two halves of the viewers say of them.

    vectors: (n, d), by one half. popularity: likes in it, (n,). judges: (users, n), the likes of the other half.
    shrinkage: of the judges' cosines. genres: the rows of each genre. references: (m, d), those of the curve.
    """

    vectors: Floats
    popularity: Rows
    judges: sp.csc_matrix
    shrinkage: float
    genres: Sequence[Rows]
    references: Floats


@dataclass(frozen=True)
class Questions:
    """Titles asked in catalogs. inputs: (a, c, 4), features of the best of each catalog; good: (a, c), whether it was.

    names: (c,), what the catalogs of a column have in common.
    """

    inputs: Figures
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
    able = chance.permutation(np.flatnonzero(np.asarray(matrix.sum(axis=0)).ravel() >= _ENOUGH))
    size = min(int(len(able) * _HIDDEN), _ASKED)
    rounds = 1 if 2 * size > _ASKED else 2
    genres = genres_of(store, fitted.ids)
    parts = []
    for number in range(rounds):
        hidden, learns = np.sort(able[number * size : (number + 1) * size]), chance.random(matrix.shape[0]) < 0.5
        try:
            known = _known(store, fitted, matrix, hidden, learns, options, genres, progress)
        except FeedbackError:
            return None
        parts.append(ask(known, hidden, np.arange(len(fitted.ids)), chance, _SIZES))
    found = together(parts)
    if len(found.good) < _FEW:
        return None
    tells = chance.permutation(len(found.good)) < len(found.good) // 4
    coefficients = curve_of(found.inputs[~tells], found.good[~tells])
    said = probabilities(coefficients, found.inputs[tells])
    return Learned(coefficients, reliability(said, found.good[tells]), int(tells.sum()))


def _known(
    store: GraphStore, fitted: Fitted, matrix: sp.csr_matrix, hidden: Rows, learns: npt.NDArray[np.bool_],
    options: Options, genres: Sequence[Rows], progress: Progress | None,
) -> Known:  # fmt: skip
    """All known titles as a throw-away model has them, which saw half the viewers and no like of what is hidden."""
    seen = np.setdiff1d(np.arange(len(fitted.ids)), hidden)
    learned = Likes(matrix[learns][:, seen].tocsr(), [fitted.ids[row] for row in seen])
    fewer = {name: min(getattr(options, name), _LANDMARKS) for name in ("exact", "landmarks")}
    dimension = fitted.vectors.shape[1]
    thrown = fit(store, learned, dimension, options.model_copy(update={"ridge": fitted.ridge, **fewer}), progress)
    place = {id_: row for row, id_ in enumerate(fitted.ids)}
    own = [place[id_] for id_ in thrown.ids]
    rest = np.setdiff1d(np.arange(len(fitted.ids)), own)
    vectors = np.empty_like(fitted.vectors)
    vectors[own], vectors[rest] = damped(thrown.vectors), thrown.foldin.vectors([fitted.ids[row] for row in rest])
    references = vectors[[place[id_] for id_ in fitted.foldin.reader.landmarks.ids]]
    popularity = np.asarray(matrix[learns].sum(axis=0)).ravel().astype(np.int64)
    # What all viewers have in common is meant, and these are half of them: of half the likes half are as many.
    return Known(vectors, popularity, matrix[~learns].tocsc(), SHRINKAGE / 2, genres, references)


def together(parts: Sequence[Questions]) -> Questions:
    """Questions of several rounds or draws as one."""
    inputs, good = (np.concatenate([getattr(one, name) for one in parts]) for name in ("inputs", "good"))
    return Questions(inputs, good, parts[0].names)


def genres_of(store: GraphStore, ids: Sequence[str]) -> list[Rows]:
    """The rows of each genre's titles, of the genres that have enough for a catalog."""
    steps: pa.Table = store.neighbours(ids, ["IN_GENRE"], "out")
    rows, names = steps.column("source").to_numpy(), np.array(steps.column("neighbour").to_pylist(), object)
    found = (rows[names == name].astype(np.int64) for name in sorted(set(names)))
    return [one for one in found if len(one) > _SMALLEST]


def ask(known: Known, asked: Rows, inside: Rows, chance: np.random.Generator, sizes: Sequence[int | None]) -> Questions:
    """Ask for titles in catalogs drawn from the rows `inside`: one of each size and cut.

    A title that viewers of the other half like with nothing else is no question.
    """
    order = inside[np.argsort(known.popularity[inside], kind="stable")]
    genres = [own for own in (np.intersect1d(one, inside) for one in known.genres) if len(own) > _SMALLEST]
    names = [name for name, _ in _catalogs(order, genres, chance, sizes)]
    inputs, good = [np.empty((0, len(names), len(FACTS)))], [np.empty((0, len(names)), np.bool_)]
    for start in range(0, len(asked), _BLOCK):
        block = asked[start : start + _BLOCK]
        truth, reached = liked_most(known.judges, block, known.shrinkage), known.vectors[block] @ known.vectors.T
        reached[np.arange(len(block)), block] = -np.inf
        best = np.zeros((len(block), len(names)), np.int64)
        for row, products in enumerate(reached):
            for place, (_, catalog) in enumerate(_catalogs(order, genres, chance, sizes)):
                best[row, place] = catalog[np.argmax(products[catalog])]
        kept = truth.any(1)
        products = np.take_along_axis(reached, best, 1)[kept]
        inputs.append(features(known.references, known.vectors[block][kept], products))
        good.append(np.take_along_axis(truth, best, 1)[kept])
    return Questions(np.concatenate(inputs), np.concatenate(good), names)


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


def liked_most(judges: sp.csc_matrix, asked: Rows, shrinkage: float = SHRINKAGE) -> npt.NDArray[np.bool_]:
    """Which titles viewers of each asked one like most, by shrunk cosine; never itself: (asked, n)."""
    counts = np.asarray(judges.sum(axis=0)).ravel()
    both = (judges[:, asked].T @ judges).toarray()
    both[np.arange(len(asked)), asked] = 0
    made = np.zeros(both.shape, np.bool_)
    for row, cosines in enumerate(both / np.sqrt(counts + shrinkage)):
        made[row, top(cosines, LIKED_MOST)] = True
    return cast("npt.NDArray[np.bool_]", made & (both > 0))


def curve_of(inputs: Figures, good: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    """Coefficients of the logistic regression; those of the product are kept from falling below 0."""
    inputs, true = inputs.reshape(-1, len(FACTS)), good.ravel().astype(np.float64)

    def loss(at: Figures) -> tuple[float, Figures]:
        logits = inputs @ at
        slope = inputs.T @ (1 / (1 + np.exp(-np.clip(logits, -60, 60))) - true) / len(true) + 2 * _RIDGE * at
        return float((np.logaddexp(0, logits) - true * logits).mean() + _RIDGE * at @ at), slope

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
