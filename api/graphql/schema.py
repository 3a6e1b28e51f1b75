"""The GraphQL schema: what may be asked first, and under which limits."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import DisableIntrospection, MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from api.graphql.answers import Path, SearchAnswer, path_between
from api.graphql.batches import Info
from api.graphql.groups import Catalog, Genre, TitleConnection
from api.graphql.inputs import (
    MOST,
    Adult,
    After,
    First,
    InCatalog,
    On,
    PersonFilterInput,
    PersonKey,
    PersonOrder,
    Region,
    StrategyName,
    TitleFilterInput,
    TitleOrder,
    capped,
    to_conditions,
    to_filter,
)
from api.graphql.limits import CostLimiter, Limits
from api.graphql.pages import Edge, PageInfo
from api.graphql.people import Person
from api.graphql.titles import Title

_LONGEST_TEXT = 300


@strawberry.type
class PersonEdge(Edge):
    @strawberry.field
    async def node(self, info: Info) -> Person:
        return await Person.load(info, self.id)


@strawberry.type(description="A page of people.")
class PersonConnection:
    edges: list[PersonEdge]
    page_info: PageInfo
    total_count: int


@strawberry.type(description="What may be asked of the graph.")
class Query:
    @strawberry.field(description="a title by its id")
    async def title(self, info: Info, id: strawberry.ID, adult: Adult = False) -> Title:  # noqa: A002
        return await Title.load(info, id, adult=adult)

    @strawberry.field(description="a person by id")
    async def person(self, info: Info, id: strawberry.ID) -> Person:  # noqa: A002
        return await Person.load(info, id)

    @strawberry.field(description="a genre by its name")
    async def genre(self, info: Info, name: str) -> Genre:
        return await Genre.load(info, name)

    @strawberry.field(description="a catalog by its slug")
    async def catalog(self, info: Info, slug: str) -> Catalog:
        return await Catalog.load(info, slug)

    @strawberry.field(description="titles of which all of the filter holds; without an order the most voted first")
    def titles(
        self,
        info: Info,
        filter: TitleFilterInput | None = None,  # noqa: A002  (it is called so in GraphQL)
        order: TitleOrder | None = None,
        first: First = 20,
        after: After = None,
    ) -> TitleConnection:
        return TitleConnection.of(info, to_filter(filter), order, first, after)

    @strawberry.field(description="people of whom all of the filter holds; without an order by name")
    def people(
        self,
        info: Info,
        filter: PersonFilterInput | None = None,  # noqa: A002
        order: PersonOrder | None = None,
        first: First = 20,
        after: After = None,
    ) -> PersonConnection:
        order = order or PersonOrder(by=PersonKey.NAME)
        page = info.context.sources.people.people(
            to_conditions(filter),
            adult=bool(filter and filter.adult),
            by=order.by.value,
            descending=order.descending,
            first=capped(first),
            after=after,
        )
        edges = [PersonEdge(id=id_, place=at) for id_, at in zip(page.ids, page.places, strict=True)]
        return PersonConnection(edges=edges, page_info=PageInfo.of(page), total_count=page.total)

    @strawberry.field(description="all genres")
    def genres(self, info: Info) -> list[Genre]:
        batches = info.context.store.scan_nodes("Genre", [])
        return [Genre(name=name) for batch in batches for name in batch.column("id").to_pylist()]

    @strawberry.field(description="all catalogs")
    def catalogs(self, info: Info) -> list[Catalog]:
        rows = [row for batch in info.context.store.scan_nodes("Catalog", ["name"]) for row in batch.to_pylist()]
        return [Catalog(slug=row["id"], name=row["name"]) for row in rows]

    @strawberry.field(description="what a text means, whether a catalog has it, and what it can offer instead")
    def search(
        self,
        info: Info,
        text: str,
        catalog: InCatalog = None,
        region: Region = None,
        on: On = None,
        adult: Adult = False,
        first: First = 1,
        strategy: StrategyName = None,
    ) -> SearchAnswer:
        if not text.strip() or len(text) > _LONGEST_TEXT:
            raise GraphQLError(f"`text` has {len(text)} characters; it may have 1 to {_LONGEST_TEXT}")
        scope = info.context.scope(catalog, region, on, adult)
        hits = capped(first)
        return SearchAnswer.of(
            info.context.sources.searcher.search(text, scope, hits=hits, substitutes=0, strategy=strategy), strategy
        )

    @strawberry.field(description="the most telling of the shortest paths between titles or people; null: none in six")
    async def path(
        self,
        info: Info,
        from_: Annotated[strawberry.ID, strawberry.argument(name="from")],
        to: strawberry.ID,
        adult: Adult = False,
    ) -> Path | None:
        return await path_between(info, from_, to, adult)


class Schema(strawberry.Schema):
    """The schema; its errors are logged where they are answered (`api.graphql.router`), not here."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Do nothing."""


def make_schema(limits: Limits) -> Schema:
    """The schema under these limits."""
    extensions: list[Any] = [lambda: MaxTokensLimiter(limits.tokens), lambda: CostLimiter(limits)]
    if not limits.introspection:
        extensions.append(DisableIntrospection)
    config = StrawberryConfig(disable_field_suggestions=not limits.introspection, relay_max_results=MOST)
    return Schema(Query, extensions=extensions, config=config)
