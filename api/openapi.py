"""The OpenAPI document: FastAPI's, with every error described as the problem that it is."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import ProblemDocument, responses

_UNUSED = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once and kept by the app."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in _UNUSED:
            schemas.pop(name, None)
        problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs", {})
        schemas["ProblemDocument"] = problem
        for path, methods in document["paths"].items():
            for operation in methods.values():
                _what_surrounds(path, operation)
        app.openapi_schema = document
    return app.openapi_schema


def _what_surrounds(path: str, operation: dict[str, Any]) -> None:
    """Add what is answered in place of a route: to a key, a rate, a body or a time that is not as it should be."""
    statuses = [503] if path.startswith("/health/") else [429, 503]
    if "security" in operation:
        statuses += [401, 403]
    if "requestBody" in operation:
        statuses += [400, 413]  # 400: bytes that are no text
    told = operation["responses"]
    told |= {str(status): one for status, one in responses(*statuses).items() if str(status) not in told}
    operation["responses"] = dict(sorted(told.items()))
