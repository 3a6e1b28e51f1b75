"""The page as people meet it: a real browser, the real service, the sample graph. Each test looks at what is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from graph.demand import searches
from graph.store import GraphStore

Visiting = Callable[..., Any]

VIEWS = {
    "start": "",
    "answer": "?q=toy+story&catalog=north",
    "hits": "?q=star+wars&catalog=north&hits=3",
    "ambiguous": "?q=nosferatu&catalog=north",
    "unknown": "?q=qwxz+vvkj",
    "person": "?person=nm0005124&catalog=north",
    "title": "?title=tt0120623&from=tt0114709&catalog=north",
    "figures": "?view=figures",
}


def matches(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Matches").get_by_role("option")


def cards(page: Page) -> Locator:
    return page.locator("main .cards .card")


def test_typing_answers_with_the_status_in_words_and_cards_with_reasons(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("?catalog=north")
    page.get_by_role("combobox", name="A title, a person").press_sequentially("toy story", delay=20)
    expect(page.get_by_role("heading", name="Toy Story")).to_be_visible()
    expect(page.locator(".status")).to_have_text("Not in this catalog. Closest you have:")
    expect(cards(page)).to_have_count(5)
    first = cards(page).filter(has_text="Monsters, Inc.")
    expect(first.locator(".facts")).to_contain_text("2001")
    expect(first.locator(".rating")).to_have_text("★ rated 8.1")
    expect(first.get_by_role("list", name="Why").get_by_role("listitem")).to_contain_text(
        ["written by Andrew Stanton", "directed by Pete Docter, who wrote Toy Story"]
    )
    assert first.locator(".poster > svg").bounding_box()["width"] > 100
    assert visited.query == {"q": "toy story", "catalog": "north"}
    expect(page.locator("#said[aria-live=polite]")).to_contain_text("Not in this catalog. Closest you have: 5 titles.")


def test_how_good_a_stand_in_the_catalog_has_is_said_in_words(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("?q=toy+story&catalog=north")
    answer = page.request.get(f"{visited.address}/search?q=toy+story&catalog=north").json()
    value = answer["hits"][0]["substitutability"]
    words = "good" if value >= 0.5 else "fair" if value >= 0.25 else "poor"
    expect(page.locator(".meter")).to_have_text(f"The best of them is a {words} stand-in")
    whole, filled = (page.locator(at).bounding_box()["width"] for at in (".meter-bar", ".filled"))
    assert filled / whole == pytest.approx(value, abs=0.02)


def test_what_is_half_typed_is_no_demand(visit: Visiting, own_store: GraphStore, service: Any) -> None:
    with service(own_store) as client:
        page = visit(address=str(client.base_url).rstrip("/")).open("?catalog=north")
        page.get_by_role("combobox", name="A title, a person").press_sequentially("toy story", delay=200)
        with page.expect_request(lambda request: "/search" in request.url and "count=false" not in request.url):
            expect(cards(page)).to_have_count(5)
        page.get_by_role("slider", name="Substitutes per hit").press("ArrowRight")
        expect(cards(page)).to_have_count(6)
        page.wait_for_load_state("networkidle")
    found = searches(own_store, "north", least=1)
    assert (dict(found.titles), dict(found.unknown)) == ({"tt0114709": 1}, {})


def test_only_what_was_typed_last_is_shown(visit: Visiting) -> None:
    visited = visit()
    page = visited.open()
    box = page.get_by_role("combobox", name="A title, a person")
    box.press_sequentially("toy story", delay=5)
    box.fill("metropolis")
    expect(page.get_by_role("heading", name="Metropolis")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("main h2")).to_have_text(["Metropolis"])
    assert visited.query == {"q": "metropolis"}
    page.go_back()  # all that was typed is one entry of the history
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ask for any title")
    assert page.url.removeprefix(visited.address) == "/"


def test_sliders_say_how_many_hits_and_substitutes(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("?q=star+wars&catalog=north")
    expect(cards(page)).to_have_count(5)
    substitutes = page.get_by_role("slider", name="Substitutes per hit")
    for _ in range(3):
        substitutes.press("ArrowRight")
    expect(cards(page)).to_have_count(8)
    expect(page.locator("output[for=substitutes]")).to_have_text("8")
    page.get_by_role("slider", name="Hits", exact=True).press("ArrowRight")
    expect(page.locator("main .hit")).to_have_count(2)
    expect(cards(page)).to_have_count(16)
    assert visited.query == {"q": "star wars", "catalog": "north", "hits": "2", "substitutes": "8"}


def test_keys_go_through_the_matches_and_take_one(visit: Visiting) -> None:
    visited = visit()
    page = visited.open()
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="A title, a person")
    expect(box).to_be_focused()
    page.keyboard.type("back to the future")
    options = matches(page)
    expect(options.nth(2)).to_contain_text("Back to the Future")
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "match-1")
    second = options.nth(1).locator(".match-title").inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text([second])
    assert visited.query["pick"].startswith("tt")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    assert box.get_attribute("aria-activedescendant") is None
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    page.keyboard.press("Escape")
    expect(box).to_have_value("")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ask for any title")


def test_an_ambiguous_text_offers_choices_and_a_choice_answers(visit: Visiting) -> None:
    visited = visit()
    page = visited.open(VIEWS["ambiguous"])
    expect(page.get_by_role("heading", level=2)).to_have_text(["Which one do you mean?"])
    choices = page.get_by_role("list", name="Choices").get_by_role("listitem")
    expect(choices.get_by_role("heading")).to_have_text(["Nosferatu", "Nosferatu"])
    expect(choices.nth(0)).to_contain_text("2024")
    expect(choices.nth(0)).to_contain_text("Not in the catalog")
    expect(choices.nth(1)).to_contain_text("1922")
    choices.nth(1).get_by_role("link").click()
    expect(page.locator(".status")).to_have_text("In this catalog. Close to it, and there too:")
    expect(page.locator(".asked .facts")).to_contain_text("1922")
    assert visited.query == {"q": "nosferatu", "pick": "tt0013442", "catalog": "north"}
    page.go_back()
    expect(page.get_by_role("heading", level=2)).to_have_text(["Which one do you mean?"])


def test_an_unknown_name_is_said_to_be_unknown(visit: Visiting) -> None:
    page = visit().open(VIEWS["unknown"])
    expect(page.get_by_role("heading", level=2)).to_have_text(["Nothing is called “qwxz vvkj”."])
    expect(cards(page)).to_have_count(0)
    expect(matches(page)).to_have_count(0)


def test_a_card_opens_its_title_with_people_offers_similar_and_evidence(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("?q=toy+story&catalog=north")
    cards(page).get_by_role("link", name="Monsters, Inc.").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Monsters, Inc.")
    expect(heading).to_be_focused()
    assert visited.query == {"title": "tt0198781", "from": "tt0114709", "catalog": "north"}
    people = page.get_by_role("region", name="People")
    expect(people.get_by_role("link", name="Pete Docter").first).to_be_visible()
    offered = page.get_by_role("region", name="Where it is offered").get_by_role("row")
    expect(offered.nth(1)).to_contain_text("North")
    expect(offered.nth(1)).to_contain_text("1 January 2024 to 31 December 2028")
    expect(page.get_by_role("region", name="Similar titles").get_by_role("list", name="Similar titles")).to_be_visible()
    picture = page.get_by_role("img", name="How Toy Story (1995) and Monsters, Inc. (2001) are joined")
    expect(picture).to_be_visible()
    assert "directed by Pete Docter, who wrote Toy Story" in (picture.locator("desc").text_content() or "")
    expect(picture.locator("g[data-label=Person] text", has_text="Pete Docter")).to_be_visible()
    page.get_by_text("The same in words").click()
    expect(page.locator(".paths li", has_text="directed by Pete Docter, who wrote Toy Story")).to_be_visible()
    page.go_back()
    expect(page.locator(".status")).to_have_text("Not in this catalog. Closest you have:")
    expect(page.get_by_role("combobox", name="A title, a person")).to_have_value("toy story")


def test_where_nothing_joins_two_titles_that_is_said(visit: Visiting) -> None:
    page = visit().open("?title=tt0100234&from=tt0096283")
    evidence = page.get_by_role("region", name="Why it is close to My Neighbor Totoro")
    expect(evidence).to_contain_text("Nothing in the graph joins them.")
    expect(evidence.get_by_role("img")).to_have_count(0)


def test_a_person_has_their_titles_those_of_the_catalog_first(visit: Visiting) -> None:
    page = visit().open(VIEWS["person"])
    expect(page.get_by_role("heading", level=1)).to_have_text("John Lasseter")
    offered = page.get_by_role("list", name="In the catalog").get_by_role("heading")
    expect(offered.filter(has_text="A Bug's Life")).to_have_count(1)
    everything = page.get_by_role("list", name="All titles")
    toy_story = everything.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Toy Story", exact=True))
    expect(toy_story).to_contain_text("director")
    toy_story.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Toy Story")


def test_figures_are_plotted_and_stand_in_tables(visit: Visiting) -> None:
    page = visit().open(VIEWS["figures"])
    for name in ("Titles a year", "Rating against votes"):
        expect(page.get_by_role("img", name=name)).to_be_visible()
    total = int(page.locator(".big div", has_text="titles").locator("dd").inner_text())
    page.get_by_text("As a table").first.click()
    cells = page.get_by_role("region", name="Titles a year, as a table").locator("tbody td").all_inner_texts()
    assert len(cells) > 50
    assert sum(map(int, cells)) == total == 263
    assert page.locator("svg rect.bar title").count() >= len(cells)
    genres = page.get_by_role("region", name="Genres").get_by_role("listitem")
    assert genres.first.inner_text().split() == ["Drama", genres.first.locator(".count").inner_text()]


def test_region_and_day_decide_what_is_there(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("?q=finding+nemo&catalog=north")
    expect(page.locator(".status strong")).to_have_text("In this catalog.")
    region = page.get_by_label("Region")
    region.fill("fr")
    region.press("Enter")
    region.blur()
    expect(page.locator(".status strong")).to_contain_text("In this catalog, but not in FR on ")
    region.fill("US")
    region.blur()
    expect(page.locator(".status strong")).to_have_text("In this catalog.")
    page.get_by_label("On the day").fill("2029-01-01")
    expect(page.locator(".status strong")).to_have_text("In this catalog, but not in US on 1 January 2029.")
    assert visited.query == {"q": "finding nemo", "catalog": "north", "region": "US", "on": "2029-01-01"}
    page.get_by_label("Catalog").select_option("South")
    assert visited.query["catalog"] == "south"


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_brings_the_same_view_and_fits_a_phone(visit: Visiting, view: str) -> None:
    seen = []
    for width, height in ((360, 740), (1600, 1000)):
        page = visit(width, height).open(VIEWS[view])
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        seen.append(re.sub(r"\s+", " ", page.locator("main").inner_text()))
    assert len(seen[0]) > 60
    if view not in ("figures", "title"):  # plots have fewer ticks, and the drawing another form, where it is narrow
        assert seen[0] == seen[1]


def test_options_fold_away_on_a_phone(visit: Visiting) -> None:
    page = visit(360, 740).open(VIEWS["answer"])
    button = page.get_by_role("button", name="Options")
    expect(button).to_have_text("Options · North · 5 substitutes")
    expect(page.get_by_label("Catalog")).to_be_hidden()
    button.click()
    expect(page.get_by_label("Catalog")).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")


def test_colours_follow_the_system_and_the_button(visit: Visiting) -> None:
    page = visit(colours="dark").open()
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Dark colours", pressed=True).click()
    light = page.evaluate(ground)
    assert (dark, light) == ("rgb(20, 19, 17)", "rgb(248, 245, 239)")
    page.reload()
    page.locator("main > .view").wait_for()
    assert page.evaluate(ground) == light


def test_posters_are_the_same_each_time_and_differ_between_titles(visit: Visiting) -> None:
    def drawings() -> list[str]:
        page = visit().open("?q=toy+story&catalog=north&substitutes=12")
        expect(cards(page)).to_have_count(12)
        return [poster.inner_html() for poster in page.locator("main .poster").all()]

    first, again = drawings(), drawings()
    assert first == again
    assert len(set(first)) == 13


def test_the_attribution_that_imdb_asks_for_stands_on_the_page(visit: Visiting) -> None:
    page = visit().open()
    expect(page.get_by_role("contentinfo")).to_contain_text(
        "Information courtesy of IMDb (https://www.imdb.com). Used with permission."
    )
