"""Reads as data: what is asked of a store in one exchange, and how an answer is worked out that takes several.

A read is one of the reading calls of `GraphStore`, written down; `GraphStore.gather` answers many at once. Its ids may
be those that another read finds, so that two steps that follow each other need one exchange. An *asking* is a
generator that yields the reads that it can know by now, is sent their answers, and returns what it was asked for: `ask`
has a store answer it, and `together` lets several take their steps side by side, in the same exchanges.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.store import Direction, Scope

if TYPE_CHECKING:
    from graph.store import GraphStore

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class State:
    """`GraphStore.state`."""

    def of(self, store: GraphStore, _ids: Sequence[str]) -> Any:
        """Its answer, by the store's own call; ids: those that it names, or that the read it names has found."""
        return store.state()


@dataclass(frozen=True, eq=False)
class Text:
    """`GraphStore.search_text`."""

    query: str
    limit: int
    prefix: bool = False
    adult: bool = False

    def of(self, store: GraphStore, _ids: Sequence[str]) -> Any:
        """The names found, a list of `TextHit`."""
        return store.search_text(self.query, self.limit, prefix=self.prefix, adult=self.adult)


@dataclass(frozen=True, eq=False)
class Nearest:
    """`GraphStore.search_vector`; vector: (d,) float32, or the id of the title whose vector is meant."""

    name: str
    vector: npt.NDArray[np.float32] | str
    k: int
    within: Scope | None = None

    def of(self, store: GraphStore, _ids: Sequence[str]) -> Any:
        """The titles found, a list of (id, product)."""
        return store.search_vector(self.name, self.vector, self.k, within=self.within)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """`GraphStore.neighbours`."""

    ids: Ids
    types: Sequence[str]
    direction: Direction
    within: Scope | None = None
    mark: Scope | None = None
    most: int | None = None
    properties: Sequence[str] = ()

    def of(self, store: GraphStore, ids: Sequence[str]) -> Any:
        """An Arrow table."""
        return store.neighbours(
            ids, self.types, self.direction,
            within=self.within, mark=self.mark, most=self.most, properties=self.properties,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Nodes:
    """`GraphStore.get_nodes`."""

    label: str
    ids: Ids
    properties: Sequence[str] | None = None

    def of(self, store: GraphStore, ids: Sequence[str]) -> Any:
        """An Arrow table."""
        return store.get_nodes(self.label, ids, self.properties)


@dataclass(frozen=True, eq=False)
class Degrees:
    """`GraphStore.degrees`."""

    ids: Ids
    types: Sequence[str]
    direction: Direction

    def of(self, store: GraphStore, ids: Sequence[str]) -> Any:
        """(ids,) int64."""
        return store.degrees(ids, self.types, self.direction)


@dataclass(frozen=True, eq=False)
class Embeddings:
    """`GraphStore.get_embeddings`."""

    name: str
    ids: Ids

    def of(self, store: GraphStore, ids: Sequence[str]) -> Any:
        """The ids that have a vector, and the vectors."""
        return store.get_embeddings(self.name, ids)


@dataclass(frozen=True, eq=False)
class Offered:
    """`GraphStore.offered`; ids None: all of the scope."""

    within: Scope
    ids: Ids | None = None

    def of(self, store: GraphStore, ids: Sequence[str]) -> Any:
        """An Arrow table."""
        return store.offered(self.within, None if self.ids is None else ids)


Finding: TypeAlias = Text | Nearest | Neighbours
"""A read whose ids another one may take as its own; its own ids are given, not taken from a third one."""
Ids: TypeAlias = Sequence[str] | Finding
Read: TypeAlias = State | Nodes | Degrees | Embeddings | Offered | Finding


def found(read: Finding, answer: Any) -> list[str]:
    """The ids that a read has found, as the one that takes them has them.

    Neighbours: each once, ascending. Text: titles alone, each once, the first first. Nearest: the nearest first.
    """
    if isinstance(read, Neighbours):
        return cast(list[str], answer.column("neighbour").combine_chunks().dictionary.to_pylist())
    if isinstance(read, Text):
        return list(dict.fromkeys(hit.id for hit in answer if hit.label == "Title"))
    return [id_ for id_, _ in answer]


def steps(table: pa.Table) -> Iterator[tuple[int, str, str]]:
    """The rows of a table of neighbours: (source, type, neighbour). Each text is made once, so they come fast."""
    types, nodes = (table.column(name).combine_chunks() for name in ("type", "neighbour"))
    named, called = types.dictionary.to_pylist(), nodes.dictionary.to_pylist()
    codes = (column.indices.to_numpy().tolist() for column in (types, nodes))
    for source, type_, node in zip(table.column("source").to_numpy().tolist(), *codes, strict=True):
        yield source, named[type_], called[node]


class Answers(Sequence[Any]):
    """The answers to reads by a store's own calls, each made when it is first looked at.

    So a store in the same process spares what nobody looks at. A read that several take ids from is answered once.
    """

    def __init__(self, store: GraphStore, reads: Sequence[Read], known: dict[Read, Any] | None = None) -> None:
        self._store, self._reads = store, reads
        self._known: dict[Read, Any] = {} if known is None else known

    def __len__(self) -> int:
        return len(self._reads)

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> Answers: ...

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return Answers(self._store, self._reads[place], self._known)
        return self._of(self._reads[place])

    def _of(self, read: Read) -> Any:
        if read not in self._known:
            ids = getattr(read, "ids", None) or ()
            if isinstance(ids, Text | Nearest | Neighbours):
                ids = found(ids, self._of(ids))
            self._known[read] = read.of(self._store, ids)
        return self._known[read]


Asking: TypeAlias = Generator[Sequence[Read], Sequence[Any], T]


def ask(store: GraphStore, asking: Asking[T]) -> T:
    """What an asking returns, each of its steps one exchange with the store."""
    try:
        reads = next(asking)
        while True:
            reads = asking.send(store.gather(reads))
    except StopIteration as done:
        return cast(T, done.value)


def all_of(*wanted: Read) -> Asking[Sequence[Any]]:
    """The answers to some reads, in one step."""
    return (yield wanted)


def together(*askings: Asking[Any]) -> Asking[list[Any]]:
    """What each of several askings returns; the first steps of all are one exchange, and so on."""
    waiting: dict[int, Asking[Any]] = dict(enumerate(askings))
    results: dict[int, Any] = {}
    answers: dict[int, Sequence[Any]] = {}
    while True:
        asked = dict(_stepped(waiting, answers, results))
        if not asked:
            return [results[place] for place in sorted(results)]
        every = yield [read for reads in asked.values() for read in reads]
        start = 0
        for place, reads in asked.items():
            answers[place] = every[start : start + len(reads)]
            start += len(reads)


def _stepped(
    waiting: dict[int, Asking[Any]], answers: dict[int, Sequence[Any]], results: dict[int, Any]
) -> Iterator[tuple[int, Sequence[Read]]]:
    """What each asking that goes on needs next; the results of those that end."""
    for place, asking in list(waiting.items()):
        try:
            yield place, asking.send(answers[place]) if place in answers else next(asking)
        except StopIteration as done:
            results[place] = done.value
            del waiting[place]
