"""Two towers and their ranker as the arrays of a run, and back; without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gnn.runs import Run, RunError
from gnn.scorer import Arrays
from graph.tower_scores import Pairs, Towers


def arrays_of(towers: Towers, pairs: Pairs) -> Arrays:
    """What a run keeps of both, by name."""
    made: dict[str, npt.NDArray[Any]] = {"says": towers.says, "offered": towers.offered}
    made |= {f"user.{name}": one for name, one in towers.user.items()}
    made |= {"pairs.says": pairs.says, "pairs.offered": pairs.offered, "pairs.of_title": pairs.of_title}
    made |= {"pairs.mean": np.array([pairs.mean], np.float32)}
    return made | {f"pairs.net.{name}": one for name, one in pairs.net.items()}


def networks_of(run: Run) -> tuple[Towers, Pairs]:
    """The towers and the ranker of a run. Raises RunError where it is of another model."""
    held = run.parameters()
    try:
        towers = Towers(held["says"], held["offered"], _under(held, "user."))
        pairs = Pairs(
            held["pairs.says"], held["pairs.offered"], float(held["pairs.mean"][0]), held["pairs.of_title"],
            _under(held, "pairs.net."),
        )  # fmt: skip
    except KeyError:
        raise RunError(f"{run.folder} holds no two towers but {run.config.model.name}; name another run") from None
    return towers, pairs


def _under(held: Mapping[str, npt.NDArray[Any]], prefix: str) -> dict[str, npt.NDArray[Any]]:
    return {name.removeprefix(prefix): one for name, one in held.items() if name.startswith(prefix)}
