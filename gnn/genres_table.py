"""The task `genres` of `reelgraph evaluate`: genres from the names of titles, as a table."""

from __future__ import annotations

from typing import Any

from gnn.evaluation_tasks import Given
from gnn.genres_evaluation import FIGURES, tell_genres
from gnn.printed import interval, say, table


def judge(given: Given) -> dict[str, Any]:
    """Every way to tell genres, or those named with --strategy. Raises ConfigError."""
    return tell_genres(given.store, given.setting.seeds, given.setting.strategies, given.progress)


def show(found: dict[str, Any]) -> None:
    """Print it for a person to read."""
    say(
        f"{found['data']}, {found['genres']} genres; {found['judged']:,} judged in seeds "
        f"{', '.join(map(str, found['seeds']))} ({found['split']})\n"
    )
    compared = found["compared_with"]
    rows = [
        [
            one["strategy"], *(interval(one[name]) for name in FIGURES),
            interval(one["micro_difference"], "+") if "micro_difference" in one else "",
            f"{one['cost']['train_seconds']:.0f} s", "reads the answer" if one["leak"] else "",
        ]
        for one in found["strategies"]
    ]  # fmt: skip
    table(["way", *FIGURES.values(), f"micro − {compared}", "to train", ""], rows)
    for name, why in found["left_out"].items():
        say(f"{name}: left out; {why}")
    parts = [
        [f"{name}: {part}", f"{part_found['questions']:,}", interval(part_found["micro"])]
        for one in found["strategies"] if one["strategy"] in (compared, "sentence")
        for parts in one["slices"].values() for part, part_found in parts.items()
        for name in [one["strategy"]]
    ]  # fmt: skip
    say("\nby words in the title:")
    table(["part", "titles", "micro F1"], parts)
