"""A title as GraphQL shows it, with its neighbours.

Types of other modules, which need this one, are imported where they are used.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from api.graphql.batches import TEXT, Info, Step, every_title
from api.graphql.credits import PROPERTIES, Credit, fields_of, place_of
from api.graphql.inputs import Adult, After, First, InCatalog, On, Region, Role, StrategyName, capped, types_of
from api.graphql.pages import Edge, PageInfo, cut, last
from graph.store import NotInGraph, Row

if TYPE_CHECKING:
    from api.graphql.answers import Substitute
    from api.graphql.groups import Catalog, Genre, Keyword
    from api.graphql.people import Person

_OFFER = ("item_id", "regions", "available_from", "available_until", "confidence")


@strawberry.type(description="Another name of a title.")
class AlternateTitle:
    title: str | None
    region: str | None = strawberry.field(description="ISO 3166 country code, or IMDb's XWW and the like")
    language: str | None
    types: list[str] | None


@strawberry.type(description="That a catalog may show a title.")
class Offer:
    slug: strawberry.Private[str]
    item_id: str | None = strawberry.field(description="the catalog's own id")
    regions: list[str] | None = strawberry.field(description="where; null or empty: everywhere")
    available_from: dt.date | None = strawberry.field(description="first day; null: always was")
    available_until: dt.date | None = strawberry.field(description="last day, included; null: no end")
    confidence: float | None = strawberry.field(description="how sure it is that the item is this title, 0 to 1")

    @strawberry.field
    async def catalog(self, info: Info) -> Annotated[Catalog, strawberry.lazy("api.graphql.groups")]:
        from api.graphql.groups import Catalog

        return await Catalog.load(info, self.slug)


@strawberry.type(description="That a person took part in the title.")
class TitleCreditEdge(Credit):
    @strawberry.field
    async def node(self, info: Info) -> Annotated[Person, strawberry.lazy("api.graphql.people")]:
        from api.graphql.people import Person

        return await Person.load(info, self.id)


@strawberry.type(description="A page of the people of a title.")
class TitleCreditConnection:
    edges: list[TitleCreditEdge]
    page_info: PageInfo
    total_count: int


@strawberry.type(description="That a title is an episode of a series; `node` is the series.")
class EpisodeOf:
    id: strawberry.Private[str]
    season: int | None
    episode: int | None

    @strawberry.field
    async def node(self, info: Info) -> Title:
        return await Title.load(info, self.id)


@strawberry.type(description="That a title has an episode; `node` is the episode.")
class EpisodeEdge(Edge):
    season: int | None
    episode: int | None

    @strawberry.field
    async def node(self, info: Info) -> Title:
        return await Title.load(info, self.id)


@strawberry.type(description="A page of the episodes of a series.")
class EpisodeConnection:
    edges: list[EpisodeEdge]
    page_info: PageInfo
    total_count: int


@strawberry.type(description="A film, series, episode or other work.")
class Title:
    id: strawberry.ID = strawberry.field(description="IMDb's tconst; `item:ID` where only a catalog knows it")
    kind: str | None = strawberry.field(description="IMDb's titleType: movie, tvSeries, tvEpisode, short, …")
    title: str | None = strawberry.field(description="the name it is best known by")
    original_title: str | None = strawberry.field(description="the name in its original language")
    start_year: int | None = strawberry.field(description="year of release; of a series, its first year")
    end_year: int | None = strawberry.field(description="last year of a series")
    runtime_minutes: int | None
    is_adult: bool | None
    average_rating: float | None = strawberry.field(description="IMDb users' mean, 1 to 10")
    num_votes: int | None = strawberry.field(description="how many votes that mean rests on")
    poster_url: str | None = strawberry.field(description="a picture, where a catalog gives one")

    @classmethod
    def of(cls, row: Row) -> Title:
        """The title of a row of the store."""
        return cls(**row)

    @classmethod
    async def load(cls, info: Info, id_: str, *, adult: bool = True) -> Title:
        """The title of that id. adult: whether an adult one counts. Raises NotInGraph."""
        row = (await info.context.nodes("Title", [id_])).get(id_)
        if row is None or (row["is_adult"] and not adult):
            raise NotInGraph(f"there is no title {id_!r}; search for its name to find its id")
        return cls.of(row)

    @strawberry.field(description="what it is about, in prose, where texts were loaded")
    async def text(self, info: Info) -> str | None:
        found: str | None = (await info.context.nodes("Title", [self.id], TEXT))[self.id]["text"]
        return found

    @strawberry.field
    async def genres(self, info: Info) -> list[Annotated[Genre, strawberry.lazy("api.graphql.groups")]]:
        from api.graphql.groups import Genre

        rows = await info.context.steps(self.id, Step(("IN_GENRE",), "out"))
        return [Genre(name=row["neighbour"]) for row in sorted(rows, key=_neighbour)]

    @strawberry.field
    async def keywords(self, info: Info) -> list[Annotated[Keyword, strawberry.lazy("api.graphql.groups")]]:
        from api.graphql.groups import Keyword

        rows = await info.context.steps(self.id, Step(("HAS_KEYWORD",), "out"))
        return [Keyword(name=row["neighbour"]) for row in sorted(rows, key=_neighbour)]

    @strawberry.field(description="its other names, in IMDb's order")
    async def alternate_titles(self, info: Info) -> list[AlternateTitle]:
        rows = await info.context.steps(self.id, Step(("ALSO_KNOWN_AS",), "out"))
        ids = sorted((row["neighbour"] for row in rows), key=lambda id_: (len(id_), id_))
        found = await info.context.nodes("AlternateTitle", ids)
        return [AlternateTitle(**{k: v for k, v in found[id_].items() if k != "id"}) for id_ in ids if id_ in found]

    @strawberry.field(description="the catalogs that may show it, at any time, anywhere")
    async def offers(self, info: Info) -> list[Offer]:
        rows = await info.context.steps(self.id, Step(("OFFERS",), "in", _OFFER))
        rows = sorted(rows, key=lambda row: (row["neighbour"], row["key"]))
        return [Offer(slug=row["neighbour"], **{name: row[name] for name in _OFFER}) for row in rows]

    @strawberry.field(description="who took part, in IMDb's order of credits")
    async def credits(
        self,
        info: Info,
        roles: Annotated[list[Role] | None, strawberry.argument(description="in any of these; none: in any")] = None,
        guests: Annotated[
            bool, strawberry.argument(description="of an episode: only who has no such role in its series")
        ] = False,
        first: First = 10,
        after: After = None,
    ) -> TitleCreditConnection:
        types, first = types_of(roles), capped(first)
        step = Step(types, "in", PROPERTIES)
        rows = await info.context.steps(self.id, step)
        if guests:
            series = [row["neighbour"] for row in await info.context.steps(self.id, _SERIES)]
            regulars = {row["neighbour"] for one in series for row in await info.context.steps(one, step)}
            rows = [row for row in rows if row["neighbour"] not in regulars]
        page = cut(rows, place_of, "ordering", first, after)
        edges = [TitleCreditEdge(**fields_of(*one)) for one in zip(page.rows, page.places, strict=True)]
        return TitleCreditConnection(edges=edges, page_info=PageInfo.of(page), total_count=page.total)

    @strawberry.field(description="the series that it is an episode of")
    async def series(self, info: Info, adult: Adult = False) -> EpisodeOf | None:
        step = replace(_SERIES, within=every_title(adult))
        rows = await info.context.steps(self.id, step)
        return EpisodeOf(**_episode(rows[0])) if rows else None

    @strawberry.field(description="its episodes, by season and number")
    async def episodes(
        self,
        info: Info,
        season: int | None = None,
        adult: Adult = False,
        first: First = 20,
        after: After = None,
    ) -> EpisodeConnection:
        first = capped(first)
        step = Step(("EPISODE_OF",), "in", ("season", "episode"), every_title(adult))
        rows = [row for row in await info.context.steps(self.id, step) if season in (None, row["season"])]
        page = cut(rows, lambda row: [row["season"], *last(row["episode"]), row["neighbour"]], "season", first, after)
        edges = [EpisodeEdge(**_episode(row), place=at) for row, at in zip(page.rows, page.places, strict=True)]
        return EpisodeConnection(edges=edges, page_info=PageInfo.of(page), total_count=page.total)

    @strawberry.field(description="the titles most like it: in the whole graph, or of a catalog")
    async def similar(
        self,
        info: Info,
        catalog: InCatalog = None,
        region: Region = None,
        on: On = None,
        adult: Adult = False,
        first: First = 10,
        strategy: StrategyName = None,
    ) -> list[Annotated[Substitute, strawberry.lazy("api.graphql.answers")]]:
        from api.graphql.answers import Substitute

        scope = info.context.scope(catalog, region, on, adult, whole=True)
        return [Substitute.of(one) for one in await info.context.similar(self.id, scope, capped(first), strategy)]

    @strawberry.field(description="what a catalog can offer instead; without a catalog, all catalogs together")
    async def substitutes(
        self,
        info: Info,
        catalog: InCatalog = None,
        region: Region = None,
        on: On = None,
        adult: Adult = False,
        first: First = 5,
        strategy: StrategyName = None,
    ) -> list[Annotated[Substitute, strawberry.lazy("api.graphql.answers")]]:
        from api.graphql.answers import Substitute

        scope = info.context.scope(catalog, region, on, adult)
        return [Substitute.of(one) for one in await info.context.similar(self.id, scope, capped(first), strategy)]


_SERIES = Step(("EPISODE_OF",), "out", ("season", "episode"))


def _episode(row: Row) -> dict[str, Any]:
    return {"id": row["neighbour"], "season": row["season"], "episode": row["episode"]}


def _neighbour(row: Row) -> str:
    id_: str = row["neighbour"]
    return id_
