"""What the service answers about one title, one person, and the graph as a whole."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from api.schemas import Answered, Kind, TitleId, Year


class Credit(Answered):
    """Someone's part in a title."""

    id: str = Field(examples=["nm0005124"])
    name: str = Field(examples=["John Lasseter"])
    role: str = Field(description="the relationship's type", examples=["DIRECTED"])
    job: str | None
    characters: list[str]


class Episode(Answered):
    """An episode of a series, or the series of an episode."""

    id: TitleId
    title: str
    kind: Kind | None
    start_year: Year
    season: int | None
    episode: int | None


class AlternateTitle(Answered):
    """Another name."""

    title: str
    region: str | None
    language: str | None
    types: list[str]


class Offer(Answered):
    """Where and when a catalog may show it. No regions: everywhere. No day: always was, or no end."""

    catalog: str
    item_id: str | None
    regions: list[str]
    available_from: dt.date | None
    available_until: dt.date | None


class TitleAnswer(Answered):
    """A title and its neighbours."""

    id: TitleId
    kind: Kind | None
    title: str | None = Field(examples=["Toy Story"])
    original_title: str | None
    start_year: Year
    end_year: int | None
    runtime_minutes: int | None
    is_adult: bool | None
    average_rating: float | None = Field(description="IMDb users' mean, 1 to 10")
    num_votes: int | None
    poster_url: str | None
    text: str | None = Field(description="what it is about, in prose")
    genres: list[str]
    keywords: list[str]
    credits: list[Credit] = Field(description="the most telling roles first")
    alternate_titles: list[AlternateTitle]
    series: list[Episode] = Field(description="of an episode: its series, with its own place there")
    episode_count: int
    episodes: list[Episode] = Field(description="of a series: one page of its episodes")
    offers: list[Offer]


class Part(Answered):
    """A title that a person took part in."""

    id: TitleId
    title: str
    kind: Kind | None
    start_year: Year
    num_votes: int | None
    roles: list[str] = Field(examples=[["DIRECTED", "WROTE"]])
    characters: list[str]


class PersonAnswer(Answered):
    """A person and one page of their titles."""

    id: str = Field(examples=["nm0005124"])
    name: str | None = Field(examples=["John Lasseter"])
    birth_year: int | None
    death_year: int | None
    professions: list[str] | None
    title_count: int
    titles: list[Part]


class Provenance(Answered):
    """Which run published vectors come from."""

    run: str
    model: str
    dimension: int
    graph_hash: str
    made: str
    facts: dict[str, float | str] = Field(description="numbers and words that belong to these vectors")


class Degrees(Answered):
    """How many relationships of a type a node has that has any."""

    mean: float
    max: int


class RatedTitles(Answered):
    """How many titles have a mean in [rating, rating + 0.5) and votes in [votes, 10 · votes)."""

    rating: float
    votes: int
    titles: int


class FiguresAnswer(Answered):
    """The graph in numbers."""

    version: str = Field(examples=["000001"])
    made: str | None = Field(description="when the graph was loaded")
    counts: dict[str, int] = Field(examples=[{"Title": 260, "Person": 900, "OFFERS": 150}])
    degrees: dict[str, Degrees]
    genres: dict[str, int] = Field(description="titles of each genre, the most frequent first")
    catalogs: dict[str, int] = Field(description="offers of each catalog")
    embeddings: dict[str, Provenance]
    titles_by_year: dict[int, int]
    titles_by_kind: dict[str, int]
    ratings: list[RatedTitles] = Field(description="mean rating against votes")
