"""`reelgraph gaps`: what a catalog lacks and what to buy, as tables for people, JSON and CSV for scripts."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from graph.terminal import (
    AdultOption,
    CatalogOption,
    DayOption,
    JsonOption,
    RegionOption,
    StoreOption,
    opened,
    out,
    print_json,
    progress,
    scope_of,
)

if TYPE_CHECKING:
    from graph.gaps import Gaps, Named

_MOST = 1_000
_COLUMNS = (
    "part", "id", "title", "start_year", "text", "measured_in", "demand", "substitutability", "gap",
    "best_id", "best_title", "cost", "gain", "won_back",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("gaps")(gaps_)


def gaps_(
    catalog: CatalogOption = None,
    budget: Annotated[
        float | None, typer.Option(metavar="N", help="Choose what to buy: so many titles; with --costs, so much money.")
    ] = None,
    costs: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with the columns id and cost: what can be bought.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Searches of the last so many days. Default: all.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many gaps, and how many unknown texts.")] = 20,
    min_count: Annotated[
        int | None,
        typer.Option(min=1, help="Show only what was searched for so often. Default: REELGRAPH_MINIMUM_COUNT, or 5."),
    ] = None,
    region: RegionOption = None,
    on: DayOption = None,
    adult: AdultOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """List what people want that a catalog lacks and cannot make up for; with a budget, what to buy.

    Demand is what was searched for, or IMDb's votes where nothing was often enough.

    Example: reelgraph gaps --catalog north --budget 20
    """
    from graph.gaps import gaps

    if as_json and as_csv:
        raise typer.BadParameter("there is JSON or CSV, not both", param_hint="--csv")
    least = _least(min_count)
    prices = None if costs is None else read_costs(costs)
    _check_budget(budget, priced=prices is not None)
    with opened(store) as graph, progress("Gaps") as report:
        found = gaps(
            graph, scope_of(catalog, region, on, adult), days=days, minimum_count=least, limit=limit, budget=budget,
            costs=prices, progress=report,
        )  # fmt: skip
    if as_json:
        print_json(found.as_dict())
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, _COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(_rows(found))
    else:
        _show(found)


def _least(asked: int | None) -> int:
    """The least count that is shown: what was asked for, never below the setting."""
    from graph.settings import GraphSettings

    floor = GraphSettings().minimum_count
    if asked is not None and asked < floor:
        raise typer.BadParameter(
            f"{asked} is below {floor}, the least that is ever shown (REELGRAPH_MINIMUM_COUNT)",
            param_hint="--min-count",
        )
    return asked or floor


def _check_budget(budget: float | None, *, priced: bool) -> None:
    if budget is None:
        if priced:
            raise typer.BadParameter("costs need a budget: --budget N", param_hint="--costs")
        return
    if not (math.isfinite(budget) and budget > 0):
        raise typer.BadParameter(f"{budget:g} is no budget; give a number above 0", param_hint="--budget")
    if not priced and (budget != int(budget) or budget > _MOST):
        raise typer.BadParameter(
            f"{budget:g} is no number of titles from 1 to {_MOST:,}; for money give --costs, too", param_hint="--budget"
        )


def read_costs(path: Path) -> dict[str, float]:
    """A CSV with the columns id and cost → what each title costs. Raises BadParameter naming file and line."""
    found: dict[str, float] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            if not {"id", "cost"} <= set(rows.fieldnames or ()):
                raise _bad(f"{path} has no columns id and cost; its first line must name them")
            for row in rows:
                id_, cost = (row["id"] or "").strip(), (row["cost"] or "").strip()
                where = f"{path}, line {rows.line_num}"
                if not id_ or id_ in found:
                    raise _bad(f"{where}: {id_!r} is named twice" if id_ else f"{where}: there is no id")
                try:
                    found[id_] = float(cost)
                except ValueError:
                    found[id_] = math.nan
                if not (math.isfinite(found[id_]) and found[id_] >= 0):
                    raise _bad(f"{where}: {cost!r} is no cost; write a number, 0 or more")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _bad(f"{path} cannot be read: {error}") from None
    if not found:
        raise _bad(f"{path} names no title")
    return found


def _bad(problem: str) -> typer.BadParameter:
    return typer.BadParameter(problem, param_hint="--costs")


def _rows(found: Gaps) -> list[dict[str, Any]]:
    """All parts as rows of one table; `part` says which: purchase, gap or unknown."""
    rows = []
    for part, listed in (("purchase", found.purchases or ()), ("gap", found.gaps)):
        for one in listed:
            row = one.as_dict() | {"part": part, "measured_in": found.measured_in}
            best = row.pop("best", None)
            rows.append(row | ({"best_id": best["id"], "best_title": best["title"]} if best else {}))
    for text, count in found.unknown:
        rows.append({"part": "unknown", "text": text, "measured_in": "searches", "demand": count})
    return [{name: "" if value is None else value for name, value in row.items()} for row in rows]


def _show(found: Gaps) -> None:
    """Print gaps for a person to read."""
    counted = "searches" if found.measured_in == "searches" else "IMDb votes"
    if found.measured_in == "votes":
        out.print(f"Nothing was searched for {found.minimum_count} times or more: demand is IMDb votes.")
    if not found.gaps:
        out.print("There are no gaps: nothing is wanted that may not be shown.")
    else:
        kept = 1 - found.lost / found.demand
        out.print(Text(
            f"Titles wanted and not to be had: {found.titles:,}, with {found.demand:,.0f} {counted}; "
            f"{kept:.0%} of that is made up for."), soft_wrap=True)  # fmt: skip
    if found.purchases is not None:
        _show_purchases(found)
    if found.gaps:
        out.print(Text("\nThe largest gaps", style="bold"))
        table = _table(counted, "made up for", "gap", "title", "year", "id", "the best it has")
        for gap in found.gaps:
            best = f"{gap.best.title} ({gap.best.start_year or '?'})" if gap.best else "nothing"
            table.add_row(f"{gap.demand:,}", f"{gap.substitutability:.2f}", f"{gap.size:,.1f}", *_cells(gap.wanted),
                          Text(best))  # fmt: skip
        out.print(table)
    if found.unknown:
        out.print(Text("\nSearched for, and known to nothing in the graph", style="bold"))
        table = _table("searches", "text")
        for text, count in found.unknown:
            table.add_row(f"{count:,}", Text(text))
        out.print(table)


def _show_purchases(found: Gaps) -> None:
    bought = found.purchases or ()
    out.print(Text("\nBuy, in this order", style="bold"))
    if not bought:
        out.print("Nothing that can be bought for that would mend anything.")
        return
    priced = any(one.cost is not None for one in bought)
    table = _table("won back", "gain", *(["cost"] if priced else []), "title", "year", "id")
    for one in bought:
        cost = [f"{one.cost:,.2f}"] if one.cost is not None else []
        table.add_row(f"{one.won_back:.1%}", f"{one.gain:,.1f}", *cost, *_cells(one.bought))
    out.print(table)


def _cells(one: Named) -> Sequence[Text]:
    return Text(one.title), Text(str(one.start_year or "")), Text(one.id, style="dim")


def _table(*columns: str) -> Table:
    """A table whose numbers stand right."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    long, short = {"title", "text", "the best it has"}, {"year", "id"}  # only what is long may be broken into lines
    for column in columns:
        left = column in long | short
        table.add_column(column, justify="left" if left else "right", max_width=40, no_wrap=column not in long)
    return table
