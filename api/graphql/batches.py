"""What one query reads of the graph: in batches, one for each level of the query, and nothing twice.

A query runs in a thread of its own with an event loop of its own, so the store is called directly and the service's
event loop stays free. What resolvers ask for in the same turn of that loop is answered by the same call.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import strawberry
from strawberry.dataloader import DataLoader

from graph.browse import Browser, require
from graph.browse_people import PeopleBrowser
from graph.schema import NODES
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, Direction, GraphStore, Row, Scope
from graph.substitutes import Substitute

# A title's text may be long; it is read only where it is asked for.
_PROPERTIES = {label: tuple(p.name for p in node.properties if p.name != "text") for label, node in NODES.items()}
TEXT = ("text",)


@dataclass(frozen=True)
class Step:
    """One kind of step from a node. within: leaves out titles outside that scope."""

    types: tuple[str, ...]
    direction: Direction
    properties: tuple[str, ...] = ()
    within: Scope | None = None


@dataclass(frozen=True)
class Sources:
    """What all queries of a service share."""

    store: GraphStore
    searcher: Searcher
    titles: Browser
    people: PeopleBrowser

    @classmethod
    def over(cls, store: GraphStore, searcher: Searcher) -> Sources:
        """Those of a store."""
        return cls(store, searcher, Browser(store), PeopleBrowser(store))


@dataclass
class Batches:
    """Made for each query; `info.context` in resolvers."""

    sources: Sources
    _rows: dict[tuple[str, tuple[str, ...]], dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))

    _stepped: dict[tuple[str, Step], list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Without the loaders' own caches: what is held must take as many turns of the loop as what is not, or those
        # who ask next come at different turns and make several batches of one level.
        self._nodes = DataLoader(self._load_nodes, cache=False)
        self._steps = DataLoader(self._load_steps, cache=False)
        self._similar = DataLoader(self._load_similar, cache=False)

    @property
    def store(self) -> GraphStore:
        """The store that is asked."""
        return self.sources.store

    async def nodes(self, label: str, ids: Sequence[str], properties: tuple[str, ...] | None = None) -> dict[str, Row]:
        """Nodes by id, with these properties (None: all but `text`); those that are there."""
        wanted = _PROPERTIES[label] if properties is None else properties
        return await self._nodes.load((label, tuple(ids), wanted))

    async def steps(self, id_: str, step: Step) -> list[Row]:
        """A node's relationships: `type`, `neighbour`, and with properties `key` and these."""
        return await self._steps.load((id_, step))

    async def similar(self, id_: str, scope: Scope, k: int, strategy: str | None = None) -> list[Substitute]:
        """The k titles in scope that stand in best for a title, by a strategy. Raises StrategyError."""
        return await self._similar.load((id_, scope, k, strategy))

    async def _load_nodes(self, keys: list[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> list[dict[str, Row]]:
        wanted: dict[tuple[str, tuple[str, ...]], dict[str, None]] = defaultdict(dict)
        for label, ids, properties in keys:
            held = self._rows[label, properties]
            wanted[label, properties] |= {id_: None for id_ in ids if id_ not in held}
        for (label, properties), missing in wanted.items():
            if missing:
                rows = self.store.get_nodes(label, list(missing), list(properties)).to_pylist()
                self._rows[label, properties].update((row["id"], row) for row in rows)
        return [
            {id_: held[id_] for id_ in ids if id_ in held}
            for label, ids, properties in keys
            for held in (self._rows[label, properties],)
        ]

    async def _load_steps(self, keys: list[tuple[str, Step]]) -> list[list[Row]]:
        groups: dict[tuple[Direction, Scope | None], dict[tuple[str, Step], None]] = defaultdict(dict)
        for id_, step in keys:
            if (id_, step) not in self._stepped:
                groups[step.direction, step.within][id_, step] = None
        for (direction, within), members in groups.items():
            found = self._step(list(members), direction, within)
            for id_, step in members:
                self._stepped[id_, step] = [row for type_ in step.types for row in found.get((id_, type_), ())]
        return [self._stepped[key] for key in keys]

    def _step(
        self, members: list[tuple[str, Step]], direction: Direction, within: Scope | None
    ) -> dict[tuple[str, str], list[Row]]:
        """Relationships by node and type, all found by one call."""
        ids = list(dict.fromkeys(id_ for id_, _ in members))
        types = list(dict.fromkeys(type_ for _, step in members for type_ in step.types))
        properties = list(dict.fromkeys(name for _, step in members for name in step.properties))
        table = self.store.neighbours(ids, types, direction, within=within, properties=properties)
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in table.to_pylist():
            found[ids[row["source"]], row["type"]].append(row)
        return found

    async def _load_similar(self, keys: list[tuple[str, Scope, int, str | None]]) -> list[list[Substitute]]:
        found = {
            (id_, scope, k, strategy): self.sources.searcher.similar(id_, scope, k, strategy=strategy)
            for id_, scope, k, strategy in dict.fromkeys(keys)
        }
        return [found[key] for key in keys]

    def scope(
        self, catalog: str | None, region: str | None, on: dt.date | None, adult: bool, *, whole: bool = False
    ) -> Scope:
        """What a resolver's arguments ask for. whole: whether no catalog means the whole graph, else all catalogs.

        Raises NotInGraph when there is no such catalog.
        """
        if catalog is None and whole:
            return Scope(WHOLE_GRAPH, adult=adult)
        if catalog is not None and catalog != WHOLE_GRAPH:
            require(self.store, "Catalog", catalog)
        day = on or dt.datetime.now(dt.UTC).date()
        return Scope(catalog, region.upper() if region else None, day, adult)


EVERY_TITLE = Scope(WHOLE_GRAPH)
Info = strawberry.Info[Batches, None]


def every_title(adult: bool) -> Scope:
    """The whole graph, with or without adult titles."""
    return replace(EVERY_TITLE, adult=adult)
