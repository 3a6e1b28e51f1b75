"""The figures of `reelgraph evaluate` as a picture: a strategy a line, a dot and its interval for each figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_INK, _GRID = "#1a1a1a", "#e4e4e4"
_COLOURS = {"ndcg": "#0072b2", "overlap": "#d55e00"}
_NAMES = {"ndcg": "NDCG@10", "overlap": "overlap with the true top 50"}


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw what `Evaluation.as_dict` says into a PNG file."""
    from matplotlib.figure import Figure

    rows = sorted(found["strategies"], key=lambda one: float(one["ndcg"]["mean"]))
    figure = Figure((8, 1.4 + 0.36 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    for shift, (name, colour) in zip((0.13, -0.13), _COLOURS.items(), strict=True):
        means = [one[name]["mean"] for one in rows]
        reach = [
            [mean - one[name]["low"] for mean, one in zip(means, rows, strict=True)],
            [one[name]["high"] - mean for mean, one in zip(means, rows, strict=True)],
        ]
        axes.errorbar(means, [place + shift for place in range(len(rows))], xerr=reach, fmt="o", markersize=4.5,
                      color=colour, elinewidth=1.6, label=_NAMES[name])  # fmt: skip
    names = [one["strategy"] + (" *" if one["strategy"] == found["compared_with"] else "") for one in rows]
    axes.set_yticks(range(len(rows)), names, color=_INK)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"mean over {found['questions']:,} questions, 95% bootstrap interval; * what is served", color=_INK)
    axes.set_title(f"Substitutes for hidden titles ({found['hidden']}, {found['draws']} draws)", loc="left", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(path, dpi=130, facecolor="white")
