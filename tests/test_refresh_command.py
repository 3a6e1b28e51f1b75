"""`reelgraph refresh` as timers and people meet it: killed anywhere it goes on, twice at once it is refused."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gnn.runs import list_runs
from graph.refreshed import refreshed
from graph.store import open_store
from loaders.load import ASIDE
from loaders.refresh_command import FRESH
from tests.servers import published as server
from tests.servers.published import Published, rows

ROOT = Path(__file__).parents[1]
PROGRESS = re.compile(r"Refreshing: .+, \d+%\n")  # on a busy machine anything may take two seconds
SMALL = """
[model]
name = "DistMult"
dimension = 8
[training]
epochs = 3
batch = 128
negatives = 16
every = 1
"""


class Place:
    """A folder with a store, IMDb's files and runs, and a server of new files."""

    def __init__(self, folder: Path, published: Published) -> None:
        self.folder, self.published = folder, published
        self.url = f"embedded:{folder / 'store'}"
        (folder / "small.toml").write_text(SMALL, "utf-8")

    def arguments(self, *more: str) -> list[str]:
        given = ["--dir", self.folder / "imdb", "--runs", self.folder / "runs", "--store", self.url]
        return ["refresh", *map(str, given), "--imdb-url", self.published.url, *more]

    def start(self, *more: str, before: str = "") -> subprocess.Popen[str]:
        """Begin a refresh in a process of its own; before: Python that is run there first."""
        code = f"import os, signal\n{textwrap.dedent(before)}\nimport reelgraph\nreelgraph.main()"
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "REELGRAPH_STARTED_AGAIN": "1"}
        return subprocess.Popen([sys.executable, "-c", code, *self.arguments(*more)], cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)  # fmt: skip

    def run(self, *more: str, before: str = "") -> tuple[int, str, str]:
        process = self.start(*more, before=before)
        told, complained = process.communicate(timeout=300)
        return process.returncode, told, PROGRESS.sub("", complained)

    def said(self) -> Any:
        with contextlib.closing(open_store(self.url)) as store:
            return refreshed(store)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with server.published(tmp_path / "published") as published:
        published.put(rows(60))
        yield Place(tmp_path, published)


KILL = """
from graph.refreshed import Turn
real = Turn.step
def step(self, name):
    real(self, name)
    if name == {name!r}:
        os.kill(os.getpid(), signal.SIGKILL)
Turn.step = step
"""
AT = {name: KILL.format(name=name) for name in ("download", "load", "fold in", "train small", "publish small")}
AT["in the load"] = """
from loaders import load
load.finish_tables = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""
AT["after the load"] = """
from loaders import refresh
real = refresh._load
refresh._load = lambda *given: (real(*given), os.kill(os.getpid(), signal.SIGKILL))
"""
AT["in the training"] = """
from gnn.runs import Run
real = Run.log
def log(self, epoch):
    real(self, epoch)
    if epoch.number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
Run.log = log
"""
AT["after the publish"] = """
from gnn import refresh
real = refresh.publish
refresh.publish = lambda *given, **named: (real(*given, **named), os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.parametrize("name", AT)
def test_killed_anywhere_the_next_one_goes_on_from_there(place: Place, name: str) -> None:
    code, _, _ = place.run("--config", "small.toml", before=AT[name])
    assert code == -signal.SIGKILL
    seen = place.said()
    assert (seen.said, seen.fresh) == ("running", None)
    begun = [run.name for run in list_runs(place.folder / "runs")]
    place.published.take()
    code, told, complained = place.run("--config", "small.toml")
    assert (code, complained) == (0, "")
    assert told.splitlines()[-1].startswith(f"{FRESH}: version ")
    loaded = name not in ("download", "load", "in the load", "after the load")
    assert ("title.basics" in told) != loaded  # what had been loaded was not loaded again
    assert place.published.take() == [200] * 7 if name == "download" else [304] * 7
    runs = list_runs(place.folder / "runs")
    assert [(run.name, run.state) for run in runs] == [("small", "finished")]
    assert begun == (["small"] if name in ("publish small", "in the training", "after the publish") else [])
    with contextlib.closing(open_store(place.url)) as store:
        assert (store.info().counts["Title"], store.info().embeddings["embedding"].run) == (60, "small")
    assert not list((place.folder / "imdb").glob(f"{ASIDE}*"))
    code, told, _ = place.run("--config", "small.toml")
    assert (code, told.split(":")[0]) == (0, f"Nothing is new. {FRESH}")


def test_with_nothing_new_it_takes_seconds(place: Place) -> None:
    assert place.run()[0] == 0
    began = time.monotonic()
    code, told, complained = place.run("--json")
    assert (code, complained) == (0, "")
    found = json.loads(told)
    assert (found["state"], found["fetched"], found["loaded"], found["vectors"]) == ("done", [], None, [])
    assert time.monotonic() - began < 30  # most of it starts Python, on a machine that is busy with other tests


def test_a_second_one_at_once_is_refused_and_the_first_one_finishes(place: Place) -> None:
    gate = threading.Event()
    place.published.wait_for = gate
    first = place.start()
    while not place.published.asked:
        assert first.poll() is None
        time.sleep(0.05)
    code, told, complained = place.run()
    assert (code, told) == (1, "")
    assert re.fullmatch(
        r"reelgraph: another refresh \(process \d+\) is at work in .*; wait until it is done\n", complained
    )
    elsewhere = ["--dir", str(place.folder / "elsewhere")]
    code, told, complained = place.run(*elsewhere)
    assert (code, told) == (1, "")
    assert re.match(r"reelgraph: .*:.*/imdb process \d+\.\w+ refreshes .*, at download since ", complained)
    gate.set()
    told, _ = first.communicate(timeout=120)
    assert (first.returncode, told.splitlines()[-1]) == (0, f"{FRESH}: version 000001")


def test_interrupted_it_says_so_and_leaves_what_was_there(place: Place) -> None:
    gate = threading.Event()
    place.published.wait_for = gate
    first = place.start()
    while not place.published.asked:
        assert first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    _, complained = first.communicate(timeout=60)
    gate.set()
    told = "reelgraph: interrupted; what was there before is unchanged\n"
    assert (first.returncode, PROGRESS.sub("", complained)) == (130, told)
    assert (place.said().state, place.said().problem) == ("failed", "interrupted")
    assert place.run()[0] == 0


def test_what_needs_a_person_is_one_line_and_exit_code_1(place: Place) -> None:
    assert place.run()[0] == 0
    place.published.put(rows(40))
    code, told, complained = place.run()
    assert (code, told) == (1, "")
    assert re.fullmatch(
        r"reelgraph: the new files lack 20 of its 60 titles, .*--force, or set --lose-at-most\n", complained
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "reelgraph", "doctor", "--json", "--store", place.url]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    (said,) = [one for one in json.loads(done.stdout)["checks"] if one["check"] == "refresh"]
    assert (done.returncode, said["state"]) == (1, "wrong")
    assert "refused at load" in said["detail"]
    assert place.run("--force")[0] == 0
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    (said,) = [one for one in json.loads(done.stdout)["checks"] if one["check"] == "refresh"]
    assert (done.returncode, said["state"]) == (0, "ok")


@pytest.mark.parametrize(
    ("given", "problem"),
    [(["--config", "none.toml"], "there is no configuration none.toml"),
     (["--retrain-above", "2"], "--retrain-above"), (["--kinds", "film"], "there is no kind of title 'film'"),
     (["--catalog", "none.csv"], "none.csv")],
)  # fmt: skip
def test_what_was_given_wrongly_is_said(place: Place, given: list[str], problem: str) -> None:
    code, told, complained = place.run(*given)
    assert (code, told, len(complained.splitlines())) == (2, "", 1)
    assert problem in complained


def test_on_neo4j(empty_neo4j: str, place: Place) -> None:
    place.url = empty_neo4j
    code, told, complained = place.run("--config", "small.toml")
    assert (code, complained) == (0, "")
    first = place.said()
    assert (first.state, first.problem) == ("done", None)
    code, told, _ = place.run("--config", "small.toml")
    assert (code, told.split(":")[0]) == (0, f"Nothing is new. {FRESH}")
    place.published.put(rows(62))
    assert place.run("--config", "small.toml", before=AT["fold in"])[0] == -signal.SIGKILL
    code, told, _ = place.run("--config", "small.toml")
    assert code == 0
    assert "`embedding` folded in: 2 new titles, from small" in told
    place.published.put(rows(30))
    assert place.run("--config", "small.toml")[0] == 1
    assert (place.said().state, place.said().files) == ("refused", place.said().files)
    with contextlib.closing(open_store(place.url)) as store:
        assert store.info().counts["Title"] == 62
