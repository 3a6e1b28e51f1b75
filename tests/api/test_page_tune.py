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
