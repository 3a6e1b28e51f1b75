"""Something that costs a scan, made once for each version of the graph."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from graph.store import GraphStore

T = TypeVar("T")


class OnceAVersion(Generic[T]):
    """Makes a value when the graph's state is another than last time. Safe for threads: one makes it, others wait.

    Offers count too, for figures tell how many there are.
    """

    def __init__(self, store: GraphStore, make: Callable[[], T]) -> None:
        self._store, self._make = store, make
        self._held: tuple[str, T] | None = None
        self._lock = threading.Lock()

    def current(self) -> T:
        """The value for the graph as it is now."""
        with self._lock:
            state = self._store.state()
            if self._held is None or self._held[0] != state:
                self._held = state, self._make()
            return self._held[1]
