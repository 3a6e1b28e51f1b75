"""Every error as a problem (RFC 9457, `application/problem+json`): what, why, and the way out; nothing internal."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from graph.preferences import PreferenceError
from graph.store import (
    GraphStore,
    InvalidQuery,
    InvalidRows,
    NotInGraph,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
)

_log = logging.getLogger("reelgraph.problems")
RETRY_SECONDS = 5
SHOWN_ERRORS = 100
"""Of more things that are wrong with a request the first are named."""
# What a client is told of a store that cannot do it: paths and processes stay in the log.
_STORE_PROBLEMS: Sequence[tuple[type[StoreError], int, str]] = (
    (StoreBusy, 503, "The graph is being written by another process; try again shortly."),
    (StoreFull, 507, "The disk of the graph is full; nothing was changed."),
    (StoreReadOnly, 503, "The graph cannot be written where it is."),
    (StoreError, 503, "The graph cannot be read at the moment."),
)


class Invalid(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="the parameter, or the place in the body", examples=["query.hits"])
    why: str = Field(description="what is wrong with it", examples=["Input should be less than or equal to 20"])


class ProblemDocument(BaseModel):
    """A problem as RFC 9457 describes it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(description="the status in words", examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="what happened, and the way out", examples=["there is no title 'tt0000000'"])
    instance: str | None = Field(default=None, description="the request's id", examples=["urn:request:5d1f"])
    errors: list[Invalid] | None = Field(default=None, description="each thing that is wrong, where several can be")


class Problem(Exception):
    """A problem to answer with."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, errors, headers


def problem_response(
    status: int,
    detail: str,
    request_id: str | None = None,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem as a response."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body["detail"] = detail
    if request_id:
        body["instance"] = f"urn:request:{request_id}"
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Those statuses as problems, for a route's description."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def install(app: FastAPI, store: GraphStore) -> None:
    """Make every error of the app a problem; unexpected ones are `api.requests`' part."""

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> JSONResponse:
        detail = {404: "There is nothing at this address; /docs lists what there is."}.get(
            error.status_code, str(error.detail)
        )
        headers = dict(error.headers or {})
        described = app.openapi()["paths"].get(getattr(request.scope.get("route"), "path", ""))
        if error.status_code == 405 and described:  # one address may have a route for each method
            headers["Allow"] = ", ".join(method.upper() for method in described)
        return problem_response(error.status_code, detail, _id(request), headers=headers)

    @app.exception_handler(RequestValidationError)
    async def of_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"where": ".".join(map(str, one["loc"])), "why": one["msg"]} for one in error.errors()[:SHOWN_ERRORS]]
        named = "; ".join(f"{one['where']}: {one['why']}" for one in errors[:3])
        return problem_response(422, f"The request is not as it should be: {named}", _id(request), errors)

    @app.exception_handler(Problem)
    @app.exception_handler(StoreError)
    async def of_what_is_known(request: Request, error: Problem | StoreError) -> JSONResponse:
        return response_of(request, error, store)

    @app.exception_handler(PreferenceError)
    async def of_preference(request: Request, error: PreferenceError) -> JSONResponse:
        return problem_response(422, str(error), _id(request))


def response_of(request: Request, error: Problem | StoreError, store: GraphStore) -> JSONResponse:
    """A problem, or what a store could not do, as a response."""
    if isinstance(error, Problem):
        return problem_response(error.status, error.detail, _id(request), error.errors, error.headers)
    if isinstance(error, NotInGraph | InvalidRows | InvalidQuery):
        status = 404 if isinstance(error, NotInGraph) else 422
        return problem_response(status, without_place(str(error), store), _id(request))
    status, detail = next((s, d) for kind, s, d in _STORE_PROBLEMS if isinstance(error, kind))
    _log.error("store failed", extra={"fields": {"request_id": _id(request), "error": str(error)}})
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else None
    return problem_response(status, detail, _id(request), headers=headers)


def without_place(text: str, store: GraphStore) -> str:
    """The text without where the store is, which is nobody's business outside."""
    return text.replace(store.url, "the graph").replace(store.url.partition(":")[2] or store.url, "the graph")


def _id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)
