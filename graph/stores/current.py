"""Which version of the embedded store reads see: the current one, or the one that was current when a block began."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

from graph.store import StoreBusy
from graph.stores.snapshot import Snapshot
from graph.stores.versions import Versions, explained

_HELD: ContextVar[Mapping[Versions, Snapshot]] = ContextVar("held")


class Current:
    """The version of one store that is open. Safe for threads."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._snapshot: Snapshot | None = None
        self._moving = threading.Lock()

    def now(self) -> Snapshot:
        """The version that is held, else the current one: moves to a new one when the manifest has changed."""
        return _HELD.get({}).get(self._versions) or self._newest()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """As `GraphStore.held` promises. Raises StoreBusy at its end where the version has been swept away."""
        now = self.now()
        with self._seen(now):
            yield
        if now.name and now.stamp != self._versions.stamp() and now.name not in self._versions.read().versions:
            raise StoreBusy(f"version {now.name} of {self._versions.root} went while it was read; try again")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the store for a new version, made of the current one even where reads see one that is held."""
        with explained(self._versions.root), self._versions.writing(), self._seen(None):
            yield

    def close(self) -> None:
        """Let go of the version's files."""
        self._snapshot = None

    def _newest(self) -> Snapshot:
        stamp = self._versions.stamp()
        snapshot = self._snapshot
        if snapshot is None or snapshot.stamp != stamp:
            with self._moving, explained(self._versions.root):
                snapshot = self._snapshot  # another thread may have opened it meanwhile
                if snapshot is None or snapshot.stamp != stamp:
                    snapshot = Snapshot.open(self._versions, None)
                    self._snapshot = snapshot
        return snapshot

    @contextlib.contextmanager
    def _seen(self, snapshot: Snapshot | None) -> Iterator[None]:
        seen = {versions: one for versions, one in _HELD.get({}).items() if versions is not self._versions}
        token = _HELD.set(seen if snapshot is None else {**seen, self._versions: snapshot})
        try:
            yield
        finally:
            _HELD.reset(token)
