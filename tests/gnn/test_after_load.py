"""Titles that a load brings get the published vectors, from the run that the others have theirs from."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reelgraph
from gnn.after_load import FoldedIn, fold_in_new
from gnn.config import parse_config
from gnn.publish import publish
from gnn.runs import Run, open_run
from gnn.train import train
from graph.store import GraphStore, open_store
from graph.tables import GraphTables
from loaders.imdb import KINDS, Choices
from loaders.load import load

ROOT = Path(__file__).parents[2]
Tables = Callable[[Iterable[str]], GraphTables]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Tests run beside each other: more threads than cores wait for each other, spinning."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture
def run(run_of: Callable[[str], Run]) -> Run:
    return run_of("DistMult")


@pytest.fixture
def store(tmp_path: Path, tables_without: Tables, world: Any, run: Run) -> Iterator[GraphStore]:
    """The graph without the late titles; the others carry the run's vectors."""
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    store.load_tables(tables_without(world.late))
    publish(run, store)
    yield store
    store.close()


def vectors(store: GraphStore, ids: Iterable[str], name: str = "embedding") -> dict[str, list[float]]:
    held, found = store.get_embeddings(name, list(ids))
    return dict(zip(held, found.tolist(), strict=True))


def copied(run: Run, runs: Path) -> Run:
    """The same run in another folder of runs, to do damage to."""
    return open_run(Path(shutil.copytree(run.folder, runs / run.name)))


# The function


def test_new_titles_lie_among_their_cluster_and_the_others_keep_their_vectors(
    store: GraphStore, run: Run, tables_without: Tables, world: Any
) -> None:
    before, published = vectors(store, world.genre), store.info()
    version = store.load_tables(tables_without(()))
    assert len(vectors(store, world.late)) == 0
    told: list[tuple[str, float]] = []
    (found,) = fold_in_new(store, run.folder.parent, lambda what, share: told.append((what, share)))
    assert found == FoldedIn("embedding", "distmult", len(world.late), 0, store.info().version)
    assert str(found) == f"Version {found.version}: 18 titles got `embedding`, folded in from distmult"
    after = vectors(store, world.genre)
    assert {id_: after[id_] for id_ in before} == before
    assert set(after) == set(world.genre)
    same = [world.genre[one] == world.genre[id_] for id_ in world.late for one in _nearest(id_, after, before)]
    assert np.mean(same) >= 0.8
    (was,), (now,) = published.embeddings.values(), store.info().embeddings.values()
    assert (now.run, now.model, now.dimension, now.graph_hash) == (was.run, "DistMult", 16, run.record["graph_hash"])
    assert now.graph_hash != store.info().graph_hash
    assert store.info().versions[-2:] == [version, found.version]  # all at once
    assert (told[0][1], told[-1][1]) == (0.0, 1.0)
    assert fold_in_new(store, run.folder.parent) == []
    assert store.rollback() == version
    assert vectors(store, world.genre) == before


def _nearest(id_: str, found: dict[str, list[float]], among: Iterable[str]) -> list[str]:
    names = list(among)
    rows = np.array([found[name] for name in names])
    centre = rows.mean(0)
    rows, asked = rows - centre, np.array(found[id_]) - centre
    return [names[place] for place in np.argsort(-(rows @ asked) / np.linalg.norm(rows, axis=1))[:5]]


def test_what_was_folded_in_before_stays_and_what_comes_back_has_its_own(
    store: GraphStore, run: Run, tables_without: Tables, world: Any
) -> None:
    trained = vectors(store, world.genre)
    gone, early = world.missing[0], world.late[:6]
    store.load_tables(tables_without([gone, *world.late[6:]]))
    fold_in_new(store, run.folder.parent)
    first = vectors(store, early)
    assert len(first) == 6
    store.load_tables(tables_without(()))
    (found,) = fold_in_new(store, run.folder.parent)
    assert (found.titles, found.without) == (13, 0)
    assert vectors(store, early) == first
    assert vectors(store, [gone])[gone] == trained[gone]


def test_each_published_name_is_served(
    store: GraphStore, run_of: Callable[[str], Run], tables_without: Tables, world: Any, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    for model in ("DistMult", "TransE"):
        copied(run_of(model), runs)
    text = (runs / "transe" / "config.toml").read_text()
    (runs / "transe" / "config.toml").write_text(text.replace('name = "embedding"', 'name = "moved"'))
    publish(runs / "transe", store)
    store.load_tables(tables_without(()))
    found = fold_in_new(store, runs)
    assert [(one.name, one.run, one.titles) for one in found] == [
        ("embedding", "distmult", 18),
        ("moved", "transe", 18),
    ]
    assert len(vectors(store, world.late, "moved")) == 18


def test_a_title_that_nothing_joins_to_the_known_has_none(store: GraphStore, run: Run, tables_without: Tables) -> None:
    store.load_tables(tables_without(()))
    store.upsert_nodes("Title", [{"id": "tt9999999", "kind": "movie", "title": "Alone"}])
    (found,) = fold_in_new(store, run.folder.parent)
    assert (found.titles, found.without) == (18, 1)
    assert str(found).endswith("; 1 have none: nothing joins them to what it knows")
    version = store.info().version
    (found,) = fold_in_new(store, run.folder.parent)
    assert (found.titles, found.without, store.info().version) == (0, 1, version)


def test_nothing_is_published_and_nothing_is_done(tables_without: Tables, tmp_path: Path) -> None:
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    store.load_tables(tables_without(()))
    assert fold_in_new(store, tmp_path) == []
    store.close()


def _retrained(run: Run) -> None:
    np.save(run.folder / "vectors.npy", np.array(run.vectors()) + 1)


ANOTHER = r"copy/distmult is another run than the one that they come from; say where that is: --runs DIR, or publish"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            lambda run: shutil.rmtree(run.folder),
            r"there is no run .*/copy/distmult; say where the runs are: --runs",
        ),
        (_retrained, ANOTHER),
        (lambda run: run.note(graph_hash="0123456789abcdef"), ANOTHER),
        (lambda run: run.note(state="failed"), "is failed; only a finished run"),
        (lambda run: (run.folder / "model.safetensors").unlink(), r"model\.safetensors is gone; put it back"),
        (lambda run: (run.folder / "run.json").write_text("{"), "cannot be read"),
    ],
)
def test_a_run_that_does_not_serve_is_said_and_the_load_stands(
    damage: Callable[[Run], object], says: str, store: GraphStore, run: Run, tables_without: Tables, world: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    before = vectors(store, world.genre)
    version = store.load_tables(tables_without(()))
    damage(copied(run, tmp_path / "copy"))
    (found,) = fold_in_new(store, tmp_path / "copy")
    assert (found.titles, found.without, found.version) == (0, 18, None)
    assert re.search(says, str(found))
    assert str(found).startswith("18 titles have no `embedding`: ")
    assert store.info().version == version
    assert vectors(store, world.genre) == before


def test_a_model_that_cannot_embed_new_titles_is_said(tables_without: Tables, world: Any, tmp_path: Path) -> None:
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    store.load_tables(tables_without(world.late))
    raw = {
        "name": "walker",
        "model": {"name": "CompGCN", "dimension": 8},
        "training": {"epochs": 1, "reciprocal": True},
    }
    publish(train(parse_config(raw), store, runs=tmp_path / "runs"), store)
    store.load_tables(tables_without(()))
    (found,) = fold_in_new(store, tmp_path / "runs")
    store.close()
    assert str(found) == (
        "18 titles have no `embedding`: CompGCN cannot embed what it has not seen; train again, or use another model"
    )


def test_a_graph_that_is_mostly_new_asks_for_training(
    store: GraphStore, run: Run, tables_without: Tables, world: Any
) -> None:
    few = [id_ for id_ in world.genre if id_ not in world.late][:10]
    store.load_tables(tables_without(set(world.genre) - set(few)))
    store.load_tables(tables_without(set(world.genre) - {*few, *world.late}))
    (found,) = fold_in_new(store, run.folder.parent)
    assert found.problem is not None
    assert re.match(r"18 are new to distmult, more than the 10 that carry its vectors; train on this", found.problem)


def test_a_store_that_is_being_loaded_is_left_alone(store: GraphStore, run: Run, tables_without: Tables) -> None:
    store.load_tables(tables_without(()))
    other: Any = open_store(store.url)
    with other._versions.writing():
        (found,) = fold_in_new(store, run.folder.parent)
    other.close()
    assert found.problem is not None
    assert "is loading into" in found.problem


# The command


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store that lacks some of the sample's titles and carries vectors; runs/; and the whole sample."""
    folder = tmp_path_factory.mktemp("published")
    with as_file(files("loaders") / "sample") as sample:
        shutil.copytree(sample, folder / "whole")
    shutil.copytree(folder / "whole", folder / "part")
    basics = folder / "part" / "title.basics.tsv"
    lines = basics.read_text("utf-8").splitlines(keepends=True)
    basics.write_text("".join(line for number, line in enumerate(lines) if number == 0 or number % 20), "utf-8")
    store = open_store(f"embedded:{folder / 'store'}", create=True)
    load(store, imdb=folder / "part", choices=Choices(kinds=frozenset(KINDS)))
    raw = {"name": "small", "model": {"name": "DistMult", "dimension": 16}, "training": {"epochs": 4, "batch": 64}}
    publish(train(parse_config(raw), store, runs=folder / "runs"), store)
    store.close()
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "published"))


def command(folder: Path, *arguments: object, python: Iterable[str] = ("-m", "reelgraph"), **options: Any) -> Any:
    kinds = ["--kinds", ",".join(KINDS), "--store", f"embedded:{folder / 'store'}"]
    done = subprocess.run([sys.executable, *python, "load", *map(str, arguments), *kinds],
                          cwd=options.pop("cwd", ROOT), capture_output=True, text=True, **options)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def test_a_load_says_what_was_folded_in(folder: Path) -> None:
    done = command(folder, "--imdb", folder / "whole", "--runs", folder / "runs")
    lines = done.stdout.splitlines()
    assert lines[-2].startswith("Version 000003: ")
    assert re.fullmatch(r"Version 000004: 1\d titles got `embedding`, folded in from small", lines[-1])
    store = open_store(f"embedded:{folder / 'store'}")
    ids = [id_ for batch in store.scan_nodes("Title", []) for id_ in batch.column("id").to_pylist()]
    assert store.get_embeddings("embedding", ids)[0] == ids
    assert store.info().embeddings["embedding"].run == "small"
    store.close()


def test_a_load_says_as_json_what_was_folded_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = folder / "own.csv"
    own.write_text("item_id,tconst,title,year,kind,genres\nx1,,Cooking at Home,2024,movie,Drama\n")
    stop, runs = signal.getsignal(signal.SIGTERM), ["--runs", str(folder / "runs"), "--json"]
    # The last load brings nothing that is new: its own production is there already.
    given = (
        ["--imdb", str(folder / "whole"), "--kinds", ",".join(KINDS)],
        ["--catalog", str(own)],
        ["--catalog", str(own)],
    )
    done = []
    for one in given:
        monkeypatch.setattr(sys, "argv", ["reelgraph", "load", *one, *runs, "--store", f"embedded:{folder / 'store'}"])
        with pytest.raises(SystemExit) as left:
            reelgraph.main()
        assert not left.value.code
        done.append(json.loads(capsys.readouterr().out))
    signal.signal(signal.SIGTERM, stop)
    (found,) = done[0]["folded_in"]
    assert (found["name"], found["run"], found["without"], found["problem"]) == ("embedding", "small", 0, None)
    assert found["titles"] >= 10
    assert (done[0]["version"], found["version"]) == ("000003", "000004")
    assert [[one["titles"] for one in load["folded_in"]] for load in done[1:]] == [[1], []]


def test_a_run_that_is_not_there_is_said_and_the_load_stands(folder: Path) -> None:
    done = command(folder, "--imdb", folder / "whole", "--runs", folder / "nowhere")
    *_, loaded, said = done.stdout.splitlines()
    assert loaded.startswith("Version 000003: ")
    assert re.fullmatch(r"1\d titles have no `embedding`: there is no run .*/nowhere/small; say where .*", said)
    assert open_store(f"embedded:{folder / 'store'}").info().version == "000003"


def test_without_torch_it_says_what_to_install(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    for path in Path(np.__file__).parents[1].iterdir():  # all that is installed, but for what the extra brings
        if not re.match(r"(torch|pykeen|dgl|safetensors|matplotlib|sklearn)", path.name):
            (tmp_path / "site" / path.name).symlink_to(path)
    code = f"""
import sys
sys.path[:] = [{str(ROOT)!r}, *[p for p in sys.path if "site-packages" not in p], {str(tmp_path / "site")!r}]
import reelgraph
reelgraph.main()
"""
    given = ("--imdb", folder / "whole", "--runs", folder / "runs", "--json")
    found = json.loads(command(folder, *given, python=("-S", "-c", code), cwd=tmp_path).stdout)["folded_in"]
    assert found[0]["titles"] == 0
    assert found[0]["problem"] == ("torch and pykeen must be installed for this: pip install 'reelgraph[train]'")


def test_a_load_without_published_vectors_imports_no_training_library(folder: Path) -> None:
    code = """
import sys, reelgraph
try:
    reelgraph.main()
finally:
    print(sorted({"torch", "pykeen", "dgl", "gnn.runs", "gnn.after_load"} & set(sys.modules)))
"""
    shutil.rmtree(folder / "store")
    for _ in range(2):
        done = command(folder, "--imdb", folder / "whole", python=("-c", code))
        assert done.stdout.splitlines()[-1] == "[]"
