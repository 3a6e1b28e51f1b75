"""The store boundary: what every engine must do, how to open one, and what can go wrong.

Operations cross it, not query strings. Reads and writes come in batches; every write is an upsert. Ids are
strings, an engine's internal id never crosses. Tables are Arrow, their columns those of `graph.schema`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.schema import is_live

if TYPE_CHECKING:
    from graph.events import Event
    from graph.reads import Read
    from graph.tables import GraphTables

Direction = Literal["out", "in"]
Row = Mapping[str, Any]
Progress = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0 to 1."""


class StoreError(Exception):
    """What a store could not do: the thing, the cause and the way out, in one sentence or two."""


class StoreNotFound(StoreError):
    """Nothing is there to open yet."""


class UnknownStore(StoreError):
    """A URL that names no engine."""


class StoreBusy(StoreError):
    """Another process is loading or publishing."""


class StoreTooNew(StoreError):
    """The store was written by a newer version of this software."""


class StoreDamaged(StoreError):
    """Files of the store are missing or not what they were."""


class StoreFull(StoreError):
    """The disk, or a quota on it, is full; the last good version stays."""


class StoreReadOnly(StoreError):
    """The store cannot be written where it is."""


class NotInGraph(StoreError):
    """An id, a catalog or a kind of vector was named that the graph does not have."""


class InvalidRows(StoreError):
    """Rows that do not fit the schema: an unknown name, a wrong type, a missing id."""


class Interrupted(BaseException):
    """Ctrl-C in the middle of what leaves something behind: what that is. Nobody's to catch, as KeyboardInterrupt."""


class InvalidQuery(StoreError):
    """A statement that the engine does not run: it is wrong, it would write, or it takes too long."""


WHOLE_GRAPH = "*"


@dataclass(frozen=True)
class Scope:
    """Which titles may be answered: those that `catalog` offers in `region` on the day `on`.

    catalog: a slug; None means all catalogs together; WHOLE_GRAPH every title, offered or not.
    region: a country code; None means anywhere. on: a day; None means any day. adult: whether adult titles count.
    """

    catalog: str | None = None
    region: str | None = None
    on: dt.date | None = None
    adult: bool = False


@dataclass(frozen=True)
class TextHit:
    """A name that a text search found: of which title or person, and what kind of name it is.

    votes of a person: as many as a title has that is as well known. kind: "person" for one.
    """

    label: str
    id: str
    text: str
    type: str  # primary, original or alternate
    votes: int = 0
    year: int | None = None
    kind: str | None = None
    region: str | None = None
    language: str | None = None


Fact: TypeAlias = float | str | list[float]


VECTOR_NAME = r"[a-z][a-z0-9_]{0,40}"
"""What vectors can be named, the whole of it: a property of titles has that name in a store that others read, too."""


@dataclass(frozen=True)
class Provenance:
    """Where an embedding comes from; a store keeps one for each published name.

    facts: what belongs to these vectors, by name: numbers, words, and rows of numbers, such as the weights of a small
    network (some thousands at most). A store keeps them as they are.
    """

    run: str
    model: str
    dimension: int
    graph_hash: str
    made: str  # ISO 8601, UTC
    facts: Mapping[str, Fact] = field(default_factory=dict, hash=False)

    @property
    def numbers(self) -> dict[str, float]:
        """Those facts that are one number each."""
        return {name: one for name, one in self.facts.items() if isinstance(one, int | float)}

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data to be shown: without rows of numbers, which are long."""
        facts = {name: one for name, one in self.facts.items() if not isinstance(one, list)}
        return vars(self) | {"facts": facts}


@dataclass(frozen=True)
class StoreInfo:
    """What a store holds and of which version it is."""

    url: str
    version: str
    counts: Mapping[str, int]
    made: str | None = None
    size_bytes: int | None = None
    versions: Sequence[str] = ()
    embeddings: Mapping[str, Provenance] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def graph_hash(self) -> str:
        """A short name for what was loaded; publishing and live writes leave it as it is."""
        if known := self.details.get("graph_hash"):
            return str(known)
        counts = {name: count for name, count in sorted(self.counts.items()) if not is_live(name)}
        return hashlib.sha256(json.dumps(counts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Vectors:
    """One named set of vectors for titles: ids (n,), rows (n, d) float32, and where they come from."""

    name: str
    ids: Sequence[str]
    rows: npt.NDArray[np.float32]
    provenance: Provenance


@runtime_checkable
class GraphStore(Protocol):
    """An engine that holds the graph. Every method takes and gives batches; all raise `StoreError` alone."""

    url: str

    def apply_schema(self) -> None:
        """Make what the engine needs beforehand (folders, constraints, indexes); a second call changes nothing."""

    def load_tables(
        self, tables: GraphTables, progress: Progress | None = None, vectors: VectorsOf | None = None
    ) -> str:
        """Put graph tables into the store and return the new version's name.

        vectors: asked for the vectors of the new graph, which become visible with it.

        Bulk labels and types are replaced as a whole, atomically where the engine can; live ones are upserted.
        A catalog that the tables name offers afterwards exactly what they say. Tables without any bulk label or
        type leave those as they are.
        """

    def rollback(self, to: str | None = None) -> str:
        """Go back to the version before this one, or to the one named; live data stays. Returns its name."""

    def upsert_nodes(self, label: str, rows: Sequence[Row]) -> int:
        """Insert or update nodes (`id` and any properties; a property not named stays). Returns how many."""

    def upsert_relationships(self, type_: str, rows: Sequence[Row]) -> int:
        """Insert or update relationships (`head`, `tail`, optional `key`, any properties). Returns how many.

        A row whose head or tail is not in the store is an InvalidRows error, and none of the batch is written.
        """

    def add_titles(self, rows: Sequence[Row]) -> int:
        """Insert own titles (`item:…`) that a catalog may offer from now on. Returns how many.

        Unlike `upsert_nodes` that makes no new version: they are found by name and compared by content once the next
        load has taken them in. A title that is there already stays as it is.
        """

    def merge_feedback(self, events: Sequence[Event]) -> int:
        """Write feedback, each event as it says (`graph.events`), all or nothing. Returns how many changed anything.

        Users that are not there are made. Raises InvalidRows for a title that is not in the store.
        """

    def delete_nodes(self, label: str, ids: Sequence[str]) -> int:
        """Remove live nodes, or own titles, with all their relationships. Returns how many there were.

        An own title that a load has taken into a version of the embedded store goes with the next load that lacks it.
        """

    def delete_relationships(self, type_: str, rows: Sequence[Row]) -> int:
        """Remove live relationships given by `head`, `tail` and `key`. Returns how many there were."""

    def set_embeddings(
        self,
        name: str,
        ids: Sequence[str],
        vectors: npt.NDArray[np.float32],
        provenance: Provenance,
        *,
        amend: bool = False,
    ) -> str:
        """Publish one vector for each title: (n, d) float32. Replaces all vectors of that name, atomically.

        amend: as a part of the version that is current; a rollback then goes to the one before it. Own titles that
        came after the last load may go without. Raises InvalidRows for a title that is not there.
        """

    def get_embeddings(self, name: str, ids: Sequence[str] | None = None) -> tuple[list[str], npt.NDArray[np.float32]]:
        """The ids among those asked for (None: all titles) that have a vector, and the vectors: (n, d) float32."""

    def get_nodes(self, label: str, ids: Sequence[str], properties: Sequence[str] | None = None) -> pa.Table:
        """Nodes by id: `id` and the properties asked for (None: all). One row for each id found, in that order."""

    def neighbours(
        self,
        ids: Sequence[str],
        types: Sequence[str],
        direction: Direction,
        *,
        within: Scope | None = None,
        mark: Scope | None = None,
        most: int | None = None,
        properties: Sequence[str] = (),
    ) -> pa.Table:
        """One step from many nodes: a row for each relationship.

        Columns: `source` int32 (position in `ids`), `type` and `neighbour` (dictionary-encoded strings: each once, none
        that no row has; neighbours ascending), `key` when properties are asked for, and those properties (null where a
        type has none of that name; the `type` of RATED is its key). `within` leaves out titles outside that scope;
        other neighbours stay. `mark` leaves out none, and says of each neighbour in a column `inside` whether `within`
        would have kept it. `most` passes over nodes of `ids` with more relationships of these types than that. Rows
        come in the order of `types`, then of `ids`.
        """

    def degrees(self, ids: Sequence[str], types: Sequence[str], direction: Direction) -> npt.NDArray[np.int64]:
        """How many relationships of these types each node has: (n,) int64."""

    def scan_nodes(self, label: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All nodes of a label, in batches, ordered by id."""

    def scan_relationships(self, type_: str, properties: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All relationships of a type, in batches: head, tail, key, properties."""

    def search_text(self, query: str, limit: int, *, prefix: bool = False, adult: bool = False) -> list[TextHit]:
        """Names of titles and people that may be meant by a text, best first as the engine sees it.

        `graph.match` ranks them. People come last: they never take the place of more than an eighth of `limit` titles.
        """

    def search_vector(
        self, name: str, vector: npt.NDArray[np.float32] | str, k: int, *, within: Scope | None = None
    ) -> list[tuple[str, float]]:
        """The k titles with the largest inner product, in that scope; k whenever k exist. [(id, product)]

        vector: (d,), or the id of the title whose vector is meant; none are found where it has none.
        """

    def offered(self, within: Scope, ids: Sequence[str] | None = None) -> pa.Table:
        """The titles in a scope: columns `id` and `item_id`, one row a title, ordered by id.

        ids: only those of them that are in scope, in that order.
        """

    def gather(self, reads: Sequence[Read]) -> Sequence[Any]:
        """The answers to reads (`graph.reads`), each what the call of its name gives, in one exchange.

        An engine over the network answers all in one round trip; one in this process may answer each when it is
        looked at (`graph.reads.Answers`).
        """

    def held(self) -> AbstractContextManager[None]:
        """A block in which this thread reads the version that is current now, where the store keeps versions.

        Elsewhere reads see what is current at each of them: `graph.consistent` looks whether it has changed. A write in
        the block begins with what is current. Raises StoreBusy at its end where so many loads came meanwhile that the
        version is not kept any more, for what was read may lack parts.
        """

    def state(self) -> str:
        """A short text that differs whenever the graph or an offer has changed; cheap enough for every request."""

    def info(self) -> StoreInfo:
        """Versions, counts and sizes."""

    def ping(self) -> None:
        """Return when the store answers; raise StoreError otherwise."""

    def close(self) -> None:
        """Let go of files and connections."""


@dataclass(frozen=True)
class QueryAnswer:
    """What a statement found: the names of its columns, and rows of plain values (as JSON has them)."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@runtime_checkable
class QueryableStore(Protocol):
    """What an engine with a query language of its own has besides: for exploration, never for search or recommend."""

    query_language: Literal["cypher", "gremlin"]

    def query(self, statement: str, parameters: Mapping[str, Any], *, limit: int, seconds: float) -> QueryAnswer:
        """Run a statement that reads, and answer its first `limit` rows. Raises InvalidQuery.

        The engine itself must refuse to write (a read transaction, a read-only user) and end it after `seconds`.
        """


VectorsOf = Callable[[GraphStore, Progress], Sequence[Vectors]]
"""Makes vectors for the titles of a graph; the store that it is given may be read and not be written."""


def open_store(url: str, *, create: bool = False) -> GraphStore:
    """Open the store that a URL names: `embedded:PATH`, `neo4j://HOST:7687/DATABASE` (also bolt, +s and +ssc),
    `gremlin://HOST:8182` (also +s) or `neptune://WRITER:8182?reader=HOST&region=NAME`.

    create: make it when it is not there. Raises UnknownStore, StoreNotFound, StoreTooNew, StoreDamaged or StoreError.
    """
    scheme, _, rest = url.partition(":")
    if scheme.partition("+")[0] in ("neo4j", "bolt") and rest.startswith("//"):
        try:
            from graph.stores.neo4j import Neo4jStore
        except ModuleNotFoundError as error:
            if error.name != "neo4j":
                raise
            raise StoreError(f"{url} needs Neo4j's driver; install it with: pip install 'reelgraph[neo4j]'") from None
        return Neo4jStore(url, create=create)
    if scheme in ("gremlin", "gremlin+s", "neptune") and rest.startswith("//"):
        try:
            from graph.stores.gremlin import GremlinStore
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("gremlin_python", "websockets"):
                raise
            extra = "neptune" if scheme == "neptune" else "gremlin"
            raise StoreError(
                f"{url} needs Gremlin's driver; install it with: pip install 'reelgraph[{extra}]'"
            ) from None
        return GremlinStore(url, create=create)
    if scheme == "embedded" and rest:
        from graph.stores.embedded import EmbeddedStore

        return EmbeddedStore(Path(rest).expanduser(), create=create)
    raise UnknownStore(
        f"no store speaks {url!r}; use embedded:PATH, for example embedded:./graph-store, neo4j://HOST:7687, "
        "gremlin://HOST:8182 or neptune://HOST:8182"
    )
