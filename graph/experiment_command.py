"""`reelgraph experiment`: start, list, stop and remove comparisons of ways to recommend, and say what came of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from graph.terminal import JsonOption, StoreOption, err, opened, out, print_json, progress

if TYPE_CHECKING:
    from graph.experiment_report import ArmReport

_app = typer.Typer(
    help="Compare ways to recommend, each for a share of users.", no_args_is_help=True, rich_markup_mode=None
)
_NAME = Annotated[str, typer.Argument(metavar="NAME", help="The experiment's name, as `experiment list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(_app, name="experiment")


@_app.command("start")
def start_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its definition, TOML: docs/experiments.md.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begin an experiment. Services that run answer by it within five seconds.

    Example: reelgraph experiment start trial.toml
    """
    from graph.experiments import Definition, start

    definition = Definition.read(file)
    with opened(store) as graph:
        made = start(graph, definition)
    if as_json:
        print_json(made.as_dict())
        return
    arms = ", ".join(f"{arm.name} {arm.share:.0%}" for arm in definition.arms)
    out.print(Text(f"{definition.name} runs since {made.began}: {arms}"), soft_wrap=True)


@_app.command("list")
def list_(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List all experiments: their arms, and since when or until when they ran."""
    from graph.experiments import listed

    with opened(store) as graph:
        found = listed(graph)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    if not found:
        out.print("There are no experiments; `reelgraph experiment start FILE` begins one.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("name", "catalog", "arms", "began", "ended"):
        table.add_column(column, no_wrap=column != "arms")
    for one in found:
        told = one.definition
        arms = ", ".join(f"{arm.name} {arm.share:.0%}" for arm in told.arms)
        table.add_row(*(Text(value) for value in (told.name, told.catalog or "all", arms, one.began, one.ended or "")))
    out.print(table)


@_app.command("stop")
def stop_(name: _NAME, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """End an experiment. What was shown stays for its report."""
    from graph.experiments import stop

    with opened(store) as graph:
        found = stop(graph, name)
    if as_json:
        print_json(found.as_dict())
        return
    out.print(Text(f"{name} ran from {found.began} to {found.ended}"), soft_wrap=True)


@_app.command("delete")
def delete_(name: _NAME, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Remove an experiment with all that it has shown to anybody."""
    from graph.experiments import delete

    with opened(store) as graph:
        delete(graph, name)
    if as_json:
        print_json({"deleted": name})
        return
    out.print(Text(f"{name} is gone, with all that it has shown"), soft_wrap=True)


@_app.command("report")
def report_(name: _NAME, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Say what came of an experiment: of what each arm has shown, how much was liked, and the difference to the first.

    rate: the mean over users of the share of titles shown that they liked within the hours of the definition; with
    Welch's 95% intervals over users.
    """
    from graph.experiment_report import report
    from graph.feedback_kinds import FeedbackKinds

    with opened(store) as graph, progress("reading") as tell:
        made = report(graph, name, FeedbackKinds.configured(), progress=tell)
    if as_json:
        print_json(made.as_dict())
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("arm", "share", "users", "answers", "titles", "outcomes", "rate", "95%", "difference", "95%"):
        table.add_column(column, justify="left" if column == "arm" else "right", no_wrap=True)
    for arm in made.arms:
        table.add_row(*(Text(value) for value in _cells(arm)))
    out.print(table)
    for warning in made.warnings:
        err.print(Text(f"note: {warning}"), soft_wrap=True)


def _cells(arm: ArmReport) -> list[str]:
    apart = arm.difference
    return [
        arm.name, f"{arm.share:.0%}", f"{arm.users:,}", f"{arm.answers:,}", f"{arm.titles:,}", f"{arm.outcomes:,}",
        "–" if arm.rate is None else f"{arm.rate:.4f}", _between(arm.low, arm.high),
        "–" if apart is None else f"{apart.rate:+.4f}", "–" if apart is None else _between(apart.low, apart.high),
    ]  # fmt: skip


def _between(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"[{low:.4f}, {high:.4f}]"
