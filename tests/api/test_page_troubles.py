"""The page when something is wrong: a catalog that is not there, no connection, a missing key, foreign posters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from api.keys import make
from graph.store import GraphStore
from loaders.catalog import CatalogFile
from loaders.load import load

Visiting = Callable[..., Any]


def forgive(visited: Any, text: str) -> None:
    """What the browser itself says of an answer that the page is meant to be given; once or more."""
    assert any(text in one for one in visited.complaints)
    visited.complaints[:] = [one for one in visited.complaints if text not in one]


def test_a_problem_is_told_in_the_services_words_with_a_way_on(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("?q=toy+story&catalog=nowhere")
    expect(page.get_by_role("alert")).to_contain_text("there is no catalog 'nowhere'; there are: north, south")
    expect(page.get_by_label("Catalog")).to_have_value("nowhere")
    page.get_by_label("Catalog").select_option("North")
    expect(page.locator(".status")).to_have_text("Not in this catalog. Closest you have:")
    forgive(visited, "404")


def test_without_a_connection_that_is_said_and_it_comes_back_by_itself(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("?q=toy+story&catalog=north")
    expect(page.locator("main .card")).to_have_count(5)
    page.context.set_offline(True)
    page.get_by_role("combobox", name="A title, a person").fill("metropolis")
    expect(page.get_by_role("alert")).to_contain_text("You are offline")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Metropolis")).to_be_visible()
    forgive(visited, "ERR_INTERNET_DISCONNECTED")


@pytest.fixture
def with_key(own_store: GraphStore, served: Callable[..., Any]) -> tuple[str, str]:
    """A service with a key, and the key."""
    _, key = make(own_store, "the page", "read")
    return str(served(own_store).base_url).rstrip("/"), key


def test_a_key_is_asked_for_once_and_kept_for_the_tab(visit: Visiting, with_key: tuple[str, str]) -> None:
    address, key = with_key
    visited = visit(address=address)
    page = visited.page
    page.goto(f"{address}/?q=toy+story&catalog=north")
    dialog = page.get_by_role("dialog", name="This service asks for a key")
    dialog.get_by_label("Key").fill("not that one")
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog).to_contain_text("That key was not accepted.")
    dialog.get_by_label("Key").fill(key)
    dialog.get_by_role("button", name="Use this key").click()
    expect(page.locator(".status")).to_have_text("Not in this catalog. Closest you have:")
    page.reload()
    expect(page.locator("main .card")).to_have_count(5)
    expect(dialog).to_be_hidden()
    assert key not in page.url
    assert page.evaluate("Object.values(localStorage)") == []
    forgive(visited, "401")


def test_without_a_key_the_page_says_what_the_service_says(visit: Visiting, with_key: tuple[str, str]) -> None:
    address, _ = with_key
    visited = visit(address=address)
    visited.page.goto(f"{address}/?q=toy+story")
    visited.page.get_by_role("button", name="Not now").click()
    expect(visited.page.get_by_role("alert")).to_contain_text("Send a key of this service")
    forgive(visited, "401")


@pytest.fixture
def with_posters(own_store: GraphStore, tmp_path: Path) -> GraphStore:
    """A catalog whose one title has a poster on another host."""
    file = tmp_path / "posters.csv"
    file.write_text(
        "item_id,tconst,title,year,poster_url\nP1,tt0017136,Metropolis,1927,https://images.example.org/m.jpg\n"
    )
    load(own_store, catalogs=[CatalogFile(file, "posters", "Posters")])
    return own_store


def test_a_poster_from_a_host_that_is_not_named_is_never_asked_for(
    visit: Visiting, with_posters: GraphStore, served: Callable[..., Any]
) -> None:
    client = served(with_posters)
    assert client.get("/titles/tt0017136").json()["poster_url"] == "https://images.example.org/m.jpg"
    page = visit(address=str(client.base_url).rstrip("/")).open("?q=metropolis&catalog=posters")
    expect(page.locator(".asked .poster > svg")).to_be_visible()
    expect(page.locator("img")).to_have_count(0)


def test_a_poster_from_a_named_host_is_shown(with_posters: GraphStore, served: Callable[..., Any]) -> None:
    client = served(with_posters, poster_hosts=["images.example.org"])
    (card,) = client.get("/titles", params={"id": "tt0017136"}).json()["titles"]
    assert card["poster_url"] == "https://images.example.org/m.jpg"
