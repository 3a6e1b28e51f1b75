"""The task `substitutes` of `reelgraph evaluate`, and the table that people read of it."""

from __future__ import annotations

from typing import Any

from gnn.evaluation_tasks import Given
from gnn.hidden import TEST_SEEDS, Hiding
from gnn.printed import COST, costs, interval, number, say, table
from gnn.substitutes import Options, likes_of
from gnn.substitutes_evaluation import evaluate


def judge(given: Given) -> dict[str, Any]:
    """Every strategy on titles hidden from a catalog; see gnn.substitutes_evaluation."""
    setting = given.setting
    hiding = Hiding(setting.hide, setting.hidden, validation=setting.validation)
    embedding = given.embedding
    likes = likes_of(given.store, setting.likes_from, given.rated)
    return evaluate(
        given.store, likes, hiding, setting.seeds or list(TEST_SEEDS), Options(likes_from=setting.likes_from),
        names=setting.strategies, embedding=embedding, progress=given.progress,
    ).as_dict()  # fmt: skip


def show(found: dict[str, Any]) -> None:
    """Print an evaluation for a person to read."""
    draws = f"{found['draws']} draws {', '.join(map(str, found['seeds']))}"
    say(f"{found['likes']:,} likes (values from {found['likes_from']:g}) of {found['users']:,} users; {draws}")
    say(
        f"hidden: {found['hidden']}; {found['questions']:,} questions about {found['titles']:,} titles, catalogs of "
        f"{', '.join(f'{size:,}' for size in found['catalog'])}\n"
    )
    compared = found["compared_with"]
    header = [
        "strategy",
        "NDCG@10",
        "overlap",
        f"NDCG − {compared}",
        "lift NDCG",
        "overlap",
        "coverage",
        "pure",
        "k",
        *COST,
    ]
    rows = [
        [
            one["strategy"], *(interval(one[name]) for name in ("ndcg", "overlap")),
            interval(one["ndcg_difference"], "+") if "ndcg_difference" in one else "",
            number(one["lift_ndcg"]["mean"]), number(one["lift_overlap"]["mean"]),
            *(number(one[name], ".2f") for name in ("coverage", "purity", "k=10")), *costs(one["cost"]),
        ]
        for one in found["strategies"]
    ]  # fmt: skip
    table(header, rows)
    for name, why in found["left_out"].items():
        say(f"{name}: left out; {why}")
    shown = next(one for one in found["strategies"] if one["strategy"] == compared)
    say(f"\n{compared} by what was asked for:")
    parts = [
        [f"{name}: {part}", f"{one['questions']:,}", interval(one["ndcg"]), interval(one["overlap"])]
        for name, own in shown["slices"].items() for part, one in own.items()
    ]  # fmt: skip
    table(["part", "questions", "NDCG@10", "overlap"], parts)
