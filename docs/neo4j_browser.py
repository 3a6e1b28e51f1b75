"""Draw docs/neo4j-browser.png: a query of cypher/explore in a real Neo4j Browser, in the style of cypher/style.grass.

python -m tests.servers.neo4j_server                 # prints REELGRAPH_STORE, the password and Browser's address
reelgraph demo --no-serve --store $REELGRAPH_STORE   # the sample, into that store
python docs/neo4j_browser.py BROWSER_URL [QUERY] [FILE.png]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PASTE = """(area, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  area.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
}"""
PICTURE = ROOT / "docs" / "neo4j-browser.png"


def run(page: Page, command: str) -> None:
    """Paste a command into Browser's editor and run it; typed, each bracket would be closed once more."""
    page.locator(".monaco-editor").first.click()
    page.keyboard.press("Control+A")
    page.locator(".monaco-editor textarea").first.evaluate(PASTE, command)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(3_000)


def main(url: str, query: str = "why_alike", picture: str = str(PICTURE)) -> None:
    """Connect, take over the style, run the query, and keep what Browser shows when it has come to rest."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(url)
        page.get_by_test_id("username").fill(os.environ.get("REELGRAPH_NEO4J_USER", "neo4j"))
        page.get_by_test_id("password").fill(os.environ["REELGRAPH_NEO4J_PASSWORD"])
        page.get_by_test_id("connect").click()
        page.wait_for_timeout(4_000)
        run(page, ":style " + (ROOT / "cypher" / "style.grass").read_text())
        run(page, ":clear")
        run(page, (ROOT / "cypher" / "explore" / f"{query}.cypher").read_text())
        page.wait_for_timeout(9_000)
        page.screenshot(path=picture, clip={"x": 62, "y": 125, "width": 1336, "height": 545})
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
