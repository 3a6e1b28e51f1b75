"""The live part of the embedded store: what changes while the service runs, in SQLite.

One table for each live label and type, its columns those of the schema; WAL, so that readers never wait, and
`synchronous=FULL`, so that a write that was acknowledged survives a crash. Writers of several processes queue.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from graph.schema import NODES, RELATIONSHIPS, Property, arrow_schema
from graph.store import Direction, Row
from graph.stores.versions import explained

_SQL_TYPES = {"integer": "INTEGER", "float": "REAL", "boolean": "INTEGER"}
_CONVERTED = ("strings", "date")
_WAIT_SECONDS = 60
_NOTED = 1_000  # changes to offers, and titles of one, that are noted: who reads more seldom reads all offers anew
_CHANGES = (
    "CREATE TABLE IF NOT EXISTS offer_changes (generation INTEGER, title TEXT, PRIMARY KEY (generation, title)) "
    "WITHOUT ROWID"
)
LIVE_NODES = {label: node for label, node in NODES.items() if node.live}
LIVE_RELATIONSHIPS = {type_: kind for type_, kind in RELATIONSHIPS.items() if kind.live}
OWN_TITLES = "Title"
"""The table of own titles that came after the last load; the next one takes them into its version."""
_NODES = LIVE_NODES | {OWN_TITLES: NODES[OWN_TITLES]}
_TABLES = _NODES | LIVE_RELATIONSHIPS


class Live:
    """The live tables in one SQLite file; each thread has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._lock = threading.Lock()

    def create(self) -> None:
        """Make the tables and columns that the schema names and the file lacks."""
        with self.transaction() as connection:
            _make(connection)

    def connection(self, *, writing: bool = False) -> sqlite3.Connection:
        """This thread's connection; read-only where the folder cannot be written, or its disk is full."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        outdated: Callable[[], bool] | None = getattr(self._local, "outdated", None)
        if connection is None or (outdated is not None and (writing or outdated())):
            with explained(self.path.parent):
                connection, self._local.outdated = self._connect(writing)
            self._local.connection = connection
            with self._lock:
                here, others = threading.current_thread(), self._connections
                self._connections = [(here, connection)]
                for thread, other in others:
                    if thread.is_alive() and thread is not here:
                        self._connections.append((thread, other))
                    else:
                        other.close()
        return connection

    def _connect(self, writing: bool) -> tuple[sqlite3.Connection, Callable[[], bool] | None]:
        """A connection, and what tells when it no longer holds, where it does not hold for good."""
        if not self.path.exists() or _writable(self.path):
            try:
                connection = _open(self.path, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")
            except sqlite3.OperationalError:
                if writing or not self.path.exists():
                    raise
            else:
                return connection, _complete(connection, writing)
        uri, stamp = f"{self.path.absolute().as_uri()}?mode=ro", self._stamp()
        try:
            connection = _open(uri, "SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            # Nobody has it open: then there is no shared memory of WAL, and no place to make it.
            connection = _open(f"{uri}&immutable=1")
            _complete(connection, writing)
            return connection, lambda: self._stamp() != stamp
        return connection, _complete(connection, writing)

    def _stamp(self) -> object:
        """What differs once somebody has opened the file for writing, or has changed it."""
        status = self.path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size, Path(f"{self.path}-wal").exists()

    def _read(self, sql: str, *values: Any) -> list[Any]:
        """All rows of a query."""
        with explained(self.path.parent):
            return self.connection().execute(sql, values).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: committed at the end of the block, undone when it raises."""
        with explained(self.path.parent):
            connection = self.connection(writing=True)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for _, connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    def generation(self) -> int:
        """A number that grows with every change to what catalogs offer."""
        found = self._read("SELECT value FROM generation WHERE name = 'OFFERS'")
        return int(found[0][0]) if found else 0

    def upsert(self, connection: sqlite3.Connection, name: str, rows: Sequence[Row]) -> None:
        """Insert or update rows that `check_rows` let through; a property that a row does not name stays."""
        keys = _keys(name)
        types = {p.name: p for p in _TABLES[name].properties}
        for columns, group in groupby(rows, key=tuple):
            names = [*keys, *(column for column in columns if column not in keys)]
            values = (
                [row.get("key", "") if c == "key" else _to_sql(row[c], types.get(c)) for c in names] for row in group
            )
            connection.executemany(_upsert_sql(name, names), values)
        self._touch(connection, name, [row["tail"] for row in rows] if name == "OFFERS" else None)

    def insert(self, name: str, rows: Sequence[Row]) -> int:
        """Insert nodes that are not there, and leave those that are; how many were new."""
        types = {p.name: p for p in _TABLES[name].properties}
        with self.transaction() as connection:
            before = connection.total_changes
            for row in rows:
                sql = f'INSERT OR IGNORE INTO "{name}" ({", ".join(_quoted(list(row)))}) VALUES ({_marks(len(row))})'
                connection.execute(sql, [_to_sql(value, types.get(column)) for column, value in row.items()])
            return connection.total_changes - before

    def upsert_batch(self, connection: sqlite3.Connection, name: str, batch: pa.RecordBatch) -> None:
        """The same for rows of a graph table, column by column: many rows cost a fraction of what they cost by row."""
        types = {p.name: p for p in _TABLES[name].properties}
        columns = []
        for column, values in zip(batch.schema.names, batch.columns, strict=True):
            plain = column not in types or types[column].type not in _CONVERTED
            listed = values.to_pylist()
            columns.append(listed if plain else [_to_sql(value, types[column]) for value in listed])
        connection.executemany(_upsert_sql(name, batch.schema.names), zip(*columns, strict=True))
        self._touch(connection, name)

    @contextlib.contextmanager
    def filling(self, connection: sqlite3.Connection, name: str, rows: int) -> Iterator[None]:
        """Around so many new rows: where they outnumber those there, the index of tails is made once, at the end."""
        anew = name in LIVE_RELATIONSHIPS and rows > self.count(name)
        if anew:
            connection.execute(f'DROP INDEX IF EXISTS "{name}_tail"')
        yield
        if anew:
            connection.execute(_index_sql(name))

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Remove nodes and every live relationship that touches them."""
        listed = json.dumps(list(ids))
        with self.transaction() as connection:
            for type_, kind in LIVE_RELATIONSHIPS.items():
                for end, end_label in (("head", kind.head), ("tail", kind.tail)):
                    if end_label == label:
                        sql = f'DELETE FROM "{type_}" WHERE {end} IN (SELECT value FROM json_each(?))'
                        connection.execute(sql, (listed,))
                        self._touch(connection, type_, ids if end == "tail" else None)
            sql = f'DELETE FROM "{label}" WHERE id IN (SELECT value FROM json_each(?))'
            count = connection.execute(sql, (listed,)).rowcount
            self._touch(connection, label)
        return count

    def delete_relationships(self, type_: str, rows: Sequence[Row]) -> int:
        """Remove relationships by head, tail and key."""
        with self.transaction() as connection:
            sql = f'DELETE FROM "{type_}" WHERE head = ? AND tail = ? AND key = ?'
            keys = [(row["head"], row["tail"], row.get("key", "")) for row in rows]
            count = connection.executemany(sql, keys).rowcount
            self._touch(connection, type_, [row["tail"] for row in rows])
        return count

    def _touch(self, connection: sqlite3.Connection, name: str, titles: Sequence[str] | None = None) -> None:
        """Count a change to offers, and note of which titles; None: of any."""
        if name not in ("OFFERS", "Catalog") or (titles is not None and not titles):
            return
        connection.execute(_CHANGES)
        ((now,),) = connection.execute(
            "INSERT INTO generation VALUES ('OFFERS', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 "
            "RETURNING value"
        ).fetchall()
        if titles is None or len(titles) > _NOTED:
            connection.execute("DELETE FROM offer_changes")
        else:
            connection.executemany("INSERT OR IGNORE INTO offer_changes VALUES (?, ?)", [(now, one) for one in titles])
            connection.execute("DELETE FROM offer_changes WHERE generation <= ?", (now - _NOTED,))

    def changed_offers(self, since: int, until: int) -> list[str] | None:
        """The titles whose offers were changed after one generation up to another; None where that was not noted."""
        if until - since > _NOTED or not self._read("SELECT 1 FROM sqlite_master WHERE name = 'offer_changes'"):
            return None
        sql = "SELECT generation, title FROM offer_changes WHERE generation > ? AND generation <= ?"
        rows = self._read(sql, since, until)
        return sorted({title for _, title in rows}) if len({row[0] for row in rows}) == until - since else None

    def count(self, name: str) -> int:
        """Rows of a live label or type."""
        return int(self._read(f'SELECT count(*) FROM "{name}"')[0][0])

    def existing(self, label: str, ids: Sequence[str]) -> set[str]:
        """Which of these ids are nodes of a live label."""
        sql = f'SELECT id FROM "{label}" WHERE id IN (SELECT value FROM json_each(?))'
        return {row[0] for row in self._read(sql, json.dumps(list(ids)))}

    def nodes(self, label: str, ids: Sequence[str], properties: Sequence[str] | None) -> pa.Table:
        """Nodes by id, in the order asked for."""
        names = ["id", *([p.name for p in _NODES[label].properties] if properties is None else properties)]
        sql = f'SELECT {", ".join(_quoted(names))} FROM "{label}" WHERE id IN (SELECT value FROM json_each(?))'
        found = {row[0]: row for row in self._read(sql, json.dumps(list(ids)))}
        return _table(label, names, [found[id_] for id_ in ids if id_ in found])

    def neighbours(self, type_: str, ids: Sequence[str], direction: Direction, properties: Sequence[str]) -> pa.Table:
        """Columns source (position in ids), neighbour, key and those properties that the type has."""
        near, far = ("head", "tail") if direction == "out" else ("tail", "head")
        known = [p.name for p in LIVE_RELATIONSHIPS[type_].properties if p.name in properties]
        names = [far, "key", *known]
        sql = (
            f"SELECT j.key, {', '.join(f'r.{c}' for c in _quoted(names))} FROM json_each(?) AS j "
            f'JOIN "{type_}" AS r ON r.{near} = j.value ORDER BY j.key, r.{far}, r."key"'
        )
        rows = self._read(sql, json.dumps(list(ids)))
        table = _table(type_, names, [row[1:] for row in rows]).rename_columns(["neighbour", "key", *known])
        return table.add_column(0, "source", pa.array([row[0] for row in rows], pa.int32()))

    def degrees(self, type_: str, ids: Sequence[str], direction: Direction) -> dict[int, int]:
        """Position in ids → number of relationships, where there are any."""
        near = "head" if direction == "out" else "tail"
        sql = f'SELECT j.key, count(*) FROM json_each(?) AS j JOIN "{type_}" AS r ON r.{near} = j.value GROUP BY 1'
        return dict(self._read(sql, json.dumps(list(ids))))

    def scan(self, name: str, properties: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """All rows in batches, ordered by id, or by head, tail and key."""
        keys = _keys(name)
        every = [p.name for p in _TABLES[name].properties]
        names = [*keys, *(every if properties is None else properties)]
        with explained(self.path.parent):
            cursor = self.connection().cursor()
            cursor.execute(f'SELECT {", ".join(_quoted(names))} FROM "{name}" ORDER BY {", ".join(keys)}')
            while rows := cursor.fetchmany(65_536):
                yield from _table(name, names, rows).to_batches()

    def offers(self, titles: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
        """Every offer as (title, catalog, item_id, regions as JSON or null, first day, last day, hidden), by title.

        titles: only theirs.
        """
        columns = "tail, head, item_id, regions, available_from, available_until, hidden"
        some = "" if titles is None else "WHERE tail IN (SELECT value FROM json_each(?))"
        sql = f"SELECT {columns} FROM OFFERS {some} ORDER BY tail, head, key"
        return self._read(sql, *(() if titles is None else (json.dumps(list(titles)),)))

    def forget_offers(self, connection: sqlite3.Connection, slugs: Sequence[str]) -> None:
        """Forget what these catalogs offer, before new offers of theirs are written."""
        connection.executemany("DELETE FROM OFFERS WHERE head = ?", [(slug,) for slug in slugs])
        self._touch(connection, "OFFERS")


def _open(file: Path | str, *statements: str) -> sqlite3.Connection:
    connection: sqlite3.Connection = sqlite3.connect(
        file, uri=isinstance(file, str), timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        for statement in statements:
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _complete(connection: sqlite3.Connection, writing: bool) -> Callable[[], bool] | None:
    """Give a file that an older version made what it lacks, tables and columns: in the file itself where it is to be
    written.

    A reader gets empty ones of its own, and what tells when the file has changed in this.
    """
    try:
        version = _schema_version(connection)
        lacking = _lacking(connection)
        if not lacking:
            return None
        if writing:
            connection.execute("BEGIN IMMEDIATE")
            _make(connection)
            connection.execute("COMMIT")
            return None
        for name, columns in lacking.items():
            added = ", ".join(f'NULL AS "{column}"' for column in columns)
            if len(columns) < len(_columns(name)):
                connection.execute(f'CREATE TEMP VIEW "{name}" AS SELECT *, {added} FROM main."{name}"')
            else:
                connection.execute(f'CREATE TEMP TABLE "{name}" ({", ".join(_quoted(columns))})')
    except BaseException:
        connection.close()
        raise
    return lambda: _schema_version(connection) != version


def _lacking(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """The columns that each table of a file lacks, where it lacks any; none for a file that has no tables yet."""
    there: dict[str, set[str]] = {}
    sql = "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'"
    for name, column in connection.execute(sql):
        there.setdefault(name, set()).add(column)
    found = {name: [one for one in _columns(name) if one not in there.get(name, ())] for name in _TABLES}
    return {name: columns for name, columns in found.items() if columns} if there else {}


def _columns(name: str) -> list[str]:
    return [*_keys(name), *(p.name for p in _TABLES[name].properties)]


def _schema_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA main.schema_version").fetchone()[0])


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS generation (name TEXT PRIMARY KEY, value INTEGER)")
    for name, kind in _TABLES.items():
        keys = _keys(name)
        columns = ", ".join(f'"{key}" TEXT NOT NULL' for key in keys)
        connection.execute(
            f'CREATE TABLE IF NOT EXISTS "{name}" ({columns}, PRIMARY KEY ({", ".join(keys)})) WITHOUT ROWID'
        )
        there = {row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')}
        for p in kind.properties:
            if p.name not in there:
                sql = f'ALTER TABLE "{name}" ADD COLUMN "{p.name}" {_SQL_TYPES.get(p.type, "TEXT")}'
                connection.execute(sql)
        if name in LIVE_RELATIONSHIPS:
            connection.execute(_index_sql(name))


def _keys(name: str) -> list[str]:
    return ["id"] if name in _NODES else ["head", "tail", "key"]


def _index_sql(type_: str) -> str:
    return f'CREATE INDEX IF NOT EXISTS "{type_}_tail" ON "{type_}" (tail)'


def _upsert_sql(name: str, columns: Sequence[str]) -> str:
    keys = _keys(name)
    updates = ", ".join(f'"{c}" = excluded."{c}"' for c in columns if c not in keys)
    return (
        f'INSERT INTO "{name}" ({", ".join(_quoted(columns))}) VALUES ({_marks(len(columns))}) '
        f"ON CONFLICT ({', '.join(keys)}) DO {f'UPDATE SET {updates}' if updates else 'NOTHING'}"
    )


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _to_sql(value: Any, kind: Property | None) -> Any:
    if value is None or kind is None:
        return value
    if kind.type == "strings":
        return json.dumps(list(value), ensure_ascii=False)
    return value.isoformat() if kind.type == "date" else value


def _table(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """SQLite rows → Arrow, in the schema's types."""
    wanted = arrow_schema(name)
    arrays = []
    for i, column in enumerate(columns):
        type_ = wanted.field(column).type
        values = [row[i] for row in rows]
        if pa.types.is_list(type_):
            values = [None if value is None else json.loads(value) for value in values]
        elif pa.types.is_date(type_):
            values = [None if value is None else dt.date.fromisoformat(value) for value in values]
        elif pa.types.is_boolean(type_):
            values = [None if value is None else bool(value) for value in values]
        arrays.append(pa.array(values, type_))
    return pa.table(arrays, schema=pa.schema([wanted.field(column) for column in columns]))


def _quoted(names: Sequence[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def _writable(path: Path) -> bool:
    return (
        os.access(path, os.W_OK)
        and os.access(path.parent, os.W_OK)
        and not (os.statvfs(path.parent).f_flag & os.ST_RDONLY)
    )
