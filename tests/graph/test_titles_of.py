from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graph.commands import show_answer
from graph.explain import check
from graph.search import Searcher
from graph.store import WHOLE_GRAPH, GraphStore, Scope, open_store
from graph.tables import finish_tables, rows_to_table, write_table
from graph.titles_of import titles_of

DAY = dt.date(2026, 11, 21)
SCOPES = [Scope(catalog, "US", DAY, adult) for catalog in ("a", WHOLE_GRAPH) for adult in (False, True)]


def step(store: GraphStore, ids: list[str], direction: Any, types: list[str]) -> set[str]:
    return set(store.neighbours(ids, types, direction).column("neighbour").to_pylist())


@pytest.mark.parametrize(
    ("label", "types"), [("Person", ["DIRECTED", "ACTED_IN", "WROTE", "COMPOSED"]), ("Genre", ["IN_GENRE"])]
)
def test_own_titles_in_scope_k_whenever_k_exist_else_those_of_the_nearest(
    random_graph: GraphStore, label: str, types: list[str]
) -> None:
    outward = "out" if label == "Person" else "in"
    asked = [id_ for batch in random_graph.scan_nodes(label, []) for id_ in batch[0].to_pylist()][::3]
    for scope in SCOPES:
        may = set(random_graph.offered(scope).column("id").to_pylist())
        wherever = replace(scope, region=None, on=None)
        ever = set(random_graph.offered(wherever).column("id").to_pylist())
        for id_ in asked:
            own = step(random_graph, [id_], outward, types) & may
            for k in (2, 50):
                there = titles_of(random_graph, label, id_, scope, k)
                titles, nearest = there.answered, there.nearest
                assert there.ever == bool(step(random_graph, [id_], outward, types) & ever)
                found = [one.id for one in titles]
                assert len(found) == len(set(found))
                assert set(found) <= may
                assert [one.score for one in titles] == sorted((one.score for one in titles), reverse=True)
                assert all(check(random_graph, one.evidence[0]) for one in titles)
                if own:
                    assert len(found) == min(k, len(own))
                    assert set(found) <= own
                    assert nearest == ()
                elif titles:
                    assert {one.evidence[0].path[-3] for one in titles} == {near.id for near in nearest}
                    assert id_ not in {near.id for near in nearest}


def row(id_: str, title: str, votes: int, **more: Any) -> dict[str, Any]:
    return {"id": id_, "kind": "movie", "title": title, "start_year": 2000, "num_votes": votes} | more


ROWS: dict[str, list[dict[str, Any]]] = {
    "Title": [
        row("t1", "Harbour Lights", 900_000),
        row("t2", "The Ferry", 200_000),
        row("t3", "Winter Quay", 90_000),
        row("t4", "Salt", 500_000),
        row("t5", "Velvet", 300_000, is_adult=True),
        row("t6", "Drama", 50),
        row("t7", "Ada Marlow", 40),
        row("t8", "Ada Marlow: On Stage", 2_000),
    ],
    "Person": [
        {"id": "nm1", "name": "Ada Marlow"},
        {"id": "nm2", "name": "Bram Óskarsson"},
        {"id": "nm3", "name": "Cleo Vane"},
        {"id": "nm4", "name": "Dora Hush"},
    ],
    "Genre": [{"id": "Drama"}, {"id": "Sci-Fi"}],
    "Keyword": [{"id": "time travel"}, {"id": "sea"}],
    "DIRECTED": [{"head": "nm1", "tail": "t1"}, {"head": "nm1", "tail": "t2"}, {"head": "nm2", "tail": "t3"}],
    "ACTED_IN": [
        {"head": head, "tail": tail, "key": str(n), "ordering": n}
        for n, (head, tail) in enumerate([("nm2", "t1"), ("nm2", "t2"), ("nm3", "t1"), ("nm3", "t4"), ("nm4", "t5")])
    ],
    "IN_GENRE": [{"head": f"t{n}", "tail": "Drama"} for n in range(1, 6)] + [{"head": "t2", "tail": "Sci-Fi"}],
    "HAS_KEYWORD": [{"head": h, "tail": t} for h, t in (("t4", "time travel"), ("t4", "sea"), ("t2", "sea"))],
    "Catalog": [{"id": slug, "name": slug} for slug in ("mine", "far")],
    "OFFERS": [
        {"head": slug, "tail": tail, "key": tail, "item_id": f"i-{tail}"}
        for slug, tail in (("mine", "t2"), ("mine", "t3"), ("mine", "t5"), ("far", "t4"))
    ],
}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    folder: Path = tmp_path_factory.mktemp("people")
    for name, listed in ROWS.items():
        write_table(folder / "tables", name, [rows_to_table(name, listed)])
    store = open_store(f"embedded:{folder / 'store'}", create=True)
    store.load_tables(finish_tables(folder / "tables", []))
    return Searcher(store)


@pytest.mark.parametrize("query", ["bram oskarsson", "Óskarsson, Bram", "bram oskarson", "bram osk", "nm2"])
def test_a_person_is_answered_with_their_titles(searcher: Searcher, query: str) -> None:
    answer = searcher.search("nm0000002" if query == "nm2" else query, Scope("mine", on=DAY))
    if query == "nm2":
        assert answer.status == "unknown"  # no such person
        return
    (hit,) = answer.hits
    assert (answer.status, hit.match.label, hit.match.id, hit.available) == ("in_catalog", "Person", "nm2", True)
    assert [one.id for one in hit.substitutes] == ["t3", "t2"]  # what they directed, then what they played in
    assert hit.substitutes[0].item_id == "i-t3"
    assert hit.substitutes[0].evidence[0].text == "directed by Bram Óskarsson"


def test_without_titles_of_their_own_the_nearest_people_stand_in(searcher: Searcher) -> None:
    answer = searcher.search("cleo vane", Scope("mine", on=DAY))
    hit = answer.hits[0]
    assert (answer.status, hit.in_catalog, hit.available) == ("out_of_catalog", False, False)
    assert {one.id for one in hit.substitutes} == {"t2", "t3"}
    assert {near.name for near in hit.nearest} <= {"Ada Marlow", "Bram Óskarsson"}
    assert all("who worked with Cleo Vane on Harbour Lights" in one.evidence[0].text for one in hit.substitutes)
    plain = hit.as_dict()
    assert "substitutes" not in plain
    assert plain["kind"] == "person"
    assert {near["id"] for near in plain["nearest"]} == {near.id for near in hit.nearest}


def test_a_show_called_after_a_person_is_a_choice_beside_them(searcher: Searcher) -> None:
    answer = searcher.search("ada marlow", Scope("mine", on=DAY))
    assert answer.status == "ambiguous"
    assert answer.hits[0].match.id == "nm1"
    assert {hit.match.id for hit in answer.hits} == {"nm1", "t7", "t8"}


@pytest.mark.parametrize(
    ("query", "kind", "id_"), [("sci fi", "genre", "Sci-Fi"), ("Time-Travel", "keyword", "time travel")]
)
def test_a_genre_or_keyword_by_its_name(searcher: Searcher, query: str, kind: str, id_: str) -> None:
    for catalog, wanted in (("mine", "t2"), ("far", "t4")):
        answer = searcher.search(query, Scope(catalog, on=DAY))
        hit = answer.hits[0].as_dict()
        assert (hit["kind"], hit["id"]) == (kind, id_)
        assert hit["titles"][0]["id"] == wanted
        assert (answer.status == "in_catalog") == (not hit["nearest"])


def test_a_title_called_like_a_genre_wins_only_by_fame(searcher: Searcher) -> None:
    hits = searcher.search("drama", Scope("mine", on=DAY)).hits
    assert hits[0].match.label == "Genre"


def test_adult_titles_and_who_made_nothing_else_stay_out(searcher: Searcher) -> None:
    assert all(
        hit.match.id != "nm4" and "t5" not in {one.id for one in hit.substitutes}
        for query in ("dora hush", "drama", "velvet")
        for hit in searcher.search(query, Scope("mine", on=DAY), hits=5).hits
    )
    shown = searcher.search("dora hush", Scope("mine", on=DAY, adult=True)).hits[0]
    assert [one.id for one in shown.substitutes] == ["t5"]


def test_no_titles_asked_for(searcher: Searcher) -> None:
    answer = searcher.search("bram oskarsson", Scope("mine", on=DAY), substitutes=0)
    assert (answer.status, answer.hits[0].substitutes) == ("in_catalog", ())


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("bram oskarsson", ["A person; in this catalog:", "Bram Óskarsson (person) nm2", "directed by Bram Óskarsson"]),
        ("cleo vane", ["A person, whose titles are not in this catalog. The nearest who have some there: Ada Marlow"]),
        ("sci-fi", ["A genre; in this catalog:", "Sci-Fi (genre)", "The Ferry"]),
        ("dora hush", ["No title, person, genre or keyword of that name is known."]),
    ],
)
def test_what_the_command_line_says(
    searcher: Searcher, capsys: pytest.CaptureFixture[str], query: str, told: list[str]
) -> None:
    show_answer(searcher.search(query, Scope("mine", on=DAY)))
    printed = " ".join(capsys.readouterr().out.split())  # however wide the terminal is that it was wrapped for
    assert all(words in printed for words in told), printed


def test_titles_that_are_offered_on_another_day_are_said_to_be(searcher: Searcher) -> None:
    store = searcher._store
    store.upsert_nodes("Catalog", [{"id": "later", "name": "later"}])
    offer = {"head": "later", "tail": "t3", "key": "t3", "item_id": "t3", "available_from": dt.date(2030, 1, 1)}
    store.upsert_relationships("OFFERS", [offer])
    hit = searcher.search("bram oskarsson", Scope("later", on=DAY)).hits[0]
    assert (hit.in_catalog, hit.available, hit.substitutes) == (True, False, ())
