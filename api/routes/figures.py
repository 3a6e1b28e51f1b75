"""`GET /figures`: the graph in numbers, counted once a version."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.problems import responses
from api.schemas_details import FiguresAnswer
from api.service import ServiceDep, read

router = APIRouter(tags=["graph"])


@router.get("/figures", response_model=FiguresAnswer, responses=responses(422, 503))
def figures(service: ServiceDep, request: Request, response: Response) -> Any:
    """Counts, degrees, genres, titles a year, ratings against votes."""
    return read(service, request, response, service.figures)
