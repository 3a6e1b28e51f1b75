"""What a query may ask for: roles, filters, orders, pages."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError

from graph.browse import Between, Credit, TitleFilter
from graph.browse_people import TookPart
from graph.schema import CREDITS, RELATIONSHIPS
from graph.store import Scope

MOST = 100
_CONDITIONS = 20

First = Annotated[int, strawberry.argument(description=f"how many at most, up to {MOST}")]
After = Annotated[str | None, strawberry.argument(description="the cursor after which to go on")]
Adult = Annotated[bool, strawberry.argument(description="whether adult titles count")]
InCatalog = Annotated[str | None, strawberry.argument(description="only what this catalog offers")]
Region = Annotated[str | None, strawberry.argument(description="only what it may show there, such as US")]
On = Annotated[dt.date | None, strawberry.argument(description="only what it may show that day; none: today (UTC)")]

StrategyName = Annotated[
    str | None, strawberry.argument(description="by which strategy; none: by the catalog's own, or the usual one")
]


def capped(first: int) -> int:
    """How many are asked for. Raises GraphQLError when that is not from 0 to MOST."""
    if not 0 <= first <= MOST:
        raise GraphQLError(f"`first` is {first}; it may be 0 to {MOST}: page on with `after`")
    return first


def few(name: str, values: Sequence[object] | None) -> None:
    """Raise GraphQLError when a list of conditions is longer than any that makes sense: each one is looked up."""
    if values is not None and len(values) > _CONDITIONS:
        raise GraphQLError(f"`{name}` has {len(values)} conditions; it may have {_CONDITIONS}")


def _means(type_: str) -> Any:
    return strawberry.enum_value(type_, description=RELATIONSHIPS[type_].meaning)


@strawberry.enum(description="What a person does in a title.")
class Role(enum.Enum):
    DIRECTED = _means("DIRECTED")
    ACTED_IN = _means("ACTED_IN")
    WROTE = _means("WROTE")
    COMPOSED = _means("COMPOSED")
    SHOT = _means("SHOT")
    EDITED = _means("EDITED")
    DESIGNED = _means("DESIGNED")
    PRODUCED = _means("PRODUCED")
    CAST = _means("CAST")
    SEEN_IN_ARCHIVE = _means("SEEN_IN_ARCHIVE")


def types_of(roles: list[Role] | None) -> tuple[str, ...]:
    """The relationship types of some roles; None and no role mean any."""
    return tuple(role.name for role in roles) if roles else CREDITS


@strawberry.enum(description="What orders titles.")
class TitleKey(enum.Enum):
    VOTES = "votes"
    RATING = "rating"
    YEAR = "year"
    TITLE = "title"
    ID = "id"


@strawberry.enum(description="What orders people.")
class PersonKey(enum.Enum):
    NAME = "name"
    ID = "id"


@strawberry.input(description="An order of titles; those of the same key come by id, those without the key last.")
class TitleOrder:
    by: TitleKey
    descending: bool = True


@strawberry.input(description="An order of people; those of the same name come by id, those without a name last.")
class PersonOrder:
    by: PersonKey
    descending: bool = False


@strawberry.input(description="Whole numbers from one to another, both included; an end left out is open.")
class IntRange:
    from_: int | None = strawberry.field(name="from", default=None)
    to: int | None = None

    def between(self) -> Between:
        return Between(self.from_, self.to)


@strawberry.input(description="Numbers from one to another, both included; an end left out is open.")
class FloatRange:
    from_: float | None = strawberry.field(name="from", default=None)
    to: float | None = None

    def between(self) -> Between:
        return Between(self.from_, self.to)


@strawberry.input(description="A person who took part in any of these roles; without roles, in any.")
class CreditInput:
    person: strawberry.ID
    roles: list[Role] | None = None

    def credit(self) -> Credit:
        return Credit(self.person, types_of(self.roles))


@strawberry.input(description="Genres of which a title has all, and genres of which it has at least one.")
class GenresInput:
    all: list[str] | None = None
    any: list[str] | None = None


@strawberry.input(name="TitleFilter", description="Which titles are meant: those of which all of this holds.")
class TitleFilterInput:
    kinds: list[str] | None = strawberry.field(default=None, description="IMDb's titleType: movie, tvSeries, short, …")
    genres: GenresInput | None = None
    years: IntRange | None = strawberry.field(default=None, description="of release; of a series, its first year")
    rating: FloatRange | None = strawberry.field(default=None, description="IMDb users' mean, 1 to 10")
    votes: IntRange | None = strawberry.field(default=None, description="how many votes that mean rests on")
    credits: list[CreditInput] | None = strawberry.field(default=None, description="each of them in the title")
    catalogs: list[str] | None = strawberry.field(default=None, description="slugs; each of them offers it")
    region: str | None = strawberry.field(default=None, description="where the catalogs offer it, such as US")
    on: dt.date | None = strawberry.field(default=None, description="when they offer it; none: today (UTC)")
    adult: bool = strawberry.field(default=False, description="whether adult titles count")


@strawberry.input(description="A credit: in that title, in one that another person has a credit in, or in any.")
class TookPartInput:
    roles: list[Role] | None = None
    title: strawberry.ID | None = None
    beside: CreditInput | None = None


@strawberry.input(name="PersonFilter", description="Which people are meant: those of whom all of this holds.")
class PersonFilterInput:
    credits: list[TookPartInput] | None = None
    adult: bool = strawberry.field(default=False, description="whether credits in adult titles count")


def to_filter(given: TitleFilterInput | None, *, genre: str | None = None, catalog: str | None = None) -> TitleFilter:
    """The filter that is meant; genre, catalog: one more of which a title must be."""
    given = given or TitleFilterInput()
    few("credits", given.credits)
    few("catalogs", given.catalogs)
    genres = given.genres or GenresInput()
    on = given.on or dt.datetime.now(dt.UTC).date()
    region = given.region.upper() if given.region else None
    slugs = [*(given.catalogs or ()), *([catalog] if catalog else [])]
    return TitleFilter(
        kinds=tuple(given.kinds or ()),
        genres_all=(*(genres.all or ()), *([genre] if genre else [])),
        genres_any=tuple(genres.any or ()),
        years=given.years.between() if given.years else None,
        rating=given.rating.between() if given.rating else None,
        votes=given.votes.between() if given.votes else None,
        credits=tuple(credit.credit() for credit in given.credits or ()),
        scopes=tuple(Scope(slug, region, on, given.adult) for slug in slugs),
        adult=given.adult,
    )


def to_conditions(given: PersonFilterInput | None) -> list[TookPart]:
    """The conditions that are meant."""
    few("credits", given.credits if given else None)
    return [
        TookPart(types_of(one.roles), one.title, one.beside.credit() if one.beside else None)
        for one in (given.credits if given else None) or ()
    ]
