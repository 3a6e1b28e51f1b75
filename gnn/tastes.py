"""Taste vectors (`graph.tastes`) learned from feedback and from the graph. NumPy and SciPy alone.

Several matrices say how much liking one title speaks for another: EASE (Steck 2019) of what is liked and of what is
watched, cosines of who likes and of who watches both, titles watched one after the other, and likeness of content.
Each is a product of two thin ones. For EASE that is exact: with X = U S Vᵀ the inverse of XᵀX + λ is 1/λ times
identity minus V g Vᵀ, g = s²/(s² + λ), so outside of its diagonal, which nobody asks for, EASE is V g Vᵀ over
1 - diag(V g Vᵀ). How much each matrix counts is learned on likes that the matrices have not seen
(gnn/tastes_weights.py, gnn/tastes_cold.py); then they are added up and made thin again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, Field
from scipy.linalg import eigh

from gnn.histories import UNKNOWN, Floats, Histories, Ints
from gnn.substitutes import FeedbackError
from gnn.tastes_weights import learned
from graph.content import ContentReader, kernel
from graph.foldin import factors
from graph.store import GraphStore, Progress
from graph.tastes import Weighting
from graph.vectors import top

Thin = tuple[Floats, Floats]
"""A matrix of titles by titles as two: (titles, r) what liking one says, (titles, r) of what is offered."""
_YEAR = 31_556_952
_ASKING = 5_000  # users, at most, whose tastes say what must not be lost
_BATCH, _POWERS, _FLOOR = 8_192, 4, 0.1
_NOTHING = 1e-7  # of the largest singular value: what is below is noise
LONG = ("ease", "content")
RECENT = ("seen", "likes", "watches", "sequence", "content")
STATIC = ("popularity", "liking", "newness", "unreleased")
COLD, OFFSET = "cold ", "cold titles"
"""How the names of weights begin that count for titles without feedback, and what these get besides."""
_ALL = {"long": LONG, "recent": RECENT}


class Options(BaseModel):
    """`model.options` of Tastes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    long: int = Field(128, ge=1, description="dimension of the part about all that is liked")
    recent: int = Field(128, ge=1, description="dimension of the part about what was watched last")
    rank: int = Field(640, ge=1, description="dimension of each matrix before they are added up")
    ridge: float = Field(200.0, gt=0, description="of EASE")
    half_life: float = Field(5.0, ge=0, description="titles after which one counts half in the recent part")
    seen: float = Field(0.5, ge=0, le=1, description="what a title watched and not liked counts in it")
    landmarks: int = Field(4_096, ge=1, description="titles that content is compared with")
    content: int = Field(640, ge=1, description="dimension of content")
    own: float = Field(3.0, ge=0, description="events at which a title's own count as much as what content predicts")
    cold_ridge: float = Field(3.0, gt=0, description="of the regression from content to taste vectors")
    held_out: Literal["newest", "random"] = Field(
        "newest", description="likes that the weights of the matrices are learned on; random: what is recent is unknown"
    )
    users: int = Field(1_000, ge=1, description="users, at most, on whom the weights of the matrices are learned")


@dataclass(frozen=True)
class Matter:
    """What a graph says of titles: z (titles, d) unit vectors of content, zeros where there is none; year (NaN)."""

    z: Floats
    year: Floats


@dataclass(frozen=True)
class Parts:
    """The matrices before they are added up, and what is offered to anybody: by name.

    cold: titles without feedback, for whom content alone speaks, (titles,); nobody where too little is known for that.
    """

    thin: Mapping[str, Thin]
    popularity: Floats
    liking: Floats
    year: Floats
    cold: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tastes:
    """What was learned: vectors of the histories' titles, weights by name, and how histories are weighed."""

    liked: Floats
    offered: Floats
    static: Mapping[str, float]
    year: Floats
    weights: Mapping[str, float]
    weighting: Weighting

    def anybody(self, year: float) -> Floats:
        """What each title is worth to anybody in a year, (titles,): the offered vectors' last number."""
        return _aged(self.offered[:, -1], self.year, year, self.static)


def matter_of(store: GraphStore, titles: Sequence[str], counts: Ints, options: Options) -> Matter:
    """The content of titles; the landmarks have the most events (counts). One that the graph lacks has no content."""
    there = set(store.get_nodes("Title", list(titles), []).column("id").to_pylist())
    known = [place for place, id_ in enumerate(titles) if id_ in there]
    z, year = np.zeros((len(titles), options.content), np.float32), np.full(len(titles), np.nan, np.float32)
    if not known:
        return Matter(z, year)
    chosen = np.sort(top(counts[known].astype(np.float64), options.landmarks))
    reader = ContentReader(store, [titles[known[place]] for place in chosen.tolist()])
    weights = factors(kernel(reader.landmarks, reader.landmarks), options.content)
    for start in range(0, len(known), _BATCH):
        rows = known[start : start + _BATCH]
        content = reader.read([titles[row] for row in rows])
        z[rows], year[rows] = kernel(content, reader.landmarks) @ weights, content.year
    z /= np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-9)
    return Matter(z, year)


def parts_of(histories: Histories, matter: Matter, options: Options) -> Parts:
    """The matrices that some feedback and a graph make."""
    likes, watches = histories.matrix(liked=True), histories.matrix(liked=False)
    liked, watched = (np.asarray(one.sum(0)).ravel() for one in (likes, watches))
    rank = options.rank
    thin = {name: thin_ease(of, rank, options.ridge) for name, of in (("ease", likes), ("seen", watches))}
    thin |= {name: thin_cosines(of, rank) for name, of in (("likes", likes), ("watches", watches))}
    thin["sequence"] = _sequence(histories, watched, rank)
    mean = matter.z[watched > 0].mean(0) if (watched > 0).any() else matter.z.mean(0)
    there = (np.abs(matter.z).sum(1) > 0).astype(np.float32)[:, None]
    thin["content"] = (np.hstack([matter.z, there]), np.hstack([matter.z, -(matter.z @ mean)[:, None]]))
    parts = Parts(
        thin, np.log1p(liked).astype(np.float32), ((liked + 5) / (watched + 10)).astype(np.float32), matter.year,
        np.zeros(len(matter.z), bool),
    )  # fmt: skip
    return _predicted(parts, matter, watched, options)


def thin_ease(matrix: sp.csr_matrix, rank: int, ridge: float) -> Thin:
    """EASE of who likes what, (users, titles), outside of its diagonal."""
    values, v = right_vectors(matrix, rank)
    g = values**2 / (values**2 + ridge)
    return v * g, v / np.maximum(1 - (v**2 * g).sum(1), 1e-3)[:, None]


def thin_cosines(matrix: sp.csr_matrix, rank: int) -> Thin:
    """Cosines of who likes both, of who likes what, (users, titles)."""
    counts = np.asarray(matrix.sum(0)).ravel()
    values, v = right_vectors((matrix @ sp.diags(1 / np.sqrt(np.maximum(counts, 1)))).tocsr(), rank)
    return v * values, v * values


def right_vectors(matrix: sp.csr_matrix, rank: int) -> tuple[Floats, Floats]:
    """The largest singular values, and right singular vectors (titles, r)."""
    n = min(matrix.shape)
    if n <= max(2 * rank, 2_000):
        wide = matrix if matrix.shape[0] == n else matrix.T.tocsr()
        values, u = eigh((wide @ wide.T).toarray().astype(np.float64), subset_by_index=(max(n - rank, 0), n - 1))
        kept = values > 1e-6 * max(values.max(initial=0), 1e-12)
        s = np.sqrt(values[kept])
        v = u[:, kept] if wide is not matrix else matrix.T @ (u[:, kept] / s)
        return s.astype(np.float32), np.asarray(v, np.float32)
    _, s, v = _largest(matrix, rank)
    return s, v


def _largest(matrix: sp.csr_matrix, rank: int) -> tuple[Floats, Floats, Floats]:
    """The largest singular values s and vectors, u·diag(s)·vᵀ, found by random projection (Halko et al. 2011)."""
    size = min(rank + 20, *matrix.shape)
    q = np.random.default_rng(0).normal(size=(matrix.shape[1], size)).astype(np.float32)
    for _ in range(_POWERS):
        q, _ = np.linalg.qr(matrix @ q)
        q, _ = np.linalg.qr(matrix.T @ q)
    u, s, turned = np.linalg.svd(matrix @ q, full_matrices=False)
    kept = slice(0, min(rank, size))
    return u[:, kept].astype(np.float32), s[kept].astype(np.float32), (q @ turned.T)[:, kept].astype(np.float32)


_NEAR, _SITTING = 5, 3_600  # titles watched within so many places and seconds are one after the other


def _sequence(histories: Histories, watched: npt.NDArray[np.float64], rank: int) -> Thin:
    """How often one title was watched right after another, over the root of how often both were."""
    n, user, title, time = len(histories.titles), histories.user, histories.title, histories.time
    found = sp.csr_matrix((n, n), dtype=np.float32)
    for step in range(1, _NEAR + 1):
        near = (user[step:] == user[:-step]) & (time[:-step] > UNKNOWN) & (time[step:] - time[:-step] < _SITTING)
        ones = np.full(int(near.sum()), 1 / step, np.float32)
        found += sp.csr_matrix((ones, (title[:-step][near], title[step:][near])), (n, n))
    scale = sp.diags((1 / np.sqrt(1 + watched)).astype(np.float32))
    scaled = (scale @ found @ scale).tocsr()
    u, s, v = _largest(scaled, rank)
    root = np.sqrt(s)
    return u * root, v * root


def _predicted(parts: Parts, matter: Matter, watched: npt.NDArray[np.float64], options: Options) -> Parts:
    """Blend what content predicts into what is offered, the more the less feedback a title has."""
    z = np.hstack([matter.z, np.ones((len(matter.z), 1), np.float32)]).astype(np.float64)
    known = np.flatnonzero((watched > 0) & (np.abs(matter.z).sum(1) > 0))
    if len(known) <= z.shape[1]:
        return parts
    normal = z[known].T @ z[known] + options.cold_ridge * np.eye(z.shape[1])
    share = (watched / (watched + options.own) if options.own else (watched > 0).astype(float))[:, None]
    share = np.where(np.abs(matter.z).sum(1, keepdims=True) > 0, share, 1.0)

    own = {name: right for name, (_, right) in parts.thin.items()}
    own |= {"popularity": parts.popularity[:, None], "liking": parts.liking[:, None]}
    said = {name: z @ np.linalg.solve(normal, z[known].T @ one[known]) for name, one in own.items()}
    said |= {"content": own["content"], "popularity": np.maximum(said["popularity"], 0)}
    made = {name: (share * one + (1 - share) * said[name]).astype(np.float32) for name, one in own.items()}
    thin = {name: (left, made[name]) for name, (left, _) in parts.thin.items()}
    cold = (watched == 0) & (np.abs(matter.z).sum(1) > 0)
    return Parts(thin, made["popularity"][:, 0], made["liking"][:, 0], parts.year, cold)


def fit(
    histories: Histories, matter: Matter, options: Options, progress: Progress | None = None,
    weights: Mapping[str, float] | None = None, only: str | None = None,
) -> Tastes:  # fmt: skip
    """Learn the weights of the matrices, then the vectors. weights: given instead. only: the one matrix that counts."""
    say: Progress = progress or (lambda _what, _share: None)
    ordered = histories.timed and options.held_out == "newest"
    weighting = Weighting(options.long, options.recent, options.half_life if ordered else 0.0, options.seen)
    if weights is None:
        say("weights of what is known", 0.0)
        weights = learn_weights(histories, matter, options, weighting, only)
    say("matrices", 0.5)
    everyone = np.flatnonzero(np.diff(histories.starts))
    if len(everyone) > _ASKING:
        everyone = np.sort(np.random.default_rng(0).choice(everyone, _ASKING, replace=False))
    asking = profiles(histories, everyone.astype(np.int64), weighting)
    return _added(parts_of(histories, matter, options), weights, weighting, asking)


def learn_weights(
    histories: Histories, matter: Matter, options: Options, weighting: Weighting, only: str | None = None
) -> dict[str, float]:
    """How much each matrix counts, by a fifth of likes, unseen by the matrices: each user's newest, or drawn by chance.

    Raises FeedbackError where nobody has likes enough for that.
    """
    from gnn.recommend_splits import by_chance, by_time
    from gnn.tastes_cold import among_cold, placed

    split = by_time(histories) if options.held_out == "newest" else by_chance(histories, 0)
    chosen = split.users
    if not len(chosen):
        raise FeedbackError("nobody likes five titles or more, the least to learn tastes from; load more feedback")
    most = _most(histories, options)
    if len(chosen) > most:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, most, replace=False))
    cold = among_cold(histories, matter, options, weighting, most) if only is None else {}
    parts = parts_of(split.known, matter, options)
    names, features = features_of(parts, split.known, chosen, weighting)
    truth = [split.liked[user] for user in chosen.tolist()]
    passed = [split.known.title[split.known.starts[u] : split.known.starts[u + 1]] for u in chosen.tolist()]
    kept = [place for place, name in enumerate(names) if only is None or name.endswith(only)]
    found = learned(features[kept], truth, passed).tolist()
    weights = dict.fromkeys(names, 0.0) | dict(zip((names[place] for place in kept), found, strict=True))
    return weights | placed(cold, weights, features, parts.cold, truth, passed)


def _most(histories: Histories, options: Options) -> int:
    """Users, at most, whose scores of all titles fit into memory."""
    return max(1, min(options.users, 40_000_000 // max(len(histories.titles), 1) // 4))


def profiles(known: Histories, users: Ints, weighting: Weighting) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """How much each title counts in the two parts of each user's taste: (users, titles) both."""
    words = {1: "liked", 0: "seen", -1: "disliked"}
    rows, columns, shares = [], [], []
    for row, user in enumerate(users.tolist()):
        own = slice(known.starts[user], known.starts[user + 1])
        says = known.says[own][::-1].tolist()
        rows.append(np.full(len(says), row))
        columns.append(known.title[own][::-1])
        shares.append(weighting.shares([words[one] for one in says]))  # type: ignore[misc]
    shape = len(users), len(known.titles)
    where = np.concatenate(rows), np.concatenate(columns)
    values = np.concatenate(shares)
    long, recent = (sp.csr_matrix((values[:, part], where), shape) for part in (0, 1))
    return long, recent


def features_of(
    parts: Parts, known: Histories, users: Ints, weighting: Weighting
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """What each matrix gives each user for each title, and what anybody is offered: (features, users, titles)."""
    long, recent = profiles(known, users, weighting)
    names: list[str] = []
    made = []
    for part, matrix, members in (("long", long, LONG), ("recent", recent, RECENT)):
        for name in members:
            left, right = parts.thin[name]
            names.append(f"{part} {name}")
            made.append(((matrix @ left) @ right.T).astype(np.float32))
    years = 1970 + known.until()[users] / _YEAR
    shape = made[0].shape
    for name, rows in zip(STATIC, _static(parts, years), strict=True):
        names.append(name)
        made.append(np.broadcast_to(rows, shape).astype(np.float32))
    return names, np.stack(made)


def scores(tastes: Tastes, known: Histories, users: Ints) -> Floats:
    """What each title is worth to each user by what is known of them, at the time of their newest event."""
    long, recent = profiles(known, users, tastes.weighting)
    cut = tastes.weighting.long
    made = (long @ tastes.liked[:, :cut]) @ tastes.offered[:, :cut].T
    made += (recent @ tastes.liked[:, cut:]) @ tastes.offered[:, cut:-1].T
    for row, year in enumerate((1970 + known.until()[users] / _YEAR).tolist()):
        made[row] += tastes.anybody(year)
    return cast(Floats, made)


def _static(parts: Parts, years: npt.NDArray[np.float64]) -> tuple[Floats, Floats, Floats, Floats]:
    """Popularity, share of likes, newness and whether it is yet to come, (1 or users, titles)."""
    new, unreleased = _age(parts.year, years[:, None])
    return parts.popularity[None], parts.liking[None], new, unreleased


def _age(made: Floats, now: npt.NDArray[np.float64] | float) -> tuple[Floats, Floats]:
    age = np.nan_to_num(now - made, nan=100.0)
    return np.exp(-np.maximum(age, 0) / 3).astype(np.float32), (age < -0.5).astype(np.float32)


def latest(histories: Histories) -> float:
    """The year of the newest event, with its fraction; far ahead where no event has a time."""
    known = histories.time[histories.time > UNKNOWN]
    return 1970 + float(known.max()) / _YEAR if len(known) else 2100.0


def _aged(plain: Floats, year: Floats, now: float, static: Mapping[str, float]) -> Floats:
    new, unreleased = _age(year, now)
    return cast(Floats, plain + static["newness"] * new + static["unreleased"] * unreleased)


def _counted(name: str, offered: Floats, parts: Parts, weights: Mapping[str, float]) -> Floats:
    """What is offered, (titles, …), times its weight, which for titles without feedback may be another."""
    each = np.where(parts.cold, weights.get(COLD + name, weights[name]), weights[name]).astype(np.float32)
    return cast(Floats, (offered.T * each).T)


def _added(
    parts: Parts, weights: Mapping[str, float], weighting: Weighting, asking: tuple[sp.csr_matrix, sp.csr_matrix]
) -> Tastes:
    """The matrices times their weights, added up, as thin as asked for; the last number as of no year at all."""
    liked, offered = [], []
    for asked, (part, members) in zip(asking, _ALL.items(), strict=True):
        left = np.hstack([parts.thin[name][0] for name in members])
        right = np.hstack([_counted(f"{part} {name}", parts.thin[name][1], parts, weights) for name in members])
        made = thinner(left, right, getattr(weighting, part), np.asarray(asked @ left, np.float32))
        liked.append(made[0])
        offered.append(made[1])
    anybody = _counted("popularity", parts.popularity, parts, weights)
    anybody += _counted("liking", parts.liking, parts, weights)
    anybody += np.float32(weights.get(OFFSET, 0.0)) * parts.cold
    return Tastes(
        np.hstack(liked), np.hstack([*offered, anybody[:, None]]).astype(np.float32),
        {name: float(weights[name]) for name in ("newness", "unreleased")}, parts.year, dict(weights), weighting,
    )  # fmt: skip


def thinner(left: Floats, right: Floats, rank: int, queries: Floats) -> Thin:
    """left·rightᵀ with fewer columns, padded with zeros where there are less: (titles, rank) both.

    queries: (q, columns), sums of rows of left as users have them: what they find is kept, as squares go.
    """
    spread = (queries.T @ queries).astype(np.float64) / max(len(queries), 1)
    floor = _FLOOR * float(np.square(left, dtype=np.float64).sum(0).mean()) / max(len(left), 1) + 1e-9
    values, turn = eigh(spread + floor * np.eye(len(spread)))
    root = np.sqrt(np.maximum(values, 1e-9))
    # The singular values of right·turn·root from its square, which is small: titles are many more than columns.
    weight = turn * root
    kept = min(rank, *right.shape)
    squares, v = eigh(weight.T @ _square(right) @ weight, subset_by_index=(right.shape[1] - kept, right.shape[1] - 1))
    s = np.sqrt(np.maximum(squares[::-1], 0))
    scale = np.sqrt(np.where(s > _NOTHING * s[:1], s, 0))
    v = v[:, ::-1]
    one = _times(left, (turn / root) @ (v * scale))
    other = _times(right, weight @ v / np.maximum(scale, 1e-30) * (scale > 0))
    gap = ((0, 0), (0, rank - kept))
    return np.pad(one, gap), np.pad(other, gap)


def _square(matrix: Floats) -> npt.NDArray[np.float64]:
    """matrixᵀ·matrix of (n, c), read in blocks: (c, c)."""
    made = np.zeros((matrix.shape[1], matrix.shape[1]))
    for start in range(0, len(matrix), _BATCH):
        block = matrix[start : start + _BATCH].astype(np.float64)
        made += block.T @ block
    return made


def _times(matrix: Floats, weights: npt.NDArray[np.float64]) -> Floats:
    """matrix (n, c) times weights (c, r), in blocks: (n, r) float32."""
    made = np.empty((len(matrix), weights.shape[1]), np.float32)
    for start in range(0, len(matrix), _BATCH):
        made[start : start + _BATCH] = matrix[start : start + _BATCH].astype(np.float64) @ weights
    return made
