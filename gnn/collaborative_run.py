"""A run of collaborative filtering: `reelgraph train configs/ease.toml`, then `reelgraph publish ease` (or another)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gnn.collaborative import COLLABORATIVE
from gnn.config import RunConfig
from gnn.histories import histories_in
from gnn.publish import PUBLISHED
from gnn.runs import Run
from gnn.tastes_run import titles_of
from gnn.title_runs import Made, TitleRun
from graph.feedback_kinds import FeedbackKinds
from graph.store import GraphStore, Progress


def train_collaborative(config: RunConfig, store: GraphStore, runs: Path, progress: Progress | None = None) -> Run:
    """Learn from who likes what in a store and leave a run folder.

    Raises ConfigError (an option, or nothing liked), StoreBusy where the graph was changed meanwhile.
    """
    say: Progress = progress or (lambda _what, _share: None)
    run = TitleRun(config, store, runs)
    say("reading feedback", 0.0)
    histories = histories_in(store, FeedbackKinds.configured(), titles=titles_of(store))
    likes = histories.matrix(liked=True)
    known = np.flatnonzero(np.asarray(likes.sum(0)).ravel())
    likes = likes[np.flatnonzero(np.diff(likes.indptr))][:, known]
    say(f"learning from {likes.nnz:,} likes", 0.2)
    found = COLLABORATIVE[config.model.name](likes, config)
    say("writing", 0.95)
    return run.keep(
        Made(
            [histories.titles[place] for place in known.tolist()],
            found.offered,
            about="Learned from who likes what, and from nothing else.",
            quality="How good: `reelgraph evaluate --task recommend`.",
            limits=["A title that nobody likes has no vector, and comes after all others."],
            parameters={} if found.liked is None else {"liked": found.liked},
            facts={"likes": int(likes.nnz), "users": int(likes.shape[0]), PUBLISHED: dict(found.facts)},
        )
    )
