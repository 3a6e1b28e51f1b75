"""A run of document vectors: `reelgraph train configs/doc2vec.toml` or `configs/sentence.toml`, then publish."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gnn.config import RunConfig, model_options
from gnn.documents import Options, documents
from gnn.encoders import DOC2VEC
from gnn.runs import Run
from gnn.title_runs import Made, TitleRun
from graph.store import GraphStore, Progress


def train_documents(config: RunConfig, store: GraphStore, runs: Path, progress: Progress | None = None) -> Run:
    """Make document vectors and leave a run folder.

    Raises ConfigError (an option, a dimension, too few titles), StoreBusy where the graph was changed meanwhile.
    """
    options, model = model_options(config.model.options, Options), config.model
    run = TitleRun(config, store, runs)
    found = documents(store, model.name, options, model.dimension, config.seed, progress)
    there = np.flatnonzero(np.linalg.norm(found.vectors, axis=1) > 0)
    document = "name and genres" if options.genres else "name alone"
    how = "gensim's Doc2Vec (bag of words)" if model.name == DOC2VEC else "all-MiniLM-L6-v2, a sentence embedding"
    about, quality, metrics = f"A title's {document} by {how}.", "", {}
    if found.f1 is not None:
        about += f" {options.filter:.0%} of a vector says which genres a network predicts from the name alone."
        metrics = {"genres_f1": {"micro": round(found.f1[0], 4), "macro": round(found.f1[1], 4)}}
        quality = (
            f"Predicted genres, each title by a network that never saw its own: micro F1 {found.f1[0]:.3f}, macro F1 "
            f"{found.f1[1]:.3f} (`reelgraph evaluate --task genres` has it beside plain words). "
        )
    return run.keep(
        Made(
            [found.ids[row] for row in there],
            found.vectors[there],
            about=about,
            quality=f"{quality}How good its neighbours are as substitutes: `reelgraph evaluate --task substitutes`.",
            limits=[
                "Titles of like names are near to each other, whatever they are about.",
                "A title that comes later has no vector before the next training.",
            ],
            facts={"genres_in_documents": options.genres},
            metrics=metrics,
        )
    )
