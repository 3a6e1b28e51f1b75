"""A store with the sample in it, and small random graphs, for the tests of answers."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.store import GraphStore, VectorsOf, open_store
from graph.tables import GraphTables, finish_tables, rows_to_table, write_table
from loaders.load import load_sample

Rows = dict[str, list[dict[str, Any]]]
Stored = Callable[..., GraphStore]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    """Rows by label and type → a store that holds them; `into` one that is there. vectors: made with the load."""
    opened = []

    def store(rows: Rows, into: GraphStore | None = None, vectors: VectorsOf | None = None) -> GraphStore:
        folder = tmp_path_factory.mktemp("stored")
        made = into or open_store(f"embedded:{folder / 'store'}", create=True)
        made.load_tables(tables_of(folder / "tables", rows), None, vectors)
        opened.append(made)
        return made

    yield store
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    store = open_store(f"embedded:{tmp_path_factory.mktemp('sample') / 'store'}", create=True)
    load_sample(store)
    yield store
    store.close()


@pytest.fixture(params=range(4))
def random_graph(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    """Some 60 titles of all kinds, with missing values, adult ones, own names twice, and two catalogs with windows."""
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    store.load_tables(random_tables(tmp_path / "tables", random.Random(request.param)))
    yield store
    store.close()


def random_tables(folder: Path, chance: random.Random) -> GraphTables:
    titles = [f"tt{number:07}" for number in range(1, 61)]
    people = [f"nm{number:07}" for number in range(1, 31)]
    genres = ["Action", "Comedy", "Documentary", "Animation", "Drama"]
    words = ["Night", "River", "Star", "King", "Lost"]

    def maybe(value: Any, share: float = 0.8) -> Any:
        return value if chance.random() < share else None

    rows: Rows = {"Genre": [{"id": genre} for genre in genres]}
    rows["Title"] = [
        {
            "id": title,
            "kind": chance.choice(["movie", "tvSeries", "tvEpisode", "short", "videoGame"]),
            "title": f"{chance.choice(words)} {chance.choice(words)}{chance.choice(['', ' 2', ' III', ': Return'])}",
            "start_year": maybe(chance.randint(1900, 2026)),
            "is_adult": maybe(chance.random() < 0.2),
            "average_rating": maybe(chance.uniform(1, 10)),
            "num_votes": maybe(int(10 ** chance.uniform(0, 6))),
        }
        for title in titles
    ]
    rows["Person"] = [{"id": person, "name": f"Person {person[-2:]}"} for person in people]
    for type_ in ("DIRECTED", "ACTED_IN", "WROTE", "COMPOSED"):
        pairs = {(chance.choice(people), chance.choice(titles)) for _ in range(60)}
        rows[type_] = [{"head": p, "tail": t, "key": str(i), "ordering": i} for i, (p, t) in enumerate(sorted(pairs))]
    pairs = {(title, chance.choice(genres)) for title in titles for _ in range(2) if chance.random() < 0.8}
    rows["IN_GENRE"] = [{"head": title, "tail": genre} for title, genre in sorted(pairs)]
    series = [row["id"] for row in rows["Title"] if row["kind"] == "tvSeries"]
    episodes = [row["id"] for row in rows["Title"] if row["kind"] == "tvEpisode"]
    if series:
        rows["EPISODE_OF"] = [{"head": episode, "tail": chance.choice(series), "season": 1} for episode in episodes]
    rows["Catalog"] = [{"id": slug, "name": slug} for slug in ("a", "b", "empty")]
    rows["OFFERS"] = [
        {
            "head": slug,
            "tail": title,
            "key": f"{slug}{title}",
            "item_id": f"{slug}{title}",
            "regions": maybe(chance.sample(["US", "GB", "BR"], chance.randint(0, 2))),
            "available_from": maybe(dt.date(2026, chance.randint(1, 12), 1), 0.5),
            "available_until": maybe(dt.date(2027, chance.randint(1, 12), 1), 0.5),
        }
        for slug in ("a", "b")
        for title in chance.sample(titles, 25)
    ]
    return tables_of(folder, rows)


def tables_of(folder: Path, rows: Rows) -> GraphTables:
    """Graph tables of rows by label and type."""
    for name, listed in rows.items():
        write_table(folder, name, [rows_to_table(name, listed)])
    return finish_tables(folder, [])
