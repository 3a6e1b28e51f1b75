"""docs/results.md is made of what commands say; each of its pieces is a command that there is."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import typer

import reelgraph
from benchmarks.results import PAGE, PIECES, STORES, page
from gnn.evaluation_cache import judged
from gnn.evaluation_tasks import TASKS, Given, Setting, task
from graph.store import open_store
from loaders.load import load_sample


@pytest.mark.parametrize("name", PIECES)
def test_every_piece_is_a_command(name: str) -> None:
    piece = PIECES[name]
    assert piece.store in STORES
    own = typer.main.get_command(reelgraph.app).commands["evaluate"]  # type: ignore[attr-defined]
    parsed = own.make_context("evaluate", list(piece.options), resilient_parsing=False).params
    assert parsed["task"] in TASKS


def test_a_table_stands_below_its_command(tmp_path: Path) -> None:
    with contextlib.closing(open_store(f"embedded:{tmp_path / 'store'}", create=True)) as store:
        load_sample(store, viewers=True)
        setting = Setting("recommend", strategies=("random", "popularity"), split="random")
        found: dict[str, Any] = judged(task("recommend"), Given(setting, lambda: store), tmp_path / "kept")
    kept = json.loads(json.dumps(found))
    text = page({"recommend-ml-100k-random": kept})
    assert text.startswith("# Results\n")
    heading = text.index("## Recommendations on ml-100k, split random")
    command = "$ reelgraph evaluate --task recommend --strategy random --strategy popularity --split random"
    assert heading < text.index(command) < text.index("| strategy | what it is | NDCG@10 |")
    assert str(tmp_path) not in text
    assert f"judged all of it: `{kept['hashes']['code']}`" in text
    assert "## Ratings" not in text, "what was not judged is not there"
    assert PIECES["rating"].title in text[: text.index("## ")], "and the head says so"
    older = kept | {"hashes": {"code": "older"}}
    assert "`older`: Ratings on ml-100k" in page({"recommend-ml-100k-random": kept, "rating": older})


def test_the_page_has_no_data_of_others() -> None:
    text = PAGE.read_text("utf-8")
    assert "tt0" not in text, "ids of titles"
    assert "embedded:/" not in text, "paths of a machine"
