"""`POST /query`: a statement in the engine's own language, for administrators who explore; it only reads."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.problems import Problem, responses
from api.service import ServiceDep
from graph.store import QueryableStore

MOST_ROWS, MOST_SECONDS, _LONGEST, _MOST_PARAMETERS = 10_000, 30.0, 20_000, 100
_Text = Annotated[str, Field(max_length=200)]
_Value = str | int | float | bool | None
router = APIRouter(tags=["operations"])


class Statement(BaseModel):
    """What is asked of the engine."""

    model_config = ConfigDict(extra="forbid")

    statement: str = Field(
        min_length=1, max_length=_LONGEST, description="in the engine's language", examples=["MATCH (t:Title) RETURN t"]
    )
    parameters: dict[_Text, _Value | list[_Value]] = Field(
        default={}, max_length=_MOST_PARAMETERS, description="values that the statement names"
    )
    limit: int = Field(default=100, ge=1, le=MOST_ROWS, description="how many rows at most")
    seconds: float = Field(default=10, gt=0, le=MOST_SECONDS, description="how long it may take")


class StatementAnswer(BaseModel):
    """What it found."""

    model_config = ConfigDict(extra="forbid")

    language: Literal["cypher", "gremlin"]
    columns: list[str]
    rows: list[list[Any]]
    more: bool = Field(description="whether there are more rows than were asked for")


@router.post("/query", response_model=StatementAnswer, responses=responses(404, 422, 503))
def query(service: ServiceDep, body: Statement) -> Any:
    """Read from the engine in its own language: Cypher or Gremlin. 404 where it has none, as the embedded store."""
    store = service.store
    if not isinstance(store, QueryableStore):
        raise Problem(404, "This store runs no statements of others; /graphql answers typed queries on every store.")
    found = store.query(body.statement, body.parameters, limit=body.limit + 1, seconds=body.seconds)
    return {
        "language": store.query_language,
        "columns": list(found.columns),
        "rows": [list(row) for row in found.rows[: body.limit]],
        "more": len(found.rows) > body.limit,
    }
