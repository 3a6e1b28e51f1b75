"""What is counted from a whole store: as it was counted last, and counted again beside the answers when that is due."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from graph.store import StoreError

V = TypeVar("V")
_TIMES_ITS_COST = 50
_log = logging.getLogger(__name__)


class Recounted(Generic[V]):
    """A value that `count` makes: at the first call while the caller waits, then in a thread of its own.

    least_seconds: how long a value is good; longer where counting takes long, so that it stays a fiftieth of the time.
    Safe for threads. A count that fails leaves the value as it was; the first one raises its StoreError.
    """

    def __init__(self, name: str, count: Callable[[], V], least_seconds: float) -> None:
        self._name, self._count, self._least = name, count, least_seconds
        self._held: tuple[V] | None = None
        self._due = 0.0
        self._counting = threading.Lock()
        self.counted = 0.0
        """When it was counted last, seconds since 1970; 0: never."""

    def now(self) -> V:
        """As it was counted last; a count that is due is begun."""
        held = self._held
        if held is None:
            with self._counting:
                held = self._held or self._made()
        elif time.monotonic() >= self._due and self._counting.acquire(blocking=False):
            threading.Thread(target=self._again, name=self._name, daemon=True).start()
        return held[0]

    def _again(self) -> None:
        try:
            self._made()
        except StoreError as error:
            _log.warning("%s: not counted", self._name, extra={"fields": {"error": str(error)}})
        finally:
            self._counting.release()

    def _made(self) -> tuple[V]:
        begun = time.monotonic()
        try:
            held = (self._count(),)
            self._held, self.counted = held, time.time()
            return held
        finally:
            ended = time.monotonic()
            self._due = ended + max(self._least, _TIMES_ITS_COST * (ended - begun))
