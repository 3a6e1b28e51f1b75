"""`POST /recommend`: titles for somebody who likes some others, without an account."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.problems import responses
from api.schemas import Day, RecommendationAnswer, StrategyName
from api.service import ServiceDep, today
from graph.consistent import at_one_version
from graph.preferences import MOST_WEIGHT, Preferences
from graph.recommend import MAX_LIKED, MAX_WEIGHT
from graph.search import MAX_SUBSTITUTES
from graph.store import Scope

Id = Annotated[str, Field(min_length=1, max_length=200)]
Weight = Annotated[float, Field(gt=0, le=MAX_WEIGHT)]
Facet = Annotated[float, Field(ge=0, le=MOST_WEIGHT)]
router = APIRouter(tags=["search"])


class Wanted(BaseModel):
    """The titles that somebody likes, and from where to recommend."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"titles": ["tt0114709", "tt0245429"]}]})

    titles: (
        Annotated[list[Id], Field(min_length=1, max_length=MAX_LIKED)]
        | Annotated[dict[Id, Weight], Field(min_length=1, max_length=MAX_LIKED)]
    ) = Field(description="ids, or ids with how much each counts")
    catalog: str | None = Field(default=None, max_length=63, description="slug; none: all catalogs; `*`: the graph")
    region: str | None = Field(default=None, pattern="^[A-Za-z]{2,3}$", examples=["US"])
    on: Day | None = Field(default=None, description="the day; none: today (UTC)")
    adult: bool = False
    limit: int = Field(default=10, ge=1, le=MAX_SUBSTITUTES)
    diversity: float = Field(default=0.0, ge=0, le=1, description="0: the best; 1: the best that differ most")
    cast: Facet = 1.0
    director: Facet = 1.0
    genre: Facet = 1.0
    era: Facet = 1.0
    popularity: Facet = 1.0
    strategy: StrategyName = None


@router.post("/recommend", response_model=RecommendationAnswer, responses=responses(404, 422, 503))
def recommend(service: ServiceDep, body: Wanted) -> Any:
    """Titles in a catalog for somebody who likes others, each with the reason; those named are left out."""
    scope = Scope(body.catalog, body.region.upper() if body.region else None, body.on or today(), body.adult)
    preferences = Preferences(body.diversity, body.cast, body.director, body.genre, body.era, body.popularity)
    found = at_one_version(
        service.store,
        lambda: service.searcher.recommend(
            body.titles, scope, body.limit, preferences=preferences, strategy=body.strategy
        ),
    )
    return found.value.as_dict()
