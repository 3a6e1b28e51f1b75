"""Two strategies side by side on the page: a viewer's lists beside what the viewer said, and what is like a title."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from api.app import create_app
from api.settings import Settings
from graph.store import open_store
from tests.api.conftest import running
from tests.api.test_page_accessibility import grave
from tests.api.test_page_troubles import forgive
from tests.graph.test_strategies import publish

Visiting = Callable[..., Any]
INCEPTION, MATRIX, GERI, TOY_STORY = "tt1375666", "tt0133093", "tt0131409", "tt0114709"


@pytest.fixture(scope="module")
def page_address(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service over the sample, in which ada has rated three titles and watched one; towers are published, too."""
    folder = tmp_path_factory.mktemp("compared") / "store"
    shutil.copytree(sample_folder, folder)
    with (
        contextlib.closing(open_store(f"embedded:{folder}")) as store,
        running(create_app(Settings(store=store.url, count_searches=False), store)) as client,
    ):
        publish(store)
        rated = [(MATRIX, 4.5), (GERI, 1), (INCEPTION, 5)]
        events = [{"user": "ada", "title": title, "type": "rating", "value": value} for title, value in rated]
        watched = {"user": "ada", "title": MATRIX, "type": "watch"}
        assert client.post("/feedback", json=[*events, watched]).status_code == 200
        yield str(client.base_url).rstrip("/")


def lists(page: Page) -> list[Locator]:
    """The first list and the second one."""
    return page.locator("ol.ranked").all()


def titles(place: Locator) -> list[str]:
    return [one.get_attribute("data-id") or "" for one in place.locator("li").all()]


def marks(place: Locator) -> list[str]:
    """What the second list says of each title, without the words for those who do not see it."""
    return [one.inner_text() for one in place.locator(".move > [aria-hidden]").all()]


def recommended(address: str, **asked: Any) -> list[str]:
    answer = httpx.get(f"{address}/users/ada/recommendations", params={"catalog": "north", **asked}, trust_env=False)
    return [one["id"] for one in answer.json()["items"]]


def test_both_lists_are_what_the_service_answers_beside_what_the_viewer_gave(
    visit: Visiting, page_address: str
) -> None:
    visited = visit()
    page = visited.open("?view=compare&user=ada&catalog=north&strategy=genres&top=20")
    asked = [urlsplit(url) for url in visited.requests if "/users/" in url or "/titles" in url]
    assert sorted(one.path for one in asked) == ["/users/ada/feedback"] + ["/users/ada/recommendations"] * 2
    assert all(dict(parse_qsl(one.query))["count"] == "false" for one in asked[-2:])
    usual, by_genres = (recommended(page_address, limit=20, **by) for by in ({}, {"strategy": "genres"}))
    first, second = lists(page)
    assert (titles(first), titles(second)) == (usual, by_genres)
    expected = []
    for at, id_ in enumerate(by_genres):
        by = usual.index(id_) - at if id_ in usual else None
        expected.append("new" if by is None else f"↑ {by}" if by > 0 else f"↓ {-by}" if by else "=")
    assert marks(second) == expected
    assert {one[0] for one in expected} >= {"n", "↑", "↓"}, "the sample no longer tells the three cases apart"
    gone = first.locator("li", has=page.locator(".gone"))
    assert [one.get_attribute("data-id") for one in gone.all()] == [id_ for id_ in usual if id_ not in by_genres]
    both = len(set(usual) & set(by_genres))
    expect(page.locator(".compare .facts.large")).to_contain_text(f"{both} of 20 titles are in both")
    expect(page.get_by_role("region", name="genres")).to_contain_text("cosine of genres, by rarity")
    given = page.get_by_role("list", name="What was said").get_by_role("listitem")
    expect(given).to_have_count(3)
    rows = ("Inception|rated 5", "The Matrix|watched|rated 4.5", "Geri's Game|rated 1|counts as not liked")
    for row, parts in enumerate(rows):
        for part in parts.split("|"):
            expect(given.nth(row)).to_contain_text(part)


def test_the_ranker_comes_first_and_others_are_chosen_by_keyboard_and_stay_in_the_address(
    visit: Visiting, page_address: str
) -> None:
    visited = visit()
    page = visited.open("?view=compare&user=ada&catalog=north")
    second = page.get_by_label("Second list")
    expect(second).to_have_value("towers-ranked")
    columns = page.locator(".ranked-head")
    expect(columns.nth(0)).to_contain_text("First list, before the ranker")
    expect(columns.nth(1)).to_contain_text("Second list, after the ranker")
    before, after = (recommended(page_address, strategy=name) for name in ("towers", "towers-ranked"))
    assert before != after
    assert [titles(one) for one in lists(page)] == [before, after]
    second.focus()
    page.keyboard.type("genres")
    page.wait_for_url(lambda url: "left=towers&right=genres" in url)
    expect(page.get_by_label("Second list")).to_be_focused()
    page.get_by_label("First list").select_option("people")
    expect(page.locator("#first")).to_have_text("people")
    page.get_by_label("Titles of each").select_option("20")
    expect(page.locator("ol.ranked").last.locator("li")).to_have_count(20)
    chosen = {"view": "compare", "user": "ada", "catalog": "north", "left": "people", "right": "genres", "top": "20"}
    assert visited.query == chosen
    shown = [titles(one) for one in lists(page)]
    page.reload()
    expect(page.locator("ol.ranked")).to_have_count(2)
    assert [titles(one) for one in lists(page)] == shown
    page.get_by_role("link", name="Swap").press("Enter")
    expect(page.locator("#first")).to_have_text("genres")
    expect(page.get_by_role("link", name="Swap")).to_be_focused()
    assert [titles(one) for one in lists(page)] == shown[::-1]
    assert visited.query == chosen | {"left": "genres", "right": "people"}
    page.get_by_role("link", name="Somebody else").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Whose lists, side by side?")
    page.get_by_role("link", name="ada").click()
    expect(page.locator("#first")).to_have_text("genres")
    own = page.get_by_role("link", name="ada’s page")
    expect(own).to_have_attribute("href", "?view=viewer&user=ada&catalog=north")


def test_the_same_title_lights_in_both_and_so_does_what_follows_from_one(visit: Visiting) -> None:
    page = visit().open("?view=compare&user=ada&catalog=north&left=genres&right=hand-weights")
    first, second = lists(page)
    (shared, *_) = [id_ for id_ in titles(first) if id_ in titles(second)]
    lit = page.locator(".beside .same")
    first.locator(f"[data-id={shared}] a").focus()
    assert [one.get_attribute("data-id") for one in lit.all()] == [shared, shared]
    page.get_by_label("First list").focus()
    expect(lit).to_have_count(0)
    second.locator(f"[data-id={shared}]").hover()
    expect(lit).to_have_count(2)
    page.get_by_role("list", name="What was said").locator(f"[data-id={INCEPTION}]").hover()
    follow = page.locator(".beside .kin")
    expect(follow).to_have_count(page.locator(f"[data-from={INCEPTION}]").count())
    expect(follow.first).to_contain_text("because of Inception")


def test_a_strategy_that_cannot_answer_here_says_what_is_missing(visit: Visiting, page_address: str) -> None:
    visited = visit()
    page = visited.open("?view=compare&user=ada&left=clusters-plots&right=nonsense")
    (clusters,) = [
        one
        for one in httpx.get(f"{page_address}/strategies", trust_env=False).json()["strategies"]
        if one["name"] == "clusters-plots"
    ]
    column = page.get_by_role("region", name="clusters-plots")
    expect(column.get_by_role("alert")).to_have_text(f"It cannot answer here: {clusters['missing']}.")
    expect(page.get_by_role("alert").last).to_contain_text("No strategy is called “nonsense” here.")
    expect(page.get_by_label("Second list")).to_have_value("nonsense")
    assert not any("recommendations" in url for url in visited.requests)
    page.get_by_label("Second list").select_option("genres")
    expect(page.get_by_role("list", name="genres").get_by_role("listitem")).to_have_count(10)
    expect(page.locator(".move")).to_have_count(0)
    page.get_by_label("First list").select_option("people")
    expect(page.locator(".move").first).to_be_visible()
    page.goto(f"{visited.address}/?view=compare&user=ada&catalog=nowhere")
    expect(page.get_by_role("alert")).to_contain_text("there is no catalog 'nowhere'")
    forgive(visited, "404")


def test_what_is_like_a_title_is_compared_too(visit: Visiting, page_address: str) -> None:
    visited = visit()
    page = visited.open(f"?title={TOY_STORY}&catalog=north&all=1")
    page.get_by_role("link", name="compare strategies").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Like Toy Story, side by side")
    page.get_by_label("Second list").select_option("people")
    expect(page.locator("#second")).to_have_text("people")
    asked = {"catalog": "*", "strategy": "people"}
    answer = httpx.get(f"{page_address}/titles/{TOY_STORY}/similar", params=asked, trust_env=False).json()
    assert titles(lists(page)[1]) == [one["id"] for one in answer["similar"]]
    lists(page)[1].get_by_role("link").first.click()
    expect(page.get_by_role("region", name="Why it is close to Toy Story")).to_be_visible()
    assert "right" not in visited.query
    page.go_back()
    expect(page.locator("#second")).to_have_text("people")


def test_the_view_fits_a_phone_and_axe_finds_nothing_serious(visit: Visiting) -> None:
    page = visit().open("?view=compare&user=ada&catalog=north&left=genres&right=people")
    page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
    page.locator("ol.ranked a").first.focus()
    assert grave(page, {}) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    tops = page.locator(".ranked-column").evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    assert len(set(tops)) == len(tops), "columns do not stack"
    page.emulate_media(color_scheme="dark")
    assert grave(page, {"runOnly": ["color-contrast", "target-size", "scrollable-region-focusable"]}) == []
