"""Catalogs: which there are, what one of them offers from now on, and what it lacks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.problems import SHOWN_ERRORS, Problem, responses
from api.schemas_catalogs import CatalogAnswer, CatalogChanges, CatalogsAnswer, CatalogTitles, GapsAnswer
from api.service import DayQuery, RegionQuery, ServiceDep, read, today
from graph.catalogs import Offer, catalogs, change_catalog, replace_offers, wrong_offers
from graph.consistent import at_one_version
from graph.gaps import gaps
from graph.store import Scope

SlugPath = Annotated[
    str, Path(pattern="^[a-z0-9][a-z0-9-]{0,62}$", description="the catalog's slug", examples=["north"])
]

router = APIRouter(tags=["catalogs"])
edits = APIRouter(tags=["catalogs"])


@router.get("/catalogs", response_model=CatalogsAnswer, responses=responses(422, 503))
def all_catalogs(service: ServiceDep, request: Request, response: Response) -> Any:
    """All catalogs, and how many offers each has."""
    found = read(service, request, response, lambda: catalogs(service.store))
    return {"catalogs": [asdict(one) for one in found]}


@edits.put("/catalogs/{slug}/titles", response_model=CatalogAnswer, responses=responses(422, 503, 507))
def put_titles(service: ServiceDep, slug: SlugPath, body: CatalogTitles) -> Any:
    """Say all that a catalog offers from now on. All of it is taken, or, when a row is wrong, none.

    A title that is in no row is offered no more. The catalog is made where it is not there yet.
    """
    offers = [
        Offer(
            row.id,
            row.item_id,
            [code.upper() for code in row.regions],
            row.available_from,
            row.available_until,
            row.pinned,
            row.boost,
        )
        for row in body.titles
    ]
    wrong = wrong_offers(service.store, offers)
    if wrong:
        errors = [{"where": f"body.titles.{place}", "why": why} for place, why in wrong.items()]
        detail = f"{len(wrong)} of {len(offers)} rows are wrong; nothing was changed"
        raise Problem(422, detail, errors[:SHOWN_ERRORS])
    replace_offers(service.store, slug, body.name, offers)
    return next(asdict(one) for one in catalogs(service.store) if one.id == slug)


@edits.patch("/catalogs/{slug}", response_model=CatalogAnswer, responses=responses(404, 422, 503))
def patch_catalog(service: ServiceDep, slug: SlugPath, body: CatalogChanges) -> Any:
    """Change what is said of a catalog: its name, and by which strategy it is answered. What is left out stays."""
    changes = body.model_dump(exclude_unset=True)
    if changes.get("strategy") is not None:
        service.searcher.strategies.check(changes["strategy"])
    change_catalog(service.store, slug, changes)
    return next(asdict(one) for one in catalogs(service.store) if one.id == slug)


@edits.get("/catalogs/{slug}/gaps", response_model=GapsAnswer, responses=responses(404, 422, 503))
def catalog_gaps(
    service: ServiceDep,
    slug: SlugPath,
    region: RegionQuery = None,
    on: DayQuery = None,
    days: Annotated[
        int | None, Query(ge=1, le=3650, description="searches of the last so many days; none: ever")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="how many gaps at most")] = 20,
    budget: Annotated[int | None, Query(ge=1, le=200, description="how many titles to buy; none: no purchases")] = None,
) -> Any:
    """What was wanted and not to be had, weighted by how far the catalog makes up for it; and what to buy."""
    scope = Scope(slug, region.upper() if region else None, on or today())
    found = at_one_version(
        service.store,
        lambda: gaps(
            service.store, scope, minimum_count=service.settings.minimum_count, days=days, limit=limit, budget=budget
        ),
    )
    return found.value.as_dict()
