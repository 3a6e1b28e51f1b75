"""The kernel over content: each term by hand, what a kernel must be, and what is left without a person or genre."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from graph.content import Content, ContentReader, Terms, kernel
from graph.explain import ROLE_WEIGHTS
from graph.store import GraphStore, NotInGraph

ROWS: dict[str, list[dict[str, Any]]] = {
    "Genre": [{"id": name} for name in ("Animation", "Comedy", "Documentary", "Drama")],
    "Keyword": [{"id": name} for name in ("sea", "war")],
    "Title": [
        {"id": "a", "kind": "movie", "title": "Red Star", "start_year": 2000, "num_votes": 999, "average_rating": 8.0},
        {"id": "b", "kind": "movie", "title": "Star II", "start_year": 2010, "num_votes": 99_999,
         "average_rating": 6.5},
        {"id": "c", "kind": "tvSeries", "title": "Red Sea", "start_year": 2005, "num_votes": 9, "average_rating": 8.0},
        {"id": "bare"},
        {"id": "too", "kind": "movie"},
    ],
    "Person": [{"id": name} for name in ("ann", "bob", "cat")],
    "DIRECTED": [{"head": "ann", "tail": "a", "key": "1"}],
    "ACTED_IN": [{"head": "ann", "tail": "a", "key": "2"}, {"head": "bob", "tail": "a", "key": "3"},
                 {"head": "bob", "tail": "b", "key": "1"}, {"head": "bob", "tail": "c", "key": "1"}],
    "WROTE": [{"head": "cat", "tail": "a", "key": "4"}, {"head": "cat", "tail": "b", "key": "2"},
              {"head": "ann", "tail": "b", "key": "3"}],
    "IN_GENRE": [{"head": "a", "tail": "Drama"}, {"head": "a", "tail": "Comedy"}, {"head": "b", "tail": "Drama"},
                 {"head": "c", "tail": "Animation"}, {"head": "c", "tail": "Drama"}],
    "HAS_KEYWORD": [{"head": "a", "tail": "sea"}, {"head": "a", "tail": "war"}, {"head": "b", "tail": "sea"}],
}  # fmt: skip

NOTHING = Terms(
    genres=0, genre_overlap=0, people=0, writers=0, keywords=0, base=0, year=1e9, year_floor=0, votes=1e9,
    votes_floor=0, rating=1e9, rating_floor=0, keywords_anywhere=0, words=0,
)  # fmt: skip


def idf(nodes: float, all_: float = 5) -> float:
    return math.log1p(all_ / nodes)


def cosine(one: dict[str, float], other: dict[str, float]) -> float:
    dots = sum(value * other.get(name, 0) for name, value in one.items())
    return dots / math.sqrt(sum(v * v for v in one.values()) * sum(v * v for v in other.values()))


# Five titles. Drama is that of three, so idf(3); bob has three credits, ann three (two of them in `a`), cat two.
GENRES = {"a": {"Drama": idf(3), "Comedy": idf(1)}, "b": {"Drama": idf(3)}}
PEOPLE = {
    "a": {"ann": ROLE_WEIGHTS["DIRECTED"] * idf(3), "bob": idf(3), "cat": ROLE_WEIGHTS["WROTE"] * idf(2)},
    "b": {"bob": idf(3), "cat": ROLE_WEIGHTS["WROTE"] * idf(2), "ann": ROLE_WEIGHTS["WROTE"] * idf(3)},
}
WRITERS = {"a": {"cat": idf(2)}, "b": {"cat": idf(2), "ann": idf(3)}}
KEYWORDS = {"a": {"sea": idf(2), "war": idf(1)}, "b": {"sea": idf(2)}}
# Of the landmarks' names two have "star", two "red" and one "ii".
WORDS = {"a": {"red": idf(2), "star": idf(2)}, "b": {"star": idf(2), "ii": idf(1)}}


@pytest.fixture(scope="module")
def store(stored: Callable[..., GraphStore]) -> GraphStore:
    return stored(ROWS)


@pytest.fixture(scope="module")
def reader(store: GraphStore) -> ContentReader:
    return ContentReader(store, ["a", "b", "bare", "c", "too"])


def alike(reader: ContentReader, terms: Terms, one: str = "a", other: str = "b") -> float:
    return float(kernel(reader.read([one]), reader.read([other]), terms)[0, 0])


@pytest.mark.parametrize(
    ("part", "by_hand"),
    [
        ("base", 1.0),
        ("genres", cosine(GENRES["a"], GENRES["b"])),
        ("genre_overlap", 1 / 2),
        ("people", cosine(PEOPLE["a"], PEOPLE["b"])),
        ("writers", cosine(WRITERS["a"], WRITERS["b"])),
        ("keywords", cosine(KEYWORDS["a"], KEYWORDS["b"])),
        ("keywords_anywhere", cosine(KEYWORDS["a"], KEYWORDS["b"])),
        ("words", cosine(WORDS["a"], WORDS["b"])),
    ],
)
def test_each_part_by_hand(reader: ContentReader, part: str, by_hand: float) -> None:
    assert 0.1 < by_hand <= 1
    assert alike(reader, replace(NOTHING, **{part: 1.0})) == pytest.approx(by_hand, rel=1e-5)
    assert alike(reader, replace(NOTHING, **{part: 3.0})) == pytest.approx(3 * by_hand, rel=1e-5)


@pytest.mark.parametrize(
    ("changed", "by_hand"),
    [
        ({"year": 4.0, "year_floor": 0.2}, 0.2 + math.exp(-10 / 4)),
        ({"votes": 1.5, "votes_floor": 0.1}, 0.1 + math.exp(-((2 / 1.5) ** 2))),  # a thousand and a hundred thousand
        ({"rating": 2.0, "rating_floor": 0.3}, 0.3 + math.exp(-((1.5 / 2) ** 2))),
    ],
)
def test_each_distance_by_hand(reader: ContentReader, changed: dict[str, float], by_hand: float) -> None:
    assert alike(reader, replace(NOTHING, base=1.0, **changed)) == pytest.approx(by_hand, rel=1e-5)


def test_the_whole_by_hand(reader: ContentReader) -> None:
    t = Terms()
    keywords = cosine(KEYWORDS["a"], KEYWORDS["b"])
    content = t.base + t.genres * cosine(GENRES["a"], GENRES["b"]) + t.genre_overlap / 2
    content += t.people * cosine(PEOPLE["a"], PEOPLE["b"]) + t.writers * cosine(WRITERS["a"], WRITERS["b"])
    content += t.keywords * keywords
    content *= t.year_floor + math.exp(-10 / t.year)
    content *= t.votes_floor + math.exp(-((2 / t.votes) ** 2))
    content *= t.rating_floor + math.exp(-((1.5 / t.rating) ** 2))
    by_hand = content + t.keywords_anywhere * keywords + t.words * cosine(WORDS["a"], WORDS["b"])
    assert alike(reader, t) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize(
    ("kinds", "genres", "left"),
    [
        (("movie", "tvMovie"), ((), ()), 1.0),
        (("movie", "short"), ((), ()), 0.5),
        (("tvSeries", "tvEpisode"), ((), ()), 0.5),
        (("movie", "tvSeries"), ((), ()), 0.35),
        (("videoGame", "short"), ((), ()), 0.35),
        (("movie", "movie"), (("Animation",), ()), 0.6),
        (("movie", "movie"), (("Documentary",), ("Animation", "Documentary")), 0.6),
        (("movie", "movie"), (("Documentary",), ()), 0.4),
        (("short", "movie"), (("Animation", "Documentary"), ()), 0.5 * 0.6 * 0.4),
    ],
)
def test_form(
    stored: Callable[..., GraphStore], kinds: tuple[str, str], genres: tuple[tuple[str, ...], ...], left: float
) -> None:
    rows = {
        "Title": [{"id": str(place), "kind": kind} for place, kind in enumerate(kinds)],
        "Genre": [{"id": "Animation"}, {"id": "Documentary"}],
        "IN_GENRE": [{"head": str(place), "tail": name} for place, names in enumerate(genres) for name in names],
    }
    reader = ContentReader(stored(rows), ["0", "1"])
    terms = replace(NOTHING, base=1.0)
    found = kernel(reader.landmarks, reader.landmarks, terms)
    assert found == pytest.approx(np.array([[1, left], [left, 1]]))


def test_a_title_without_anything_is_alike_to_its_like_alone(reader: ContentReader) -> None:
    t = Terms()
    both = t.base * (1 + t.year_floor) * (1 + t.votes_floor) * (1 + t.rating_floor)
    assert alike(reader, t, "bare", "too") == pytest.approx(both, rel=1e-5)
    neither = t.base * t.year_floor * t.votes_floor * t.rating_floor
    assert alike(reader, t, "bare", "a") == pytest.approx(neither, rel=1e-5)
    found = kernel(reader.landmarks, reader.landmarks)
    assert np.isfinite(found).all()


def is_kernel(between: np.ndarray) -> bool:
    values = np.linalg.eigvalsh(between.astype(np.float64))
    symmetric = np.allclose(between, between.T, rtol=1e-5)  # but for the order in which float32 is added up
    return bool(symmetric and (between >= 0).all() and values[0] > -1e-5 * values[-1])


def test_it_is_a_kernel_on_random_graphs(random_graph: GraphStore) -> None:
    ids = [id_ for batch in random_graph.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    reader = ContentReader(random_graph, ids)
    between = kernel(reader.landmarks, reader.landmarks)
    assert is_kernel(between)
    assert not is_kernel(between - np.diag(np.diag(between)))


def test_it_is_a_kernel_on_the_sample(sample: GraphStore) -> None:
    ids = [id_ for batch in sample.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    reader = ContentReader(sample, ids)
    assert is_kernel(kernel(reader.landmarks, reader.landmarks))


def test_titles_in_batches_are_as_at_once(sample: GraphStore) -> None:
    ids = [id_ for batch in sample.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    reader = ContentReader(sample, ids[::3])
    whole = kernel(reader.read(ids), reader.landmarks)
    parts = [kernel(reader.read(ids[start : start + 7]), reader.landmarks) for start in range(0, len(ids), 7)]
    assert np.concatenate(parts) == pytest.approx(whole, rel=1e-5)
    assert kernel(reader.read(ids).rows(slice(3, 9)), reader.landmarks) == pytest.approx(whole[3:9], rel=1e-5)
    assert reader.read(ids[::-1]).ids == ids[::-1]
    assert kernel(reader.read(ids[::-1]), reader.landmarks)[::-1] == pytest.approx(whole, rel=1e-5)


def test_titles_that_are_not_there_are_named(reader: ContentReader) -> None:
    with pytest.raises(NotInGraph, match="there is no title 'gone'"):
        reader.read(["a", "gone"])


# Without a node

PARTS = ("people", "writers", "keywords", "words")


def by_name(reader: ContentReader, content: Content, row: int = 0) -> dict[str, dict[str, float]]:
    """What a row holds, by name: the columns of two readers are not in one order."""
    found = {}
    for part in PARTS:
        names = {column: name for name, column in reader._columns[part].items()}
        matrix: sp.coo_matrix = getattr(content, part)[row].tocoo()
        found[part] = {names[int(c)]: float(v) for c, v in zip(matrix.col, matrix.data, strict=True) if v}
    for part in ("genres", "genre_sets"):
        found[part] = {name: float(v) for name, v in zip(reader.genres, getattr(content, part)[row], strict=True) if v}
    return found | {"form": {"form": float(content.form[row])}}


def lacking(label: str, name: str) -> dict[str, list[dict[str, Any]]]:
    """The rows without what joins `a` or `c` to a node."""
    return {
        table: [row for row in rows if {row.get("head"), row.get("tail")} not in ({"a", name}, {"c", name})]
        for table, rows in ROWS.items()
    }


@pytest.mark.parametrize(
    ("title", "label", "name"),
    [
        ("a", "Person", "ann"),
        ("a", "Person", "bob"),
        ("a", "Person", "cat"),
        ("c", "Person", "bob"),
        ("a", "Genre", "Comedy"),
        ("a", "Genre", "Drama"),
        ("c", "Genre", "Animation"),
        ("a", "Keyword", "sea"),
        ("a", "Keyword", "war"),
    ],
)
def test_without_a_node_is_as_if_it_had_never_been_there(
    stored: Callable[..., GraphStore], reader: ContentReader, title: str, label: str, name: str
) -> None:
    taken = reader.without(reader.read([title]), [(label, name)])
    other = ContentReader(stored(lacking(label, name)), ["a", "b", "bare", "c", "too"])
    # That a node has become rarer is another matter: names count as they did.
    other._idf = reader._idf  # type: ignore[method-assign]
    other._genre_idf = reader._genre_idf
    expected = by_name(other, other.read([title]))
    before, after = by_name(reader, reader.read([title])), by_name(reader, taken)
    assert after != before
    assert after == {part: pytest.approx(held, rel=1e-4) for part, held in expected.items()}


def test_without_a_word_of_a_name(stored: Callable[..., GraphStore], reader: ContentReader) -> None:
    taken = by_name(reader, reader.without(reader.read(["a"]), [("Series", "star")]))
    assert taken["words"] == {"red": pytest.approx(1.0, rel=1e-4)}


def test_each_node_by_itself_and_one_that_is_not_there_changes_nothing(reader: ContentReader) -> None:
    title = reader.read(["a"])
    nodes = [("Person", "bob"), ("Genre", "Animation"), ("Genre", "Western"), ("Keyword", "moon"), ("Person", "cat")]
    rows = reader.without(title, nodes)
    assert len(rows) == len(nodes)
    for row in (1, 2, 3):
        assert by_name(reader, rows, row) == {
            part: pytest.approx(held, rel=1e-6) for part, held in by_name(reader, title).items()
        }
    for row in (0, 4):
        alone = reader.without(title, [nodes[row]])
        assert by_name(reader, rows, row) == {part: pytest.approx(v) for part, v in by_name(reader, alone).items()}
    assert len(reader.without(title, [])) == 0
