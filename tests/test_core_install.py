"""The core alone, installed from the locked files into environments of their own: no extra, no torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or (str(ROOT / ".uv/bin/uv") if (ROOT / ".uv/bin/uv").exists() else None)


LIKED = ("tt0114709", "tt0198781", "tt0266543", "tt0110357", "tt0120623")


def interpreter(version: str) -> str | None:
    """Where a Python of that version is on this machine, as uv finds it."""
    found = subprocess.run(
        [str(UV), "python", "find", "--no-python-downloads", version], capture_output=True, text=True
    )
    return found.stdout.strip() if found.returncode == 0 else None


def absent(reason: str) -> None:
    if os.environ.get("REELGRAPH_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_core_answers_without_any_extra(version: str, tmp_path: Path) -> None:
    if UV is None:
        absent("uv is not there; run the tests by `make test`, which fetches it")
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not on this machine")
    venv = tmp_path / "venv"
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}
    environment.setdefault("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(UV, "venv", "--quiet", "--python", python, venv)
    install = (UV, "pip", "install", "--quiet", "--python", venv / "bin/python")
    run(*install, "--require-hashes", "-r", ROOT / "requirements/core.txt")
    run(*install, "--no-deps", ROOT)
    reelgraph = venv / "bin/reelgraph"
    assert "search" in run(reelgraph, "--help")
    assert "Monsters, Inc." in run(reelgraph, "demo", "--no-serve")
    store = f"embedded:{tmp_path / 'data' / 'reelgraph' / 'demo'}"
    if sys.platform == "darwin":
        store = f"embedded:{tmp_path / 'Library/Application Support/reelgraph/demo'}"
    found = run(reelgraph, "search", "spirited", "away", "--catalog", "north", "--region", "GB", "--store", store)
    assert "In this catalog" in found
    rows = (f"u{user},{title},5" for user in range(9) for title in LIKED if user % 3 or title != LIKED[0])
    (tmp_path / "likes.csv").write_text("user_id,tconst,value\n" + "\n".join(rows) + "\n", "utf-8")
    run(reelgraph, "load", "--feedback", tmp_path / "likes.csv", "--store", store)
    run(reelgraph, "train", ROOT / "configs/substitutes.toml", "--store", store)
    run(reelgraph, "publish", "substitutes", "--store", store)
    learned = run(reelgraph, "search", "toy", "story", "--catalog", "north", "--region", "US", "--store", store)
    assert "liked by viewers of" in learned
    probe = (
        "import importlib.util as u, sys; sys.exit(any(u.find_spec(m) for m in ('torch', 'dgl', 'pykeen', 'neo4j')))"
    )
    run(venv / "bin/python", "-c", probe)
