"""A run of two towers: `reelgraph train configs/towers.toml`, then `reelgraph publish`.

The run's vectors are those of the title tower at unit length, so that the nearest are titles that the same users like;
what recommends to a user is in it as arrays, and is published beside them (`graph.tower_vectors`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.sparse as sp

from gnn.config import RunConfig, model_options
from gnn.histories import Histories, histories_in
from gnn.ratings import ratings_in
from gnn.runs import Run
from gnn.substitutes import FeedbackError
from gnn.tastes import Options, matter_of
from gnn.tastes_run import titles_of
from gnn.title_runs import Made, TitleRun
from gnn.tower_arrays import arrays_of
from gnn.tower_options import TowerOptions
from gnn.tower_ranker import train_ranker
from gnn.tower_strategies import words
from gnn.towers import train_towers
from graph.feedback_kinds import FeedbackKinds
from graph.store import GraphStore, Progress
from graph.tower_vectors import OPINIONS


def train_two_towers(config: RunConfig, store: GraphStore, runs: Path, progress: Progress | None = None) -> Run:
    """Learn from a store's feedback and leave a run folder.

    Raises ConfigError (an option, or nothing liked), StoreBusy where the graph was changed meanwhile.
    """
    say: Progress = progress or (lambda _what, _share: None)
    options, run = model_options(config.model.options, TowerOptions), TitleRun(config, store, runs)
    say("reading feedback", 0.0)
    histories = histories_in(store, FeedbackKinds.configured(), titles=titles_of(store))
    say("content of titles", 0.05)
    counts = np.bincount(histories.title, minlength=len(histories.titles))
    matter = matter_of(store, histories.titles, counts, Options(content=options.content, landmarks=options.landmarks))
    losses: dict[str, list[float]] = {"towers": [], "ranker": []}

    def told(what: str, first: float, share: float, epochs: int, epoch: int, loss: float) -> None:
        losses[what].append(round(loss, 4))
        say(f"{what}, epoch {epoch}/{epochs}, loss {loss:.4f}", first + share * epoch / epochs)

    towers = train_towers(
        histories.matrix(liked=True), matter.z, options, dimension=config.model.dimension, seed=config.seed,
        told=lambda epoch, loss: told("towers", 0.2, 0.5, options.epochs, epoch, loss),
    )  # fmt: skip
    given, kind = points_of(store, histories)
    pairs = train_ranker(
        given, matter.z, options, seed=config.seed,
        told=lambda epoch, loss: told("ranker", 0.7, 0.25, options.ranker_epochs, epoch, loss),
    )  # fmt: skip
    say("writing", 0.97)
    length = np.linalg.norm(towers.offered, axis=1, keepdims=True)
    return run.keep(
        Made(
            histories.titles,
            towers.offered / np.maximum(length, 1e-9),
            about="The title tower of two; the nearest are titles that the same users like.",
            quality="Loss by epoch: metrics.json. How good: `reelgraph evaluate --task recommend` and `--task rating`.",
            limits=[
                "Titles without feedback have what their content predicts.",
                "Ranking by points alone puts what few would choose before what many do (docs/towers.md).",
            ],
            parameters=arrays_of(towers, pairs),
            facts={
                "events": len(histories), "likes": int((histories.says > 0).sum()), "users": len(histories.users),
                "points": kind,
                "liked_points": _liked_points(given, histories),
            },
            metrics={"losses": losses},
        )
    )  # fmt: skip


def _liked_points(given: sp.csr_matrix, histories: Histories) -> float:
    """How many points a title has that somebody likes, in the mean."""
    ones = given.copy()
    ones.data = np.ones_like(ones.data)
    liked = histories.matrix(liked=True)
    count = ones.multiply(liked).sum()
    return round(float(given.multiply(liked).sum() / count if count else given.data.mean()), 4)


def points_of(store: GraphStore, histories: Histories) -> tuple[sp.csr_matrix, str]:
    """Ratings where a store has them, else what feedback says, (users, titles); and what these points are."""
    try:
        ratings, kind = ratings_in(store)
    except FeedbackError:
        return words(histories), OPINIONS
    users = {id_: row for row, id_ in enumerate(histories.users)}
    titles = {id_: row for row, id_ in enumerate(histories.titles)}
    user = np.array([users.get(id_, -1) for id_ in ratings.users], np.int64)[ratings.user]
    title = np.array([titles.get(id_, -1) for id_ in ratings.titles], np.int64)[ratings.title]
    there = (user >= 0) & (title >= 0)
    shape = len(histories.users), len(histories.titles)
    made = sp.csr_matrix((ratings.value[there].astype(np.float32), (user[there], title[there])), shape)
    made.sort_indices()
    return made, kind
