"""What the service answers to a page: titles in short."""

from __future__ import annotations

from pydantic import Field

from api.schemas import Answered, Kind, TitleId, Year


class Card(Answered):
    """A title in short."""

    id: TitleId
    kind: Kind | None
    title: str | None = Field(examples=["Toy Story"])
    original_title: str | None
    start_year: Year
    end_year: int | None
    runtime_minutes: int | None
    average_rating: float | None = Field(description="IMDb users' mean, 1 to 10")
    num_votes: int | None
    poster_url: str | None = Field(description="only from a host that the settings name (poster_hosts)")
    genres: list[str]


class CardsAnswer(Answered):
    """Several titles."""

    titles: list[Card]


class BestKnownAnswer(Answered):
    """The best known titles, by whether they may be shown."""

    offered: list[Card]
    missing: list[Card]
