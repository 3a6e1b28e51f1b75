"""A run of clusters: `reelgraph train configs/clusters.toml`, then `reelgraph publish clusters`. Needs scikit-learn."""

from __future__ import annotations

from pathlib import Path

from gnn.clusters import Options, clustered, sizes, vectors_of
from gnn.config import RunConfig, model_options
from gnn.runs import Run
from gnn.substitutes import likes_of
from gnn.title_runs import Made, TitleRun
from graph.store import GraphStore, Progress

_SPACES = {
    "columns": "genres, kind, language, runtime, votes, rating and year, reduced by PCA",
    "likes": "what viewers like together",
    "plots": "the words of plots and keywords",
}


def train_clusters(config: RunConfig, store: GraphStore, runs: Path, progress: Progress | None = None) -> Run:
    """Cluster titles and leave a run folder.

    Raises ConfigError (an option, too few likes, no plots), StoreBusy where the graph was changed meanwhile.
    """
    options = model_options(config.model.options, Options)
    run = TitleRun(config, store, runs)
    likes = likes_of(store, options.likes_from) if options.of == "likes" else None
    found = clustered(store, options, config.model.dimension, config.seed, likes, progress)
    by_size = sizes(found)
    order = "by chance" if options.order == "random" else "the nearest first"
    return run.keep(
        Made(
            found.ids,
            vectors_of(found, options.order, config.seed),
            about=f"k-means on {_SPACES[options.of]}. Neighbours are those of the same cluster, {order}, then others.",
            quality=(
                f"{found.clusters} clusters of {found.learned:,} titles; the largest has {by_size[0]:,}, the smallest "
                f"{by_size[-1]:,}. How good they are as substitutes: `reelgraph evaluate --task substitutes`."
            ),
            limits=[
                "A title at the edge of its cluster is offered the cluster, not its nearest.",
                "A title that comes later has no vector before the next training.",
            ],
            parameters={"cluster": found.cluster},
            facts={"clusters": found.clusters, "learned_from": found.learned, "of": options.of},
            metrics={"sizes": by_size},
        )
    )
