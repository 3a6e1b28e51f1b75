"""Keep a graph as the published files are: fetch what has changed, load it, and have its vectors brought up to date.

One job that may be killed anywhere: each step either leaves things as they were or is noted as done
(`graph.refreshed`), so the next run goes on from there. A lock on the folder keeps a second run out.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from graph.refreshed import Refreshed, now_text, refreshed, turn
from graph.store import GraphStore, Progress, StoreBusy
from loaders.download import Downloaded, download
from loaders.download import Progress as Fetched
from loaders.load import ASIDE, Loaded, load
from loaders.lost import check_lost
from loaders.wanted import Wanted, changed_since, is_whole

_LOCK = "refresh.lock"


class Renewed(Protocol):
    """What was done about one set of vectors: a line to print (`str`), and the same as plain data."""

    @property
    def problem(self) -> str | None:
        """Why it is not as it should be."""

    @property
    def refused(self) -> bool:
        """Whether it could have been done, and was better left: trying again would find the same."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""


class Vectors(Protocol):
    """What keeps published vectors up to date (`gnn.refresh`)."""

    def settled(self) -> str:
        """What is asked for, in short: a change of it is something new."""

    def due(self, store: GraphStore) -> bool:
        """Whether there is something to do although the graph has not changed; quick."""

    def renew(self, store: GraphStore, step: Callable[[str], None], progress: Progress) -> Sequence[Renewed]:
        """Fold in or train, and publish. step: told what comes next. Done again after it was killed, it goes on."""


@dataclass(frozen=True)
class Outcome:
    """What a refresh did. loaded: None where nothing had changed. after: what it says of itself from now on."""

    fetched: Sequence[Downloaded]
    loaded: Loaded | None
    vectors: Sequence[Renewed]
    version: str
    after: Refreshed

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            "state": self.after.state,
            "fresh": self.after.fresh,
            "version": self.version,
            "fetched": [one.file for one in self.fetched if not one.kept],
            "loaded": self.loaded.as_dict() if self.loaded else None,
            "vectors": [one.as_dict() for one in self.vectors],
        }


def refresh(
    store: GraphStore,
    wanted: Wanted,
    vectors: Vectors,
    *,
    lose_at_most: float = 0.02,
    force: bool = False,
    load_tables: Callable[..., str] | None = None,
    fetched: Fetched | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Bring a store up to date, or find that it is so.

    lose_at_most: share of titles (and of rows of other tables) that new files may lack. force: load although nothing
    has changed, and whatever is lost. load_tables: in place of the store's own. Catalogs and feedback
    that are not named in `wanted` stay as they are.
    Raises RefreshRefused (too much is gone), DownloadError, LoadError, CatalogError, StoreBusy (another refresh, load
    or publish) and what `vectors` raises; the store then answers as before, and has it noted.
    """
    say: Progress = progress or (lambda _what, _share: None)
    wanted.check()
    with _held(wanted.folder), turn(store, wanted.folder) as mine:
        before = dict(mine.before.files) if mine.before else {}
        mine.step("download")
        files = download(wanted.folder, base_url=wanted.url, progress=fetched) if wanted.url else []
        marks, loaded = wanted.marks(), None
        changed = changed_since(before, marks | wanted.decisions())
        if force or changed or not before:
            mine.step("load")
            check = None if force else lambda tables: check_lost(store, tables, lose_at_most)
            loaded = _load(store, wanted, None if force or not before else changed, check, say, load_tables)
            kept = {name: mark for name, mark in before.items() if not is_whole(name)}
            mine.note(files=json.dumps(kept | marks | wanted.decisions()), settled="")
        done: Sequence[Renewed] = ()
        asked = vectors.settled()
        if loaded or not mine.before or mine.before.settled != asked or vectors.due(store):
            mine.note(settled="")
            mine.step("vectors")
            done = vectors.renew(store, mine.step, say)
        undone = [one for one in done if one.problem is not None and not one.refused]
        if left := [*undone, *(one for one in done if one.refused)]:
            mine.end("failed" if undone else "refused", "; ".join(str(one.problem) for one in left))
        if not undone:
            mine.note(settled=asked, fresh=now_text())
    after = refreshed(store)
    assert after is not None  # noqa: S101 (it was written just now)
    return Outcome(files, loaded, done, store.info().version, after)


def _load(
    store: GraphStore,
    wanted: Wanted,
    changed: set[str] | None,
    check: Callable[[Path], None] | None,
    say: Progress,
    load_tables: Callable[..., str] | None,
) -> Loaded:
    """Load what has changed (None: all); with IMDb's files all of it, for items are then matched to other titles."""
    whole = changed is None or any(map(is_whole, changed))
    some = changed or set()
    return load(
        store,
        imdb=wanted.folder if whole else None,
        catalogs=[one for one in wanted.catalogs if whole or {f"catalog {one.slug}", f"review {one.slug}"} & some],
        feedback=[path for path in wanted.feedback if whole or f"feedback {path}" in some],
        texts=wanted.texts if whole or f"texts {wanted.texts}" in some else None,
        choices=wanted.choices,
        # Beside the files the next run clears away what a killed one left; a set TMPDIR is somebody's own choice.
        scratch=None if os.environ.get("TMPDIR") else wanted.folder,
        check=check,
        progress=say,
        load_tables=load_tables if whole else None,  # the rest is sooner there by requests
    )


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Have the folder alone, and clear away what a killed run left there. Raises StoreBusy."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise StoreBusy(
                f"another refresh ({file.read().strip() or 'unknown'}) is at work in {folder}; wait until it is done"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        for left in folder.glob(f"{ASIDE}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
        file.truncate(0)
