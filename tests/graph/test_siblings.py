from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from graph.explain import check
from graph.search import Searcher
from graph.sibling_odds import GROUPS, LEAST, Trace, because, log_odds, odds_of, place, probability
from graph.siblings import Sibling, siblings, traces
from graph.store import WHOLE_GRAPH, GraphStore, Scope, open_store
from graph.substitutes import FIRST, MOST, brought_up, raised
from graph.tables import finish_tables, rows_to_table, write_table

TITLES = {
    "tt1": "Harbour Law", "tt2": "Harbour Law with a Grudge", "tt3": "The Last Ferry", "tt4": "Night Shift",
    "tt5": "Harbour", "tt6": "Salt and Rope", "tt7": "Unconnected", "tt8": "Harbour Law",
}  # fmt: skip
YEARS = {"tt1": 1990, "tt2": 1993, "tt3": 1991, "tt8": 2010}
CAST = [  # title, person, parts
    ("tt1", "nm1", ["Jo 'Hook' Lund"]), ("tt1", "nm2", ["Ada Brandt"]), ("tt1", "nm3", []), ("tt1", "nm4", []),
    ("tt2", "nm1", ["Old man"]), ("tt2", "nm9", ["Ada Brandt"]),
    ("tt3", "nm1", ["Hook"]), ("tt3", "nm8", ["Mate"]),
    ("tt4", "nm2", ["Nurse"]), ("tt4", "nm7", []), ("tt4", "nm5", ["The man"]),
    ("tt5", "nm6", ["Sailor"]),
    ("tt6", "nm2", ["Cook"]), ("tt6", "nm3", []), ("tt6", "nm4", []),
]  # fmt: skip
WROTE = [("tt1", "nm20"), ("tt3", "nm20"), ("tt4", "nm21"), ("tt6", "nm21")]
GENRES = {"tt1": "Crime", "tt2": "Crime", "tt3": "Crime", "tt4": "Comedy", "tt8": "Crime"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    folder: Path = tmp_path_factory.mktemp("tables")
    people = sorted({person for _, person, _ in CAST} | {person for _, person in WROTE})
    rows = {
        "Title": [
            {"id": id_, "kind": "movie", "title": title, "start_year": YEARS.get(id_), "is_adult": id_ == "tt8"}
            for id_, title in TITLES.items()
        ],
        "Person": [{"id": id_, "name": f"Person {id_}"} for id_ in people],
        "Genre": [{"id": name} for name in ("Comedy", "Crime")],
        "IN_GENRE": [{"head": id_, "tail": genre} for id_, genre in GENRES.items()],
        "ACTED_IN": [
            {"head": person, "tail": title, "key": str(key), "ordering": key, "characters": parts}
            for key, (title, person, parts) in enumerate(CAST)
        ],
        "WROTE": [{"head": person, "tail": title, "key": str(key)} for key, (title, person) in enumerate(WROTE)],
    }
    for name, listed in rows.items():
        write_table(folder, name, [rows_to_table(name, listed)])
    made = open_store(f"embedded:{tmp_path_factory.mktemp('store')}", create=True)
    made.load_tables(finish_tables(folder, []))
    yield made
    made.close()


def found(store: GraphStore, id_: str, inside: set[str] | None = None, *, adult: bool = True) -> dict[str, Sibling]:
    return siblings(store, id_, Scope(WHOLE_GRAPH, adult=adult), inside)


def test_found_by_name_and_part_and_by_nothing_less(store: GraphStore) -> None:
    belonging = found(store, "tt1")
    # tt8 has the name, tt2 goes on with it, tt3 with Hook; tt4 shares one person, tt5 a word, tt6 people of the cast.
    assert {"tt2", "tt3", "tt8"} <= set(belonging)
    assert set(belonging) & {"tt4", "tt7"} == set()
    assert belonging["tt8"].because[0] == "name"
    assert "name" in belonging["tt2"].because
    assert all(LEAST <= one.probability <= 1 for one in belonging.values())


def test_each_trace_of_a_title(store: GraphStore) -> None:
    ids, rows = traces(store, "tt1", Scope(WHOLE_GRAPH, adult=True), None)
    told = {other: dict(zip(Trace, row, strict=True)) for other, row in zip(ids, rows.tolist(), strict=True)}
    assert (told["tt3"][Trace.PART], told["tt3"][Trace.RECAST]) == (1, 0)  # Jo 'Hook' Lund is Hook, by the same actor
    assert (told["tt2"][Trace.PART], told["tt2"][Trace.RECAST]) == (0, 1)  # Ada Brandt by another one
    assert (told["tt3"][Trace.WRITER], told["tt3"][Trace.RARE_WRITER], told["tt4"][Trace.WRITER]) == (1, 1, 0)
    assert (told["tt8"][Trace.SERIES], told["tt8"][Trace.GENRES], told["tt8"][Trace.NEAREST]) == (1, 1, 0)
    assert told["tt2"][Trace.SERIES] == 0 < told["tt2"][Trace.NAME_PEOPLE] < 1
    assert told["tt2"][Trace.NAME_GENRES] == 1
    assert told["tt5"][Trace.WORDS] == pytest.approx(0.5, abs=0.2)
    assert told["tt6"][Trace.NEAREST] == 1  # three people of four
    assert "tt7" not in told


def test_a_longer_name_finds_the_shorter_one(store: GraphStore) -> None:
    assert "name" in found(store, "tt2")["tt1"].because


def test_only_in_scope_and_adult_ones_only_when_asked_for(store: GraphStore) -> None:
    assert set(found(store, "tt1", {"tt3", "tt4"})) == {"tt3"}
    assert found(store, "tt7") == {}
    assert "tt8" in found(store, "tt1")
    assert "tt8" not in found(store, "tt1", adult=False)


def test_without_what_made_it_one_it_is_none() -> None:
    chance, least = np.random.default_rng(0), odds_of(LEAST)
    decided = 0
    for _ in range(2000):
        row = chance.random(len(Trace)) * (chance.random(len(Trace)) < 0.6)
        if log_odds(row) < least:
            continue
        without = {}
        for name, own in GROUPS.items():
            bare = row.copy()
            bare[list(own)] = 0
            without[name] = float(log_odds(bare))
        told = because(row)
        assert all(without[name] < log_odds(row) for name in told)
        decisive = {name for name, odds in without.items() if odds < least}
        decided += bool(decisive)
        assert set(told) == decisive if decisive else told[0] == min(without, key=lambda name: without[name])
    assert decided > 100


def test_of_two_that_are_surely_parts_the_nearer_in_time_comes_first() -> None:
    assert place(8.0, np.log1p(2)) > place(12.0, np.log1p(9))
    assert place(-1.0, 0.0) < place(1.0, 0.0)
    assert probability(odds_of(0.3)) == pytest.approx(0.3)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_siblings_come_among_the_first_and_not_above_more_than_they_need(count: int) -> None:
    products = {f"other{place}": 10.0 - place for place in range(8)} | {f"part{place}": 0.5 for place in range(count)}
    alike = {f"part{place}": Sibling(0.9, 0.1 * place, ("name",)) for place in range(count)}
    scores = raised(products, set(), alike)
    order = sorted(scores, key=lambda other: (-scores[other], other))
    shown = min(count, MOST)
    assert {one[:4] for one in order[FIRST - shown : FIRST]} == {"part"}
    assert order[: FIRST - shown] == [f"other{place}" for place in range(FIRST - shown)]
    assert order[FIRST - shown] == f"part{count - 1}"
    assert brought_up(products, set(), alike) == order[FIRST - shown : FIRST]


def test_nothing_else_to_offer() -> None:
    both = {"a": Sibling(0.5, 0.0, ("name",)), "b": Sibling(0.4, 0.1, ("name",))}
    assert raised({"a": 0.0, "b": 2.0}, set(), both)
    assert raised({}, set(), {}) == {}
    scores = raised({"episode": 0.1, "b": 2.0}, {"episode"}, {})
    assert scores["episode"] > scores["b"]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    from loaders.load import load

    data = Path(os.environ.get("REELGRAPH_DATA", "../shared/data")) / "imdb-24k"
    if not data.exists():
        pytest.skip(f"there is no {data}: the real data is not part of the project")
    made = open_store(f"embedded:{tmp_path_factory.mktemp('real')}", create=True)
    load(made, imdb=data)
    yield made
    made.close()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("asked", "other", "kind", "text"),
    [
        ("tt0100802", "tt1386703", "name", "of the same name, 2012"),  # Total Recall, the remake
        ("tt0102926", "tt0212985", "part", "Hannibal Lecter again, played by Anthony Hopkins"),
        ("tt0118276", "tt0162065", "people", "the same people: "),  # Buffy, and Angel that came of it
        ("tt0083550", "tt0078767", "name", "another “Amityville” title"),
    ],
)
def test_known_pairs_come_first_and_say_why(real: GraphStore, asked: str, other: str, kind: str, text: str) -> None:
    answered = {one.id: one for one in Searcher(real).similar(asked, Scope(WHOLE_GRAPH), FIRST)}
    told = [reason for reason in answered[other].evidence if reason.kind == kind]
    assert told[0].text.startswith(text)
    assert check(real, told[0])


@pytest.mark.realdata
def test_every_reason_of_a_sibling_is_so_in_the_graph_and_made_it_one(real: GraphStore) -> None:
    searcher, scope = Searcher(real), Scope(WHOLE_GRAPH)
    ids = real.get_nodes("Title", ASKED, []).column("id").to_pylist()
    assert len(ids) == len(ASKED)
    counted = dict.fromkeys(("name", "part", "people"), 0)
    for id_ in ids:
        alike = siblings(real, id_, scope, None)
        for one in searcher.similar(id_, scope, FIRST):
            for reason in one.evidence:
                if reason.kind in counted:
                    assert reason.kind in alike[one.id].because
                    assert check(real, reason), reason
                    counted[reason.kind] += 1
    assert min(counted.values()) > 0


ASKED = [
    "tt0090605", "tt0078748", "tt0112462", "tt0103776", "tt1074638", "tt0100802", "tt0083550", "tt0118276", "tt0092379",
    "tt0068646", "tt0112471", "tt0075148", "tt0080684", "tt0096895", "tt0102926", "tt0109445", "tt0117571", "tt0120338",
    "tt0133093", "tt0258463", "tt0372784", "tt0099864",
]  # fmt: skip
