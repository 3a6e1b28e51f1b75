"""Every example of docs/graphql.md, run on the sample over HTTP; what each finds is written here by hand."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "graphql.md").read_text("utf-8")


def _examples() -> dict[str, list[str]]:
    """The queries of the page by heading."""
    sections = re.findall(r"^### (.+?)$(.*?)(?=^##|\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    return {heading: re.findall(r"```graphql\n(.*?)```", text, flags=re.DOTALL) for heading, text in sections}


EXAMPLES = _examples()


@pytest.fixture(scope="module")
def ask(client: httpx.Client) -> Any:
    def asked(heading: str, place: int = 0, **variables: Any) -> Any:
        body = client.post("/graphql", json={"query": EXAMPLES[heading][place], "variables": variables}).json()
        assert "errors" not in body, body["errors"]
        return body["data"]

    return asked


def test_each_example_has_its_test() -> None:
    assert list(EXAMPLES) == [
        "Titles of two genres above a rating in a span of years",
        "Everyone who acted in a title of one director and directed one themselves",
        "The shortest path between two actors",
        "All episodes of a series with their guest stars",
        "What two catalogs have in common",
        "A search, and what a catalog has instead",
        "Page by page",
    ]
    assert sum(map(len, EXAMPLES.values())) == 8


def test_titles_of_two_genres(ask: Any) -> None:
    titles = ask("Titles of two genres above a rating in a span of years")["titles"]
    assert [tuple(edge["node"].values()) for edge in titles["edges"]] == [
        ("Pulp Fiction", 1994, 8.9),
        ("Fight Club", 1999, 8.8),
        ("Goodfellas", 1990, 8.7),
    ]
    assert (titles["totalCount"], titles["pageInfo"]["hasNextPage"]) == (7, True)


def test_actors_of_a_director_who_direct(ask: Any) -> None:
    variables = json.loads(re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)[0])
    people = ask("Everyone who acted in a title of one director and directed one themselves", **variables)["people"]
    assert people["edges"] == [
        {"node": {"name": "Sofia Coppola", "credits": {"edges": [{"node": {"title": "Lost in Translation"}}]}}}
    ]


def test_the_shortest_path(ask: Any) -> None:
    path = ask("The shortest path between two actors")["path"]
    assert path["start"] == {"name": "Uma Thurman"}
    names = [step["node"].get("title") or step["node"]["name"] for step in path["steps"]]
    assert (path["length"], len(names), names[-1]) == (len(names), 6, "Al Pacino")
    assert [step["node"]["__typename"] for step in path["steps"]] == ["Title", "Person"] * 3
    assert (names[0], path["steps"][0]["relationship"]) == ("Pulp Fiction", "ACTED_IN")


def test_episodes_with_guest_stars(ask: Any) -> None:
    title = ask("All episodes of a series with their guest stars")["title"]
    assert title["title"] == "Game of Thrones"
    found = [
        (
            edge["season"],
            edge["episode"],
            edge["node"]["title"],
            {guest["node"]["name"]: guest["characters"] for guest in edge["node"]["credits"]["edges"]},
        )
        for edge in title["episodes"]["edges"]
    ]
    eddard, catelyn = {"Sean Bean": ["Eddard Stark"]}, {"Michelle Fairley": ["Catelyn Stark"]}
    others = {"Mark Addy": ["Robert Baratheon"], "Nikolaj Coster-Waldau": ["Jaime Lannister"]}
    assert found == [
        (1, 1, "Winter Is Coming", eddard | others | catelyn),
        (1, 9, "Baelor", eddard | catelyn),
        (2, 9, "Blackwater", {}),
        (3, 9, "The Rains of Castamere", catelyn | {"Richard Madden": ["Robb Stark"]}),
        (6, 9, "Battle of the Bastards", {"Iwan Rheon": ["Ramsay Bolton"]}),
    ]


def test_what_catalogs_have_in_common(ask: Any, client: httpx.Client) -> None:
    titles = ask("What two catalogs have in common")["titles"]
    assert titles["edges"][0]["node"]["title"] == "Game of Thrones"
    for edge in titles["edges"]:
        assert {offer["catalog"]["slug"] for offer in edge["node"]["offers"]} == {"north", "south"}
    # All of them, beside what the sample's two files say.
    query = re.sub(r"first: 3", "first: 100", EXAMPLES["What two catalogs have in common"][0]).replace(
        "title offers", "id offers"
    )
    found = client.post("/graphql", json={"query": query}).json()["data"]["titles"]["edges"]
    ids = {edge["node"]["id"] for edge in found}
    assert len(found) == len(ids) == titles["totalCount"]
    north, south = (_offered(slug) for slug in ("north", "south"))
    assert len(north & south) > 10
    assert north & south <= ids
    assert ids - (north & south) == {"tt0110357", "tt0317248"}  # The Lion King and City of God, by name in the south


def _offered(slug: str) -> set[str]:
    """What a catalog of the sample offers on that day by IMDb's id; some rows have only a name."""
    with (ROOT / "loaders" / "sample" / f"catalog-{slug}.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["tconst"]]
    day = "2026-11-21"
    return {r["tconst"] for r in rows if (r["available_from"] or day) <= day <= (r["available_until"] or day)}


def test_a_search(ask: Any, client: httpx.Client) -> None:
    search = ask("A search, and what a catalog has instead")["search"]
    assert search["status"] == "out_of_catalog"
    (hit,) = search["hits"]
    assert (hit["name"], hit["available"], hit["match"]["type"]) == ("Toy Story", False, "primary")
    # The same contract as of /search, in the same order.
    same = client.get("/search", params={"q": "toy story", "catalog": "north", "substitutes": 2}).json()["hits"][0]
    assert len(hit["substitutes"]) == 2
    for found, other in zip(hit["substitutes"], same["substitutes"], strict=True):
        assert found["title"]["title"] == other["title"]
        assert [one["text"] for one in found["evidence"]] == [one["text"] for one in other["evidence"]]
    title = ask("A search, and what a catalog has instead", 1)["title"]
    for field, catalog in (("similar", "*"), ("substitutes", "south")):
        address = "/titles/tt0114709/similar"
        other = client.get(address, params={"catalog": catalog, "limit": 2}).json()["similar"]
        assert [one["title"]["title"] for one in title[field]] == [one["title"] for one in other]
        assert len(other) == 2
    assert title["similar"][0]["title"]["title"] == "Toy Story 2"
    assert all(one["itemId"].startswith("S") for one in title["substitutes"])


def test_page_by_page(ask: Any) -> None:
    first = ask("Page by page")["genre"]["titles"]
    second = ask("Page by page", after=first["pageInfo"]["endCursor"])["genre"]["titles"]
    years = [edge["node"]["startYear"] for page in (first, second) for edge in page["edges"]]
    assert years == sorted(years)
    assert len({edge["node"]["title"] for page in (first, second) for edge in page["edges"]}) == 4
