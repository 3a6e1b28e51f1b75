"""The HTTP service: `create_app` puts routes, roles and what surrounds every request together."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from api import problems, security
from api.access import Access
from api.bounds import BodyLimit, TimeLimit
from api.gorse.app import Backing, Gorse, Options
from api.gorse.plain import Plain
from api.gorse.routes import routes
from api.graphql.limits import Limits
from api.graphql.router import graphql_router
from api.headers import SecurityHeaders
from api.keys import Keys
from api.openapi import describe
from api.page import Page
from api.rates import Rates
from api.requests import Requests
from api.routes import (
    catalogs,
    feedback,
    figures,
    health,
    items,
    metrics,
    page,
    query,
    recommend,
    recommendations,
    search,
    strategies,
    titles,
    users,
)
from api.service import NotModified, Service
from api.settings import Settings
from graph.feedback_kinds import FeedbackKinds
from graph.store import GraphStore

ATTRIBUTION = "Information courtesy of IMDb (https://www.imdb.com). Used with permission."
_DESCRIPTION = f"""An IMDb knowledge graph that recommends titles, says why, and answers a search for a title that a
catalog lacks with the best ones that it has. Ids are IMDb's. Errors are problem details (RFC 9457).

{ATTRIBUTION} IMDb's non-commercial data sets are for personal and non-commercial use.
"""
_GZIP_BYTES = 1000


def create_app(settings: Settings, store: GraphStore) -> FastAPI:
    """The service over a store, which stays the caller's: it is not closed here."""

    service = Service.over(store, settings)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = settings.threads
        await anyio.to_thread.run_sync(service.warm)
        yield
        await anyio.to_thread.run_sync(service.close)

    app = FastAPI(
        title="Reelgraph",
        summary="An IMDb knowledge graph: search, substitutes, reasons.",
        description=_DESCRIPTION,
        version=version("reelgraph"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.state.page = Page.of_package()
    app.mount("/api", Gorse(_backing(service), routes()))  # first: it is looked for in this order
    app.include_router(health.router)
    app.include_router(page.page)
    app.mount("/docs/static", StaticFiles(packages=[("fastapi_offline", "static")]))  # Swagger UI's files
    for router in (
        search.router, page.router, recommend.router, titles.router, catalogs.router, items.router, figures.router,
        metrics.router, recommendations.router, strategies.router,
    ):  # fmt: skip
        app.include_router(router, dependencies=[security.READER])
    app.include_router(graphql_router(store, service.searcher, Limits.of(settings)))
    for router in (catalogs.edits, feedback.router, users.router, items.edits):
        app.include_router(router, dependencies=[security.EDITOR])
    app.include_router(query.router, dependencies=[security.ADMIN])
    problems.install(app, store)
    app.exception_handler(NotModified)(_not_modified)
    _surround(app, service, Keys(store, settings.api_key), Rates.of(settings))
    service.tracing.instrument(app)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


def _backing(service: Service) -> Backing:
    """What Gorse's contract stands on."""
    settings = service.settings
    options = Options(
        settings.gorse_default_n, settings.gorse_cache_size, settings.gorse_auto_insert_user,
        settings.gorse_auto_insert_item, settings.gorse_replacement,
    )  # fmt: skip
    kinds = FeedbackKinds.configured(settings)
    return Backing(service.store, service.items, service.feedback, kinds, options)


def _surround(app: FastAPI, service: Service, keys: Keys, rates: Rates) -> None:
    """Middleware; the last one added is the outermost."""
    settings = service.settings
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_BYTES)
    app.add_middleware(BodyLimit, most=settings.body_bytes)
    app.add_middleware(TimeLimit, seconds=settings.request_seconds)
    app.add_middleware(Access, keys=keys, rates=rates, settings=settings, store=service.store)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Content-Type", "If-None-Match", "X-Request-Id", "Authorization", security.KEY_HEADER],
            expose_headers=["ETag", "X-Request-Id", "Retry-After"],
        )
    app.add_middleware(Requests, metrics=service.metrics)
    app.add_middleware(Plain)
    app.add_middleware(SecurityHeaders)


async def _not_modified(_request: Request, error: NotModified) -> Response:
    return Response(status_code=304, headers={"ETag": error.etag, "Cache-Control": "no-cache"})
