"""What is kept of requests without delaying them: gathered in memory, written by a thread now and then and at the end.

A crash loses what came since the last write; a store that does not answer is asked again the next time.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

from graph.store import StoreError

_log = logging.getLogger(__name__)


class WrittenBeside(ABC):
    """Base of what gathers and writes. Safe for threads; make one in each process, and close it at the end.

    what: whose rows they are, as a warning says it. seconds: between two writes.
    """

    def __init__(self, what: str, seconds: float) -> None:
        self._what, self._seconds, self._dropped = what, seconds, 0
        self._lock, self._writing, self._ended = threading.Lock(), threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """How many were not kept, for there were too many."""
        return self._dropped

    @abstractmethod
    def flush(self) -> None:
        """Write what was gathered since the last time. Raises StoreError; it is then written the next time."""

    def close(self) -> None:
        """Write what is left, and stop writing now and then. Raises StoreError."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _begin(self) -> None:
        """Start the thread, where there is none; the lock is held."""
        if self._thread is None and not self._ended.is_set():
            self._thread = threading.Thread(target=self._write_now_and_then, name=self._what, daemon=True)
            self._thread.start()

    def _write_now_and_then(self) -> None:
        told = 0
        while not self._ended.wait(self._seconds):
            try:
                self.flush()
            except StoreError as error:
                _log.warning("%s are not written yet: %s", self._what, error)
            if self._dropped > told:
                _log.warning("%s not kept: %d, too many", self._what, self._dropped - told)
                told = self._dropped
