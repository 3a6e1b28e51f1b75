"""Titles in short, the best known ones, and posters that may be shown."""

from __future__ import annotations

import pytest

from graph.cards import Card, best_known, cards, of_hosts
from graph.store import GraphStore


def test_cards_keep_the_order_and_pass_over_what_is_not_there(sample: GraphStore) -> None:
    found = cards(sample, ["tt0120623", "tt9999999", "tt0114709", "tt0120623"])
    assert [card.id for card in found] == ["tt0120623", "tt0114709"]
    plain = found[1].as_dict()
    assert plain["title"] == "Toy Story"
    assert plain["start_year"] == 1995
    assert plain["genres"] == ["Adventure", "Animation", "Comedy"]
    assert "is_adult" not in plain


def test_adult_titles_come_only_when_asked_for(random_graph: GraphStore) -> None:
    rows = [row for batch in random_graph.scan_nodes("Title", ["is_adult"]) for row in batch.to_pylist()]
    adult = [row["id"] for row in rows if row["is_adult"]]
    assert adult
    assert cards(random_graph, adult) == []
    assert [card.id for card in cards(random_graph, adult, adult=True)] == adult


def test_the_best_known_are_those_with_the_most_votes(random_graph: GraphStore) -> None:
    wanted = ["kind", "is_adult", "num_votes"]
    rows = [row for batch in random_graph.scan_nodes("Title", wanted) for row in batch.to_pylist()]
    wholes = ("movie", "tvSeries", "tvMiniSeries", "tvMovie", "short")
    counted = [row for row in rows if row["num_votes"] and not row["is_adult"] and row["kind"] in wholes]
    expected = [row["id"] for row in sorted(counted, key=lambda row: (-row["num_votes"], row["id"]))]
    assert len(expected) > 5
    assert best_known(random_graph, 5) == expected[:5]
    assert best_known(random_graph, 1000) == expected


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://images.example.org/a.jpg", True),
        ("https://images.example.org:443/a.jpg", True),
        ("https://IMAGES.example.org/a.jpg", True),
        ("http://images.example.org/a.jpg", False),
        ("https://example.org/a.jpg", False),
        ("https://images.example.org.evil.example/a.jpg", False),
        ("https://images.example.org@evil.example/a.jpg", False),
        ("https://images.example.org:8443/a.jpg", False),
        ("https://images.example.org:x/a.jpg", False),
        ("//images.example.org/a.jpg", False),
        ("data:image/png;base64,AAAA", False),
        ("javascript:alert(1)", False),
        ("https://[images.example.org/a.jpg", False),
        (None, False),
    ],
)
def test_a_poster_is_shown_only_from_a_named_host_over_https(url: str | None, shown: bool) -> None:
    card = of_hosts(Card("tt1", {"title": "A", "poster_url": url}, ["Drama"]), ["images.example.org"])
    assert card == Card("tt1", {"title": "A", "poster_url": url if shown else None}, ["Drama"])
    assert of_hosts(card, []).properties["poster_url"] is None
