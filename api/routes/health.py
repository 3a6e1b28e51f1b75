"""Whether the process runs, and whether it can answer."""

from __future__ import annotations

from typing import Any

import anyio
from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.problems import Problem, responses
from api.service import Service, ServiceDep
from graph.foldin import VECTORS, WEIGHTS

router = APIRouter(prefix="/health", tags=["operations"])


class Live(BaseModel):
    """The process answers."""

    status: str = Field(examples=["live"])


class Ready(BaseModel):
    """The store answers."""

    status: str = Field(examples=["ready"])
    version: str = Field(description="of the graph", examples=["000001"])
    embeddings: dict[str, str] = Field(
        description="published vectors and the run of each", examples=[{"substitute_vector": "substitutes"}]
    )


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
    return {"status": "ready", "version": info.version, "embeddings": runs}
