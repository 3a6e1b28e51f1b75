from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest

from graph.commands import _because
from graph.explain import Evidence, check
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, NotInGraph, Scope

DAY = dt.date(2026, 11, 21)
TOY_STORY, RINGS_OF_POWER, FINDING_NEMO = "tt0114709", "tt7631058", "tt0266543"
SCOPES = [
    Scope(catalog, region, day, adult)
    for catalog in ("a", "b", "empty", None, WHOLE_GRAPH)
    for region in (None, "US", "BR")
    for day in (DAY, dt.date(2027, 6, 1))
    for adult in (False, True)
]


def offers(store: GraphStore) -> list[dict[str, Any]]:
    return [row for batch in store.scan_relationships("OFFERS") for row in batch.to_pylist()]


def nodes(store: GraphStore) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for batch in store.scan_nodes("Title") for row in batch.to_pylist()}


def allowed(store: GraphStore, scope: Scope) -> set[str]:
    """Which titles may be answered, worked out the slow way from the offers themselves."""
    titles = nodes(store)
    if scope.catalog == WHOLE_GRAPH:
        found = set(titles)
    else:
        found = {
            row["tail"]
            for row in offers(store)
            if scope.catalog in (None, row["head"])
            and (scope.region is None or not row["regions"] or scope.region in row["regions"])
            and (row["available_from"] is None or row["available_from"] <= scope.on)
            and (row["available_until"] is None or scope.on <= row["available_until"])
        }
    return {id_ for id_ in found if scope.adult or not titles[id_]["is_adult"]}


def test_only_what_may_be_shown_is_offered_and_k_whenever_k_exist(random_graph: GraphStore) -> None:
    searcher = Searcher(random_graph)
    asked = list(nodes(random_graph))[::15]
    for scope in SCOPES:
        may = allowed(random_graph, scope)
        for title in asked:
            for k in (5, 100):
                found = [one.id for one in searcher.similar(title, scope, k)]
                assert set(found) <= may - {title}
                assert len(found) == len(set(found)) == min(k, len(may - {title}))


def test_every_reason_holds_on_random_graphs(random_graph: GraphStore) -> None:
    searcher = Searcher(random_graph)
    reasons = [
        reason
        for title in nodes(random_graph)
        for one in searcher.similar(title, Scope("a", on=DAY), 10)
        for reason in one.evidence
    ]
    assert len(reasons) > 200
    assert all(check(random_graph, reason) for reason in reasons)


def test_every_reason_holds_on_the_sample(sample: GraphStore) -> None:
    searcher = Searcher(sample)
    reasons = [
        reason
        for title in nodes(sample)
        for one in searcher.similar(title, Scope("north", "US", DAY), 5)
        for reason in one.evidence
    ]
    assert len(reasons) > 1000
    assert all(check(sample, reason) for reason in reasons)
    untrue = [replace(reason, path=(*reason.path[:-1], "tt0000000")) for reason in reasons[:50]]
    assert not any(check(sample, reason) for reason in untrue)


def test_the_same_question_has_the_same_answer(sample: GraphStore) -> None:
    scope = Scope("north", "US", DAY)
    assert Searcher(sample).search("toy story", scope) == Searcher(sample).search("toy story", scope)


@pytest.mark.parametrize(
    ("query", "asked", "wanted"),
    [
        ("toy story", TOY_STORY, {"tt0198781", FINDING_NEMO}),  # Monsters, Inc., Finding Nemo
        ("Toy Stroy 2", "tt0120363", {"tt0198781"}),
        ("the matrix", "tt0133093", set()),
    ],
)
def test_a_title_that_is_missing_is_answered_with_what_is_there(
    sample: GraphStore, query: str, asked: str, wanted: set[str]
) -> None:
    answer = Searcher(sample).search(query, Scope("north", "US", DAY), substitutes=5)
    first = answer.hits[0]
    assert first.match.id == asked
    if wanted:
        assert answer.status == "out_of_catalog"
        assert not first.in_catalog
        assert wanted <= {one.id for one in first.substitutes}
        assert all(one.evidence for one in first.substitutes if one.id in wanted)


def test_two_other_parts_of_a_series_are_among_the_first_three(sample: GraphStore) -> None:
    answer = Searcher(sample).search("rings of power", Scope("south", "BR", DAY), substitutes=3)
    assert answer.hits[0].match.id == RINGS_OF_POWER
    parts = answer.hits[0].substitutes[1:]
    for one in parts:
        assert "Lord of the Rings" in one.title
        assert one.evidence[0].kind == "name"


def test_status(sample: GraphStore) -> None:
    searcher = Searcher(sample)
    assert searcher.search("finding nemo", Scope("north", "US", DAY)).status == "in_catalog"
    there = searcher.search("finding nemo", Scope("north", "BR", DAY))  # north shows it in US, CA, GB alone
    assert (there.status, there.hits[0].in_catalog, there.hits[0].available) == ("out_of_catalog", True, False)
    gone = searcher.search("finding nemo", Scope("north", "US", dt.date(2035, 1, 1)))
    assert (gone.status, gone.hits[0].in_catalog, gone.hits[0].available) == ("out_of_catalog", True, False)
    assert searcher.search("qwertzuiop asdfgh", Scope("north", "US", DAY)).hits == ()
    assert searcher.search("qwertzuiop asdfgh", Scope("north", "US", DAY)).status == "unknown"
    by_id = searcher.search(TOY_STORY, Scope("north", "US", DAY)).hits[0].match
    assert (by_id.id, by_id.type) == (TOY_STORY, "id")


def test_the_json_is_the_contract(sample: GraphStore) -> None:
    answer = Searcher(sample).search("toy story", Scope("north", "US", DAY)).as_dict()
    assert set(answer) == {"query", "status", "catalog", "region", "on", "versions", "strategy", "hits"}
    assert (answer["status"], answer["catalog"], answer["on"]) == ("out_of_catalog", "north", "2026-11-21")
    info = sample.info()
    assert answer["versions"] == {"graph": info.version, "substitutes": info.embeddings["substitute_vector"].run}
    hit = answer["hits"][0]
    assert hit.keys() >= {"id", "kind", "title", "start_year", "in_catalog", "available", "match", "substitutes"}
    assert hit["match"].keys() == {"text", "type", "region", "language", "confidence"}
    scores = [one["score"] for one in hit["substitutes"]]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    by_id = {one["id"]: one for one in hit["substitutes"]}
    monsters = by_id["tt0198781"]
    assert monsters.keys() == {"id", "item_id", "title", "start_year", "kind", "score", "evidence"}
    assert (monsters["item_id"], monsters["title"], monsters["start_year"]) == ("N002", "Monsters, Inc.", 2001)
    assert 0 < monsters["score"] <= scores[0] == 1
    assert monsters["evidence"][0].keys() == {"kind", "weight", "text", "path"}
    assert {"Andrew Stanton", "Pete Docter"} <= set(re.findall("Andrew Stanton|Pete Docter", str(monsters["evidence"])))


def test_unknown_catalogs_and_titles_are_named(sample: GraphStore) -> None:
    searcher = Searcher(sample)
    with pytest.raises(NotInGraph, match=r"nowhere.*north, south"):
        searcher.search("toy story", Scope("nowhere"))
    with pytest.raises(NotInGraph, match="tt9999999"):
        searcher.similar("tt9999999", Scope("north"), 5)


def test_a_change_of_the_catalog_shows_at_once(random_graph: GraphStore) -> None:
    searcher = Searcher(random_graph)
    scope = Scope("empty", on=DAY)
    first, second = list(nodes(random_graph))[:2]
    adult = {id_ for id_, row in nodes(random_graph).items() if row["is_adult"]}
    assert searcher.similar(first, scope, 5) == []
    random_graph.upsert_relationships("OFFERS", [{"head": "empty", "tail": second, "key": "1", "item_id": "1"}])
    assert [one.id for one in searcher.similar(first, scope, 5)] == ([] if second in adult else [second])


def test_reasons_in_one_line() -> None:
    texts = ("Drama, like Heat", "liked by viewers of Casino", "with Al Pacino, like Heat", "shot by A, who wrote Heat")
    said = _because([Evidence("path", 1.0, text, ()) for text in texts])
    assert said == "Drama, with Al Pacino, like Heat; liked by viewers of Casino; shot by A, who wrote Heat"
    assert _because([]) == "nothing in the graph joins them"
