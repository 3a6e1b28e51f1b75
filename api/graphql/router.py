"""`/graphql`: queries by POST and GET, and GraphiQL for a browser that comes without one.

strawberry runs the queries; its own router is not used, for it opens a WebSocket that nothing here needs, keeps a
response in an attribute that concurrent requests share, and answers mistakes of HTTP without a problem document.
"""

from __future__ import annotations

import asyncio
import json
import logging
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from graphql import GraphQLError
from pydantic import BaseModel, ConfigDict, Field
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from api import security
from api.graphql.batches import Batches, Sources
from api.graphql.limits import Limits
from api.graphql.schema import Schema, make_schema
from api.headers import CSP, TOOL_POLICY
from api.problems import Problem, responses, without_place
from graph.consistent import at_one_version
from graph.ordered import InvalidCursor
from graph.search import Searcher
from graph.store import GraphStore, InvalidRows, NotInGraph
from graph.strategy import StrategyError

_LONGEST = 20_000
_LONGEST_IN_ADDRESS = 2_500  # of any characters, so that the whole address stays below the 64 KiB that are read
_HIDDEN = "Something went wrong here; the log knows more by the request's id."
_FILES = {
    "graphiql.js": "text/javascript",
    "vendor/graphiql/graphiql.min.js": "text/javascript",
    "vendor/graphiql/graphiql.min.css": "text/css",
    "vendor/graphiql/react.production.min.js": "text/javascript",
    "vendor/graphiql/react-dom.production.min.js": "text/javascript",
}
_log = logging.getLogger("reelgraph.graphql")


class GraphQLQuery(BaseModel):
    """One query, as GraphQL over HTTP has it."""

    model_config = ConfigDict(extra="ignore")

    query: str = Field(min_length=1, max_length=_LONGEST, examples=["{ genres { name } }"])
    variables: dict[str, Any] | None = Field(default=None, description="values of the variables that the query names")
    operationName: str | None = Field(default=None, max_length=200, description="name of the query")  # noqa: N815


class GraphQLAnswer(BaseModel):
    """What a query found, and what went wrong with it."""

    model_config = ConfigDict(extra="forbid")

    data: dict[str, Any] | None = Field(description="as the query has it; null where a mistake leaves nothing of it")
    errors: list[dict[str, Any]] | None = Field(default=None, description="`message`, `path` and `locations` of each")


def graphql_router(store: GraphStore, searcher: Searcher, limits: Limits) -> APIRouter:
    """The routes over a store. Queries need the role of a reader; GraphiQL itself needs none, for it shows no data."""
    schema, sources, seconds = make_schema(limits), Sources.over(store, searcher), limits.seconds
    router = APIRouter(tags=["graphql"])
    described: dict[str, Any] = {"response_model": GraphQLAnswer, "responses": responses(400, 422, 503)}

    @router.post("/graphql", dependencies=[security.READER], **described)
    def post(request: Request, asked: GraphQLQuery) -> Response:
        """Ask the graph in GraphQL. Mistakes in the query are in `errors`, with status 200."""
        return _answer(schema, sources, request, asked, seconds)

    @router.get("/graphql", dependencies=[Security(security.declared, scopes=["read"])], **described)
    async def get(
        request: Request,
        query: Annotated[
            str | None,
            Query(min_length=1, max_length=_LONGEST_IN_ADDRESS, description="a query; a browser may leave it out"),
        ] = None,
        variables: Annotated[str | None, Query(max_length=_LONGEST_IN_ADDRESS, description="as JSON")] = None,
        operation: Annotated[
            str | None, Query(alias="operationName", max_length=200, description="name of the query")
        ] = None,
    ) -> Response:
        """The same by GET; without a query GraphiQL, where one writes queries."""
        if query is None:
            return _page(request)
        security.check(request, "read")
        asked = GraphQLQuery(query=query, variables=_variables(variables), operationName=operation)
        return await run_in_threadpool(_answer, schema, sources, request, asked, seconds)

    @router.get("/graphql/{name:path}", include_in_schema=False)
    def file(name: str) -> Response:
        if name not in _FILES:
            raise Problem(404, "GraphiQL has no such file.")
        content = (files("api") / "web" / name).read_bytes()
        return Response(content, media_type=_FILES[name], headers={"Cache-Control": "public, max-age=86400"})

    return router


def execute(schema: Schema, sources: Sources, asked: GraphQLQuery, seconds: float | None = None) -> ExecutionResult:
    """Run a query against one version of the graph, in this thread, with an event loop of its own.

    seconds: after so many it ends before its next batch, for who asked has gone or been told that it took too long.

    Raises Problem when the document has no such query or it takes too long; StoreBusy when the graph changes faster
    than it can be read.
    """

    async def run() -> ExecutionResult:
        async with asyncio.timeout(seconds):
            return await schema.execute(
                asked.query,
                variable_values=asked.variables,
                context_value=Batches(sources),
                operation_name=asked.operationName,
                allowed_operation_types=(OperationType.QUERY,),
            )

    try:
        return at_one_version(sources.store, lambda: asyncio.run(run())).value
    except TimeoutError:
        raise Problem(503, f"There was no answer within {seconds:g} seconds.") from None
    except CannotGetOperationTypeError:
        raise Problem(400, f"The document has no operation {asked.operationName!r}.") from None
    except InvalidOperationTypeError:
        raise Problem(400, "Only queries are answered here: the graph is changed by other routes.") from None


def _answer(schema: Schema, sources: Sources, request: Request, asked: GraphQLQuery, seconds: float | None) -> Response:
    result = execute(schema, sources, asked, seconds)
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [
            told(error, sources.store, getattr(request.state, "request_id", "")).formatted for error in result.errors
        ]
    # Escaped, for a text that was asked may hold half a character, which is no UTF-8.
    return Response(json.dumps(body), media_type="application/json")


def told(error: GraphQLError, store: GraphStore, request_id: str) -> GraphQLError:
    """The error as the client is told it: what was asked wrongly in full, anything else not at all but in the log."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return error
    message = _HIDDEN
    if isinstance(cause, NotInGraph | InvalidRows | InvalidCursor | StrategyError):
        message = without_place(str(cause), store)
    else:
        _log.error("query failed", exc_info=cause, extra={"fields": {"request_id": request_id}})
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path)


def _variables(text: str | None) -> dict[str, Any] | None:
    try:
        value = json.loads(text) if text else None
    except ValueError:
        value = text
    if value is not None and not isinstance(value, dict):
        raise Problem(400, "`variables` is not a JSON object.")
    return value


def _page(request: Request) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        raise Problem(400, "Send a query as `query`, or open this address in a browser.")
    content = (files("api") / "web" / "graphiql.html").read_bytes()
    return HTMLResponse(content, headers={CSP: TOOL_POLICY, "Cache-Control": "no-cache"})
