"""A viewer on the page: chosen or made, marking titles, and what is recommended changes at once."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from api.keys import make
from graph.store import GraphStore, open_store
from graph.users import feedback_of
from loaders.load import load_sample
from tests.api.test_page_accessibility import grave
from tests.api.test_page_troubles import forgive

Visiting = Callable[..., Any]
MATRIX, WALL_E, TOY_STORY = "tt0133093", "tt0910970", "tt0114709"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `reelgraph demo` makes."""
    folder = tmp_path_factory.mktemp("demo") / "store"
    with contextlib.closing(open_store(f"embedded:{folder}", create=True)) as store:
        load_sample(store, viewers=True)
    return folder


@pytest.fixture
def store(demo: Path, tmp_path: Path) -> Iterator[GraphStore]:
    """The same in a store of the test's own."""
    shutil.copytree(demo, tmp_path / "store")
    with contextlib.closing(open_store(f"embedded:{tmp_path / 'store'}")) as store:
        yield store


@pytest.fixture
def at(store: GraphStore, served: Callable[..., httpx.Client]) -> str:
    """Where that store is served."""
    return str(served(store).base_url).rstrip("/")


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def titles(place: Locator) -> list[str]:
    return place.locator(".card h3").all_inner_texts()


def said(store: GraphStore, user: str) -> set[tuple[str, str]]:
    return {(one.title, one.type) for one in feedback_of(store, [user])}


def test_a_new_viewer_marks_one_title_and_is_recommended_others_for_it(
    visit: Visiting, store: GraphStore, at: str
) -> None:
    visited = visit(address=at)
    page = visited.open("?catalog=north")
    page.get_by_role("link", name="Viewer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who is watching?")
    page.get_by_label("Viewer", exact=True).fill("zoë 1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("For zoë 1")
    assert visited.query == {"view": "viewer", "user": "zoë 1", "catalog": "north"}
    begin = row(page, "Which of these did you watch?")
    expect(begin).to_contain_text("Nothing is recommended yet")
    expect(row(page, "Recommended")).to_have_count(0)
    begin.get_by_role("group", name="Inception, said by zoë 1").get_by_role("button", name="Watched").click()
    recommended = row(page, "Recommended")
    expect(recommended.locator(".card")).to_have_count(12)
    expect(recommended.get_by_role("list", name="Why").first.get_by_role("listitem").first).to_have_text(
        "because of Inception"
    )
    expect(row(page, "Because you watched Inception").locator(".card").first).to_be_visible()
    assert said(store, "zoë 1") == {("tt1375666", "watch")}
    expect(begin).to_have_count(0)
    for name in page.locator(".cards").all():
        assert "Inception" not in name.locator("h3").all_inner_texts()


def test_each_mark_changes_what_is_recommended_and_can_be_undone(visit: Visiting, store: GraphStore, at: str) -> None:
    page = visit(address=at).open("?view=viewer&user=ada&catalog=north")
    recommended = row(page, "Recommended")
    expect(recommended.locator(".card")).to_have_count(12)
    before = titles(recommended)
    card = recommended.locator(".card").nth(2)
    name, id_ = card.locator("h3").inner_text(), card.get_attribute("data-id")
    dismissed = card.get_by_role("button", name="Not for me")
    dismissed.focus()
    page.keyboard.press("Enter")
    undo = page.locator("#undo")
    expect(undo).to_contain_text(f"Marked as not for you: “{name}”.")
    expect(recommended.locator(".card").nth(2).get_by_role("button", name="Not for me")).to_be_focused()
    after = titles(recommended)
    assert name in before
    assert name not in after
    assert (id_, "dislike") in said(store, "ada")
    page.get_by_role("button", name="Undo").click()
    expect(undo).to_contain_text("Undone")
    assert titles(recommended) == before
    assert (id_, "dislike") not in said(store, "ada")
    compared = page.get_by_role("link", name="Compare strategies")
    expect(compared).to_have_attribute("href", "?view=compare&user=ada&catalog=north")
    # what she says is weighed at once: with a film for children come others
    page.goto(f"{at}/?title={WALL_E}&user=ada&catalog=north")
    page.get_by_role("button", name="Like").click()
    expect(page.get_by_role("button", name="Like", pressed=True)).to_be_focused()
    page.get_by_role("link", name="Viewer").click()
    expect(recommended.locator(".card")).to_have_count(12)
    assert titles(recommended) != before
    expect(row(page, "Because you like WALL·E").locator(".card").first).to_be_visible()


def test_like_and_not_for_me_exclude_each_other_and_a_second_press_takes_back(
    visit: Visiting, store: GraphStore, at: str
) -> None:
    page = visit(address=at).open(f"?title={TOY_STORY}&user=ben")
    for press, expected in (
        ("Like", {"like"}),
        ("Watched", {"like", "watch"}),
        ("Not for me", {"dislike", "watch"}),
        ("Not for me", {"watch"}),
        ("Watched", set()),
    ):
        page.get_by_role("button", name=press).click()
        page.locator("#undo", has_text="Toy Story").wait_for()
        marks = page.locator(".marks")
        expect(marks.locator("[aria-pressed=true]")).to_have_count(len(expected))
        assert {type_ for title, type_ in said(store, "ben") if title == TOY_STORY} == expected
        page.get_by_role("button", name="Close").click()


def test_what_is_forgotten_comes_back_as_it_was(visit: Visiting, store: GraphStore, at: str) -> None:
    rated = {"user": "ada", "title": TOY_STORY, "type": "rating", "value": 4.5, "time": "2020-01-02T03:04:05Z"}
    assert httpx.post(f"{at}/feedback", json=[rated | {"comment": "again"}]).status_code == 200
    before = [one for one in feedback_of(store, ["ada"]) if one.title == TOY_STORY]
    page = visit(address=at).open("?view=viewer&user=ada&catalog=north")
    page.get_by_role("button", name="Forget Toy Story", exact=True).click()
    expect(page.locator("#undo")).to_contain_text("Forgotten")
    assert all(title != TOY_STORY for title, _ in said(store, "ada"))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#undo")).to_contain_text("Undone")
    after = [one for one in feedback_of(store, ["ada"]) if one.title == TOY_STORY]
    assert [(one.type, one.value, one.timestamp, one.comment) for one in after] == [
        (one.type, one.value, one.timestamp, one.comment) for one in before
    ]


def test_sliders_rank_anew_at_once(visit: Visiting, at: str) -> None:
    visited = visit(address=at)
    page = visited.open("?view=viewer&user=ada&catalog=north")
    cards = row(page, "Recommended").locator(".card h3")
    expect(cards).to_have_count(12)
    usual = cards.all_inner_texts()
    era = page.get_by_role("slider", name="Era")
    for _ in range(6):
        era.press("ArrowRight")
    expect(cards).not_to_have_text(usual)
    assert visited.query["era"] == "4"
    page.get_by_role("button", name="As usual").click()
    expect(cards).to_have_text(usual)


def test_what_is_new_and_popular_says_why(visit: Visiting, at: str) -> None:
    page = visit(address=at).open("?view=viewer&user=ben&catalog=north")
    expect(row(page, "New in your catalog").locator(".card").first).to_contain_text(re.compile(r"since \d+ \w+ \d{4}"))
    popular = row(page, "Popular now")
    expect(popular.locator(".card").first).to_contain_text("liked by 2 viewers lately")
    assert "WALL·E" not in titles(popular)  # he has seen it
    seen = row(page, "What ben said").get_by_role("listitem").filter(has_text="WALL·E")
    expect(seen).to_contain_text("liked")
    seen.get_by_role("button", name="Forget WALL·E").click()
    expect(page.locator("#undo")).to_contain_text("Forgotten: “WALL·E”.")
    expect(popular.locator(".card h3").first).to_have_text("WALL·E")


def test_nobody_is_made_without_being_asked(visit: Visiting, store: GraphStore, at: str) -> None:
    page = visit(address=at).open("?view=viewer&user=nemo")
    expect(page.get_by_role("heading", name="Nobody is called “nemo” yet.")).to_be_visible()
    assert store.get_nodes("User", ["nemo"]).num_rows == 0
    page.get_by_role("button", name="Be nemo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For nemo")
    assert store.get_nodes("User", ["nemo"]).num_rows == 1


def test_a_key_that_may_only_read_is_told_so_and_can_be_changed(
    visit: Visiting, store: GraphStore, served: Callable[..., httpx.Client]
) -> None:
    keys = {role: make(store, role, role)[1] for role in ("read", "write")}  # type: ignore[arg-type]
    address = str(served(store).base_url).rstrip("/")
    visited = visit(address=address)
    page = visited.page
    page.goto(f"{address}/?view=viewer&user=ada")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Key").fill(keys["read"])
    dialog.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("alert")).to_contain_text("This needs a key of the role write; this one may only read.")
    page.get_by_role("button", name="Use another key").click()
    dialog.get_by_label("Key").fill(keys["write"])
    dialog.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("For ada")
    forgive(visited, "401")
    forgive(visited, "403")


def test_a_catalogs_gaps_and_what_to_buy(visit: Visiting, at: str) -> None:
    visited = visit(address=at)
    page = visited.open("?view=gaps")
    expect(page.get_by_role("heading", level=1)).to_have_text("Whose gaps?")
    page.get_by_role("main").get_by_role("link", name="North").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What North lacks")
    expect(page.get_by_role("main")).to_contain_text("No title was searched for 5 times, so IMDb’s votes stand for")
    asked = page.request.get(f"{at}/catalogs/north/gaps?limit=25").json()["gaps"]
    table = page.get_by_role("region", name="Wanted, and not to be had").last
    expect(table.locator("tbody th a")).to_have_text([one["title"] for one in asked])
    page.get_by_role("slider", name="Titles to buy").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    bought = page.get_by_role("region", name="What to buy, the first 3").last
    expect(bought.locator("tbody tr")).to_have_count(3)
    assert visited.query == {"view": "gaps", "catalog": "north", "budget": "3"}
    bought.get_by_role("link").first.click()
    expect(page.locator(".status strong")).to_contain_text("Not in this catalog.")


@pytest.mark.parametrize(
    "view", ["?view=viewer", "?view=viewer&user=ada&catalog=north", "?view=viewer&user=x", "?view=gaps&catalog=north"]
)
def test_the_views_fit_a_phone_and_axe_finds_nothing_serious(visit: Visiting, at: str, view: str) -> None:
    page = visit(address=at).open(view)
    page.wait_for_load_state("networkidle")
    page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
    assert grave(page, {}) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.emulate_media(color_scheme="dark")
    assert grave(page, {"runOnly": ["color-contrast", "target-size", "scrollable-region-focusable"]}) == []
