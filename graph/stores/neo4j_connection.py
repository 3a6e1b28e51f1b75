"""The connection to a Neo4j server: sessions, retries, and what its errors mean.

The driver routes reads and writes, retries what is transient, and carries bookmarks, so that who has written reads
what was written, whichever member of a cluster answers.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import neo4j
from neo4j import exceptions

from graph.settings import GraphSettings
from graph.store import InvalidQuery, StoreBusy, StoreError, StoreFull, StoreReadOnly, UnknownStore

T = TypeVar("T")
SECONDS = 60.0
"""How long a statement of the store's own may take; those of a load may take LOAD_SECONDS."""
LOAD_SECONDS = 600.0
_CONNECT_SECONDS, _RETRY_SECONDS = 10.0, 20.0
_SCHEMES = [f"{protocol}{tls}" for protocol in ("neo4j", "bolt") for tls in ("", "+s", "+ssc")]
_FORBIDDEN = ("Neo.ClientError.Security.Forbidden", "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase")
_TOO_LONG = (
    "Neo.ClientError.Transaction.TransactionTimedOut",
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
    "Neo.ClientError.Transaction.Terminated",
)
# What the driver would say of a retry is said by the error, should there be one in the end.
logging.getLogger("neo4j").addHandler(logging.NullHandler())


class Connection:
    """A driver for one database of one server. Safe for threads.

    writer: the name under which it has the right to load or publish; writes: held by the thread that does.
    """

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        if place.scheme not in _SCHEMES:
            raise UnknownStore(f"no store speaks {place.scheme}://; use one of {', '.join(_SCHEMES)}")
        if place.username or place.password:
            raise StoreError(
                f"{place.scheme}://{place.hostname}: a user or password does not belong into the URL, where logs show "
                "it; set REELGRAPH_NEO4J_USER and REELGRAPH_NEO4J_PASSWORD"
            )
        try:
            address, port = place.hostname or "", place.port
        except ValueError:
            raise StoreError(f"{url} has no port that is a number; use for example neo4j://localhost:7687") from None
        if not address:
            raise StoreError(f"{url} names no server; use for example neo4j://localhost:7687")
        settings = GraphSettings()
        self.writer, self.writes = uuid.uuid4().hex, threading.Lock()
        self.url, self._encrypted = url, "+s" in place.scheme
        self._user, self._database = settings.neo4j_user, place.path.strip("/") or None
        secret = settings.neo4j_password.get_secret_value() if settings.neo4j_password else ""
        host = f"[{address}]" if ":" in address else address
        self._driver = neo4j.GraphDatabase.driver(
            f"{place.scheme}://{host}:{port or 7687}",
            auth=(self._user, secret) if secret else None,
            connection_timeout=_CONNECT_SECONDS,
            connection_acquisition_timeout=_CONNECT_SECONDS + _RETRY_SECONDS,
            max_transaction_retry_time=_RETRY_SECONDS,
            notifications_min_severity="OFF",
            user_agent="reelgraph",
        )

        try:
            with self.explained(), self._session("READ") as session:  # not managed: an error shows at once
                session.run("RETURN 1").consume()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._driver.close()

    def read(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[list[Any]]:
        """All rows of a statement that reads."""
        return self._run("READ", statement, parameters or {}, SECONDS)

    def write(
        self, statement: str, parameters: Mapping[str, Any] | None = None, seconds: float = SECONDS
    ) -> list[list[Any]]:
        """Run one statement in a transaction of its own; its rows."""
        return self._run("WRITE", statement, parameters or {}, seconds)

    def _run(self, mode: str, statement: str, parameters: Mapping[str, Any], seconds: float) -> list[list[Any]]:
        def work(transaction: neo4j.ManagedTransaction) -> list[list[Any]]:
            return transaction.run(statement, dict(parameters)).values()

        return self._within(mode, work, seconds)

    def transaction(self, work: Callable[[neo4j.ManagedTransaction], T], seconds: float = SECONDS) -> T:
        """Several statements that count as one: what `work` returns. It may run again when it meets another's write."""
        return self._within("WRITE", work, seconds)

    def _within(self, mode: str, work: Callable[[neo4j.ManagedTransaction], T], seconds: float) -> T:
        with self.explained(), self._session(mode) as session:
            made = neo4j.unit_of_work(timeout=seconds)(work)
            return session.execute_read(made) if mode == "READ" else session.execute_write(made)

    def alone(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[list[Any]]:
        """Run a statement that makes its own transactions, or changes the schema, which must stand alone."""
        with self.explained(), self._session("WRITE") as session:
            return session.run(neo4j.Query(statement, timeout=LOAD_SECONDS), dict(parameters or {})).values()

    def stream(self, statement: str, parameters: Mapping[str, Any], batch: int) -> Iterator[list[list[Any]]]:
        """The rows of a statement that reads, some at a time; memory does not depend on how many there are."""
        with self.explained(), self._session("READ", fetch_size=batch) as session:
            result = session.run(neo4j.Query(statement, timeout=LOAD_SECONDS), dict(parameters))
            rows: list[list[Any]] = []
            for record in result:
                rows.append(record.values())
                if len(rows) == batch:
                    yield rows
                    rows = []
            if rows:
                yield rows

    def query(
        self, statement: str, parameters: Mapping[str, Any], limit: int, seconds: float
    ) -> tuple[Sequence[str], list[list[Any]]]:
        """The columns and the first rows of somebody else's statement, in a transaction that the server lets only read.

        Raises InvalidQuery.
        """
        try:
            with self._session("READ", fetch_size=limit + 1) as session:
                with session.begin_transaction(timeout=seconds) as transaction:
                    result = transaction.run(statement, dict(parameters))
                    rows = [record.values() for record, _ in zip(result, range(limit), strict=False)]
                    columns = result.keys()
                return columns, rows
        except exceptions.Neo4jError as error:
            if (error.code or "") in _TOO_LONG:
                raise InvalidQuery(f"the statement took longer than {seconds:g} seconds and was ended") from None
            if (error.code or "").startswith("Neo.ClientError.") and "Security" not in (error.code or ""):
                raise InvalidQuery(str(error.message)) from None
            raise self._meaning(error) from None
        except (exceptions.DriverError, TypeError, ValueError, OSError) as error:
            raise self._meaning(error) from None

    def _session(self, mode: str, **options: Any) -> neo4j.Session:
        return self._driver.session(
            database=self._database,
            default_access_mode=mode,
            bookmark_manager=self._driver.execute_query_bookmark_manager,
            **options,
        )

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """The driver's errors, as the errors of a store."""
        try:
            yield
        except (exceptions.DriverError, exceptions.Neo4jError, OSError) as error:
            raise self._meaning(error) from None

    def _meaning(self, error: Exception) -> StoreError:
        code = getattr(error, "code", None) or ""
        told = str(getattr(error, "message", None) or error)
        if isinstance(error, exceptions.AuthError) or code.startswith("Neo.ClientError.Security.Unauth"):
            return StoreError(
                f"Neo4j at {self.url} does not let in the user {self._user!r}; set REELGRAPH_NEO4J_USER and "
                "REELGRAPH_NEO4J_PASSWORD"
            )
        if code == "Neo.ClientError.Security.CredentialsExpired":
            return StoreError(
                f"the user {self._user!r} of Neo4j at {self.url} must change the password first, in Neo4j Browser or "
                "by ALTER CURRENT USER SET PASSWORD"
            )
        if code in _FORBIDDEN or "read-only" in told.lower() or code == "Neo.ClientError.Cluster.NotALeader":
            return StoreReadOnly(f"Neo4j at {self.url} may only be read by {self._user!r} ({told})")
        if code == "Neo.ClientError.Database.DatabaseNotFound":
            return StoreError(f"{self.url}: there is no such database ({told}); Community has just one, neo4j")
        if code in _TOO_LONG:
            return StoreBusy(f"Neo4j at {self.url} took too long ({told}); try again, or give it more memory")
        if "OutOfDiskSpace" in code:
            return StoreFull(f"the disk of Neo4j at {self.url} is full")
        if code.startswith("Neo.TransientError"):
            return StoreBusy(f"Neo4j at {self.url} is busy ({told}); try again")
        if isinstance(error, exceptions.DriverError | OSError):
            tls = ", and does it speak TLS" if self._encrypted else ""
            return StoreError(
                f"Neo4j at {self.url} does not answer ({told}); is it running and reached from here{tls}?"
            )
        return StoreError(f"Neo4j at {self.url}: {told}")
