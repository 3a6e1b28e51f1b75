"""A small world whose missing and wrong edges are known: six clusters of titles, each with people and a genre."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gnn.calibration import calibrate
from gnn.checkpoint import write_text
from gnn.config import parse_config
from gnn.loop import train_shared
from gnn.runs import CALIBRATION, Run, as_json, new_run
from gnn.split import split
from gnn.triples import graph_triples
from graph.store import GraphStore, open_store
from graph.tables import GraphTables, finish_tables, rows_to_table, write_table

CLUSTERS, TITLES, NEW = 6, 40, 3


@dataclass
class World:
    """genre: of each title, as it truly is. missing: titles whose genre the graph lacks; wrong: title → genre."""

    genre: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)


def clusters() -> tuple[World, dict[str, list[dict[str, object]]]]:
    """The whole world, the late titles too."""
    chance, world = random.Random(0), World()
    rows: dict[str, list[dict[str, object]]] = {
        name: [] for name in ("Title", "Person", "Genre", "DIRECTED", "ACTED_IN", "IN_GENRE")
    }
    for cluster in range(CLUSTERS):
        genre = f"Genre {cluster}"
        rows["Genre"].append({"id": genre})
        people = [f"nm{cluster:03}{number:04}" for number in range(12)]
        rows["Person"] += [{"id": one, "name": f"Person {one[-5:]}"} for one in people]
        for number in range(TITLES + NEW):
            title = f"tt{cluster:03}{number:04}"
            world.genre[title] = genre
            rows["Title"].append({"id": title, "kind": "movie", "title": f"Title {title[-5:]}", "num_votes": number})
            rows["DIRECTED"].append({"head": people[number % 4], "tail": title, "key": "1"})
            rows["ACTED_IN"] += [
                {"head": one, "tail": title, "key": str(key)} for key, one in enumerate(chance.sample(people[4:], 4), 2)
            ]
            if number >= TITLES:
                world.late.append(title)
            elif number < 2:
                world.missing.append(title)
            else:
                rows["IN_GENRE"].append({"head": title, "tail": genre})
            if number == 2:
                world.wrong[title] = f"Genre {(cluster + 3) % CLUSTERS}"
                rows["IN_GENRE"].append({"head": title, "tail": world.wrong[title]})
    return world, rows


def tables(folder: Path, rows: dict[str, list[dict[str, object]]], without: set[str]) -> GraphTables:
    for name, listed in rows.items():
        kept = [row for row in listed if not without & {row.get("id"), row.get("head"), row.get("tail")}]
        write_table(folder, name, [rows_to_table(name, kept)])
    return finish_tables(folder, [])


@pytest.fixture(scope="session")
def world() -> World:
    return clusters()[0]


@pytest.fixture(scope="session")
def tables_without(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Iterable[str]], GraphTables]:
    """Ids → the world's graph tables without these nodes."""
    return lambda ids: tables(tmp_path_factory.mktemp("tables"), clusters()[1], set(ids))


@pytest.fixture(scope="session")
def early(
    tmp_path_factory: pytest.TempPathFactory, world: World, tables_without: Callable[[Iterable[str]], GraphTables]
) -> Iterator[GraphStore]:
    """The graph without the late titles."""
    store = open_store(f"embedded:{tmp_path_factory.mktemp('early')}", create=True)
    store.load_tables(tables_without(world.late))
    yield store
    store.close()


@pytest.fixture(scope="session")
def grown(
    tmp_path_factory: pytest.TempPathFactory, tables_without: Callable[[Iterable[str]], GraphTables]
) -> Iterator[GraphStore]:
    """The same graph with them."""
    store = open_store(f"embedded:{tmp_path_factory.mktemp('grown')}", create=True)
    store.load_tables(tables_without(()))
    yield store
    store.close()


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory, early: GraphStore) -> Callable[[str], Run]:
    """A model's name → a run that was trained on the early graph, calibrated; each model once."""
    runs: dict[str, Run] = {}

    def train(model: str) -> Run:
        if model not in runs:
            raw = {"name": model.lower(), "model": {"name": model, "dimension": 16}}
            raw["training"] = {"epochs": 30, "batch": 128, "negatives": 64, "every": 30}
            config = parse_config(raw | {"split": {"valid": 0.1, "test": 0.1}})
            vocabulary, triples = graph_triples(early, config.graph)
            parts = split(vocabulary, triples, config.split)
            trained = train_shared(parts, config, lambda _: 1.0, checkpoint=None, report=lambda _: None)
            facts = {"relations": list(vocabulary.relations), "graph_hash": early.info().graph_hash, "best_epoch": 30}
            run = new_run(tmp_path_factory.mktemp("runs"), config, facts)
            run.keep(vocabulary, trained.scorer.state(), trained.scorer.entity_vectors())
            write_text(run.folder / CALIBRATION, as_json(calibrate(trained.scorer, parts).as_dict()))
            runs[model] = run.note(state="finished")
        return runs[model]

    return train


VIEWERS = 300


def watched() -> dict[str, list[dict[str, object]]]:
    """The early world with viewers, each of whom likes well-known titles of one cluster, and a few others."""
    world, rows = clusters()
    late = set(world.late)
    rows = {name: [row for row in listed if not late & {row.get("id"), row.get("tail")}]
            for name, listed in rows.items()}  # fmt: skip
    chance = random.Random(1)
    ids = [[str(row["id"]) for row in rows["Title"] if world.genre[str(row["id"])] == f"Genre {cluster}"]
           for cluster in range(CLUSTERS)]  # fmt: skip
    for number, row in enumerate(rows["Title"]):
        row |= {"num_votes": 1_000 * (1 + number % TITLES), "start_year": 1980 + number % TITLES}
        kind = world.genre[str(row["id"])].replace(" ", "").lower()
        row["text"] = f"A hero of {kind}land meets the villain of {kind}town in the year {number % TITLES}."
    for one, two in (("tt0000030", "tt0000031"), ("tt0010030", "tt0010031")):
        for id_, title in ((one, f"Saga {one[4:6]}"), (two, f"Saga {one[4:6]} 2")):
            next(row for row in rows["Title"] if row["id"] == id_)["title"] = title
            rows["DIRECTED"].append({"head": f"nm{one[2:5]}0011", "tail": id_, "key": "9"})
    rows["User"] = [{"id": str(number)} for number in range(VIEWERS)]
    rows["RATED"] = []
    for number in range(VIEWERS):
        own = ids[number % CLUSTERS]
        liked = {*chance.choices(own, range(1, TITLES + 1), k=25), *chance.sample(chance.choice(ids), 3)}
        rows["RATED"] += [
            {"head": str(number), "tail": id_, "key": "rating", "type": "rating", "value": 4.0 + (number % 2)}
            for id_ in sorted(liked)
        ]
    return rows


@pytest.fixture(scope="session")
def viewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphStore]:
    """A store of the early world with its viewers."""
    store = open_store(f"embedded:{tmp_path_factory.mktemp('viewed')}", create=True)
    store.load_tables(tables(tmp_path_factory.mktemp("watched"), watched(), set()))
    yield store
    store.close()


@pytest.fixture(scope="session")
def thawed() -> Iterator[None]:
    """Nothing is frozen at the end, when libraries look for what was not freed."""
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def what_is_there_stays(thawed: None) -> None:
    """PyKEEN asks for a garbage collection in each epoch, which then passes over all that the tests before imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_evaluations_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations are looked for in a folder of each test's own."""
    monkeypatch.setenv("REELGRAPH_CACHE", str(tmp_path / "cache"))
