"""What the page is to people who do not see it, use no mouse, or want nothing to move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

Visiting = Callable[..., Any]

VIEWS = {
    "start": "",
    "answer": "?q=toy+story&catalog=north&hits=2&cast=2",
    "ambiguous": "?q=nosferatu&catalog=north",
    "unknown": "?q=qwxz+vvkj",
    "title": "?title=tt0120623&from=tt0114709&catalog=north",
    "series": "?title=tt0903747",
    "person": "?person=nm0005124&catalog=north",
    "figures": "?view=figures",
}


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious(visit: Visiting, view: str) -> None:
    page = visit().open(VIEWS[view])
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
    assert grave(page, {}) == []
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme="dark")
    assert grave(page, {"runOnly": ["color-contrast", "target-size", "scrollable-region-focusable"]}) == []


def grave(page: Page, options: dict[str, Any]) -> list[Any]:
    """What axe-core finds to be serious or critical: the rule and where."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [
        (one["id"], [node["target"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_everything_can_be_reached_by_the_tab_key_and_shows_that_it_is(visit: Visiting) -> None:
    page = visit().open("?q=toy+story&catalog=north")
    expect(page.locator("main .card")).to_have_count(5)
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => { const one = document.activeElement; if (one === document.body) return null;
            const shown = one.closest('.card') ?? one, style = getComputedStyle(shown);
            return [one.id || one.textContent.trim().slice(0, 30),
                    style.outlineStyle !== 'none' || style.boxShadow !== 'none'] }"""
        )
        if at is None:
            break
        reached.append(at)
    names = [name for name, _ in reached]
    assert names[:1] == ["Skip to the answer"]
    for name in ("q", "catalog", "region", "on", "hits", "substitutes", "theme", "Toy Story", "Monsters, Inc."):
        assert name in names
    # The fields within a date show it themselves; the last of them stands for all.
    shown = dict(sorted(reached))
    assert [name for name in shown if not shown[name]] == []


def test_nothing_moves_where_that_is_wished(visit: Visiting) -> None:
    visited = visit()
    visited.page.emulate_media(reduced_motion="reduce")
    page = visited.open("?q=toy+story&catalog=north")
    view = page.locator("main > .view")
    assert view.evaluate("one => parseFloat(getComputedStyle(one).animationDuration)") < 0.001
    visited.page.emulate_media(reduced_motion="no-preference")
    assert view.evaluate("one => parseFloat(getComputedStyle(one).animationDuration)") > 0.1


def test_headings_and_landmarks_give_the_outline(visit: Visiting) -> None:
    page = visit().open("?title=tt0120623&from=tt0114709&catalog=north")
    expect(page.get_by_role("heading", level=1)).to_have_text(["A Bug's Life"])
    expect(page.get_by_role("region", name="Why it is close to Toy Story")).to_be_visible()
    for landmark in ("banner", "search", "main", "contentinfo", "navigation"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    assert page.locator("main [style]:not(.filled):not(.bar-line)").count() == 0
