"""What a browser is told, and that the three pages work under it: in Chromium, without one complaint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from pydantic import SecretStr

from api.keys import make
from graph.store import GraphStore

Visiting = Callable[..., Any]
NO_DATA = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ANSWERS = {  # path → status
    "/search?q=toy+story": 200, "/titles/tt0": 404, "/search": 422, "/nowhere": 404, "/web/x/main.js": 200,
    "/health/live": 200, "/metrics": 200, "/openapi.json": 200, "/explain.svg?from=tt0114709&to=tt0120623": 200,
    "/docs/static/swagger-ui.css": 200,
}  # fmt: skip


def directives(answer: httpx.Response) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["content-security-policy"].split(";"))
    return {name: values for name, *values in parts}


@pytest.mark.parametrize(("path", "status"), ANSWERS.items())
def test_every_answer_has_them(client: httpx.Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    told = {name: answer.headers[name] for name in (
        "content-security-policy", "x-content-type-options", "referrer-policy", "permissions-policy",
        "cross-origin-opener-policy", "cross-origin-resource-policy",
    )}  # fmt: skip
    assert told == {
        "content-security-policy": NO_DATA,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    assert "strict-transport-security" not in answer.headers
    assert "server" not in answer.headers or answer.headers["server"] == "uvicorn"  # `serve` leaves it out


def test_an_answer_that_nobody_expected_has_them_too(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_named: Any) -> Any:
        raise RuntimeError

    client = served(own_store, api_key=SecretStr("x" * 32))
    refused = client.get("/catalogs")
    assert (refused.status_code, refused.headers["content-security-policy"]) == (401, NO_DATA)
    monkeypatch.setattr(own_store, "get_nodes", fail)
    failed = client.get("/titles/tt0114709", headers={"X-Api-Key": "x" * 32})
    assert (failed.status_code, failed.headers["content-security-policy"]) == (500, NO_DATA)


@pytest.mark.parametrize("path", ["/", "/docs", "/graphql"])
def test_pages_run_only_scripts_of_the_service(client: httpx.Client, path: str) -> None:
    told = directives(client.get(path, headers={"accept": "text/html"}))
    assert (told["default-src"], told["script-src"], told["connect-src"]) == (["'none'"], ["'self'"], ["'self'"])
    for name in ("base-uri", "form-action", "frame-ancestors"):
        assert told[name] == ["'none'"]
    assert told["style-src"] == (["'self'"] if path == "/" else ["'self'", "'unsafe-inline'"])
    assert told["img-src"] == ["'self'", "data:"]


def test_pictures_also_come_from_the_hosts_that_the_settings_name(own_store: GraphStore, served: Any) -> None:
    hosts = ["images.example.org", "*.example.net", "evil.example; script-src *", "a b", "'unsafe-inline'"]
    told = directives(served(own_store, poster_hosts=hosts).get("/"))
    assert told["img-src"] == ["'self'", "data:", "https://images.example.org", "https://*.example.net"]
    assert told["script-src"] == ["'self'"]


def test_the_page_and_its_evidence_under_their_policy(visit: Visiting) -> None:
    page = visit().open("?title=tt0120623&from=tt0114709&catalog=north")
    expect(page.get_by_role("heading", name="A Bug's Life")).to_be_visible()
    expect(page.locator("main svg").first).to_be_visible()


def test_docs_under_their_policy_and_a_request_from_there(visit: Visiting) -> None:
    visited = visit()
    page = visited.page
    page.goto(f"{visited.address}/docs")
    page.locator("#operations-catalogs-all_catalogs_catalogs_get").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response .microlight").first).to_contain_text('"north"')


def test_docs_with_the_key_of_this_tab(visit: Visiting, own_store: GraphStore, served: Any) -> None:
    _, key = make(own_store, "the page", "read")
    visited = visit(address=str(served(own_store).base_url).rstrip("/"))
    page = visited.page
    page.goto(f"{visited.address}/docs")
    page.evaluate("key => sessionStorage.setItem('reelgraph-key', key)", key)
    page.reload()
    page.locator("#operations-catalogs-all_catalogs_catalogs_get").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response .microlight").first).to_contain_text('"north"')


def test_graphiql_under_its_policy_with_the_key_of_this_tab(
    visit: Visiting, own_store: GraphStore, served: Any
) -> None:
    _, key = make(own_store, "the page", "read")
    visited = visit(address=str(served(own_store).base_url).rstrip("/"))
    page = visited.page
    page.goto(f"{visited.address}/docs")  # a page of the service, for the tab's storage is its origin's
    page.evaluate("key => sessionStorage.setItem('reelgraph-key', key)", key)
    page.goto(f"{visited.address}/graphql")
    page.click(".graphiql-query-editor .CodeMirror")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text('{ title(id: "tt0114709") { title } }')
    page.click(".graphiql-execute-button")
    page.locator(".result-window").get_by_text('"Toy Story"').wait_for()
