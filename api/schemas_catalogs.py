"""What the service answers about catalogs, and what it takes from whoever keeps one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Answered, Day, TitleId, Year
from graph.featured import MOST_BOOST, MOST_FEATURED

Pinned = Annotated[
    int | None,
    Field(ge=1, le=MOST_FEATURED, strict=True, description="its place before all else in recommendations, 1 first"),
]
Boost = Annotated[
    float | None, Field(ge=0, le=MOST_BOOST, strict=True, description="what its score is multiplied by in these")
]


class CatalogAnswer(Answered):
    """A catalog."""

    id: str = Field(description="its slug", examples=["north"])
    name: str | None = Field(examples=["north"])
    titles: int = Field(description="how many offers it has, at any time", examples=[80])
    strategy: str | None = Field(
        description="by which it is answered where a request names none; null: the usual one", examples=["embedding"]
    )


class CatalogChanges(BaseModel):
    """What is to be said of a catalog; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", min_length=1, max_length=200, description="as people call it")
    strategy: str | None = Field(
        default=None,
        max_length=63,
        examples=["hybrid"],
        description="one that `/strategies` lists as available; null: the usual one",
    )


class CatalogsAnswer(Answered):
    """All catalogs."""

    catalogs: list[CatalogAnswer]


class OfferedTitle(BaseModel):
    """One row of what a catalog offers."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1, max_length=200, description="a title's id", examples=["tt0198781"])
    item_id: str = Field(min_length=1, max_length=200, description="the catalog's own id", examples=["N002"])
    regions: list[Annotated[str, Field(pattern="^[A-Za-z]{2,3}$")]] = Field(
        default=[], max_length=300, description="country codes; none: everywhere", examples=[["US", "GB"]]
    )
    available_from: Day | None = Field(default=None, description="first day; none: always was")
    available_until: Day | None = Field(default=None, description="last day, included; none: no end")
    pinned: Pinned = None
    boost: Boost = None


class CatalogTitles(BaseModel):
    """All that a catalog offers from now on."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=200, description="as people call it; none: as before")
    titles: list[OfferedTitle] = Field(max_length=200_000)


class NamedTitle(Answered):
    """A title as people know it."""

    id: TitleId
    title: str
    start_year: Year


class Gap(NamedTitle):
    """A title that is wanted and not to be had."""

    demand: int = Field(description="searches, or IMDb's votes: `measured_in` says which")
    substitutability: float = Field(description="how good the best title that may be shown is likely to be, 0 to 1")
    gap: float = Field(description="demand that nothing makes up for")
    best: NamedTitle | None = Field(description="the title that stands in for it best")


class Purchase(NamedTitle):
    """A title to buy."""

    demand: int
    cost: float | None
    gain: float = Field(description="demand that it wins back, with those before it")
    won_back: float = Field(description="share of all that is lost, with those before it")


class UnknownText(Answered):
    """A text that names nothing in the graph."""

    text: str
    searches: int


class GapsAnswer(Answered):
    """What a catalog lacks."""

    catalog: str | None
    region: str | None
    on: str | None
    measured_in: Literal["searches", "votes"]
    days: int | None
    minimum_count: int = Field(description="nothing was searched for less often than this")
    titles: int = Field(description="how many wanted titles were looked at")
    demand: float
    lost: float
    gaps: list[Gap]
    unknown: list[UnknownText]
    purchases: list[Purchase] | None = Field(description="null where no budget was given")
