"""`reelgraph sync`: what replication has dropped since the last time, into the store.

A small SQLite file beside the user's data remembers which files were read and the version of each thing that was
written, so a row that comes late or again changes nothing. The store is written first and the file afterwards: what was
broken off is done again, to the same end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from graph.events import Event
from graph.gorse import BadValue
from graph.item_titles import Meant
from graph.items import CatalogItems, Item, ServedItems
from graph.store import GraphStore, Progress
from graph.users import User
from loaders.replication import Change, changes, database_time, dropped
from loaders.table_files import imdb_id

_BATCH = 5_000
_MADE = (
    "CREATE TABLE IF NOT EXISTS file (name TEXT PRIMARY KEY, size INTEGER, changed INTEGER)",
    "CREATE TABLE IF NOT EXISTS thing (kind TEXT, key TEXT, version TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS waiting (kind TEXT, key TEXT, row TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID",
)


@dataclass
class SyncReport:
    """What a round did. written and deleted: things; late: rows older than what is there, or there already.

    waiting: feedback on titles that the graph has not yet, looked at again each round. left_out: rows by reason.
    """

    files: int = 0
    rows: int = 0
    written: int = 0
    deleted: int = 0
    late: int = 0
    waiting: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def state_file(folder: Path, url: str) -> Path:
    """Where it is remembered what of a folder a store has."""
    name = hashlib.sha256(f"{folder.resolve()}\n{url}".encode()).hexdigest()[:16]
    return user_data_path("reelgraph") / "sync" / f"{name}.sqlite"


class Sync:
    """A folder that is followed into a store. Not safe for threads."""

    def __init__(self, store: GraphStore, folder: Path, catalog: str | None, state: Path) -> None:
        self._store, self._folder = store, folder
        self._served = ServedItems(store, catalog)
        state.parent.mkdir(parents=True, exist_ok=True)
        self._state = sqlite3.connect(state, isolation_level=None)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *_MADE):
            self._state.execute(statement)

    def close(self) -> None:
        """Let go of the state."""
        self._state.close()

    def round(self, progress: Progress | None = None) -> SyncReport:
        """Read what is new, and write it."""
        report = SyncReport()
        files = [(path, path.stat()) for path in dropped(self._folder)]
        known = {name: (size, changed) for name, size, changed in self._state.execute("SELECT * FROM file")}
        new = [
            (path, path.relative_to(self._folder).as_posix(), status) for path, status in files
            if known.get(path.relative_to(self._folder).as_posix()) != (status.st_size, status.st_mtime_ns)
        ]  # fmt: skip
        for done, (path, name, status) in enumerate(new):
            if progress is not None:
                progress(name, done / len(new))
            for batch in _batches(changes(path, name, report.left_out)):
                report.rows += len(batch)
                self._apply(batch, report)
            self._state.execute(
                "INSERT OR REPLACE INTO file VALUES (?, ?, ?)", (name, status.st_size, status.st_mtime_ns)
            )
            report.files += 1
        self._again(report)
        (report.waiting,) = self._state.execute("SELECT count(*) FROM waiting").fetchone()
        return report

    def _apply(self, batch: Sequence[Change], report: SyncReport) -> None:
        """Write the latest of each thing, where it is later than what is there, then remember it."""
        latest: dict[tuple[str, str], Change] = {}
        for change in batch:
            at = change.kind, json.dumps(change.key)
            if at not in latest or latest[at].version < change.version:
                latest[at] = change
        known = self._versions(latest)
        wanted = {at: one for at, one in latest.items() if at not in known or known[at] < one.version}
        report.late += len(batch) - len(wanted)
        waiting = {id(one) for one in self._write(list(wanted.values()), report)}
        with self._remembering():
            for (kind, key), one in wanted.items():
                if id(one) in waiting:
                    self._state.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?)", (kind, key, _packed(one)))
                else:
                    self._state.execute("DELETE FROM waiting WHERE kind = ? AND key = ?", (kind, key))
                thing = kind, key, json.dumps(one.version)
                self._state.execute("INSERT OR REPLACE INTO thing VALUES (?, ?, ?)", thing)

    def _versions(self, ats: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[Any, ...]]:
        found = {}
        for at in ats:
            row = self._state.execute("SELECT version FROM thing WHERE kind = ? AND key = ?", at).fetchone()
            if row:
                found[at] = tuple(json.loads(row[0]))
        return found

    @contextlib.contextmanager
    def _remembering(self) -> Iterator[None]:
        self._state.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._state.execute("ROLLBACK")
            raise
        self._state.execute("COMMIT")

    def _again(self, report: SyncReport) -> None:
        """Look again for the titles of what waits."""
        rows = self._state.execute("SELECT kind, key, row FROM waiting").fetchall()
        for start in range(0, len(rows), _BATCH):
            part = {(kind, key): _unpacked(row) for kind, key, row in rows[start : start + _BATCH]}
            left = {id(one) for one in self._write(list(part.values()), report)}
            with self._remembering():
                for (kind, key), one in part.items():
                    if id(one) not in left:
                        self._state.execute("DELETE FROM waiting WHERE kind = ? AND key = ?", (kind, key))

    # Into the store

    def _write(self, wanted: Sequence[Change], report: SyncReport) -> list[Change]:
        """Write changes; those that wait for their title come back."""
        users = [one for one in wanted if one.kind == "user"]
        items = [one for one in wanted if one.kind == "item"]
        self._users(users, report)
        self._items(items, report)
        return self._feedback([one for one in wanted if one.kind == "feedback"], report)

    def _users(self, wanted: Sequence[Change], report: SyncReport) -> None:
        gone = [one.key[0] for one in wanted if one.gone]
        rows = [
            User(one.key[0], _json(one.told.get("labels")), one.told.get("comment")).row()
            for one in wanted if not one.gone
        ]  # fmt: skip
        if gone:
            self._store.delete_nodes("User", gone)
        if rows:
            self._store.upsert_nodes("User", rows)
        report.deleted += len(gone)
        report.written += len(rows)

    def _items(self, wanted: Sequence[Change], report: SyncReport) -> None:
        by_catalog: dict[str | None, list[Change]] = {}
        for one in wanted:
            by_catalog.setdefault(one.told.get("catalog"), []).append(one)
        for catalog, some in by_catalog.items():
            items = self._served.of(catalog)
            made = [_item(one) for one in some if not one.gone]
            meant = {one.key[0]: _meant(one.told) for one in some}
            items.put(made, meant)
            for one in some:
                if one.gone:
                    items.delete(one.key[0])
            report.written += len(made)
            report.deleted += len(some) - len(made)

    def _feedback(self, wanted: Sequence[Change], report: SyncReport) -> list[Change]:
        titles = self._titles(wanted)
        events, gone, waiting = list[Event](), list[dict[str, str]](), list[Change]()
        for one in wanted:
            title = titles.get((one.key[1], one.told.get("catalog") or ""))
            if title is None:
                if not one.gone:
                    waiting.append(one)
            elif one.gone:
                gone.append({"head": one.key[0], "tail": title, "key": one.key[2]})
            else:
                try:
                    events.append(_event(one, title))
                except (BadValue, ValueError):
                    report.left_out["the value or time is none"] += 1
        if gone:
            self._store.delete_relationships("RATED", gone)
        if events:
            self._store.merge_feedback(events)
        report.written += len(events)
        report.deleted += len(gone)
        return waiting

    def _titles(self, wanted: Sequence[Change]) -> dict[tuple[str, ...], str]:
        """(what a row names, its catalog) → the title, where the graph has it."""
        asked = {(one.key[1], one.told.get("catalog") or ""): one.told for one in wanted}
        ids: dict[tuple[str, ...], list[str]] = {}
        for at, told in asked.items():
            named = [imdb_id(told["tconst"]) if "tconst" in told else None, told.get("title")]
            if "item_id" in told:
                item = self._of(at[1]).now().by_id.get(told["item_id"])
                named += [item.title if item else None, told["item_id"] if told["item_id"].startswith("tt") else None]
            ids[at] = [one for one in named if one]
        every = list(dict.fromkeys(one for some in ids.values() for one in some))
        there = set(self._store.get_nodes("Title", every, []).column("id").to_pylist()) if every else set()
        found = {at: next((one for one in some if one in there), None) for at, some in ids.items()}
        return {at: title for at, title in found.items() if title is not None}

    def _of(self, catalog: str) -> CatalogItems:
        return self._served.of(catalog or None)


def _batches(rows: Iterable[Change]) -> Iterator[list[Change]]:
    batch: list[Change] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _event(one: Change, title: str) -> Event:
    value = one.told.get("value")
    seconds, nanos = database_time(one.told.get("time")) or (None, None)
    return Event(
        one.key[0], title, one.key[2], None if value is None else float(value), seconds, nanos,
        one.told.get("comment"), None, "replace",
    )  # fmt: skip


def _item(one: Change) -> Item:
    told = one.told
    categories, labels = told.get("categories"), _json(told.get("labels"))
    try:
        when = database_time(told.get("time")) or (None, None)
    except BadValue:
        when = None, None
    return Item(
        one.key[0], "", told.get("hidden", "").lower() in ("1", "t", "true", "yes"),
        None if categories is None else tuple(_listed(categories)),
        None if labels is None else json.dumps(labels, ensure_ascii=False), told.get("comment"), *when,
    )  # fmt: skip


def _meant(told: Mapping[str, str]) -> Meant:
    by_labels = Meant.of_labels(_json(told.get("labels")))
    return Meant(imdb_id(told["tconst"]), by_labels.name, by_labels.year) if "tconst" in told else by_labels


def _listed(text: str) -> list[str]:
    told = _json(text)
    return (
        [str(one) for one in told]
        if isinstance(told, list)
        else [one.strip() for one in text.split("|") if one.strip()]
    )


def _json(text: str | None) -> Any:
    """JSON where it is some; else a list of the words between `|`, as tables have them."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return _words(text)


def _words(text: str) -> list[str]:
    return [one.strip() for one in text.split("|") if one.strip()]


def _packed(one: Change) -> str:
    return json.dumps([one.kind, one.key, one.version, one.told])


def _unpacked(row: str) -> Change:
    kind, key, version, told = json.loads(row)
    return Change(kind, tuple(key), tuple(version), False, told)
