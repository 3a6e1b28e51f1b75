"""What a strategy costs beside how good it is: processor time to learn and to answer, and what it must hold.

Processor time is that of all threads of this process, so other work on the machine shows little in it; where one thread
does it all, it is the time on the clock. Work that several strategies share (`Learning.fitted`) is done once, and
counts in full for each that uses it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar, cast

import numpy as np

from gnn.runs import Run
from graph.store import GraphStore

T = TypeVar("T")
_DEEPEST = 12


@dataclass(frozen=True)
class Cost:
    """train_seconds: until it can answer. query_ms: of a question, asked in batches. bytes: arrays beside the graph."""

    train_seconds: float
    query_ms: float
    bytes: int

    def as_dict(self) -> dict[str, float]:
        """The same as plain data, to three digits."""
        return {name: value if name == "bytes" else float(f"{value:.3g}") for name, value in asdict(self).items()}


def together(costs: Sequence[Cost]) -> Cost:
    """The same strategy's draws as one: means."""
    seconds, queries, sizes = zip(*((one.train_seconds, one.query_ms, one.bytes) for one in costs), strict=True)
    return Cost(float(np.mean(seconds)), float(np.mean(queries)), round(float(np.mean(sizes))))


class Meter:
    """Times the fits of strategies that share work."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._seconds: dict[str, float] = {}
        self._used: set[str] = set()
        self._shared = 0.0

    def fit(self, make: Callable[[], T]) -> tuple[T, float]:
        """What `make` gives, and its seconds: its own, and those of all that was shared with it."""
        self._used, self._shared = set(), 0.0
        made, seconds = timed(make)
        return made, seconds - self._shared + sum(self._seconds[name] for name in self._used)

    def shared(self, name: str, make: Callable[[], T]) -> T:
        """The result of work that several fits use: done by the first that asks, counted for all that ask."""
        if name not in self._made:
            self._made[name], self._seconds[name] = timed(make)
            self._shared += self._seconds[name]
        self._used.add(name)
        return cast(T, self._made[name])

    def elsewhere(self, name: str, seconds: float) -> None:
        """The fit that is being timed uses what took another process so long."""
        self._seconds[name] = seconds
        self._used.add(name)


def timed(make: Callable[[], T]) -> tuple[T, float]:
    """What `make` gives, and the seconds of processor time that it took."""
    began = time.process_time()
    made = make()
    return made, time.process_time() - began


def held_bytes(thing: Any) -> int:
    """Bytes of the arrays that can be reached from an object: numpy's, scipy's and torch's, each once; no graph's."""
    found: dict[int, int] = {}
    _reach(thing, found, set(), _DEEPEST)
    return sum(found.values())


def _reach(thing: Any, found: dict[int, int], seen: set[int], deep: int) -> None:
    if id(thing) in seen or not deep or isinstance(thing, (str, bytes, int, float, type(None))):
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        whole = thing
        while isinstance(whole.base, np.ndarray):
            whole = whole.base
        found[id(whole)] = whole.nbytes
    elif hasattr(thing, "untyped_storage"):  # torch's
        storage = thing.untyped_storage()
        found[storage.data_ptr()] = storage.nbytes()
    elif isinstance(thing, Run):
        found[id(thing)] = (thing.folder / "vectors.npy").stat().st_size
    elif not isinstance(thing, GraphStore):
        for part in _parts(thing):
            _reach(part, found, seen, deep - 1)


def _parts(thing: Any) -> list[Any]:
    if isinstance(thing, Mapping):
        return list(thing.values())
    if isinstance(thing, (list, tuple, set, frozenset)):
        return list(thing)
    if callable(getattr(thing, "state_dict", None)):
        return list(thing.state_dict().values())
    slots = [getattr(thing, name, None) for name in getattr(type(thing), "__slots__", ())]
    return [*slots, *getattr(thing, "__dict__", {}).values()]
