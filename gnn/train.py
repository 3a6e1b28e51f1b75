"""Train a model on the graph: triples, audit, split, model, evaluation, run folder.

from gnn.train import train

run = train(Path("configs/complex.toml"), "embedded:./graph-store")
print(run.folder, run.metrics()["test"]["model"]["mrr"])
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gnn.card import write_card
from gnn.checkpoint import write_text
from gnn.config import ConfigError, RunConfig, read_config
from gnn.plots import best_known, draw
from gnn.prepare import GRAPH_NETWORKS, Prepared, check_model, facts, needs, now, prepare
from gnn.runs import CALIBRATION, Run, RunError, as_json, new_run, unfinished
from gnn.scorer import Checkpoint, Epoch, Scorer, Trained, TrainingError
from gnn.title_models import TITLE_MODELS
from graph.settings import GraphSettings
from graph.store import GraphStore, Progress, open_store

if TYPE_CHECKING:
    from gnn.findings import Choosing

# Where on the progress bar training begins and ends.
_READ, _TRAINED = 0.05, 0.85


def train(
    config: Path | RunConfig,
    store: GraphStore | str | None = None,
    *,
    runs: Path = Path("runs"),
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train as configured and leave a run folder runs/NAME (NAME-2 … where that is taken); returns the run.

    store: the graph, or its URL; by default the store of the settings. Not used where graph.folder is configured.
    resume: go on with the last unfinished run of this configuration; it ends with the figures of an unbroken one.
    Raises ConfigError, TriplesError and RunError (what was given is wrong), TrainingError (what went wrong) and
    StoreError.
    """
    config = read_config(config) if isinstance(config, Path) else config
    say = progress or (lambda _what, _share: None)
    check_model(config)
    if config.model.name in TITLE_MODELS:
        return _of_titles(config, store, runs, resume, progress)
    run = unfinished(runs, config) if resume else None
    with _opened(config, store) as graph, _memory_explained(config):
        began = time.perf_counter()
        say("reading the graph", 0.0)
        prepared = prepare(config, graph)
        if run is None:
            run = new_run(runs, config, facts(config, prepared))
        elif run.record["data_hash"] != prepared.split.data_hash:
            raise RunError(f"{run.folder} was begun on another graph or other data; train anew, without --resume")
        with run.held(), _failure_noted(run):
            run = run.note(state="training", seconds={"read": _since(began)})
            run, scorer = _learn(run, prepared, say)
            run = _judge(run, scorer, prepared, graph, say)
    say("done", 1.0)
    return run


def _of_titles(
    config: RunConfig, store: GraphStore | str | None, runs: Path, resume: bool, progress: Progress | None
) -> Run:
    """Learn vectors of titles; without checkpoints, for it takes seconds to minutes."""
    model = TITLE_MODELS[config.model.name]
    if resume:
        raise RunError(f"nothing to resume: {model.what} are learned in one go; train anew, without --resume")
    with _opened(config, store) as graph:
        if graph is None:
            raise ConfigError(f"graph.folder: {model.what} are learned from a store, not from a folder of triples")
        return model.train(config, graph, runs, progress)


def load_scorer(run: Run) -> Scorer:
    """The trained model of a finished run, ready to score. Raises RunError where its files do not fit together."""
    if (model := TITLE_MODELS.get(run.config.model.name)) is not None:
        raise RunError(f"{run.folder} holds {model.what}, which predict no links; name another run")
    needs("torch")
    try:
        if run.config.model.name in GRAPH_NETWORKS:
            from gnn.inductive import scorer_from

            return scorer_from(run.config, run.parameters())
        from gnn.kge import build

        scorer = build(run.config, run.vocabulary())
        scorer.load_state(run.parameters())
    except ValueError as error:
        raise RunError(f"{run.folder}/model.safetensors does not fit its config.toml: {error}") from None
    return scorer


def _learn(run: Run, prepared: Prepared, say: Progress) -> tuple[Run, Scorer]:
    """Train, and keep what was learned in the run folder."""
    from gnn.findings import Choosing

    began, epochs = time.perf_counter(), run.config.training.epochs
    begun = False

    def report(epoch: Epoch) -> None:
        nonlocal begun
        if not begun:
            run.rewind(epoch.number - 1)
            begun = True
        run.log(epoch)
        say(describe(epoch, epochs), _READ + (_TRAINED - _READ) * epoch.number / epochs)

    say("training", _READ)
    trained = _loop(run.config, prepared, Choosing(prepared.split, run.config), run.checkpoint, report)
    run.keep(prepared.split.vocabulary, trained.scorer.state(), trained.scorer.entity_vectors())
    learned = {"epochs": trained.epochs, "best_epoch": trained.best_epoch, "stopped": trained.stopped}
    seconds = {**run.record["seconds"], "train": _since(began)}
    return run.note(**learned, best_validation_mrr=trained.best_mrr, seconds=seconds), trained.scorer


def _loop(
    config: RunConfig,
    prepared: Prepared,
    evaluator: Choosing,
    checkpoint: Checkpoint,
    report: Callable[[Epoch], None],
) -> Trained:
    """The loop that the configuration names, on the model that it names."""
    if config.model.name in GRAPH_NETWORKS:
        from gnn.graphnet import train_graphnet

        return train_graphnet(
            prepared.split, config, prepared.features, evaluator, checkpoint=checkpoint, report=report
        )
    if config.training.loop == "pykeen":
        from gnn.pykeen_loop import train_pykeen

        return train_pykeen(prepared.split, config, evaluator, checkpoint=checkpoint, report=report)
    from gnn.loop import train_shared

    return train_shared(prepared.split, config, evaluator, checkpoint=checkpoint, report=report)


def _judge(run: Run, scorer: Scorer, prepared: Prepared, graph: GraphStore | None, say: Progress) -> Run:
    """Evaluate on the test triples; metrics, card and plots."""
    from gnn.calibration import calibrate
    from gnn.findings import findings

    began = time.perf_counter()
    say("evaluating on the test triples", _TRAINED)
    audit = {"lines": str(prepared.audit).splitlines(), **asdict(prepared.audit)}
    found = findings(scorer, prepared.split, run.config) | {"audit": audit}
    write_text(run.folder / "metrics.json", as_json(found))
    if graph is not None:
        write_text(run.folder / CALIBRATION, as_json(calibrate(scorer, prepared.split).as_dict()))
    seconds = {**run.record["seconds"], "evaluate": _since(began)}
    run = run.note(seconds=seconds)
    say("drawing", 0.97)
    draw(run, best_known(graph, run) if graph is not None else ())
    write_card(run)
    run = run.note(state="finished", finished=now())
    run.checkpoint.forget()
    return run


def describe(epoch: Epoch, epochs: int) -> str:
    """An epoch in one line: how far, how good, how fast, how long it will take at most."""
    mrr = "" if epoch.mrr is None else f", MRR {epoch.mrr:.3f}"
    minutes, seconds = divmod(round(epoch.seconds_left), 60)
    speed = f"{epoch.triples_per_second:,.0f} triples/s"
    return f"epoch {epoch.number}/{epochs}, loss {epoch.loss:.4f}{mrr}, {speed}, {minutes}:{seconds:02d} left"


@contextlib.contextmanager
def _opened(config: RunConfig, store: GraphStore | str | None) -> Iterator[GraphStore | None]:
    """The graph to train on: None where a folder of triples is configured."""
    if config.graph.folder is not None:
        yield None
    elif store is None or isinstance(store, str):
        graph = open_store(store or GraphSettings().store)
        try:
            yield graph
        finally:
            graph.close()
    else:
        yield store


@contextlib.contextmanager
def _failure_noted(run: Run) -> Iterator[None]:
    """Write a failure into run.json; a run that could not even begin leaves nothing behind."""
    try:
        yield
    except ConfigError:
        if not (run.folder / "trace.jsonl").exists():
            shutil.rmtree(run.folder)
        raise
    except Exception as error:
        run.note(state="failed", problem=str(error) or type(error).__name__)
        raise


@contextlib.contextmanager
def _memory_explained(config: RunConfig) -> Iterator[None]:
    """Say which settings to lower when memory runs out anywhere."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        sizes = f"model.dimension ({config.model.dimension}), training.batch ({config.training.batch})"
        raise TrainingError(
            f"memory ran out ({str(error).splitlines()[0] if str(error) else 'MemoryError'}); lower {sizes} or "
            f"evaluation.batch ({config.evaluation.batch}), or choose fewer relations in graph.relations"
        ) from error


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 1)
