"""`GET /strategies`: by what a question can be answered."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.problems import responses
from api.schemas import Answered
from api.service import ServiceDep, read

router = APIRouter(tags=["search"])


class StrategyAnswer(Answered):
    """A strategy."""

    name: str = Field(examples=["embedding"])
    about: str = Field(examples=["nearest by link prediction inside the catalog"])
    available: bool = Field(description="whether this graph has what it needs")
    missing: str | None = Field(description="why it is not available")
    run: str | None = Field(description="the run that its published vectors come from; null: it needs none")
    follows_preferences: bool = Field(description="whether diversity and the weights of facets change its answers")
    comparison: bool = Field(description="whether it is there to be compared with: fewer than asked for may come")


class StrategiesAnswer(Answered):
    """All strategies."""

    strategies: list[StrategyAnswer]


@router.get("/strategies", response_model=StrategiesAnswer, responses=responses(503))
def strategies(service: ServiceDep, request: Request, response: Response) -> Any:
    """The strategies, and which of them can answer here."""
    found = read(service, request, response, service.searcher.strategies.listed)
    return {"strategies": [one.as_dict() for one in found]}
