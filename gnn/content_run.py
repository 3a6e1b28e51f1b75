"""A run of vectors that no feedback has shaped: `reelgraph train configs/content.toml`, `reelgraph publish content`.

They are those that a load makes where no feedback was learned from (`graph.foldin`), under a name of their own, so that
both can be asked for. Without torch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gnn.config import ConfigError, RunConfig
from gnn.runs import Run
from gnn.title_runs import Made, TitleRun
from graph.foldin import CONTENT, from_content
from graph.store import GraphStore, Progress


def train_content(config: RunConfig, store: GraphStore, runs: Path, progress: Progress | None = None) -> Run:
    """Make them and leave a run folder. Raises ConfigError, StoreBusy where the graph was changed meanwhile."""
    if config.publish.name != CONTENT:
        raise ConfigError(f'publish.name: the strategies "content" and "content-series" search in "{CONTENT}"')
    run = TitleRun(config, store, runs)
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    folded = from_content(store, dimension=config.model.dimension)
    row = {id_: place for place, id_ in enumerate(ids)}
    return run.keep(
        Made(
            ids,
            folded.vectors(ids, progress),
            about="Likeness of genres, people, names, years to the best-known titles, longer for what has more votes.",
            quality="How good: `reelgraph evaluate --task substitutes --strategy content --strategy content-series`.",
            limits=["It knows nothing of what viewers like: feedback finds more (docs/out-of-catalog.md)."],
            parameters={
                "weights": folded.weights,
                "landmarks": np.array([row[id_] for id_ in folded.reader.landmarks.ids], np.int64),
            },
        )
    )
