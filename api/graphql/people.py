"""A person as GraphQL shows it, with the titles."""

from __future__ import annotations

from typing import Annotated

import strawberry

from api.graphql.batches import Info, Step, every_title
from api.graphql.credits import PROPERTIES, Credit, fields_of
from api.graphql.inputs import (
    Adult,
    After,
    First,
    InCatalog,
    On,
    Region,
    Role,
    TitleKey,
    TitleOrder,
    capped,
    types_of,
)
from api.graphql.pages import PageInfo, Place, cut
from api.graphql.titles import Title
from graph.schema import CREDITS
from graph.store import NotInGraph, Row

_COLUMN = {
    TitleKey.VOTES: "num_votes",
    TitleKey.RATING: "average_rating",
    TitleKey.YEAR: "start_year",
    TitleKey.TITLE: "title",
    TitleKey.ID: "id",
}
_PLACE = {type_: place for place, type_ in enumerate(CREDITS)}


@strawberry.type(description="That the person took part in a title.")
class PersonCreditEdge(Credit):
    @strawberry.field
    async def node(self, info: Info) -> Title:
        return await Title.load(info, self.id)


@strawberry.type(description="A page of the titles of a person.")
class PersonCreditConnection:
    edges: list[PersonCreditEdge]
    page_info: PageInfo
    total_count: int


@strawberry.type(description="Someone who is credited in a title.")
class Person:
    id: strawberry.ID = strawberry.field(description="IMDb's nconst")
    name: str | None = strawberry.field(description="the name most often credited")
    birth_year: int | None
    death_year: int | None
    professions: list[str] | None = strawberry.field(description="IMDb's primary professions, in its order")

    @classmethod
    async def load(cls, info: Info, id_: str) -> Person:
        """The person of that id. Raises NotInGraph."""
        row = (await info.context.nodes("Person", [id_])).get(id_)
        if row is None:
            raise NotInGraph(f"there is no person {id_!r}; search for the name to find the id")
        return cls(**row)

    @strawberry.field(description="what the person took part in; without an order the latest first")
    async def credits(
        self,
        info: Info,
        roles: Annotated[list[Role] | None, strawberry.argument(description="in any of these; none: in any")] = None,
        catalog: InCatalog = None,
        region: Region = None,
        on: On = None,
        adult: Adult = False,
        order: TitleOrder | None = None,
        first: First = 10,
        after: After = None,
    ) -> PersonCreditConnection:
        first = capped(first)
        within = info.context.scope(catalog, region, on, adult, whole=True)
        rows = await info.context.steps(self.id, Step(types_of(roles), "out", PROPERTIES, within))
        by = order or TitleOrder(by=TitleKey.YEAR, descending=True)
        # Of thousands of titles only what orders them is read; the few of the page are read as a whole.
        orders = () if by.by is TitleKey.ID else (_COLUMN[by.by],)
        titles = await info.context.nodes("Title", [row["neighbour"] for row in rows], orders)
        name = f"{'-' if by.descending else ''}{by.by.value}"
        page = cut(
            rows,
            lambda row: _place(row, titles[row["neighbour"]], by),
            name,
            first,
            after,
            descending=by.descending,
        )
        edges = [PersonCreditEdge(**fields_of(*one)) for one in zip(page.rows, page.places, strict=True)]
        return PersonCreditConnection(edges=edges, page_info=PageInfo.of(page), total_count=page.total)

    @strawberry.field(description="what IMDb names as the person's best known titles, the most voted first")
    async def known_for(self, info: Info, adult: Adult = False) -> list[Title]:
        rows = await info.context.steps(self.id, Step(("KNOWN_FOR",), "out", within=every_title(adult)))
        titles = await info.context.nodes("Title", [row["neighbour"] for row in rows])
        return [Title.of(row) for row in sorted(titles.values(), key=lambda row: (-(row["num_votes"] or 0), row["id"]))]


def _place(row: Row, title: Row, order: TitleOrder) -> Place:
    """Where a credit comes: by its title, then by role."""
    value = title[_COLUMN[order.by]]
    if isinstance(value, str):
        value = value.lower()
    return [value, row["neighbour"], _PLACE[row["type"]], row["key"]]
