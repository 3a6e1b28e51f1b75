"""Models that give each title a vector and predict no links: how each is called, trained, and what it needs.

A new one is a module with `train(config, store, runs, progress) → Run`, a file in configs/, and a line here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gnn.encoders import DOC2VEC, PACKAGES, SENTENCE
from graph.foldin import CONTENT

if TYPE_CHECKING:
    from gnn.config import RunConfig
    from gnn.runs import Run
    from graph.store import GraphStore, Progress

SUBSTITUTES = "Substitutes"
TASTES = "Tastes"


@dataclass(frozen=True)
class TitleModel:
    """One of them. what: its vectors in words; trainer: `module:function`, imported when it is called.

    needs: packages beyond the core. feedback: it learns from what viewers did, so that a refresh counts that.
    """

    what: str
    trainer: str
    needs: tuple[str, ...] = ()
    feedback: bool = False

    def train(self, config: RunConfig, store: GraphStore, runs: Path, progress: Progress | None) -> Run:
        """Train it and leave a run folder."""
        module, _, name = self.trainer.partition(":")
        call: Callable[[RunConfig, GraphStore, Path, Progress | None], Run]
        call = getattr(importlib.import_module(module), name)
        return call(config, store, runs, progress)


CLUSTERS = "Clusters"
TOWERS = "TwoTowers"
_COLLABORATIVE = "gnn.collaborative_run:train_collaborative"
TITLE_MODELS: Mapping[str, TitleModel] = {
    SUBSTITUTES: TitleModel("substitute vectors", "gnn.substitutes_run:train_substitutes", feedback=True),
    TASTES: TitleModel("taste vectors", "gnn.tastes_run:train_tastes", feedback=True),
    CLUSTERS: TitleModel("vectors of clusters", "gnn.clusters_run:train_clusters", ("sklearn",)),
    DOC2VEC: TitleModel("document vectors", "gnn.documents_run:train_documents", PACKAGES[DOC2VEC]),
    SENTENCE: TitleModel("sentence embeddings", "gnn.documents_run:train_documents", PACKAGES[SENTENCE]),
    TOWERS: TitleModel("vectors of the title tower", "gnn.towers_run:train_two_towers", ("torch",), feedback=True),
    CONTENT: TitleModel("vectors of content", "gnn.content_run:train_content"),
    "EASE": TitleModel("EASE in two vectors", _COLLABORATIVE, feedback=True),
    "ItemKNN": TitleModel("cosines of likes in two vectors", _COLLABORATIVE, feedback=True),
    "iALS": TitleModel("factors of iALS", _COLLABORATIVE, ("implicit",), feedback=True),
    "BPR": TitleModel("factors of BPR", _COLLABORATIVE, ("torch",), feedback=True),
    "LightGCN": TitleModel("vectors of LightGCN", _COLLABORATIVE, ("torch",), feedback=True),
}
"""By `model.name`. None of them has checkpoints: each is learned in one go, in seconds to minutes."""
