"""What `reelgraph evaluate` can judge: a task is a module with `judge` and `show`, and one line in TASKS.

`judge` gives plain data that goes as it is into JSON, tables and pages. What they read of it, whatever the task:

    {"task": NAME, "data": words, "compared_with": STRATEGY or None, "left_out": {STRATEGY: why},
     "figures": {FIGURE: heading, …},       the first is the one that is drawn; all: the larger the better
     "lower_is_better": [FIGURE, …],        but these, where there are any
     "by": {BY: words},                     the slices that are drawn: popularity of the title, size of the history
     "strategies": [{"strategy": NAME, "about": words,
                     FIGURE: {"mean": …, "low": …, "high": …},              95% bootstrap interval
                     FIGURE_difference: the same,                           paired, to `compared_with`
                     "cost": {"train_seconds", "query_ms", "bytes"},        `gnn.cost`; None where unknown
                     "slices": {BY: {PART: {"questions": n, FIGURE: {…}}}}}]}

Beside these a task says what else it has to say; only its own `show` reads that.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from gnn.config import ConfigError
from graph.store import GraphStore, Progress

if TYPE_CHECKING:
    import pyarrow as pa

    from gnn.runs import Run

RatedIn = Callable[[Path, GraphStore], "pa.Table"]
"""Reads the feedback of a file or folder on titles of a store, as the table RATED."""

TASKS: Mapping[str, str] = {
    "substitutes": "gnn.substitutes_table",
    "recommend": "gnn.recommend_table",
    "link-prediction": "gnn.link_table",
    "rating": "gnn.rating_table",
    "genres": "gnn.genres_table",
    "retrieval": "gnn.retrieval_table",
}
"""By name, the module that judges it."""


@dataclass(frozen=True)
class Setting:
    """The options of an evaluation, as typed. Each task reads those that mean something to it.

    data: a file or folder to judge by; None: what the store holds. strategies: none named: all that can be.
    embedding: a run of a link-prediction model, by name or folder.
    """

    task: str
    data: Path | None = None
    strategies: Sequence[str] = ()
    seeds: Sequence[int] = ()
    hide: str = "sample"
    hidden: int = 300
    likes_from: float = 0.0
    validation: bool = False
    split: str = "time"
    embedding: str | None = None
    runs: Path = Path("runs")

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        plain = {Path: str, tuple: list}
        return {
            name: next((turn(one) for kind, turn in plain.items() if isinstance(one, kind)), one)
            for name, one in asdict(self).items()
        }


@dataclass(frozen=True)
class Given:
    """What a task may use: the setting; the store, opened when it is first asked for; feedback; how to say how far."""

    setting: Setting
    open_graph: Callable[[], GraphStore]
    rated_in: RatedIn | None = None
    progress: Progress = field(default=lambda _what, _share: None)

    @cached_property
    def store(self) -> GraphStore:
        """The graph. Raises StoreError."""
        return self.open_graph()

    @cached_property
    def rated(self) -> pa.Table | None:
        """The feedback of `setting.data` on titles of the store; None: judge by what the store holds."""
        if self.setting.data is None:
            return None
        if self.rated_in is None:
            raise ConfigError("files cannot be read from here; load them instead of naming them with --data")
        return self.rated_in(self.setting.data, self.store)

    @cached_property
    def embedding(self) -> Run | None:
        """The run of `setting.embedding`. Raises RunError."""
        from gnn.runs import open_run

        name, runs = self.setting.embedding, self.setting.runs
        if name is None:
            return None
        return open_run(Path(name) if (Path(name) / "run.json").exists() else runs / name)


class Task(Protocol):
    """A module of TASKS."""

    def judge(self, given: Given) -> dict[str, Any]:
        """Plain data (above). Raises ConfigError for what is not to be had under these names."""

    def show(self, found: dict[str, Any]) -> None:
        """Print it for a person to read."""


def task(name: str) -> Task:
    """The module of a task. Raises ConfigError for a name that is none."""
    if name not in TASKS:
        raise ConfigError(f"{name!r} is no task; there is: {', '.join(TASKS)}")
    return cast(Task, importlib.import_module(TASKS[name]))
