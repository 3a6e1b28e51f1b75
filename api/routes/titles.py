"""A title, the titles most like it, a person, and how two of them are connected."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.problems import responses
from api.schemas import Explanation, SimilarTitles
from api.schemas_details import PersonAnswer, TitleAnswer
from api.service import (
    AdultQuery,
    LimitQuery,
    OffsetQuery,
    PreferencesDep,
    ScopeDep,
    ServiceDep,
    StrategyQuery,
    found_or_404,
    read,
)
from graph.details import person_details, title_details
from graph.explain import explain
from graph.search import MAX_SUBSTITUTES

TitlePath = Annotated[str, Path(max_length=200, description="a title's id", examples=["tt0114709"])]
PersonPath = Annotated[str, Path(max_length=200, description="a person's id", examples=["nm0005124"])]
NodeQuery = Annotated[str, Query(max_length=200, description="id of a title or person", examples=["tt0114709"])]

router = APIRouter(tags=["graph"])


@router.get("/titles/{id}", response_model=TitleAnswer, responses=responses(404, 422, 503))
def title(
    service: ServiceDep,
    request: Request,
    response: Response,
    id: TitlePath,  # noqa: A002
    limit: LimitQuery = 50,
    offset: OffsetQuery = 0,
    adult: AdultQuery = False,
) -> Any:
    """A title: its properties, credits, genres, names, and who offers it. `limit` and `offset` page its episodes."""
    found = read(
        service,
        request,
        response,
        lambda: title_details(service.store, id, limit=limit, offset=offset, adult=adult),
    )
    return found_or_404(
        found, f"there is no title {id!r}, or it is an adult one and adult=true was not given"
    ).as_dict()


@router.get("/titles/{id}/similar", response_model=SimilarTitles, responses=responses(404, 422, 503))
def similar(
    service: ServiceDep,
    request: Request,
    response: Response,
    scope: ScopeDep,
    preferences: PreferencesDep,
    id: TitlePath,  # noqa: A002
    limit: Annotated[int, Query(ge=1, le=MAX_SUBSTITUTES, description="how many")] = 10,
    strategy: StrategyQuery = None,
) -> Any:
    """The titles most like another one, with reasons: in a catalog, in all of them, or (`catalog=*`) in the graph."""
    found = read(
        service,
        request,
        response,
        lambda: service.searcher.alike(id, scope, limit, strategy=strategy, preferences=preferences),
    )
    return found.as_dict()


@router.get("/people/{id}", response_model=PersonAnswer, responses=responses(404, 422, 503))
def person(
    service: ServiceDep,
    request: Request,
    response: Response,
    id: PersonPath,  # noqa: A002
    limit: LimitQuery = 50,
    offset: OffsetQuery = 0,
    adult: AdultQuery = False,
) -> Any:
    """A person and their titles, the best known first; `limit` and `offset` page these."""
    found = read(
        service,
        request,
        response,
        lambda: person_details(service.store, id, limit=limit, offset=offset, adult=adult),
    )
    return found_or_404(found, f"there is no person {id!r}").as_dict()


@router.get("/explain", response_model=Explanation, responses=responses(404, 422, 503))
def explanation(
    service: ServiceDep,
    request: Request,
    response: Response,
    start: Annotated[NodeQuery, Query(alias="from")],
    to: NodeQuery,
    limit: Annotated[int, Query(ge=1, le=100, description="how many paths at most")] = 10,
    adult: AdultQuery = False,
) -> Any:
    """How two titles or people are connected: the most telling paths first."""
    found = read(service, request, response, lambda: explain(service.store, start, to, limit=limit, adult=adult))
    return {"from": start, "to": to, "evidence": [one.as_dict() for one in found]}
