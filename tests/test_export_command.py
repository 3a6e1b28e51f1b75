"""`reelgraph export neo4j-admin` as people and scripts meet it; the other forms are in test_cli.py."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from graph.store import open_store
from loaders.load import load_sample

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = f"embedded:{tmp_path_factory.mktemp('sample') / 'store'}"
    store = open_store(place, create=True)
    load_sample(store)
    store.close()
    return place


def export(url: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reelgraph", "export", "neo4j-admin", str(folder), "--store", url, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_that_is_printed_is_one_for_a_shell(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    done = export(url, folder, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["path"] == str(folder)
    assert told["empty_lists"] == 0
    assert told["counts"]["Title"] == 263
    printed = export(url, folder).stdout
    start = printed.index("neo4j-admin database import full neo4j")
    # a shell joins lines that end in a backslash; shlex does not
    assert shlex.split(printed[start : printed.index("\n\n", start)].replace("\\\n", "")) == told["command"]
    files = [word.rpartition("=")[2] for word in told["command"] if word.startswith(("--nodes", "--relationships"))]
    assert all(Path(file).is_file() for file in files)
    assert len(files) == len(told["counts"]) + 1  # the Release nodes
    assert printed.endswith("reelgraph doctor --store neo4j://HOST:7687\n")
