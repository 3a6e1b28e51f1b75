"""Commands that train and judge: train, runs, publish, evaluate. Each imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from gnn.evaluate_command import evaluate
from gnn.evaluation_tasks import RatedIn
from gnn.predict_command import predict
from graph.terminal import JsonOption, StoreOption, err, opened, out, print_json, progress

if TYPE_CHECKING:
    from gnn.after_load import FoldedIn
    from gnn.compare import Comparison
    from gnn.refresh import Retraining
    from gnn.runs import Run
    from graph.store import GraphStore, Progress

RunsOption = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where the run folders are.")]
_RUNS = Path("runs")
# One memory arena that is never given back: half of the page faults of training on a CPU. And threads that wait for
# each other sleep: the one that is waited for may be kept from a core by the very ones that wait (docs/training.md).
_ENVIRONMENT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34), "OMP_WAIT_POLICY": "PASSIVE"}
_STARTED = "REELGRAPH_STARTED_AGAIN"


def register(app: typer.Typer, rated_in: RatedIn | None = None) -> None:
    """Add these commands to the command line. rated_in: reads feedback that is not in the store."""
    for command in (train, runs, publish, predict):
        app.command(command.__name__)(command)
    app.command("evaluate", context_settings={"obj": rated_in})(evaluate)


def after_load(store: GraphStore, runs: Path, progress: Progress) -> list[FoldedIn]:
    """Give the titles that a load brought the published vectors; see gnn.after_load."""
    from gnn.after_load import fold_in_new

    return fold_in_new(store, runs, progress)


def retraining(runs: Path, configs: Sequence[Path], above: float, worse: float) -> Retraining:
    """What keeps published vectors up to date for a refresh; see gnn.refresh."""
    from gnn.config import read_config
    from gnn.title_models import TITLE_MODELS

    if any(read_config(path).model.name not in TITLE_MODELS for path in configs):
        _start_again()
    from gnn.refresh import Retraining

    return Retraining(runs, configs, above=above, worse=worse)


def train(
    config: Annotated[Path, typer.Argument(help="A TOML file, such as configs/complex.toml.")],
    runs: RunsOption = _RUNS,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the last run that was broken off.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model on the graph and evaluate it; leaves a run folder.

    Example: reelgraph train configs/complex.toml, then: reelgraph publish complex
    """
    _start_again()
    from gnn.compare import row
    from gnn.train import train as train_run

    with progress("Training") as report:
        run = train_run(config, store, runs=runs, resume=resume, progress=report)
    if as_json:
        print_json({"run": str(run.folder), **row(run), "metrics": run.metrics()})
    else:
        _show_run(run)


def runs(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Compare these. Default: all.")] = None,
    runs: RunsOption = _RUNS,
    as_json: JsonOption = False,
) -> None:
    """List the training runs, or compare some of them.

    Figures are those of the test triples; `popularity` is the baseline's MRR on the same.
    """
    from gnn.compare import compare
    from gnn.runs import list_runs, open_run, resume_command

    found = [open_run(_folder(name, runs)) for name in names] if names else list_runs(runs)
    compared = compare(found)
    if as_json:
        print_json({"runs": compared.rows, "settings": compared.settings, "warnings": compared.warnings})
        return
    if not found:
        out.print(f"No run is in {runs}; train one: reelgraph train configs/complex.toml")
        return
    _show_runs(compared)
    if names and len(found) > 1:
        _show_settings(compared)
    for run in found:
        if run.state == "unfinished":
            out.print(Text(f"{run.name} was broken off; go on: {resume_command(run)}"), soft_wrap=True)
        elif run.state == "failed":
            out.print(Text(f"{run.name} failed: {run.record.get('problem')}"), soft_wrap=True)


def publish(
    run: Annotated[str, typer.Argument(help="A run's name or its folder.")],
    runs: RunsOption = _RUNS,
    fold_in: Annotated[
        bool, typer.Option("--fold-in", help="Also give vectors to titles that came after the training.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Also where most of the run's titles are gone.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give the graph's titles the vectors of a run, all at once; reelgraph rollback takes them back."""
    from gnn.publish import GraphMoved
    from gnn.publish import publish as publish_run
    from gnn.runs import open_run

    found = open_run(_folder(run, runs))
    with opened(store) as graph, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GraphMoved)
        version = publish_run(found, graph, fold_in=fold_in, force=force)
        name = found.config.publish.name
        provenance = graph.info().embeddings[name]
    moved = [str(one.message) for one in caught if issubclass(one.category, GraphMoved)]
    for text in moved:
        err.print(Text(f"reelgraph: {text}"), soft_wrap=True)
    if as_json:
        print_json({"version": version, "name": name, "provenance": vars(provenance), "warnings": moved})
    else:
        out.print(f"Version {version}: titles carry `{name}`, {provenance.dimension} numbers each, from {found.name}.")


def _start_again() -> None:
    """Begin anew with settings of memory and threads that count only when a process starts. Once, and on Linux."""
    typed = sys.argv[1:]
    ours = bool(typed) and sys.orig_argv[-len(typed) :] == typed  # else another program called this
    if not sys.platform.startswith("linux") or not ours or _STARTED in os.environ:
        return
    environment = {**_ENVIRONMENT, **os.environ, _STARTED: "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606


def _folder(name: str, runs: Path) -> Path:
    return Path(name) if (Path(name) / "run.json").exists() else runs / name


def _show_run(run: Run) -> None:
    from gnn.compare import compare

    _show_runs(compare([run]))
    found = run.metrics()
    for line in found.get("audit", {}).get("lines", ()):
        out.print(Text(f"audit: {line}"), soft_wrap=True)
    for name, one in found.get("left_out", {}).items():
        out.print(f"{name}: NDCG@10 {one['ndcg@10']:.3f}, overlap@10 {one['overlap@10']:.3f}, titles left out")
    out.print(Text(f"\n{run.folder}"), soft_wrap=True)
    if run.config.graph.folder is None:
        out.print(Text(f"Next: reelgraph publish {run.folder}"), soft_wrap=True)


def _show_runs(compared: Comparison) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("run", "model", "state"):
        table.add_column(column, no_wrap=True, overflow="fold")
    for column in ("MRR", "Hits@10", "popularity", "epochs", "seconds"):
        table.add_column(column, justify="right")
    for one in compared.rows:
        figures = [_number(one[key]) for key in ("mrr", "hits@10", "popularity_mrr")]
        counts = ["" if one[key] is None else f"{one[key]:,.0f}" for key in ("epochs", "seconds")]
        mark = "" if one["kind"] in (None, "full") else f" ({one['kind']})"
        table.add_row(one["name"], f"{one['model']} {one['dimension']}", one["state"] + mark, *figures, *counts)
    out.print(table)


def _show_settings(compared: Comparison) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("differing setting")
    for one in compared.rows:
        table.add_column(one["name"])
    for key, values in compared.settings.items():
        table.add_row(key, *_texts(values))
    out.print()
    out.print(table)
    for warning in compared.warnings:
        out.print(Text(f"Mind: {warning}."), soft_wrap=True)


def _texts(values: Sequence[Any]) -> list[Text]:
    return [Text("–" if value is None else str(value)) for value in values]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
