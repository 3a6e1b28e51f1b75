"""`reelgraph evaluate`: every strategy on the same questions, as a table for people, JSON for scripts, and a plot."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from graph.terminal import JsonOption, StoreOption, opened, out, print_json, progress

if TYPE_CHECKING:
    import pyarrow as pa

    from graph.store import GraphStore

RatedIn = Callable[[Path, "GraphStore"], "pa.Table"]
"""Reads the feedback of a file on titles of a store, as the table RATED."""

TASKS = ("substitutes", "recommend")
_PLANNED = ("rating", "link-prediction", "genres")
_RUNS = Path("runs")


def evaluate(
    context: typer.Context,
    task: Annotated[str, typer.Option(metavar="NAME", help=f"What is judged: {', '.join(TASKS)}.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR|FILE", help="Feedback to judge by, as for load. Default: what the store holds."),
    ] = None,
    strategy: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only these. Repeatable.")] = None,
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
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge ways to find substitutes on titles hidden from a catalog, or to recommend by what users liked next.

    Example: reelgraph evaluate --task substitutes --embedding complex --plot substitutes.png
    """
    _check(task, plot)
    if task == "recommend":
        from gnn.recommend_table import judged, show_recommenders

        with opened(store) as graph, progress("Evaluating") as report:
            told = judged(graph, _rated(context.obj, data, graph), split, seed, strategy, validation, report)
        if as_json:
            print_json(told)
        else:
            show_recommenders(told)
        return
    from gnn.hidden import TEST_SEEDS, Hiding
    from gnn.runs import open_run
    from gnn.substitutes import Options, likes_of
    from gnn.substitutes_evaluation import evaluate as judge_all

    hiding = Hiding(hide, hidden, validation=validation)
    seeds = seed or list(TEST_SEEDS)
    run = None if embedding is None else open_run(_folder(embedding, runs))
    with opened(store) as graph, progress("Evaluating") as report:
        rated = _rated(context.obj, data, graph)
        likes = likes_of(graph, likes_from, rated)
        options = Options(likes_from=likes_from)
        found = judge_all(
            graph, likes, hiding, seeds, options, names=strategy or (), embedding=run, progress=report
        ).as_dict()
    if plot is not None:
        from gnn.evaluation_plot import draw

        draw(found, plot)
    if as_json:
        print_json(found)
    else:
        show(found)


def _check(task: str, plot: Path | None) -> None:
    if task in _PLANNED:
        raise typer.BadParameter(f"{task!r} cannot be judged yet; there is: {', '.join(TASKS)}", param_hint="--task")
    if task not in TASKS:
        raise typer.BadParameter(f"{task!r} is no task; there is: {', '.join(TASKS)}", param_hint="--task")
    if plot is not None and importlib.util.find_spec("matplotlib") is None:
        raise typer.BadParameter(
            "drawing needs matplotlib, which is not installed: pip install 'reelgraph[train]'", param_hint="--plot"
        )
    if plot is not None and not plot.resolve().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {plot.resolve().parent}", param_hint="--plot")


def _rated(rated_in: RatedIn | None, data: Path | None, graph: GraphStore) -> pa.Table | None:
    if data is None:
        return None
    if not data.exists():
        raise typer.BadParameter(f"there is no {data}", param_hint="--data")
    if rated_in is None:
        raise typer.BadParameter("files cannot be read from here; load them instead", param_hint="--data")
    return rated_in(data, graph)


def _folder(name: str, runs: Path) -> Path:
    return Path(name) if (Path(name) / "run.json").exists() else runs / name


def show(found: dict[str, Any]) -> None:
    """Print an evaluation for a person to read."""
    draws = f"{found['draws']} draws {', '.join(map(str, found['seeds']))}"
    _say(f"{found['likes']:,} likes (values from {found['likes_from']:g}) of {found['users']:,} users; {draws}")
    _say(
        f"hidden: {found['hidden']}; {found['questions']:,} questions about {found['titles']:,} titles, catalogs of "
        f"{', '.join(f'{size:,}' for size in found['catalog'])}\n"
    )
    compared = found["compared_with"]
    header = ["strategy", "NDCG@10", "overlap", f"NDCG − {compared}", "lift NDCG", "overlap", "coverage", "pure", "k"]
    rows = [
        [
            one["strategy"], *(_interval(one[name]) for name in ("ndcg", "overlap")),
            _interval(one["ndcg_difference"], "+") if "ndcg_difference" in one else "",
            _number(one["lift_ndcg"]["mean"]), _number(one["lift_overlap"]["mean"]),
            *(_number(one[name], ".2f") for name in ("coverage", "purity", "k=10")),
        ]
        for one in found["strategies"]
    ]  # fmt: skip
    _table(header, rows)
    for name, why in found["left_out"].items():
        _say(f"{name}: left out; it {why}")
    shown = next(one for one in found["strategies"] if one["strategy"] == compared)
    _say(f"\n{compared} by what was asked for:")
    parts = [
        [f"{name}: {part}", f"{one['questions']:,}", _interval(one["ndcg"]), _interval(one["overlap"])]
        for name, own in shown["slices"].items() for part, one in own.items()
    ]  # fmt: skip
    _table(["part", "questions", "NDCG@10", "overlap"], parts)


def _say(line: str) -> None:
    out.print(Text(line), soft_wrap=True)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns, never cut: a log is read as well as a terminal."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out.print(Text(line, style="dim" if row is header else ""), soft_wrap=True)


def _interval(figure: dict[str, float], sign: str = "") -> str:
    low, mean, high = (_number(figure[name], f"{sign}.3f") for name in ("low", "mean", "high"))
    return f"{mean} [{low}, {high}]"


def _number(value: float, form: str = ".3f") -> str:
    text = f"{value:{form}}"
    return text if abs(value) >= 1 else text.replace("0.", ".", 1)
