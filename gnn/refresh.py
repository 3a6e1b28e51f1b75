"""Published vectors after the graph has changed: new titles are folded in, or where much has changed, trained anew.

What was trained is compared with what is published before it takes its place; where it is worse, the old one stays.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gnn.after_load import FoldedIn, fold_in_new
from gnn.changes import changed, keep_titles, rated_since
from gnn.config import ConfigError, RunConfig, read_config
from gnn.prepare import needed, needs
from gnn.publish import GraphMoved, publish
from gnn.runs import Run, RunError, differences, list_runs, open_run, unfinished
from gnn.title_models import SUBSTITUTES, TASTES, TITLE_MODELS
from gnn.train import train
from graph.foldin import VECTORS, WEIGHTS
from graph.store import GraphStore, Progress
from graph.tastes import LIKED, OFFERED

Action = Literal["folded in", "kept", "published", "left out", "not done"]
KEPT_RUNS = 3
"""Runs of each configuration that a refresh leaves; older ones of its own, which nothing published needs, go."""
_BY, _WORSE = "refresh", "worse"  # run.json: who trained it, and that it was not published for being worse


@dataclass(frozen=True)
class Renewed:
    """What became of one published name. why: in words; problem: what keeps it from being as it should be."""

    name: str
    action: Action
    run: str | None
    why: str
    problem: str | None = None
    version: str | None = None

    @property
    def refused(self) -> bool:
        """Whether a run was trained and not published, for it is worse."""
        return self.action == "left out"

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        version = f"Version {self.version}: " if self.version else ""
        return f"{version}`{self.name}` {self.action}: {self.problem or self.why}"


class Retraining:
    """Which configurations are trained, and when; keeps a store's published vectors up to date.

    above: share of titles (of feedback, where a model learns from that) that must have changed since a run before it is
    trained anew. worse: by what share of the published run's figure a new one may fall behind it.
    Raises ConfigError for a configuration that cannot be used, NotInstalled where its libraries are absent.
    """

    def __init__(self, runs: Path, configs: Sequence[Path], *, above: float = 0.1, worse: float = 0.05) -> None:
        self._runs, self._above, self._worse = runs, above, worse
        self._configs = {path: read_config(path) for path in configs}
        names: set[str] = set()
        for path, config in self._configs.items():
            if config.graph.folder is not None:
                raise ConfigError(f"{path}: graph.folder: a refresh trains on the store, not on a folder of triples")
            if config.publish.name in names:
                raise ConfigError(f"{path}: publish.name: {config.publish.name!r} is that of another one; name it anew")
            names.add(config.publish.name)
            needs(*needed(config))

    def settled(self) -> str:
        """What is asked for, in short."""
        asked = [one.model_dump(mode="json") for one in self._configs.values()]
        return hashlib.sha256(json.dumps([asked, self._above, self._worse]).encode()).hexdigest()[:16]

    def due(self, store: GraphStore) -> bool:
        """Whether there is enough new feedback to train again. Asks for counts alone."""
        learners = [one for one in self._configs.values() if _learns_from_feedback(one)]
        last = [self._last(one, store) for one in learners]
        return any(run is not None and rated_since(run, store) > self._above for run in last)

    def renew(self, store: GraphStore, step: Callable[[str], None], progress: Progress) -> list[Renewed]:
        """Fold in new titles, then train what is due, best first published as a version of its own.

        What keeps a fold-in from being made is said, never raised; training and publishing raise what they do.
        """
        step("fold in")
        done = list(map(_folded_in, fold_in_new(store, self._runs, progress, amend=True)))
        first = store.info().version
        for config in self._configs.values():
            one = self._renew(config, store, step, progress, first)
            # Trained anew, it matters no more that the old run could not fold in.
            done = [*(was for was in done if one.action != "published" or was.name != one.name), one]
        return done

    def _renew(
        self, config: RunConfig, store: GraphStore, step: Callable[[str], None], progress: Progress, first: str
    ) -> Renewed:
        name = config.publish.name
        last, published = self._last(config, store), self._published(config, store)
        if last is None:
            why = f"no run of {config.name} as it is configured is published"
        else:
            step(f"compare {config.name}")
            more = rated_since(last, store) if _learns_from_feedback(config) else 0.0
            titles = changed(last, store)
            why = f"since {last.name}, {titles}" + (f" and {more:.1%} of feedback" if more else "")
            if max(titles.share, more) <= self._above:
                return Renewed(name, "kept", last.name, f"{why} changed; trained anew above {self._above:.1%}")
        step(f"train {config.name}")
        run = self._trained(config, store, progress)
        figure, before = _figure(run), _figure(published) if published else None
        if figure is not None and before is not None and figure < before * (1 - self._worse):
            run.note(**{_WORSE: True})
            problem = (
                f"{run.name} validates at {figure:.3f}, {published.name if published else ''} at {before:.3f}, so that "
                f"stays; look at it, then: reelgraph publish {run.folder}"
            )
            return Renewed(name, "left out", run.name, why, problem)
        step(f"publish {config.name}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GraphMoved)  # by another process meanwhile: the next refresh sees to it
            # One way back to the vectors before, however many names there are, and one more to the graph before.
            version = publish(run, store, fold_in=True, amend=store.info().version != first)
        self._clear(config, store)
        return Renewed(name, "published", run.name, why, version=version)

    def _trained(self, config: RunConfig, store: GraphStore, progress: Progress) -> Run:
        """A run on the graph as it is: one that was not published yet for being killed, or resumed, or new."""
        now = store.info().graph_hash
        for run in reversed(self._runs_of(config)):
            if run.state == "finished" and run.record.get("graph_hash") == now and not run.record.get(_WORSE):
                if self._is_published(run, store) or rated_since(run, store) > self._above:
                    break
                return keep_titles(run, store)
        run = self._resumed(config, store, progress) or train(config, store, runs=self._runs, progress=progress)
        run = run.note(**{_BY: True})
        same = run.record.get("graph_hash") == store.info().graph_hash
        return keep_titles(run, store) if same else run

    def _resumed(self, config: RunConfig, store: GraphStore, progress: Progress) -> Run | None:
        try:
            unfinished(self._runs, config)
            return train(config, store, runs=self._runs, resume=True, progress=progress)
        except RunError:  # there is none, or it was begun on another graph
            return None

    def _runs_of(self, config: RunConfig) -> list[Run]:
        """The runs of a configuration, the newest last."""
        return [one for one in list_runs(self._runs) if one.config.name == config.name and not _differ(one, config)]

    def _published(self, config: RunConfig, store: GraphStore) -> Run | None:
        """The run that a store's vectors of that name come from; None where it is of another model, or gone."""
        made = store.info().embeddings.get(config.publish.name)
        if made is None or made.model != config.model.name:
            return None
        try:
            run = open_run(self._runs / made.run)
        except RunError:
            return None
        return run if run.state == "finished" and self._is_published(run, store) else None

    def _last(self, config: RunConfig, store: GraphStore) -> Run | None:
        """What changes count from: the published run, or one since then that was trained and found worse."""
        published = self._published(config, store)
        if published is None or _differ(published, config):
            return None
        worse = [run for run in self._runs_of(config) if run.record.get(_WORSE)]
        return max([published, *worse], key=lambda run: str(run.record.get("made", "")))

    @staticmethod
    def _is_published(run: Run, store: GraphStore) -> bool:
        """Whether a store's vectors are this run's; substitute vectors with their weights, which come first."""
        held = store.info().embeddings
        several = {SUBSTITUTES: (VECTORS, WEIGHTS), TASTES: (LIKED, OFFERED)}
        names = several.get(run.config.model.name, (run.config.publish.name,))
        said = [(held[name].run, held[name].graph_hash) for name in names if name in held]
        return said == [(run.name, run.record.get("graph_hash"))] * len(names)

    def _clear(self, config: RunConfig, store: GraphStore) -> None:
        """Remove the oldest runs that a refresh made: each is as large as its vectors."""
        needed = {made.run for made in store.info().embeddings.values()}
        own = [run for run in self._runs_of(config) if run.record.get(_BY) and run.state == "finished"]
        for run in own[:-KEPT_RUNS]:
            if run.name not in needed:
                shutil.rmtree(run.folder, ignore_errors=True)


def _folded_in(one: FoldedIn) -> Renewed:
    without = f"; {one.without:,} have none: nothing joins them to what it knows" if one.without else ""
    why = f"{one.titles:,} new titles, from {one.run}{without}"
    return Renewed(one.name, "not done" if one.problem else "folded in", one.run, why, one.problem, one.version)


def _learns_from_feedback(config: RunConfig) -> bool:
    model = TITLE_MODELS.get(config.model.name)
    return config.graph.feedback if model is None else model.feedback


def _differ(run: Run, config: RunConfig) -> bool:
    return bool(differences([run.config, config]))


def _figure(run: Run) -> float | None:
    """How good a run is on what it was not trained on: validation MRR, or NDCG@10 of titles left out."""
    if run.config.model.name != SUBSTITUTES:
        return run.record.get("best_validation_mrr")
    figure: float | None = run.metrics().get("left_out", {}).get("model", {}).get("ndcg@10")
    return figure
