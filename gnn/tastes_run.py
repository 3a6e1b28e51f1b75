"""A run of taste vectors: from a store's feedback to a run folder like any other, without torch.

`reelgraph train configs/tastes.toml`, then `reelgraph publish tastes`.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np

from gnn.checkpoint import write_text
from gnn.config import ConfigError, RunConfig, model_options
from gnn.histories import Floats, Histories, histories_in
from gnn.prepare import now, provenance_facts
from gnn.runs import Run, RunError, as_json, new_run
from gnn.tastes import Options, Tastes, fit, latest, matter_of
from gnn.triples import Vocabulary
from graph.feedback_kinds import FeedbackKinds
from graph.store import GraphStore, Progress, Scope, StoreBusy
from graph.tastes import OFFERED

_SPLITS = {
    "newest": "each user's newest fifth of likes for the weights, then all",
    "random": "a fifth of likes by chance for the weights, then all",
}
_EVERY = 50_000
"""Up to so many titles of a graph all get vectors; beyond, those that a catalog offers or somebody watched."""


def train_tastes(config: RunConfig, store: GraphStore, runs: Path, progress: Progress | None = None) -> Run:
    """Learn taste vectors and leave a run folder.

    Raises ConfigError (an option, or no feedback to learn from), StoreBusy where the graph was changed meanwhile.
    """
    say: Progress = progress or (lambda _what, _share: None)
    options = model_options(config.model.options, Options)
    if config.publish.name != OFFERED:
        raise ConfigError(f'publish.name: what recommendations are searched in is called "{OFFERED}"')
    began, info = time.perf_counter(), store.info()
    say("reading feedback", 0.0)
    histories = histories_in(store, FeedbackKinds.configured(), titles=titles_of(store))
    say("content of titles", 0.1)
    counts = np.bincount(histories.title, minlength=len(histories.titles))
    matter = matter_of(store, histories.titles, counts, options)
    tastes = fit(histories, matter, options, lambda what, share: say(what, 0.3 + 0.6 * share))
    if store.info().version != info.version:
        raise StoreBusy(f"{store.url} was changed while it was read; train when loads and publishing are done")
    say("writing", 0.95)
    run = new_run(runs, config, _facts(config, info.graph_hash, histories, tastes))
    offered = tastes.offered.copy()
    offered[:, -1] = tastes.anybody(latest(histories))
    vocabulary = Vocabulary(tuple(f"Title:{id_}" for id_ in histories.titles), ())
    run.keep(vocabulary, {"liked": tastes.liked}, offered)
    write_text(run.folder / "metrics.json", as_json({"weights": dict(tastes.weights)}))
    write_text(run.folder / "MODEL_CARD.md", _card(run))
    run = run.note(seconds={"train": round(time.perf_counter() - began, 1)})
    say("done", 1.0)
    return run.note(state="finished", finished=now())


def titles_of(store: GraphStore) -> list[str]:
    """The titles that get vectors."""
    if store.info().counts["Title"] <= _EVERY:
        return [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    rated = {id_ for batch in store.scan_relationships("RATED", []) for id_ in batch.column("tail").to_pylist()}
    return sorted(rated | set(store.offered(Scope(adult=True)).column("id").to_pylist()))


def liked_of(run: Run) -> Floats:
    """The liked vectors of a run, in the order of its titles. Raises RunError where they are not there."""
    try:
        return np.asarray(run.parameters()["liked"], np.float32)
    except KeyError:
        raise RunError(f"{run.folder}/model.safetensors holds no liked vectors; train again") from None


def weighting_facts(run: Run) -> dict[str, float]:
    """How histories are weighed with a run's vectors, as facts of their provenance."""
    return {name: float(value) for name, value in run.record["weighting"].items()}


def _facts(config: RunConfig, graph_hash: str, histories: Histories, tastes: Tastes) -> dict[str, Any]:
    digest = hashlib.sha256("\0".join(histories.titles).encode())
    for part in (histories.user, histories.title, histories.says, histories.time):
        digest.update(part.tobytes())
    return provenance_facts(config, graph_hash, digest.hexdigest()[:16]) | {
        "seeds": {"run": config.seed},
        "split": _SPLITS[model_options(config.model.options, Options).held_out],
        "entities": len(histories.titles),
        "relations": [],
        "events": len(histories),
        "likes": int((histories.says > 0).sum()),
        "users": len(histories.users),
        "weighting": tastes.weighting.facts,
    }


def _card(run: Run) -> str:
    record, weights = run.record, run.metrics()["weights"]
    rows = "\n".join(f"| {name} | {value:.2f} |" for name, value in weights.items())
    return f"""# {run.name}

Taste vectors (docs/recommendations.md), made {record["made"]}; every setting is in `config.toml`.

## Use

To recommend titles to users: `reelgraph publish` gives titles their `liked_vector` and `{OFFERED}`, and
`reelgraph recommend --user ID` uses them at once. Not for judging people.

## Data

{record["events"]:,} events, {record["likes"]:,} of them likes, of {record["users"]:,} users; {record["entities"]:,}
titles got vectors. Graph `{record["graph_hash"]}`, feedback `{record["data_hash"]}`.

## What counts how much

| | weight |
|---|---|
{rows}

## Limits

- The vectors repeat the tastes of those who gave the feedback, and popular titles are answered more often.
- How good they are on feedback like yours: `reelgraph evaluate --task recommend`.
"""
