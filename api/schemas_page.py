"""What the service answers to a page: titles in short."""

from __future__ import annotations

import datetime as dt

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


class NewCard(Card):
    """A title that a catalog has not had for long."""

    since: dt.date = Field(description="the day from which it is offered")


class PopularCard(Card):
    """A title that viewers like now."""

    viewers: int = Field(description="how many liked it lately; 0: it is here for its votes")


class ShelvesAnswer(Answered):
    """What is new, and what viewers like now."""

    new: list[NewCard]
    popular: list[PopularCard]
    window_days: int = Field(description="of the likes that count, up to the latest feedback", examples=[30])
