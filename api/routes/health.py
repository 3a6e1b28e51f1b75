"""Whether the process runs, and whether it can answer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import anyio
from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.problems import Problem, responses
from api.service import Service, ServiceDep
from graph.foldin import VECTORS, WEIGHTS
from graph.refreshed import refreshed

router = APIRouter(prefix="/health", tags=["operations"])


class Live(BaseModel):
    """The process answers."""

    status: str = Field(examples=["live"])


class Fresh(BaseModel):
    """How the last `reelgraph refresh` went. What went wrong is shown by `reelgraph doctor`, not to strangers."""

    state: str = Field(description="running, broken off, done, failed or refused", examples=["done"])
    step: str = Field(description="what it is at, or was at when it ended", examples=["load"])
    fresh: dt.datetime | None = Field(description="when one last succeeded")
    age_seconds: float | None = Field(description="since then", examples=[3600.0])


class Ready(BaseModel):
    """The store answers."""

    status: str = Field(examples=["ready"])
    version: str = Field(description="of the graph", examples=["000001"])
    embeddings: dict[str, str] = Field(
        description="published vectors and the run of each", examples=[{"substitute_vector": "substitutes"}]
    )
    refresh: Fresh | None = Field(description="the last refresh; null: there was none. Readiness does not depend on it")


@router.get("/live", response_model=Live)
async def live() -> Any:
    """Whether the process answers at all; asks nothing of the store, nor of the threads that do."""
    return {"status": "live"}


@router.get("/ready", response_model=Ready, responses=responses(503))
async def ready(service: ServiceDep) -> Any:
    """Whether it can answer: the store is there, something is loaded, and its vectors belong together."""
    # A limiter of its own, so that requests that wait for a thread do not make the service look dead.
    return await anyio.to_thread.run_sync(_readiness, service, limiter=service.probes)


def _readiness(service: Service) -> dict[str, Any]:
    service.store.ping()
    info = service.store.info()
    if not info.version:
        raise Problem(503, "Nothing is loaded yet: reelgraph load --imdb DIR", headers={"Retry-After": "5"})
    runs = {name: made.run for name, made in info.embeddings.items()}
    if runs.get(VECTORS) != runs.get(WEIGHTS):
        detail = f"{VECTORS} is of run {runs.get(VECTORS)}, {WEIGHTS} of {runs.get(WEIGHTS)}; publish one run"
        raise Problem(503, detail, headers={"Retry-After": "5"})
    return {"status": "ready", "version": info.version, "embeddings": runs, "refresh": _last_refresh(service)}


def _last_refresh(service: Service) -> dict[str, Any] | None:
    last = refreshed(service.store)
    return None if last is None else {name: getattr(last, name) for name in Fresh.model_fields}
