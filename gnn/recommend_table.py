"""The evaluation of recommenders from the command line: several draws as one, and the table that people read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from rich.text import Text

from gnn.histories import histories_in
from gnn.recommend_evaluation import evaluate
from gnn.tastes import Options
from graph.feedback_kinds import FeedbackKinds
from graph.store import GraphStore, Progress
from graph.terminal import out


def judged(
    store: GraphStore, rated: pa.Table | None, split: str, seeds: Sequence[int] | None, names: Sequence[str] | None,
    validation: bool, progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """An evaluation of what a store holds, or of a table RATED. seeds: only the first counts: a draw is a split."""
    histories = histories_in(store, FeedbackKinds.configured(), rated)
    seed = seeds[0] if seeds else 0
    return evaluate(
        store, histories, split, seed, Options(), names=names or (), validation=validation, progress=progress
    )


def show_recommenders(found: dict[str, Any]) -> None:
    """Print an evaluation for a person to read."""
    known = found["known_events"]
    _say(
        f"split {found['split']}, {found['part']}: {found['users']:,} users, {found['likes_to_find']:,} likes to find "
        f"among {found['titles']:,} titles, {found['learned_from']:,} events learned from"
    )
    _say(f"known of a user: {known['least']} to {known['most']} events, median {known['median']:g}\n")
    best = found["best_single"]
    against = [name for name in dict.fromkeys(("ease", best)) if name]
    header = ["strategy", "NDCG@10", "recall@10", "coverage", "novelty", *(f"NDCG − {name}" for name in against)]
    rows = [
        [
            one["strategy"], _interval(one["ndcg"]), _interval(one["recall"]), f"{one['coverage']:.1%}",
            f"{one['novelty']['mean']:.1f}",
            *(_interval(one[f"ndcg_minus_{name}"]) if f"ndcg_minus_{name}" in one else "" for name in against),
        ]
        for one in found["strategies"]
    ]  # fmt: skip
    _table(header, rows)
    parts = list(dict.fromkeys(part for one in found["strategies"] for part in one["slices"]))
    _say("\nNDCG@10 by what is known of a user:")
    users = {part: found["strategies"][0]["slices"][part]["users"] for part in parts}
    _table(
        ["strategy", *(f"{part} ({users[part]:,})" for part in parts)],
        [[one["strategy"], *(_interval(one["slices"][part]["ndcg"]) for part in parts)] for one in found["strategies"]],
    )


def _interval(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _say(line: str) -> None:
    out.print(Text(line), soft_wrap=True)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out.print(Text(line, style="dim" if row is header else ""), soft_wrap=True)
