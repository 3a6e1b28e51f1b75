"""The task `rating` of `reelgraph evaluate`, and the table that people read of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnn.evaluation_tasks import Given
from gnn.printed import say, table
from gnn.rating_evaluation import rate


def judge(given: Given) -> dict[str, Any]:
    """Every way to predict ratings, on as many draws as there are seeds."""
    setting = given.setting
    return rate(given.store, given.rated, setting.seeds, setting.strategies, given.progress)


def show(found: dict[str, Any]) -> None:
    """Print an evaluation for a person to read."""
    seeds = ", ".join(map(str, found["seeds"]))
    say(f"{found['data']}; {found['split']} judged ({found['judged']:,}), seeds {seeds}\n")
    rows = [
        [
            one["strategy"], _interval(one["rmse"]),
            _interval(one["rmse_difference"], "+") if "rmse_difference" in one else "",
            " ".join(f"{own:.3f}" for own in one["rmse_by_seed"]), f"{one['cost']['train_seconds']:.1f}", one["about"],
        ]
        for one in found["strategies"]
    ]  # fmt: skip
    ours = found["compared_with"]
    table(["strategy", "RMSE", f"RMSE − {ours}" if ours else "", "by seed", "s a seed", "what"], rows)
    for name, why in found["left_out"].items():
        say(f"{name}: left out; {why}")


def _interval(figure: Mapping[str, float], sign: str = "") -> str:
    return f"{figure['mean']:{sign}.4f} [{figure['low']:{sign}.4f}, {figure['high']:{sign}.4f}]"
