"""The page's files as they are served, and what only a page asks of the service."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import httpx
import pytest

from api.page import Page


class _Addresses(HTMLParser):
    """Every address in a document, and whatever a strict policy would forbid in it."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.forbidden: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [value for name, value in attrs if name in ("href", "src") and value and tag != "a"]
        self.forbidden += [name for name in given if name == "style" or name.startswith("on")]
        self.forbidden += ["inline script"] if tag == "script" and "src" not in given else []


def test_the_index_names_files_that_are_there_and_nothing_elsewhere(client: httpx.Client) -> None:
    index = client.get("/")
    assert (index.status_code, index.headers["content-type"]) == (200, "text/html; charset=utf-8")
    document = _Addresses(index.text)
    assert document.forbidden == []
    assert len(document.addresses) > 5
    for address in document.addresses:
        assert re.fullmatch(r"web/[0-9a-f]{12}/[a-z-]+\.(js|css|svg|woff2)", address)
        assert client.get(f"/{address}").status_code == 200
    scripts = {address.rpartition("/")[2] for address in document.addresses if address.endswith(".js")}
    others = {"docs.js", "graphiql.js"}  # of other pages
    assert scripts == {name for name in Page.of_package().files if name.endswith(".js")} - others


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("base.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("instrument-serif.woff2", "font/woff2"),
    ],
)
def test_files_have_their_types_and_are_kept_for_good(client: httpx.Client, name: str, media_type: str) -> None:
    version = Page.of_package().version
    found = client.get(f"/web/{version}/{name}")
    assert found.headers["content-type"] == media_type
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    other = client.get(f"/web/0123456789ab/{name}")
    assert other.content == found.content
    assert other.headers["cache-control"] == "no-store"


def test_modules_import_only_each_other(client: httpx.Client) -> None:
    page = Page.of_package()
    modules = {name: file.content.decode() for name, file in page.files.items() if name.endswith(".js")}
    assert len(modules) > 10
    for text in modules.values():
        imported = re.findall(r'(?m)^import .* from "\./(.+)";$', text)
        assert len(imported) == len(re.findall(r"\bimport\b", text))
        assert set(imported) <= modules.keys()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function", text)


def test_the_index_is_asked_for_again_each_time_and_a_strange_file_is_a_problem(client: httpx.Client) -> None:
    index = client.get("/")
    assert index.headers["cache-control"] == "no-cache"
    assert client.get("/", headers={"If-None-Match": index.headers["etag"]}).status_code == 304
    for name in ("nothing.js", "..%2Fpage.py", "index.html"):
        answer = client.get(f"/web/x/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_cards_come_in_the_order_asked_for_and_without_what_is_not_there(client: httpx.Client) -> None:
    answer = client.get("/titles", params={"id": ["tt0120623", "tt9999999", "tt0114709"]}).json()
    assert [(card["title"], card["genres"]) for card in answer["titles"]] == [
        ("A Bug's Life", ["Adventure", "Animation", "Comedy"]),
        ("Toy Story", ["Adventure", "Animation", "Comedy"]),
    ]
    assert client.get("/titles").status_code == 422
    assert client.get("/titles", params={"id": ["tt0114709"] * 101}).status_code == 422


def test_the_best_known_are_told_apart_by_whether_they_are_offered(client: httpx.Client) -> None:
    answer = client.get("/best-known", params={"catalog": "north", "limit": 3}).json()
    offered, missing = ([card["num_votes"] for card in answer[name]] for name in ("offered", "missing"))
    assert (len(offered), len(missing)) == (3, 3)
    assert offered == sorted(offered, reverse=True)
    assert missing == sorted(missing, reverse=True)
    for name, there in (("offered", True), ("missing", False)):
        for card in answer[name]:
            found = client.get("/search", params={"q": card["id"], "catalog": "north"}).json()
            assert found["hits"][0]["available"] is there
    assert client.get("/best-known", params={"catalog": "nowhere"}).status_code == 404


def test_evidence_comes_as_a_drawing_of_what_explain_says(client: httpx.Client) -> None:
    ends = {"from": "tt0114709", "to": "tt0120623"}
    answer = client.get("/explain.svg", params=ends)
    assert answer.headers["content-type"] == "image/svg+xml"
    drawing = ET.fromstring(answer.text)  # noqa: S314
    (told,) = drawing.iterfind("{http://www.w3.org/2000/svg}desc")
    evidence = client.get("/explain", params={**ends, "limit": 8}).json()["evidence"]
    assert [one["text"] for one in evidence] == (told.text or "").split("; ")[-len(evidence) :]
    again = client.get("/explain.svg", params=ends, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert client.get("/explain.svg", params={**ends, "to": "tt9999999"}).status_code == 404
