"""How fresh the graph is: what `reelgraph refresh` says of itself, in the store, where every machine can read it.

One live node says which process is at it, at what step, and when the graph was last as the published files are. The
process that has the turn says every half minute that it lives; one that has been silent for five minutes has lost it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from graph.store import GraphStore, StoreBusy, StoreError

LABEL, ID = "Refresh", "imdb"
BEAT_SECONDS, SILENT_SECONDS = 30.0, 300.0
_LONGEST = 1_000  # characters of a problem
State = Literal["running", "broken off", "done", "failed", "refused"]


class RefreshRefused(Exception):
    """A refresh that was not made, so that a person can look first: why, and how to have it all the same."""


@dataclass(frozen=True)
class Refreshed:
    """The last refresh. Times are UTC; fresh: when one last succeeded, None for never.

    files: what the graph was made of, by name. settled: what vectors were brought up to date for.
    """

    said: str
    step: str
    began: dt.datetime
    seen: dt.datetime
    fresh: dt.datetime | None = None
    problem: str | None = None
    holder: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    settled: str = ""

    @property
    def state(self) -> State:
        """How it is now; `broken off` where it said that it runs, and then nothing more."""
        if self.said == "running" and seconds_since(self.seen) > SILENT_SECONDS:
            return "broken off"
        state: State = self.said  # type: ignore[assignment]  # what was written is one of these
        return state

    @property
    def age_seconds(self) -> float | None:
        """Since the last success; None where there was none."""
        return None if self.fresh is None else seconds_since(self.fresh)

    def __str__(self) -> str:
        fresh = "never yet done" if self.fresh is None else f"last done {ago(self.fresh)} ({_text(self.fresh)})"
        match self.state:
            case "done":
                return fresh
            case "running":
                return f"at {self.step} since {_text(self.began)}; {fresh}"
            case "broken off":
                return f"broken off at {self.step}, {ago(self.seen)}; go on with: reelgraph refresh; {fresh}"
            case state:
                return f"{state} at {self.step}, {ago(self.seen)}: {self.problem}; {fresh}"


def refreshed(store: GraphStore) -> Refreshed | None:
    """What the last refresh of a store said; None where there was none."""
    found = store.get_nodes(LABEL, [ID]).to_pylist()
    if not found:
        return None
    row = found[0]
    times = {name: _time(row[name]) for name in ("began", "seen")}
    return Refreshed(
        said=row["state"],
        step=row["step"],
        **times,
        fresh=_time(row["fresh"]) if row["fresh"] else None,
        problem=row["problem"],
        holder=row["holder"],
        files=json.loads(row["files"] or "{}"),
        settled=row["settled"] or "",
    )


class Turn:
    """The right of one process to refresh a store. `before`: the refresh before this one."""

    def __init__(self, store: GraphStore, holder: str, before: Refreshed | None) -> None:
        self.before = before
        self.ending: dict[str, Any] = {"state": "done", "problem": None}
        self._store, self._holder = store, holder
        self._writing = threading.Lock()

    def step(self, name: str) -> None:
        """Say what comes next. Raises StoreBusy where another process has taken the turn meanwhile."""
        self.note(step=name)

    def end(self, state: Literal["failed", "refused"], problem: str) -> None:
        """Say how it will have gone, where all was done that could be, and something is left."""
        self.ending = {"state": state, "problem": problem[:_LONGEST]}

    def note(self, **facts: Any) -> None:
        """Write facts (properties of the label) as of now. Raises StoreBusy as `step` does."""
        with self._writing:
            now = refreshed(self._store)
            if now is not None and now.holder != self._holder:
                raise StoreBusy(f"{now.holder} has taken over the refresh of {self._store.url}; this one has stopped")
            self._store.upsert_nodes(LABEL, [{"id": ID, **facts, "seen": _text(_now())}])

    def take(self) -> None:
        """Become the holder. Raises StoreBusy where another was quicker."""
        began = _text(_now())
        row = {"id": ID, "state": "running", "step": "start", "began": began, "seen": began, "problem": None}
        self._store.upsert_nodes(LABEL, [row | {"holder": self._holder}])
        self.note()

    def beat(self, stopped: threading.Event) -> None:
        """Say now and then that this process lives; what goes wrong shows at the next step."""
        while not stopped.wait(BEAT_SECONDS):
            with contextlib.suppress(StoreError):
                self.note()


@contextlib.contextmanager
def turn(store: GraphStore, folder: Path) -> Iterator[Turn]:
    """Have the turn for the block, and say at its end how it went. folder: held by this process alone (a lock).

    So a refresh of the same folder that is said to run was killed. Raises StoreBusy while one runs elsewhere.
    """
    place = f"{socket.gethostname()}:{folder.resolve()}"
    before = refreshed(store)
    if before is not None and before.state == "running" and not before.holder.startswith(f"{place} "):
        raise StoreBusy(
            f"{before.holder} refreshes {store.url}, at {before.step} since {_text(before.began)}; wait until it is "
            f"done. Should it be dead: its turn ends after {SILENT_SECONDS / 60:.0f} minutes of silence"
        )
    mine = Turn(store, f"{place} process {os.getpid()}.{secrets.token_hex(3)}", before)
    mine.take()
    stopped = threading.Event()
    heart = threading.Thread(target=mine.beat, args=(stopped,), daemon=True)
    heart.start()
    try:
        yield mine
    except BaseException as error:
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
        mine.end("refused" if isinstance(error, RefreshRefused) else "failed", why)
        stopped.set()
        with contextlib.suppress(StoreError):  # what went wrong is told, not that it could not be written down
            mine.note(**mine.ending)
        raise
    finally:
        stopped.set()
        heart.join()
    mine.note(**mine.ending)


def now_text() -> str:
    """The time as it is written down: ISO 8601, UTC."""
    return _text(_now())


def seconds_since(time: dt.datetime) -> float:
    """How long ago, never below 0: clocks of machines differ."""
    return max(0.0, (_now() - time).total_seconds())


def ago(time: dt.datetime) -> str:
    """How long ago, for people."""
    seconds = seconds_since(time)
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} seconds ago"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _text(time: dt.datetime) -> str:
    return time.isoformat(timespec="seconds")


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
