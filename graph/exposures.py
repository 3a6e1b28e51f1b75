"""Who was shown what by which arm of an experiment (`SHOWN`): gathered in memory, written beside the answers.

Only of users whom the store has: so all of it is in a user's export, and goes with the user. A crash loses what came
since the last write.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

from graph.beside import WrittenBeside
from graph.experiments import Assigned
from graph.store import GraphStore, InvalidRows, NotInGraph

FLUSH_SECONDS = 2.0
MOST_WAITING = 50_000
"""Answers that wait to be written; of more nothing is kept, so that a store that does not answer takes no memory."""
MOST_A_DAY = 200
"""Answers of one user that a process keeps of a day."""
_ROWS, _MOST_USERS = 5_000, 1_000_000
_READ = ("arm", "titles", "strategy", "graph", "run", "timestamp")


class Exposures(WrittenBeside):
    """Writes what experiments show. Safe for threads; make one in each process, and close it at the end."""

    def __init__(self, store: GraphStore, *, seconds: float = FLUSH_SECONDS) -> None:
        super().__init__("exposures", seconds)
        self._store = store
        self._waiting: deque[dict[str, Any]] = deque()
        self._today: tuple[dt.date, Counter[str]] = dt.date.min, Counter()

    def add(
        self, user: str, by: Assigned, titles: Sequence[str], versions: Mapping[str, str | None], strategy: str | None,
        now: float | None = None,
    ) -> None:  # fmt: skip
        """Keep that a user was answered. now: seconds since 1970, None: the clock's."""
        when = time.time() if now is None else now
        row = {
            "head": user, "tail": by.experiment, "key": uuid.uuid4().hex, "arm": by.arm.name, "titles": list(titles),
            "strategy": strategy, "graph": versions.get("graph"), "run": versions.get("tastes"), "timestamp": int(when),
        }  # fmt: skip
        row["answer"] = row["key"]
        day = dt.datetime.now(dt.UTC).date()
        with self._lock:
            self._begin()
            if self._today[0] != day or len(self._today[1]) > _MOST_USERS:
                self._today = day, Counter()
            if len(self._waiting) >= MOST_WAITING or self._today[1][user] >= MOST_A_DAY:
                self._dropped += 1
                return
            self._today[1][user] += 1
            self._waiting.append(row)

    def flush(self) -> None:
        """Write what waits. Raises StoreError; it is then written the next time."""
        with self._writing:
            while True:
                with self._lock:
                    rows = [self._waiting.popleft() for _ in range(min(_ROWS, len(self._waiting)))]
                if not rows:
                    return
                try:
                    self._write(rows)
                except BaseException:
                    with self._lock:
                        self._waiting.extendleft(reversed(rows))
                    raise

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write those of users and experiments that are there; one that goes meanwhile has the others written again."""
        for _ in range(3):
            kept = list(rows)
            for label, end in (("User", "head"), ("Experiment", "tail")):
                ids = list(dict.fromkeys(row[end] for row in kept))
                there = set(self._store.get_nodes(label, ids, []).column("id").to_pylist()) if ids else set()
                kept = [row for row in kept if row[end] in there]
            try:
                if kept:
                    self._store.upsert_relationships("SHOWN", kept)
            except (InvalidRows, NotInGraph):
                continue
            return
        with self._lock:
            self._dropped += len(rows)


def shown_to(store: GraphStore, user: str) -> list[dict[str, Any]]:
    """All that experiments have shown a user, the oldest first, as plain data."""
    table = store.neighbours([user], ["SHOWN"], "out", properties=_READ)
    rows = sorted(table.to_pylist(), key=lambda row: (row["timestamp"] or 0, row["key"]))
    return [
        {"experiment": row["neighbour"], **{name: row[name] for name in _READ if name != "timestamp"},
         "time": dt.datetime.fromtimestamp(row["timestamp"] or 0, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        for row in rows
    ]  # fmt: skip
