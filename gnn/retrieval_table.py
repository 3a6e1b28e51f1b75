"""The task `retrieval` of `reelgraph evaluate`, and the table that people read of it."""

from __future__ import annotations

from typing import Any

from gnn.evaluation_tasks import Given
from gnn.histories import histories_in
from gnn.printed import COST, costs, interval, say, table
from gnn.retrieval_evaluation import FIGURES, FIRST, retrieve
from gnn.tastes import Options
from graph.feedback_kinds import FeedbackKinds


def judge(given: Given) -> dict[str, Any]:
    """Every recommender on feedback held out by chance, whatever it says."""
    setting = given.setting
    histories = histories_in(given.store, FeedbackKinds.configured(), given.rated)
    return retrieve(
        given.store, histories, Options(), seeds=setting.seeds, names=setting.strategies, progress=given.progress
    )


def show(found: dict[str, Any]) -> None:
    """Print an evaluation for a person to read."""
    say(f"{found['data']}; {found['split']} to find: {found['events_to_find']:,}, seeds {_listed(found['seeds'])}")
    say(f"share of these in the first {FIRST} of each user, what they have had left out; and kept, as published\n")
    against = found["compared_with"]
    header = ["strategy", *(one for name in FIGURES for one in (FIGURES[name], f"less {against}")), *COST]
    rows = [
        [
            one["strategy"], *(cell for name in FIGURES for cell in (interval(one[name]), _difference(one, name))),
            *costs(one["cost"]),
        ]
        for one in found["strategies"]
    ]  # fmt: skip
    table(header, rows)
    for name, why in found["left_out"].items():
        say(f"{name}: left out; {why}")


def _difference(one: dict[str, Any], name: str) -> str:
    gap = one.get(f"{name}_difference")
    return interval(gap, "+") if gap else ""


def _listed(seeds: list[int]) -> str:
    return ", ".join(map(str, seeds))
