"""GraphiQL in a real browser: it runs a query, shows the answer, and asks no other host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM if CHROMIUM.exists() else None, args=["--no-sandbox"]
        )
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def test_graphiql_runs_a_query_and_asks_no_other_host(client: httpx.Client, page: Page) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{client.base_url}/graphql")
    page.click(".graphiql-query-editor .CodeMirror")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text('{ title(id: "tt0114709") { title startYear } }')
    page.click(".graphiql-execute-button")
    result = page.locator(".result-window")
    result.get_by_text('"Toy Story"').wait_for()
    assert '"startYear": 1995' in result.inner_text()
    page.click("[aria-label='Show Documentation Explorer']")
    page.locator(".graphiql-doc-explorer").get_by_text("TitleConnection", exact=True).wait_for()
    page.click("[aria-label='Open settings dialog']")
    page.get_by_text("Persist headers").wait_for()
    assert said == []
    assert len(asked) >= 8
    assert {urlsplit(url).netloc for url in asked} == {client.base_url.netloc.decode()}
