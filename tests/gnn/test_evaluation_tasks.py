from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reelgraph
from gnn.config import ConfigError
from gnn.evaluation_tasks import TASKS, Given, Setting, task
from gnn.link_table import judge
from gnn.train import train
from graph.store import GraphStore


def no_graph() -> GraphStore:
    raise AssertionError("this task needs no store")


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_what_a_task_has(name: str) -> None:
    module = importlib.import_module(TASKS[name])
    assert callable(module.judge)
    assert callable(module.show)
    assert task(name) is module


def test_an_unknown_task_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="'magic' is no task; there is: substitutes"):
        task("magic")


def triples(folder: Path, swapped: bool = False) -> Path:
    folder.mkdir()
    names = [f"n{number}" for number in range(12)]
    lines = [f"{names[a]}\t{relation}\t{names[(a + step) % 12]}\n"
             for relation, step in (("next", 1), ("across", 6)) for a in range(12)]  # fmt: skip
    lines = lines[::-1] if swapped else lines
    for part, rows in (("train", lines[:16]), ("valid", lines[16:20]), ("test", lines[20:])):
        (folder / f"{part}.txt").write_text("".join(rows), "utf-8")
    return folder


def trained(data: Path, runs: Path, name: str, model: str = "DistMult") -> None:
    config = runs.parent / f"{name}.toml"
    config.write_text(
        f'name = "{name}"\n[model]\nname = "{model}"\ndimension = 4\n[graph]\nfolder = "{data}"\n'
        "[training]\nepochs = 2\nbatch = 8\nnegatives = 2\n", "utf-8",
    )  # fmt: skip
    train(config, runs=runs)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for package in ("torch", "pykeen"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("link")
    one, other = triples(folder / "one"), triples(folder / "other", swapped=True)
    for data, name, model in ((one, "a", "DistMult"), (one, "b", "TransE"), (other, "c", "DistMult")):
        trained(data, folder / "runs", name, model)
    return folder / "runs"


def test_runs_stand_beside_each_other_with_the_baseline_of_their_own_triples(runs: Path) -> None:
    found = judge(Given(Setting("link-prediction", runs=runs), no_graph))
    assert [row["strategy"] for row in found["strategies"]] == ["popularity", "a", "b", "popularity", "c"]
    assert len(found["data_hashes"]) == 2
    metrics = json.loads((runs / "a" / "metrics.json").read_text("utf-8"))
    row = found["strategies"][1]
    assert row["mrr"]["mean"] == metrics["test"]["model"]["mrr"]
    assert row["mrr"]["low"] <= row["mrr"]["mean"] <= row["mrr"]["high"]
    assert row["queries"] == 2 * 4, "heads and tails are asked for"
    assert set(row["sides"]) == {"heads", "tails"}
    assert row["cost"]["bytes"] == (runs / "a" / "model.safetensors").stat().st_size


def test_a_folder_of_triples_chooses_the_runs_trained_on_it(runs: Path) -> None:
    chosen = judge(Given(Setting("link-prediction", data=runs.parent / "other", runs=runs), no_graph))
    assert [row["strategy"] for row in chosen["strategies"]] == ["popularity", "c"]
    fresh = triples(runs.parent / "fresh")
    (fresh / "test.txt").write_text("n0\tnext\tn2\n", "utf-8")
    with pytest.raises(ConfigError, match=r"none of the runs was trained on .*fresh; there are a, b, c"):
        judge(Given(Setting("link-prediction", data=fresh, runs=runs), no_graph))


def test_a_run_that_is_not_there_is_named_with_those_there_are(runs: Path) -> None:
    with pytest.raises(ConfigError, match="no finished run 'd' of a model of links; there are a, b, c"):
        judge(Given(Setting("link-prediction", strategies=("d",), runs=runs), no_graph))


def test_the_command_prints_them(runs: Path) -> None:
    shown = CliRunner().invoke(reelgraph.app, ["evaluate", "--task", "link-prediction", "--runs", str(runs)])
    assert shown.exit_code == 0, shown.output
    assert "Hits@10" in shown.stdout
    assert "TransE 4" in shown.stdout
    refused = CliRunner().invoke(reelgraph.app, ["evaluate", "--task", "link-prediction", "--runs", str(runs / "no")])
    assert isinstance(refused.exception, ConfigError)
