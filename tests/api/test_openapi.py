"""The service's own description: valid, complete, with examples; and a page that shows it without other hosts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis.core.failures import Failure, FailureGroup

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> Any:
    return client.get("/openapi.json").json()


def test_title_version_and_attribution(document: Any) -> None:
    assert (document["openapi"][:3], document["info"]["title"]) == ("3.1", "Reelgraph")
    assert (
        "Information courtesy of IMDb (https://www.imdb.com). Used with permission." in document["info"]["description"]
    )


def test_every_route_is_there(document: Any) -> None:
    routes = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert routes >= {
        ("GET", "/search"),
        ("GET", "/titles/{id}"),
        ("GET", "/titles/{id}/similar"),
        ("GET", "/people/{id}"),
        ("GET", "/explain"),
        ("GET", "/catalogs"),
        ("PUT", "/catalogs/{slug}/titles"),
        ("GET", "/catalogs/{slug}/gaps"),
        ("POST", "/recommend"),
        ("GET", "/figures"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/metrics"),
        ("POST", "/query"),
    }


def test_the_document_is_valid_and_its_references_lead_somewhere(document: Any) -> None:
    schemathesis.openapi.from_dict(document).validate()
    names = set(re.findall(r'#/components/schemas/([^"\']+)', str(document)))
    assert names == document["components"]["schemas"].keys()


def test_every_route_says_what_it_is_and_which_problems_it_has(document: Any) -> None:
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route["description"], path
            for status, answer in route["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, method, status)
            if route.get("parameters") or "requestBody" in route:
                assert "422" in route["responses"], path
            for parameter in route.get("parameters", ()):
                assert parameter["description"], (path, parameter["name"])


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/search", "/search?q=toy+story&catalog=north&hits=3"),
        ("/search", "/search?q=hayao+miyazaki"),
        ("/search", "/search"),
        ("/search", "/search?q=x&catalog=west"),
        ("/titles/{id}", "/titles/tt0903747"),
        ("/titles/{id}", "/titles/tt9999999"),
        ("/titles/{id}/similar", "/titles/tt0114709/similar"),
        ("/people/{id}", "/people/nm0005124"),
        ("/explain", "/explain?from=tt0114709&to=tt0120623"),
        ("/catalogs", "/catalogs"),
        ("/figures", "/figures"),
        ("/health/live", "/health/live"),
        ("/health/ready", "/health/ready"),
        ("/metrics", "/metrics"),
    ],
)
def test_answers_are_as_described(client: httpx.Client, document: Any, template: str, path: str) -> None:
    operation = schemathesis.openapi.from_dict(document)[template]["GET"]
    got = client.get(path)
    operation.validate_response(got)
    if got.headers["content-type"] == "application/json":
        other = httpx.Response(got.status_code, json={"no": "answer"}, request=got.request)
        other.elapsed = got.elapsed
        with pytest.raises((Failure, FailureGroup)):
            operation.validate_response(other)


def test_the_page_of_docs_needs_no_other_host(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert [name.rpartition("/")[2] for name in named] == [
        "favicon.png", "swagger-ui.css", "swagger-ui-bundle.js", "docs.js",
    ]  # fmt: skip
    for name in named:
        assert client.get(f"/{name}").status_code == 200
    assert "https://" not in page.text
    assert client.get("/redoc").status_code == 404


def test_serving_imports_no_training_library() -> None:
    code = (
        "import sys, api.commands, api.serve, api.app, reelgraph; "
        "print(sorted({'torch', 'dgl', 'pykeen'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
