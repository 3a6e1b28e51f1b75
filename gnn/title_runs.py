"""The run folder of a model that gives each title a vector: what every such model notes, whatever it learned."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnn.checkpoint import write_text
from gnn.config import RunConfig
from gnn.prepare import now, provenance_facts
from gnn.runs import Run, as_json, new_run
from gnn.scorer import Arrays
from gnn.title_models import TITLE_MODELS
from gnn.triples import Vocabulary
from graph.store import GraphStore, StoreBusy

TITLE = "Title:"


@dataclass(frozen=True)
class Made:
    """What was learned: ids (n,), vectors (n, d) float32, parameters by name, facts for run.json, metrics, limits.

    about: what the vectors are, in a sentence or two for the card; quality: what its metrics say, in Markdown.
    """

    ids: Sequence[str]
    vectors: npt.NDArray[np.float32]
    about: str
    quality: str
    limits: Sequence[str]
    parameters: Arrays = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


class TitleRun:
    """One training, from before the graph is read until the folder is written."""

    def __init__(self, config: RunConfig, store: GraphStore, runs: Path) -> None:
        self._config, self._store, self._runs = config, store, runs
        self._info, self._began = store.info(), time.perf_counter()

    def keep(self, made: Made) -> Run:
        """Write the run folder. Raises StoreBusy where the graph was changed since it was begun to be read."""
        if self._store.info().version != self._info.version:
            raise StoreBusy(
                f"{self._store.url} was changed while it was read; train when loads and publishing are done"
            )
        digest = hashlib.sha256("\0".join(made.ids).encode() + np.ascontiguousarray(made.vectors).tobytes())
        facts = provenance_facts(self._config, self._info.graph_hash, digest.hexdigest()[:16])
        facts |= {"seeds": {"run": self._config.seed}, "entities": len(made.ids), "relations": [], **made.facts}
        run = new_run(self._runs, self._config, facts)
        run.keep(Vocabulary(tuple(TITLE + id_ for id_ in made.ids), ()), made.parameters, made.vectors)
        write_text(run.folder / "metrics.json", as_json(dict(made.metrics)))
        write_text(run.folder / "MODEL_CARD.md", _card(run, made))
        run = run.note(seconds={"train": round(time.perf_counter() - self._began, 1)})
        return run.note(state="finished", finished=now())


def _card(run: Run, made: Made) -> str:
    limits = "\n".join(f"- {one}" for one in made.limits)
    what = TITLE_MODELS[run.config.model.name].what
    return f"""# {run.name}

{what[0].upper()}{what[1:]}, made {run.record["made"]}; every setting is in `config.toml`. {made.about}

## Use

To compare with what is served by default (`reelgraph evaluate --task substitutes`), and to serve where it is asked
for: `reelgraph publish` gives titles their `{run.config.publish.name}`. Not for judging people.

## Data

{len(made.ids):,} titles, {made.vectors.shape[1]} numbers each. Graph `{run.record["graph_hash"]}`.

## Quality

{made.quality}

## Limits

{limits}
"""
