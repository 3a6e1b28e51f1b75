"""An evaluation as a page: the table, each strategy with its interval, quality against cost, quality by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gnn.evaluation_markdown import command, heading, lead, rows_of
from graph.charts import Point, Range, legend, ranges, scatter
from graph.report import page, section, table

_COSTS = {
    "query_ms": ("milliseconds a question", 1.0),
    "train_seconds": ("seconds to train", 1.0),
    "bytes": ("megabytes held", 1e-6),
}
_NOTE = (
    "Processor time of all threads, of questions asked in batches; what several strategies share counts for each that "
    "uses it. Bytes are those of the arrays beside the graph. A cost of nothing stands at the left edge."
)


def as_page(found: Mapping[str, Any]) -> str:
    """One HTML file that needs nothing else. found: what a task says (`gnn.evaluation_tasks`)."""
    header, rows = rows_of(found)
    default = found["compared_with"] or ""
    parts = [
        section("All strategies", table(header, rows, words=2, strong=default),
                note=f"Means with 95% bootstrap intervals. {command(found)}"),
        *_figures(found), *_costs(found), *_slices(found),
    ]  # fmt: skip
    return page(heading(found), lead(found), parts)


def _figures(found: Mapping[str, Any]) -> list[str]:
    """The first two figures, the best strategy first."""
    drawn = []
    for place, (name, called) in enumerate(list(found["figures"].items())[:2]):
        rows = [
            (one["strategy"], [_range(one[name], place, f"{one['strategy']}: {called}")])
            for one in _ordered(found, name) if name in one
        ]  # fmt: skip
        whole = name not in found.get("lower_is_better", ())
        chart = ranges(rows, called, f"{called} of each strategy", strong=found["compared_with"] or "", whole=whole)
        drawn.append(section(called, chart, note=_better(found, name)))
    return drawn


def _costs(found: Mapping[str, Any]) -> list[str]:
    """The first figure against each cost that is known."""
    figure, called = next(iter(found["figures"].items()))
    drawn: list[str] = []
    for cost, (words, unit) in _COSTS.items():
        known = [one for one in found["strategies"] if figure in one and one.get("cost", {}).get(cost) is not None]
        least = min((one["cost"][cost] * unit for one in known if one["cost"][cost] > 0), default=0)
        points = [
            Point(
                max(one["cost"][cost] * unit, least / 3), one[figure]["mean"],
                f"{one['strategy']}: {called} {one[figure]['mean']:.3f}, {one['cost'][cost] * unit:.3g} {words}",
                0 if one["strategy"] == found["compared_with"] else 1, one["strategy"],
                one[figure]["low"], one[figure]["high"],
            )
            for one in known
        ]  # fmt: skip
        if least and len(points) > 1:
            chart = scatter(points, words, called, f"{called} against {words}", log=(True, False))
            drawn.append(section(f"{called} against {words}", chart, note=_NOTE if not drawn else ""))
    return drawn


def _slices(found: Mapping[str, Any]) -> list[str]:
    """What is drawn of the slices: a row a strategy, a dot a part."""
    drawn = []
    for by, words in found.get("by", {}).items():
        of = [one for one in found["strategies"] if by in one.get("slices", {})]
        if not of:
            continue
        parts = list(of[0]["slices"][by])
        name = next(iter(set(found["figures"]) & set(of[0]["slices"][by][parts[0]])), None)
        name = next((one for one in found["figures"] if one in of[0]["slices"][by][parts[0]]), name)
        if name is None:
            continue
        rows = []
        for one in sorted(of, key=lambda row: -_mean(row["slices"][by], name)):
            own = one["slices"][by]
            rows.append((one["strategy"], [_range(own[part][name], parts.index(part), f"{one['strategy']}, {part}")
                                           for part in parts if part in own]))  # fmt: skip
        called = found["figures"][name]
        asked = [f"{part} ({of[0]['slices'][by][part]['questions']:,})" for part in parts]
        chart = ranges(rows, called, f"{called} by {words}", strong=found["compared_with"] or "", joined=True)
        drawn.append(section(f"{called} by {words}", chart, above=legend(asked)))
    return drawn


def _ordered(found: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    sign = 1 if name in found.get("lower_is_better", ()) else -1
    return sorted(found["strategies"], key=lambda one: sign * one.get(name, {"mean": 0})["mean"])


def _better(found: Mapping[str, Any], name: str) -> str:
    return "The smaller, the better." if name in found.get("lower_is_better", ()) else ""


def _mean(parts: Mapping[str, Any], name: str) -> float:
    values = [float(one[name]["mean"]) for one in parts.values()]
    return sum(values) / max(len(values), 1)


def _range(figure: Mapping[str, Any], group: int, told: str) -> Range:
    low, high = figure["low"], figure["high"]
    reach = "" if low is None else f" [{low:.3f}, {high:.3f}]"
    return Range(figure["mean"], low, high, group, f"{told}: {figure['mean']:.3f}{reach}")
