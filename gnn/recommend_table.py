"""The task `recommend` of `reelgraph evaluate`, and the table that people read of it."""

from __future__ import annotations

from typing import Any

from gnn.evaluation_tasks import Given
from gnn.histories import histories_in
from gnn.printed import COST, costs, interval, say, table
from gnn.recommend_evaluation import evaluate
from gnn.tastes import Options
from graph.feedback_kinds import FeedbackKinds


def judge(given: Given) -> dict[str, Any]:
    """Every recommender on what users liked next. Of the seeds only the first counts: a draw is a split."""
    setting = given.setting
    histories = histories_in(given.store, FeedbackKinds.configured(), given.rated)
    seed = setting.seeds[0] if setting.seeds else 0
    return evaluate(
        given.store, histories, setting.split, seed, Options(),
        names=setting.strategies, validation=setting.validation, progress=given.progress,
    )  # fmt: skip


def show(found: dict[str, Any]) -> None:
    """Print an evaluation for a person to read."""
    known = found["known_events"]
    say(
        f"split {found['split']}, {found['part']}: {found['users']:,} users, {found['likes_to_find']:,} likes to find "
        f"among {found['titles']:,} titles, {found['learned_from']:,} events learned from"
    )
    say(f"known of a user: {known['least']} to {known['most']} events, median {known['median']:g}\n")
    best = found["best_single"]
    against = [name for name in dict.fromkeys(("ease", best)) if name]
    header = ["strategy", "NDCG@10", "recall@10", "coverage", "novelty", *(f"NDCG − {name}" for name in against), *COST]
    rows = [
        [
            one["strategy"], interval(one["ndcg"]), interval(one["recall"]), f"{one['coverage']:.1%}",
            f"{one['novelty']['mean']:.1f}",
            *(interval(one[f"ndcg_minus_{name}"]) if f"ndcg_minus_{name}" in one else "" for name in against),
            *costs(one["cost"]),
        ]
        for one in found["strategies"]
    ]  # fmt: skip
    table(header, rows)
    for name, why in found["left_out"].items():
        say(f"{name}: left out; {why}")
    parts = list(dict.fromkeys(part for one in found["strategies"] for part in one["slices"]["likes"]))
    say("\nNDCG@10 by what is known of a user:")
    users = {part: found["strategies"][0]["slices"]["likes"][part]["questions"] for part in parts}
    table(
        ["strategy", *(f"{part} ({users[part]:,})" for part in parts)],
        [
            [one["strategy"], *(interval(one["slices"]["likes"][part]["ndcg"]) for part in parts)]
            for one in found["strategies"]
        ],
    )
