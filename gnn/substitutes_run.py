"""A run of substitute vectors: from a store's feedback to a run folder like any other, without torch.

`reelgraph train configs/substitutes.toml`, then `reelgraph publish substitutes`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnn.checkpoint import write_text
from gnn.config import ConfigError, RunConfig
from gnn.judge import K, lists, ndcg, overlap
from gnn.prepare import now, provenance_facts
from gnn.runs import Run, RunError, as_json, new_run
from gnn.scorer import Arrays
from gnn.substitutability import learn
from gnn.substitutes import SHRINKAGE, Fitted, Likes, all_vectors, fit, likes_of, options_of
from gnn.triples import Vocabulary
from graph.foldin import VECTORS, damped
from graph.store import GraphStore, NotInGraph, Progress, StoreBusy
from graph.substitutability import POOR, facts_of

Floats = npt.NDArray[np.float32]

CURVE = "substitutability"
"""The name of the curve's coefficients among a run's parameters."""
_JUDGED, _ENOUGH = 500, 20
_AT_ONCE = 50  # titles judged at a time: their truth about all others is in memory


def train_substitutes(config: RunConfig, store: GraphStore, runs: Path, progress: Progress | None = None) -> Run:
    """Learn substitute vectors and leave a run folder.

    Raises ConfigError (an option, or too little feedback), StoreBusy where the graph was changed meanwhile.
    """
    say: Progress = progress or (lambda _what, _share: None)
    options = options_of(config.model.options)
    if config.publish.name != VECTORS:
        raise ConfigError(f'publish.name: what answers a search is called "{VECTORS}", not {config.publish.name!r}')
    began, version, hash_ = time.perf_counter(), store.info().version, store.info().graph_hash
    say("reading feedback", 0.0)
    changed = StoreBusy(f"{store.url} was changed while it was read; train when loads and publishing are done")
    try:
        likes = likes_of(store, options.likes_from)
        fitted = fit(store, likes, config.model.dimension, options, lambda what, share: say(what, 0.4 * share))
        curve = learn(store, likes, fitted, options, lambda _, share: say("substitutability", 0.4 + 0.2 * share))
        ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
        vectors = all_vectors(fitted, ids, lambda what, share: say(what, 0.6 + 0.35 * share))
    except NotInGraph:
        raise changed from None
    if store.info().version != version:
        raise changed
    found = _quality(fitted, likes) | {
        "substitutability": curve and {"titles": curve.titles, **curve.reliability.as_dict()}
    }
    say("writing", 0.97)
    row = {id_: place for place, id_ in enumerate(ids)}
    landmarks = np.array([row[id_] for id_ in fitted.foldin.reader.landmarks.ids], np.int64)
    run = new_run(runs, config, _facts(config, hash_, likes, fitted, len(ids)))
    parameters: Arrays = {"weights": fitted.foldin.weights, "landmarks": landmarks}
    if curve is not None:
        parameters[CURVE] = np.array(curve.coefficients)
    run.keep(Vocabulary(tuple(f"Title:{id_}" for id_ in ids), ()), parameters, vectors)
    write_text(run.folder / "metrics.json", as_json(found))
    run = run.note(seconds={"train": round(time.perf_counter() - began, 1)})
    if importlib.util.find_spec("matplotlib") is not None:
        from gnn.plots import best_known, draw

        draw(run, best_known(store, run))
    write_text(run.folder / "MODEL_CARD.md", _card(run, found))
    say("done", 1.0)
    return run.note(state="finished", finished=now())


def weights_of(run: Run) -> tuple[list[str], npt.NDArray[np.float32]]:
    """A run's landmarks and their weights, (m,) ids and (m, d). Raises RunError where they are not there."""
    parameters, entities = run.parameters(), run.vocabulary().entities
    try:
        rows, weights = parameters["landmarks"], parameters["weights"]
        return [entities[int(row)].removeprefix("Title:") for row in rows], weights
    except (KeyError, IndexError):
        raise RunError(f"{run.folder}/model.safetensors does not fit its entities.arrow; train again") from None


def curve_facts(run: Run) -> dict[str, float]:
    """The curve of a run's vectors (`graph.substitutability`), as facts of their provenance; none where it has none."""
    coefficients = run.parameters().get(CURVE)
    return {} if coefficients is None else facts_of(coefficients.tolist())


def _facts(config: RunConfig, graph_hash: str, likes: Likes, fitted: Fitted, titles: int) -> dict[str, Any]:
    digest = hashlib.sha256("\0".join(likes.titles).encode())
    for part in (likes.matrix.indptr, likes.matrix.indices):
        digest.update(np.asarray(part, np.int64).tobytes())
    return provenance_facts(config, graph_hash, digest.hexdigest()[:16]) | {
        "seeds": {"run": config.seed},
        "split": "each title left out of its own prediction",
        "entities": titles,
        "relations": [],
        "likes": int(likes.matrix.nnz),
        "users": int(likes.matrix.shape[0]),
        "learned_from": len(fitted.ids),
        "landmarks": len(fitted.foldin.reader.landmarks),
        "ridge": fitted.ridge,
    }


def _quality(fitted: Fitted, likes: Likes) -> dict[str, Any]:
    """How well titles that were left out find what is really liked with them, beside naming the most liked."""
    column = {id_: place for place, id_ in enumerate(likes.titles)}
    matrix = likes.matrix[:, [column[id_] for id_ in fitted.ids]].tocsc()
    counts = np.asarray(matrix.sum(axis=0)).ravel()
    chance = np.random.default_rng(0)
    asked = np.sort(chance.permutation(np.flatnonzero(counts >= _ENOUGH))[:_JUDGED])
    if not len(asked):
        return {"protocol": f"no title has {_ENOUGH} likes", "left_out": {}, "error": fitted.error}
    protocol = (
        f"{len(asked)} titles with {_ENOUGH} likes or more, each left out of its own prediction; truth: shrunk cosine "
        "of co-likes, by the same users, so it flatters: reelgraph evaluate --task substitutes parts them"
    )
    made, norms, popularity = damped(fitted.vectors).T, np.sqrt(counts + SHRINKAGE), counts.astype(np.float32)
    parts = []
    for own in np.array_split(asked, -(-len(asked) // _AT_ONCE)):
        truth = ((matrix[:, own].T @ matrix).toarray() / norms[own, None] / norms).astype(np.float32)
        truth[np.arange(len(own)), own] = 0
        scores = {"model": fitted.predicted[own] @ made, "popularity": np.tile(popularity, (len(own), 1))}
        parts.append({name: _judged(truth, one, own) for name, one in scores.items()})
    found = {name: _means([part[name] for part in parts]) for name in ("model", "popularity")}
    return {"protocol": protocol, "left_out": found, "error": fitted.error}


def _judged(truth: Floats, scores: Floats, own: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """NDCG and overlap of each title that anything is liked with, itself never among the answers: (known, 2)."""
    scores[np.arange(len(own)), own] = -np.inf
    chosen, known = lists(scores), truth.max(1) > 0
    figures: npt.NDArray[np.float64] = np.stack([ndcg(truth, chosen), overlap(truth, chosen)], 1)[known]
    return figures


def _means(parts: Sequence[npt.NDArray[np.float64]]) -> dict[str, float]:
    rows = np.concatenate(parts)
    means = rows.mean(0) if len(rows) else np.zeros(2)
    return {f"{name}@{K}": float(mean) for name, mean in zip(("ndcg", "overlap"), means, strict=True)}


def _card(run: Run, found: dict[str, Any]) -> str:
    record, options = run.record, options_of(run.config.model.options)
    figures = [
        f"| {name} | {one['ndcg@10']:.3f} | {one['overlap@10']:.3f} |" for name, one in found["left_out"].items()
    ]
    table = "\n".join(figures or ["| not measured | | |"])
    return f"""# {run.name}

Substitute vectors, {run.config.model.dimension} numbers a title: kernel ridge regression (ridge {record["ridge"]:g})
from what titles are made of to what viewers like together. Made {record["made"]}; every setting is in `config.toml`.

## Use

To answer a search for a title that a catalog lacks with titles that it has: `reelgraph publish` gives every title its
`{VECTORS}`, and searches use it at once. Ranked by inner product; a vector's length says how much a title is wanted.
Not for judging people, and not for predicting links.

## Data

{record["likes"]:,} likes (value of at least {options.likes_from:g}) of {record["users"]:,} users;
{record["learned_from"]:,} titles have {options.least_likes} or more and were learned from, {record["landmarks"]:,} are
landmarks; {record["entities"]:,} titles got a vector. Graph `{record["graph_hash"]}`, likes `{record["data_hash"]}`.

## Quality

| | NDCG@10 | overlap@10 |
|---|---|---|
{table}

How: {found["protocol"]}. What is left of left-out factors: {found["error"]:.0%}.

## Substitutability

{_reliability(found["substitutability"])}

## Limits

- What few viewers have liked is known by its content alone; what nobody would look for together is not found.
- Popular titles are liked together more often, so they are answered more often.
- The vectors repeat the tastes of those who gave the feedback.
"""


def _reliability(found: dict[str, Any] | None) -> str:
    if found is None:
        return "Too few titles have likes enough to learn how good a best substitute is; answers do not say it."
    rows = "\n".join(f"| {said:.2f} | {good:.2f} | {count:,} |" for said, good, count in found["bins"])
    return f"""How likely the best substitute is to be among the fifty titles that viewers of the asked title like most.
Judged by the other half of the viewers on {found["titles"]:,} titles that the curve was not fitted on, in
{found["questions"]:,} questions to catalogs of all sizes: expected calibration error {found["error"]:.3f}
(chance alone: {found["chance"]:.3f}), Brier score {found["brier"]:.3f} (for always saying {found["base"]:.2f}:
{found["base_brier"]:.3f}).
Below {POOR:g} a search calls the best a poor match.

| said | good | questions |
|---|---|---|
{rows}"""
