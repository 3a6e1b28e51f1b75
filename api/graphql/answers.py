"""Searches, substitutes, reasons and paths as GraphQL shows them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import strawberry

from api.graphql.batches import Info
from api.graphql.groups import Genre, Keyword
from api.graphql.inputs import First, capped
from api.graphql.people import Person
from api.graphql.titles import Title
from graph import explain as reasons
from graph.answers import Answer, Hit
from graph.schema import RELATIONSHIPS
from graph.store import Scope
from graph.substitutes import Substitute as Answered

Node = Annotated[Title | Person | Genre | Keyword, strawberry.union("Node", description="What a path leads over.")]


async def node_of(info: Info, label: str, id_: str) -> Title | Person | Genre | Keyword:
    """The node of a label and id."""
    if label == "Title":
        return await Title.load(info, id_)
    if label == "Person":
        return await Person.load(info, id_)
    return Genre(name=id_) if label == "Genre" else Keyword(name=id_)


@strawberry.type(description="One reason why a title is answered.")
class Evidence:
    kind: str = strawberry.field(description="as in JSON: path, name, part, people, keyword, viewers, liked and so on")
    weight: float = strawberry.field(description="the share of the score that goes with it")
    text: str
    path: list[str] = strawberry.field(description="ids and relationship types by turns, or the two ids alone")
    via: list[str] = strawberry.field(
        description="of `viewers`: the titles whose viewers carried the score; of `people` and `part`: the people"
    )


@strawberry.type(description="A title that may be answered, and why.")
class Substitute:
    id: strawberry.Private[str]
    item_id: str | None = strawberry.field(description="the catalog's own id; null in the whole graph")
    score: float = strawberry.field(description="orders this list; means nothing in another")
    evidence: list[Evidence] = strawberry.field(description="at most three reasons, the weightiest first")

    @classmethod
    def of(cls, one: Answered) -> Substitute:
        """The same in GraphQL's types."""
        why = [
            Evidence(kind=e.kind, weight=e.weight, text=e.text, path=list(e.path), via=list(e.via))
            for e in one.evidence
        ]
        return cls(id=one.id, item_id=one.item_id, score=one.score, evidence=why)

    @strawberry.field
    async def title(self, info: Info) -> Title:
        return await Title.load(info, self.id)


@strawberry.type(description="Which name was found, and how surely it was meant.")
class Match:
    text: str
    type: str = strawberry.field(description="primary, original, alternate or id")
    region: str | None
    language: str | None
    confidence: float


@strawberry.type(description="What the text may mean.")
class SearchHit:
    hit: strawberry.Private[Hit]
    scope: strawberry.Private[Scope]
    strategy: strawberry.Private[str | None]
    id: str = strawberry.field(description="IMDb's id, or the name of a genre or keyword")
    kind: str | None = strawberry.field(description="IMDb's titleType; person, genre or keyword")
    name: str = strawberry.field(description="what it is called")
    in_catalog: bool = strawberry.field(description="whether the catalog has it, at any time, anywhere")
    available: bool = strawberry.field(description="whether it may be shown in that region on that day")
    match: Match
    substitutability: float | None = strawberry.field(
        description="how well the catalog can stand in for it, 0 to 1; null where nothing was learned or it is no title"
    )

    @classmethod
    def of(cls, hit: Hit, scope: Scope, strategy: str | None) -> SearchHit:
        """The same in GraphQL's types."""
        m = hit.match
        match = Match(text=m.text, type=m.type, region=m.region, language=m.language, confidence=m.confidence)
        return cls(
            hit=hit,
            scope=scope,
            strategy=strategy,
            id=m.id,
            kind=m.kind,
            name=hit.title,
            in_catalog=hit.in_catalog,
            available=hit.available,
            match=match,
            substitutability=hit.substitutability,
        )

    @strawberry.field
    async def node(self, info: Info) -> Node:
        return await node_of(info, self.hit.match.label, self.id)

    @strawberry.field(
        description="of a title: what can be shown instead; of a person, genre or keyword: its titles, or the nearest's"
    )
    async def substitutes(self, info: Info, first: First = 5) -> list[Substitute]:
        k = capped(first)
        if self.hit.match.label == "Title":
            return [Substitute.of(one) for one in await info.context.similar(self.id, self.scope, k, self.strategy)]
        titles, _ = info.context.sources.searcher.titles(self.hit.match.label, self.id, self.scope, k)
        return [Substitute.of(one) for one in titles]


@strawberry.type(description="What a text means, whether a catalog has it, and what it can offer instead.")
class SearchAnswer:
    query: str
    status: str = strawberry.field(
        description="of the first hit: in_catalog or out_of_catalog; ambiguous: the hits are the choices; unknown: none"
    )
    catalog: str | None = strawberry.field(description="null: all catalogs together")
    region: str | None
    on: dt.date | None = strawberry.field(description="the day that was meant")
    strategy: str = strawberry.field(description="by which substitutes are found")
    hits: list[SearchHit]

    @classmethod
    def of(cls, answer: Answer, strategy: str | None) -> SearchAnswer:
        """The same in GraphQL's types. strategy: as the query names it."""
        scope = answer.scope
        hits = [SearchHit.of(hit, scope, strategy) for hit in answer.hits]
        return cls(
            query=answer.query,
            status=answer.status,
            catalog=scope.catalog,
            region=scope.region,
            on=scope.on,
            strategy=answer.strategy,
            hits=hits,
        )


@strawberry.type(description="One step of a path.")
class PathStep:
    label: strawberry.Private[str]
    id: strawberry.Private[str]
    relationship: str = strawberry.field(description="the type of the relationship, such as ACTED_IN")

    @strawberry.field(description="where it leads")
    async def node(self, info: Info) -> Node:
        return await node_of(info, self.label, self.id)


@strawberry.type(description="A shortest way from one node to another over relationships of the graph.")
class Path:
    label: strawberry.Private[str]
    id: strawberry.Private[str]
    text: str
    weight: float = strawberry.field(description="how telling it is: by roles, and by how rare what is shared is")
    length: int = strawberry.field(description="how many steps")
    steps: list[PathStep]

    @strawberry.field(description="where it begins")
    async def start(self, info: Info) -> Node:
        return await node_of(info, self.label, self.id)


async def path_between(info: Info, start: str, end: str, adult: bool) -> Path | None:
    """The most telling of the shortest paths; None where none is within six steps. Raises NotInGraph."""
    for id_ in (start, end):
        if id_ in (titles := await info.context.nodes("Title", [id_])) and titles[id_]["is_adult"] and not adult:
            await Title.load(info, id_, adult=False)
    found = reasons.explain(info.context.store, start, end, adult=adult)
    if not found:
        return None
    best = min(found, key=lambda one: (len(one.path), -one.weight))
    label = first = "Title" if await info.context.nodes("Title", [start]) else "Person"
    steps = []
    for type_, id_ in zip(best.path[1::2], best.path[2::2], strict=True):
        ends = RELATIONSHIPS[type_]
        label = ends.tail if label == ends.head else ends.head
        steps.append(PathStep(label=label, id=id_, relationship=type_))
    return Path(label=first, id=start, text=best.text, weight=best.weight, length=len(steps), steps=steps)
