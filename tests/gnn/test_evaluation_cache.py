"""Evaluations are kept, and judged again when anything that makes the figures has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import gnn.evaluation_cache as cache
import reelgraph
from gnn.evaluation_cache import files_hash, judged
from gnn.evaluation_tasks import Given, Setting, task
from graph.store import GraphStore, open_store
from loaders.load import load_sample

SETTING = Setting("substitutes", strategies=("random", "popularity"), seeds=(0,), hidden=20)
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(viewed: GraphStore, tmp_path: Path) -> Ask:
    def asked(setting: Setting = SETTING, store: GraphStore = viewed, **how: Any) -> dict[str, Any]:
        return judged(task(setting.task), Given(setting, lambda: store), tmp_path / "kept", **how)

    return asked


def files(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "kept").iterdir()}


def test_the_same_question_is_judged_once(ask: Ask, tmp_path: Path) -> None:
    first, second = ask(), ask()
    assert not first.pop("from_cache")
    assert second.pop("from_cache")
    assert json.loads(json.dumps(first)) == second, "costs too: nothing was measured again"
    assert len(files(tmp_path)) == 1
    assert not ask(fresh=True)["from_cache"]
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("other", [{"seeds": (1,)}, {"hidden": 19}, {"strategies": ("random",)}, {"validation": True}])
def test_another_question_is_another_result(other: dict[str, Any], ask: Ask, tmp_path: Path) -> None:
    ask()
    assert not ask(replace(SETTING, **other))["from_cache"]
    assert ask(replace(SETTING, **other))["from_cache"]
    assert len(files(tmp_path)) == 2


def test_other_feedback_settings_or_code_judge_again(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ask()
    monkeypatch.setenv("REELGRAPH_LIKED_FEEDBACK", '["rating>=3"]')
    assert not ask()["from_cache"], "settings of feedback"
    monkeypatch.delenv("REELGRAPH_LIKED_FEEDBACK")
    assert ask()["from_cache"]
    monkeypatch.setattr(cache, "code_hash", lambda: "another")
    assert not ask()["from_cache"], "code"
    assert len(files(tmp_path)) == 3


def test_one_more_like_judges_again(ask: Ask, tmp_path: Path) -> None:
    store = open_store(f"embedded:{tmp_path / 'store'}", create=True)
    load_sample(store, viewers=True)
    setting = Setting("recommend", strategies=("random", "popularity"))
    assert [ask(setting, store)["from_cache"] for _ in range(2)] == [False, True]
    user, title = (next(iter(store.scan_nodes(label, []))).column("id")[0].as_py() for label in ("User", "Title"))
    row = {"head": user, "tail": title, "key": "like", "type": "like"}
    store.upsert_relationships("RATED", [row])
    assert not ask(setting, store)["from_cache"]
    store.close()


def test_an_interruption_leaves_nothing_half_written(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)  # Ctrl-C at the worst moment: written, not yet in its place
    with pytest.raises(KeyboardInterrupt):
        ask()
    assert files(tmp_path) == set()
    monkeypatch.undo()
    assert not ask()["from_cache"]


def test_a_damaged_result_is_judged_again(ask: Ask, tmp_path: Path) -> None:
    ask()
    (path,) = (tmp_path / "kept").iterdir()
    for text in ("{", "[]", '{"half": 1}'):
        path.write_text(text, "utf-8")
        assert not ask()["from_cache"]
        assert ask()["from_cache"]


def test_the_oldest_results_are_forgotten(ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache, "_MOST", 2)
    for seed in (1, 2, 3):
        ask(replace(SETTING, seeds=(seed,)))
    assert len(files(tmp_path)) == 2
    assert ask(replace(SETTING, seeds=(3,)))["from_cache"]
    assert not ask(replace(SETTING, seeds=(1,)))["from_cache"]


def test_a_folder_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "ratings.csv").write_text("1", "utf-8")
    first = files_hash(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert files_hash(tmp_path / "b") == first
    (tmp_path / "b" / "ratings.csv").write_text("2", "utf-8")
    assert files_hash(tmp_path / "b") != first


def test_the_command_says_that_it_knew(viewed: GraphStore, tmp_path: Path) -> None:
    typed = ["evaluate", "--task", "substitutes", "--strategy", "random", "--seed", "0", "--hidden", "20"]
    typed += ["--store", viewed.url]
    page, text = tmp_path / "page.html", tmp_path / "table.md"
    first = CliRunner().invoke(reelgraph.app, [*typed, "--page", str(page), "--markdown", str(text)])
    assert first.exit_code == 0, first.output
    assert "as judged" not in first.stderr
    assert "as judged 2" in CliRunner().invoke(reelgraph.app, typed).stderr
    assert "as judged" not in CliRunner().invoke(reelgraph.app, [*typed, "--fresh"]).stderr
    assert "$ reelgraph evaluate --task substitutes --strategy random --seed 0 --hidden 20" in text.read_text("utf-8")
    assert page.read_text("utf-8").startswith("<!doctype html>")
    refused = CliRunner().invoke(reelgraph.app, [*typed, "--page", str(tmp_path / "no" / "page.html")])
    assert refused.exit_code == 2
    assert "there is no folder" in refused.output
