"""The queries for Neo4j Browser, each run on a real Neo4j over a few titles, and the style that they are drawn in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from graph import communities
from graph.schema import NODES, RELATIONSHIPS
from graph.store import Provenance, open_store
from graph.stores.statements import FOLDER
from tests.graph.conftest import Rows, tables_of
from tests.servers.neo4j_server import PASSWORD, wiped

# The ids that the queries have in them, so that each is run as it is.
TOY, TOY_2, CARS, SHERLOCK = "tt0114709", "tt0120363", "tt0317219", "tt1475582"
LASSETER, HANKS, NEWMAN, ALLEN = "nm0005124", "nm0000158", "nm0000056", "nm0000741"
PINK, BELGRAVIA, ADULT, NAMELESS, BACKWARDS, ENDLESS = "tt2000001", "tt2000002", "tt9", "tt3", "tt4", "tt5"
RANDY, BENEDICT, LARA, LATER = "nm1", "nm2", "nm3", "nm4"


def _titles(*rows: tuple[Any, ...]) -> list[dict[str, Any]]:
    names = ("id", "kind", "title", "start_year", "num_votes", "is_adult", "runtime_minutes", "end_year")
    return [dict(zip(names, (*row, *[None] * 8), strict=False)) for row in rows]


def _pairs(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"head": head, "tail": tail, "key": ""} for head, tail in pairs]


# An adult title is the shortest way between Hanks and Newman, by Lasseter, well known, and near to Toy Story.
ROWS: Rows = {
    "Title": _titles(
        (TOY, "movie", "Toy Story", 1995, 1000, False, 81),
        (TOY_2, "movie", "Toy Story 2", 1999, 600, False, 92),
        (CARS, "movie", "Cars", 2006, 400, False, 117),
        (SHERLOCK, "tvSeries", "Sherlock", 2010, 900, False),
        (PINK, "tvEpisode", "A Study in Pink", 2010),
        (BELGRAVIA, "tvEpisode", "A Scandal in Belgravia", 2012),
        (ADULT, "movie", "Adult Toys", 1996, 5000, True, 5),
        (NAMELESS, "movie", None, None),
        (BACKWARDS, "movie", "Backwards", 1900, None, None, 10, 1890),
        (ENDLESS, "movie", "Endless", 2001, None, None, 601),
    ),
    "Person": [
        {"id": id_, "name": name, "birth_year": year}
        for id_, name, year in (
            (LASSETER, "John Lasseter", 1957), (HANKS, "Tom Hanks", 1956), (NEWMAN, "Paul Newman", 1925),
            (ALLEN, "Tim Allen", 1953), (RANDY, "Randy Newman", 1943), (BENEDICT, "Benedict Cumberbatch", 1976),
            (LARA, "Lara Pulver", 1980), (LATER, "Born Later", 1950),
        )
    ],
    "Genre": [{"id": "Animation"}, {"id": "Crime"}],
    "Keyword": [{"id": "toy"}],
    "Catalog": [{"id": "north"}, {"id": "south"}],
    "User": [{"id": "u1"}],
    "Search": [
        {"id": "s1", "title": TOY, "catalog": "north", "count": 2},
        {"id": "s2", "title": TOY, "catalog": None, "count": 1},
        {"id": "s3", "title": TOY_2, "catalog": "south", "count": 9},
    ],
    "DIRECTED": _pairs(
        (LASSETER, TOY), (LASSETER, TOY_2), (LASSETER, CARS), (LASSETER, ADULT), (LATER, BACKWARDS), (LATER, ENDLESS)
    ),
    "ACTED_IN": _pairs(
        (HANKS, TOY), (HANKS, TOY_2), (HANKS, ADULT), (ALLEN, TOY), (ALLEN, TOY_2), (ALLEN, CARS), (NEWMAN, CARS),
        (NEWMAN, ADULT), (LASSETER, CARS), (LASSETER, ADULT), (BENEDICT, SHERLOCK), (BENEDICT, PINK),
        (BENEDICT, BELGRAVIA), (LARA, BELGRAVIA),
    ),
    "COMPOSED": _pairs((RANDY, TOY)),
    "KNOWN_FOR": _pairs((HANKS, TOY), (HANKS, TOY_2), (LATER, CARS)),
    "IN_GENRE": _pairs(
        *[(id_, "Animation") for id_ in (TOY, TOY_2, CARS, ADULT)],
        *[(id_, "Crime") for id_ in (SHERLOCK, PINK, BELGRAVIA, BACKWARDS, ENDLESS)],
    ),
    "HAS_KEYWORD": _pairs((TOY, "toy"), (TOY_2, "toy"), (ADULT, "toy")),
    "EPISODE_OF": [
        {"head": PINK, "tail": SHERLOCK, "key": "", "season": 1, "episode": 1},
        {"head": BELGRAVIA, "tail": SHERLOCK, "key": "", "season": 2, "episode": 1},
    ],
    "OFFERS": [
        {"head": catalog, "tail": id_, "key": id_, "item_id": id_}
        for catalog, id_ in (("north", CARS), ("north", SHERLOCK), ("south", CARS), ("south", TOY_2), ("south", ADULT),
                             ("north", ADULT))
    ],
    "RATED": [
        {"head": "u1", "tail": TOY, "key": "rating", "type": "rating", "value": 5.0},
        {"head": "u1", "tail": TOY_2, "key": "rating", "type": "rating", "value": 2.0},
    ],
}  # fmt: skip
VECTORS = {TOY: (1.0, 0.0), TOY_2: (0.9, 0.1), CARS: (0.5, 0.0), SHERLOCK: (-1.0, 0.0), ADULT: (1.0, 0.0)}
MADE = Provenance("run-1", "complex", 2, "0123456789abcdef", "2026-03-01T00:00:00Z")

# What each query answers, in the columns named, without order where it draws a picture. A node is told by its id, a
# relationship by its type, a path by its nodes.
PICTURES: dict[str, tuple[str, set[tuple[Any, ...]]]] = {
    "acting_directors": ("d film actor", {(LASSETER, CARS, one) for one in (LASSETER, ALLEN, NEWMAN)}),
    "catalogs_in_common": ("a first t second b", {("north", "OFFERS", CARS, "OFFERS", "south")}),
    "decade_of_genre": ("g t directed d", {("Animation", id_, "DIRECTED", LASSETER) for id_ in (TOY, TOY_2)}),
    "director_collaborators": ("t with other", {
        (TOY, "ACTED_IN", ALLEN), (TOY_2, "ACTED_IN", ALLEN), (CARS, "ACTED_IN", ALLEN), (TOY, "ACTED_IN", HANKS),
        (TOY_2, "ACTED_IN", HANKS), (CARS, "ACTED_IN", NEWMAN), (TOY, "COMPOSED", RANDY),
    }),
    "genre_communities": ("community p r t", {
        *[("Animation:1", LASSETER, "DIRECTED", id_) for id_ in (TOY, TOY_2, CARS)],
        ("Animation:1", LASSETER, "ACTED_IN", CARS), ("Animation:1", NEWMAN, "ACTED_IN", CARS),
        *[("Animation:1", ALLEN, "ACTED_IN", id_) for id_ in (TOY, TOY_2, CARS)],
        ("Animation:1", HANKS, "ACTED_IN", TOY), ("Animation:1", HANKS, "ACTED_IN", TOY_2),
        ("Animation:1", RANDY, "COMPOSED", TOY),
    }),
    "paths_between_actors": ("path", {((HANKS, id_, ALLEN, CARS, NEWMAN),) for id_ in (TOY, TOY_2)}),
    "series_and_guests": ("s e guest", {(SHERLOCK, PINK, None), (SHERLOCK, BELGRAVIA, LARA)}),
    "why_alike": ("first shared second", {
        ("DIRECTED", LASSETER, "DIRECTED"), ("ACTED_IN", HANKS, "ACTED_IN"), ("ACTED_IN", ALLEN, "ACTED_IN"),
        ("IN_GENRE", "Animation", "IN_GENRE"), ("HAS_KEYWORD", "toy", "HAS_KEYWORD"),
    }),
}  # fmt: skip
TABLES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "catalog_lacks": ("id searches liked offered_by", [(TOY, 3, 1, ()), (TOY_2, 0, 0, ("south",))]),
    "data_quality": ("fault id", [
        ("a film over 10 hours", ENDLESS), ("a film under 40 minutes", BACKWARDS),
        ("directed before the director was born", BACKWARDS), ("ends before it starts", BACKWARDS),
        ("no genre", NAMELESS), ("no title", NAMELESS), ("no year", NAMELESS), ("nobody credited", NAMELESS),
    ]),
    "most_connected": ("id titles colleagues", [(LASSETER, 3, 4), (HANKS, 2, 3)]),
    "near_by_embedding": ("t reasons", [
        (TOY_2, {LASSETER, HANKS, ALLEN, "toy"}), (CARS, {LASSETER, ALLEN}), (SHERLOCK, set()),
    ]),
    "near_in_catalog": ("offer reasons", [
        (("north", CARS), {LASSETER, ALLEN, "Animation"}), (("north", SHERLOCK), set()),
    ]),
}  # fmt: skip


@pytest.fixture(scope="module")
def session(neo4j_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session of a reader, as Browser has it, on the small graph with vectors and communities."""
    import neo4j

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REELGRAPH_NEO4J_PASSWORD", PASSWORD)
        store = open_store(wiped(neo4j_url), create=True)
        store.load_tables(tables_of(tmp_path_factory.mktemp("explore"), ROWS))
        for label in ("Catalog", "User", "Search"):
            store.upsert_nodes(label, ROWS[label])
        for type_ in ("OFFERS", "RATED"):
            store.upsert_relationships(type_, ROWS[type_])
        for name in ("embedding", "substitute_vector"):
            store.set_embeddings(name, list(VECTORS), np.array(list(VECTORS.values()), np.float32), MADE)
        assert communities.keep(store, communities.find(store, "Animation", lambda *_: None))
        store.close()
    auth = ("neo4j", PASSWORD)
    with (
        neo4j.GraphDatabase.driver(neo4j_url, auth=auth) as driver,
        driver.session(default_access_mode=neo4j.READ_ACCESS) as opened,
    ):
        yield opened


def plain(value: Any) -> Any:
    """A node's id, a relationship's type, the nodes of a path; of several paths, what lies between their ends."""
    import neo4j

    match value:
        case neo4j.graph.Node():
            (id_,) = [value[NODES[label].id_name] for label in value.labels if label in NODES]
            return id_
        case neo4j.graph.Relationship():
            return value.type
        case neo4j.graph.Path():
            return tuple(plain(node) for node in value.nodes)
        case [neo4j.graph.Path(), *_]:
            return {plain(path)[1] for path in value}
        case list():
            return tuple(plain(one) for one in value)
        case _:
            return value


def answers(session: Any, name: str, columns: str) -> list[tuple[Any, ...]]:
    rows = session.run((FOLDER / "explore" / f"{name}.cypher").read_text("utf-8"))
    return [tuple(plain(row[column]) for column in columns.split()) for row in rows]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_in_it_what_was_asked_for(session: Any, name: str) -> None:
    columns, expected = PICTURES[name]
    assert set(answers(session, name, columns)) == expected


@pytest.mark.parametrize("name", TABLES)
def test_a_list_is_right_and_in_order(session: Any, name: str) -> None:
    columns, expected = TABLES[name]
    found = answers(session, name, columns)
    assert [row[0] for row in found] == [row[0] for row in expected]
    assert all(
        agrees(*both) for row, right in zip(found, expected, strict=True) for both in zip(row, right, strict=True)
    )


def agrees(found: Any, right: Any) -> bool:
    """Whether they are equal; a set is what a query shows some of, and none only where there is none."""
    if not isinstance(right, set):
        return bool(found == right)
    return set(found) <= right and bool(found) == bool(right)


def test_every_query_is_run_here_and_says_its_question_and_what_to_change() -> None:
    files = {file.stem: file.read_text("utf-8") for file in (FOLDER / "explore").iterdir()}
    assert set(files) == {*PICTURES, *TABLES}
    for name, text in files.items():
        comment = [line for line in text.splitlines() if line.startswith("//")]
        question, change, seen = comment
        assert re.search("[?:]", question), name
        assert "Change: " in change, name
        assert seen.startswith("// One sees"), name


def test_the_style_draws_what_people_see_and_names_nothing_that_the_schema_lacks() -> None:
    text = (FOLDER / "style.grass").read_text("utf-8")
    rules = dict(re.findall(r"^([\w.]+) \{\n((?:  [\w-]+: [^\n]+;\n)+)\}\n", text, re.M))
    assert re.sub(r"^[\w.]+ \{\n(?:  [\w-]+: [^\n]+;\n)+\}\n", "", text, flags=re.M).strip() == ""
    seen = {label for label, node in NODES.items() if label not in ("ApiKey", "Refresh", "Experiment")}
    types = {f"relationship.{type_}" for type_ in RELATIONSHIPS if type_ != "SHOWN"}
    assert set(rules) == {"node", "relationship", *(f"node.{label}" for label in seen), *types}
    for label in seen:
        (caption,) = re.findall(r'caption: "\{(\w+)\}";', rules[f"node.{label}"])[:1]
        assert caption in {NODES[label].id_name, *(one.name for one in NODES[label].properties)}
