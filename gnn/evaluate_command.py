"""`reelgraph evaluate`: every strategy on the same questions, as a table for people, JSON for scripts, and plots."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gnn.checkpoint import write_text
from gnn.evaluation_cache import default_folder, judged
from gnn.evaluation_tasks import TASKS, Given, RatedIn, Setting
from gnn.evaluation_tasks import task as task_of
from graph.terminal import JsonOption, StoreOption, err, opened, print_json, progress

_RUNS = Path("runs")


def evaluate(
    context: typer.Context,
    task: Annotated[str, typer.Option(metavar="NAME", help=f"What is judged: {', '.join(TASKS)}.")],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE",
            help="What to judge by: feedback, as for load; for link-prediction triples. Default: the store's.",
        ),
    ] = None,
    strategy: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only these; of link-prediction, runs. Repeatable.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(metavar="N", help="Draws. Repeatable. Default: 0, 1, 2.")] = None,
    hide: Annotated[
        str, typer.Option(metavar="WHAT", help="sample, series (whole ones) or after-YEAR (all released later).")
    ] = "sample",
    hidden: Annotated[int, typer.Option(min=1, help="How many titles are asked about in a draw.")] = 300,
    likes_from: Annotated[float, typer.Option(help="The least rating that counts as a like; 0: any.")] = 0.0,
    validation: Annotated[
        bool, typer.Option("--validation", help="Hide titles that no test draw hides: for tuning.")
    ] = False,
    embedding: Annotated[
        str | None, typer.Option(metavar="RUN", help="A run of a link-prediction model, to judge its neighbours.")
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", metavar="DIR", help="Where the run folders are.")] = _RUNS,
    split: Annotated[
        str, typer.Option(metavar="NAME", help="Of recommend: time, random, newcomers or cold (titles).")
    ] = "time",
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the figures into this file.")] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page of tables and charts, all in one file.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write the tables as Markdown.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Judge again, also what was judged before on the same data.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge ways to find substitutes on titles hidden from a catalog, to recommend by what users liked next, or models
    of links by their test triples.

    Example: reelgraph evaluate --task substitutes --embedding complex --plot substitutes.png
    """
    _check(task, data, plot, (page, markdown))
    judging = task_of(task)
    setting = Setting(
        task, data, tuple(strategy or ()), tuple(seed or ()), hide, hidden, likes_from, validation, split, embedding,
        runs,
    )  # fmt: skip
    rated_in: RatedIn | None = context.obj
    with contextlib.ExitStack() as held, progress("Evaluating") as report:
        given = Given(setting, lambda: held.enter_context(opened(store)), rated_in, report)
        found = judged(judging, given, default_folder(), fresh=fresh)
    if found["from_cache"]:
        err.print(Text(f"as judged {found['judged_at']}; --fresh judges again"), soft_wrap=True)
    if plot is not None:
        from gnn.evaluation_plot import draw

        draw(found, plot)
    if page is not None:
        from gnn.evaluation_page import as_page

        write_text(page, as_page(found))
    if markdown is not None:
        from gnn.evaluation_markdown import as_markdown

        write_text(markdown, as_markdown(found))
    if as_json:
        print_json(found)
    else:
        judging.show(found)


def _check(task: str, data: Path | None, plot: Path | None, written: Sequence[Path | None]) -> None:
    if task not in TASKS:
        raise typer.BadParameter(f"{task!r} is no task; there is: {', '.join(TASKS)}", param_hint="--task")
    if data is not None and not data.exists():
        raise typer.BadParameter(f"there is no {data}", param_hint="--data")
    for option, path in zip(("--plot", "--page", "--markdown"), (plot, *written), strict=True):
        if path is not None and not path.resolve().parent.is_dir():
            raise typer.BadParameter(f"there is no folder {path.resolve().parent}", param_hint=option)
    if plot is None:
        return
    if task != "substitutes":
        raise typer.BadParameter("only --task substitutes has a picture", param_hint="--plot")
    if importlib.util.find_spec("matplotlib") is None:
        raise typer.BadParameter(
            "drawing needs matplotlib, which is not installed: pip install 'reelgraph[train]'", param_hint="--plot"
        )
