"""Genres, keywords and catalogs as GraphQL shows them, with pages of titles."""

from __future__ import annotations

import strawberry

from api.graphql.batches import Info
from api.graphql.inputs import After, First, TitleFilterInput, TitleKey, TitleOrder, capped, to_filter
from api.graphql.pages import Edge, PageInfo
from api.graphql.titles import Title
from graph.browse import TitleFilter
from graph.store import NotInGraph


@strawberry.type
class TitleEdge(Edge):
    @strawberry.field
    async def node(self, info: Info) -> Title:
        return await Title.load(info, self.id)


@strawberry.type(description="A page of titles.")
class TitleConnection:
    edges: list[TitleEdge]
    page_info: PageInfo
    total_count: int

    @classmethod
    def of(
        cls, info: Info, wanted: TitleFilter, order: TitleOrder | None, first: int, after: str | None
    ) -> TitleConnection:
        """The page that is asked for; without an order the most voted come first."""
        order = order or TitleOrder(by=TitleKey.VOTES)
        page = info.context.sources.titles.titles(
            wanted, by=order.by.value, descending=order.descending, first=capped(first), after=after
        )
        edges = [TitleEdge(id=id_, place=at) for id_, at in zip(page.ids, page.places, strict=True)]
        return cls(edges=edges, page_info=PageInfo.of(page), total_count=page.total)


@strawberry.type(description="A genre in IMDb's list.")
class Genre:
    name: str

    @classmethod
    async def load(cls, info: Info, name: str) -> Genre:
        """The genre of that name. Raises NotInGraph."""
        if not await info.context.nodes("Genre", [name]):
            raise NotInGraph(f"there is no genre {name!r}; `genres` lists them")
        return cls(name=name)

    @strawberry.field(description="its titles; without an order the most voted first")
    def titles(
        self,
        info: Info,
        filter: TitleFilterInput | None = None,  # noqa: A002  (it is called so in GraphQL)
        order: TitleOrder | None = None,
        first: First = 10,
        after: After = None,
    ) -> TitleConnection:
        return TitleConnection.of(info, to_filter(filter, genre=self.name), order, first, after)


@strawberry.type(description="A word that says what a title is about.")
class Keyword:
    name: str


@strawberry.type(description="What one service may show.")
class Catalog:
    slug: str
    name: str | None = strawberry.field(description="as people call it")

    @classmethod
    async def load(cls, info: Info, slug: str) -> Catalog:
        """The catalog of that slug. Raises NotInGraph."""
        row = (await info.context.nodes("Catalog", [slug])).get(slug)
        if row is None:
            raise NotInGraph(f"there is no catalog {slug!r}; `catalogs` lists them")
        return cls(slug=slug, name=row["name"])

    @strawberry.field(description="what it may show; `region` and `on` are in the filter")
    def titles(
        self,
        info: Info,
        filter: TitleFilterInput | None = None,  # noqa: A002
        order: TitleOrder | None = None,
        first: First = 10,
        after: After = None,
    ) -> TitleConnection:
        return TitleConnection.of(info, to_filter(filter, catalog=self.slug), order, first, after)
