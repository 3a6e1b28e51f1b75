"""The page and its files; and what only a page asks: cards, the best known titles, evidence as a picture."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import RedirectResponse

from api.headers import CSP, TOOL_POLICY, page_policy
from api.page import File, Page
from api.problems import Problem, responses
from api.routes.titles import NodeQuery
from api.schemas_page import BestKnownAnswer, CardsAnswer, ShelvesAnswer
from api.service import AdultQuery, ScopeDep, Service, ServiceDep, read
from api.settings import Settings
from graph.cards import cards, of_hosts
from graph.consistent import at_one_version
from graph.explain import Evidence, explain
from graph.picture import picture
from graph.shelves import WINDOW_DAYS
from graph.store import Scope

_MOST_CARDS, _DRAWN_PATHS, _LOOKED_THROUGH = 100, 8, 50
_FOR_GOOD = "public, max-age=31536000, immutable"

page = APIRouter(include_in_schema=False)
router = APIRouter(tags=["page"])


@page.get("/")
async def index(request: Request) -> Response:
    """The page."""
    held: Page = request.app.state.page
    settings: Settings = request.app.state.service.settings
    return _document(request, held.index, held.version, page_policy(settings.poster_hosts))


@page.get("/docs")
async def docs(request: Request) -> Response:
    """The routes, by Swagger UI."""
    held: Page = request.app.state.page
    return _document(request, held.docs, held.version, TOOL_POLICY)


@page.get("/apidocs")
async def apidocs() -> Response:
    """Where Gorse has its own."""
    return RedirectResponse("/docs")


@page.get("/apidocs.json")
async def apidocs_json() -> Response:
    """The same for programs."""
    return RedirectResponse("/openapi.json")


def _document(request: Request, document: File, version: str, policy: str) -> Response:
    etag = f'W/"{version}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", CSP: policy}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(document.content, media_type=document.media_type, headers=headers)


@page.get("/web/{version}/{name}")
async def file(request: Request, version: str, name: str) -> Response:
    """One of its files. Another version's name gets this one's file, not to be kept: a page that is still open."""
    held: Page = request.app.state.page
    found = held.files.get(name)
    if found is None:
        raise Problem(404, f"the page has no file {name!r}")
    kept = _FOR_GOOD if version == held.version else "no-store"
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": kept})


@router.get("/titles", response_model=CardsAnswer, responses=responses(422, 503))
def titles(
    service: ServiceDep,
    request: Request,
    response: Response,
    id: Annotated[  # noqa: A002
        list[Annotated[str, Path(max_length=200)]],
        Query(min_length=1, max_length=_MOST_CARDS, description="ids of titles", examples=[["tt0114709"]]),
    ],
    adult: AdultQuery = False,
) -> Any:
    """Several titles in short, in the order asked for; ids that the graph does not have are passed over."""
    found = read(service, request, response, lambda: cards(service.store, id, adult=adult))
    return {"titles": [of_hosts(card, service.settings.poster_hosts).as_dict() for card in found]}


@router.get("/best-known", response_model=BestKnownAnswer, responses=responses(404, 422, 503))
def known(
    service: ServiceDep,
    request: Request,
    response: Response,
    scope: ScopeDep,
    limit: Annotated[int, Query(ge=1, le=50, description="how many of each at most")] = 12,
) -> Any:
    """Of the 500 best known titles of the graph those that may be shown, and those that may not."""
    made = read(service, request, response, lambda: _known(service, scope, limit))
    hosts = service.settings.poster_hosts
    return {name: [of_hosts(card, hosts).as_dict() for card in found] for name, found in made.items()}


@router.get("/shelves", response_model=ShelvesAnswer, responses=responses(404, 422, 503))
def shelves(
    service: ServiceDep,
    scope: ScopeDep,
    limit: Annotated[int, Query(ge=1, le=100, description="how many of each at most")] = 24,
) -> Any:
    """What is new in a catalog, and what viewers like now; where few have said anything, the best known after that."""
    made = at_one_version(service.store, lambda: _shelves(service, scope, limit))
    return {**made.value, "window_days": WINDOW_DAYS}


@router.get(
    "/explain.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}}, **responses(404, 422, 503)},
)
def drawn(
    service: ServiceDep,
    request: Request,
    response: Response,
    scope: ScopeDep,
    start: Annotated[NodeQuery, Query(alias="from")],
    to: NodeQuery,
    shape: Annotated[
        Literal["wide", "tall"], Query(description="from left to right; or, for a narrow screen, from the top")
    ] = "wide",
) -> Response:
    """How two titles or people are connected, drawn: paths, and of a substitute what viewers like."""

    def ask() -> str:
        return picture(service.store, start, to, _evidence(service, start, to, scope), shape=shape)

    made = read(service, request, response, ask)
    return Response(made, media_type="image/svg+xml", headers=dict(response.headers))


def _known(service: Service, scope: Scope, limit: int) -> dict[str, Any]:
    service.searcher.check(scope)
    ids = service.best_known()
    offered = set(service.store.offered(scope).column("id").to_pylist())
    inside, outside = ([id_ for id_ in ids if (id_ in offered) is there][:limit] for there in (True, False))
    return {"offered": cards(service.store, inside), "missing": cards(service.store, outside)}


def _shelves(service: Service, scope: Scope, limit: int) -> dict[str, Any]:
    service.searcher.check(scope)
    hosts = service.settings.poster_hosts
    new = service.shelves.new(scope, limit)
    popular = service.shelves.popular(scope, limit, service.best_known())
    return {
        "new": [{**of_hosts(one.card, hosts).as_dict(), "since": one.since} for one in new],
        "popular": [{**of_hosts(one.card, hosts).as_dict(), "viewers": one.viewers} for one in popular],
    }


def _evidence(service: Service, start: str, to: str, scope: Scope) -> list[Evidence]:
    """Paths, and before them the reasons for a substitute that are no paths."""
    paths = explain(service.store, start, to, limit=_DRAWN_PATHS, adult=scope.adult)
    if service.store.get_nodes("Title", [start, to], []).num_rows != 2:
        return paths
    found = service.searcher.similar(start, scope, _LOOKED_THROUGH)
    reasons = next((one.evidence for one in found if one.id == to), ())
    return [*(one for one in reasons if one.kind != "path"), *paths]
