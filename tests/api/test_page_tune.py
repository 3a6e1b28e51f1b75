"""Tuning the substitutes on the page: sliders for diversity and the facets, which the address keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

Visiting = Callable[..., Any]


def test_a_facet_and_diversity_change_what_is_answered_and_stay_in_the_address(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("?q=toy+story&catalog=north&substitutes=10")
    titles = page.locator("main .card h3")
    expect(titles).to_have_count(10)
    usual = titles.all_inner_texts()
    page.get_by_role("button", name="Tune").click()
    makers = page.get_by_role("slider", name="Makers")
    expect(makers).to_have_value("1")
    for _ in range(6):
        makers.press("ArrowRight")
    expect(page.locator("output[for=tune-director]")).to_have_text("× 4")
    page.wait_for_url(lambda url: "director=4" in url)
    expect(titles).not_to_have_text(usual)
    page.wait_for_load_state("networkidle")
    weighed = titles.all_inner_texts()
    page.get_by_role("slider", name="Diversity").press("End")
    page.wait_for_url(lambda url: "diversity=1" in url)
    expect(titles).not_to_have_text(weighed)
    page.wait_for_load_state("networkidle")
    tuned = titles.all_inner_texts()
    again = visit().open(page.url.removeprefix(visited.address + "/"))
    expect(again.get_by_role("slider", name="Makers")).to_have_value("4")
    expect(again.locator("main .card h3")).to_have_text(tuned)
    page.get_by_role("button", name="As usual").click()
    expect(titles).to_have_text(usual)
    assert visited.query == {"q": "toy story", "catalog": "north", "substitutes": "10"}


def test_a_strategy_is_chosen_for_search_and_titles_and_the_sliders_rest(visit: Visiting) -> None:
    visited = visit()
    page = visited.open("?q=toy+story&catalog=north&substitutes=10")
    titles = page.locator("main .card h3")
    expect(titles).to_have_count(10)
    usual = titles.all_inner_texts()
    page.get_by_role("button", name="Tune").click()
    strategy = page.get_by_label("Strategy")
    expect(strategy.locator("option[value=genres]")).to_be_enabled()
    expect(strategy.locator("option[value=hybrid]")).to_be_disabled()
    page.get_by_role("slider", name="Diversity").press("End")
    page.wait_for_url(lambda url: "diversity=1" in url)
    strategy.select_option("genres")
    page.wait_for_url(lambda url: "strategy=genres" in url and "diversity" not in url)
    expect(page.locator("#strategy-about")).to_contain_text("Cosine of genres, by rarity.")
    expect(page.get_by_role("slider", name="Diversity")).to_be_disabled()
    expect(titles).not_to_have_text(usual)
    expect(page.locator("main .card").first.locator(".chip").first).to_have_text("Comedy")
    page.wait_for_load_state("networkidle")
    by_genres = titles.all_inner_texts()
    again = visit().open(page.url.removeprefix(visited.address + "/"))
    expect(again.get_by_label("Strategy")).to_have_value("genres")
    expect(again.locator("main .card h3")).to_have_text(by_genres)
    page.locator("main h2 a").first.click()
    expect(page.get_by_role("region", name="Similar titles").locator(".card")).to_have_count(12)
    assert visited.query["strategy"] == "genres"
    page.go_back()
    page.get_by_role("button", name="As usual").click()
    expect(titles).to_have_text(usual)
