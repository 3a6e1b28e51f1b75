"""Writing feedback for many at once: what waits while a transaction is under way goes into the next one together.

Each is told only when its own events are on disk, so what was acknowledged survives a crash; a disk that takes a few
thousand syncs a second carries many more events.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from graph.events import Event
from graph.store import GraphStore, InvalidRows, StoreError

_MOST = 20_000
"""Events of one transaction."""
_Waiting = tuple[Sequence[Event], "Future[None]"]


class FeedbackWriter:
    """One thread that writes, started with the first events."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False

    def put(self, events: Sequence[Event]) -> Future[None]:
        """Write events, all or nothing; done when they are durable, with the error where they cannot be."""
        done: Future[None] = Future()
        with self._starting:
            if self._closed:
                raise StoreError("the service is stopping; send the events again to the next one")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="feedback", daemon=True)
                self._thread.start()
            self._waiting.put((events, done))
        return done

    def close(self) -> None:
        """Write what still waits, then stop."""
        with self._starting:
            self._closed = True
            self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            together, count = [first], len(first[0])
            while count < _MOST and not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    self._write(together)
                    return
                together.append(more)
                count += len(more[0])
            self._write(together)

    def _write(self, together: Sequence[_Waiting], *, begun: bool = False) -> None:
        if not begun:  # who no longer waits has not been told of anything
            together = [one for one in together if one[1].set_running_or_notify_cancel()]
        try:
            self._store.merge_feedback([event for events, _ in together for event in events])
        except InvalidRows as error:
            if len(together) == 1:
                together[0][1].set_exception(error)
                return
            for one in together:  # one of them is wrong: each for itself
                self._write([one], begun=True)
        except BaseException as error:  # noqa: BLE001  (whoever waits has to hear of it)
            for _, done in together:
                done.set_exception(error)
        else:
            for _, done in together:
                done.set_result(None)
