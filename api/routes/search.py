"""`GET /search`: a typed text → what is meant, whether the catalog has it, what it has instead."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.problems import responses
from api.schemas import SearchAnswer
from api.service import PreferencesDep, ScopeDep, ServiceDep, StrategyQuery, read
from graph.search import MAX_HITS, MAX_SUBSTITUTES

QUERY_LENGTH = 300
router = APIRouter(tags=["search"])


@router.get("/search", response_model=SearchAnswer, responses=responses(404, 422, 503))
def search(
    service: ServiceDep,
    request: Request,
    response: Response,
    scope: ScopeDep,
    preferences: PreferencesDep,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=QUERY_LENGTH,
            description="a title, person, genre or keyword, as people type it, or an IMDb id",
            examples=["toy story"],
        ),
    ],
    hits: Annotated[int, Query(ge=1, le=MAX_HITS, description="how many meanings of the text to answer")] = 1,
    substitutes: Annotated[int, Query(ge=0, le=MAX_SUBSTITUTES, description="substitutes for each of them")] = 5,
    strategy: StrategyQuery = None,
    count: Annotated[bool, Query(description="whether it counts as demand; not while somebody still types")] = True,
) -> Any:
    """Find a title; say whether the catalog has it, and what it has instead. Or a person, genre or keyword."""
    answer, kept = read(
        service, request, response, lambda: service.search(q, scope, hits, substitutes, preferences, strategy)
    )
    if count:
        service.demand.count(answer)
    service.metrics.searched(answer.status, kept=kept)
    return answer.as_dict()
